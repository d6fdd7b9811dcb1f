//! Ten days of a grid of six agents, up to noon of Tuesday, 24 November 2026.

use serde_json::json;

use super::stores::{NOW_US, Story, at};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3600 * SECOND_US;

/// Agent, host, platform, most nodes.
const AGENTS: [(&str, &str, &str, u32); 6] = [
    ("agent-001", "rack-a1", "linux", 8),
    ("agent-002", "rack-a2", "linux", 8),
    ("agent-003", "kube-01", "kubernetes", 12),
    ("agent-004", "kube-02", "kubernetes", 12),
    ("agent-005", "mini-01", "macos", 4),
    ("agent-006", "mini-02", "macos", 4),
];

/// Spawns that went well: when, node, agent, port, memory limit in MB, seconds until it ran.
const SPAWNED: [(&str, &str, &str, u32, u32, i64); 21] = [
    ("14T12:10:00", "node-abc123", "agent-001", 9001, 512, 3),
    ("14T12:14:00", "node-def456", "agent-001", 9002, 1024, 4),
    ("14T12:18:00", "node-0a1b2c", "agent-001", 9003, 2048, 6),
    ("14T12:22:00", "node-11fe20", "agent-002", 9001, 512, 2),
    ("14T12:26:00", "node-22c0de", "agent-002", 9002, 1024, 5),
    ("14T12:30:00", "node-33beef", "agent-002", 9003, 4096, 21),
    ("14T12:34:00", "node-44feed", "agent-003", 9001, 512, 3),
    ("14T12:38:00", "node-55cafe", "agent-003", 9002, 2048, 8),
    ("15T08:00:00", "node-66d00d", "agent-003", 9003, 256, 2),
    ("15T08:04:00", "node-77ab01", "agent-004", 9001, 512, 3),
    ("15T08:08:00", "node-88ab02", "agent-004", 9002, 1024, 4),
    ("15T08:12:00", "node-99ab03", "agent-004", 9003, 512, 3),
    ("15T08:16:00", "node-aa1101", "agent-005", 9001, 2048, 9),
    ("15T08:20:00", "node-bb2202", "agent-005", 9002, 512, 2),
    ("15T08:24:00", "node-cc3303", "agent-006", 9001, 512, 4),
    ("15T08:28:00", "node-dd4404", "agent-006", 9002, 256, 2),
    ("17T09:40:00", "node-ee5505", "agent-002", 9010, 512, 5),
    ("19T16:00:00", "node-1d0001", "agent-001", 9004, 1024, 4),
    ("22T08:00:00", "node-88ab02", "agent-004", 9012, 1024, 7),
    ("23T10:30:00", "node-2d0002", "agent-003", 9004, 2048, 6),
    ("24T07:15:00", "node-3d0003", "agent-001", 9005, 512, 11),
];

/// Spawns that failed: when, node, agent, port, memory limit, seconds until it was known, why.
const NOT_SPAWNED: [(&str, &str, &str, u32, u32, i64, &str); 7] = [
    ("17T09:15:00", "node-ee5505", "agent-002", 9000, 512, 1, "port 9000 already in use"),
    ("18T14:20:00", "node-ff6606", "agent-003", 9005, 1024, 1, "binary not found: storage-server"),
    ("20T22:05:00", "node-7c5a9e", "agent-005", 9003, 512, 30, "timed out waiting for readiness"),
    ("21T08:30:00", "node-c0ffee", "agent-002", 9000, 512, 1, "port 9000 already in use"),
    ("21T23:50:30", "node-88ab02", "agent-004", 9002, 1024, 2, "port 9002 already in use"),
    ("23T16:45:00", "node-9f9f9f", "agent-004", 9006, 4096, 30, "timed out waiting for readiness"),
    ("24T03:05:00", "node-3d3d3d", "agent-002", 9000, 512, 1, "port 9000 already in use"),
];

/// Spawns that were never answered.
const UNANSWERED: [(&str, &str, &str, u32, u32); 2] =
    [("22T10:00:00", "node-5e11ed", "agent-004", 9007, 512), ("24T09:10:00", "node-d15c05", "agent-001", 9006, 1024)];

