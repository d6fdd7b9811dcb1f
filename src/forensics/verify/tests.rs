//! What only somebody who writes files can do: records that were forged with all checksums right, and what retention
//! and salvage leave.

use std::path::Path;

use super::*;
use crate::event::{ConceptId, Event};
use crate::storage::chain::Hash;
use crate::storage::segment::{Contents, Sealing};
use crate::storage::segment::{RemovalCause, RemovedRecord, SegmentCache, SegmentReader, build, rebuild};
use crate::storage::tail::TailMemory;
use crate::store::{Store, StoredEvent};

const SECOND: i64 = 1_000_000;

fn event(number: u64, node: &str) -> Event {
    let time = crate::event::timestamp::format(number as i64 * SECOND);
    Event::from_json(&format!(r#"{{"event_type":"pod_evicted","pod_id":"{node}","timestamp":"{time}"}}"#)).expect("one")
}

fn stored(number: u64, node: &str) -> StoredEvent {
    let event = event(number, node);
    let id = ConceptId::from_parts("pod_evicted".into(), event.timestamp_us(), 0);
    StoredEvent { id, sequence: number, event }
}

/// Two segments of ten events each, and an empty log.
fn store() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    for first in [1, 11] {
        let batch: Vec<Event> = (first..first + 10).map(|number| event(number, "a")).collect();
        store.append(&batch).expect("written");
        store.seal().expect("sealed");
    }
    store.remove_sealed_logs().expect("removed");
    store.close().expect("closed");
    directory
}

fn path(store: &Path, id: u64) -> std::path::PathBuf {
    store.join(segments::file_of(id))
}

fn contents(store: &Path, id: u64) -> Contents {
    SegmentReader::open(&path(store, id), &SegmentCache::new(1 << 20)).expect("whole").contents().clone()
}

fn memory(events: impl Iterator<Item = StoredEvent>) -> TailMemory {
    let mut memory = TailMemory::new(1);
    events.for_each(|event| memory.push_stored(&event).expect("stored"));
    memory
}

/// Writes a segment anew with other events, all of its hashes and checksums right.
fn forge(
    store: &Path,
    id: u64,
    before: Option<crate::storage::chain::Anchor>,
    events: impl Iterator<Item = StoredEvent>,
) -> Contents {
    let own = contents(store, id);
    let before = before.unwrap_or(own.before);
    let sealing = Sealing { epoch: own.epoch, id, sealed_at_us: own.sealed_at_us, before };
    let (contents, bytes) = build(&memory(events), sealing).expect("built");
    std::fs::write(path(store, id), bytes).expect("writable");
    contents
}

fn check(store: &Path, head: Option<Head>) -> Verification {
    let options = VerifyOptions { head, ..VerifyOptions::default() };
    verify(store, &options, &|_| {}).expect("a store")
}

fn says(found: &Verification, severity: Severity, words: &str) -> bool {
    found.findings.iter().any(|finding| finding.severity == severity && finding.what.contains(words))
}

#[test]
fn the_first_number_of_a_place_counts_as_a_number() {
    let mut places = ["block 10", "type b", "block 9, postings", "contents", "type 2a"];
    places.sort_by_key(|place| in_order(place));
    assert_eq!(places, ["block 9, postings", "block 10", "contents", "type 2a", "type b"]);
}

#[test]
fn a_forged_segment_breaks_the_chain() {
    let store = store();
    assert!(check(store.path(), None).is_ok(), "{:?}", check(store.path(), None).findings);
    forge(store.path(), 1, None, (1..=10).map(|number| stored(number, if number == 4 { "b" } else { "a" })));
    let found = check(store.path(), None);
    assert!(says(&found, Severity::Error, "the chain breaks"), "{:?}", found.findings);
}

#[test]
fn a_chain_that_was_forged_to_its_end_is_found_by_a_head_alone() {
    let store = store();
    let head = check(store.path(), None).head;
    // Whoever writes everything anew leaves out the logs, which know the chain too.
    std::fs::remove_dir_all(store.path().join("tail")).expect("ours");
    assert_eq!(check(store.path(), head).head_matches, Some(true));
    let first = forge(store.path(), 1, None, (1..=10).map(|number| stored(number, "b")));
    forge(store.path(), 2, Some(first.after), (11..=20).map(|number| stored(number, "a")));
    let found = check(store.path(), None);
    let wrong = found.findings.iter().filter(|finding| finding.severity > Severity::Notice);
    let files: Vec<&Path> = wrong.map(|finding| finding.file.as_path()).collect();
    assert_eq!(files, [Path::new("tail")], "it fits together: {:?}", found.findings);
    assert!(says(&check(store.path(), head), Severity::Error, "not the one that was noted"));
}

#[test]
fn a_log_that_knows_the_chain_finds_a_forged_last_segment() {
    let store = store();
    forge(store.path(), 2, None, (11..=20).map(|number| stored(number, "b")));
    assert!(says(&check(store.path(), None), Severity::Error, "another link of the chain"));
}

#[test]
fn an_id_that_two_segments_have_is_found() {
    let store = store();
    let again = |number: u64| StoredEvent { sequence: number, ..stored(number - 5, "a") };
    forge(store.path(), 2, None, (11..=20).map(again));
    let found = check(store.path(), None);
    let ids = found.findings.iter().find(|finding| finding.place == "ids").expect("found");
    assert!(ids.what.starts_with("5 ids of type pod_evicted"), "{}", ids.what);
}

#[test]
fn a_hole_in_a_segment_is_a_loss() {
    let store = store();
    forge(store.path(), 1, None, [1, 2, 3, 7, 8, 9, 10].into_iter().map(|number| stored(number, "a")));
    let found = check(store.path(), None);
    assert_eq!(found.lost.len(), 1);
    assert_eq!((found.lost[0].first_sequence, found.lost[0].events), (Some(4), Some(3)));
}

#[test]
fn what_was_removed_needs_an_event_that_says_so() {
    let store = store();
    let original = contents(store.path(), 1);
    let left = memory([3, 4, 9].into_iter().map(|number| stored(number, "a")));
    let root: Hash = original.types[0].root;
    let gone = RemovedRecord {
        event_type: "pod_evicted".into(),
        root,
        events: 7,
        first_us: SECOND,
        last_us: 10 * SECOND,
        cause: RemovalCause::Thinned,
    };
    let (reduced, bytes) = rebuild(&left, &original, vec![gone]).expect("built");
    std::fs::write(path(store.path(), 1), bytes).expect("writable");
    let found = check(store.path(), None);
    let wrong = found.findings.iter().filter(|finding| finding.severity > Severity::Notice).count();
    assert_eq!(wrong, 1, "{:?}", found.findings);
    assert!(says(&found, Severity::Warning, "no event of the store says so"));
    assert!(found.lost.is_empty());

    let writer = Store::open(store.path()).expect("opens");
    let hash = |hash: &Hash| crate::storage::chain::hex(hash);
    let text = format!(
        concat!(
            r#"{{"event_type":"events_removed","removed_type":"pod_evicted","cause":"thinned","first_sequence":1,"#,
            r#""last_sequence":10,"events":7,"root_before":"{}","root_after":"{}","timestamp":"2026-11-24T08:00:00Z"}}"#
        ),
        hash(&root),
        hash(&reduced.types[0].root)
    );
    writer.append(&[Event::from_json(&text).expect("an event")]).expect("written");
    assert!(check(store.path(), None).is_ok(), "said in the tail");
    writer.seal().expect("sealed");
    assert!(check(store.path(), None).is_ok(), "said in a segment");
    writer.close().expect("closed");
}

#[test]
fn a_loss_that_the_store_knows_is_no_finding() {
    let store = store();
    std::fs::remove_file(path(store.path(), 1)).expect("ours");
    assert_eq!(check(store.path(), None).lost.len(), 1);
    let writer = Store::open(store.path()).expect("opens");
    let loss = crate::store::Loss {
        first_sequence: Some(1),
        last_sequence: Some(10),
        ..crate::store::Loss::new(crate::store::LossCause::Damaged, "a disk failed")
    };
    writer.note_loss(&loss).expect("noted");
    writer.close().expect("closed");
    let found = check(store.path(), None);
    assert!(found.is_ok(), "{:?}", found.findings);
    assert!(found.notes.iter().any(|note| note.contains("a disk failed")));
}
