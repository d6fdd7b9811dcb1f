//! States, replayed from events: what the last thing said of an entity left behind, and since when.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::EntityState;
use crate::ask::filters::{newest, of_types};
use crate::error::StoreError;
use crate::event::{CLUSTER, ConceptId, timestamp};
use crate::query::{Filter, GroupKey, Query};
use crate::store::Snapshot;

/// The state of what was never spoken of.
pub(super) const UNKNOWN: &str = "unknown";
/// What says that an agent lives, and there are very many of it.
const HEARTBEAT: &str = "agent_heartbeat";
const HEALTHY: &str = "healthy";
/// Entities whose beginning of a state is looked up one by one.
const LOOKED_UP_MAX: usize = 1_000;
/// So few entities are looked up one by one, once so many rows were read in vain.
const LOOKED_UP_AT_END: usize = 128;
const ROWS_FOR_NOTHING: u64 = 4_096;

/// A type of events and the state that each leaves behind.
type States = [(&'static str, &'static str)];

const AGENT_STATES: &States = &[
    ("agent_registered", "healthy"),
    (HEARTBEAT, "healthy"),
    ("agent_recovered", "healthy"),
    ("agent_degraded", "degraded"),
    ("agent_offline", "offline"),
    ("agent_unregistered", "unregistered"),
];
/// A request to stop, and a stop that failed, leave a node as it was.
const NODE_STATES: &States = &[
    ("spawn_requested", "requested"),
    ("spawn_succeeded", "running"),
    ("node_restarted", "running"),
    ("spawn_failed", "failed"),
    ("node_crashed", "crashed"),
    ("stop_succeeded", "stopped"),
];
const CLUSTER_STATES: &States =
    &[("cluster_healthy", "healthy"), ("cluster_degraded", "degraded"), ("cluster_critical", "critical")];

/// A state, and the event that says so.
pub(super) struct Replayed {
    pub(super) state: EntityState,
    pub(super) evidence: Option<String>,
}

fn states_of(field: &str) -> &'static States {
    match field {
        "node_id" => NODE_STATES,
        CLUSTER => CLUSTER_STATES,
        _ => AGENT_STATES,
    }
}

fn state_after(states: &States, event_type: &str) -> &'static str {
    states.iter().find(|(name, _)| *name == event_type).map_or(UNKNOWN, |(_, state)| state)
}

fn telling(states: &States) -> Filter {
    of_types(states.iter().map(|(name, _)| *name))
}

/// The events up to an instant, those at it included.
fn up_to(at_us: i64) -> Filter {
    Filter::between(None, at_us.saturating_add(1))
}

/// The state of the cluster.
pub(super) fn of_cluster(snapshot: &Snapshot, at_us: i64) -> Result<Replayed, StoreError> {
    of_entity(snapshot, CLUSTER, CLUSTER, at_us)
}

/// The state of one entity: two or three look-ups from the newest event back.
pub(super) fn of_entity(snapshot: &Snapshot, field: &str, name: &str, at_us: i64) -> Result<Replayed, StoreError> {
    let states = states_of(field);
    let entity = Filter::entity_of(field, name);
    let about = telling(states).and(entity.clone()).and(up_to(at_us));
    let Some(last) = snapshot.query(&newest(about))?.events.into_iter().next() else {
        let state = EntityState { entity: name.to_owned(), state: UNKNOWN.to_owned(), since: None };
        return Ok(Replayed { state, evidence: None });
    };
    let state = state_after(states, last.event.event_type());
    let since_us = beginning(snapshot, states, &entity, state, at_us)?.unwrap_or(last.event.timestamp_us());
    let since = Some(timestamp::format(since_us));
    let state = EntityState { entity: name.to_owned(), state: state.to_owned(), since };
    Ok(Replayed { state, evidence: Some(last.id.to_string()) })
}

/// When the unbroken run of a state that holds at an instant began.
fn beginning(
    snapshot: &Snapshot,
    states: &States,
    entity: &Filter,
    state: &str,
    at_us: i64,
) -> Result<Option<i64>, StoreError> {
    let of = |wanted: bool| {
        of_types(states.iter().filter(|(_, other)| (*other == state) == wanted).map(|(name, _)| *name))
            .and(entity.clone())
            .and(up_to(at_us))
    };
    let before = snapshot.query(&newest(of(false)))?.events.into_iter().next();
    // Behind the last event of another state in the order of results: at its very µs, too.
    let after = before
        .map(|event| crate::query::PageCursor { timestamp_us: event.event.timestamp_us(), sequence: event.sequence });
    let first = Query { filter: of(true), limit: Some(1), after, ..Query::default() };
    Ok(snapshot.ids(&first)?.first().map(crate::event::ConceptId::timestamp_us))
}

