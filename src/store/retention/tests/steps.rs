//! What happens between the steps, beside readers, and to single events.

use std::time::Duration;

use super::{BEAT, SECOND, all, apply_after, beat, config, crash, of_types, pod};
use crate::query::Filter;
use crate::storage::files;
use crate::store::retention::plan::Plan;
use crate::store::retention::{note, reduce, scope, step_at};
use crate::store::{Cursor, Delivery, RemovalCause, Retention, Store, StoreConfig};

fn sequences(store: &Store) -> Vec<u64> {
    all(&store.snapshot()).iter().map(|event| event.sequence).collect()
}

/// A store with one segment: beats in odd places, crashes in even ones.
fn mixed(directory: &std::path::Path) -> Store {
    let store = Store::open_with(directory, config(1_000)).expect("opens");
    let events: Vec<_> = (0..20).flat_map(|second| [beat(1, 3, second), crash(1, second)]).collect();
    store.append(&events).expect("written");
    store.seal().expect("sealed");
    store
}

#[test]
fn thinning_keeps_first_and_last_both_sides_of_gaps_and_what_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    // 1..=10 in time, 11..=15 after a gap, 16..=18 with another count of nodes, 19..=20 with the former.
    let mut events: Vec<_> = (0..10).map(|index| beat(1, 3, index * 10)).collect();
    events.extend((0..5).map(|index| beat(1, 3, 200 + index * 10)));
    events.extend((5..8).map(|index| beat(1, 4, 200 + index * 10)));
    events.extend((8..10).map(|index| beat(1, 3, 200 + index * 10)));
    // 21..=22 of an agent with too few beats to thin any, 23..=25 of another type.
    events.extend([beat(2, 3, 1), beat(2, 3, 2)]);
    events.extend((0..3).map(|second| crash(1, second)));
    store.append(&events).expect("written");
    store.seal().expect("sealed");
    let policy = of_types([(BEAT, None, Some(60))]);
    assert_eq!(apply_after(&store, &policy, 59).segments_rewritten, 0);
    let report = apply_after(&store, &policy, 60);
    assert_eq!(report.thinned.get(BEAT), Some(&12));
    let kept = [1, 10, 11, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25];
    assert_eq!(sequences(&store), [&kept[..], &[26]].concat(), "26 says what was removed");
    let told = all(&store.snapshot()).pop().expect("an event").event.to_json();
    for part in [
        r#""event_type":"events_removed","removed_type":"agent_heartbeat","cause":"thinned""#,
        r#""first_sequence":1,"last_sequence":25,"#,
        r#""first_time":"1970-01-01T00:00:10.000000Z","last_time":"1970-01-01T00:04:20.000000Z","events":12,"root_before":""#,
        r#""root_after":""#,
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    // It is done once.
    assert_eq!(apply_after(&store, &policy, 10_000).segments_rewritten, 0);
    // When the rest goes, the root is still that of the sealing.
    let root = |store: &Store| store.shared().pieces().segments[0].contents().removed[0].root;
    let before = root(&store);
    apply_after(&store, &of_types([(BEAT, Some(100), None)]), 200);
    let pieces = store.shared().pieces();
    let gone = &pieces.segments[0].contents().removed[0];
    assert_eq!((gone.root, gone.cause, gone.events), (before, RemovalCause::Expired, 22));
}

#[test]
fn a_type_has_its_own_age_shorter_or_longer() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    store.append(&[beat(1, 3, 1), crash(1, 2), pod(1, 3)]).expect("written");
    store.seal().expect("sealed");
    let policy = Retention {
        age_max: Some(Duration::from_secs(100)),
        ..of_types([(BEAT, Some(10), None), ("node_crashed", Some(1_000), None)])
    };
    let left = |after: i64| {
        apply_after(&store, &policy, after);
        let kept: Vec<u64> = sequences(&store).into_iter().filter(|&sequence| sequence <= 3).collect();
        (kept, store.shared().pieces().segments.len())
    };
    assert_eq!(left(9), (vec![1, 2, 3], 1));
    assert_eq!(left(11), (vec![2, 3], 1));
    assert_eq!(left(101), (vec![2], 1));
    let report = apply_after(&store, &policy, 1_001);
    assert_eq!((report.segments_removed, store.shared().pieces().segments.len()), (1, 0));
}

