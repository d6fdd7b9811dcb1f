//! What holds for the embedded store alone: reopening, other readers, batches, hubs.

use std::path::Path;

use sutra_grid_events::graph::{
    Association, AssociationKind, Concept, ConceptError, ConceptMetadata, EmbeddedConcepts, HUB_NEIGHBORS_MAX, Learn,
    MetadataQuery, NeighborPage, derived_concept,
};
use sutra_grid_events::store::{Durability, Retention, StoreConfig};
use sutra_grid_events::{Filter, Store, StoreError};

use crate::model::{association, event_concept};

fn open(path: &Path) -> EmbeddedConcepts {
    EmbeddedConcepts::new(Store::open(path).expect("opens"))
}

fn content(concepts: &EmbeddedConcepts, id: &str) -> Option<String> {
    concepts.query_concept_blocking(id).expect("readable").map(|concept| concept.content)
}

fn neighbors(concepts: &EmbeddedConcepts, id: &str) -> Vec<String> {
    let page = NeighborPage { newest_first: false, ..NeighborPage::default() };
    concepts.get_neighbors_blocking(id, page).expect("readable").ids
}

fn similar(concepts: &EmbeddedConcepts, query: &[f32]) -> Vec<String> {
    let found = concepts.vector_search_blocking(query, 10).expect("searched");
    found.into_iter().map(|similar| similar.id).collect()
}

/// Some of everything that is no event, and one event.
fn some_of_everything(concepts: &EmbeddedConcepts) -> Concept {
    let beat = event_concept("beat", 7_000_000, r#""agent_id":"a""#);
    let metadata = Some(ConceptMetadata { tags: vec!["t".to_owned()], ..ConceptMetadata::default() });
    let note = Concept { embedding: vec![1.0, 2.0], metadata, ..Concept::new("note", "new") };
    for concept in [Concept::new("note", "old"), note, beat.clone()] {
        concepts.learn_concept_blocking(concept).expect("learned");
    }
    let link = Association { confidence: 0.5, ..association("note", "a", AssociationKind::Causal) };
    concepts.learn_association_blocking(link).expect("learned");
    beat
}

fn check_some_of_everything(concepts: &EmbeddedConcepts, beat: &Concept) {
    assert_eq!(content(concepts, "note").as_deref(), Some("new"));
    assert_eq!(content(concepts, &beat.id).as_deref(), Some(beat.content.as_str()));
    assert_eq!(neighbors(concepts, "note"), ["a"]);
    assert_eq!(neighbors(concepts, "a"), [beat.id.as_str(), "note"]);
    assert_eq!(similar(concepts, &[2.0, 4.0]), ["note"]);
    let query = MetadataQuery { tags: vec!["t".to_owned()], limit: 5, ..MetadataQuery::default() };
    assert_eq!(concepts.query_by_metadata_blocking(&query).expect("searched")[0].id, "note");
    assert_eq!(concepts.find_causal_chain_blocking("a", 5).expect("found")[0].confidence, 0.5);
    let path = concepts.find_path_blocking("note", "ts-7", 5).expect("searched").path;
    assert_eq!(path.expect("a path"), ["note", "a", &beat.id, "ts-7"]);
}

#[test]
fn everything_is_there_again_after_reopening_and_for_other_readers() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    let reader = EmbeddedConcepts::new(Store::open_read_only(directory.path()).expect("readable"));
    assert_eq!(content(&reader, "note"), None);
    let beat = some_of_everything(&concepts);
    reader.store().refresh().expect("readable");
    check_some_of_everything(&reader, &beat);
    concepts.learn_concept_blocking(Concept::new("later", "seen without being told")).expect("learned");
    assert_eq!(content(&reader, "later").as_deref(), Some("seen without being told"));
    let refused = reader.learn_concept_blocking(Concept::new("x", "")).expect_err("open for reading");
    assert!(matches!(refused, ConceptError::Store(error) if matches!(*error, StoreError::ReadOnly { .. })));

    // Another view of the same store sees it at once.
    check_some_of_everything(&EmbeddedConcepts::new(concepts.store().clone()), &beat);
    concepts.store().clone().close().expect("closed");
    check_some_of_everything(&open(directory.path()), &beat);
}

