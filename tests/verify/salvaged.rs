//! Stores that were salvaged, or that a writer went on with behind a file that it could not read: numbers that were
//! passed over are no events.

use std::fs;

use sutra_grid_events::Store;
use sutra_grid_events::forensics::{SalvageOptions, Severity, salvage};

use crate::stores::{SEGMENT_EVENTS, SEGMENTS, check, config, event, expect, healthy, lines, log, private};

/// The log of the store cannot be read any more.
fn spoil_log(directory: &std::path::Path) {
    let path = log(directory);
    let mut bytes = fs::read(&path).expect("there");
    bytes[20] ^= 1;
    fs::write(path, bytes).expect("ours");
}

#[test]
fn a_salvaged_store_is_well_and_says_what_it_lost() {
    let store = healthy();
    fs::remove_file(log(store.path())).expect("ours");
    let directory = tempfile::tempdir().expect("a directory");
    private(directory.path());
    let to = directory.path().join("salvaged");
    salvage(store.path(), &to, &SalvageOptions::default(), &mut |_| {}).expect("salvaged");
    let found = check(&to);
    assert!(found.is_ok() && found.lost.is_empty(), "{:?}", lines(&found));
    let from = format!("numbers {} to ", SEGMENTS * SEGMENT_EVENTS + 1);
    assert!(found.notes.iter().any(|note| note.contains(&from)), "{:?}", found.notes);

    // It stays well when it is written to, sealed or not.
    let opened = Store::open_with(&to, config()).expect("opens");
    opened.append(&[event(1_000)]).expect("written");
    assert!(check(&to).is_ok(), "{:?}", lines(&check(&to)));
    opened.seal().expect("sealed");
    opened.append(&[event(1_001)]).expect("written");
    opened.close().expect("closed");
    assert!(check(&to).is_ok(), "{:?}", lines(&check(&to)));

    // What is lost later is not covered by what was known then.
    let last = fs::read_dir(to.join("segments")).expect("there").map(|entry| entry.expect("there").path()).max();
    fs::remove_file(last.expect("a segment")).expect("ours");
    let found = check(&to);
    assert_eq!(found.lost.iter().map(|lost| lost.events).collect::<Vec<_>>(), [Some(1)], "{:?}", lines(&found));
}

#[test]
fn numbers_that_a_writer_passed_over_are_not_counted_as_events() {
    let store = healthy();
    spoil_log(store.path());
    let opened = Store::open_with(store.path(), config()).expect("opens");
    opened.append(&[event(1_000)]).expect("written");
    opened.close().expect("closed");
    let found = check(store.path());
    assert!(found.lost.is_empty() && !found.notes.is_empty(), "the writer noted it: {:?}", lines(&found));
    expect(&found, Severity::Error, ".log", "cannot be read");

    fs::remove_dir_all(store.path().join("kv")).expect("ours");
    fs::remove_file(store.path().join("kv.jsonl")).expect("ours");
    let found = check(store.path());
    expect(&found, Severity::Error, "", "a writer passed these over");
    assert_eq!(found.lost.iter().map(|lost| lost.events).collect::<Vec<_>>(), [None], "{:?}", lines(&found));
    assert!(!lines(&found).iter().any(|line| line.contains("events are missing")), "{:?}", lines(&found));
}
