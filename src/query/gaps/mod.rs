//! Where the record is known to be incomplete, so that "0 events" never stands for "nobody knows".
//!
//! ```text
//! removals, losses (noted) ─┐
//! holes in the numbers ─────┼─► those that a filter is about ─► merged, in order of time
//! problems, damaged blocks ─┘
//! ```
//!
//! A filter is understood with care: a gap is left out only if no event in it could have matched.

mod sources;
mod stretches;

pub(crate) use sources::unaccounted;

use serde::{Serialize, Serializer};

use crate::error::StoreError;
use crate::event::timestamp;
use crate::store::{Snapshot, Store};

use super::compile::CompiledFilter;
use super::filter::{Filter, TimeRange};

pub(crate) use stretches::Stretches;

/// The most gaps that are given for one filter. Those that follow are told in the last one.
pub const GAPS_MAX: usize = 100;

/// A stretch of the record that is known to be incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// From when, in µs since 1970, if that is known. As JSON an RFC 3339 time, named `since`.
    #[serde(rename = "since", serialize_with = "as_time")]
    pub since_us: Option<i64>,
    /// Until when, in µs since 1970, if that is known and not now. As JSON an RFC 3339 time, named `until`.
    #[serde(rename = "until", serialize_with = "as_time")]
    pub until_us: Option<i64>,
    /// How many events are missing, if that is known.
    pub events: Option<u64>,
    /// The first sequence number that may be missing, if that is known.
    pub first_sequence: Option<u64>,
    /// The last sequence number that may be missing, if that is known.
    pub last_sequence: Option<u64>,
    /// The only type of which events are missing, if there is one.
    pub event_type: Option<String>,
    /// Why.
    pub cause: GapCause,
    /// Why, in words.
    pub reason: String,
}

/// Why the record is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapCause {
    /// Retention removed what was there.
    Removed,
    /// Retention thinned events out that say nothing new.
    Thinned,
    /// Numbers are missing, and nothing says why; or they could not be salvaged.
    Lost,
    /// A file is damaged, or a part of one.
    Damaged,
    /// Input was not accepted, since it was no event.
    Rejected,
    /// The end of a log is torn, as after a crash, or just being written.
    Torn,
    /// Nothing at all is recorded.
    NoData,
    /// Something that is usually heard of was not.
    Silent,
}

impl Gap {
    /// A gap of which nothing is known but its time, its cause and the reason in words.
    #[must_use]
    pub fn new(since_us: Option<i64>, until_us: Option<i64>, cause: GapCause, reason: impl Into<String>) -> Self {
        Self {
            since_us,
            until_us,
            events: None,
            first_sequence: None,
            last_sequence: None,
            event_type: None,
            cause,
            reason: reason.into(),
        }
    }

    fn with_sequences(mut self, first: Option<u64>, last: Option<u64>) -> Self {
        (self.first_sequence, self.last_sequence) = (first, last);
        self
    }

    fn with_events(mut self, events: Option<u64>) -> Self {
        self.events = events;
        self
    }

    fn of_type(mut self, event_type: Option<String>) -> Self {
        self.event_type = event_type;
        self
    }

    /// Adds another gap to this one, if both are parts of one.
    fn merge(&mut self, other: &Self) -> bool {
        let same = (self.cause, &self.event_type) == (other.cause, &other.event_type);
        let follows = match (self.last_sequence, other.first_sequence) {
            (Some(last), Some(first)) => first <= last.saturating_add(1) && Some(first) >= self.first_sequence,
            _ => false,
        };
        if !same || !follows || self.reason != other.reason {
            return false;
        }
        self.last_sequence = self.last_sequence.max(other.last_sequence);
        self.since_us = self.since_us.and_then(|since| Some(since.min(other.since_us?)));
        self.until_us = self.until_us.and_then(|until| Some(until.max(other.until_us?)));
        self.events = self.events.and_then(|events| Some(events.saturating_add(other.events?)));
        true
    }
}

/// What a gap must touch to be told: the times and types of a filter.
pub(super) struct Scope<'a> {
    filter: CompiledFilter<'a>,
    range: TimeRange,
}

impl<'a> Scope<'a> {
    fn new(filter: &'a Filter) -> Self {
        let filter = CompiledFilter::new(filter);
        Self { range: filter.root.range(), filter }
    }

