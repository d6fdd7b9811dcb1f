//! `grid-events demo`, as a new user runs it: what it says, what it leaves behind, and what it does not.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // In a test a panic is the report.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use sutra_grid_events::{GridEvent, Store, StoredEvent};

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    command.arg("demo").env_remove("EVENT_STORAGE").stdin(Stdio::null());
    command
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

fn of_type<'a>(events: &'a [StoredEvent], event_type: &str) -> Vec<&'a StoredEvent> {
    events.iter().filter(|stored| stored.event.event_type() == event_type).collect()
}

#[test]
fn the_life_of_a_grid_is_recorded_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let output = demo().arg("--dir").arg(&store).env("TMPDIR", directory.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for expected in ["The timeline of node-abc", "Failures by agent", "The store", "Try next:", "history node-abc"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour where nobody looks");

    let events = events_of(&store);
    assert!(text.contains(&format!("{} events are on disk", events.len())));
    let crashes = of_type(&events, "node_crashed");
    let restarts = of_type(&events, "node_restarted");
    assert_eq!((crashes.len(), restarts.len()), (2, 2));
    for (crash, restart) in crashes.iter().zip(&restarts) {
        assert!(matches!(crash.event.grid(), Some(GridEvent::NodeCrashed { exit_code: Some(-9), .. })));
        // The cause is declared where its id was known in time, and is then the right one.
        assert!(restart.event.causes().iter().all(|cause| *cause == crash.id));
    }
    let errors: Vec<_> = of_type(&events, "spawn_failed").iter().map(|stored| stored.event.to_json()).collect();
    assert!(errors.iter().any(|error| error.contains("No such file")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("in use")), "{errors:?}");
    for (event_type, count) in
        [("agent_registered", 3), ("agent_unregistered", 3), ("spawn_succeeded", 5), ("stop_succeeded", 5)]
    {
        assert_eq!(of_type(&events, event_type).len(), count, "{event_type}");
    }
    // How many of these there are is a matter of how busy the machine is.
    for event_type in ["agent_heartbeat", "agent_degraded", "agent_offline", "agent_recovered", "cluster_degraded"] {
        assert!(!of_type(&events, event_type).is_empty(), "{event_type}");
    }
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["store"], "the demo cleans up after itself");
}

#[test]
fn whoever_stops_reading_ends_the_demo_and_its_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = demo().env("TMPDIR", directory.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    assert!(child.wait().unwrap().success());
    // What was recorded until then is there, and each node that was started was stopped.
    let root = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let events = events_of(&root.join("events"));
    assert_eq!(of_type(&events, "spawn_succeeded").len(), of_type(&events, "stop_succeeded").len());
}

#[test]
fn a_directory_that_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "mine").unwrap();
    let output = demo().arg("--dir").arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a sutra-grid-events store"));
}
