//! The typed kinds of the Sutra family: the one table that all else is derived from.

use chrono::{DateTime, Utc};

use super::error::EventError;
use super::kind::{FieldType, Kind, KindField, grid_events, read_field};
use super::value::ValueRef;

/// The name of the entity that cluster kinds are about, and the field it is found under.
pub const CLUSTER: &str = "cluster";

grid_events! {
    /// An agent joined the grid.
    AgentRegistered "agent_registered" (1) ["agent_id"] {
        /// The agent.
        agent_id: String,
        /// The host it runs on.
        hostname: String,
        /// What it runs nodes on, such as `kubernetes` or `bare-metal`.
        platform: String,
        /// Where the master reaches it.
        agent_endpoint: String,
        /// How many storage nodes it can run at once.
        max_storage_nodes: u32,
    }
    /// An agent said that it lives.
    AgentHeartbeat "agent_heartbeat" (2) ["agent_id"] {
        /// The agent.
        agent_id: String,
        /// How many storage nodes it runs.
        storage_node_count: u32,
    }
    /// Heartbeats of an agent are late.
    AgentDegraded "agent_degraded" (3) ["agent_id"] {
        /// The agent.
        agent_id: String,
        /// Seconds since its last heartbeat.
        seconds_since_heartbeat: u64,
    }
    /// An agent is considered gone.
    AgentOffline "agent_offline" (4) ["agent_id"] {
        /// The agent.
        agent_id: String,
        /// Its last heartbeat.
        #[serde(with = "crate::event::timestamp::serde_form")]
        last_seen: DateTime<Utc>,
    }
    /// An agent came back.
    AgentRecovered "agent_recovered" (5) ["agent_id"] {
        /// The agent.
        agent_id: String,
        /// Seconds that it was away.
        downtime_seconds: u64,
    }
    /// An agent left the grid in order.
    AgentUnregistered "agent_unregistered" (6) ["agent_id"] {
        /// The agent.
        agent_id: String,
    }
    /// The master asked an agent to start a storage node.
    SpawnRequested "spawn_requested" (10) ["node_id"] {
        /// The node.
        node_id: String,
        /// The agent asked.
        agent_id: String,
        /// The TCP port that the node shall listen on.
        port: u32,
        /// Where the node shall keep its data.
        storage_path: String,
        /// The memory limit in MB.
        memory_limit_mb: u64,
    }
    /// A storage node started.
    SpawnSucceeded "spawn_succeeded" (11) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
        /// Its process.
        pid: u32,
        /// The TCP port it listens on.
        port: u32,
    }
    /// A storage node did not start.
    SpawnFailed "spawn_failed" (12) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
        /// Why, in the words of the agent.
        error: String,
    }
    /// The master asked an agent to stop a storage node.
    StopRequested "stop_requested" (20) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
    }
    /// A storage node stopped in order.
    StopSucceeded "stop_succeeded" (21) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
    }
    /// A storage node could not be stopped.
    StopFailed "stop_failed" (22) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
        /// Why, in the words of the agent.
        error: String,
    }
    /// A storage node ended on its own.
    NodeCrashed "node_crashed" (30) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
        /// The exit code, or the negative number of the signal, where known.
        exit_code: Option<i32>,
    }
    /// A storage node was started again after a crash.
    NodeRestarted "node_restarted" (31) ["node_id"] {
        /// The node.
        node_id: String,
        /// Its agent.
        agent_id: String,
        /// How many times it has been restarted.
        restart_count: u32,
        /// Its new process.
        new_pid: u32,
    }
    /// Every agent is healthy.
    ClusterHealthy "cluster_healthy" (40) ["cluster"] {
        /// Agents known.
        total_agents: u32,
        /// Agents that are healthy.
        healthy_agents: u32,
        /// Storage nodes known.
        total_nodes: u32,
        /// Storage nodes that run.
        running_nodes: u32,
    }
    /// Some agents are not healthy.
    ClusterDegraded "cluster_degraded" (41) ["cluster"] {
        /// Agents known.
        total_agents: u32,
        /// Agents that are healthy.
        healthy_agents: u32,
        /// Why, in words.
        reason: String,
    }
    /// Most agents are not healthy.
    ClusterCritical "cluster_critical" (42) ["cluster"] {
        /// Agents known.
        total_agents: u32,
        /// Agents that are healthy.
        healthy_agents: u32,
        /// Why, in words.
        reason: String,
    }
    /// What a storage node holds and how fast it is.
    StorageMetrics "storage_metrics" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// Concepts held.
        concept_count: usize,
        /// Associations held.
        edge_count: usize,
        /// Concepts written a second.
        write_throughput: u64,
        /// Latency of a read in µs.
        read_latency_us: u64,
        /// Memory used in MB.
        memory_usage_mb: u64,
    }
    /// How a query went.
    QueryPerformance "query_performance" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// The kind of query.
        query_type: String,
        /// How deep it went.
        query_depth: u32,
        /// How many results it gave.
        result_count: usize,
        /// How long it took in ms.
        latency_ms: u64,
        /// The confidence of the answer, 0 to 1.
        #[serde(deserialize_with = "nullable_f32")]
        confidence: f32,
    }
    /// How long an embedding took.
    EmbeddingLatency "embedding_latency" (0) ["service_instance"] {
        /// The instance of the embedding service.
        service_instance: String,
        /// Texts in the batch.
        batch_size: usize,
        /// How long it took in ms.
        latency_ms: u64,
        /// Dimensions of the vectors.
        dimension: usize,
        /// Whether the cache had it.
        cache_hit: bool,
    }
    /// A vector index was built.
    HnswIndexBuilt "hnsw_index_built" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// Vectors indexed.
        vector_count: usize,
        /// How long it took in ms.
        build_time_ms: u64,
        /// Dimensions of the vectors.
        dimension: usize,
    }
    /// A vector index was loaded.
    HnswIndexLoaded "hnsw_index_loaded" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// Vectors loaded.
        vector_count: usize,
        /// How long it took in ms.
        load_time_ms: u64,
        /// Whether it came from disk.
        persisted: bool,
    }
    /// How a search for a path went.
    PathfindingMetrics "pathfinding_metrics" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// The concept it started from.
        source_id: String,
        /// The concept it looked for.
        target_id: String,
        /// Edges of the path found.
        path_length: u32,
        /// Paths explored.
        paths_explored: u64,
        /// How long it took in ms.
        latency_ms: u64,
        /// The strategy used.
        strategy: String,
    }
    /// A node merged what was pending.
    ReconciliationComplete "reconciliation_complete" (0) ["node_id"] {
        /// The node.
        node_id: String,
        /// Entries merged.
        entries_processed: u64,
        /// How long it took in ms.
        reconciliation_time_ms: u64,
        /// Whether the disk was flushed.
        disk_flush: bool,
    }
    /// The embedding service works.
    EmbeddingServiceHealthy "embedding_service_healthy" (0) ["instance_id"] {
        /// The instance.
        instance_id: String,
        /// Where it listens.
        endpoint: String,
        /// Share of requests that succeeded, 0 to 1.
        #[serde(deserialize_with = "nullable_f32")]
        success_rate: f32,
        /// Share of requests that the cache answered, 0 to 1.
        #[serde(deserialize_with = "nullable_f32")]
        cache_hit_rate: f32,
    }
    /// The embedding service has trouble.
    EmbeddingServiceDegraded "embedding_service_degraded" (0) ["instance_id"] {
        /// The instance.
        instance_id: String,
        /// Where it listens.
        endpoint: String,
        /// Share of requests that failed, 0 to 1.
        #[serde(deserialize_with = "nullable_f32")]
        error_rate: f32,
        /// Why, in words.
        reason: String,
    }
}

