//! Damage of one kind each, and exactly what is lost by it.

use std::fs;
use std::path::Path;

use sutra_grid_events::forensics::{PieceOutcome, SalvageError, SalvageOptions, SalvageReport, salvage};
use sutra_grid_events::store::LossCause;
use sutra_grid_events::{Store, StoreError};

use crate::harness::{EVENTS, Example, SEGMENT_EVENTS, change, scan};

fn whole(report: &SalvageReport) {
    assert_eq!((report.events, report.losses.len()), (EVENTS, 0), "{report:?}");
    assert_eq!(report.to_string(), "nothing was lost");
}

#[test]
fn a_healthy_store_is_copied() {
    let example = Example::new(false);
    let (report, store) = example.salvage();
    whole(&report);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert!(report.pieces.iter().all(|piece| piece.outcome == PieceOutcome::Copied));
    assert_eq!(report.foreign_records, 10);
    assert_eq!(store.cursor("console").expect("readable").map(|cursor| cursor.sequence), Some(17));
    let original = Store::open_read_only(example.store()).expect("opens");
    assert_eq!(store.epoch(), original.epoch());
    for id in 1..=3 {
        let copy = store.path().join(format!("segments/{id:020}.seg"));
        assert_eq!(fs::read(copy).expect("there"), fs::read(example.segment(id)).expect("there"));
    }
    drop(store);
    let healthy = example.root.path().join("healthy");
    let store = Store::open(&healthy).expect("can be written");
    assert_eq!(store.sequence(), EVENTS);
    store.append(&[example.events[&1].event.clone()]).expect("written");
    assert_eq!(scan(&store).len() as u64, EVENTS + 1);
}

#[test]
fn without_sled_format_and_lock_nothing_is_lost() {
    let example = Example::new(false);
    fs::remove_dir_all(example.store().join("kv")).expect("ours");
    fs::remove_file(example.store().join("FORMAT")).expect("ours");
    fs::remove_file(example.store().join("LOCK")).expect("ours");
    let (report, store) = example.salvage();
    whole(&report);
    assert_eq!(store.cursor("console").expect("readable").map(|cursor| cursor.sequence), Some(17));
}

#[test]
fn a_truncated_segment_is_made_anew_from_its_log() {
    let example = Example::new(true);
    change(&example.segment(2), |bytes| bytes.truncate(bytes.len() / 3));
    let (report, _) = example.salvage();
    whole(&report);
}

#[test]
fn without_contents_the_log_of_the_same_id_is_taken() {
    let example = Example::new(true);
    change(&example.segment(2), |bytes| bytes.fill(0));
    let (report, store) = example.salvage();
    whole(&report);
    assert!(!report.notes.iter().any(|note| note.contains("chain")), "{:?}", report.notes);
    drop(store);
}

#[test]
fn without_contents_and_log_a_segment_is_lost_and_its_neighbours_tell_what_it_held() {
    let example = Example::new(false);
    change(&example.segment(2), |bytes| bytes.fill(0));
    let (report, store) = example.salvage();
    assert_eq!(report.to_string(), "40 events in 1 place lost");
    let losses = store.losses().expect("readable");
    assert_eq!(losses.len(), 1);
    let loss = &losses[0];
    assert_eq!(loss.cause, LossCause::Salvaged);
    let size = u64::from(SEGMENT_EVENTS);
    assert_eq!((loss.first_sequence, loss.last_sequence, loss.events), (Some(size + 1), Some(2 * size), Some(size)));
    assert!(loss.detail.contains("00000000000000000002.seg"), "{}", loss.detail);
    assert!(loss.first_us.is_some() && loss.last_us.is_some());
}

#[test]
fn the_last_segment_may_be_gone() {
    let example = Example::new(false);
    fs::remove_file(example.segment(3)).expect("ours");
    let (report, _) = example.salvage();
    assert_eq!(report.to_string(), "40 events in 1 place lost");
}

#[test]
fn swapped_and_renamed_files_are_read_as_what_they_say() {
    let example = Example::new(false);
    let aside = example.store().join("x");
    fs::rename(example.segment(1), &aside).expect("ours");
    fs::rename(example.segment(2), example.segment(1)).expect("ours");
    fs::rename(&aside, example.segment(2)).expect("ours");
    fs::rename(example.segment(3), example.store().join("third.seg.bak")).expect("ours");
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert_eq!(opened.problems().len(), 2, "{:?}", opened.problems());
    let there = scan(&opened);
    assert!(there.iter().all(|(sequence, stored)| example.events[sequence] == *stored));
    assert_eq!(there.len() as u64, EVENTS - u64::from(SEGMENT_EVENTS));
    let (report, _) = example.salvage();
    whole(&report);
}

