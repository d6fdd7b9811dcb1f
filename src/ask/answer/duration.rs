//! Times between matched events: a start and the next end on the same entity.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::error::StoreError;
use crate::event::ValueRef;
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

/// A start with its end, if one came.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) entity: String,
    pub(super) start: StoredEvent,
    pub(super) end: Option<StoredEvent>,
}

impl Span {
    /// How long it took in seconds; until `now_us` where no end came.
    pub(super) fn seconds(&self, now_us: i64) -> f64 {
        let end_us = self.end.as_ref().map_or(now_us, |end| end.event.timestamp_us());
        end_us.saturating_sub(self.start.event.timestamp_us()) as f64 / 1e6
    }
}

/// The spans whose start passes `starts`; `ends` are the events that can end them.
pub(super) fn spans(
    snapshot: &Snapshot,
    starts: &Filter,
    ends: &Filter,
    start_types: &[String],
    field: &str,
) -> Result<Vec<Span>, StoreError> {
    let mut open: BTreeMap<String, StoredEvent> = BTreeMap::new();
    let mut all = Vec::new();
    let both = starts.clone().or(ends.clone());
    snapshot.for_each(&Query::new(both), &mut |stored| {
        let Some(entity) = stored.event.get(field).and_then(text) else { return ControlFlow::Continue(()) };
        let is_start = start_types.iter().any(|name| name == stored.event.event_type());
        if is_start && starts.matches(&stored) {
            // A second start before an end leaves the first one without.
            if let Some(start) = open.insert(entity.clone(), stored) {
                all.push(Span { entity, start, end: None });
            }
        } else if !is_start && let Some(start) = open.remove(&entity) {
            all.push(Span { entity, start, end: Some(stored) });
        }
        ControlFlow::Continue(())
    })?;
    all.extend(open.into_iter().map(|(entity, start)| Span { entity, start, end: None }));
    all.sort_by_key(|span| (span.start.event.timestamp_us(), span.start.sequence));
    Ok(all)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(text) => Some(text.to_owned()),
        _ => None,
    }
}
