//! States, replayed from events: what the last thing said of an entity left behind, and since when.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::EntityState;
use crate::ask::filters::{newest, of_types};
use crate::error::StoreError;
use crate::event::{CLUSTER, timestamp};
use crate::query::{Filter, GroupKey, Query};
use crate::store::Snapshot;

/// The state of what was never spoken of.
pub(super) const UNKNOWN: &str = "unknown";
/// What says that an agent lives, and there are very many of it.
const HEARTBEAT: &str = "agent_heartbeat";
/// Entities whose beginning of a state is looked up one by one.
const LOOKED_UP_MAX: usize = 1_000;

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
    evidence: String,
    /// The time of its last event, and of the first of the run of its state as far as that was read.
    last_us: i64,
    since_us: i64,
    rows: u64,
    /// Whether the beginning of the run was seen.
    is_whole: bool,
}

/// The states of all entities of a field, or of those in one state, by name.
///
/// One pass from the newest event back, which ends when every entity was met.
pub(super) fn of_all(
    snapshot: &Snapshot,
    field: &str,
    wanted: Option<&str>,
    at_us: i64,
) -> Result<Vec<Replayed>, StoreError> {
    let states = states_of(field);
    let passed: Vec<(&str, &str)> = states.iter().copied().filter(|(name, _)| *name != HEARTBEAT).collect();
    let filter = of_types(passed.iter().map(|(name, _)| *name)).and(up_to(at_us));
    let known = snapshot.group_by(&filter, &GroupKey::Field(field.to_owned()))?.groups;
    let mut seen: HashMap<String, Seen> = HashMap::with_capacity(known.len());
    snapshot.for_each_row(&Query::new(filter).newest_first(), &mut |row| {
        let Some(name) = row.text(field) else { return ControlFlow::Continue(()) };
        let (state, time_us) = (state_after(states, row.event_type()), row.timestamp_us());
        match seen.get_mut(name) {
            Some(found) => {
                found.rows += 1;
                found.is_whole |= found.state != state;
                if !found.is_whole {
                    found.since_us = time_us;
                }
            }
            None => {
                let evidence = row.id().to_string();
                let found = Seen { state, evidence, last_us: time_us, since_us: time_us, rows: 1, is_whole: false };
                seen.insert(name.to_owned(), found);
            }
        }
        if seen.len() == known.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    for group in &known {
        if let Some(found) = seen.get_mut(&group.key) {
            found.is_whole |= found.rows == group.count;
        }
    }
    if states.iter().any(|(name, _)| *name == HEARTBEAT) {
        add_heartbeats(snapshot, field, at_us, &mut seen)?;
    }
    let mut looked_up = 0;
    let mut all = Vec::new();
    for (name, mut found) in seen {
        if wanted.is_some_and(|wanted| found.state != wanted) {
            continue;
        }
        if !found.is_whole && looked_up < LOOKED_UP_MAX {
            looked_up += 1;
            let entity = Filter::entity_of(field, name.as_str());
            found.since_us = beginning(snapshot, states, &entity, found.state, at_us)?.unwrap_or(found.since_us);
        }
        let since = Some(timestamp::format(found.since_us));
        let state = EntityState { entity: name, state: found.state.to_owned(), since };
        all.push(Replayed { state, evidence: Some(found.evidence) });
    }
    all.sort_by(|a, b| a.state.entity.cmp(&b.state.entity));
    Ok(all)
}

/// Takes the last heartbeat of each agent into account: it lives, whatever was said before.
fn add_heartbeats(
    snapshot: &Snapshot,
    field: &str,
    at_us: i64,
    seen: &mut HashMap<String, Seen>,
) -> Result<(), StoreError> {
    let beats = Filter::event_type(HEARTBEAT).and(up_to(at_us));
    let beating = snapshot.group_by(&beats, &GroupKey::Field(field.to_owned()))?.groups;
    for group in beating {
        if seen.get(&group.key).is_some_and(|found| found.state == "healthy") {
            continue;
        }
        let of_agent = beats.clone().and(Filter::entity_of(field, group.key.as_str()));
        let Some(last) = snapshot.ids(&newest(of_agent))?.into_iter().next() else { continue };
        let time_us = last.timestamp_us();
        if seen.get(&group.key).is_none_or(|found| time_us > found.last_us) {
            let evidence = last.to_string();
            let found =
                Seen { state: "healthy", evidence, last_us: time_us, since_us: time_us, rows: 1, is_whole: false };
            seen.insert(group.key, found);
        }
    }
    Ok(())
}
