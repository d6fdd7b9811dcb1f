//! The events of the golden store: every kind of value, several shapes of one type, ties, late and early events.

use sutra_grid_events::{Event, event::timestamp};

/// 2026-11-24T08:00:00Z
const START_US: i64 = 1_795_507_200_000_000;

/// Heartbeats of an agent, one a second.
pub(crate) fn heartbeats(agent: &str, count: i64) -> Vec<Event> {
    let line = |second: i64| {
        let time = timestamp::format(START_US + second * 1_000_000);
        format!(
            r#"{{"event_type":"agent_heartbeat","agent_id":"{agent}","storage_node_count":{},"timestamp":"{time}"}}"#,
            second % 7
        )
    };
    (0..count).map(|second| event(&line(second))).collect()
}

fn event(json: &str) -> Event {
    Event::from_json(json).expect(json)
}

fn events(lines: &[&str]) -> Vec<Event> {
    lines.iter().map(|line| event(line)).collect()
}

/// The batches of the first log, which is sealed: two small ones that are not compressed, and two large ones.
pub(crate) fn sealed_batches() -> Vec<Vec<Event>> {
    vec![
        events(&[r#"{"event_type":"agent_unregistered","agent_id":"a","timestamp":"2026-11-24T08:00:00.000000Z"}"#]),
        events(&[r#"{"event_type":"tick","timestamp":"1969-12-31T23:59:59.999999Z"}"#]),
        events(&[
            // Every typed kind of value, in the canonical form.
            r#"{"event_type":"agent_registered","agent_id":"agent-001","hostname":"host-1","platform":"linux","agent_endpoint":"10.0.0.1:7000","max_storage_nodes":8,"timestamp":"2026-11-24T08:00:00.000000Z"}"#,
            r#"{"event_type":"agent_offline","agent_id":"agent-001","last_seen":"2026-11-24T07:59:00.500000Z","timestamp":"2026-11-24T08:00:00.000000Z"}"#,
            r#"{"event_type":"node_crashed","node_id":"node-1","agent_id":"agent-001","exit_code":137,"timestamp":"2026-11-24T08:00:01.000000Z"}"#,
            r#"{"event_type":"node_crashed","node_id":"node-2","agent_id":"agent-001","exit_code":null,"timestamp":"2026-11-24T08:00:01.000000Z"}"#,
            r#"{"event_type":"reconciliation_complete","node_id":"node-1","entries_processed":18446744073709551615,"reconciliation_time_ms":12,"disk_flush":true,"timestamp":"2026-11-24T08:00:02.000000Z"}"#,
            r#"{"event_type":"embedding_service_healthy","instance_id":"embed-1","endpoint":"http://10.0.0.2:80","success_rate":0.97,"cache_hit_rate":0.5,"timestamp":"2026-11-24T08:00:02.000000Z"}"#,
            r#"{"event_type":"cluster_degraded","total_agents":4,"healthy_agents":3,"reason":"agent-001 is offline","timestamp":"2026-11-24T08:00:03.000000Z"}"#,
            // Typed kinds in forms of their own: an offset, an extra, a cause, no `exit_code`, other digits.
            r#"{"event_type":"node_crashed","node_id":"node-1","agent_id":"agent-001","exit_code":-9,"timestamp":"2026-11-24T09:00:01+01:00"}"#,
            r#"{"event_type":"node_crashed","node_id":"node-1","agent_id":"agent-001","timestamp":"2026-11-24T08:00:01.000000Z"}"#,
            r#"{"event_type":"node_restarted","node_id":"node-1","agent_id":"agent-001","restart_count":1,"new_pid":4711,"caused_by":"event-node_crashed-1795507201000000","timestamp":"2026-11-24T08:00:04.000000Z"}"#,
            r#"{"event_type":"embedding_service_healthy","instance_id":"embed-1","endpoint":"http://10.0.0.2:80","success_rate":0.970,"cache_hit_rate":5e-1,"timestamp":"2026-11-24T08:00:05.000000Z"}"#,
            // Kinds of their own: every value, shapes that differ, texts of any form.
            r#"{"event_type":"span","trace_id":"trace-1","ok":false,"load":-0.25,"more":[1,{"k":null}],"timestamp":"2026-11-24T08:00:06.000000Z"}"#,
            r#"{"timestamp":"2026-11-24T08:00:06.000000Z","trace_id":"trace-1","span_id":"agent-001","event_type":"span","ok":true}"#,
            r#"{"event_type":"span","trace_id":"","at":"2026-11-24T08:00:05.000000Z","big":123456789012345678901234567890,"low":-9223372036854775808,"text":"ä \" \\ \n \u0000","timestamp":"2026-11-24T08:00:06.000001Z"}"#,
            r#"{"event_type":"mixed","value":1,"timestamp":"2026-11-24T08:00:07.000000Z"}"#,
            r#"{"event_type":"mixed","value":"one","timestamp":"2026-11-24T08:00:07.000000Z"}"#,
            r#"{"event_type":"mixed","value":{"n":1.50},"timestamp":"0001-01-01T00:00:00.000000Z"}"#,
            r#"{"event_type":"mixed","value":1.5,"timestamp":"9999-12-31T23:59:59.999999Z"}"#,
            r#"{"event_type":"mixed","value":1e3,"timestamp":"2026-11-24T08:00:06.500000Z"}"#,
            r#"{"event_type":"tick","timestamp":"1969-12-31T23:59:59.999999Z"}"#,
        ]),
        // More than one block of a type.
        heartbeats("agent-001", 520),
    ]
}

/// The batches of the second log.
pub(crate) fn tail_batches() -> Vec<Vec<Event>> {
    vec![
        events(&[
            r#"{"event_type":"node_crashed","node_id":"node-3","agent_id":"agent-002","exit_code":1,"timestamp":"2026-11-24T08:20:00.000000Z"}"#,
            // Late, and a tie with events of the segment.
            r#"{"event_type":"node_crashed","node_id":"node-3","agent_id":"agent-002","exit_code":1,"timestamp":"2026-11-24T08:00:01.000000Z"}"#,
        ]),
        heartbeats("agent-002", 20),
        events(&[
            r#"{"event_type":"spawn_failed","node_id":"node-4","agent_id":"agent-002","error":"port 7001 is taken","timestamp":"2026-11-24T08:21:00.000000Z"}"#,
        ]),
    ]
}
