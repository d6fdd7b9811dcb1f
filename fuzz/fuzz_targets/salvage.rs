//! A small store is changed in any way: it opens or says why not, and salvage brings back what was there, nothing else,
//! and all of it if it says so.
//!
//! The input is a list of changes, each of six bytes: what, which file, two bytes for where, two for how much.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::forensics::{SalvageError, SalvageOptions, salvage};
use sutra_grid_events::query::Query;
use sutra_grid_events::store::{Durability, StoreConfig};
use sutra_grid_events::{Event, Filter, Store, StoredEvent};

const EVENTS: u64 = 60;
const CHANGES_MAX: usize = 8;

/// The store as it was: its files below its directory, and its events.
struct Golden {
    files: Vec<(PathBuf, Vec<u8>)>,
    events: BTreeMap<u64, StoredEvent>,
}

/// A directory in memory, where there is one.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

fn golden() -> &'static Golden {
    static GOLDEN: OnceLock<Golden> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let root = scratch();
        let config = StoreConfig { segment_events: 20, durability: Durability::OsBuffered, ..StoreConfig::default() };
        let store = Store::open_with(root.path(), config).expect("opens");
        for number in 1..=EVENTS {
            let json = format!(
                r#"{{"event_type":"type_{}","node_id":"n{}","place":{number},"timestamp":"2026-11-24T08:00:{number:02}Z"}}"#,
                number % 2,
                number % 4
            );
            store.append(&[Event::from_json(&json).expect("legal")]).expect("written");
            if number % 20 == 0 && number < EVENTS {
                store.seal().expect("sealed");
            }
        }
        let events = scan(&store);
        store.close().expect("closed");
        let mut files = Vec::new();
        for directory in ["", "segments", "tail"] {
            for entry in fs::read_dir(root.path().join(directory)).expect("there").filter_map(Result::ok) {
                let name = Path::new(directory).join(entry.file_name());
                if entry.path().is_file() && entry.file_name() != "LOCK" {
                    files.push((name, fs::read(entry.path()).expect("readable")));
                }
            }
        }
        files.sort();
        Golden { files, events }
    })
}

fn scan(store: &Store) -> BTreeMap<u64, StoredEvent> {
    let mut events = BTreeMap::new();
    let _ = store.scan(0, &mut |stored| {
        events.insert(stored.sequence, stored);
        ControlFlow::Continue(())
    });
    events
}

/// Makes one change.
fn change(files: &mut Vec<(PathBuf, Vec<u8>)>, change: &[u8]) {
    let [what, which, a, b, c, d] = change else { return };
    let count = files.len();
    if count == 0 {
        return;
    }
    let (which, at) = (usize::from(*which) % count, usize::from(u16::from_le_bytes([*a, *b])));
    let amount = usize::from(u16::from_le_bytes([*c, *d]));
    let length = files[which].1.len().max(1);
    let at = at % length;
    match what % 7 {
        0 => files[which].1.get_mut(at).into_iter().for_each(|byte| *byte ^= (*c).max(1)),
        1 => files[which].1.truncate(at),
        2 => files[which].1.iter_mut().skip(at).take(amount).for_each(|byte| *byte = 0),
        3 => {
            let other = amount % count;
            let content = files[which].1.clone();
            files[which].1 = std::mem::replace(&mut files[other].1, content);
        }
        4 => {
            let (path, content) = files[which].clone();
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            let path = path.with_file_name(format!("{:020}.{ending}", amount % 9));
            files.retain(|(known, _)| *known != path);
            files.push((path, content));
        }
        5 => drop(files.remove(which)),
        _ => files[which].1.extend(std::iter::repeat_n(*c, usize::from(*d))),
    }
}

fuzz_target!(|input: &[u8]| {
    let golden = golden();
    let mut files = golden.files.clone();
    input.chunks_exact(6).take(CHANGES_MAX).for_each(|bytes| change(&mut files, bytes));
    let root = scratch();
    let (damaged, healthy) = (root.path().join("damaged"), root.path().join("healthy"));
    for directory in ["segments", "tail"] {
        fs::create_dir_all(damaged.join(directory)).expect("ours");
    }
    for (path, content) in &files {
        fs::write(damaged.join(path), content).expect("ours");
    }
    let is_original = |stored: &StoredEvent| golden.events.get(&stored.sequence) == Some(stored);
    if let Ok(store) = Store::open_read_only(&damaged) {
        assert!(scan(&store).values().all(is_original));
        let _ = store.query(&Query::new(Filter::entity("n1")));
        let _ = store.count(&Filter::event_type("type_1"));
        let _ = store.stats();
    }
    match salvage(&damaged, &healthy, &SalvageOptions::default(), &mut |_| {}) {
        Err(SalvageError::Nothing { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(report) => {
            let store = Store::open_read_only(&healthy).expect("a store");
            assert_eq!(store.problems(), Vec::<String>::new());
            let there = scan(&store);
            assert!(there.values().all(is_original));
            assert_eq!(there.len() as u64, report.events);
            if report.losses.is_empty() {
                // Of what was cut off at the end, nothing may tell.
                assert_eq!(report.events, report.last_sequence);
                assert!(report.events <= EVENTS);
            }
        }
    }
});
