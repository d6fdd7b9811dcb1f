//! Any sequence of operations on a small store, beside a plain list that does the same: they hold the same events in
//! the same order, whatever was sealed, closed, killed and opened again between them.

#![no_main]

#[path = "../common/mod.rs"]
mod common;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::query::{Filter, GroupKey, Query};
use sutra_grid_events::store::{Appended, Durability, StoreConfig};
use sutra_grid_events::{Event, Store};

/// Operations of one run; more show nothing new and take long.
const OPERATIONS_MAX: usize = 40;

fuzz_target!(|bytes: &[u8]| {
    let mut run = Run::new();
    let mut input = bytes.iter().copied();
    for _ in 0..OPERATIONS_MAX {
        let Some(code) = input.next() else { break };
        let argument = input.next().unwrap_or(0);
        run.operate(code, argument);
    }
    run.compare();
});

struct Run {
    /// The directory of the store; a killed store leaves it, and goes on in a copy.
    directory: tempfile::TempDir,
    store: Option<Store>,
    /// The JSON of the events, in order of arrival.
    model: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let directory = common::scratch();
        let store = Some(open(directory.path()));
        Self { directory, store, model: Vec::new() }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("a run always has an open store")
    }

    fn operate(&mut self, code: u8, argument: u8) {
        match code % 8 {
            0 | 1 => self.append(argument, false),
            2 => self.append(argument, true),
            3 => self.store().seal().expect("sealed"),
            4 => self.store().flush().expect("durable"),
            5 => self.reopen(),
            6 => self.kill(),
            _ => self.compare(),
        }
    }

    /// Appends a few events; all of them, or those that are not there yet.
    fn append(&mut self, argument: u8, new_only: bool) {
        let texts: Vec<String> = (0..=argument % 7).map(|place| json(argument.wrapping_add(place * 37))).collect();
        let events: Vec<Event> = texts.iter().map(|text| Event::from_json(text).expect("legal")).collect();
        let outcomes =
            if new_only { self.store().append_new(&events) } else { self.store().append(&events) }.expect("written");
        assert_eq!(outcomes.len(), texts.len());
        for (text, outcome) in texts.into_iter().zip(outcomes) {
            let known = self.model.contains(&text);
            match outcome {
                Appended::Stored(_) => {
                    assert!(!(new_only && known), "{text} is there already");
                    self.model.push(text);
                }
                Appended::Duplicate(_) => assert!(new_only && known, "{text} is not there yet"),
                Appended::Rejected(error) => panic!("{text}: {error}"),
            }
        }
    }

    fn reopen(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().expect("closed");
        }
        self.store = Some(open(self.directory.path()));
    }

    /// The process dies: what is in its files at this moment is all there is.
    fn kill(&mut self) {
        let copy = common::scratch();
        copy_below(self.directory.path(), copy.path());
        self.store = None;
        self.directory = copy;
        self.store = Some(open(self.directory.path()));
    }

    fn compare(&self) {
        for store in [self.store(), &Store::open_read_only(self.directory.path()).expect("readable")] {
            let (mut texts, mut ids) = (Vec::new(), std::collections::HashSet::new());
            store
                .scan(0, &mut |stored| {
                    assert_eq!(stored.sequence, texts.len() as u64 + 1, "numbers have no gap");
                    assert!(ids.insert(stored.id.to_string()), "{} was given twice", stored.id);
                    texts.push(stored.event.to_json());
                    ControlFlow::Continue(())
                })
                .expect("readable");
            assert_eq!(texts, self.model);
            let entity = Filter::entity("agent-3");
            let named = |text: &&String| text.contains("\"agent-3\"");
            assert_eq!(store.count(&entity).expect("readable"), self.model.iter().filter(named).count() as u64);
            let ticks = Filter::event_type("tick").and(Filter::field("number").greater(100));
            let found = store.query(&Query::new(ticks.clone()).newest_first()).expect("readable").events;
            assert_eq!(found.len() as u64, store.count(&ticks).expect("readable"));
            assert!(found.is_sorted_by_key(|event| std::cmp::Reverse((event.id.timestamp_us(), event.sequence))));
            let groups = store.group_by(&Filter::All, &GroupKey::Type).expect("readable").groups;
            assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), self.model.len() as u64);
        }
    }
}

fn open(directory: &Path) -> Store {
    let config = StoreConfig {
        segment_events: 16,
        durability: Durability::OsBuffered,
        sealed_log_grace: Duration::ZERO,
        ..StoreConfig::default()
    };
    Store::open_with(directory, config).expect("a store")
}

/// The canonical JSON of one of 256 events, some at one time, some late.
fn json(number: u8) -> String {
    let text = match number % 3 {
        0 => format!(r#"{{"event_type":"tick","number":{number},"timestamp":"2026-11-24T08:00:{:02}Z"}}"#, number % 5),
        1 => format!(
            r#"{{"event_type":"agent_recovered","agent_id":"agent-{}","downtime_seconds":1,"timestamp":"2026-11-24T07:{:02}:00.000001Z"}}"#,
            number % 7,
            number % 60
        ),
        _ => format!(
            r#"{{"event_type":"tick","agent_id":"agent-{}","note":"n{number}","timestamp":"2026-11-24T08:00:02Z"}}"#,
            number % 7
        ),
    };
    Event::from_json(&text).expect("legal").to_json()
}

fn copy_below(from: &Path, to: &Path) {
    // What the store removes meanwhile is not part of the image: another file has its events by then. The logs are
    // copied first, as a reader lists them first.
    for name in ["FORMAT", "tail", "segments"] {
        let path = from.join(name);
        if path.is_dir() {
            std::fs::create_dir_all(to.join(name)).expect("made");
            for entry in std::fs::read_dir(&path).expect("readable").flatten() {
                let _ = std::fs::copy(entry.path(), to.join(name).join(entry.file_name()));
            }
        } else {
            let _ = std::fs::copy(&path, to.join(name));
        }
    }
}
