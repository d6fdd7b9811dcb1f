//! What is recorded of real child processes.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::event::{ConceptId, Event};

/// A supervisor whose events can be awaited.
fn fixture() -> (NodeSupervisor, Receiver<Event>) {
    let (sender, events) = channel();
    (NodeSupervisor::new("agent-001", move |event| drop(sender.send(event))), events)
}

/// A node that runs a script of the shell.
fn shell(node_id: &str, script: &str) -> NodeSpec {
    let restart = RestartPolicy { pause_min: Duration::from_millis(1), ..RestartPolicy::never() };
    let args = vec!["-c".into(), script.into()];
    NodeSpec { args, port: 50_061, restart, ..NodeSpec::new(node_id, "/bin/sh") }
}

fn ready_at_line(spec: NodeSpec) -> NodeSpec {
    NodeSpec { readiness: Readiness::FirstLine { timeout: Duration::from_secs(60) }, ..spec }
}

fn restarted(spec: NodeSpec, restarts_max: u32) -> NodeSpec {
    let restart = RestartPolicy { restarts_max, ..spec.restart };
    NodeSpec { restart, ..spec }
}

/// Waits for the next event, which must be of this type.
#[track_caller]
fn next(events: &Receiver<Event>, event_type: &str) -> GridEvent {
    let event = events.recv_timeout(Duration::from_secs(60)).expect("an event");
    assert_eq!(event.event_type(), event_type, "{event:?}");
    event.grid().expect("a typed event").clone()
}

#[track_caller]
fn next_failure(events: &Receiver<Event>) -> String {
    let GridEvent::SpawnFailed { error, .. } = next(events, "spawn_failed") else { unreachable!() };
    error
}

#[track_caller]
fn next_crash(events: &Receiver<Event>) -> Option<i32> {
    let GridEvent::NodeCrashed { exit_code, .. } = next(events, "node_crashed") else { unreachable!() };
    exit_code
}

fn wait_until_abandoned(supervisor: &NodeSupervisor, node_id: &str) {
    while supervisor.node(node_id).unwrap().phase != NodePhase::Abandoned {
        thread::yield_now();
    }
}

