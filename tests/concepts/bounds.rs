//! What one answer may take, whatever was learned.

use sutra_grid_events::Store;
use sutra_grid_events::graph::{
    AssociationKind, Concept, ConceptMetadata, EmbeddedConcepts, FOUND_BYTES_MAX, ID_BYTES_MAX, Learn, MetadataQuery,
    NEIGHBOR_BYTES_MAX, NeighborPage, RESULTS_MAX,
};

use crate::model::{association, event_concept};

const MIB: usize = 1 << 20;

/// A store in which all this was learned.
fn with(directory: &tempfile::TempDir, batch: Vec<Learn>) -> EmbeddedConcepts {
    let concepts = EmbeddedConcepts::new(Store::open(directory.path()).expect("opens"));
    assert!(concepts.learn_batch_blocking(batch).iter().all(Result::is_ok));
    concepts
}

#[test]
fn a_search_by_terms_ends_when_what_it_found_is_large() {
    let directory = tempfile::tempdir().expect("a directory");
    let note = |number: usize| Concept::new(format!("note-{number:02}"), "x".repeat(MIB)).into();
    let concepts = with(&directory, (0..12).map(note).collect());
    let found = concepts.query_by_terms_blocking(&["xx".to_owned()], RESULTS_MAX).expect("searched");
    let ids: Vec<&str> = found.iter().map(|concept| concept.id.as_str()).collect();
    let newest: Vec<String> = (4..12).rev().map(|number| format!("note-{number:02}")).collect();
    assert_eq!(ids, newest, "{FOUND_BYTES_MAX} bytes of the newest");
}

#[test]
fn what_was_said_about_events_counts_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let beat = |number: i64| {
        let tags = (0..512).map(|tag| format!("{tag:01024}")).collect();
        let metadata = Some(ConceptMetadata { tags, ..ConceptMetadata::default() });
        Concept { metadata, ..event_concept("beat", number, r#""agent_id":"a""#) }.into()
    };
    let concepts = with(&directory, (0..20).map(beat).collect());
    let found = concepts.query_by_terms_blocking(&["beat".to_owned()], RESULTS_MAX).expect("searched");
    assert_eq!(found.len(), 16, "each has half a MiB");
    assert!(found.iter().all(|concept| concept.metadata.is_some()));
}

#[test]
fn a_search_by_metadata_ends_when_what_it_found_is_large() {
    let directory = tempfile::tempdir().expect("a directory");
    let note = |number: usize| {
        let tags = (0..512).map(|tag| format!("{tag:01024}")).collect();
        let metadata = Some(ConceptMetadata { tags, ..ConceptMetadata::default() });
        Concept { metadata, ..Concept::new(format!("note-{number:02}"), "") }.into()
    };
    let concepts = with(&directory, (0..20).map(note).collect());
    let query = MetadataQuery { limit: RESULTS_MAX, ..MetadataQuery::default() };
    let found = concepts.query_by_metadata_blocking(&query).expect("searched");
    assert_eq!(found.len(), 16, "each has half a MiB");
    assert_eq!(found[0].id, "note-19");
}

#[test]
fn a_page_of_neighbours_ends_when_it_is_large_and_the_next_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let name = |number: usize| format!("{number:0width$}", width = ID_BYTES_MAX);
    let count = NEIGHBOR_BYTES_MAX / ID_BYTES_MAX + 100;
    let links = (0..count).map(|number| association("hub", &name(number), AssociationKind::Other(7)).into());
    let concepts = with(&directory, links.collect());
    for newest_first in [false, true] {
        let mut ids = Vec::new();
        let mut pages = Vec::new();
        loop {
            let page = NeighborPage { limit: usize::MAX, newest_first, offset: ids.len() };
            let neighbors = concepts.get_neighbors_blocking("hub", page).expect("readable");
            pages.push(neighbors.ids.len());
            ids.extend(neighbors.ids);
            if !neighbors.more {
                break;
            }
        }
        assert_eq!(pages, [count - 100, 100]);
        let mut expected: Vec<String> = (0..count).map(name).collect();
        if newest_first {
            expected.reverse();
        }
        assert!(ids == expected, "each once, in order");
    }
    let long = Concept::new("x".repeat(ID_BYTES_MAX + 1), "");
    let refusal = concepts.learn_concept_blocking(long).expect_err("too long").to_string();
    assert_eq!(refusal, "Concept id too long: 4097 bytes (max: 4096)");
}
