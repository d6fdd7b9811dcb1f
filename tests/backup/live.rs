//! Backups of a store that is written to, sealed and tidied up meanwhile.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sutra_grid_events::forensics;
use sutra_grid_events::store::{BackupOptions, Cursor, Retention, Store, StoreConfig};

use crate::harness::{backup, config, contents, contents_of, events, files};

/// Backups that are made while events come in.
const BACKUPS: usize = 8;

/// Appends in batches until told to stop; says up to where it was acknowledged.
fn write(store: &Store, acknowledged: &AtomicU64, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        store.append(&events(number..number + 7)).expect("written");
        number += 7;
        acknowledged.store(store.sequence(), Ordering::Release);
        // A store that grows without end would make every backup longer than the one before.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The number of an event that the writer recorded.
fn number_of(json: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(json).ok()?["number"].as_u64()
}

/// Makes backups while a writer writes, and looks at each: all that was acknowledged before is in it, whole batches
/// and nothing else.
fn under_load(config: StoreConfig, make: impl Fn(&Store, &std::path::Path)) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path().join("store"), config).expect("opens");
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| write(&store, &acknowledged, &stop));
        let stop_at_the_end = StopAtTheEnd(&stop);
        let mut sealed = 0;
        for round in 0..BACKUPS {
            let goal = acknowledged.load(Ordering::Acquire) + 150;
            while acknowledged.load(Ordering::Acquire) < goal {
                std::thread::yield_now();
            }
            // Every other backup goes where one is already.
            let to = directory.path().join(format!("backup-{}", round / 2));
            let before = acknowledged.load(Ordering::Acquire);
            make(&store, &to);
            let copy = Store::open_read_only(&to).expect("readable");
            let found = contents_of(&copy);
            // Retention may have removed what came before, between this backup and the one before it too.
            let kept_from = store.snapshot().first_sequence().expect("events");
            let last = found.last().expect("events").0;
            let kept = found.iter().map(|(sequence, ..)| *sequence).filter(|sequence| *sequence >= kept_from);
            assert!(kept.eq(kept_from..=last), "no gap");
            assert!(last >= before, "{last} of {before}");
            // Among them are events in which the store itself says what retention removed.
            let number = found.iter().rev().find_map(|(.., json)| number_of(json)).expect("recorded");
            assert_eq!((number + 1) % 7, 0, "whole batches");
            assert_eq!(copy.sequence(), last);
            sealed = copy.stats().expect("readable").segments;
        }
        assert!(sealed > 5, "the store is sealed meanwhile: {sealed}");
        drop(stop_at_the_end);
    });
}

/// Lets the writer end although an assertion fails, so that the failure is seen.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn in_process_all_that_was_acknowledged_is_in_it() {
    under_load(config(), |store, to| {
        store.backup(to, &BackupOptions::default()).expect("made");
    });
}

#[test]
fn beside_a_writer_all_that_was_acknowledged_is_in_it() {
    under_load(config(), |store, to| {
        backup(store.path(), to);
    });
}

#[test]
fn another_process_makes_it_while_retention_removes() {
    let retention = Retention { bytes_max: Some(60_000), ..Retention::default() };
    under_load(StoreConfig { retention, ..config() }, |store, to| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
        let output = command.arg("backup").arg(to).arg("--dir").arg(store.path()).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

#[test]
fn cursors_are_in_it_as_they_are_now_or_as_they_were_published() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let store = Store::open_with(path("store"), config()).expect("opens");
    store.append(&events(0..3)).expect("written");
    let cursor = |sequence| Cursor { epoch: store.epoch(), sequence };
    store.save_cursor("console", cursor(2)).expect("saved");
    let report = store.backup(&path("inside"), &BackupOptions::default()).expect("made");
    assert!(report.keyed_published_us.is_some());
    store.save_cursor("console", cursor(3)).expect("saved");
    backup(&path("store"), &path("outside"));
    for (name, sequence) in [("inside", 2), ("outside", 2)] {
        let copy = Store::open_read_only(path(name)).expect("readable");
        assert_eq!(copy.cursor("console").expect("readable"), Some(cursor(sequence)), "{name}");
    }
    // The keyed part of a restored store is made of what was published.
    forensics::restore(&path("inside"), &path("restored"), &forensics::RestoreOptions::default()).expect("restored");
    let restored = Store::open_with(path("restored"), config()).expect("opens");
    assert_eq!(restored.cursor("console").expect("readable"), Some(cursor(2)));
}

#[test]
fn the_store_is_not_touched() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    crate::harness::store_of(&store, &events(0..350));
    let before = files(&store);
    backup(&store, &to);
    backup(&store, &to);
    forensics::diff(&store, &to, 9, &|_, _| {}).expect("compared");
    assert!(files(&store) == before, "something changed");
    assert_eq!(contents(&to), contents(&store));
}

#[test]
fn what_is_written_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    crate::harness::store_of(&store, &events(0..350));
    backup(&store, &to);
    forensics::restore(&to, &directory.path().join("restored"), &forensics::RestoreOptions::default())
        .expect("restored");
    for root in [to, directory.path().join("restored")] {
        for path in crate::harness::walk(&root).into_iter().chain([root]) {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            let mode = path.metadata().expect("there").permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{}", path.display());
        }
    }
}
