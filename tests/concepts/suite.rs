//! What holds for every store of concepts: the embedded one, and a remote one behind a socket.

use std::collections::BTreeSet;

use sutra_grid_events::ConceptId;
use sutra_grid_events::graph::{
    Association, AssociationKind, Concept, ConceptError, ConceptMetadata, ConceptStore, ConceptType, Learn,
    MetadataQuery, NeighborPage, derived_concept,
};

use crate::Opened;
use crate::model::{Scenario, association, event_concept};

const CRASH_US: i64 = 1_795_507_200_250_000;
const ALL: NeighborPage = NeighborPage { limit: usize::MAX, newest_first: false, offset: 0 };

/// Every check that needs no metadata, each on a store of its own.
pub(crate) async fn every_check<S: ConceptStore>(open: impl AsyncFn() -> Opened<S>) {
    events_are_concepts(&open().await.store).await;
    what_follows_from_events_is_there_once(&open().await.store).await;
    two_events_of_one_id_are_kept(&open().await.store).await;
    neighbors_come_in_order_and_in_pages(&open().await.store).await;
    foreign_concepts_are_replaced_and_keep_their_associations(&open().await.store).await;
    paths_go_through_anything(&open().await.store).await;
    the_most_similar_come_first(&open().await.store).await;
    terms_are_found_whatever_their_case(&open().await.store).await;
    chains_go_from_early_to_late(&open().await.store).await;
    limits_are_said_in_the_words_of_the_protocol(&open().await.store).await;
}

async fn learn<S: ConceptStore>(store: &S, learn: impl Into<Learn>) -> u64 {
    let learned = match learn.into() {
        Learn::Concept(concept) => store.learn_concept(concept).await,
        Learn::Association(association) => store.learn_association(association).await,
    };
    learned.expect("learned")
}

async fn neighbors<S: ConceptStore>(store: &S, id: &str) -> Vec<String> {
    let neighbors = store.get_neighbors(id, ALL).await.expect("readable");
    assert!(!neighbors.more);
    neighbors.ids
}

async fn path<S: ConceptStore>(store: &S, start: &str, end: &str, depth: u32) -> Option<Vec<String>> {
    store.find_path(start, end, depth).await.expect("readable").path
}

