//! Events as sentences for people.

use super::grid_event::GridEvent;
use super::timestamp;
use super::{Event, ValueRef};

impl GridEvent {
    /// The event as a readable sentence, without its time.
    ///
    /// ```
    /// # use sutra_grid_events::GridEvent;
    /// let event = GridEvent::AgentUnregistered { agent_id: "agent-001".into(), timestamp: chrono::Utc::now() };
    /// assert_eq!(event.to_description(), "Agent agent-001 left the grid");
    /// ```
    #[must_use]
    pub fn to_description(&self) -> String {
        match self {
            Self::AgentRegistered { agent_id, hostname, platform, agent_endpoint, max_storage_nodes, .. } => format!(
                "Agent {agent_id} registered on {hostname} ({platform}) at {agent_endpoint}, for up to {max_storage_nodes} storage nodes"
            ),
            Self::AgentHeartbeat { agent_id, storage_node_count, .. } => {
                format!("Agent {agent_id} is alive with {storage_node_count} storage nodes")
            }
            Self::AgentDegraded { agent_id, seconds_since_heartbeat, .. } => {
                format!("Agent {agent_id} is degraded: no heartbeat for {seconds_since_heartbeat} s")
            }
            Self::AgentOffline { agent_id, last_seen, .. } => {
                format!("Agent {agent_id} is offline, last seen {}", timestamp::format(last_seen.timestamp_micros()))
            }
            Self::AgentRecovered { agent_id, downtime_seconds, .. } => {
                format!("Agent {agent_id} recovered after {downtime_seconds} s")
            }
            Self::AgentUnregistered { agent_id, .. } => format!("Agent {agent_id} left the grid"),
            Self::SpawnRequested { node_id, agent_id, port, memory_limit_mb, .. } => format!(
                "Spawn of node {node_id} requested on agent {agent_id} (port {port}, memory limit {memory_limit_mb} MB)"
            ),
            Self::SpawnSucceeded { node_id, agent_id, pid, port, .. } => {
                format!("Node {node_id} started on agent {agent_id} (pid {pid}, port {port})")
            }
            Self::SpawnFailed { node_id, agent_id, error, .. } => {
                format!("Node {node_id} failed to start on agent {agent_id}: {error}")
            }
            Self::StopRequested { node_id, agent_id, .. } => {
                format!("Stop of node {node_id} requested on agent {agent_id}")
            }
            Self::StopSucceeded { node_id, agent_id, .. } => format!("Node {node_id} stopped on agent {agent_id}"),
            Self::StopFailed { node_id, agent_id, error, .. } => {
                format!("Node {node_id} failed to stop on agent {agent_id}: {error}")
            }
            Self::NodeCrashed { node_id, agent_id, exit_code, .. } => match exit_code {
                Some(code) => format!("Node {node_id} crashed on agent {agent_id} with exit code {code}"),
                None => format!("Node {node_id} crashed on agent {agent_id}"),
            },
            Self::NodeRestarted { node_id, agent_id, restart_count, new_pid, .. } => {
                format!("Node {node_id} restarted on agent {agent_id} (restart {restart_count}, pid {new_pid})")
            }
            Self::ClusterHealthy { total_agents, healthy_agents, total_nodes, running_nodes, .. } => format!(
                "Cluster is healthy: {healthy_agents} of {total_agents} agents healthy, {running_nodes} of {total_nodes} nodes running"
            ),
            Self::ClusterDegraded { total_agents, healthy_agents, reason, .. } => {
                format!("Cluster is degraded: {healthy_agents} of {total_agents} agents healthy ({reason})")
            }
            Self::ClusterCritical { total_agents, healthy_agents, reason, .. } => {
                format!("Cluster is critical: {healthy_agents} of {total_agents} agents healthy ({reason})")
            }
            Self::StorageMetrics { node_id, concept_count, edge_count, memory_usage_mb, .. } => {
                format!(
                    "Node {node_id} holds {concept_count} concepts and {edge_count} associations in {memory_usage_mb} MB"
                )
            }
            Self::QueryPerformance { node_id, query_type, latency_ms, result_count, .. } => {
                format!("Query {query_type} on node {node_id} gave {result_count} results in {latency_ms} ms")
            }
            Self::EmbeddingLatency { service_instance, batch_size, latency_ms, .. } => {
                format!("Embedding of {batch_size} texts by {service_instance} took {latency_ms} ms")
            }
            Self::HnswIndexBuilt { node_id, vector_count, build_time_ms, .. } => {
                format!("Node {node_id} built an index of {vector_count} vectors in {build_time_ms} ms")
            }
            Self::HnswIndexLoaded { node_id, vector_count, load_time_ms, .. } => {
                format!("Node {node_id} loaded an index of {vector_count} vectors in {load_time_ms} ms")
            }
            Self::PathfindingMetrics { node_id, source_id, target_id, path_length, latency_ms, .. } => format!(
                "Node {node_id} found a path of {path_length} edges from {source_id} to {target_id} in {latency_ms} ms"
            ),
            Self::ReconciliationComplete { node_id, entries_processed, reconciliation_time_ms, .. } => {
                format!("Node {node_id} reconciled {entries_processed} entries in {reconciliation_time_ms} ms")
            }
            Self::EmbeddingServiceHealthy { instance_id, endpoint, success_rate, .. } => {
                format!("Embedding service {instance_id} at {endpoint} is healthy (success rate {success_rate})")
            }
            Self::EmbeddingServiceDegraded { instance_id, endpoint, error_rate, reason, .. } => {
                format!("Embedding service {instance_id} at {endpoint} is degraded (error rate {error_rate}): {reason}")
            }
        }
    }
}

impl Event {
    /// The event as a readable sentence, without its time.
    #[must_use]
    pub fn to_description(&self) -> String {
        if let Some(event) = self.grid() {
            return event.to_description();
        }
        let mut sentence = self.event_type().replace('_', " ");
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut separator = ": ";
        self.visit(|name, value| {
            if name != "event_type" && name != "timestamp" && value != ValueRef::Null {
                sentence.push_str(separator);
                sentence.push_str(&format!("{name} {value}"));
                separator = ", ";
            }
        });
        sentence
    }
}