/// When a node was restarted, and how often by then.
type Restarted = (&'static str, u32);
type Crash = (&'static str, &'static str, &'static str, Option<i32>, Option<Restarted>);

/// Crashes: when, node, agent, exit code, and the restart if there was one.
const CRASHED: [Crash; 15] = [
    ("15T02:14:09", "node-abc123", "agent-001", Some(137), Some(("15T02:14:24", 1))),
    ("16T11:32:00", "node-22c0de", "agent-002", Some(1), Some(("16T11:32:20", 1))),
    ("17T18:03:00", "node-abc123", "agent-001", Some(137), Some(("17T18:03:15", 2))),
    ("18T03:12:00", "node-55cafe", "agent-003", Some(-9), Some(("18T03:12:30", 1))),
    ("18T21:47:00", "node-77ab01", "agent-004", Some(139), Some(("18T21:47:25", 1))),
    ("19T05:30:00", "node-33beef", "agent-002", None, Some(("19T05:31:00", 1))),
    ("20T13:05:00", "node-abc123", "agent-001", Some(137), Some(("20T13:05:12", 3))),
    ("21T23:50:00", "node-88ab02", "agent-004", Some(139), None),
    ("22T16:20:00", "node-aa1101", "agent-005", Some(1), None),
    ("23T02:41:00", "node-abc123", "agent-001", Some(137), Some(("23T02:41:20", 4))),
    ("23T23:18:00", "node-22c0de", "agent-002", Some(-9), Some(("23T23:18:25", 2))),
    ("24T03:10:45", "node-abc123", "agent-001", Some(137), Some(("24T03:11:02", 5))),
    ("24T04:02:00", "node-0a1b2c", "agent-001", Some(139), Some(("24T04:02:20", 1))),
    ("24T09:27:00", "node-77ab01", "agent-004", Some(1), Some(("24T09:27:30", 2))),
    ("24T11:40:00", "node-44feed", "agent-003", Some(137), None),
];

/// Stops: when, node, agent, seconds until the outcome, and the error of one that failed.
const STOPPED: [(&str, &str, &str, i64, Option<&str>); 5] = [
    ("16T15:00:00", "node-66d00d", "agent-003", 4, None),
    ("19T10:00:00", "node-dd4404", "agent-006", 30, Some("process did not exit in time")),
    ("19T10:05:00", "node-dd4404", "agent-006", 6, None),
    ("22T09:00:00", "node-cc3303", "agent-006", 3, None),
    ("24T08:15:00", "node-99ab03", "agent-004", 5, None),
];

/// Outages: agent, when degraded, when offline, when back.
const OUTAGES: [(&str, &str, Option<&str>, Option<&str>); 7] = [
    ("agent-004", "17T02:00:00", Some("17T02:02:00"), Some("17T02:32:00")),
    ("agent-002", "19T14:00:00", None, Some("19T14:03:00")),
    ("agent-003", "20T20:00:00", Some("20T20:02:00"), Some("20T20:40:00")),
    ("agent-004", "20T20:00:30", Some("20T20:02:30"), Some("20T20:45:30")),
    ("agent-005", "20T20:03:00", Some("20T20:05:00"), Some("20T21:10:00")),
    ("agent-004", "24T03:20:00", Some("24T03:22:00"), Some("24T03:50:00")),
    ("agent-002", "24T11:50:00", None, None),
];

/// The cluster: when, its state, healthy agents of how many, and why.
const CLUSTER: [(&str, &str, u32, u32, &str); 12] = [
    ("14T12:05:00", "cluster_healthy", 6, 6, ""),
    ("17T02:02:05", "cluster_degraded", 5, 6, "1 of 6 agents offline"),
    ("17T02:32:30", "cluster_healthy", 6, 6, ""),
    ("20T20:02:35", "cluster_degraded", 4, 6, "2 of 6 agents offline"),
    ("20T20:05:10", "cluster_critical", 3, 6, "3 of 6 agents offline"),
    ("20T20:40:10", "cluster_degraded", 4, 6, "2 of 6 agents offline"),
    ("20T21:10:30", "cluster_healthy", 6, 6, ""),
    ("22T09:30:30", "cluster_healthy", 5, 5, ""),
    ("23T12:00:30", "cluster_healthy", 5, 5, ""),
    ("24T03:22:05", "cluster_degraded", 4, 5, "1 of 5 agents offline"),
    ("24T03:50:30", "cluster_healthy", 5, 5, ""),
    ("24T11:50:10", "cluster_degraded", 4, 5, "agent-002 is late"),
];

/// `agent-006` left for good; of `agent-005` nothing more was heard, and nobody has noticed yet.
const LEFT: (&str, &str) = ("agent-006", "22T09:30:00");
const SILENT: (&str, &str) = ("agent-005", "23T20:00:00");

/// The whole story.
pub(crate) fn story() -> Story {
    let mut story = Story::default();
    agents(&mut story);
    nodes(&mut story);
    for (when, kind, healthy, total, reason) in CLUSTER {
        let fields = if kind == "cluster_healthy" {
            json!({"total_agents": total, "healthy_agents": healthy, "total_nodes": 18, "running_nodes": 15})
        } else {
            json!({"total_agents": total, "healthy_agents": healthy, "reason": reason})
        };
        story.tell(at(when), kind, fields);
    }
    measurements(&mut story);
    story
}

fn agents(story: &mut Story) {
    for (n, (agent, hostname, platform, most)) in (0..).zip(AGENTS) {
        let registered = at("14T12:00:00") + n * 5 * SECOND_US;
        let endpoint = format!("10.0.0.{}:7000", n + 1);
        story.tell(
            registered,
            "agent_registered",
            json!({"agent_id": agent, "hostname": hostname, "platform": platform, "agent_endpoint": endpoint,
                   "max_storage_nodes": most}),
        );
        let ends = match agent {
            _ if agent == LEFT.0 => at(LEFT.1),
            _ if agent == SILENT.0 => at(SILENT.1),
            _ => NOW_US,
        };
        let mut beat = registered + n * 7 * SECOND_US + HOUR_US;
        while beat < ends {
            if !is_out(agent, beat) {
                story.tell(beat, "agent_heartbeat", json!({"agent_id": agent, "storage_node_count": 3}));
            }
            beat += HOUR_US;
        }
    }
    for (agent, degraded, offline, recovered) in OUTAGES {
        story.tell(at(degraded), "agent_degraded", json!({"agent_id": agent, "seconds_since_heartbeat": 65}));
        if let Some(offline) = offline {
            let last_seen = sutra_grid_events::event::timestamp::format(at(degraded) - 65 * SECOND_US);
            story.tell(at(offline), "agent_offline", json!({"agent_id": agent, "last_seen": last_seen}));
        }
        if let Some(recovered) = recovered {
            let seconds = (at(recovered) - at(offline.unwrap_or(degraded))) / SECOND_US;
            story.tell(at(recovered), "agent_recovered", json!({"agent_id": agent, "downtime_seconds": seconds}));
        }
    }
    story.tell(at(LEFT.1), "agent_unregistered", json!({"agent_id": LEFT.0}));
}

fn is_out(agent: &str, instant: i64) -> bool {
    OUTAGES.iter().any(|(out, degraded, _, recovered)| {
        *out == agent && at(degraded) - 65 * SECOND_US < instant && recovered.is_none_or(|back| instant < at(back))
    })
}

fn nodes(story: &mut Story) {
    let request = |story: &mut Story, when: i64, node: &str, agent: &str, port: u32, memory: u32| {
        let path = format!("/data/{node}");
        story.tell(
            when,
            "spawn_requested",
            json!({"node_id": node, "agent_id": agent, "port": port, "storage_path": path, "memory_limit_mb": memory}),
        );
    };
    for (pid, (when, node, agent, port, memory, seconds)) in (4100..).zip(SPAWNED) {
        request(story, at(when), node, agent, port, memory);
        let fields = json!({"node_id": node, "agent_id": agent, "pid": pid, "port": port});
        story.tell(at(when) + seconds * SECOND_US, "spawn_succeeded", fields);
    }
    for (when, node, agent, port, memory, seconds, error) in NOT_SPAWNED {
        request(story, at(when), node, agent, port, memory);
        let fields = json!({"node_id": node, "agent_id": agent, "error": error});
        story.tell(at(when) + seconds * SECOND_US, "spawn_failed", fields);
    }
    for (when, node, agent, port, memory) in UNANSWERED {
        request(story, at(when), node, agent, port, memory);
    }
    for (pid, (when, node, agent, exit_code, restarted)) in (5100..).zip(CRASHED) {
        story.tell(at(when), "node_crashed", json!({"node_id": node, "agent_id": agent, "exit_code": exit_code}));
        if let Some((when, count)) = restarted {
            let fields = json!({"node_id": node, "agent_id": agent, "restart_count": count, "new_pid": pid});
            story.tell(at(when), "node_restarted", fields);
        }
    }
    for (when, node, agent, seconds, error) in STOPPED {
        story.tell(at(when), "stop_requested", json!({"node_id": node, "agent_id": agent}));
        let outcome = at(when) + seconds * SECOND_US;
        match error {
            None => story.tell(outcome, "stop_succeeded", json!({"node_id": node, "agent_id": agent})),
            Some(error) => {
                story.tell(outcome, "stop_failed", json!({"node_id": node, "agent_id": agent, "error": error}));
            }
        }
    }
}

/// Every six hours what three nodes hold, and a few queries a day.
fn measurements(story: &mut Story) {
    let start = at("14T13:00:00");
    for n in 0..39 {
        let when = start + n * 6 * HOUR_US;
        for (k, node) in (0..).zip(["node-abc123", "node-def456", "node-33beef"]) {
            story.tell(
                when + k * SECOND_US,
                "storage_metrics",
                json!({"node_id": node, "concept_count": 1000 + 40 * n, "edge_count": 3000 + 90 * n,
                       "write_throughput": 200 + 13 * ((n + k) % 7), "read_latency_us": 80 + 9 * ((n * 5 + k) % 11),
                       "memory_usage_mb": 200 + 50 * k + 4 * (n % 9)}),
            );
        }
        let (query_type, node) = if n % 3 == 0 { ("semantic", "node-def456") } else { ("path", "node-33beef") };
        story.tell(
            when + 600 * SECOND_US,
            "query_performance",
            json!({"node_id": node, "query_type": query_type, "query_depth": 2 + n % 4, "result_count": 5 * (n % 5),
                   "latency_ms": 12 + 7 * (n * n % 13), "confidence": 0.5}),
        );
    }
}
