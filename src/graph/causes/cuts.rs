//! What cuts a cause off from later events: the boundary of a life, or an event that ends what it could bring about.

use std::collections::HashMap;

use crate::error::StoreError;
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

use super::links::{EVENTS_OF_A_RULE_MAX, place, within};
use super::rules::of_types;

/// The events of some types about the entity that a cause names under a field; nothing if it names none there.
pub(super) fn cutting(types: &[String], field: &str, cause: &StoredEvent) -> Option<Filter> {
    let entity = cause.event.entities().into_iter().find(|entity| entity.field == field)?;
    (!types.is_empty()).then(|| of_types(types).and(Filter::entity_of(field, entity.value)))
}

/// What cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CutKind {
    /// The boundary of a life.
    Life,
    /// The types that a rule names.
    Rule,
}

/// The last cutting events before one effect, for one rule, by the entity that they cut.
#[derive(Default)]
pub(super) struct Cuts {
    last: HashMap<(CutKind, String), Option<StoredEvent>>,
}

impl Cuts {
    /// Whether an event of some types about an entity of the cause lies between cause and effect.
    pub(super) fn between(
        &mut self,
        snapshot: &Snapshot,
        kind: CutKind,
        (types, field): (&[String], &str),
        cause: &StoredEvent,
        effect: &StoredEvent,
        window_us: i64,
    ) -> Result<bool, StoreError> {
        if types.is_empty() || place(cause) >= place(effect) {
            return Ok(false);
        }
        let Some(entity) = cause.event.entities().into_iter().find(|entity| entity.field == field) else {
            return Ok(false);
        };
        let key = (kind, entity.value);
        let last = match self.last.get(&key) {
            Some(last) => last,
            None => {
                let filter = of_types(types).and(Filter::entity_of(field, &key.1));
                let time = effect.event.timestamp_us();
                let query = Query::new(within(filter, time.saturating_sub(window_us), time)).newest_first();
                let events = snapshot.query(&query.limit(EVENTS_OF_A_RULE_MAX))?.events;
                let last = events.into_iter().find(|event| place(event) < place(effect));
                self.last.entry(key).or_insert(last)
            }
        };
        Ok(last.as_ref().is_some_and(|last| place(last) > place(cause)))
    }
}