    fn touches(&self, gap: &Gap) -> bool {
        self.range.overlaps(gap.since_us.unwrap_or(i64::MIN), gap.until_us.unwrap_or(i64::MAX))
            && gap.event_type.as_deref().is_none_or(|name| self.filter.root.may_match_type(name))
    }
}

/// The reason of a gap in which nothing is recorded.
pub(crate) const NO_DATA: &str = "no event of any kind is recorded in this time";

impl Store {
    /// Where the record is known to be incomplete, as far as a filter is about it: ordered by time, adjacent gaps of
    /// one cause merged, at most [`GAPS_MAX`].
    ///
    /// Costs the number of segments and of removals and losses noted, not of events.
    ///
    /// # Errors
    /// If the store is open for writing and what it knows of its record cannot be written. What cannot be read is a
    /// gap itself.
    ///
    /// ```
    /// use sutra_grid_events::store::{Loss, LossCause};
    /// use sutra_grid_events::{Filter, Store};
    ///
    /// let directory = tempfile::tempdir().unwrap();
    /// let store = Store::open(directory.path())?;
    /// assert!(store.gaps(&Filter::All)?.is_empty());
    /// store.note_loss(&Loss { events: Some(3), ..Loss::new(LossCause::Rejected, "old.jsonl: no time") })?;
    /// assert_eq!(store.gaps(&Filter::event_type("node_crashed"))?[0].events, Some(3));
    /// # Ok::<(), sutra_grid_events::StoreError>(())
    /// ```
    pub fn gaps(&self, filter: &Filter) -> Result<Vec<Gap>, StoreError> {
        self.gaps_in(&self.snapshot(), filter)
    }

