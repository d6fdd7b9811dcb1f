//! Merging against a model: of every event one, under its id where that is free, and nothing new the second time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sutra_grid_events::forensics::{self, MergeError, MergeReport};
use sutra_grid_events::store::{
    Appended, ForeignAssociation, ForeignConcept, ForeignPlace, ForeignRecord, Loss, LossCause, Retention, Store,
    StoreConfig, StoredEvent,
};
use sutra_grid_events::{DynamicEvent, Event};

use crate::harness::{by_id, config, contents, damage_a_block, events, files, store_of, with_ending};

const TYPES: [&str; 2] = ["job_done", "node_seen"];

/// An event of few possible ones, so that stores overlap.
type Small = (usize, i64, u8);

fn small((kind, us, what): Small) -> Event {
    let time = chrono::DateTime::from_timestamp_micros(us).expect("legal");
    Event::from(DynamicEvent::new(TYPES[kind], time).expect("legal").with("what", u64::from(what)))
}

fn merge(sources: &[PathBuf], output: &Path) -> MergeReport {
    forensics::merge(sources, output, &|_, _| {}).expect("merged")
}

fn stored_in(path: &Path) -> Vec<StoredEvent> {
    let mut found = Vec::new();
    let store = Store::open_read_only(path).expect("readable");
    store
        .scan(0, &mut |stored| {
            found.push(stored);
            ControlFlow::Continue(())
        })
        .expect("readable");
    found
}

/// Checks a merged store against the stores that it was made of, and that ids are kept.
fn check(sources: &[PathBuf], output: &Path) {
    let merged = stored_in(output);
    let json_of: BTreeMap<_, _> = merged.iter().map(|stored| (stored.id.clone(), stored.event.to_json())).collect();
    for (stored, there) in merged.iter().zip(check_origins_and_union(sources, output)) {
        // Another id only where the own one is another event's. Of equal events of a store the first is taken.
        let had = there.iter().map(|there| &there.id).min().expect("it has it");
        if *had != stored.id {
            let holder = json_of.get(had);
            assert!(holder.is_some_and(|holder| *holder != stored.event.to_json()), "{had} could have been kept");
        }
    }
}

/// Checks what a merged store holds and where that came from; for each event what it was there.
fn check_origins_and_union(sources: &[PathBuf], output: &Path) -> Vec<Vec<StoredEvent>> {
    let of_sources: Vec<Vec<StoredEvent>> = sources.iter().map(|path| stored_in(path)).collect();
    let merged = stored_in(output);
    let wanted: BTreeSet<String> = of_sources.iter().flatten().map(|stored| stored.event.to_json()).collect();
    let found: Vec<String> = merged.iter().map(|stored| stored.event.to_json()).collect();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), wanted, "all events and no others");
    assert_eq!(found.len(), wanted.len(), "each of them once");
    let by_id: BTreeMap<_, _> = merged.iter().map(|stored| (stored.id.clone(), stored.event.to_json())).collect();
    assert_eq!(by_id.len(), merged.len(), "no id twice");
    let store = Store::open_read_only(output).expect("readable");
    let epochs: Vec<u64> = sources.iter().map(|path| Store::open_read_only(path).expect("readable").epoch()).collect();
    let mut came_from = Vec::new();
    for stored in &merged {
        let json = stored.event.to_json();
        let origin = store.origin_of(stored.sequence).expect("readable").expect("known");
        let source = epochs.iter().position(|epoch| *epoch == origin.epoch).expect("one of them");
        assert_eq!(origin.label, sources[source].display().to_string());
        let there: Vec<_> = of_sources[source].iter().filter(|there| there.event.to_json() == json).collect();
        let range = origin.origin_first_sequence..=origin.origin_last_sequence;
        assert!(there.iter().any(|there| range.contains(&there.sequence)), "{json} came from {origin:?}");
        assert_eq!(store.get(&stored.id).expect("readable").as_ref(), Some(stored));
        came_from.push(there.into_iter().cloned().collect());
    }
    came_from
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 3 / 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn merging_is_a_union_that_keeps_ids_and_origins(
        stores in prop::collection::vec(prop::collection::vec((0..2usize, 0..6i64, 0..5u8), 0..60), 1..4),
        first in 1..4usize,
        interrupted in 0..40usize,
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let output = directory.path().join("merged");
        let mut paths = Vec::new();
        for (index, events) in stores.iter().enumerate() {
            let path = directory.path().join(format!("store-{index}"));
            let store = Store::open_with(&path, StoreConfig { segment_events: 16, ..config() }).expect("opens");
            for some in events.chunks(4) {
                let some: Vec<Event> = some.iter().copied().map(small).collect();
                store.append(&some).expect("written");
            }
            store.close().expect("closed");
            paths.push(path);
        }
        let sources_before: Vec<_> = paths.iter().map(|path| files(path)).collect();
        let some = &paths[..first.min(paths.len())];
        merge(some, &output);
        check(some, &output);
        // A merge that ends before it noted where its last events came from.
        let before = contents(&output);
        let mut missing = stored_in(paths.last().expect("one"));
        missing.sort_by(|a, b| a.id.cmp(&b.id));
        missing.truncate(interrupted);
        let store = Store::open_with(&output, config()).expect("opens");
        store.append_kept(&missing).expect("written");
        store.close().expect("closed");
        let report = merge(&paths, &output);
        check_origins_and_union(&paths, &output);
        let all = contents(&output);
        prop_assert!(all.starts_with(&before), "what was there stays as it was");
        prop_assert_eq!(report.events, all.len() as u64);
        // Nothing is new the second time.
        let again = merge(&paths, &output);
        prop_assert!(again.sources.iter().all(|source| source.stored == 0 && source.read == source.duplicates));
        prop_assert_eq!((again.losses, contents(&output)), (0, all));
        let sources_after: Vec<_> = paths.iter().map(|path| files(path)).collect();
        prop_assert!(sources_after == sources_before, "a source was touched");
    }
}