#[test]
fn a_segment_that_is_there_twice_is_read_once() {
    let example = Example::new(false);
    fs::copy(example.segment(1), example.segment(7)).expect("ours");
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert_eq!(opened.problems().len(), 1);
    assert_eq!(scan(&opened), example.events);
    let (report, _) = example.salvage();
    whole(&report);
}

#[test]
fn parts_of_another_store_are_not_taken() {
    let (example, other) = (Example::new(false), Example::new(false));
    fs::copy(other.segment(2), example.segment(2)).expect("ours");
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert!(opened.problems()[0].contains("another store"), "{:?}", opened.problems());
    assert_eq!(scan(&opened).len() as u64, EVENTS - u64::from(SEGMENT_EVENTS));
    let (report, _) = example.salvage();
    assert_eq!(report.events_lost(), u64::from(SEGMENT_EVENTS));
}

#[test]
fn a_torn_log_keeps_its_whole_batches() {
    let example = Example::new(false);
    change(&example.log(4), |bytes| bytes.truncate(bytes.len() - 3));
    let (report, store) = example.salvage();
    assert_eq!(report.events, EVENTS - 5);
    assert_eq!(report.losses.len(), 1);
    assert_eq!((report.losses[0].events, report.losses[0].first_sequence), (None, Some(EVENTS - 4)));
    drop(store);
    let store = Store::open(example.root.path().join("healthy")).expect("can be written");
    assert!(store.sequence() > EVENTS, "no number is given twice");
}

#[test]
fn a_log_without_header_is_read_from_its_batches() {
    let example = Example::new(false);
    change(&example.log(4), |bytes| bytes[..20].fill(0));
    let (report, _) = example.salvage();
    whole(&report);
}

#[test]
fn a_newer_version_is_skipped_and_said() {
    let example = Example::new(false);
    change(&example.segment(2), |bytes| {
        bytes[8] = 99;
    });
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert!(opened.problems()[0].contains("version 99"), "{:?}", opened.problems());
    assert!(matches!(Store::open(example.store()), Err(StoreError::NewerFormat { .. })));
    let (report, _) = example.salvage();
    assert_eq!(report.events_lost(), u64::from(SEGMENT_EVENTS));
    assert!(report.pieces.iter().any(|piece| piece.outcome == PieceOutcome::Skipped));
}

#[test]
fn a_writer_gives_no_number_twice_and_overwrites_nothing() {
    let example = Example::new(true);
    change(&example.segment(3), |bytes| bytes.fill(0));
    let damaged = fs::read(example.segment(3)).expect("there");
    let store = Store::open(example.store()).expect("opens");
    store.seal().expect("sealed");
    assert_eq!(scan(&store), example.events);
    store.close().expect("closed");
    let kept = fs::read_dir(example.store().join("segments")).expect("there").filter_map(Result::ok);
    let kept: Vec<_> = kept.filter(|entry| entry.file_name().to_string_lossy().contains(".damaged-")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read(kept[0].path()).expect("there"), damaged);
}

#[test]
fn numbers_behind_what_cannot_be_read_are_passed_over() {
    let example = Example::new(false);
    change(&example.log(4), |bytes| bytes[..20].fill(0xff));
    let store = Store::open(example.store()).expect("opens");
    assert!(store.sequence() > EVENTS);
    store.append(&[example.events[&1].event.clone()]).expect("written");
    drop(store);
    let length = fs::metadata(example.log(4)).expect("still there").len();
    assert!(length > 100, "what is damaged stays");
}

#[test]
fn the_target_must_be_free_and_elsewhere() {
    let example = Example::new(false);
    let try_at = |path: &Path| salvage(&example.store(), path, &SalvageOptions::default(), &mut |_| {});
    for inside in ["new", "segments/new", "tail/../new"] {
        assert!(matches!(try_at(&example.store().join(inside)), Err(SalvageError::Target { .. })), "{inside}");
    }
    std::os::unix::fs::symlink(example.store(), example.root.path().join("link")).expect("ours");
    assert!(matches!(try_at(&example.root.path().join("link/new")), Err(SalvageError::Target { .. })));
    let full = example.root.path().join("full");
    fs::create_dir(&full).expect("ours");
    fs::write(full.join("file"), "text").expect("ours");
    assert!(matches!(try_at(&full), Err(SalvageError::Target { .. })));
    let empty = tempfile::tempdir().expect("a directory");
    let nothing = salvage(empty.path(), &example.root.path().join("n"), &SalvageOptions::default(), &mut |_| {});
    assert!(matches!(nothing, Err(SalvageError::Nothing { .. })));
}