    /// As [`gaps`](Self::gaps), for a snapshot that was taken of the store: with the damaged blocks that it met.
    ///
    /// # Errors
    /// As [`gaps`](Self::gaps).
    pub fn gaps_in(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Vec<Gap>, StoreError> {
        let mut gaps = self.known_gaps(snapshot, filter)?;
        // Where nothing at all was recorded, a count of nothing says nothing.
        let range = CompiledFilter::new(filter).root.range();
        let is_bounded = range != TimeRange::default() && !range.is_empty();
        if is_bounded && gaps.is_empty() && snapshot.count(&Filter::Time(range))? == 0 {
            gaps.push(Gap::new(range.since_us, range.until_us, GapCause::NoData, NO_DATA));
        }
        Ok(gaps)
    }

    /// As [`gaps_in`](Self::gaps_in), but for times in which nothing is recorded.
    pub(crate) fn known_gaps(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Vec<Gap>, StoreError> {
        let scope = Scope::new(filter);
        if scope.range.is_empty() {
            return Ok(Vec::new());
        }
        let found = sources::all(self, snapshot, scope.range)?;
        Ok(bounded(merged(found.into_iter().filter(|gap| scope.touches(gap)).collect())))
    }
}

impl Snapshot {
    /// The damaged blocks that queries of this store have met so far, and went on over. Their events are counted where
    /// the indices alone answer, and given by no query.
    #[must_use]
    pub fn damage_met(&self) -> Vec<Gap> {
        bounded(merged(sources::unreadable(self).collect()))
    }
}

/// Brings gaps into the order of time and merges those that are parts of one.
fn merged(mut gaps: Vec<Gap>) -> Vec<Gap> {
    // Parts of one gap follow on each other in the order of their numbers; times may be in any order.
    gaps.sort_by(|a, b| {
        let of_one = (a.cause, &a.event_type, &a.reason).cmp(&(b.cause, &b.event_type, &b.reason));
        of_one.then(a.first_sequence.cmp(&b.first_sequence))
    });
    gaps.dedup_by(|next, before| before == next || before.merge(next));
    gaps.sort_by_key(|gap| (gap.since_us, gap.until_us, gap.first_sequence));
    for gap in &mut gaps {
        gap.complete_reason();
    }
    gaps
}

impl Gap {
    /// Says how many events a reason is about, which is known only once gaps were merged.
    fn complete_reason(&mut self) {
        let numbers = match (self.first_sequence, self.last_sequence) {
            (Some(first), Some(last)) if first == last => format!("number {first}"),
            (Some(first), Some(last)) => format!("numbers {first} to {last}"),
            _ => String::new(),
        };
        self.reason = match (self.cause, self.events) {
            (GapCause::Removed | GapCause::Thinned, Some(events)) => {
                let kind = self.event_type.as_deref().map(|name| format!(" of type {name}")).unwrap_or_default();
                format!("{events} events{kind} {}", self.reason)
            }
            (GapCause::Lost, Some(1)) if !numbers.is_empty() => format!("the event with {numbers} {}", self.reason),
            (GapCause::Lost, Some(events)) if !numbers.is_empty() => {
                format!("{events} events, with {numbers}, {}", self.reason)
            }
            _ => std::mem::take(&mut self.reason),
        };
    }
}

/// At most [`GAPS_MAX`] gaps: the last stands for all that follow.
fn bounded(mut gaps: Vec<Gap>) -> Vec<Gap> {
    if gaps.len() > GAPS_MAX {
        let rest = gaps.split_off(GAPS_MAX - 1);
        let since_us = rest.iter().map(|gap| gap.since_us).min().flatten();
        let until_us = rest.iter().map(|gap| gap.until_us.unwrap_or(i64::MAX)).max().filter(|until| *until < i64::MAX);
        let cause = rest.iter().map(|gap| gap.cause).max().unwrap_or(GapCause::Lost);
        gaps.push(Gap::new(since_us, until_us, cause, format!("{} further gaps", rest.len())));
    }
    gaps
}

#[allow(clippy::ref_option)] // The signature is that of serde.
fn as_time<S: Serializer>(time_us: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    time_us.map(timestamp::format).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(since_us: i64, until_us: i64, event_type: Option<&str>) -> Gap {
        Gap::new(Some(since_us), Some(until_us), GapCause::Removed, "were removed")
            .of_type(event_type.map(str::to_owned))
    }

    #[test]
    fn a_gap_is_told_to_those_whom_it_may_concern() {
        let crashes = Filter::event_type("node_crashed");
        let beats = gap(10, 20, Some("agent_heartbeat"));
        let all = gap(10, 20, None);
        for (filter, by_type, by_all) in [
            (Filter::All, true, true),
            (crashes.clone(), false, true),
            (crashes.clone().not(), true, true),
            (Filter::event_type("agent_heartbeat").not(), false, true),
            (crashes.clone().or(Filter::event_type("agent_heartbeat")), true, true),
            (Filter::field("event_type").contains("heart"), true, true),
            (Filter::field("event_type").contains("crash"), false, true),
            (Filter::entity("node-a"), true, true),
            (Filter::between(0, 10), false, false),
            (Filter::between(0, 11), true, true),
            (Filter::between(21, None), false, false),
            (Filter::between(20, None).and(crashes.clone()), false, true),
            (Filter::between(30, 40).or(Filter::between(0, 5)), true, true),
            // Types and times are looked at one by one.
            (Filter::between(30, 40).or(crashes), true, true),
            (Filter::field("timestamp").at_least("2026-11-24T12:00:00Z"), false, false),
            (Filter::Or(vec![]), false, false),
        ] {
            let scope = Scope::new(&filter);
            assert_eq!((scope.touches(&beats), scope.touches(&all)), (by_type, by_all), "{filter}");
        }
        let everywhere = Gap::new(None, None, GapCause::Damaged, "x");
        assert!(Scope::new(&Filter::between(5, 6)).touches(&everywhere));
    }

    #[test]
    fn parts_of_a_gap_are_one() {
        let part = |first: u64, last: u64, us: i64| {
            gap(us, us + 1, None).with_sequences(Some(first), Some(last)).with_events(Some(last - first + 1))
        };
        let gaps = merged(vec![part(11, 20, 0), part(1, 10, 5), part(31, 40, 9), part(31, 40, 9)]);
        assert_eq!(gaps.len(), 2, "{gaps:?}");
        assert_eq!((gaps[0].since_us, gaps[0].until_us, gaps[0].events), (Some(0), Some(6), Some(20)));
        assert_eq!(gaps[0].reason, "20 events were removed");
        assert_eq!((gaps[1].first_sequence, gaps[1].events), (Some(31), Some(10)));
    }

    #[test]
    fn there_are_never_too_many() {
        let many = (0..500).map(|us| Gap::new(Some(us), Some(us), GapCause::Lost, format!("{us}"))).collect();
        let gaps = bounded(merged(many));
        assert_eq!(gaps.len(), GAPS_MAX);
        let last = &gaps[GAPS_MAX - 1];
        assert_eq!((last.since_us, last.until_us, last.reason.as_str()), (Some(99), Some(499), "401 further gaps"));
    }
}