#[test]
fn a_segment_in_the_middle_stays_as_a_small_tombstone() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    for events in [vec![crash(1, 1)], (0..500).map(|second| beat(1, 3, second)).collect(), vec![crash(1, 2)]] {
        store.append(&events).expect("written");
        store.seal().expect("sealed");
    }
    let report = apply_after(&store, &of_types([(BEAT, Some(1), None)]), 2);
    assert_eq!((report.segments_removed, report.segments_rewritten), (0, 1));
    let pieces = store.shared().pieces();
    assert_eq!((pieces.segments.len(), pieces.segments[1].contents().count), (3, 0));
    assert!(pieces.segments[1].file_bytes() < 1_024, "{} bytes", pieces.segments[1].file_bytes());
    assert_eq!(store.snapshot().sources().len(), 3, "two segments and the tail");
    assert_eq!(store.stats().expect("readable").events, 3);
    // Once it is the oldest, it goes as well, and nothing is said of it.
    let told = |store: &Store| store.count(&Filter::event_type("events_removed")).expect("readable");
    assert_eq!(told(&store), 1);
    let policy = Retention { age_max: Some(Duration::from_secs(1)), ..Retention::default() };
    apply_after(&store, &policy, 2);
    assert_eq!((store.shared().pieces().segments.len(), told(&store)), (0, 3));
    assert_eq!(store.removals().expect("readable").iter().map(|removal| removal.events).sum::<u64>(), 502);
}

#[test]
fn what_the_store_says_of_removals_goes_in_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(4)).expect("opens");
    store.append(&(0..16).map(|second| crash(1, second)).collect::<Vec<_>>()).expect("written");
    let policy = Retention { age_max: Some(Duration::ZERO), ..Retention::default() };
    let mut rounds = 0;
    loop {
        store.seal().expect("sealed");
        if store.shared().pieces().segments.is_empty() {
            break;
        }
        apply_after(&store, &policy, 1);
        rounds += 1;
        assert!(rounds < 10, "removing what was said of removals is said again and again");
    }
    assert_eq!(store.count(&Filter::All).expect("readable"), 0);
    let noted: u64 = store.removals().expect("readable").iter().map(|removal| removal.events).sum();
    assert!(noted > 16, "what was said is noted as removed too");
}

#[test]
fn a_crash_between_the_steps_costs_nothing() {
    for steps in 0..3 {
        let directory = tempfile::tempdir().expect("a directory");
        let store = mixed(directory.path());
        let policy = of_types([(BEAT, Some(1), None)]);
        let shared = store.shared();
        let pieces = shared.pieces();
        let now_us = pieces.segments[0].contents().sealed_at_us + 2 * SECOND;
        let plan = Plan::new(&policy, &scope(shared, &pieces.segments, now_us));
        let reduction = &plan.reductions[0];
        let reduced = reduce::build(reduction).expect("built").expect("something goes");
        let notes: Vec<_> =
            reduced.gone.iter().map(|gone| note::Note::of_type(&reduction.segment, gone, now_us)).collect();
        if steps > 0 {
            assert!(note::put(shared, &notes, false).expect("noted"));
        }
        if steps > 1 {
            files::write_durably(&reduction.segment.path().with_extension("seg"), &reduced.bytes).expect("written");
        } else {
            // A file that was never finished.
            std::fs::write(reduction.segment.path().with_extension("tmp"), &reduced.bytes[..100]).expect("written");
        }
        drop((plan, pieces));
        store.close().expect("closed");
        let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
        assert_eq!(store.problems(), Vec::<String>::new());
        let crashes = |store: &Store| store.count(&Filter::event_type("node_crashed")).expect("readable");
        assert_eq!(crashes(&store), 20);
        apply_after(&store, &policy, 2);
        assert_eq!(crashes(&store), 20);
        assert_eq!(store.count(&Filter::event_type(BEAT)).expect("readable"), 0);
        assert_eq!(store.count(&Filter::event_type("events_removed")).expect("readable"), 1, "it is said once");
        assert_eq!(store.removals().expect("readable").len(), 1, "it is noted once");
    }
}

#[test]
fn readers_and_snapshots_see_one_state_or_the_other() {
    let directory = tempfile::tempdir().expect("a directory");
    // A cache that keeps next to nothing, so that files are read again.
    let small = StoreConfig { cache_bytes: 0, ..config(1_000) };
    mixed(directory.path()).close().expect("closed");
    let store = Store::open_with(directory.path(), small).expect("opens");
    let reader = Store::open_read_only(directory.path()).expect("opens");
    let (held, held_by_reader) = (store.snapshot(), reader.snapshot());
    let before = all(&held);
    apply_after(&store, &of_types([(BEAT, Some(1), None)]), 2);
    assert_eq!(all(&held), before, "a snapshot does not change");
    assert_eq!(all(&held_by_reader), before, "nor does that of a reader, whose file is open");
    assert_eq!(store.count(&Filter::event_type(BEAT)).expect("readable"), 0);
    reader.refresh().expect("read");
    assert_eq!(all(&reader.snapshot()), all(&store.snapshot()));
    assert_eq!(all(&held), before);
}