#[test]
fn many_events_of_one_type_in_one_microsecond() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let at_once = |numbers: std::ops::Range<u64>| -> Vec<Event> {
        let time = chrono::DateTime::from_timestamp_micros(5).expect("legal");
        numbers.map(|n| Event::from(DynamicEvent::new("job_done", time).expect("legal").with("n", n))).collect()
    };
    store_of(&path("a"), &at_once(0..1_523));
    store_of(&path("b"), &at_once(1_000..2_523));
    let report = merge(&[path("a"), path("b")], &path("merged"));
    assert_eq!((report.events, report.sources[1].duplicates, report.sources[1].renamed), (2_523, 523, 1_000));
    let merged = by_id(&path("merged"));
    for (id, json) in by_id(&path("a")) {
        assert_eq!(merged.get(&id), Some(&json));
    }
}

#[test]
fn an_id_is_kept_where_it_is_free_and_is_free_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("source");
    store_of(&source, &[small((0, 1, 0)), small((0, 1, 1)), small((0, 1, 2))]);
    let stored = stored_in(&source);
    let store = Store::open_with(directory.path().join("store"), config()).expect("opens");
    let ids = |answers: Vec<Appended>| -> Vec<String> {
        let id = |answer| match answer {
            Appended::Stored(id) => id.to_string(),
            other => format!("{other:?}"),
        };
        answers.into_iter().map(id).collect()
    };
    assert_eq!(ids(store.append_kept(&stored[2..]).expect("written")), ["event-job_done-1-2"]);
    assert_eq!(ids(store.append(&[small((0, 1, 9))]).expect("written")), ["event-job_done-1-3"]);
    assert_eq!(ids(store.append_kept(&stored[..1]).expect("written")), ["event-job_done-1"]);
    store.seal().expect("sealed");
    // The third is there, the second is kept; one that has the id of another gets the next.
    let other = StoredEvent { event: small((0, 1, 8)), ..stored[2].clone() };
    let answers = store.append_kept(&[stored[2].clone(), stored[1].clone(), other]).expect("written");
    assert!(matches!(&answers[0], Appended::Duplicate(id) if id.ordinal() == 2));
    assert_eq!(ids(answers[1..].to_vec()), ["event-job_done-1-1", "event-job_done-1-4"]);
    store.close().expect("closed");
    let again = Store::open_with(directory.path().join("store"), config()).expect("opens");
    assert_eq!(ids(again.append(&[small((0, 1, 7))]).expect("written")), ["event-job_done-1-5"]);
}

#[test]
fn what_was_lost_in_a_store_is_lost_in_the_merged_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("a"), &events(0..350));
    let retention = Retention { bytes_max: Some(1), ..Retention::default() };
    let store = Store::open_with(path("a"), StoreConfig { retention, ..config() }).expect("opens");
    store.note_loss(&Loss { events: Some(3), ..Loss::new(LossCause::Rejected, "old.jsonl: no time") }).expect("noted");
    store.append(&events(350..352)).expect("written");
    store.seal().expect("sealed");
    store.close().expect("closed");
    // Retention goes on until the store is closed.
    let store = Store::open_read_only(path("a")).expect("readable");
    let removed: u64 = store.removals().expect("readable").iter().map(|removal| removal.events).sum();
    // And one of which a block cannot be read.
    store_of(&path("b"), &events(0..350));
    let segment = with_ending(&path("b"), "seg").remove(1);
    damage_a_block(&segment);
    let sources = [path("a"), path("b")];
    let report = merge(&sources, &path("merged"));
    assert!(report.sources[1].unreadable > 0 && !report.sources[1].problems.is_empty());
    let merged = Store::open_read_only(path("merged")).expect("readable");
    let losses = merged.losses().expect("readable");
    assert_eq!(losses.len() as u64, report.losses);
    let sum = |cause: LossCause| losses.iter().filter(|loss| loss.cause == cause).filter_map(|l| l.events).sum::<u64>();
    assert_eq!((sum(LossCause::Rejected), sum(LossCause::Removed)), (3, removed));
    assert_eq!(sum(LossCause::Damaged), report.sources[1].unreadable);
    assert!(losses.iter().all(|loss| loss.first_sequence.is_none()), "numbers of another store say nothing here");
    let label = path("b").display().to_string();
    assert!(losses.iter().any(|loss| loss.detail.starts_with(&label) && loss.first_us.is_some()));
    assert_eq!(merge(&sources, &path("merged")).losses, 0);
}

