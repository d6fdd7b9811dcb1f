//! Any operations on a small store, against a plain list of the events: two bytes are an operation.

#![no_main]

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::store::{Appended, Durability, Retention};
use sutra_grid_events::{Event, Filter, Store, StoreConfig};
use sutra_grid_events_fuzz::scratch;

/// Operations behind these are not done, so that no input takes long.
const OPERATIONS_MAX: usize = 40;

fn event(kind: u8, number: u64) -> Event {
    Event::from_json(&format!(
        r#"{{"event_type":"kind_{}","node_id":"n{}","number":{number},"timestamp":"2026-11-18T08:00:{:02}Z"}}"#,
        kind % 3,
        kind % 5,
        kind % 50
    ))
    .expect("well-formed")
}

fn config(retention: bool) -> StoreConfig {
    let bytes_max = retention.then_some(0);
    StoreConfig {
        segment_events: 7,
        durability: Durability::OsBuffered,
        retention: Retention { bytes_max, age_max: None },
        sealed_log_grace: Duration::ZERO,
        ..StoreConfig::default()
    }
}

/// What the store holds must be the end of the list, all of it without retention.
fn check(store: &Store, model: &[String], removed: bool) {
    let mut found = Vec::new();
    let visit = &mut |stored: sutra_grid_events::StoredEvent| {
        found.push((stored.sequence, stored.event.to_json()));
        ControlFlow::Continue(())
    };
    store.snapshot().scan(0, visit).expect("readable");
    assert!(removed || found.len() == model.len(), "{} of {} events", found.len(), model.len());
    let first = model.len() - found.len();
    for (index, (sequence, json)) in found.iter().enumerate() {
        assert_eq!((*sequence, json), ((first + index + 1) as u64, &model[first + index]));
    }
    assert_eq!(store.sequence(), model.len() as u64);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creatable");
    for entry in std::fs::read_dir(from).expect("listable") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("readable");
        if path.is_dir() { copy(&path, &target) } else { drop(std::fs::copy(path, target)) }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut directory = scratch();
    let mut store = Store::open_with(directory.path(), config(false)).expect("opens");
    let (mut model, mut removed) = (Vec::new(), false);
    for pair in bytes.chunks_exact(2).take(OPERATIONS_MAX) {
        let (operation, argument) = (pair[0], pair[1]);
        match operation % 8 {
            0 | 1 => {
                let count = u64::from(argument % 12);
                let first = model.len() as u64;
                let events: Vec<Event> = (first..first + count).map(|number| event(argument, number)).collect();
                let stored = store.append(&events).expect("written");
                assert!(stored.iter().all(|outcome| matches!(outcome, Appended::Stored(_))));
                model.extend(events.iter().map(Event::to_json));
            }
            2 => {
                let events: Vec<Event> = (0..u64::from(argument % 9)).map(|number| event(argument, number)).collect();
                for (event, outcome) in events.iter().zip(store.append_new(&events).expect("written")) {
                    let json = event.to_json();
                    let known = model.contains(&json);
                    match outcome {
                        // What retention removed may be stored again.
                        Appended::Stored(_) => {
                            assert!(removed || !known, "it was there");
                            model.push(json);
                        }
                        Appended::Duplicate(_) => assert!(known, "it was not there"),
                        Appended::Rejected(error) => panic!("{error}"),
                    }
                }
            }
            3 => store.seal().expect("sealed"),
            4 => {
                let kind = format!("kind_{}", argument % 3);
                let expected = model.iter().filter(|json| json.contains(&kind)).count() as u64;
                let count = store.count(&Filter::event_type(kind)).expect("readable");
                assert!(count == expected || (removed && count < expected), "{count} of {expected}");
            }
            5 => {
                store.close().expect("closed");
                removed |= argument % 4 == 0;
                store = Store::open_with(directory.path(), config(argument % 4 == 0)).expect("opens again");
            }
            6 => {
                // A copy of the files is what a killed process leaves. The sealer may be at work, and what it removes
                // meanwhile is missing from the copy only if its segment is there.
                store.flush().expect("durable");
                store.seal().expect("sealed");
                let other = scratch();
                copy(directory.path(), other.path());
                store = Store::open_with(other.path(), config(false)).expect("opens the copy");
                directory = other;
            }
            _ => store.remove_sealed_logs().expect("removed"),
        }
        check(&store, &model, removed);
    }
});
