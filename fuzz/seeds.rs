//! Writes the first inputs of the targets that read files into `fuzz/corpus`, without compression, so that a changed
//! byte is a changed byte of what was compressed. Run it from the root of the project after a change of the format:
//! `RUSTFLAGS='--cfg fuzzing' cargo run --manifest-path fuzz/Cargo.toml --bin seeds`.

mod common;

use std::path::Path;

use sutra_grid_events::store::{ForeignAssociation, ForeignConcept, ForeignRecord, StoreConfig};
use sutra_grid_events::{Event, Store};

fn main() {
    lay_bare();
    for (name, events) in [("few", 3), ("many", 40), ("ties", 12)] {
        let directory = common::store_of("LOCK", b"");
        let config = StoreConfig { segment_events: 1_000, ..StoreConfig::default() };
        let store = Store::open_with(directory.path(), config).expect("a store");
        for batch in events_of(name, events).chunks(5) {
            store.append(batch).expect("written");
        }
        store.learn_foreign(&records()).expect("written");
        store.flush().expect("durable");
        keep("tail_log", name, &directory.path().join("tail/00000000000000000001.log"));
        keep("foreign", name, &directory.path().join("foreign.log"));
        store.seal().expect("sealed");
        keep("segment", name, &directory.path().join("segments/00000000000000000001.seg"));
    }
}

fn events_of(name: &str, count: usize) -> Vec<Event> {
    let second = |number: usize| if name == "ties" { 7 } else { number % 60 };
    let event = |number: usize| {
        let time = format!("2026-11-24T08:00:{:02}Z", second(number));
        let json = match number % 4 {
            0 => format!(
                r#"{{"event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":{number},"timestamp":"{time}"}}"#
            ),
            1 => format!(
                r#"{{"event_type":"node_crashed","node_id":"node-abc","agent_id":"agent-001","exit_code":137,"timestamp":"{time}"}}"#
            ),
            2 => format!(
                r#"{{"event_type":"step_done","job":"j{number}","ratio":0.5,"tags":["a"],"timestamp":"{time}"}}"#
            ),
            _ => format!(
                r#"{{"event_type":"step_done","job":"j","note":"text {number}","at":"{time}","timestamp":"{time}"}}"#
            ),
        };
        Event::from_json(&json).expect("legal")
    };
    (0..count).map(event).collect()
}

fn records() -> [ForeignRecord; 2] {
    let concept = ForeignConcept {
        id: "concept-1".to_owned(),
        learned_us: 1,
        of_event: false,
        content: "some text".to_owned(),
        embedding: vec![0.5, -0.5],
        strength: 1.0,
        confidence: 1.0,
        metadata_json: Some("{\"a\":1}".to_owned()),
    };
    let (source, target) = ("concept-1".to_owned(), "agent-001".to_owned());
    let association = ForeignAssociation { source, target, code: 1, confidence: 0.5, learned_us: 2 };
    [ForeignRecord::Concept(concept), ForeignRecord::Association(association)]
}

fn keep(target: &str, name: &str, file: &Path) {
    let directory = Path::new("fuzz/corpus").join(target);
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::copy(file, directory.join(name)).expect("copied");
}

#[cfg(fuzzing)]
fn lay_bare() {
    sutra_grid_events::bench::lay_bare();
}

#[cfg(not(fuzzing))]
fn lay_bare() {
    panic!("build it with RUSTFLAGS='--cfg fuzzing'");
}
