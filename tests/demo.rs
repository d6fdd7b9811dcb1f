//! `grid-events demo`, as a new user runs it: what it says, what it leaves behind, and what it does not.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // In a test a panic is the report.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sutra_grid_events::event::KINDS;
use sutra_grid_events::{GridEvent, Store, StoredEvent};

/// How many of the typed kinds are about the grid itself; they are the first ones.
const GRID_KINDS: usize = 17;

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    command.arg("demo").env_remove("EVENT_STORAGE").stdin(Stdio::null());
    command
}

/// Starts the demo and reads what it prints until a line holds a text.
fn demo_until(directory: &Path, text: &str) -> (Child, BufReader<impl Read>) {
    let mut child = demo().env("TMPDIR", directory).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "`{text}` was not printed");
    }
    (child, stdout)
}

fn events_of(directory: &Path) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    let mut collect = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    Store::open_read_only(directory).unwrap().scan(0, &mut collect).unwrap();
    events
}

/// The events of a demo that was given no directory for them.
fn events_left_in(directory: &Path) -> Vec<StoredEvent> {
    let root = std::fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
    events_of(&root.join("events"))
}

fn of_type<'a>(events: &'a [StoredEvent], event_type: &str) -> Vec<&'a StoredEvent> {
    events.iter().filter(|stored| stored.event.event_type() == event_type).collect()
}

fn grid<'a>(events: &'a [StoredEvent], event_type: &str) -> Vec<&'a GridEvent> {
    of_type(events, event_type).into_iter().map(|stored| stored.event.grid().expect("a typed event")).collect()
}

/// The command lines of the agents and nodes of a demo; each of them names its directory.
fn processes_in(directory: &Path) -> Vec<String> {
    // Elsewhere than on Linux nothing is found, and nothing is tested.
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let lines = processes.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(directory.to_str().unwrap()) && line.contains(" demo-")).collect()
}

#[track_caller]
fn wait_until_gone(directory: &Path) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let left = processes_in(directory);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "{left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_life_of_a_grid_is_recorded_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let output = demo().arg("--dir").arg(&store).env("TMPDIR", directory.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    wait_until_gone(directory.path());
    for expected in ["The timeline of node-abc", "Failures by agent", "The store", "Try next:", "history node-abc"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour where nobody looks");

    let events = events_of(&store);
    assert!(text.contains(&format!("{} events are on disk", events.len())));
    for kind in KINDS.iter().take(GRID_KINDS) {
        assert!(!of_type(&events, kind.name).is_empty(), "{}", kind.name);
    }
    nodes_are_recorded(&events);
    agents_are_recorded(&events);
    questions_are_answered(&text);
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["store"], "the demo cleans up after itself");
}