#[test]
fn a_node_is_spawned_and_stopped() {
    let (supervisor, events) = fixture();
    let spec = NodeSpec { storage_path: "/data".into(), memory_limit_mb: 512, ..shell("n", "exec sleep 600") };
    let pid = supervisor.spawn(spec).unwrap();
    let GridEvent::SpawnRequested { port, storage_path, memory_limit_mb, .. } = next(&events, "spawn_requested") else {
        unreachable!()
    };
    assert_eq!((port, storage_path.as_str(), memory_limit_mb), (50_061, "/data", 512));
    let GridEvent::SpawnSucceeded { pid: recorded, .. } = next(&events, "spawn_succeeded") else { unreachable!() };
    assert_eq!(recorded, pid);
    assert_eq!(supervisor.node("n").unwrap().phase, NodePhase::Running { pid });
    assert!(matches!(supervisor.spawn(shell("n", "exit 0")), Err(SupervisorError::Running { .. })));
    supervisor.stop("n").unwrap();
    next(&events, "stop_requested");
    next(&events, "stop_succeeded");
    assert_eq!(supervisor.node("n"), None);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_missing_program_fails_to_spawn() {
    let (supervisor, events) = fixture();
    let error = supervisor.spawn(NodeSpec::new("n", "/nowhere/storage-node")).unwrap_err();
    next(&events, "spawn_requested");
    let reason = next_failure(&events);
    assert!(reason.starts_with("cannot start /nowhere/storage-node: No such file"), "{reason}");
    assert!(error.to_string().ends_with(&reason));
    assert!(supervisor.nodes().is_empty());
}

#[test]
fn a_node_that_ends_before_it_is_ready_failed_to_spawn() {
    let (supervisor, events) = fixture();
    let script = "echo something first >&2; echo port 50061 is in use >&2; exit 3";
    supervisor.spawn(ready_at_line(shell("n", script))).unwrap_err();
    next(&events, "spawn_requested");
    assert_eq!(next_failure(&events), "port 50061 is in use (ended with exit code 3 before it was ready)");
    assert!(events.try_recv().is_err(), "it is no crash");
}

#[test]
fn a_node_that_is_never_ready_failed_to_spawn() {
    let (supervisor, events) = fixture();
    let readiness = Readiness::FirstLine { timeout: Duration::from_millis(20) };
    supervisor.spawn(NodeSpec { readiness, ..shell("n", "exec sleep 600") }).unwrap_err();
    next(&events, "spawn_requested");
    assert_eq!(next_failure(&events), "was not ready within 20ms");
}

#[test]
fn a_node_that_is_ready_goes_on_printing() {
    let (supervisor, events) = fixture();
    // More than a pipe holds: a node must never block on its output.
    let script = "echo ready; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 7";
    supervisor.spawn(ready_at_line(shell("n", script))).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    assert_eq!(next_crash(&events), Some(7));
}

#[test]
fn the_true_ending_is_recorded() {
    for (script, expected) in [("exit 137", 137), ("exit 0", 0), ("kill -9 $$", -9), ("kill -11 $$", -11)] {
        let (supervisor, events) = fixture();
        supervisor.spawn(shell("n", script)).unwrap();
        next(&events, "spawn_requested");
        next(&events, "spawn_succeeded");
        assert_eq!(next_crash(&events), Some(expected), "{script}");
        wait_until_abandoned(&supervisor, "n");
        drop(supervisor);
        assert!(events.recv().is_err(), "one that is not restarted is not stopped either");
    }
}

#[test]
fn a_killed_node_is_restarted_and_can_be_stopped() {
    let (supervisor, events) = fixture();
    let first = supervisor.spawn(restarted(shell("n", "exec sleep 600"), 3)).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    let mut last = first;
    for count in 1..=3 {
        supervisor.kill("n").unwrap();
        assert_eq!(next_crash(&events), Some(-9));
        let GridEvent::NodeRestarted { restart_count, new_pid, .. } = next(&events, "node_restarted") else {
            unreachable!()
        };
        assert_eq!(restart_count, count);
        assert_ne!(new_pid, last);
        last = new_pid;
    }
    let status = supervisor.node("n").unwrap();
    assert_eq!((status.restart_count, status.last_exit), (3, Some(-9)));
    supervisor.stop("n").unwrap();
    next(&events, "stop_requested");
    next(&events, "stop_succeeded");
}

#[test]
fn restarting_has_an_end() {
    let (supervisor, events) = fixture();
    supervisor.spawn(restarted(shell("n", "exit 1"), 2)).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    for _ in 0..2 {
        assert_eq!(next_crash(&events), Some(1));
        next(&events, "node_restarted");
    }
    assert_eq!(next_crash(&events), Some(1));
    assert_eq!(next_failure(&events), "not restarted any more after 2 attempts in a row");
    wait_until_abandoned(&supervisor, "n");
    assert!(matches!(supervisor.kill("n"), Err(SupervisorError::Unknown { .. })));
    // The name can be used again.
    supervisor.spawn(shell("n", "exec sleep 600")).unwrap();
}

#[test]
fn a_node_that_lived_long_enough_gets_all_its_restarts_again() {
    let (supervisor, events) = fixture();
    let mut spec = restarted(shell("n", "exec sleep 600"), 1);
    spec.restart.stable_after = Duration::ZERO;
    supervisor.spawn(spec).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    for _ in 0..3 {
        supervisor.kill("n").unwrap();
        next_crash(&events);
        next(&events, "node_restarted");
    }
}

#[test]
fn a_node_that_waits_for_its_restart_can_be_stopped() {
    let (supervisor, events) = fixture();
    let mut spec = restarted(shell("n", "exit 1"), 1);
    spec.restart.pause_min = Duration::from_secs(3_600);
    spec.restart.pause_max = Duration::from_secs(3_600);
    supervisor.spawn(spec).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    next_crash(&events);
    supervisor.stop("n").unwrap();
    next(&events, "stop_requested");
    next(&events, "stop_succeeded");
}

#[test]
fn a_node_that_does_not_listen_is_killed() {
    let (supervisor, events) = fixture();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let spec = NodeSpec { stop_timeout: Duration::from_millis(50), ..ready_at_line(shell("n", script)) };
    let pid = supervisor.spawn(spec).unwrap();
    supervisor.stop("n").unwrap();
    for expected in ["spawn_requested", "spawn_succeeded", "stop_requested", "stop_succeeded"] {
        next(&events, expected);
    }
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_node_that_does_not_listen_can_be_left_running() {
    let (supervisor, events) = fixture();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let stop_timeout = Duration::from_millis(50);
    let spec = NodeSpec { stop_timeout, unresponsive: Unresponsive::Leave, ..ready_at_line(shell("n", script)) };
    let pid = supervisor.spawn(spec).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    let error = supervisor.stop("n").unwrap_err();
    assert!(matches!(error, SupervisorError::Unresponsive { .. }), "{error}");
    next(&events, "stop_requested");
    let GridEvent::StopFailed { error, .. } = next(&events, "stop_failed") else { unreachable!() };
    assert_eq!(error, "n did not end within 50ms after it was asked to");
    assert_eq!(supervisor.node("n").unwrap().phase, NodePhase::Running { pid });
    // It is still watched over, but does not outlive its supervisor.
    drop(supervisor);
    next(&events, "stop_requested");
    next(&events, "stop_succeeded");
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn stopping_what_does_not_run_is_recorded_as_failed() {
    let (supervisor, events) = fixture();
    assert!(matches!(supervisor.stop("n"), Err(SupervisorError::Unknown { .. })));
    next(&events, "stop_requested");
    let GridEvent::StopFailed { error, .. } = next(&events, "stop_failed") else { unreachable!() };
    assert_eq!(error, "no node n is running");
}

#[test]
fn dropping_the_supervisor_stops_all() {
    let (supervisor, events) = fixture();
    for node_id in ["a", "b"] {
        supervisor.spawn(shell(node_id, "exec sleep 600")).unwrap();
    }
    drop(supervisor);
    let stopped = events.iter().filter(|event| event.event_type() == "stop_succeeded").count();
    assert_eq!(stopped, 2);
}

/// Knows the id of each event at once.
struct Identified(std::sync::mpsc::Sender<Event>);

impl Emit for Identified {
    fn emit(&self, event: Event) {
        drop(self.0.send(event));
    }

    fn emit_tracked(&self, event: Event) -> crate::grid::Ticket {
        let id = ConceptId::new(event.event_type(), event.timestamp_us(), 0).unwrap();
        self.emit(event);
        crate::grid::Ticket::known(id)
    }
}

#[test]
fn a_restart_names_its_crash_as_the_cause() {
    let (sender, events) = channel();
    let supervisor = NodeSupervisor::new("agent-001", Identified(sender));
    supervisor.spawn(restarted(shell("n", "exec sleep 600"), 1)).unwrap();
    next(&events, "spawn_requested");
    next(&events, "spawn_succeeded");
    supervisor.kill("n").unwrap();
    let crash = events.recv().unwrap();
    let restart = events.recv().unwrap();
    assert_eq!(restart.event_type(), "node_restarted");
    assert_eq!(restart.causes(), [ConceptId::new("node_crashed", crash.timestamp_us(), 0).unwrap()]);
}