#[test]
fn the_last_of_a_batch_holds_even_if_it_says_what_was_there_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    let link = |confidence| Association { confidence, ..association("a", "b", AssociationKind::Causal) };
    let beat = event_concept("beat", 7_000_000, r#""agent_id":"agent-1""#);
    let batches: [Vec<Learn>; 2] = [
        vec![link(0.9).into(), beat.clone().into()],
        vec![
            link(0.5).into(),
            link(0.9).into(),
            Concept::new("agent-1", "custom").into(),
            derived_concept("agent-1").into(),
            Concept { confidence: 0.5, ..beat.clone() }.into(),
            beat.clone().into(),
        ],
    ];
    for batch in batches {
        assert!(concepts.learn_batch_blocking(batch).iter().all(Result::is_ok));
    }
    let check = |concepts: &EmbeddedConcepts| {
        assert_eq!(concepts.find_causal_chain_blocking("b", 5).expect("found")[0].confidence, 0.9);
        let found = |id: &str| concepts.query_concept_blocking(id).expect("readable").expect("known");
        assert_eq!(found("agent-1"), derived_concept("agent-1"));
        assert_eq!(found(&beat.id), beat);
    };
    check(&concepts);
    concepts.store().clone().close().expect("closed");
    check(&open(directory.path()));
}

#[test]
fn what_was_learned_survives_the_death_of_the_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = StoreConfig { durability: Durability::OsBuffered, ..StoreConfig::default() };
    let concepts = EmbeddedConcepts::new(Store::open_with(directory.path(), config).expect("opens"));
    let beat = some_of_everything(&concepts);
    assert_eq!(concepts.stats_blocking().expect("counted").pending, 4);
    // A copy of the files is what a killed process leaves behind; torn ends are what a killed write does.
    let copy = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(copy.path().join("tail")).expect("creatable");
    for name in ["FORMAT", "foreign.log", "tail/00000000000000000001.log"] {
        std::fs::copy(directory.path().join(name), copy.path().join(name)).expect("copied");
    }
    let log = copy.path().join("foreign.log");
    let whole = std::fs::read(&log).expect("readable");
    std::fs::write(&log, [&whole[..], &whole[40..70]].concat()).expect("writable");
    let reopened = open(copy.path());
    check_some_of_everything(&reopened, &beat);
    reopened.learn_concept_blocking(Concept::new("after", "the torn end")).expect("learned");
    reopened.flush_blocking().expect("durable");
    assert_eq!(reopened.stats_blocking().expect("counted").pending, 0);
    drop(reopened);
    let reopened = open(copy.path());
    check_some_of_everything(&reopened, &beat);
    assert_eq!(content(&reopened, "after").as_deref(), Some("the torn end"));
    assert!(reopened.health_check_blocking().healthy);
    drop(reopened);

    // A damaged record costs itself only, and is named.
    let mut bytes = std::fs::read(&log).expect("readable");
    bytes[60] ^= 0xff;
    std::fs::write(&log, bytes).expect("writable");
    let reopened = open(copy.path());
    check_some_of_everything(&reopened, &beat);
    assert!(reopened.health_check_blocking().status.contains("foreign.log"), "{:?}", reopened.health_check_blocking());
}

#[test]
fn what_was_learned_becomes_durable_as_events_do() {
    for durability in [Durability::Always, Durability::default()] {
        let directory = tempfile::tempdir().expect("a directory");
        let config = StoreConfig { durability, ..StoreConfig::default() };
        let concepts = EmbeddedConcepts::new(Store::open_with(directory.path(), config).expect("opens"));
        let pending = || concepts.stats_blocking().expect("counted").pending;
        some_of_everything(&concepts);
        if durability == Durability::Always {
            assert_eq!(pending(), 0);
        }
        // Nobody asks for it: this ends because the interval does.
        while pending() > 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn many_learn_and_ask_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let concepts = concepts.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    let note = format!("note-{thread}-{number}");
                    let beat = event_concept("beat", number * 1_000, &format!(r#""agent_id":"agent-{thread}""#));
                    let noted = Concept { embedding: vec![1.0, number as f32], ..Concept::new(&note, "x") };
                    let link = association(&note, &format!("agent-{thread}"), AssociationKind::Other(7));
                    let answers = concepts.learn_batch_blocking(vec![noted.into(), beat.into(), link.into()]);
                    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                    // What a caller learned, it reads at once.
                    let neighbors = neighbors(&concepts, &format!("agent-{thread}"));
                    assert_eq!(neighbors.len() as i64, 2 * (number + 1));
                    assert!(similar(&concepts, &[1.0, number as f32]).len() <= 10);
                    assert_eq!(content(&concepts, &note).as_deref(), Some("x"));
                }
            });
        }
    });
    let stats = concepts.stats_blocking().expect("counted");
    assert_eq!((stats.concepts, stats.vectors, stats.written), (400, 200, 600));
}