fn nodes_are_recorded(events: &[StoredEvent]) {
    let crashes = of_type(events, "node_crashed");
    let ends: Vec<_> = grid(events, "node_crashed")
        .into_iter()
        .filter_map(|crash| match crash {
            GridEvent::NodeCrashed { node_id, exit_code, .. } => Some((node_id.as_str(), *exit_code)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [("node-abc", Some(-9)), ("node-abc", Some(-9)), ("node-bcd", Some(137))]);
    let restarts = of_type(events, "node_restarted");
    assert_eq!(restarts.len(), crashes.len());
    for (crash, restart) in crashes.iter().zip(&restarts) {
        // The cause is declared where its id was known in time, and is then the right one.
        assert!(restart.event.causes().iter().all(|cause| *cause == crash.id));
        assert!(restart.event.timestamp_us() > crash.event.timestamp_us());
    }
    let errors: Vec<_> = of_type(events, "spawn_failed").iter().map(|stored| stored.event.to_json()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("No such file")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("in use")), "{errors:?}");
    let stop_failed = of_type(events, "stop_failed")[0].event.to_json();
    assert!(stop_failed.contains("node-abd did not end within"), "{stop_failed}");
    // Five at first, one again; that of the agent which was killed died without being stopped.
    assert_eq!(of_type(events, "spawn_succeeded").len(), 6);
    assert_eq!(of_type(events, "stop_succeeded").len(), 5);
}

fn agents_are_recorded(events: &[StoredEvent]) {
    assert_eq!(of_type(events, "agent_registered").len(), 4);
    assert_eq!(of_type(events, "agent_unregistered").len(), 3);
    // A busy machine can make an agent silent more often than the demo does.
    for (event_type, agents) in [
        ("agent_degraded", &["agent-002"][..]),
        ("agent_offline", &["agent-002", "agent-003"]),
        ("agent_recovered", &["agent-002", "agent-003"]),
    ] {
        let names: Vec<String> = grid(events, event_type).into_iter().map(GridEvent::primary_id).collect();
        assert!(agents.iter().all(|agent| names.iter().any(|name| name == agent)), "{event_type}: {names:?}");
    }
    for offline in grid(events, "agent_offline") {
        let GridEvent::AgentOffline { agent_id, last_seen, timestamp } = offline else { unreachable!() };
        // The last sign of life is an event of that very moment: a heartbeat or a registration.
        let is_it = |event: &&GridEvent| event.primary_id() == *agent_id && event.timestamp() == *last_seen;
        let life = [grid(events, "agent_heartbeat"), grid(events, "agent_registered")].concat();
        assert!(life.iter().any(is_it), "{agent_id} at {last_seen}");
        assert!((*timestamp - *last_seen).num_seconds() >= 2);
    }
    let critical = grid(events, "cluster_critical");
    assert!(critical.iter().any(|event| matches!(
        event,
        GridEvent::ClusterCritical { total_agents: 3, healthy_agents: 0..=1, reason, .. } if reason.contains("offline")
    )));
    let healthy = grid(events, "cluster_healthy");
    assert!(
        healthy
            .iter()
            .any(|event| matches!(event, GridEvent::ClusterHealthy { total_agents: 3, healthy_agents: 3, .. }))
    );
}

fn questions_are_answered(text: &str) {
    let answer = |question: &str| {
        let (_, rest) = text.split_once(&format!("> {question}\n")).expect(question);
        rest.split("\n\n").next().unwrap_or_default().to_owned()
    };
    let failures = answer("Show me all spawn failures in the last hour");
    assert!(failures.starts_with("2 events.") && failures.contains("node-abe") && failures.contains("node-cdf"));
    let offline = answer("Which agents went offline in the last hour?");
    assert!(offline.contains("agent-002") && offline.contains("agent-003"), "{offline}");
    let crashes = answer("How many crashes per node in the last hour?");
    assert!(crashes.contains("2  node-abc") && crashes.contains("1  node-bcd"), "{crashes}");
    let why = answer("Why did node-bcd crash?");
    assert!(why.contains("exit code 137") && why.contains("limit 64 MB"), "{why}");
}

#[test]
fn whoever_stops_reading_ends_the_demo_and_its_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, stdout) = demo_until(directory.path(), "spawn_succeeded");
    drop(stdout);
    assert!(child.wait().unwrap().success());
    wait_until_gone(directory.path());
    // What was recorded until then is there, and each node that was started was stopped.
    let events = events_left_in(directory.path());
    assert_eq!(of_type(&events, "spawn_succeeded").len(), of_type(&events, "stop_succeeded").len());
}

#[test]
fn an_interrupted_demo_ends_its_processes_in_order() {
    let directory = tempfile::tempdir().unwrap();
    // One agent is stopped just then.
    let (mut child, mut stdout) = demo_until(directory.path(), "SIGSTOP");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut String::new()).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{errors}");
    assert!(errors.contains("ended by SIGINT"), "{errors}");
    wait_until_gone(directory.path());
    let events = events_left_in(directory.path());
    assert_eq!(of_type(&events, "agent_unregistered").len(), 3);
    assert_eq!(of_type(&events, "spawn_succeeded").len(), of_type(&events, "stop_succeeded").len());
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, _stdout) = demo_until(directory.path(), "SIGSTOP");
    if cfg!(target_os = "linux") {
        assert!(processes_in(directory.path()).len() >= 3 + 5);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_gone(directory.path());
}

#[test]
fn a_directory_that_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "mine").unwrap();
    let output = demo().arg("--dir").arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a sutra-grid-events store"));
}