#[test]
fn subscribers_are_told_what_is_missing_in_the_middle() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    let events =
        [crash(1, 1), beat(1, 3, 2), beat(1, 3, 3), crash(2, 4), beat(1, 3, 5), pod(1, 6), crash(3, 7), beat(1, 3, 8)];
    store.append(&events).expect("written");
    store.seal().expect("sealed");
    apply_after(&store, &of_types([(BEAT, Some(1), None)]), 2);
    let start = Cursor { epoch: store.epoch(), sequence: 0 };
    let told = |filter: Filter, from: Cursor| {
        let mut subscription = store.subscribe(filter, Some(from)).expect("ours");
        std::iter::from_fn(move || subscription.try_next().expect("readable"))
            .map(|delivery| match delivery {
                Delivery::Event(event) => (event.sequence, 0),
                Delivery::Missed { count, resume } => (resume.sequence, count),
            })
            .collect::<Vec<_>>()
    };
    let all = [(1, 0), (3, 2), (4, 0), (5, 1), (6, 0), (7, 0), (8, 1), (9, 0)];
    assert_eq!(told(Filter::All, start), all);
    // A subscriber that comes back goes on where it was, whether it stopped before or behind what it missed.
    for (index, &(sequence, _)) in all.iter().enumerate() {
        assert_eq!(told(Filter::All, Cursor { sequence, ..start }), all[index + 1..]);
    }
    let crashes = [(1, 0), (3, 2), (4, 0), (5, 1), (7, 0), (8, 1)];
    assert_eq!(told(Filter::event_type("node_crashed"), start), crashes);
}

#[test]
fn the_sealer_rewrites_only_what_is_worth_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    let mut events: Vec<_> = (0..100).map(|second| crash(1, second)).collect();
    events.push(beat(1, 3, 1));
    store.append(&events).expect("written");
    store.seal().expect("sealed");
    let shared = store.shared();
    let policy = of_types([(BEAT, Some(1_000), None)]);
    let sealed_at_us = shared.pieces().segments[0].contents().sealed_at_us;
    let mut tried = super::super::Tried::default();
    let mut beats_after = |seconds: i64| {
        while step_at(shared, &policy, sealed_at_us + seconds * SECOND, &mut tried).expect("done") {}
        store.count(&Filter::event_type(BEAT)).expect("readable")
    };
    assert_eq!(beats_after(1_100), 1, "one in a hundred is too little");
    assert_eq!(beats_after(1_251), 0, "but it is overdue in the end");
}

#[test]
fn what_is_damaged_is_not_made_to_look_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    mixed(directory.path()).close().expect("closed");
    let path = files::numbered(&directory.path().join("segments"), 1, "seg");
    let mut bytes = std::fs::read(&path).expect("readable");
    // The second block is that of the crashes, which stay.
    let block = bytes.windows(4).enumerate().filter(|(_, found)| found == b"SGEB").map(|(at, _)| at).nth(1);
    bytes[block.expect("a block") + 60] ^= 1;
    std::fs::write(&path, &bytes).expect("writable");
    let store = Store::open_with(directory.path(), config(1_000)).expect("opens");
    let report = apply_after(&store, &of_types([(BEAT, Some(1), None)]), 2);
    assert_eq!((report.segments_rewritten, report.problems.len()), (0, 1));
    assert_eq!(std::fs::read(&path).expect("readable"), bytes);
    assert!(store.removals().expect("readable").is_empty());
}

#[test]
fn a_segment_of_which_nothing_is_left_is_no_gap_that_nobody_knows_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(100)).expect("new");
    store.append(&[crash(1, 1), crash(2, 2)]).expect("written");
    store.seal().expect("sealed");
    store.append(&[beat(1, 1, 3), pod(1, 4), beat(1, 1, 5)]).expect("written");
    store.seal().expect("sealed");
    store.append(&[crash(3, 6)]).expect("written");
    store.seal().expect("sealed");
    apply_after(&store, &of_types([(BEAT, Some(1), None)]), 10);
    apply_after(&store, &of_types([("pod_ready", Some(1), None)]), 10);
    assert_eq!(store.shared().pieces().segments[1].contents().count, 0);
    let gaps = store.gaps(&crate::query::Filter::All).expect("known");
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap.cause == crate::query::GapCause::Removed), "{gaps:?}");
    // Then it has become the oldest, and its file goes.
    apply_after(&store, &of_types([("node_crashed", Some(1), None), ("events_removed", Some(1_000), None)]), 10);
    let segments = store.shared().pieces().segments.len();
    assert!(segments < 3, "{segments} are left");
    let gaps = store.gaps(&crate::query::Filter::All).expect("known");
    assert!(gaps.iter().all(|gap| gap.cause == crate::query::GapCause::Removed), "{gaps:?}");
}