#[test]
fn a_log_that_is_mostly_outdated_is_written_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    let reader = EmbeddedConcepts::new(Store::open_read_only(directory.path()).expect("readable"));
    let beat = some_of_everything(&concepts);
    for number in 0..100 {
        let text = format!("{number} {}", "x".repeat(20_000));
        concepts.learn_concept_blocking(Concept::new("large", text)).expect("learned");
        concepts.learn_association_blocking(association("large", "note", AssociationKind::Other(7))).expect("learned");
    }
    assert!(content(&reader, "large").expect("there").starts_with("99 "));
    let bytes = || std::fs::metadata(directory.path().join("foreign.log")).expect("there").len();
    assert!(bytes() > 2_000_000);
    drop(concepts);
    let concepts = open(directory.path());
    assert!(content(&concepts, "large").expect("there").starts_with("99 "));
    assert!(bytes() < 30_000, "{} bytes", bytes());
    for concepts in [&concepts, &reader] {
        concepts.store().refresh().expect("readable");
        assert!(content(concepts, "large").expect("there").starts_with("99 "));
        assert_eq!(neighbors(concepts, "note"), ["a", "large"]);
        assert_eq!(content(concepts, &beat.id).as_deref(), Some(beat.content.as_str()));
    }
}

#[test]
fn a_batch_is_learned_as_one_and_answered_one_by_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    let beat = event_concept("beat", 5, r#""agent_id":"a""#);
    let batch: Vec<Learn> = vec![
        association("a", &beat.id, AssociationKind::Event(0)).into(),
        beat.clone().into(),
        association(&beat.id, "ts-0", AssociationKind::Temporal).into(),
        Concept::new("note", "1").into(),
        Concept { embedding: vec![0.0; 3000], ..Concept::new("wide", "") }.into(),
        Concept::new("note", "2").into(),
        association("note", &beat.id, AssociationKind::Other(7)).into(),
        Concept::new(&beat.id, "no JSON of an event").into(),
        beat.clone().into(),
    ];
    let answers = concepts.learn_batch_blocking(batch);
    let numbers: Vec<Option<u64>> = answers.iter().map(|answer| answer.as_ref().ok().copied()).collect();
    let expected = [Some(1), Some(2), Some(3), Some(4), None, Some(5), Some(6), None, Some(7)];
    assert_eq!(numbers, expected, "{answers:?}");
    assert!(answers[7].as_ref().expect_err("refused").to_string().contains("an event is not replaced"));
    let stats = concepts.stats_blocking().expect("counted");
    assert_eq!((stats.concepts, stats.associations, stats.written), (2, 3, 7));
    assert_eq!(content(&concepts, "note").as_deref(), Some("2"));
    assert_eq!(neighbors(&concepts, &beat.id), ["a", "ts-0", "note"]);
}

