//! Seeded stores, each also kept as a plain list of events for the references.

use std::path::Path;

use serde_json::{Map, Value as Json};
use sutra_grid_events::Event;
use sutra_grid_events::store::{Appended, Durability, Store, StoreConfig};

use super::{grid, jobs, pods, releases};

/// 2026-11-24T12:00:00Z, a Tuesday: when the questions are asked.
pub(crate) const NOW_US: i64 = 1_795_521_600_000_000;

/// An event as the references see it: nothing but its id, its time and its JSON.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) timestamp_us: i64,
    pub(crate) json: Json,
}

impl Kept {
    /// The text of a field; empty without.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.json.get(field).and_then(Json::as_str).unwrap_or_default()
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &str {
        self.text("event_type")
    }
}

/// A store and the list of what is in it, oldest first.
pub(crate) struct Seeded {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) events: Vec<Kept>,
    _directory: tempfile::TempDir,
}

/// All the stores that questions are asked of.
pub(crate) fn all() -> Vec<Seeded> {
    vec![
        seed("grid", grid::story()),
        seed("pods", pods::story()),
        seed("jobs", jobs::story()),
        seed("releases", releases::story()),
    ]
}

/// What is told of a grid, in any order of time.
#[derive(Default)]
pub(crate) struct Story(Vec<(i64, Map<String, Json>)>);

impl Story {
    /// One event: at an instant, of a type, with fields as a JSON object.
    pub(crate) fn tell(&mut self, at_us: i64, kind: &str, fields: Json) {
        let Json::Object(rest) = fields else { panic!("the fields of an event are an object") };
        let mut event = Map::new();
        event.insert("event_type".into(), kind.into());
        event.extend(rest);
        event.insert("timestamp".into(), sutra_grid_events::event::timestamp::format(at_us).into());
        self.0.push((at_us, event));
    }
}

/// An instant in November 2026 in µs, from day and time of day: `24T03:10:00`.
pub(crate) fn at(text: &str) -> i64 {
    instant(&format!("2026-11-{text}Z"))
}

/// An instant in µs, from RFC 3339.
pub(crate) fn instant(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{text}: {error}")).timestamp_micros()
}

/// A plain generator of numbers that are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// A number below the limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// One of several.
    pub(crate) fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("small")]
    }
}

fn seed(name: &'static str, Story(mut story): Story) -> Seeded {
    story.sort_by_key(|(at_us, _)| *at_us);
    assert!(story.iter().all(|(at_us, _)| *at_us <= NOW_US), "{name}: an event of the future");
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let typed: Vec<Event> = story
        .iter()
        .map(|(_, event)| {
            let text = Json::Object(event.clone()).to_string();
            Event::from_json(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        })
        .collect();
    let stored = store.append(&typed).expect("written");
    let events = story
        .into_iter()
        .zip(stored)
        .map(|((timestamp_us, event), appended)| match appended {
            Appended::Stored(id) => Kept { id: id.to_string(), timestamp_us, json: Json::Object(event) },
            other => panic!("{name}: not stored: {other:?}"),
        })
        .collect();
    Seeded { name, store, events, _directory: directory }
}

fn open(path: &Path) -> Store {
    let config = StoreConfig { durability: Durability::OsBuffered, ..StoreConfig::default() };
    Store::open_with(path, config).expect("opens")
}