fn crash(node: u32) -> Concept {
    let fields = format!(r#""node_id":"node-{node}","agent_id":"agent-1","exit_code":137"#);
    event_concept("node_crashed", CRASH_US, &fields)
}

async fn events_are_concepts<S: ConceptStore>(store: &S) {
    let crash = crash(1);
    learn(store, crash.clone()).await;
    let found = store.query_concept(&crash.id).await.expect("readable").expect("there");
    assert_eq!(found, crash);
    for id in ["node-1", "agent-1", "ts-1795507200"] {
        assert_eq!(store.query_concept(id).await.expect("readable"), Some(derived_concept(id)));
    }
    for id in ["node-2", "ts-1795507201", "ts-01795507200", "event-node_crashed-1", "", "137"] {
        assert_eq!(store.query_concept(id).await.expect("readable"), None, "{id}");
    }
    assert_eq!(neighbors(store, &crash.id).await, ["node-1", "agent-1", "ts-1795507200"]);
    for id in ["node-1", "agent-1", "ts-1795507200"] {
        assert_eq!(neighbors(store, id).await, [crash.id.as_str()]);
    }
    store.flush().await.expect("durable");
    let stats = store.stats().await.expect("counted");
    assert_eq!((stats.pending, stats.dropped), (0, 0));
    assert!(stats.concepts >= 1 && stats.written >= 1);
    assert!(store.health_check().await.expect("answered").healthy);
}

async fn what_follows_from_events_is_there_once<S: ConceptStore>(store: &S) {
    let crash = crash(1);
    learn(store, crash.clone()).await;
    let before = store.stats().await.expect("counted");
    learn(store, crash.clone()).await;
    learn(store, association("node-1", &crash.id, AssociationKind::of_event_type("node_crashed"))).await;
    learn(store, association("agent-1", &crash.id, AssociationKind::of_event_type("node_crashed"))).await;
    learn(store, association(&crash.id, "ts-1795507200", AssociationKind::Temporal)).await;
    for id in ["node-1", "agent-1", "ts-1795507200"] {
        learn(store, derived_concept(id)).await;
    }
    let after = store.stats().await.expect("counted");
    assert_eq!((before.concepts, before.associations), (after.concepts, after.associations));
    assert_eq!(neighbors(store, &crash.id).await, ["node-1", "agent-1", "ts-1795507200"]);
    assert_eq!(neighbors(store, "agent-1").await, [crash.id]);
}

async fn two_events_of_one_id_are_kept<S: ConceptStore>(store: &S) {
    let (first, second) = (crash(1), crash(2));
    for crash in [&first, &second, &first, &second] {
        learn(store, crash.clone()).await;
        // Its writer knows the second one under the id of the first.
        let node = if crash == &first { "node-1" } else { "node-2" };
        learn(store, association(node, &crash.id, AssociationKind::of_event_type("node_crashed"))).await;
    }
    let second_id = format!("{}-1", first.id);
    let content = async |id: &str| store.query_concept(id).await.expect("readable").map(|found| found.content);
    assert_eq!(content(&first.id).await, Some(first.content));
    assert_eq!(content(&second_id).await, Some(second.content));
    assert_eq!(content(&format!("{}-2", first.id)).await, None);
    assert_eq!(neighbors(store, "node-2").await, [second_id.as_str()]);
    assert_eq!(neighbors(store, "agent-1").await, [first.id, second_id]);
}

async fn neighbors_come_in_order_and_in_pages<S: ConceptStore>(store: &S) {
    let mut ids = Vec::new();
    for number in 0..25 {
        // Learned neither in the order of time nor against it.
        let second = (number * 7) % 25;
        let beat = event_concept("beat", second * 1_000_000, r#""agent_id":"hub""#);
        ids.push((second, beat.id.clone()));
        learn(store, beat).await;
    }
    ids.sort();
    let oldest_first: Vec<String> = ids.into_iter().map(|(_, id)| id).collect();
    assert_eq!(neighbors(store, "hub").await, oldest_first);
    for newest_first in [false, true] {
        let mut paged = Vec::new();
        loop {
            let page = NeighborPage { limit: 10, newest_first, offset: paged.len() };
            let page = store.get_neighbors("hub", page).await.expect("readable");
            assert_eq!(page.more, page.ids.len() == 10 && paged.len() + 10 < 25);
            paged.extend(page.ids);
            if !page.more {
                break;
            }
        }
        if newest_first {
            paged.reverse();
        }
        assert_eq!(paged, oldest_first);
    }
}

async fn foreign_concepts_are_replaced_and_keep_their_associations<S: ConceptStore>(store: &S) {
    let crash = crash(1);
    learn(store, crash.clone()).await;
    learn(store, Concept::new("runbook-7", "Restart the node.")).await;
    learn(store, association("runbook-7", &crash.id, AssociationKind::Other(7))).await;
    learn(store, association("agent-1", "runbook-7", AssociationKind::Causal)).await;
    let sure = Concept { strength: 0.5, confidence: 0.25, ..Concept::new("runbook-7", "Look at its log.") };
    let first = learn(store, sure.clone()).await;
    let second = learn(store, sure.clone()).await;
    assert!(second > first, "writes are counted: {first}, then {second}");
    assert_eq!(store.query_concept("runbook-7").await.expect("readable"), Some(sure));
    let around: BTreeSet<String> = neighbors(store, "runbook-7").await.into_iter().collect();
    assert_eq!(around, BTreeSet::from([crash.id.clone(), "agent-1".to_owned()]));
    assert!(neighbors(store, &crash.id).await.contains(&"runbook-7".to_owned()));
    assert_eq!(neighbors(store, "agent-1").await, [crash.id, "runbook-7".to_owned()]);
}

async fn paths_go_through_anything<S: ConceptStore>(store: &S) {
    let (crash, beat) = (crash(1), event_concept("beat", CRASH_US + 5_000_000, r#""agent_id":"agent-1""#));
    learn(store, crash.clone()).await;
    learn(store, beat.clone()).await;
    learn(store, association("note", "node-1", AssociationKind::Other(7))).await;
    let way = ["note", "node-1", &crash.id, "agent-1", &beat.id, "ts-1795507205"];
    assert_eq!(path(store, "note", "ts-1795507205", 5).await.expect("a path"), way);
    assert_eq!(path(store, "note", "ts-1795507205", 4).await, None);
    let back: Vec<&str> = way.into_iter().rev().collect();
    assert_eq!(path(store, "ts-1795507205", "note", 20).await.expect("a path"), back);
    assert_eq!(path(store, "note", "nobody", 20).await, None);
    assert_eq!(path(store, "note", "note", 0).await.expect("itself"), ["note"]);
}

async fn the_most_similar_come_first<S: ConceptStore>(store: &S) {
    let vectors: Vec<Vec<f32>> = vec![
        vec![1.0, 0.0, 0.0],
        vec![3.0, 3.0, 0.0],
        vec![0.0, -2.0, 0.0],
        vec![-1.0, 0.0, 0.5],
        vec![0.0, 0.0, 0.0],
        vec![1.0, 0.0],
    ];
    for (number, embedding) in vectors.iter().enumerate() {
        learn(store, Concept { embedding: embedding.clone(), ..Concept::new(format!("v{number}"), "vector") }).await;
    }
    let query = [2.0, 1.0, 0.0];
    let cosine = |vector: &[f32]| {
        let product: f32 = vector.iter().zip(query).map(|(a, b)| a * b).sum();
        let length = |vector: &[f32]| vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        product / length(vector) / length(&query)
    };
    let found = store.vector_search(&query, 10).await.expect("searched");
    let order: Vec<&str> = found.iter().map(|similar| similar.id.as_str()).collect();
    assert_eq!(order, ["v1", "v0", "v2", "v3"], "without one of no direction and one of other dimensions");
    for similar in &found {
        let number: usize = similar.id[1..].parse().expect("a number");
        assert!((similar.similarity - cosine(&vectors[number])).abs() < 1e-6, "{similar:?}");
    }
    assert_eq!(store.vector_search(&query, 1).await.expect("searched").len(), 1);
    // What is learned after the first search is found, what is replaced is not.
    learn(store, Concept { embedding: query.to_vec(), ..Concept::new("v9", "vector") }).await;
    learn(store, Concept::new("v1", "no vector any more")).await;
    let found = store.vector_search(&query, 2).await.expect("searched");
    assert_eq!(found.iter().map(|similar| similar.id.as_str()).collect::<Vec<_>>(), ["v9", "v0"]);
}

async fn terms_are_found_whatever_their_case<S: ConceptStore>(store: &S) {
    for second in 0..5 {
        let fields = format!(r#""node_id":"Node-{second}""#);
        learn(store, event_concept("stop_requested_by", second * 1_000_000, &fields)).await;
    }
    learn(store, Concept::new("note", "node-3 was stopped BY hand")).await;
    let ids = async |terms: &[&str], limit| {
        let terms: Vec<String> = terms.iter().map(|&term| term.to_owned()).collect();
        let found = store.query_by_terms(&terms, limit).await.expect("searched");
        found.into_iter().map(|concept| concept.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["nODE-3", "by"], 10).await, ["note", "event-stop_requested_by-3000000"]);
    assert_eq!(
        ids(&["stop_requested", "node"], 2).await,
        ["event-stop_requested_by-4000000", "event-stop_requested_by-3000000"]
    );
    assert_eq!(ids(&["node-3", "node-4"], 10).await, Vec::<String>::new());
}

async fn chains_go_from_early_to_late<S: ConceptStore>(store: &S) {
    let mut ids: Vec<String> = Vec::new();
    for second in 0..4 {
        let cause = ids.last().map(|cause| format!(r#""caused_by":"{cause}""#)).unwrap_or_default();
        let step = event_concept("step", second * 1_000_000, &cause);
        ids.push(step.id.clone());
        learn(store, step).await;
    }
    let chains = store.find_temporal_chain(1, 2).await.expect("found");
    assert_eq!(chains.iter().map(|chain| chain.ids.clone()).collect::<Vec<_>>(), [ids[1..3].to_vec()]);
    assert_eq!(store.find_temporal_chain(5, 9).await.expect("none"), []);
    let chains = store.find_causal_chain(&ids[3], 20).await.expect("found");
    assert_eq!((chains.len(), &chains[0].ids, chains[0].confidence), (1, &ids, 1.0));
    let chains = store.find_causal_chain(&ids[3], 2).await.expect("found");
    assert_eq!(chains[0].ids, ids[1..]);
    learn(store, Association { confidence: 0.5, ..association("operator", &ids[0], AssociationKind::Causal) }).await;
    let chains = store.find_causal_chain(&ids[1], 20).await.expect("found");
    assert_eq!((chains[0].ids[0].as_str(), chains[0].confidence), ("operator", 0.5));
    assert_eq!(store.find_causal_chain("operator", 20).await.expect("none"), []);
}

async fn limits_are_said_in_the_words_of_the_protocol<S: ConceptStore>(store: &S) {
    let says = |error: ConceptError, words: &str| assert!(error.to_string().contains(words), "{error}");
    let wide = vec![1.0; 2049];
    let embedding = Concept { embedding: wide.clone(), ..Concept::new("wide", "") };
    says(
        store.learn_concept(embedding).await.expect_err("too large"),
        "Embedding dimension too large: 2049 (max: 2048)",
    );
    says(store.vector_search(&wide, 1).await.expect_err("too large"), "dimension too large: 2049 (max: 2048)");
    says(store.vector_search(&[1.0], 1001).await.expect_err("too many"), "k too large: 1001 (max: 1000)");
    says(store.find_path("a", "b", 21).await.expect_err("too deep"), "Path depth too large: 21 (max: 20)");
    let long = Concept::new("long", "x".repeat((10 << 20) + 1));
    says(store.learn_concept(long).await.expect_err("too long"), "Content too large: 10485761 bytes (max: 10485760)");
    assert_eq!(store.query_concept("wide").await.expect("readable"), None);
}

/// What only a store with metadata can do.
pub(crate) async fn metadata_is_found<S: ConceptStore>(store: &S) {
    let metadata = |tag: &str| ConceptMetadata {
        concept_type: ConceptType::Message,
        organization_id: Some("grid".to_owned()),
        tags: vec![tag.to_owned(), "all".to_owned()],
        attributes: [("room".to_owned(), "7".to_owned())].into(),
        ..ConceptMetadata::default()
    };
    let of = |id: &str, content: &str, metadata| Concept { metadata: Some(metadata), ..Concept::new(id, content) };
    learn(store, of("first", "1", metadata("a"))).await;
    learn(store, of("second", &"ä".repeat(300), metadata("b"))).await;
    learn(store, of("gone", "3", ConceptMetadata { deleted: true, ..metadata("a") })).await;
    learn(store, Concept { metadata: Some(metadata("c")), ..crash(1) }).await;
    let ids = async |query: MetadataQuery| {
        let found = store.query_by_metadata(&query).await.expect("searched");
        found.into_iter().map(|concept| concept.id).collect::<Vec<_>>()
    };
    let query = MetadataQuery { limit: 10, ..MetadataQuery::default() };
    assert_eq!(ids(query.clone()).await, [crash(1).id.as_str(), "second", "first"]);
    assert_eq!(ids(MetadataQuery { tags: vec!["all".into(), "a".into()], ..query.clone() }).await, ["first"]);
    assert_eq!(ids(MetadataQuery { concept_type: Some(ConceptType::User), ..query.clone() }).await, [""; 0]);
    assert_eq!(ids(MetadataQuery { organization_id: Some("other".into()), ..query.clone() }).await, [""; 0]);
    let attributes = vec![("room".to_owned(), "7".to_owned())];
    let found = store.query_by_metadata(&MetadataQuery { attributes, limit: 2, ..query }).await.expect("searched");
    assert_eq!(found[0].content_preview, crash(1).content);
    assert_eq!((found.len(), found[1].content_preview.as_str()), (2, "ä".repeat(200).as_str()));
    let whole = store.query_concept(&crash(1).id).await.expect("readable").expect("there");
    assert_eq!(whole, Concept { metadata: Some(metadata("c")), ..crash(1) });
}

/// The times of those ids that are of events.
fn event_times(ids: &[String]) -> Vec<i64> {
    ids.iter().filter_map(|id| id.parse::<ConceptId>().ok()).map(|id| id.timestamp_us()).collect()
}

/// Learns a scenario and compares neighbours and paths with those of its model.
pub(crate) async fn agrees_with_the_model<S: ConceptStore>(store: &S, scenario: &Scenario) {
    for learned in &scenario.learned {
        learn(store, learned.clone()).await;
    }
    let model = &scenario.model;
    let ids: Vec<&str> = model.ids().collect();
    for &id in &ids {
        let found = neighbors(store, id).await;
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(distinct.len(), found.len(), "duplicates around {id}: {found:?}");
        assert_eq!(distinct, model.neighbors(id), "around {id}");
        let times = event_times(&found);
        assert!(times.is_sorted(), "not in order around {id}: {found:?}");
        let mut paged = Vec::new();
        for offset in (0..=found.len()).step_by(2) {
            let page = NeighborPage { limit: 2, newest_first: true, offset };
            paged.extend(store.get_neighbors(id, page).await.expect("readable").ids);
        }
        assert_eq!(paged.len(), found.len(), "pages around {id}: {paged:?}");
        assert!(event_times(&paged).iter().rev().is_sorted(), "not in order around {id}: {paged:?}");
        assert_eq!(paged.into_iter().collect::<BTreeSet<_>>(), distinct, "pages around {id}");
    }
    for (index, &start) in ids.iter().enumerate() {
        for &end in ids.iter().skip(index % 3).step_by(3) {
            let expected = model.distance(start, end).filter(|distance| *distance <= 6);
            let found = path(store, start, end, 6).await;
            assert_eq!(found.as_ref().map(|path| path.len() - 1), expected, "{start} to {end}: {found:?}");
            for step in found.iter().flat_map(|path| path.windows(2)) {
                assert!(model.is_linked(&step[0], &step[1]), "{step:?}");
            }
        }
    }
}
