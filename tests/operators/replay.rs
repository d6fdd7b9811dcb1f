//! What was so at an instant, and what never came: replayed event by event.

use std::collections::BTreeSet;

use super::stores::Kept;

/// The state of an entity at an instant, from the last event that says something of it.
pub(crate) fn state(events: &[Kept], entity: &str, at_us: i64) -> &'static str {
    let mut state = "unknown";
    for event in events.iter().take_while(|event| event.timestamp_us <= at_us) {
        let (of, next) = match event.kind() {
            "agent_registered" | "agent_recovered" => (event.text("agent_id"), "healthy"),
            "agent_degraded" => (event.text("agent_id"), "degraded"),
            "agent_offline" => (event.text("agent_id"), "offline"),
            "agent_unregistered" => (event.text("agent_id"), "unregistered"),
            "spawn_requested" => (event.text("node_id"), "requested"),
            "spawn_succeeded" | "node_restarted" => (event.text("node_id"), "running"),
            "spawn_failed" => (event.text("node_id"), "failed"),
            "node_crashed" => (event.text("node_id"), "crashed"),
            "stop_succeeded" => (event.text("node_id"), "stopped"),
            "cluster_healthy" => ("cluster", "healthy"),
            "cluster_degraded" => ("cluster", "degraded"),
            "cluster_critical" => ("cluster", "critical"),
            _ => continue,
        };
        if of == entity {
            state = next;
        }
    }
    state
}

/// The entities of a field that are in a state at an instant.
pub(crate) fn in_state(events: &[Kept], field: &str, wanted: &str, at_us: i64) -> BTreeSet<String> {
    let all: BTreeSet<String> = events.iter().map(|event| event.text(field).to_owned()).collect();
    all.into_iter().filter(|entity| !entity.is_empty() && state(events, entity, at_us) == wanted).collect()
}

/// Requests after which no event of these types came for their node, before the next request for it.
pub(crate) fn unanswered(requests: &[&Kept], events: &[Kept], answers: &[String]) -> BTreeSet<String> {
    let is_open = |request: &&&Kept| {
        let later = events.iter().filter(|event| event.timestamp_us > request.timestamp_us);
        let mut of_node = later.filter(|event| event.text("node_id") == request.text("node_id"));
        !of_node
            .by_ref()
            .take_while(|event| event.kind() != request.kind())
            .any(|event| answers.iter().any(|kind| kind == event.kind()))
    };
    requests.iter().filter(is_open).map(|request| request.id.clone()).collect()
}