/// What one pass from the newest event back found of an entity.
struct Seen {
    state: &'static str,
    evidence: ConceptId,
    /// The time of its last event, and of the first of the run of its state.
    last_us: i64,
    since_us: i64,
    /// Whether an event of another state was seen before that run.
    is_over: bool,
}

impl Seen {
    fn of(state: &'static str, evidence: ConceptId) -> Self {
        let last_us = evidence.timestamp_us();
        Self { state, evidence, last_us, since_us: last_us, is_over: false }
    }
}

type SeenByName = HashMap<String, Seen, foldhash::fast::RandomState>;

/// The states of all entities of a field, or of those in one state, by name.
///
/// One pass over the events that change a state, from the newest back, until all but a few were met; those that
/// have had no event for long are looked up.
pub(super) fn of_all(
    snapshot: &Snapshot,
    field: &str,
    wanted: Option<&str>,
    at_us: i64,
) -> Result<Vec<Replayed>, StoreError> {
    let states = states_of(field);
    let passed = states.iter().map(|(name, _)| *name).filter(|name| *name != HEARTBEAT);
    let filter = of_types(passed).and(up_to(at_us));
    let known = names_of(snapshot, field)?;
    let mut seen = SeenByName::default();
    let (mut read, mut read_for_last) = (0_u64, 0_u64);
    snapshot.for_each_row(&Query::new(filter).newest_first(), &mut |row| {
        read += 1;
        let Some(name) = row.text(field) else { return ControlFlow::Continue(()) };
        let state = state_after(states, row.event_type());
        match seen.get_mut(name) {
            Some(found) => {
                found.is_over |= found.state != state;
                if !found.is_over {
                    found.since_us = row.timestamp_us();
                }
            }
            None => {
                seen.insert(name.to_owned(), Seen::of(state, row.id()));
                read_for_last = read;
            }
        }
        let missing = known.len().saturating_sub(seen.len());
        let is_rare = missing <= LOOKED_UP_AT_END && read - read_for_last > ROWS_FOR_NOTHING;
        if missing == 0 || is_rare { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let unmet: Vec<String> = known.into_iter().filter(|name| !seen.contains_key(name)).collect();
    for name in unmet.into_iter().take(LOOKED_UP_AT_END) {
        let of_entity = telling(states).and(Filter::entity_of(field, name.as_str())).and(up_to(at_us));
        if let Some(last) = snapshot.query(&newest(of_entity))?.events.into_iter().next() {
            let state = state_after(states, last.event.event_type());
            seen.insert(name, Seen::of(state, last.id));
        }
    }
    let beats = states.iter().any(|(name, _)| *name == HEARTBEAT);
    if beats {
        add_heartbeats(snapshot, field, at_us, &mut seen)?;
    }
    let mut looked_up = 0;
    let mut all = Vec::new();
    for (name, mut found) in seen {
        if wanted.is_some_and(|wanted| found.state != wanted) {
            continue;
        }
        // What begins a run may not have been read, and heartbeats never were.
        if (!found.is_over || beats && found.state == HEALTHY) && looked_up < LOOKED_UP_MAX {
            looked_up += 1;
            let entity = Filter::entity_of(field, name.as_str());
            found.since_us = beginning(snapshot, states, &entity, found.state, at_us)?.unwrap_or(found.since_us);
        }
        let since = Some(timestamp::format(found.since_us));
        let state = EntityState { entity: name, state: found.state.to_owned(), since };
        all.push(Replayed { state, evidence: Some(found.evidence.to_string()) });
    }
    all.sort_by(|a, b| a.state.entity.cmp(&b.state.entity));
    Ok(all)
}

/// The names of all entities of a field.
fn names_of(snapshot: &Snapshot, field: &str) -> Result<HashSet<String, foldhash::fast::RandomState>, StoreError> {
    let mut names = HashSet::default();
    for source in snapshot.sources() {
        source.entities(&mut |of_field, name, _| {
            if of_field == field && !names.contains(name) {
                names.insert(name.to_owned());
            }
        })?;
    }
    Ok(names)
}

/// Takes the last heartbeat of each agent into account: it lives, whatever was said before.
fn add_heartbeats(snapshot: &Snapshot, field: &str, at_us: i64, seen: &mut SeenByName) -> Result<(), StoreError> {
    let beats = Filter::event_type(HEARTBEAT).and(up_to(at_us));
    let beating = snapshot.group_by(&beats, &GroupKey::Field(field.to_owned()))?.groups;
    for group in beating {
        if seen.get(&group.key).is_some_and(|found| found.state == HEALTHY) {
            continue;
        }
        let of_agent = beats.clone().and(Filter::entity_of(field, group.key.as_str()));
        let Some(last) = snapshot.ids(&newest(of_agent))?.into_iter().next() else { continue };
        let time_us = last.timestamp_us();
        if seen.get(&group.key).is_none_or(|found| time_us > found.last_us) {
            seen.insert(group.key, Seen::of(HEALTHY, last));
        }
    }
    Ok(())
}
