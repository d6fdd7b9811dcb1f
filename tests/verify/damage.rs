//! Each kind of damage, and what is said of it.

use std::fs;

use sutra_grid_events::forensics::{Head, Severity, VerifyOptions, verify};

use crate::stores::{
    SEGMENT_EVENTS, SEGMENTS, TAIL_EVENTS, check, copy, expect, files, healthy, lines, log, segment, try_check,
};

#[test]
fn a_healthy_store_has_no_finding_and_is_left_as_it_is() {
    let store = healthy();
    let state = || -> Vec<_> {
        let file = |path: std::path::PathBuf| {
            let metadata = fs::metadata(&path).unwrap();
            (fs::read(&path).unwrap(), metadata.modified().unwrap(), path)
        };
        files(store.path()).into_iter().map(file).collect()
    };
    let before = state();
    let found = check(store.path());
    assert_eq!(lines(&found), Vec::<String>::new());
    assert!(state() == before, "the directory changed");
    assert_eq!((found.segments, found.logs), (SEGMENTS, 1));
    assert_eq!(found.events, SEGMENTS * SEGMENT_EVENTS + TAIL_EVENTS);
    assert_eq!((found.first_sequence, found.last_sequence), (Some(1), Some(found.events)));
    assert_eq!(found.head.unwrap().sequence, SEGMENTS * SEGMENT_EVENTS);
    let json: usize = (0..SEGMENTS * SEGMENT_EVENTS)
        .map(|number| {
            let mut text = String::new();
            crate::stores::event(number).write_json(&mut text);
            text.len()
        })
        .sum();
    assert_eq!(found.raw_bytes, json as u64);
}

#[test]
fn a_head_shows_what_the_store_cannot() {
    let store = healthy();
    let head = check(store.path()).head.unwrap();
    let with = |head: Head| verify(store.path(), &VerifyOptions::default().with_head(head), &|_| {}).unwrap();
    assert_eq!((with(head).head_matches, with(head).is_ok()), (Some(true), true));
    let other = Head { chain: [7; 32], ..head };
    expect(&with(other), Severity::Error, "", "not the one that was noted");
    let inside = Head { sequence: head.sequence - 1, ..head };
    expect(&with(inside), Severity::Error, "", &format!("known at {} and {}", 2 * SEGMENT_EVENTS, head.sequence));
}

#[test]
fn a_missing_segment_is_a_loss_with_its_numbers_and_times() {
    for id in 1..=SEGMENTS {
        let store = healthy();
        fs::remove_file(segment(store.path(), id)).unwrap();
        let found = check(store.path());
        let (first, last) = ((id - 1) * SEGMENT_EVENTS + 1, id * SEGMENT_EVENTS);
        expect(&found, Severity::Error, "", &format!("numbers {first} to {last}"));
        assert_eq!(found.lost.len(), 1);
        let lost = &found.lost[0];
        assert_eq!((lost.first_sequence, lost.last_sequence, lost.events), (Some(first), Some(last), Some(40)));
        assert_eq!((lost.first_us.is_some(), lost.last_us.is_some()), (id > 1, true));
    }
}

#[test]
fn a_segment_that_is_cut_off_or_zeroed_loses_events() {
    for cut in [0, 10, 200] {
        let store = healthy();
        let path = segment(store.path(), 2);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..cut]).unwrap();
        let found = check(store.path());
        expect(&found, Severity::Error, "2.seg", "damaged");
        assert_eq!(found.lost.iter().map(|lost| lost.events.unwrap()).sum::<u64>(), SEGMENT_EVENTS);
        fs::write(&path, vec![0; bytes.len()]).unwrap();
        expect(&check(store.path()), Severity::Error, "2.seg", "both copies of the contents");
    }
    let store = healthy();
    let path = segment(store.path(), 2);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Warning, "2.seg", "second copy");
    assert!(found.lost.is_empty());
}

#[test]
fn segments_that_change_places_or_come_from_elsewhere_are_found() {
    let store = healthy();
    let (first, second) = (segment(store.path(), 1), segment(store.path(), 2));
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, fs::read(&second).unwrap()).unwrap();
    fs::write(&second, bytes).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Warning, "1.seg", "it is segment 2");
    expect(&found, Severity::Warning, "2.seg", "it is segment 1");
    assert_eq!(found.findings.len(), 2, "the record was not changed: {:?}", lines(&found));
    assert!(found.lost.is_empty());

    let (store, other) = (healthy(), healthy());
    fs::copy(segment(other.path(), 2), segment(store.path(), 2)).unwrap();
    expect(&check(store.path()), Severity::Error, "2.seg", "another store");

    let store = healthy();
    fs::copy(segment(store.path(), 2), segment(store.path(), 9)).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Error, "", "are there twice");
    expect(&found, Severity::Error, "", "stand for more than one event");
    assert!(!lines(&found).iter().any(|line| line.contains("the chain breaks")), "{:?}", lines(&found));
}

