//! Segments of which retention removed something: a golden store of its own, beside that of whole segments.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{TimeZone, Utc};
use sutra_grid_events::store::{RemovalCause, Retention, TypeRetention};
use sutra_grid_events::{Event, GridEvent, Store};

use crate::value::StoredLine;
use crate::{EPOCH, events, lines_of, log, log_path, segment, segment_path};

/// The store with segments of version 2, never written again.
const GOLDEN: &str = "tests/golden/v1-reduced";
/// The causes of removals by their numbers.
const EXPIRED: u32 = 0;
const THINNED: u32 = 1;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN).join(path)
}

fn golden_lines() -> Vec<StoredLine> {
    let text = fs::read_to_string(golden("events.txt")).expect("the golden events");
    text.lines().map(StoredLine::parse).collect()
}

fn beat(second: i64) -> Event {
    let (agent_id, storage_node_count) = ("agent-009".to_owned(), 3);
    let timestamp = Utc.timestamp_opt(second, 0).unwrap();
    Event::from(GridEvent::AgentHeartbeat { agent_id, storage_node_count, timestamp })
}

/// Three segments: one without a type and with thinned heartbeats, one with nothing, one as it was sealed.
fn write_store(path: &Path) {
    fs::create_dir_all(path).expect("a directory");
    fs::write(path.join("FORMAT"), format!("sutra-grid-events 1\nepoch {EPOCH:016x}\n")).expect("writable");
    let store = Store::open(path).expect("opens");
    let crashes = || events::sealed_batches().concat().into_iter().filter(|event| event.event_type() == "node_crashed");
    let mut first = events::sealed_batches().concat();
    first.extend((0..20).map(|index| beat(1_795_507_200 + index * 10)));
    first.extend(crashes());
    for segment in [first, crashes().collect(), vec![]] {
        store.append(&segment).expect("written");
        store.seal().expect("sealed");
    }
    let limits = |age_max, thin_after| TypeRetention { age_max, thin_after };
    let day = Some(Duration::from_secs(86_400));
    let types = [("node_crashed", limits(day, None)), ("agent_heartbeat", limits(None, day))];
    let types = types.map(|(name, limits)| (name.to_owned(), limits)).into();
    let now = Utc.with_ymd_and_hms(2100, 1, 1, 0, 0, 0).unwrap();
    store.apply_retention(&Retention { types, ..Retention::default() }, now).expect("applied");
    store.close().expect("closed");
    for id in [1, 2] {
        fs::remove_file(log_path(path, id)).expect("removable");
    }
}

#[test]
fn a_reduced_store_reads_back() {
    let store = Store::open_read_only(golden("store")).expect("readable");
    assert_eq!(store.problems(), Vec::<String>::new());
    assert_eq!(lines_of(&store), golden_lines());
    let removals = store.removals().expect("readable");
    let told = |removal: &sutra_grid_events::store::Removal| (removal.event_type.clone(), removal.cause);
    let told: Vec<_> = removals.iter().map(told).collect();
    let (beats, crashes) = (Some("agent_heartbeat".to_owned()), Some("node_crashed".to_owned()));
    let expected =
        [(beats, RemovalCause::Thinned), (crashes.clone(), RemovalCause::Expired), (crashes, RemovalCause::Expired)];
    assert_eq!(told, expected);
}

#[test]
fn a_reduced_store_is_as_the_document_says() {
    check(&golden("store"), &golden_lines());
}

#[test]
fn a_store_reduced_now_is_as_the_document_says() {
    let directory = tempfile::tempdir().expect("a directory");
    write_store(directory.path());
    check(directory.path(), &lines_of(&Store::open_read_only(directory.path()).expect("readable")));
}

fn check(store: &Path, lines: &[StoredLine]) {
    let (first, second) = (segment::read(&segment_path(store, 1)), segment::read(&segment_path(store, 2)));
    first.check();
    second.check();
    assert!(second.events().is_empty());
    let causes = |segment: &segment::Segment| {
        segment.removed.iter().map(|gone| (gone.event_type.clone(), gone.cause)).collect::<Vec<_>>()
    };
    let (beats, crashes) = ("agent_heartbeat".to_owned(), "node_crashed".to_owned());
    assert_eq!(causes(&first), [(beats, THINNED), (crashes.clone(), EXPIRED)]);
    assert_eq!(causes(&second), [(crashes, EXPIRED)]);
    let tail = log::read(&log_path(store, 3)).events();
    assert_eq!(tail.len(), 3, "what was removed is said in three events");
    let all: Vec<StoredLine> = first.events().into_iter().chain(tail).collect();
    assert_eq!(all, lines);
    let gone: u32 = first.removed.iter().chain(&second.removed).map(|gone| gone.events).sum();
    let last = lines.last().expect("an event").sequence;
    assert_eq!(u64::from(gone) + lines.len() as u64, last, "what is missing is in the tombstones");
}

#[test]
#[ignore = "writes a golden store, which is done once for each version of the format"]
fn write_the_reduced_golden_store() {
    let store = golden("store");
    assert!(!store.exists(), "{GOLDEN} is there");
    write_store(&store);
    crate::finish_golden(&store, &golden("events.txt"));
}
