//! The questions that a snapshot answers, and the store for what it holds at the moment.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::error::StoreError;
use crate::event::ConceptId;
use crate::storage::StoredEvent;
use crate::store::{Snapshot, Store};

use super::aggregate;
use super::execute::for_each_row;
use super::explain::Explanation;
use super::filter::{Filter, PageCursor, Query, TimeRange};
use super::groups::{Bin, GroupKey, Groups};
use super::scan::{self, OnDamage};
use super::time_counts;
use super::timeline::{self, TimelineEntry};

/// The answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    /// The events in the order of the query, up to its limit.
    pub events: Vec<StoredEvent>,
    /// Whether more events match than the limit let through.
    pub matched_more: bool,
    /// Where the next page starts, if there is one: give it to [`Query::after`].
    pub next: Option<PageCursor>,
    /// What the answer took.
    pub explanation: Explanation,
}

impl Snapshot {
    /// The events of a query in its order, up to its limit. Like all answers, it goes on over damaged blocks and says
    /// so with [`damage_met`](Self::damage_met).
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn query(&self, query: &Query) -> Result<QueryResult, StoreError> {
        let started = Instant::now();
        let mut explanation = self.explanation(query);
        let limit = query.limit.unwrap_or(usize::MAX);
        // One more than asked for says whether there is a next page.
        let ahead = Query { limit: query.limit.map(|limit| limit.saturating_add(1)), ..query.clone() };
        let (mut events, mut matched_more, mut next) = (Vec::new(), false, query.after);
        for_each_row(self.sources(), &ahead, &mut explanation, &mut |rows, row| {
            if events.len() == limit {
                matched_more = true;
                return ControlFlow::Break(());
            }
            next = Some(PageCursor { timestamp_us: rows.timestamp_us(row), sequence: rows.sequence(row) });
            events.push(rows.stored_event(row));
            ControlFlow::Continue(())
        })?;
        explanation.rows_returned = events.len() as u64;
        explanation.micros = micros_since(started);
        Ok(QueryResult { events, matched_more, next: next.filter(|_| matched_more), explanation })
    }

    /// The ids of the events of a query in its order, up to its limit. No event is built.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn ids(&self, query: &Query) -> Result<Vec<ConceptId>, StoreError> {
        let mut ids = Vec::new();
        for_each_row(self.sources(), query, &mut Explanation::default(), &mut |rows, row| {
            ids.push(rows.id(row));
            ControlFlow::Continue(())
        })?;
        Ok(ids)
    }

    /// Visits the events of a query in its order, up to its limit or until the visitor breaks. Of all
    /// events only the blocks that the order needs side by side are in memory.
    ///
    /// # Errors
    /// As [`query`](Self::query); events visited before stay visited.
    pub fn for_each(
        &self,
        query: &Query,
        visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for_each_row(self.sources(), query, &mut Explanation::default(), &mut |rows, row| {
            visitor(rows.stored_event(row))
        })
    }

    /// Visits all events behind a sequence number in the order of arrival, until the visitor breaks. Damaged blocks
    /// are passed over, see [`damage_met`](Self::damage_met).
    ///
    /// # Errors
    /// As [`query`](Self::query); events visited before stay visited.
    pub fn scan(
        &self,
        after_sequence: u64,
        visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        scan::scan(self.sources(), after_sequence, OnDamage::PassOver, visitor)
    }

    /// As [`scan`](Self::scan), for those who must not leave out an event unnoticed: a damaged block is an error.
    pub(crate) fn scan_whole(
        &self,
        after_sequence: u64,
        visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        scan::scan(self.sources(), after_sequence, OnDamage::Fail, visitor)
    }

    /// The event with an id, if it is there.
    ///
    /// # Errors
    /// As [`query`](Self::query), and if it is not found and a block that may hold it is damaged.
    pub fn get(&self, id: &ConceptId) -> Result<Option<StoredEvent>, StoreError> {
        scan::get(self.sources(), id)
    }

    /// How many events are in a filter. Types, entities and whole blocks of time are counted without
    /// reading an event.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        aggregate::count(self.sources(), filter, &mut Explanation::default())
    }

    /// How many events of a filter there are by key.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn group_by(&self, filter: &Filter, key: &GroupKey) -> Result<Groups, StoreError> {
        self.top(filter, key, usize::MAX)
    }

    /// The `k` largest groups of [`group_by`](Self::group_by). Events of the others are in no group, and
    /// not among the ungrouped either.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn top(&self, filter: &Filter, key: &GroupKey, k: usize) -> Result<Groups, StoreError> {
        let counts = aggregate::count_by_key(self.sources(), filter, key, &mut Explanation::default())?;
        Ok(counts.into_groups(k))
    }

    /// How many different values a field has among the events of a filter: values whose texts (as in
    /// [`GroupKey::Field`]) are the same count once, `null` not at all.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn distinct(&self, filter: &Filter, field: &str) -> Result<u64, StoreError> {
        let key = GroupKey::Field(field.to_owned());
        Ok(aggregate::count_by_key(self.sources(), filter, &key, &mut Explanation::default())?.len())
    }

    /// The events of a filter by bins of `bin_us` µs (at least one), in the order of time. Empty bins
    /// between filled ones are included, unless that makes more than
    /// [`HISTOGRAM_BINS_MAX`](super::HISTOGRAM_BINS_MAX) bins: then no empty bin is.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn histogram(&self, filter: &Filter, bin_us: i64) -> Result<Vec<Bin>, StoreError> {
        time_counts::histogram(self.sources(), filter, bin_us, &mut Explanation::default())
    }

    /// The life of an entity in a range of time, oldest first, with consecutive heartbeats folded.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn timeline(&self, entity: &str, range: TimeRange) -> Result<Vec<TimelineEntry>, StoreError> {
        timeline::timeline(self.sources(), entity, range)
    }

    /// Runs a query and tells what it took instead of what it found.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn explain(&self, query: &Query) -> Result<Explanation, StoreError> {
        let started = Instant::now();
        let mut explanation = self.explanation(query);
        let mut rows_returned = 0;
        for_each_row(self.sources(), query, &mut explanation, &mut |_, _| {
            rows_returned += 1;
            ControlFlow::Continue(())
        })?;
        Ok(Explanation { rows_returned, micros: micros_since(started), ..explanation })
    }

    fn explanation(&self, query: &Query) -> Explanation {
        Explanation { query: query.clone(), sources: self.sources().len() as u64, ..Explanation::default() }
    }
}