#[test]
fn foreign_records_are_united_and_the_newest_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let concept = |id: &str, learned_us: i64, of_event: bool| {
        ForeignRecord::Concept(ForeignConcept {
            id: id.to_owned(),
            learned_us,
            of_event,
            content: format!("{id} {learned_us}"),
            embedding: vec![0.5],
            strength: 1.0,
            confidence: 1.0,
            metadata_json: None,
        })
    };
    let association = |source: &str, target: &str| {
        let (source, target) = (source.to_owned(), target.to_owned());
        ForeignRecord::Association(ForeignAssociation { source, target, code: 3, confidence: 1.0, learned_us: 4 })
    };
    let id = "event-job_done-0";
    for (name, number, records) in [
        ("a", 0, vec![concept("x", 1, false), concept("x", 5, false), concept("y", 3, false)]),
        ("b", 3, vec![concept("x", 2, false), concept("y", 4, false), concept(id, 1, true), association(id, "x")]),
    ] {
        let store = Store::open_with(path(name), config()).expect("opens");
        store.append(&[crate::harness::event(0, number)]).expect("written");
        store.learn_foreign(&records).expect("learned");
        store.close().expect("closed");
    }
    let held = |name: &str| {
        let store = Store::open_read_only(path(name)).expect("readable");
        let mut found = BTreeMap::new();
        let begin = ForeignPlace { offset: 0, ..store.foreign_end().expect("readable") };
        let mut add = |_, record: ForeignRecord| {
            let key = match &record {
                ForeignRecord::Concept(concept) => concept.id.clone(),
                ForeignRecord::Association(association) => format!("{} {}", association.source, association.target),
            };
            found.insert(key, record);
        };
        store.foreign_since(begin, &mut add).expect("readable");
        found
    };
    let sources = [path("a"), path("b")];
    let report = merge(&sources, &path("merged"));
    assert_eq!((report.sources[0].foreign, report.sources[1].foreign), (2, 3));
    let found = held("merged");
    assert_eq!(found["x"], concept("x", 5, false));
    assert_eq!(found["y"], concept("y", 4, false));
    // The event of B has another id here, and what was said about it went with it.
    assert!(matches!(&found["event-job_done-0-1"], ForeignRecord::Concept(concept) if concept.of_event));
    assert!(found.contains_key("event-job_done-0-1 x") && found.len() == 4);
    let again = merge(&sources, &path("merged"));
    assert!(again.sources.iter().all(|source| source.foreign == 0));
    // In the other order the same holds.
    merge(&[path("b"), path("a")], &path("other"));
    assert_eq!((held("other")["x"].clone(), held("other")["y"].clone()), (found["x"].clone(), found["y"].clone()));
}

#[test]
fn an_output_that_no_merge_has_made_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("a"), &events(0..10));
    store_of(&path("mine"), &events(5..9));
    let attempt =
        |sources: &[PathBuf], output: &Path| forensics::merge(sources, output, &|_, _| {}).expect_err("refused");
    assert!(matches!(attempt(&[path("a")], &path("mine")), MergeError::NotMerged { .. }));
    assert!(matches!(attempt(&[path("a")], &path("a")), MergeError::Inside { .. }));
    assert!(matches!(attempt(&[path("none")], &path("merged")), MergeError::Store(_)));
    assert!(!path("merged").exists());
    crate::harness::backup(&path("a"), &path("copy"));
    assert!(matches!(attempt(&[path("a")], &path("copy")), MergeError::SameStore { .. }));
    assert_eq!(contents(&path("mine")).len(), 4);
}

#[test]
fn the_loss_of_a_whole_file_has_its_times_and_numbers() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("a"), &events(0..350));
    let mut segments = with_ending(&path("a"), "seg");
    segments.sort();
    std::fs::write(&segments[1], "something else").expect("writable");
    std::fs::write(path("a").join("kv.jsonl"), "nothing\n").expect("writable");
    let sources = [path("a")];
    let report = merge(&sources, &path("merged"));
    assert_eq!((report.events, report.losses), (250, 2));
    assert_eq!(report.sources[0].problems.len(), 2, "{report:?}");
    let losses = Store::open_read_only(path("merged")).expect("readable").losses().expect("readable");
    let loss = losses.iter().find(|loss| loss.events.is_some()).expect("of the segment");
    assert_eq!((loss.cause, loss.events), (LossCause::Damaged, Some(100)));
    assert_eq!((loss.first_us, loss.last_us), (Some(99_000_000), Some(200_000_000)), "the events around it");
    assert!(loss.detail.contains("numbers 101 to 200 there"), "{}", loss.detail);
    assert_eq!(merge(&sources, &path("merged")).losses, 0, "it is known");
}
