//! Files that somebody gave other names: nothing that they hold is lost by what is written later.

use std::fs;
use std::path::Path;

use super::{Store, config, contents, heartbeat};
use crate::event::Event;
use crate::storage::files::{self, LOG_ENDING, SEGMENT_ENDING};
use crate::store::pieces::Pieces;

fn events(numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers.map(|number| heartbeat(number, i64::from(number))).collect()
}

/// A store of two sealed segments of 10 events each, and a log with 5.
fn make(root: &Path) {
    let store = Store::open_with(root, config(10)).expect("new");
    for first in [0, 10, 20] {
        store.append(&events(first..(first + 10).min(25))).expect("written");
        if first < 20 {
            store.seal().expect("sealed");
        }
    }
    store.remove_sealed_logs().expect("removed");
    store.close().expect("closed");
}

/// Writes on, opens the store again, and checks that every event is there.
fn check_all_there(root: &Path) {
    for round in 0..6 {
        let store = Store::open_with(root, config(10)).expect("opens");
        store.append(&events(25 + 10 * round..35 + 10 * round)).expect("written");
        store.seal().expect("sealed");
        store.remove_sealed_logs().expect("removed");
        let count = 35 + 10 * round as usize;
        let count_in = |store: &Store| contents(&store.snapshot()).len();
        assert_eq!(count_in(&store), count, "round {round}");
        store.close().expect("closed");
        assert_eq!(count_in(&Store::open_read_only(root).expect("opens")), count, "round {round}, read");
    }
}

#[test]
fn a_log_with_the_name_of_a_segment_takes_nothing_away() {
    for name in [1, 2] {
        let directory = tempfile::tempdir().expect("a directory");
        make(directory.path());
        let log = |id| files::numbered(&directory.path().join("tail"), id, LOG_ENDING);
        let last =
            *files::list_numbered(&directory.path().join("tail"), LOG_ENDING).expect("listed").last().expect("one");
        fs::rename(log(last), log(name)).expect("ours");
        check_all_there(directory.path());
    }
}

#[test]
fn a_segment_with_the_name_of_one_to_come_is_not_moved_aside() {
    for name in [3, 4, 5, 9] {
        let directory = tempfile::tempdir().expect("a directory");
        make(directory.path());
        let segment = |id| files::numbered(&directory.path().join("segments"), id, SEGMENT_ENDING);
        fs::rename(segment(2), segment(name)).expect("ours");
        check_all_there(directory.path());
    }
}

#[test]
fn a_segment_that_an_attempt_left_is_not_moved_aside() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(10)).expect("new");
    store.append(&events(0..5)).expect("written");
    store.seal().expect("sealed");
    let tail = store.shared().pieces().recent.clone().expect("in memory");
    // As if the segment had been written, and what follows had failed.
    store.shared().change_pieces(|pieces: &mut Pieces| {
        pieces.segments.clear();
        pieces.recent = None;
        pieces.tails.insert(0, tail);
    });
    *store.shared().sealing.lock() = Default::default();
    store.shared().sealing_changed.notify_all();
    store.shared().wait_sealed().expect("sealed again");
    let names = files::entries(&directory.path().join("segments")).expect("listed");
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(contents(&store.snapshot()).len(), 5);
}

#[test]
fn what_is_not_searched_to_the_end_is_not_cut_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = files::numbered(&directory.path().join("tail"), 1, LOG_ENDING);
    let store = Store::open_with(directory.path(), config(10)).expect("new");
    store.append(&events(0..1)).expect("written");
    let first = fs::read(&path).expect("readable").len();
    store.append(&events(1..2)).expect("written");
    store.close().expect("closed");
    let log = fs::read(&path).expect("readable");
    // What looks like the start of many long frames, before a frame that is whole.
    let fake = [b"SGEF\x01\0\0\0".as_slice(), &20_000u32.to_le_bytes(), &20_000u32.to_le_bytes(), &[0; 8]].concat();
    let (before, behind) = log.split_at(first);
    let hostile = [before, &fake.repeat(1000), &vec![0; 20_000], behind].concat();
    fs::write(&path, &hostile).expect("writable");
    let store = Store::open_with(directory.path(), config(10)).expect("opens");
    assert!(!store.problems().is_empty());
    store.append(&events(2..3)).expect("written");
    assert_eq!(fs::read(&path).expect("readable"), hostile);
}
