//! The questions, and what plain code over the list of events says to each.

use serde_json::Value as Json;

use super::grid::Kept;

/// A question with its answer.
pub(crate) struct Question {
    pub(crate) class: &'static str,
    pub(crate) text: &'static str,
    pub(crate) expected: Expected,
}

type Condition = fn(&Kept) -> bool;

/// What is right.
pub(crate) enum Expected {
    /// It must not be answered.
    Refused,
    /// Exactly the events that pass, all of them listed.
    Events(Condition),
    /// Exactly these ids, whatever else matched.
    Ids(Condition),
    /// As many events as pass.
    Count(Condition),
    /// The distinct values of a field among the events that pass.
    Entities(&'static str, Condition),
    /// As many distinct values.
    Distinct(&'static str, Condition),
    /// The largest group.
    Top(&'static str, u64),
    /// A state.
    State(&'static str, &'static str),
    /// Yes or no.
    YesNo(bool),
    /// A number, within a hundredth.
    Number(f64),
    /// The chain starts and ends with events of these types.
    Chain(&'static str, &'static str),
}

/// An instant in November 2026 in µs.
fn at(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(&format!("2026-11-{text}Z")).expect("RFC 3339").timestamp_micros()
}

fn within(event: &Kept, since: &str, until: &str) -> bool {
    (at(since)..at(until)).contains(&event.timestamp_us)
}

fn is(event: &Kept, name: &str) -> bool {
    event.text("event_type") == name
}

fn failed(event: &Kept) -> bool {
    [
        "spawn_failed",
        "stop_failed",
        "node_crashed",
        "agent_offline",
        "agent_degraded",
        "cluster_degraded",
        "cluster_critical",
    ]
    .iter()
    .any(|name| is(event, name))
}

fn about(event: &Kept, entity: &str) -> bool {
    event
        .json
        .as_object()
        .is_some_and(|fields| fields.iter().any(|(name, value)| name.ends_with("_id") && value == entity))
}

impl Expected {
    fn distinct(events: &[Kept], field: &str, condition: Condition) -> Vec<String> {
        let passing = events.iter().filter(|event| condition(event));
        let mut values: Vec<String> =
            passing.map(|event| event.text(field).to_owned()).filter(|value| !value.is_empty()).collect();
        values.sort();
        values.dedup();
        values
    }

    /// Whether the expectation holds something, so that no condition passes nothing by a slip.
    pub(crate) fn is_plausible(&self, events: &[Kept]) -> bool {
        match self {
            Expected::Events(condition)
            | Expected::Ids(condition)
            | Expected::Entities(_, condition)
            | Expected::Distinct(_, condition) => events.iter().any(condition),
            _ => true,
        }
    }

    /// What differs, if anything does.
    pub(crate) fn check(&self, json: &Json, events: &[Kept]) -> Result<(), String> {
        let same = |what: &str, expected: Json, got: &Json| {
            if expected == *got { Ok(()) } else { Err(format!("{what}: expected {expected}, got {got}")) }
        };
        match self {
            Expected::Refused => Err("it must be refused".to_owned()),
            Expected::Events(condition) | Expected::Ids(condition) => {
                let mut passing: Vec<&Kept> = events.iter().filter(|event| condition(event)).collect();
                passing.sort_by_key(|event| event.timestamp_us);
                let ids: Vec<String> = passing
                    .iter()
                    .map(|event| format!("event-{}-{}", event.text("event_type"), event.timestamp_us))
                    .collect();
                same("events", serde_json::json!(ids), &json["events"])?;
                let all = matches!(self, Expected::Events(_));
                if all { same("matched", serde_json::json!(ids.len()), &json["matched"]) } else { Ok(()) }
            }
            Expected::Count(condition) => {
                same("count", serde_json::json!(events.iter().filter(|event| condition(event)).count()), &json["count"])
            }
            Expected::Entities(field, condition) => {
                let mut got: Vec<String> = serde_json::from_value(json["entities"].clone()).unwrap_or_default();
                got.sort();
                same("entities", serde_json::json!(Self::distinct(events, field, *condition)), &serde_json::json!(got))
            }
            Expected::Distinct(field, condition) => {
                same("count", serde_json::json!(Self::distinct(events, field, *condition).len()), &json["count"])
            }
            Expected::Top(key, count) => {
                same("largest group", serde_json::json!({"key": key, "count": count}), &json["groups"][0])
            }
            Expected::State(entity, state) => {
                same("entity", serde_json::json!(entity), &json["status"]["entity"])?;
                same("state", serde_json::json!(state), &json["status"]["state"])
            }
            Expected::YesNo(yes) => same("yes", serde_json::json!(yes), &json["yes"]),
            Expected::Number(number) => match json["value"]["number"].as_f64() {
                Some(got) if (got - number).abs() <= number.abs() / 100.0 => Ok(()),
                other => Err(format!("number: expected {number}, got {other:?}")),
            },
            Expected::Chain(root, end) => {
                let chain = json["chain"].as_array().cloned().unwrap_or_default();
                let starts = |link: Option<&Json>, name: &str| {
                    link.and_then(|link| link["id"].as_str())
                        .is_some_and(|id| id.starts_with(&format!("event-{name}-")))
                };
                if starts(chain.first(), root) && starts(chain.last(), end) {
                    Ok(())
                } else {
                    Err(format!("chain: {chain:?}"))
                }
            }
        }
    }
}

const fn ask(class: &'static str, text: &'static str, expected: Expected) -> Question {
    Question { class, text, expected }
}

use Expected::{Chain, Count, Distinct, Entities, Events, Ids, Number, Refused, State, Top, YesNo};

/// All questions.
pub(crate) const QUESTIONS: &[Question] = &[
    // ---- Time ----
    ask(
        "time",
        "Show me spawn failures in the last hour",
        Events(|e| is(e, "spawn_failed") && within(e, "24T11:00:00", "24T12:00:00")),
    ),
    ask("time", "crashes today", Events(|e| is(e, "node_crashed") && within(e, "24T00:00:00", "25T00:00:00"))),
    ask(
        "time",
        "what crashed yesterday?",
        Events(|e| is(e, "node_crashed") && within(e, "23T00:00:00", "24T00:00:00")),
    ),
    ask(
        "time",
        "How many nodes crashed this week?",
        Count(|e| is(e, "node_crashed") && within(e, "23T00:00:00", "30T00:00:00")),
    ),
    ask(
        "time",
        "how many crashes last week",
        Count(|e| is(e, "node_crashed") && within(e, "16T00:00:00", "23T00:00:00")),
    ),
    ask("time", "crashes since Sunday", Events(|e| is(e, "node_crashed") && within(e, "22T00:00:00", "25T00:00:00"))),
    ask(
        "time",
        "spawn failures between november 15 and november 17",
        Events(|e| is(e, "spawn_failed") && within(e, "15T00:00:00", "18T00:00:00")),
    ),
    ask(
        "time",
        "which agents went offline on 18 Nov",
        Entities("agent_id", |e| is(e, "agent_offline") && within(e, "18T00:00:00", "19T00:00:00")),
    ),
    ask(
        "time",
        "failed spawns before 2026-11-17",
        Events(|e| is(e, "spawn_failed") && e.timestamp_us < at("17T00:00:00")),
    ),
    ask("time", "crashes in the past 10 days", Events(|e| is(e, "node_crashed"))),
    ask("time", "did anything crash this morning", YesNo(true)),
    ask("time", "pods scheduled in the last 2 hours", Events(|e| is(e, "pod_scheduled"))),
    // ---- Kinds ----
    ask("kinds", "list all node crashes", Events(|e| is(e, "node_crashed"))),
    ask("kinds", "which nodes died", Entities("node_id", |e| is(e, "node_crashed"))),
    ask("kinds", "SHOW RESTARTS!!!", Events(|e| is(e, "node_restarted"))),
    ask("kinds", "agents that joined", Events(|e| is(e, "agent_registered"))),
    ask("kinds", "what went wrong today", Events(|e| failed(e) && within(e, "24T00:00:00", "25T00:00:00"))),
    ask("kinds", "nodes that failed to start", Events(|e| is(e, "spawn_failed"))),
    ask("kinds", "heartbeats of agent-001", Events(|e| is(e, "agent_heartbeat"))),
    ask("kinds", "pod evictions", Events(|e| is(e, "pod_evicted"))),
    ask("kinds", "show stop requests", Events(|e| is(e, "stop_requested"))),
    ask("kinds", "when did the cluster degrade", Events(|e| is(e, "cluster_degraded"))),
    ask("kinds", "node crashs", Events(|e| is(e, "node_crashed"))),
    ask("kinds", "spwan failures", Events(|e| is(e, "spawn_failed"))),
    // ---- Entities ----
    ask("entities", "What happened to node-abc123?", Events(|e| about(e, "node-abc123"))),
    ask("entities", "history of agent 003", Events(|e| about(e, "agent-003"))),
    ask("entities", "timeline for node abc123", Events(|e| about(e, "node-abc123"))),
    ask(
        "entities",
        "crashes on agent-001 or agent-002",
        Events(|e| is(e, "node_crashed") && (about(e, "agent-001") || about(e, "agent-002"))),
    ),
    ask("entities", "failures not on agent-001", Events(|e| failed(e) && !about(e, "agent-001"))),
    ask(
        "entities",
        "everything about agent-004 except heartbeats",
        Events(|e| about(e, "agent-004") && !is(e, "agent_heartbeat")),
    ),
    ask(
        "entities",
        "agents running on kubernetes",
        Entities("agent_id", |e| about(e, "agent-001") || about(e, "agent-002")),
    ),
    ask("entities", "crashes of node-zzz999", Count(|_| false)),
    // ---- Fields ----
    ask(
        "fields",
        "spawn failures because the port was already in use",
        Events(|e| is(e, "spawn_failed") && e.text("error").contains("in use")),
    ),
    ask(
        "fields",
        "spawns that failed with \"binary not found\"",
        Events(|e| is(e, "spawn_failed") && e.text("error").contains("binary")),
    ),
    ask("fields", "crashes with exit code 139", Events(|e| is(e, "node_crashed") && e.json["exit_code"] == 139)),
    ask(
        "fields",
        "which nodes were killed by SIGKILL",
        Entities("node_id", |e| is(e, "node_crashed") && (e.json["exit_code"] == 137 || e.json["exit_code"] == -9)),
    ),
    ask(
        "fields",
        "nodes with more than 1 GB of memory",
        Entities("node_id", |e| e.json["memory_limit_mb"].as_u64().is_some_and(|mb| mb > 1024)),
    ),
    ask(
        "fields",
        "spawn failures that timed out",
        Events(|e| is(e, "spawn_failed") && e.text("error").contains("timed out")),
    ),
    ask(
        "fields",
        "spawn requests with memory limit over 1000",
        Events(|e| is(e, "spawn_requested") && e.json["memory_limit_mb"].as_u64().is_some_and(|mb| mb > 1000)),
    ),
    // ---- Counts and groups ----
    ask("counts", "how many crashes were there", Count(|e| is(e, "node_crashed"))),
    ask("counts", "number of spawn failures", Count(|e| is(e, "spawn_failed"))),
    ask("counts", "how many different nodes crashed", Distinct("node_id", |e| is(e, "node_crashed"))),
    ask("counts", "how many agents went offline", Distinct("agent_id", |e| is(e, "agent_offline"))),
    ask("counts", "how many nodes were spawned", Count(|e| is(e, "spawn_succeeded"))),
    ask("counts", "crashes per agent", Top("agent-001", 2)),
    ask("counts", "spawn failures by day", Top("2026-11-15", 1)),
    ask("counts", "which agent had the most crashes", Top("agent-001", 2)),
    ask("counts", "most common spawn error", Top("port 9000 already in use", 2)),
    ask("counts", "top 3 nodes by crashes", Top("node-abc123", 2)),
    ask("counts", "events by type", Top("spawn_requested", 8)),
    // ---- First, last, when ----
    ask(
        "order",
        "when did node-abc123 last crash",
        Ids(|e| is(e, "node_crashed") && e.timestamp_us == at("23T03:10:00")),
    ),
    ask("order", "show the first spawn failure", Count(|e| e.timestamp_us == at("15T09:00:02"))),
    // ---- States ----
    ask("states", "what is the status of agent-003", State("agent-003", "offline")),
    ask("states", "is agent-003 offline?", YesNo(true)),
    ask("states", "is agent-001 offline", YesNo(false)),
    ask("states", "state of node-vwx234", State("node-vwx234", "crashed")),
    ask("states", "how is the cluster doing", State("cluster", "degraded")),
    ask("states", "which agents are offline right now", Entities("agent_id", |e| about(e, "agent-003"))),
    ask("states", "was node-def456 running at 2026-11-17 12:00", YesNo(true)),
    // ---- Yes and no ----
    ask("yes-no", "did node-def456 crash?", YesNo(true)),
    ask("yes-no", "did agent-002 go offline", YesNo(false)),
    ask("yes-no", "were there any stop failures", YesNo(false)),
    // ---- Values ----
    ask("values", "failure rate of spawns", Number(5.0 / 8.0)),
    ask("values", "success rate of spawns on agent-001", Number(0.5)),
    ask("values", "average cpu percent of pods", Number(21.5)),
    ask("values", "maximum memory limit", Number(4096.0)),
    ask("values", "how long was agent-004 offline", Number(1200.0)),
    // ---- Compare, absence ----
    ask("compare", "compare crashes on agent-001 and agent-002", Top("agent-001", 2)),
    ask("absence", "which spawn requests never got an answer", Entities("node_id", |e| about(e, "node-stu901"))),
    // ---- Why ----
    ask("why", "Why did node-abc123 crash?", Chain("spawn_requested", "node_crashed")),
    ask("why", "why was the cluster degraded", Chain("agent_degraded", "cluster_degraded")),
    ask("why", "what did the crash of node-abc123 lead to", Chain("node_crashed", "node_restarted")),
    // ---- Refused ----
    ask("refused", "delete all events", Refused),
    ask("refused", "restart node-abc123", Refused),
    ask("refused", "please stop agent-001", Refused),
    ask("refused", "how is the weather", Refused),
    ask("refused", "hello", Refused),
    ask("refused", "what is the disk usage of agent-001", Refused),
    ask("refused", "which nodes will crash tomorrow", Refused),
    ask("refused", "crashes next week", Refused),
    ask("refused", "show me the frobnications", Refused),
    ask("refused", "crashes on february 30", Refused),
    ask("refused", "who is the best agent", Refused),
    ask("refused", "tell me a joke", Refused),
    ask("refused", "network throughput per agent", Refused),
    ask("refused", "", Refused),
    ask("refused", "kill node-def456 now", Refused),
    ask("refused", "crashes between yesterday and last week", Refused),
];
