//! Stores to try things on, and what is compared of them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sutra_grid_events::forensics;
use sutra_grid_events::store::{BackupOptions, BackupReport, Durability, Store, StoreConfig};
use sutra_grid_events::{DynamicEvent, Event};

/// Seals often, and removes sealed logs at once.
pub(crate) fn config() -> StoreConfig {
    StoreConfig {
        segment_events: 100,
        durability: Durability::OsBuffered,
        sealed_log_grace: Duration::ZERO,
        ..StoreConfig::default()
    }
}

pub(crate) fn event(us: i64, number: u64) -> Event {
    let time = chrono::DateTime::from_timestamp_micros(us).expect("legal");
    let event =
        DynamicEvent::new(if number.is_multiple_of(3) { "job_done" } else { "node_seen" }, time).expect("legal");
    Event::from(event.with("node_id", format!("node-{}", number % 5)).with("number", number))
}

/// Events with these numbers, a second apart.
pub(crate) fn events(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(|number| event(number as i64 * 1_000_000, number)).collect()
}

/// A store with these events, of which every hundred is a segment. It is made where there is none.
pub(crate) fn store_of(path: &Path, events: &[Event]) {
    // The segments are made one by one, whatever the sealer is doing, so that their number is known.
    let store = Store::open_with(path, StoreConfig { segment_events: 10_000, ..config() }).expect("opens");
    let mut rest = events;
    while !rest.is_empty() {
        let fits = 100 - store.sequence() as usize % 100;
        let (some, behind) = rest.split_at(fits.min(rest.len()));
        for batch in some.chunks(10) {
            store.append(batch).expect("written");
        }
        if store.sequence().is_multiple_of(100) {
            store.seal().expect("sealed");
        }
        rest = behind;
    }
    store.remove_sealed_logs().expect("removed");
    store.close().expect("closed");
}

/// Damages the first block of a segment, so that its events cannot be read and the rest can.
pub(crate) fn damage_a_block(segment: &Path) {
    let mut bytes = std::fs::read(segment).expect("readable");
    let contents = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes")) as usize;
    bytes[28 + contents + 20..][..20].fill(0);
    std::fs::write(segment, bytes).expect("writable");
}

/// All that a store holds: sequence numbers, ids and JSON, in the order of arrival.
pub(crate) fn contents(path: &Path) -> Vec<(u64, String, String)> {
    contents_of(&Store::open_read_only(path).expect("readable"))
}

pub(crate) fn contents_of(store: &Store) -> Vec<(u64, String, String)> {
    assert_eq!(store.problems(), Vec::<String>::new());
    let mut found = Vec::new();
    store
        .scan(0, &mut |stored| {
            found.push((stored.sequence, stored.id.to_string(), stored.event.to_json()));
            ControlFlow::Continue(())
        })
        .expect("readable");
    found
}

/// Ids and JSON of all events, in the order of ids.
pub(crate) fn by_id(path: &Path) -> BTreeMap<String, String> {
    contents(path).into_iter().map(|(_, id, json)| (id, json)).collect()
}

pub(crate) fn backup(from: &Path, to: &Path) -> BackupReport {
    forensics::backup(from, to, &BackupOptions::default()).expect("made")
}

/// Every file and directory below a path with its content and what else the system knows of it.
pub(crate) fn files(path: &Path) -> BTreeMap<String, (Vec<u8>, i64, i64, u64, u32)> {
    let mut found = BTreeMap::new();
    let mut add = |name: &Path| {
        let metadata = std::fs::symlink_metadata(name).expect("there");
        let bytes = if metadata.is_file() { std::fs::read(name).expect("readable") } else { Vec::new() };
        let times = (metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(), metadata.ctime());
        found.insert(name.display().to_string(), (bytes, times.0, times.1, metadata.ino(), metadata.mode()));
    };
    add(path);
    for name in walk(path) {
        add(&name);
    }
    found
}

pub(crate) fn walk(path: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// The paths of the files with this ending, in order.
pub(crate) fn with_ending(path: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    walk(path).into_iter().filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}
