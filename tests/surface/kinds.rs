//! Every kind with the exact types of its fields, and the JSON that other programs read and write.

use chrono::{DateTime, TimeZone, Utc};
use sutra_grid_events::events::GridEvent;

fn text(of: &str) -> String {
    of.to_string()
}

/// One event of each kind, with the name of its kind, its primary entity, and the JSON between the two ends.
fn all(
    timestamp: DateTime<Utc>,
    last_seen: DateTime<Utc>,
) -> Vec<(GridEvent, &'static str, &'static str, &'static str)> {
    let (node_id, agent_id) = (text("n"), text("a"));
    let (number, long, size, share): (u32, u64, usize, f32) = (1, 2, 3, 0.5);
    vec![
        (
            GridEvent::AgentRegistered {
                agent_id: agent_id.clone(),
                hostname: text("h"),
                platform: text("linux"),
                agent_endpoint: text("h:1"),
                max_storage_nodes: number,
                timestamp,
            },
            "agent_registered",
            "a",
            r#""agent_id":"a","hostname":"h","platform":"linux","agent_endpoint":"h:1","max_storage_nodes":1"#,
        ),
        (
            GridEvent::AgentHeartbeat { agent_id: agent_id.clone(), storage_node_count: number, timestamp },
            "agent_heartbeat",
            "a",
            r#""agent_id":"a","storage_node_count":1"#,
        ),
        (
            GridEvent::AgentDegraded { agent_id: agent_id.clone(), seconds_since_heartbeat: long, timestamp },
            "agent_degraded",
            "a",
            r#""agent_id":"a","seconds_since_heartbeat":2"#,
        ),
        (
            GridEvent::AgentOffline { agent_id: agent_id.clone(), last_seen, timestamp },
            "agent_offline",
            "a",
            r#""agent_id":"a","last_seen":"2026-11-18T07:59:30.123456Z""#,
        ),
        (
            GridEvent::AgentRecovered { agent_id: agent_id.clone(), downtime_seconds: long, timestamp },
            "agent_recovered",
            "a",
            r#""agent_id":"a","downtime_seconds":2"#,
        ),
        (
            GridEvent::AgentUnregistered { agent_id: agent_id.clone(), timestamp },
            "agent_unregistered",
            "a",
            r#""agent_id":"a""#,
        ),
        (
            GridEvent::SpawnRequested {
                node_id: node_id.clone(),
                agent_id: agent_id.clone(),
                port: number,
                storage_path: text("/d"),
                memory_limit_mb: long,
                timestamp,
            },
            "spawn_requested",
            "n",
            r#""node_id":"n","agent_id":"a","port":1,"storage_path":"/d","memory_limit_mb":2"#,
        ),
        (
            GridEvent::SpawnSucceeded {
                node_id: node_id.clone(),
                agent_id: agent_id.clone(),
                pid: number,
                port: number,
                timestamp,
            },
            "spawn_succeeded",
            "n",
            r#""node_id":"n","agent_id":"a","pid":1,"port":1"#,
        ),
        (
            GridEvent::SpawnFailed {
                node_id: node_id.clone(),
                agent_id: agent_id.clone(),
                error: text("e"),
                timestamp,
            },
            "spawn_failed",
            "n",
            r#""node_id":"n","agent_id":"a","error":"e""#,
        ),
        (
            GridEvent::StopRequested { node_id: node_id.clone(), agent_id: agent_id.clone(), timestamp },
            "stop_requested",
            "n",
            r#""node_id":"n","agent_id":"a""#,
        ),
        (
            GridEvent::StopSucceeded { node_id: node_id.clone(), agent_id: agent_id.clone(), timestamp },
            "stop_succeeded",
            "n",
            r#""node_id":"n","agent_id":"a""#,
        ),
        (
            GridEvent::StopFailed { node_id: node_id.clone(), agent_id: agent_id.clone(), error: text("e"), timestamp },
            "stop_failed",
            "n",
            r#""node_id":"n","agent_id":"a","error":"e""#,
        ),
        (
            GridEvent::NodeCrashed {
                node_id: node_id.clone(),
                agent_id: agent_id.clone(),
                exit_code: Some(-9_i32),
                timestamp,
            },
            "node_crashed",
            "n",
            r#""node_id":"n","agent_id":"a","exit_code":-9"#,
        ),
        (
            GridEvent::NodeRestarted {
                node_id: node_id.clone(),
                agent_id,
                restart_count: number,
                new_pid: number,
                timestamp,
            },
            "node_restarted",
            "n",
            r#""node_id":"n","agent_id":"a","restart_count":1,"new_pid":1"#,
        ),
        (
            GridEvent::ClusterHealthy {
                total_agents: number,
                healthy_agents: number,
                total_nodes: number,
                running_nodes: number,
                timestamp,
            },
            "cluster_healthy",
            "cluster",
            r#""total_agents":1,"healthy_agents":1,"total_nodes":1,"running_nodes":1"#,
        ),
        (
            GridEvent::ClusterDegraded { total_agents: number, healthy_agents: number, reason: text("r"), timestamp },
            "cluster_degraded",
            "cluster",
            r#""total_agents":1,"healthy_agents":1,"reason":"r""#,
        ),
        (
            GridEvent::ClusterCritical { total_agents: number, healthy_agents: number, reason: text("r"), timestamp },
            "cluster_critical",
            "cluster",
            r#""total_agents":1,"healthy_agents":1,"reason":"r""#,
        ),
        (
            GridEvent::StorageMetrics {
                node_id: node_id.clone(),
                concept_count: size,
                edge_count: size,
                write_throughput: long,
                read_latency_us: long,
                memory_usage_mb: long,
                timestamp,
            },
            "storage_metrics",
            "n",
            r#""node_id":"n","concept_count":3,"edge_count":3,"write_throughput":2,"read_latency_us":2,"memory_usage_mb":2"#,
        ),
        (
            GridEvent::QueryPerformance {
                node_id: node_id.clone(),
                query_type: text("q"),
                query_depth: number,
                result_count: size,
                latency_ms: long,
                confidence: share,
                timestamp,
            },
            "query_performance",
            "n",
            r#""node_id":"n","query_type":"q","query_depth":1,"result_count":3,"latency_ms":2,"confidence":0.5"#,
        ),
        (
            GridEvent::EmbeddingLatency {
                service_instance: text("s"),
                batch_size: size,
                latency_ms: long,
                dimension: size,
                cache_hit: true,
                timestamp,
            },
            "embedding_latency",
            "s",
            r#""service_instance":"s","batch_size":3,"latency_ms":2,"dimension":3,"cache_hit":true"#,
        ),
        (
            GridEvent::HnswIndexBuilt {
                node_id: node_id.clone(),
                vector_count: size,
                build_time_ms: long,
                dimension: size,
                timestamp,
            },
            "hnsw_index_built",
            "n",
            r#""node_id":"n","vector_count":3,"build_time_ms":2,"dimension":3"#,
        ),
        (
            GridEvent::HnswIndexLoaded {
                node_id: node_id.clone(),
                vector_count: size,
                load_time_ms: long,
                persisted: false,
                timestamp,
            },
            "hnsw_index_loaded",
            "n",
            r#""node_id":"n","vector_count":3,"load_time_ms":2,"persisted":false"#,
        ),
        (
            GridEvent::PathfindingMetrics {
                node_id: node_id.clone(),
                source_id: text("x"),
                target_id: text("y"),
                path_length: number,
                paths_explored: long,
                latency_ms: long,
                strategy: text("bfs"),
                timestamp,
            },
            "pathfinding_metrics",
            "n",
            r#""node_id":"n","source_id":"x","target_id":"y","path_length":1,"paths_explored":2,"latency_ms":2,"strategy":"bfs""#,
        ),
        (
            GridEvent::ReconciliationComplete {
                node_id,
                entries_processed: long,
                reconciliation_time_ms: long,
                disk_flush: true,
                timestamp,
            },
            "reconciliation_complete",
            "n",
            r#""node_id":"n","entries_processed":2,"reconciliation_time_ms":2,"disk_flush":true"#,
        ),
        (
            GridEvent::EmbeddingServiceHealthy {
                instance_id: text("i"),
                endpoint: text("h:1"),
                success_rate: share,
                cache_hit_rate: share,
                timestamp,
            },
            "embedding_service_healthy",
            "i",
            r#""instance_id":"i","endpoint":"h:1","success_rate":0.5,"cache_hit_rate":0.5"#,
        ),
        (
            GridEvent::EmbeddingServiceDegraded {
                instance_id: text("i"),
                endpoint: text("h:1"),
                error_rate: share,
                reason: text("r"),
                timestamp,
            },
            "embedding_service_degraded",
            "i",
            r#""instance_id":"i","endpoint":"h:1","error_rate":0.5,"reason":"r""#,
        ),
    ]
}

#[test]
fn every_kind_is_as_callers_write_it() {
    let micros = chrono::TimeDelta::microseconds(123_456);
    let timestamp = Utc.with_ymd_and_hms(2026, 11, 18, 8, 0, 0).unwrap() + micros;
    let last_seen = Utc.with_ymd_and_hms(2026, 11, 18, 7, 59, 30).unwrap() + micros;
    let all = all(timestamp, last_seen);
    assert_eq!(all.len(), 26);
    for (event, event_type, primary_id, fields) in all {
        assert_eq!(event.event_type(), event_type);
        assert_eq!(event.primary_id(), primary_id);
        assert_eq!(event.timestamp(), timestamp);
        assert!(event.to_description().contains(|c: char| c.is_alphabetic()), "{event:?}");
        let json = format!(r#"{{"event_type":"{event_type}",{fields},"timestamp":"2026-11-18T08:00:00.123456Z"}}"#);
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        let read: GridEvent = serde_json::from_str(&json).unwrap();
        assert_eq!(format!("{read:?}"), format!("{event:?}"));
    }
}