/// Reads a 32-bit float that `serde_json` wrote as `null` because it was not finite.
fn nullable_f32<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(<Option<f32> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

/// The place of a typed kind in [`KINDS`], by the name of its `event_type`.
#[must_use]
pub(crate) fn kind_index_of(event_type: &str) -> Option<usize> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static INDEX: LazyLock<HashMap<&'static str, usize>> =
        LazyLock::new(|| KINDS.iter().enumerate().map(|(index, kind)| (kind.name, index)).collect());
    INDEX.get(event_type).copied()
}

impl GridEvent {
    /// What this kind is, as data.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        // `kind_index` is an index into this very table, which the same macro built.
        &KINDS[self.kind_index()]
    }

    /// The value of `event_type`, such as `node_crashed`.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        self.kind().name
    }

    /// The code of the association from the primary entity to the event; 0 where the kind has none.
    #[must_use]
    pub fn association_code(&self) -> u32 {
        self.kind().association_code
    }

    /// The entity that the event is about first of all: its node, agent or service, or `cluster`.
    #[must_use]
    pub fn primary_id(&self) -> String {
        let primary = self.kind().primary;
        let mut found = primary.to_owned();
        self.visit(|name, value| {
            if let (true, ValueRef::Text(text)) = (name == primary, value) {
                text.clone_into(&mut found);
            }
        });
        found
    }
}
