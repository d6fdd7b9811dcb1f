//! The life of one entity, told without the heartbeats in between.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::StoreError;
use crate::storage::{Source, StoredEvent};

use super::execute::for_each_row;
use super::explain::Explanation;
use super::filter::{Filter, Query, TimeRange};

/// The type of the events that say only that an agent lives.
const HEARTBEAT: &str = "agent_heartbeat";

/// A step in the life of an entity.
#[derive(Debug, Clone, PartialEq)]
pub enum TimelineEntry {
    /// An event that is no heartbeat.
    Event(StoredEvent),
    /// Heartbeats with no other event of the entity between them.
    Heartbeats {
        /// How many there were; at least one.
        count: u64,
        /// The time of the first, in µs since 1970.
        first_us: i64,
        /// The time of the last, in µs since 1970.
        last_us: i64,
    },
}

/// The timeline of an entity in a range of time, oldest first.
pub(super) fn timeline(
    sources: &[Arc<dyn Source>],
    entity: &str,
    range: TimeRange,
) -> Result<Vec<TimelineEntry>, StoreError> {
    let query = Query::new(Filter::entity(entity).and(Filter::Time(range)));
    let mut entries = Vec::new();
    for_each_row(sources, &query, &mut Explanation::default(), &mut |rows, row| {
        if &**rows.event_type(row) == HEARTBEAT {
            let time_us = rows.timestamp_us(row);
            if let Some(TimelineEntry::Heartbeats { count, last_us, .. }) = entries.last_mut() {
                *count += 1;
                *last_us = time_us;
            } else {
                entries.push(TimelineEntry::Heartbeats { count: 1, first_us: time_us, last_us: time_us });
            }
        } else {
            entries.push(TimelineEntry::Event(rows.stored_event(row)));
        }
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}