fn micros_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Each of these takes a [`Snapshot`] and asks it. To ask several questions about the same moment, take
/// one with [`Store::snapshot`] and ask that.
impl Store {
    /// See [`Snapshot::query`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    ///
    /// ```
    /// use sutra_grid_events::{Event, Filter, Query, Store};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// let store = Store::open(directory.path().join("grid-events"))?;
    /// for second in 10..15 {
    ///     let event = Event::from_json(&format!(
    ///         r#"{{"event_type":"stop_requested","node_id":"n","agent_id":"a","timestamp":"2026-11-24T08:00:{second}Z"}}"#
    ///     ))?;
    ///     store.append(&[event])?;
    /// }
    /// let mut query = Query::new(Filter::entity_of("agent_id", "a")).newest_first().limit(2);
    /// let mut pages = Vec::new();
    /// loop {
    ///     let page = store.query(&query)?;
    ///     pages.push(page.events.len());
    ///     let Some(next) = page.next else { break };
    ///     query = query.after(next);
    /// }
    /// assert_eq!(pages, [2, 2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn query(&self, query: &Query) -> Result<QueryResult, StoreError> {
        self.snapshot().query(query)
    }

    /// See [`Snapshot::ids`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn ids(&self, query: &Query) -> Result<Vec<ConceptId>, StoreError> {
        self.snapshot().ids(query)
    }

    /// See [`Snapshot::for_each`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn for_each(
        &self,
        query: &Query,
        visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.snapshot().for_each(query, visitor)
    }

    /// See [`Snapshot::scan`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn scan(
        &self,
        after_sequence: u64,
        visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.snapshot().scan(after_sequence, visitor)
    }

    /// See [`Snapshot::get`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn get(&self, id: &ConceptId) -> Result<Option<StoredEvent>, StoreError> {
        self.snapshot().get(id)
    }

    /// See [`Snapshot::count`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.snapshot().count(filter)
    }

    /// See [`Snapshot::group_by`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    ///
    /// ```
    /// use sutra_grid_events::query::{Filter, GroupKey};
    /// use sutra_grid_events::{Event, Store};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// let store = Store::open(directory.path().join("grid-events"))?;
    /// for agent in ["agent-1", "agent-2", "agent-1"] {
    ///     let event = Event::from_json(&format!(
    ///         r#"{{"event_type":"node_crashed","node_id":"n","agent_id":"{agent}","exit_code":9,"timestamp":"2026-11-24T08:00:00Z"}}"#
    ///     ))?;
    ///     store.append(&[event])?;
    /// }
    /// let by_agent = store.group_by(&Filter::event_type("node_crashed"), &GroupKey::Field("agent_id".into()))?;
    /// let largest = &by_agent.groups[0];
    /// assert_eq!((largest.key.as_str(), largest.count), ("agent-1", 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn group_by(&self, filter: &Filter, key: &GroupKey) -> Result<Groups, StoreError> {
        self.snapshot().group_by(filter, key)
    }

    /// See [`Snapshot::top`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn top(&self, filter: &Filter, key: &GroupKey, k: usize) -> Result<Groups, StoreError> {
        self.snapshot().top(filter, key, k)
    }

    /// See [`Snapshot::distinct`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn distinct(&self, filter: &Filter, field: &str) -> Result<u64, StoreError> {
        self.snapshot().distinct(filter, field)
    }

    /// See [`Snapshot::histogram`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn histogram(&self, filter: &Filter, bin_us: i64) -> Result<Vec<Bin>, StoreError> {
        self.snapshot().histogram(filter, bin_us)
    }

    /// See [`Snapshot::timeline`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn timeline(&self, entity: &str, range: TimeRange) -> Result<Vec<TimelineEntry>, StoreError> {
        self.snapshot().timeline(entity, range)
    }

    /// See [`Snapshot::explain`].
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn explain(&self, query: &Query) -> Result<Explanation, StoreError> {
        self.snapshot().explain(query)
    }
}