#[test]
fn a_log_that_is_missing_behind_the_last_segment_is_found() {
    let store = healthy();
    fs::remove_file(log(store.path())).unwrap();
    let found = check(store.path());
    let sealed = SEGMENTS * SEGMENT_EVENTS;
    expect(&found, Severity::Warning, "tail", &format!("events after number {sealed} may be lost"));
    assert_eq!(found.findings.len(), 1, "{:?}", lines(&found));
    // A log of a segment is not the one behind it.
    let store = healthy();
    let path = log(store.path());
    fs::rename(&path, path.with_file_name(format!("{SEGMENTS:020}.log"))).unwrap();
    expect(&check(store.path()), Severity::Warning, "tail", "may be lost");
    fs::remove_dir_all(store.path().join("tail")).unwrap();
    expect(&check(store.path()), Severity::Warning, "tail", "may be lost");
}

#[test]
fn a_log_that_is_damaged_in_the_middle_loses_a_batch_and_its_end_may_be_torn() {
    let store = healthy();
    let bytes = fs::read(log(store.path())).unwrap();
    let batches: Vec<usize> = (0..bytes.len())
        // Anchors of segments stand between the batches.
        .filter(|&at| bytes[at..].starts_with(b"SGEF") && bytes[at + 4] != 3)
        .collect();
    let mut damaged = bytes.clone();
    damaged[batches[1] + 30] ^= 1;
    fs::write(log(store.path()), damaged).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Error, ".log", "are not what was written");
    let sealed = SEGMENTS * SEGMENT_EVENTS;
    assert_eq!(found.lost[0].events, Some(TAIL_EVENTS / 3), "{:?}", lines(&found));
    assert!(found.lost[0].first_sequence.unwrap() > sealed);
    assert!(found.lost[0].first_us.is_some() && found.lost[0].last_us.is_some());

    fs::write(log(store.path()), &bytes[..batches[batches.len() - 1] + 30]).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Warning, ".log", "are no whole frame");
    assert!(found.findings.iter().all(|finding| finding.severity == Severity::Warning), "{:?}", lines(&found));
    assert_eq!(found.events, sealed + TAIL_EVENTS - TAIL_EVENTS / 3);

    let mut header = bytes.clone();
    header[20] ^= 1;
    fs::write(log(store.path()), header).unwrap();
    expect(&check(store.path()), Severity::Error, ".log", "checksum of its header");
}

#[test]
fn files_beside_the_events_are_checked_too() {
    let store = healthy();
    fs::write(store.path().join("kv.jsonl"), "{}").unwrap();
    expect(&check(store.path()), Severity::Warning, "kv.jsonl", "checksum does not fit");
    fs::write(store.path().join("foreign.log"), "SGEFOR").unwrap();
    expect(&check(store.path()), Severity::Error, "foreign.log", "header");
    fs::write(store.path().join("FORMAT"), "something").unwrap();
    expect(&check(store.path()), Severity::Error, "FORMAT", "names another format");
    fs::remove_file(store.path().join("FORMAT")).unwrap();
    let found = check(store.path());
    expect(&found, Severity::Error, "FORMAT", "missing");
    assert_ne!(found.epoch, 0);
}

#[test]
fn what_concerns_no_event_is_a_notice() {
    use std::os::unix::fs::PermissionsExt;
    let store = healthy();
    fs::remove_dir_all(store.path().join("kv")).unwrap();
    fs::write(store.path().join("segments/notes.txt"), "").unwrap();
    fs::write(store.path().join("segments/1.tmp"), "").unwrap();
    fs::set_permissions(segment(store.path(), 1), fs::Permissions::from_mode(0o644)).unwrap();
    let found = check(store.path());
    assert!(found.is_ok(), "{:?}", lines(&found));
    expect(&found, Severity::Notice, "kv", "it is not there");
    expect(&found, Severity::Notice, "notes.txt", "nothing reads it");
    expect(&found, Severity::Notice, "1.tmp", "never finished");
    expect(&found, Severity::Notice, "1.seg", "0644");
    std::os::unix::fs::symlink("/", store.path().join("tail/link")).unwrap();
    expect(&check(store.path()), Severity::Warning, "link", "symbolic link");
}

#[test]
fn what_is_no_store_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    try_check(directory.path()).unwrap_err();
    try_check(&directory.path().join("missing")).unwrap_err();
    let copied = copy(healthy().path());
    assert!(check(copied.path()).is_ok(), "a copy is as good");
}

#[test]
fn what_a_newer_version_wrote_is_told_from_damage() {
    let store = copy(healthy().path());
    let newer = |path: &std::path::Path, rest: bool| {
        let mut bytes = fs::read(path).expect("there");
        bytes[8..12].copy_from_slice(&9u32.to_le_bytes());
        if rest {
            bytes[12..].fill(7);
        }
        fs::write(path, bytes).expect("ours");
    };
    newer(&segment(store.path(), 2), true);
    newer(&log(store.path()), false);
    let found = check(store.path());
    expect(&found, Severity::Error, "2.seg", "format version 9, this program reads up to 2: use a newer grid-events");
    expect(&found, Severity::Error, ".log", "format version 9, this program reads up to");
}
