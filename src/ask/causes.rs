//! The chain behind "why", for an answer: declared causes first, else the course of the same entity.

use super::answer::Link;
use super::question::Direction;
use crate::error::StoreError;
use crate::event::Event;
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

/// The most steps of a chain.
const STEPS_MAX: usize = 12;
/// A cause on the same entity is looked for this far back, in µs: a node can live for weeks before it crashes.
const ENTITY_WINDOW_US: i64 = 90 * 86_400_000_000;
/// A cause without an entity in common is looked for this far back, in µs.
const CLUSTER_WINDOW_US: i64 = 3_600_000_000;

fn window_us(field: &str) -> i64 {
    if field.is_empty() { CLUSTER_WINDOW_US } else { ENTITY_WINDOW_US }
}

/// What can lead to what on the same entity: the effect, and its causes with the field that they share.
const LEADS: &[(&str, &[&str], &str)] = &[
    ("node_crashed", &["spawn_succeeded", "node_restarted"], "node_id"),
    ("node_restarted", &["node_crashed"], "node_id"),
    ("spawn_succeeded", &["spawn_requested"], "node_id"),
    ("spawn_failed", &["node_crashed", "spawn_requested"], "node_id"),
    ("stop_succeeded", &["stop_requested"], "node_id"),
    ("stop_failed", &["stop_requested"], "node_id"),
    ("agent_offline", &["agent_degraded"], "agent_id"),
    ("agent_recovered", &["agent_offline", "agent_degraded"], "agent_id"),
    ("cluster_degraded", &["agent_offline", "agent_degraded"], ""),
    ("cluster_critical", &["agent_offline", "cluster_degraded"], ""),
    ("cluster_healthy", &["agent_recovered"], ""),
];

/// The chain from the root to the event, or from the event to what came of it.
pub(super) fn chain(snapshot: &Snapshot, event: &StoredEvent, direction: Direction) -> Result<Vec<Link>, StoreError> {
    let mut steps = vec![(event.clone(), "asked".to_owned())];
    while steps.len() < STEPS_MAX {
        let Some((last, _)) = steps.last() else { break };
        let next = match direction {
            Direction::Causes => cause_of(snapshot, last)?,
            Direction::Effects => effect_of(snapshot, last)?,
        };
        match next {
            Some((found, grade)) if !steps.iter().any(|(known, _)| known.id == found.id) => {
                if let Some((_, slot)) = steps.last_mut() {
                    slot.clone_from(&grade);
                }
                steps.push((found, grade));
            }
            _ => break,
        }
    }
    if direction == Direction::Causes {
        steps.reverse();
    }
    let count = steps.len();
    let links = steps.into_iter().enumerate().map(|(place, (stored, grade))| Link {
        id: stored.id.to_string(),
        role: match (direction, place) {
            (Direction::Causes, place) if place + 1 == count => "asked".to_owned(),
            (Direction::Causes, 0) => "root".to_owned(),
            (Direction::Effects, 0) => "asked".to_owned(),
            (Direction::Effects, _) => "effect".to_owned(),
            _ => "cause".to_owned(),
        },
        grade,
        text: described(&stored.event),
    });
    Ok(links.collect())
}

fn cause_of(snapshot: &Snapshot, effect: &StoredEvent) -> Result<Option<(StoredEvent, String)>, StoreError> {
    for id in effect.event.causes() {
        if let Some(cause) = snapshot.get(&id)? {
            return Ok(Some((cause, "declared".to_owned())));
        }
    }
    let at_us = effect.event.timestamp_us();
    let Some((_, causes, field)) = LEADS.iter().find(|(name, ..)| *name == effect.event.event_type()) else {
        return Ok(None);
    };
    let kinds = Filter::Or(causes.iter().map(|name| Filter::event_type(*name)).collect());
    let mut filter = kinds.and(Filter::between(at_us.saturating_sub(window_us(field)), at_us.saturating_add(1)));
    if let Some(entity) = entity_of(&effect.event, field) {
        filter = filter.and(Filter::entity_of(*field, entity));
    }
    let newest = snapshot.query(&Query::new(filter).newest_first().limit(2))?.events;
    let cause = newest.into_iter().find(|found| found.id != effect.id);
    Ok(cause.map(|cause| (cause, if field.is_empty() { "inferred" } else { "matched" }.to_owned())))
}

fn effect_of(snapshot: &Snapshot, cause: &StoredEvent) -> Result<Option<(StoredEvent, String)>, StoreError> {
    let at_us = cause.event.timestamp_us();
    let effects: Vec<&(&str, &[&str], &str)> =
        LEADS.iter().filter(|(_, causes, _)| causes.contains(&cause.event.event_type())).collect();
    let mut best: Option<(StoredEvent, String)> = None;
    let declared = Filter::field(crate::event::CAUSED_BY)
        .contains(cause.id.to_string())
        .and(Filter::between(at_us.saturating_sub(2_000_000), at_us.saturating_add(ENTITY_WINDOW_US)));
    if let Some(found) = snapshot.query(&Query::new(declared).limit(1))?.events.into_iter().next() {
        return Ok(Some((found, "declared".to_owned())));
    }
    for (effect, _, field) in effects {
        let mut filter =
            Filter::event_type(*effect).and(Filter::between(at_us, at_us.saturating_add(window_us(field))));
        if let Some(entity) = entity_of(&cause.event, field) {
            filter = filter.and(Filter::entity_of(*field, entity));
        }
        let first = snapshot.query(&Query::new(filter).limit(2))?.events.into_iter().find(|found| found.id != cause.id);
        if let Some(found) = first
            && best.as_ref().is_none_or(|(known, _)| found.event.timestamp_us() < known.event.timestamp_us())
        {
            best = Some((found, if field.is_empty() { "inferred" } else { "matched" }.to_owned()));
        }
    }
    Ok(best)
}

fn entity_of(event: &Event, field: &str) -> Option<String> {
    event.entities().into_iter().find(|entity| entity.field == field).map(|entity| entity.value)
}

/// The event as a sentence, with a hint where its exit code tells more.
fn described(event: &Event) -> String {
    let mut text = event.to_description();
    if let Some(code) = event.get("exit_code").and_then(crate::event::ValueRef::as_f64) {
        let hint = match code as i64 {
            -9 | 137 => " (killed by SIGKILL, consistent with out of memory)",
            -11 | 139 => " (segmentation fault, SIGSEGV)",
            -6 | 134 => " (aborted, SIGABRT)",
            -15 | 143 => " (terminated, SIGTERM)",
            _ => "",
        };
        text.push_str(hint);
    }
    text
}
