//! Concepts and associations that follow from events, and are stored nowhere.

use std::ops::ControlFlow;

use crate::error::StoreError;
use crate::event::{ConceptId, Event, is_entity_value};
use crate::graph::concept::{Association, AssociationKind, Concept};
use crate::query::{Filter, Query};
use crate::store::Snapshot;

const SECOND_PREFIX: &str = "ts-";
const MICROS: i64 = 1_000_000;

/// The second that an id names, as its number since 1970.
fn second_named(id: &str) -> Option<i64> {
    let second = id.strip_prefix(SECOND_PREFIX)?.parse::<i64>().ok()?;
    // Only the one way in which a number is written names a second.
    (format!("{SECOND_PREFIX}{second}") == id).then_some(second)
}

/// The id of the concept of the second that a time (µs since 1970) lies in.
///
/// ```
/// use sutra_grid_events::graph::second_of;
/// assert_eq!(second_of(1_795_507_200_999_999), "ts-1795507200");
/// assert_eq!(second_of(-1), "ts--1");
/// ```
#[must_use]
pub fn second_of(timestamp_us: i64) -> String {
    format!("{SECOND_PREFIX}{}", timestamp_us.div_euclid(MICROS))
}

/// The concept of an entity or of a second, as it follows from the events: its content is its id. A writer to a
/// remote store learns these.
///
/// ```
/// use sutra_grid_events::graph::derived_concept;
/// assert_eq!(derived_concept("agent-001").content, "agent-001");
/// ```
#[must_use]
pub fn derived_concept(id: &str) -> Concept {
    Concept::new(id, id)
}

/// The events that make an id a concept: those that name it as an entity, and those of its second. Nothing where
/// no event can.
pub(super) fn events_of(id: &str) -> Option<Filter> {
    let named = is_entity_value(id).then(|| Filter::entity(id));
    let range = second_start(id).map(|since| Filter::between(since, since.checked_add(MICROS)));
    match (named, range) {
        (Some(named), Some(range)) => Some(named.or(range)),
        (named, range) => named.or(range),
    }
}

/// The start of a second that an id names, in µs.
pub(super) fn second_start(id: &str) -> Option<i64> {
    second_named(id)?.checked_mul(MICROS)
}

/// Whether any event makes this id a concept.
pub(super) fn exists(snapshot: &Snapshot, id: &str) -> Result<bool, StoreError> {
    let Some(filter) = events_of(id) else { return Ok(false) };
    let mut found = false;
    snapshot.for_each_row(&Query::new(filter).limit(1), &mut |_| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// The concept of an entity or of a second, if an event makes it one.
pub(super) fn find(snapshot: &Snapshot, id: &str) -> Result<Option<Concept>, StoreError> {
    Ok(exists(snapshot, id)?.then(|| derived_concept(id)))
}

/// The ids that an event is associated with by itself: its entities in the order of its fields, each once, and
/// its second.
pub(super) fn named_by(event: &Event) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for entity in event.entities() {
        if !ids.contains(&entity.value) {
            ids.push(entity.value);
        }
    }
    let second = second_of(event.timestamp_us());
    if !ids.contains(&second) {
        ids.push(second);
    }
    ids
}

/// Whether an association follows from an event at its one end.
pub(super) fn follows_from(association: &Association, event_id: &ConceptId, event: &Event) -> bool {
    match association.kind {
        AssociationKind::Temporal => {
            association.source == event_id.to_string() && association.target == second_of(event.timestamp_us())
        }
        AssociationKind::Event(code) => {
            code == event.association_code()
                && association.target == event_id.to_string()
                && event.entities().iter().any(|entity| entity.value == association.source)
        }
        _ => false,
    }
}

/// The id of the event from which an association could follow.
pub(super) fn event_end(association: &Association) -> Option<ConceptId> {
    match association.kind {
        AssociationKind::Temporal => association.source.parse().ok(),
        AssociationKind::Event(_) => association.target.parse().ok(),
        _ => None,
    }
}

/// Whether an association follows from an event of the store. Where two events of one type share a microsecond,
/// a writer gives both the same id and the store tells them apart: the association of either follows then.
pub(super) fn follows(snapshot: &Snapshot, association: &Association) -> Result<bool, StoreError> {
    let Some(id) = event_end(association) else { return Ok(false) };
    let Some(stored) = snapshot.get(&id)? else { return Ok(false) };
    if follows_from(association, &id, &stored.event) {
        return Ok(true);
    }
    let AssociationKind::Event(code) = association.kind else { return Ok(false) };
    if code != stored.event.association_code() || !is_entity_value(&association.source) {
        return Ok(false);
    }
    let time = id.timestamp_us();
    let same_moment = Filter::event_type(id.event_type()).and(Filter::between(time, time.checked_add(1)));
    let named = Query::new(same_moment.and(Filter::entity(association.source.as_str()))).limit(1);
    Ok(!snapshot.ids(&named)?.is_empty())
}
