//! The points of integration of masters and agents, as docs/integration.md shows them: compiled, run, and quoted
//! there word for word.
#![cfg(feature = "grid")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // In a test a panic is the report.

mod agent;
mod master;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use sutra_grid_events::grid::{NodeSpec, NodeSupervisor, Registration, RestartPolicy};
use sutra_grid_events::{Event, Store};

use crate::agent::Agent;
use crate::master::{Master, Node};

const DOCUMENT: &str = include_str!("../../docs/integration.md");
const QUOTED: [&str; 2] = [include_str!("master.rs"), include_str!("agent.rs")];
/// Set for the test that is run anew with `EVENT_STORAGE`.
const EXPECTED_STORE: &str = "EXPECTED_STORE";

fn node() -> Node {
    Node {
        node_id: "node-abc".into(),
        agent_id: "agent-001".into(),
        port: 50_061,
        storage_path: "/data/node-abc".into(),
        memory_limit_mb: 512,
    }
}

fn registration() -> Registration {
    Registration {
        agent_id: "agent-001".into(),
        hostname: "host-1".into(),
        platform: "bare-metal".into(),
        agent_endpoint: "10.0.0.1:50053".into(),
        max_storage_nodes: 5,
    }
}

fn types_in(store: &Path) -> Vec<String> {
    let mut types = Vec::new();
    let mut collect = |stored: sutra_grid_events::StoredEvent| {
        types.push(stored.event.event_type().to_owned());
        ControlFlow::Continue(())
    };
    Store::open_read_only(store).unwrap().scan(0, &mut collect).unwrap();
    types
}

/// Whether the caller's environment names a store, which these tests must neither use nor be led astray by.
fn is_environment_in_the_way() -> bool {
    std::env::var_os("EVENT_STORAGE").is_some()
}

/// Goes through all points, whether there is a store or not.
async fn go_through_all_points(master: &Master) {
    assert!(!master.heartbeat("agent-001", 0), "not registered yet");
    master.register(registration());
    assert!(master.heartbeat("agent-001", 0));
    let watch = master.watch();
    assert_eq!(master.spawn_node(&node(), async { Ok(17) }).await, Ok(17));
    assert!(master.spawn_node(&node(), async { Err("the port is in use".to_owned()) }).await.is_err());
    assert!(master.stop_node(&node(), async { Err("the agent did not answer".to_owned()) }).await.is_err());
    assert_eq!(master.stop_node(&node(), async { Ok(()) }).await, Ok(()));
    let agent = Agent { agent_id: "agent-001".into(), events: master.events.clone() };
    let killed = Command::new("/bin/sh").args(["-c", "kill -9 $$"]).status().unwrap();
    agent.note_crash("node-abc", killed);
    agent.note_restart("node-abc", 1, 18);
    assert!(master.unregister("agent-001"));
    watch.abort();
    master.events.close().await.unwrap();
}

/// What that records.
const RECORDED: [&str; 14] = [
    "agent_registered",
    "cluster_healthy",
    "agent_heartbeat",
    "spawn_requested",
    "spawn_succeeded",
    "spawn_requested",
    "spawn_failed",
    "stop_requested",
    "stop_failed",
    "stop_requested",
    "stop_succeeded",
    "node_crashed",
    "node_restarted",
    "agent_unregistered",
];

#[tokio::test]
async fn every_point_records_its_events() {
    if is_environment_in_the_way() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let configuration = format!("[agent]\nid = 1\n[events]\nstorage_endpoint = '{}'\n", store.display());
    go_through_all_points(&Master::start(&configuration).await).await;
    assert_eq!(types_in(&store), RECORDED);
}

#[tokio::test]
async fn a_grid_without_its_event_store_runs_on() {
    if is_environment_in_the_way() {
        return;
    }
    for configuration in ["", "[events", "[events]\nstorage_endpoint = 'redis://h'", "[events]\nstorage_endpoint = '/'"]
    {
        let master = Master::start(configuration).await;
        assert!(master.events.emitter().is_none(), "{configuration}");
        go_through_all_points(&master).await;
        assert_eq!(master.events.dropped(), RECORDED.len() as u64);
    }
}

/// The environment of a process cannot be changed safely while it runs, so the test below is run as a process.
#[test]
fn the_variable_names_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_the_variable_set", "--ignored", "--nocapture"])
        .env("EVENT_STORAGE", format!("embedded:{}", store.display()))
        .env(EXPECTED_STORE, &store)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(types_in(&store), RECORDED);
}

#[tokio::test]
#[ignore = "the test above runs it, with EVENT_STORAGE set"]
async fn with_the_variable_set() {
    if std::env::var_os(EXPECTED_STORE).is_some() {
        go_through_all_points(&Master::start("[events]\nstorage_endpoint = '/nowhere'\n").await).await;
    }
}

#[tokio::test]
async fn the_supervisor_of_an_agent_records_crashes_and_restarts_only() {
    if is_environment_in_the_way() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let configuration = format!("[events]\nstorage_endpoint = '{}'\n", store.display());
    let events = Master::start(&configuration).await.events;
    let supervisor = agent::supervisor("agent-001", events.clone());
    let restart = RestartPolicy { restarts_max: 1, pause_min: Duration::from_millis(1), ..RestartPolicy::default() };
    let spec = NodeSpec { args: vec!["600".into()], restart, ..NodeSpec::new("node-abc", "/bin/sleep") };
    supervisor.spawn(spec).unwrap();
    supervisor.kill("node-abc").unwrap();
    while supervisor.node("node-abc").unwrap().restart_count == 0 {
        tokio::task::yield_now().await;
    }
    supervisor.stop("node-abc").unwrap();
    events.close().await.unwrap();
    assert_eq!(types_in(&store), ["node_crashed", "node_restarted"]);
}

#[test]
fn the_supervisor_alone_records_the_whole_life_of_a_node() {
    let (sender, events) = channel();
    let supervisor = NodeSupervisor::new("agent-001", move |event: Event| drop(sender.send(event)));
    supervisor.spawn(NodeSpec { args: vec!["600".into()], ..NodeSpec::new("node-abc", "/bin/sleep") }).unwrap();
    drop(supervisor);
    let types: Vec<String> = events.iter().map(|event| event.event_type().to_owned()).collect();
    assert_eq!(types, ["spawn_requested", "spawn_succeeded", "stop_requested", "stop_succeeded"]);
}

#[test]
fn the_document_quotes_what_is_compiled_here() {
    let mut blocks = 0;
    for block in DOCUMENT.split("```rust\n").skip(1) {
        let code = block.split("\n```").next().unwrap_or_default();
        blocks += 1;
        let is_in = |source: &&str| trimmed(source).contains(&trimmed(code));
        assert!(QUOTED.iter().any(is_in), "not in tests/integration:\n{code}");
    }
    assert_eq!(blocks, 8, "five points of a master, two of an agent in two ways, and the start");
}

/// The lines of a text without their indentation, as a part of a file is indented less where it is quoted.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
