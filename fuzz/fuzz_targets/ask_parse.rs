//! Any text up to 64 KiB is read or refused: no panic, in bounded time and memory.
//!
//! `.ci/fuzz SECONDS` runs it; so does `cargo +nightly fuzz run ask_parse`, which adds what it finds to the corpus.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::ask::{AskOptions, Understanding, answer, understand};
use sutra_grid_events::{Event, Store};
use tempfile::TempDir;

/// 2026-11-24T12:00:00Z.
const NOW_US: i64 = 1_795_521_600_000_000;

/// A tiny store: a few kinds, typed and dynamic, with names that questions can hit.
const EVENTS: [&str; 6] = [
    r#"{"event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":2,"timestamp":"2026-11-24T10:00:00Z"}"#,
    r#"{"event_type":"agent_offline","agent_id":"agent-002","last_seen":"2026-11-24T09:59:00Z","timestamp":"2026-11-24T10:01:00Z"}"#,
    r#"{"event_type":"spawn_failed","node_id":"node-abc","agent_id":"agent-001","error":"port 7000 already in use","timestamp":"2026-11-24T10:02:00Z"}"#,
    r#"{"event_type":"node_crashed","node_id":"node-abc","agent_id":"agent-001","exit_code":137,"timestamp":"2026-11-24T10:03:00Z"}"#,
    r#"{"event_type":"pod_scheduled","pod_id":"web-1","cpu_percent":12.5,"timestamp":"2026-11-24T10:04:00Z"}"#,
    r#"{"event_type":"cluster_critical","total_agents":2,"healthy_agents":1,"reason":"agent-002 is offline","timestamp":"2026-11-24T10:05:00Z"}"#,
];

struct Tiny {
    store: Store,
    _directory: TempDir,
}

static TINY: LazyLock<Tiny> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a directory");
    let store = Store::open(directory.path()).expect("a store");
    for text in EVENTS {
        store.append(&[Event::from_json(text).expect("an event")]).expect("stored");
    }
    store.close().expect("closed");
    let store = Store::open_read_only(directory.path()).expect("a store");
    Tiny { store, _directory: directory }
});

fuzz_target!(|text: &str| {
    let options = AskOptions { now_us: NOW_US, ..AskOptions::default() };
    let understood = understand(&TINY.store.snapshot(), text, &options).expect("the store can be read");
    if let Understanding::Question(question) = understood {
        // What is understood can be answered too, and told without a character that steers a terminal.
        let answer = answer(&TINY.store, &question, &options).expect("the store can be read");
        assert!(answer.text().chars().all(|character| character == '\n' || !character.is_control()));
    }
});
