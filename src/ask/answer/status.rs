//! States, replayed from events: what was the last thing said of an entity before an instant.

use std::collections::BTreeMap;

use super::EntityState;
use crate::error::StoreError;
use crate::event::{Event, timestamp};
use crate::query::{Filter, GroupKey, Query};
use crate::store::Snapshot;

/// Entities of one field whose states are replayed at once.
const ENTITIES_MAX: usize = 5_000;

/// What the events of a field say of its entities: the types, and the state that each leaves behind.
const AGENT_STATES: &[(&str, &str)] = &[
    ("agent_registered", "healthy"),
    ("agent_heartbeat", "healthy"),
    ("agent_recovered", "healthy"),
    ("agent_degraded", "degraded"),
    ("agent_offline", "offline"),
    ("agent_unregistered", "unregistered"),
];
const NODE_STATES: &[(&str, &str)] = &[
    ("spawn_requested", "requested"),
    ("spawn_succeeded", "running"),
    ("node_restarted", "running"),
    ("stop_requested", "running"),
    ("stop_failed", "running"),
    ("spawn_failed", "failed"),
    ("node_crashed", "crashed"),
    ("stop_succeeded", "stopped"),
];
const CLUSTER_STATES: &[(&str, &str)] =
    &[("cluster_healthy", "healthy"), ("cluster_degraded", "degraded"), ("cluster_critical", "critical")];

fn states_of(field: &str) -> &'static [(&'static str, &'static str)] {
    if field == "node_id" { NODE_STATES } else { AGENT_STATES }
}

fn one_of(states: &[(&str, &str)]) -> Filter {
    Filter::Or(states.iter().map(|(name, _)| Filter::event_type(*name)).collect())
}

fn state_after(states: &[(&str, &'static str)], event: &Event) -> &'static str {
    // A crash without a pending restart stays a crash; a failed start after it is a failure.
    states.iter().find(|(name, _)| *name == event.event_type()).map_or("unknown", |(_, state)| state)
}

/// The state of the cluster, and the id of the event that says so.
pub(super) fn of_cluster(snapshot: &Snapshot, at_us: i64) -> Result<(EntityState, Option<String>), StoreError> {
    last(snapshot, "cluster", CLUSTER_STATES, one_of(CLUSTER_STATES), at_us)
}

/// The state of one entity, and the id of the event that says so.
pub(super) fn of_entity(
    snapshot: &Snapshot,
    field: &str,
    name: &str,
    at_us: i64,
) -> Result<(EntityState, Option<String>), StoreError> {
    let states = states_of(field);
    last(snapshot, name, states, one_of(states).and(Filter::entity_of(field, name)), at_us)
}

fn last(
    snapshot: &Snapshot,
    name: &str,
    states: &[(&str, &'static str)],
    filter: Filter,
    at_us: i64,
) -> Result<(EntityState, Option<String>), StoreError> {
    let until = at_us.saturating_add(1);
    let query = Query::new(filter.clone().and(Filter::between(None, until))).newest_first().limit(1);
    let newest = snapshot.query(&query)?.events.into_iter().next();
    let Some(newest) = newest else {
        return Ok((EntityState { entity: name.to_owned(), state: "unknown".to_owned(), since: None }, None));
    };
    let state = state_after(states, &newest.event);
    // The state holds since the first event of an unbroken run that leaves the same state behind.
    let other: Vec<&str> = states.iter().filter(|(_, other)| *other != state).map(|(name, _)| *name).collect();
    let broken = Filter::Or(other.into_iter().map(Filter::event_type).collect());
    let before = snapshot
        .query(&Query::new(filter.clone().and(broken).and(Filter::between(None, until))).newest_first().limit(1))?;
    let since = before.events.first().map(|event| event.event.timestamp_us());
    let run = Query::new(filter.and(Filter::between(since.map(|us| us.saturating_add(1)), until))).limit(1);
    let first = snapshot.query(&run)?.events.into_iter().next().unwrap_or_else(|| newest.clone());
    let since = Some(timestamp::format(first.event.timestamp_us()));
    Ok((EntityState { entity: name.to_owned(), state: state.to_owned(), since }, Some(newest.id.to_string())))
}

/// The states of all entities of a field, by name, and the ids of the events that say so.
pub(super) fn of_all(
    snapshot: &Snapshot,
    field: &str,
    state: Option<&str>,
    at_us: i64,
) -> Result<(Vec<EntityState>, Vec<String>), StoreError> {
    let states = states_of(field);
    // Heartbeats say no more than that an agent lives, and there are many: the other kinds name all agents.
    let telling: Vec<(&str, &str)> = states.iter().copied().filter(|(name, _)| *name != "agent_heartbeat").collect();
    let known = snapshot.top(
        &one_of(&telling).and(Filter::between(None, at_us.saturating_add(1))),
        &GroupKey::Field(field.to_owned()),
        ENTITIES_MAX,
    )?;
    let mut all = BTreeMap::new();
    for group in known.groups {
        let (found, id) = of_entity(snapshot, field, &group.key, at_us)?;
        if state.is_none_or(|state| found.state == state) {
            all.insert(group.key, (found, id));
        }
    }
    let ids = all.values().filter_map(|(_, id)| id.clone()).collect();
    Ok((all.into_values().map(|(state, _)| state).collect(), ids))
}
