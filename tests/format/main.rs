//! Pins the on-disk format. A store that was committed once must read back for ever, through the crate and
//! through a reader written from docs/format.md alone; and a store written now must be like the committed one.
//!
//! What differs between the two readers is a mistake in the crate or in the document. A format that is
//! changed on purpose gets a new version and a golden store of its own, beside the old one.
// The lints know tests by their attribute, which the reader does not have.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bytes;
mod events;
mod foreign;
mod log;
mod reduced;
mod segment;
mod value;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sutra_grid_events::store::{Appended, Cursor, Durability};
use sutra_grid_events::{Store, StoreConfig};
use value::StoredLine;

/// The store of this version, never written again.
const GOLDEN: &str = "tests/golden/v1";
/// Its epoch.
const EPOCH: u64 = 0x0123_4567_89ab_cdef;
/// A consumer of it, and its place.
const CURSOR: (&str, Cursor) = ("console", Cursor { epoch: EPOCH, sequence: 7 });

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN).join(path)
}

fn log_path(store: &Path, id: u64) -> PathBuf {
    store.join(format!("tail/{id:020}.log"))
}

fn segment_path(store: &Path, id: u64) -> PathBuf {
    store.join(format!("segments/{id:020}.seg"))
}

/// The lines of `events.txt`: sequence number, id and JSON of each event.
fn golden_lines() -> Vec<StoredLine> {
    let text = fs::read_to_string(golden("events.txt")).expect("the golden events");
    text.lines().map(StoredLine::parse).collect()
}

fn lines_of(store: &Store) -> Vec<StoredLine> {
    let mut lines = Vec::new();
    let collect = &mut |stored: sutra_grid_events::StoredEvent| {
        lines.push(StoredLine { sequence: stored.sequence, id: stored.id.to_string(), json: stored.event.to_json() });
        ControlFlow::Continue(())
    };
    store.snapshot().scan(0, collect).expect("readable");
    lines
}

/// Writes the golden events as the golden store was written: a sealed log that is still there, and a second log.
fn write_store(path: &Path) {
    fs::create_dir_all(path).expect("a directory");
    fs::write(path.join("FORMAT"), format!("sutra-grid-events 1\nepoch {EPOCH:016x}\n")).expect("writable");
    let config = StoreConfig { durability: Durability::OsBuffered, ..StoreConfig::default() };
    let store = Store::open_with(path, config).expect("opens");
    let append = |events: &[sutra_grid_events::Event]| {
        let appended = store.append(events).expect("written");
        assert!(appended.iter().all(|appended| matches!(appended, Appended::Stored(_))), "{appended:?}");
    };
    events::sealed_batches().iter().for_each(|batch| append(batch));
    store.seal().expect("sealed");
    events::tail_batches().iter().for_each(|batch| append(batch));
    store.save_cursor(CURSOR.0, CURSOR.1).expect("durable");
    store.close().expect("closed");
}

fn copy_store(from: &Path, to: &Path) {
    for folder in ["tail", "segments"] {
        fs::create_dir_all(to.join(folder)).expect("a directory");
        for entry in fs::read_dir(from.join(folder)).expect("a directory") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), to.join(folder).join(entry.file_name())).expect("copied");
        }
    }
    fs::copy(from.join("FORMAT"), to.join("FORMAT")).expect("copied");
}

#[test]
fn the_golden_store_reads_back() {
    let store = Store::open_read_only(golden("store")).expect("readable");
    assert_eq!(store.problems(), Vec::<String>::new());
    assert_eq!(store.epoch(), EPOCH);
    assert_eq!(lines_of(&store), golden_lines());
    assert_eq!(store.cursor(CURSOR.0).expect("readable"), Some(CURSOR.1));
    assert_eq!(store.stats().expect("readable").segments, 1);
}

