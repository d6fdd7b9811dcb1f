//! Times between matched events: a start and the next end on the same entity.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::error::StoreError;
use crate::event::CLUSTER;
use crate::query::{Filter, Query, TimeRange};
use crate::store::{Snapshot, StoredEvent};

/// A start with its end, if one came.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) entity: String,
    pub(super) start: StoredEvent,
    pub(super) end_us: Option<i64>,
}

impl Span {
    /// How long it took, in seconds: of what lies in the range, and until now where no end came.
    pub(super) fn seconds_in(&self, range: TimeRange, now_us: i64) -> f64 {
        let start_us = self.start.event.timestamp_us().max(range.since_us.unwrap_or(i64::MIN));
        let end_us = self.end_us.unwrap_or(now_us).min(range.until_us.unwrap_or(i64::MAX)).max(start_us);
        seconds(end_us.saturating_sub(start_us))
    }

    /// Whether any of it lies in the range.
    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        range.until_us.is_none_or(|until| self.start.event.timestamp_us() < until)
            && range.since_us.is_none_or(|since| self.end_us.is_none_or(|end| end > since))
    }
}

#[allow(clippy::cast_precision_loss)] // Seconds of any length of time that events can have, to the µs.
pub(super) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// What is to be matched.
pub(super) struct Matching<'a> {
    /// The types of the start.
    pub(super) start_types: &'a [String],
    /// The types of the end.
    pub(super) end_types: &'a [String],
    /// The field that both share.
    pub(super) field: &'a str,
    /// Whether a start opens a state that lasts until its end: a second start changes nothing then.
    /// Of requests each is one of its own, and a second one leaves the first without an end.
    pub(super) is_state: bool,
}

/// The spans of all events of a filter, which names no types; starts and ends in the order of time.
pub(super) fn spans(snapshot: &Snapshot, about: &Filter, matching: &Matching<'_>) -> Result<Vec<Span>, StoreError> {
    let types = matching.start_types.iter().chain(matching.end_types).map(String::as_str);
    let both = about.clone().and(crate::ask::filters::of_types(types));
    let mut open: BTreeMap<String, StoredEvent> = BTreeMap::new();
    let mut all = Vec::new();
    snapshot.for_each_row(&Query::new(both), &mut |row| {
        let entity = if matching.field == CLUSTER { Some(CLUSTER) } else { row.text(matching.field) };
        let Some(entity) = entity else { return ControlFlow::Continue(()) };
        if matching.start_types.iter().any(|name| name == row.event_type()) {
            if !(matching.is_state && open.contains_key(entity)) {
                let before = open.insert(entity.to_owned(), row.stored_event());
                all.extend(before.map(|start| Span { entity: entity.to_owned(), start, end_us: None }));
            }
        } else if let Some((entity, start)) = open.remove_entry(entity) {
            all.push(Span { entity, start, end_us: Some(row.timestamp_us()) });
        }
        ControlFlow::Continue(())
    })?;
    all.extend(open.into_iter().map(|(entity, start)| Span { entity, start, end_us: None }));
    all.sort_by_key(|span| (span.start.event.timestamp_us(), span.start.sequence));
    Ok(all)
}
