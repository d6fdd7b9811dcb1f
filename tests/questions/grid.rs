//! A small grid over ten days, as a list of events and as a store.

use std::path::Path;

use serde_json::Value as Json;
use sutra_grid_events::Event;
use sutra_grid_events::store::{Durability, Store, StoreConfig};

/// 2026-11-24T12:00:00Z, a Tuesday.
pub(crate) const NOW_US: i64 = 1_795_521_600_000_000;

/// An event as the references see it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) timestamp_us: i64,
    pub(crate) json: Json,
}

impl Kept {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.json.get(field).and_then(Json::as_str).unwrap_or_default()
    }
}

/// The story: day and time in November 2026, and the rest of the event.
const STORY: &[(&str, &str)] = &[
    (
        "14T06:00:00",
        r#""event_type":"agent_registered","agent_id":"agent-001","hostname":"rack-a1","platform":"kubernetes","agent_endpoint":"10.0.0.1:7000","max_storage_nodes":8"#,
    ),
    (
        "14T06:00:05",
        r#""event_type":"agent_registered","agent_id":"agent-002","hostname":"rack-a2","platform":"kubernetes","agent_endpoint":"10.0.0.2:7000","max_storage_nodes":8"#,
    ),
    (
        "14T06:00:09",
        r#""event_type":"agent_registered","agent_id":"agent-003","hostname":"rack-b1","platform":"docker","agent_endpoint":"10.0.0.3:7000","max_storage_nodes":4"#,
    ),
    (
        "14T06:10:00",
        r#""event_type":"agent_registered","agent_id":"agent-004","hostname":"rack-b2","platform":"docker","agent_endpoint":"10.0.0.4:7000","max_storage_nodes":4"#,
    ),
    (
        "14T06:30:00",
        r#""event_type":"spawn_requested","node_id":"node-abc123","agent_id":"agent-001","port":9000,"storage_path":"/data/abc","memory_limit_mb":512"#,
    ),
    (
        "14T06:30:03",
        r#""event_type":"spawn_succeeded","node_id":"node-abc123","agent_id":"agent-001","pid":4100,"port":9000"#,
    ),
    (
        "14T07:00:00",
        r#""event_type":"spawn_requested","node_id":"node-def456","agent_id":"agent-002","port":9001,"storage_path":"/data/def","memory_limit_mb":2048"#,
    ),
    (
        "14T07:00:10",
        r#""event_type":"spawn_succeeded","node_id":"node-def456","agent_id":"agent-002","pid":4200,"port":9001"#,
    ),
    (
        "15T09:00:00",
        r#""event_type":"spawn_requested","node_id":"node-ghi789","agent_id":"agent-003","port":9000,"storage_path":"/data/ghi","memory_limit_mb":1024"#,
    ),
    (
        "15T09:00:02",
        r#""event_type":"spawn_failed","node_id":"node-ghi789","agent_id":"agent-003","error":"port 9000 already in use""#,
    ),
    ("16T02:15:00", r#""event_type":"node_crashed","node_id":"node-def456","agent_id":"agent-002","exit_code":139"#),
    (
        "16T02:15:08",
        r#""event_type":"node_restarted","node_id":"node-def456","agent_id":"agent-002","restart_count":1,"new_pid":4201"#,
    ),
    (
        "17T11:00:00",
        r#""event_type":"spawn_requested","node_id":"node-jkl012","agent_id":"agent-004","port":9002,"storage_path":"/data/jkl","memory_limit_mb":4096"#,
    ),
    (
        "17T11:00:30",
        r#""event_type":"spawn_failed","node_id":"node-jkl012","agent_id":"agent-004","error":"timed out waiting for readiness""#,
    ),
    ("18T08:00:00", r#""event_type":"agent_degraded","agent_id":"agent-004","seconds_since_heartbeat":16"#),
    ("18T08:00:15", r#""event_type":"agent_offline","agent_id":"agent-004","last_seen":"2026-11-18T07:59:44.000000Z""#),
    (
        "18T08:00:16",
        r#""event_type":"cluster_degraded","total_agents":4,"healthy_agents":3,"reason":"agent-004 is offline""#,
    ),
    ("18T08:20:15", r#""event_type":"agent_recovered","agent_id":"agent-004","downtime_seconds":1231"#),
    (
        "18T08:20:16",
        r#""event_type":"cluster_healthy","total_agents":4,"healthy_agents":4,"total_nodes":2,"running_nodes":2"#,
    ),
    ("19T15:00:00", r#""event_type":"stop_requested","node_id":"node-def456","agent_id":"agent-002""#),
    ("19T15:00:04", r#""event_type":"stop_succeeded","node_id":"node-def456","agent_id":"agent-002""#),
    (
        "20T10:00:00",
        r#""event_type":"spawn_requested","node_id":"node-mno345","agent_id":"agent-002","port":9003,"storage_path":"/data/mno","memory_limit_mb":256"#,
    ),
    (
        "20T10:00:02",
        r#""event_type":"spawn_failed","node_id":"node-mno345","agent_id":"agent-002","error":"binary not found""#,
    ),
    ("22T20:00:00", r#""event_type":"node_crashed","node_id":"node-abc123","agent_id":"agent-001","exit_code":1"#),
    (
        "22T20:00:06",
        r#""event_type":"node_restarted","node_id":"node-abc123","agent_id":"agent-001","restart_count":1,"new_pid":4102"#,
    ),
    ("23T03:10:00", r#""event_type":"node_crashed","node_id":"node-abc123","agent_id":"agent-001","exit_code":137"#),
    (
        "23T03:10:09",
        r#""event_type":"node_restarted","node_id":"node-abc123","agent_id":"agent-001","restart_count":2,"new_pid":4103"#,
    ),
    (
        "23T14:00:00",
        r#""event_type":"spawn_requested","node_id":"node-pqr678","agent_id":"agent-001","port":9000,"storage_path":"/data/pqr","memory_limit_mb":512"#,
    ),
    (
        "23T14:00:01",
        r#""event_type":"spawn_failed","node_id":"node-pqr678","agent_id":"agent-001","error":"port 9000 already in use""#,
    ),
    ("24T07:00:00", r#""event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":1"#),
    ("24T07:00:10", r#""event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":1"#),
    ("24T07:00:20", r#""event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":2"#),
    ("24T08:30:00", r#""event_type":"agent_degraded","agent_id":"agent-003","seconds_since_heartbeat":17"#),
    ("24T08:30:15", r#""event_type":"agent_offline","agent_id":"agent-003","last_seen":"2026-11-24T08:29:43.000000Z""#),
    (
        "24T08:30:16",
        r#""event_type":"cluster_degraded","total_agents":4,"healthy_agents":3,"reason":"agent-003 is offline""#,
    ),
    (
        "24T09:00:00",
        r#""event_type":"spawn_requested","node_id":"node-stu901","agent_id":"agent-002","port":9004,"storage_path":"/data/stu","memory_limit_mb":1024"#,
    ),
    (
        "24T11:20:00",
        r#""event_type":"spawn_requested","node_id":"node-vwx234","agent_id":"agent-004","port":9005,"storage_path":"/data/vwx","memory_limit_mb":512"#,
    ),
    (
        "24T11:20:03",
        r#""event_type":"spawn_succeeded","node_id":"node-vwx234","agent_id":"agent-004","pid":4400,"port":9005"#,
    ),
    (
        "24T11:40:00",
        r#""event_type":"spawn_failed","node_id":"node-yza567","agent_id":"agent-004","error":"port 9005 already in use""#,
    ),
    ("24T11:50:00", r#""event_type":"node_crashed","node_id":"node-vwx234","agent_id":"agent-004","exit_code":-9"#),
    ("24T10:00:00", r#""event_type":"pod_evicted","pod_id":"web-1","host":"rack-a1","reason":"memory pressure""#),
    ("24T10:05:00", r#""event_type":"pod_scheduled","pod_id":"web-2","host":"rack-a2","cpu_percent":12.5"#),
    ("24T10:06:00", r#""event_type":"pod_scheduled","pod_id":"web-3","host":"rack-a2","cpu_percent":30.5"#),
];

/// The JSON text of every event.
fn texts() -> impl Iterator<Item = String> {
    STORY.iter().map(|(time, rest)| format!("{{{rest},\"timestamp\":\"2026-11-{time}.000000Z\"}}"))
}

/// The events as the references see them.
pub(crate) fn events() -> Vec<Kept> {
    texts()
        .map(|text| {
            let json: Json = serde_json::from_str(&text).expect("JSON");
            let time = json["timestamp"].as_str().expect("a time");
            let timestamp_us = chrono::DateTime::parse_from_rfc3339(time).expect("RFC 3339").timestamp_micros();
            Kept { timestamp_us, json }
        })
        .collect()
}

/// The store, its segments small so that questions go over several.
pub(crate) fn store(path: &Path) -> (Store, Vec<Kept>) {
    let config = StoreConfig { segment_events: 10, durability: Durability::OsBuffered, ..StoreConfig::default() };
    let store = Store::open_with(path, config).expect("opens");
    let all: Vec<Event> = texts().map(|text| Event::from_json(&text).expect("well-formed")).collect();
    store.append(&all).expect("written");
    (store, events())
}