#[test]
fn events_that_their_writer_tells_apart_are_kept_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    // A store that is forwarded numbers events of one microsecond; they come in order, and some come twice.
    let event = |ordinal: u32, fields: &str| {
        let mut concept = event_concept("beat", 5, fields);
        if ordinal > 0 {
            concept.id = format!("{}-{ordinal}", concept.id);
        }
        concept
    };
    let all = [event(0, ""), event(1, ""), event(2, r#""agent_id":"a""#), event(3, "")];
    for _ in 0..2 {
        let batch = all.iter().cloned().map(Learn::from).collect();
        assert!(concepts.learn_batch_blocking(batch).iter().all(Result::is_ok));
        for concept in &all {
            concepts.learn_concept_blocking(concept.clone()).expect("learned");
        }
    }
    assert_eq!(concepts.store().count(&Filter::All).expect("counted"), 4);
    for concept in &all {
        assert_eq!(content(&concepts, &concept.id).as_ref(), Some(&concept.content));
    }
}

#[test]
fn what_was_said_about_an_event_goes_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let retention = Retention { bytes_max: Some(0), ..Retention::default() };
    let config = StoreConfig { segment_events: 10, retention, ..StoreConfig::default() };
    let concepts = EmbeddedConcepts::new(Store::open_with(directory.path(), config).expect("opens"));
    let beat = Concept { embedding: vec![1.0], confidence: 0.5, ..event_concept("beat", 5, r#""agent_id":"a""#) };
    concepts.learn_concept_blocking(beat.clone()).expect("learned");
    assert_eq!(concepts.query_concept_blocking(&beat.id).expect("readable"), Some(beat.clone()));
    assert_eq!(similar(&concepts, &[1.0]), [beat.id.as_str()]);
    assert_eq!(concepts.stats_blocking().expect("counted").concepts, 1);
    let found = concepts.query_by_terms_blocking(&["beat".to_owned()], 5).expect("searched");
    assert_eq!(found, std::slice::from_ref(&beat));
    // It is replaced as any concept is, but for the content.
    let plain = Concept { embedding: Vec::new(), confidence: 1.0, ..beat.clone() };
    concepts.learn_concept_blocking(plain.clone()).expect("learned");
    assert_eq!(concepts.query_concept_blocking(&beat.id).expect("readable"), Some(plain));
    concepts.learn_concept_blocking(beat.clone()).expect("learned");
    concepts.store().seal().expect("sealed");
    for second in 1..100 {
        if concepts.store().snapshot().first_sequence() != Some(1) {
            break;
        }
        let later = event_concept("beat", second * 1_000_000, "");
        concepts.learn_concept_blocking(later).expect("learned");
        concepts.store().seal().expect("sealed");
    }
    assert_eq!(concepts.query_concept_blocking(&beat.id).expect("readable"), None);
    assert_eq!(similar(&concepts, &[1.0]), [""; 0]);
}

#[test]
fn hubs_are_bounded_and_the_search_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let concepts = open(directory.path());
    let beats: Vec<Learn> = (0..6000)
        .map(|second| event_concept("beat", second * 1_000_000, r#""agent_id":"hub","host":"box""#).into())
        .collect();
    for some in beats.chunks(1000) {
        assert!(concepts.learn_batch_blocking(some.to_vec()).iter().all(Result::is_ok));
    }
    let page = concepts.get_neighbors_blocking("hub", NeighborPage::default()).expect("readable");
    assert_eq!((page.ids.len(), page.ids[0].as_str(), page.more), (1000, "event-beat-5999000000", true));
    // The second of an old event is behind more than a hub gives, but near from the other end.
    let found = concepts.find_path_blocking("hub", "ts-3", 6).expect("searched");
    assert_eq!(found.path.expect("a path"), ["hub", "event-beat-3000000", "ts-3"]);
    let found = concepts.find_path_blocking("ts-3", "ts-4", 6).expect("searched");
    assert_eq!(found.path.expect("a path").len(), 5);
    let found = concepts.find_path_blocking("hub", "nobody", 6).expect("searched");
    assert_eq!((found.path, found.gave_up), (None, false), "the other end has no neighbours");
    concepts.learn_association_blocking(association("x", "y", AssociationKind::Other(7))).expect("learned");
    for other in ["x", "y"] {
        concepts.learn_association_blocking(association(other, "z", AssociationKind::Other(7))).expect("learned");
    }
    let found = concepts.find_path_blocking("hub", "x", 20).expect("searched");
    assert_eq!((found.path, found.gave_up), (None, false), "everything around the other end was seen");
    const { assert!(HUB_NEIGHBORS_MAX < 6000) };
    // Another hub, with events that have nothing to do with the first.
    let beats: Vec<Learn> = (0..6000)
        .map(|second| event_concept("tick", second * 1_000_000 + 3_600_000_000 * 5, r#""agent_id":"pub""#).into())
        .collect();
    for some in beats.chunks(1000) {
        assert!(concepts.learn_batch_blocking(some.to_vec()).iter().all(Result::is_ok));
    }
    let found = concepts.find_path_blocking("hub", "pub", 20).expect("searched");
    assert_eq!((found.path, found.gave_up), (None, true));
}