#[test]
fn the_golden_store_is_written_on() {
    let directory = tempfile::tempdir().expect("a directory");
    copy_store(&golden("store"), directory.path());
    let store = Store::open(directory.path()).expect("opens");
    let tie = events::tail_batches().concat().pop().expect("an event");
    let last = golden_lines().pop().expect("an event");
    let appended = store.append(std::slice::from_ref(&tie)).expect("written");
    let Some(Appended::Stored(id)) = appended.first() else { panic!("{appended:?}") };
    assert_eq!(id.to_string(), format!("{}-1", last.id), "the ids that were given are known");
    assert_eq!(lines_of(&store).len(), golden_lines().len() + 1);
    assert_eq!(store.append_new(&[tie]).expect("written"), [Appended::Duplicate(id.clone())]);
}

#[test]
fn the_golden_store_is_as_the_document_says() {
    let store = golden("store");
    assert_eq!(
        fs::read_to_string(store.join("FORMAT")).expect("readable"),
        format!("sutra-grid-events 1\nepoch {EPOCH:016x}\n")
    );
    let first = log::read(&log_path(&store, 1));
    let segment = segment::read(&segment_path(&store, 1));
    let second = log::read(&log_path(&store, 2));
    assert_eq!(first.events(), segment.events(), "a segment holds the events of its log");
    let both: Vec<StoredLine> = first.events().into_iter().chain(second.events()).collect();
    assert_eq!(both, golden_lines());
    assert_eq!((first.header.epoch, first.header.id, first.header.first_sequence), (EPOCH, 1, 1));
    assert_eq!((second.header.epoch, second.header.id), (EPOCH, 2));
    assert_eq!(second.header.first_sequence, first.events().len() as u64 + 1);
    assert_eq!(second.anchors, std::slice::from_ref(&segment.after), "the second log says where the chain stands");
    segment.check();
}

#[test]
fn the_golden_store_has_every_kind_of_value() {
    let segment = segment::read(&segment_path(&golden("store"), 1));
    let mut kinds: Vec<u8> = segment.blocks.iter().flat_map(segment::Block::kinds).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (0..=12).collect::<Vec<u8>>());
}

#[test]
fn a_store_written_now_is_like_the_golden_one() {
    let directory = tempfile::tempdir().expect("a directory");
    write_store(directory.path());
    let (now, then) = (directory.path().to_owned(), golden("store"));
    assert_eq!(log::read(&log_path(&now, 1)), log::read(&log_path(&then, 1)));
    let mut segment = segment::read(&segment_path(&now, 1));
    let golden_segment = segment::read(&segment_path(&then, 1));
    // The one thing that a clock decides.
    segment.sealed_at_us = golden_segment.sealed_at_us;
    assert_eq!(segment, golden_segment);
    let published = |store: &Path| fs::read_to_string(store.join("kv.jsonl")).expect("published");
    assert_eq!(published(&now), published(&then));
}

#[test]
fn large_sets_of_positions_are_as_the_document_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    store.append(&events::heartbeats("agent-001", 9_000)).expect("written");
    store.seal().expect("sealed");
    let segment = segment::read(&segment_path(directory.path(), 1));
    segment.check();
    assert!(segment.postings.iter().any(|posting| posting.form == segment::FORM_ROARING));
    assert_eq!(segment.events(), lines_of(&store));
}

#[test]
#[ignore = "writes a golden store, which is done once for each version of the format"]
fn write_the_golden_store() {
    let store = golden("store");
    assert!(!store.exists(), "{GOLDEN} is there; a changed format has a new version, with a golden store of its own");
    write_store(&store);
    finish_golden(&store, &golden("events.txt"));
}

/// Leaves of a golden store what is of the format, and writes its events as lines.
fn finish_golden(store: &Path, events: &Path) {
    // What belongs to a process or to sled is not of this format.
    fs::remove_dir_all(store.join("kv")).expect("removable");
    fs::remove_file(store.join("LOCK")).expect("removable");
    let lines: String =
        lines_of(&Store::open_read_only(store).expect("readable")).iter().map(StoredLine::print).collect();
    fs::write(events, lines).expect("writable");
}
