//! Retention from outside: what thinning saves, readers in other processes while segments are written anew, and the
//! command `retain`.
// The lints know tests by their attribute, which what they share does not have.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use chrono::{TimeZone, Utc};
use sutra_grid_events::store::{Durability, Retention, TypeRetention};
use sutra_grid_events::{Event, Filter, GridEvent, Store, StoreConfig};

const BEAT: &str = "agent_heartbeat";
const AGENTS: u32 = 100;
/// µs between two heartbeats of an agent.
const INTERVAL_US: i64 = 10_000_000;
/// 2026-11-24T08:00:00Z
const START_US: i64 = 1_795_507_200_000_000;

fn config(segment_events: u32) -> StoreConfig {
    StoreConfig { segment_events, durability: Durability::OsBuffered, ..StoreConfig::default() }
}

fn event(number: u64, agent: u32, time_us: i64) -> Event {
    let timestamp = Utc.timestamp_micros(time_us).unwrap();
    let agent_id = format!("agent-{agent:03}");
    Event::from(if number.is_multiple_of(1_000) {
        GridEvent::NodeCrashed { node_id: format!("node-{number}"), agent_id, exit_code: Some(137), timestamp }
    } else {
        GridEvent::AgentHeartbeat { agent_id, storage_node_count: 1 + agent % 5, timestamp }
    })
}

/// Heartbeats of 100 agents that come when they are due, give or take some ms, and a crash now and then.
fn record(store: &Store, rounds: i64) {
    let mut number = 0u64;
    for round in 0..rounds {
        let events: Vec<Event> = (0..AGENTS)
            .map(|agent| {
                number += 1;
                let jitter_us = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as i64;
                event(number, agent, START_US + round * INTERVAL_US + i64::from(agent) * 90_000 + jitter_us)
            })
            .collect();
        store.append(&events).unwrap();
    }
    store.seal().unwrap();
}

fn thinning() -> Retention {
    let limits = TypeRetention { thin_after: Some(Duration::ZERO), age_max: None };
    Retention { types: BTreeMap::from([(BEAT.to_owned(), limits)]), ..Retention::default() }
}

/// Thins the heartbeats of so many rounds, prints what that saves, and checks that it is at least this many times.
fn thin(rounds: i64, saved_min: u64) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_with(directory.path(), config(65_536)).unwrap();
    record(&store, rounds);
    let events = store.count(&Filter::All).unwrap();
    let crashes = store.count(&Filter::event_type("node_crashed")).unwrap();
    let later = Utc::now() + Duration::from_secs(60);
    let report = store.apply_retention(&thinning(), later).unwrap();
    let (before, after) = (report.segment_bytes, report.segment_bytes - report.bytes_freed);
    #[allow(clippy::cast_precision_loss)] // Ratios for people.
    let of_each = |bytes: u64| bytes as f64 / events as f64;
    println!(
        "{events} events in {} segments: {:.2} bytes an event before, {:.3} after thinning, {} times less; {} heartbeats left",
        store.stats().unwrap().segments,
        of_each(before),
        of_each(after),
        before / after,
        store.count(&Filter::event_type(BEAT)).unwrap(),
    );
    assert_eq!(store.count(&Filter::event_type("node_crashed")).unwrap(), crashes);
    assert_eq!(
        report.thinned.get(BEAT).copied().unwrap_or(0) + store.count(&Filter::event_type(BEAT)).unwrap(),
        events - crashes
    );
    assert!(before / after >= saved_min, "{before} bytes before, {after} after");
}

#[test]
fn thinning_saves_most_of_a_steady_record() {
    thin(12 * 60, 5);
}

#[test]
#[ignore = "25 million events; run with --release -- --ignored --nocapture"]
fn thinning_saves_most_of_thirty_days() {
    thin(30 * 24 * 360, 10);
}

fn grid_events(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grid-events"))
        .args(arguments)
        .arg("--dir")
        .arg(directory)
        .output()
        .expect("the command runs")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

#[test]
fn readers_in_other_processes_see_each_segment_before_or_after() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_with(directory.path(), config(2_000)).unwrap();
    // Every segment has 1,998 beats and two crashes.
    for segment in 0..12i64 {
        let numbers = (0..2_000u64).map(|number| (number, START_US + (segment * 2_000 + number as i64) * 1_000));
        let events: Vec<Event> =
            numbers.map(|(number, time_us)| event(number, (number % 10) as u32, time_us)).collect();
        store.append(&events).unwrap();
        store.seal().unwrap();
    }
    let limits = TypeRetention { age_max: Some(Duration::ZERO), thin_after: None };
    let policy = Retention { types: BTreeMap::from([(BEAT.to_owned(), limits)]), ..Retention::default() };
    let path = directory.path().to_owned();
    let held = Store::open_read_only(&path).unwrap();
    let before = held.snapshot();
    let reader = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while seen.last() != Some(&0) {
            // The status says that nothing was found, in the end.
            let output = grid_events(&path, &["count", "--type", BEAT]);
            let beats: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
            let crashes = printed(&grid_events(&path, &["count", "--type", "node_crashed"]));
            assert_eq!(crashes, "24");
            seen.push(beats);
        }
        seen
    });
    store.apply_retention(&policy, Utc::now() + Duration::from_secs(60)).unwrap();
    let seen = reader.join().unwrap();
    assert!(seen.iter().all(|beats| beats.is_multiple_of(1_998)), "{seen:?}");
    assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
    assert_eq!(before.count(&Filter::All).unwrap(), 24_000, "what is held does not change");
    held.refresh().unwrap();
    assert_eq!(held.count(&Filter::event_type(BEAT)).unwrap(), 0);
    assert_eq!(held.count(&Filter::event_type("events_removed")).unwrap(), 12);
}

/// Every file below a directory with its content.
fn files(directory: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_command_does_what_its_dry_run_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let store = Store::open_with(path, config(1_000)).unwrap();
    record(&store, 30);
    store.close().unwrap();
    let before = files(path);
    let policy = ["--thin", "agent_heartbeat=1d", "--keep", "node_crashed=2d", "--now", "2100-01-01T00:00:00Z"];
    let run = |more: &[&str]| grid_events(path, &[&["retain", "--format", "json"], &policy[..], more].concat());
    let planned = printed(&run(&["--dry-run"]));
    assert_eq!(files(path), before, "a dry run writes nothing");
    let expected = r#""segments_rewritten":3,"expired":{"node_crashed":3},"thinned":{"agent_heartbeat":"#;
    assert!(planned.contains(expected), "{planned}");
    assert_eq!(printed(&run(&[])), planned.replace("\"dry_run\":true", "\"dry_run\":false"));
    assert!(printed(&run(&[])).contains(r#""segments_rewritten":0,"expired":{},"thinned":{}"#), "it is done once");
    let told = printed(&grid_events(path, &["count", "--type", "events_removed"]));
    assert_eq!(told, "6");
    let refused = |arguments: &[&str]| {
        let output = grid_events(path, arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["retain"]).contains("--older-than"));
    assert!(refused(&["retain", "--keep", "agent_heartbeat"]).contains("TYPE=AGE"));
    assert!(refused(&["retain", "--max-bytes", "many"]).contains("--max-bytes"));
    let held = Store::open(path).unwrap();
    assert!(refused(&["retain", "--older-than", "1y"]).contains("is being written by"));
    drop(held);
    let nowhere = path.join("nowhere");
    let output = grid_events(&nowhere, &["retain", "--older-than", "1y"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!nowhere.exists(), "a store is not made by it");
}
