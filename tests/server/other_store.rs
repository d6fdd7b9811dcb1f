//! A server in front of another store than the embedded one: its errors and its panics are told to clients.

use serde_json::json;
use sutra_grid_events::graph::{
    Association, Chain, Concept, ConceptError, ConceptResult, ConceptStats, ConceptStore, ConceptSummary, Health,
    MetadataQuery, NeighborPage, Neighbors, PathFound, Similar,
};

use crate::harness::Local;
use crate::wire::{A, Client, frame, hex};

/// Learns only what is good, and panics where it should answer.
struct Moody;

fn unsupported<T>() -> ConceptResult<T> {
    Err(ConceptError::Unsupported("not in this mood".to_owned()))
}

impl ConceptStore for Moody {
    async fn learn_concept(&self, concept: Concept) -> ConceptResult<u64> {
        match concept.content.as_str() {
            "good" => Ok(1),
            "terrible" => panic!("on purpose"),
            _ => unsupported(),
        }
    }

    async fn learn_association(&self, _: Association) -> ConceptResult<u64> {
        Ok(2)
    }

    async fn query_concept(&self, _: &str) -> ConceptResult<Option<Concept>> {
        panic!("on purpose")
    }

    async fn get_neighbors(&self, _: &str, page: NeighborPage) -> ConceptResult<Neighbors> {
        // More than fits into a frame of dialect A: 20 MB, the newest first.
        let ids = (0..page.limit.min(20_000)).map(|number| format!("{number:01000}")).collect();
        Ok(Neighbors { ids, more: true })
    }

    async fn find_path(&self, _: &str, _: &str, _: u32) -> ConceptResult<PathFound> {
        Ok(PathFound { path: None, gave_up: true })
    }

    async fn vector_search(&self, _: &[f32], _: usize) -> ConceptResult<Vec<Similar>> {
        unsupported()
    }

    async fn query_by_metadata(&self, _: &MetadataQuery) -> ConceptResult<Vec<ConceptSummary>> {
        unsupported()
    }

    async fn query_by_terms(&self, _: &[String], _: usize) -> ConceptResult<Vec<Concept>> {
        unsupported()
    }

    async fn find_temporal_chain(&self, _: i64, _: i64) -> ConceptResult<Vec<Chain>> {
        unsupported()
    }

    async fn find_causal_chain(&self, _: &str, _: u32) -> ConceptResult<Vec<Chain>> {
        unsupported()
    }

    async fn stats(&self) -> ConceptResult<ConceptStats> {
        unsupported()
    }

    async fn flush(&self) -> ConceptResult<()> {
        Ok(())
    }

    async fn health_check(&self) -> ConceptResult<Health> {
        Ok(Health { healthy: false, status: "moody".to_owned(), uptime_seconds: 0 })
    }
}

#[test]
fn errors_of_the_store_are_answers() {
    let server = Local::of(<_>::default(), |_| Moody);
    let mut client = Client::connect(server.address);
    // Each of a group has its own answer, in its place.
    let group = ["good", "bad", "good"].map(|content| frame(&A::learn_concept("id", content)));
    client.send(&group.concat());
    assert_eq!(client.receive(), Some(A::message(0).u64(1).0));
    assert_eq!(A::error_text(&client.receive().expect("an answer")), "not in this mood");
    assert_eq!(client.receive(), Some(A::message(0).u64(1).0));
    let text = A::error_text(&client.ask(&A::message(4).text("a").text("b").u32(3).0));
    assert!(text.contains("given up"), "a search that was given up is not one that found nothing: {text}");
    assert_eq!(A::error_text(&client.ask(&hex("07000000"))), "not in this mood");
    let mut client = Client::connect(server.address);
    let options = json!({
        "generate_embedding": false, "embedding_model": null, "extract_associations": false,
        "min_association_confidence": 0.5, "max_associations_per_concept": 10, "strength": 1.0, "confidence": 1.0});
    let batch = |contents: &[&str]| json!({"LearnBatch": {"contents": contents, "options": options}});
    let answer = client.ask_b(&batch(&["good", "good"]));
    assert_eq!(answer["LearnBatchOk"]["concept_ids"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(client.ask_b(&batch(&["good", "bad"])), json!({"Error": {"message": "not in this mood"}}));
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[test]
fn neighbours_are_the_newest_that_fit_the_oldest_of_them_first() {
    let server = Local::of(<_>::default(), |_| Moody);
    let mut client = Client::connect(server.address);
    let answer = client.ask(&A::get_neighbors("hub"));
    assert!(answer.len() <= 16 << 20);
    assert!(answer.len() > 15 << 20, "most of the frame is used");
    assert!(answer.ends_with(format!("{:01000}", 0).as_bytes()), "the newest, which was given first, is the last");
}

#[test]
fn a_panic_of_the_store_ends_its_connection_alone() {
    let server = Local::of(<_>::default(), |_| Moody);
    let mut other = Client::connect(server.address);
    other.ask(&A::learn_concept("id", "good"));
    let mut client = Client::connect(server.address);
    let text = A::error_text(&client.ask(&A::query_concept("a")));
    assert!(text.contains("defect"), "{text}");
    assert_eq!(client.receive(), None);
    // A single lesson is learned on the task of its connection, many on a thread of their own.
    for count in [1, 100] {
        let mut client = Client::connect(server.address);
        client.send(&frame(&A::learn_concept("id", "terrible")).repeat(count));
        assert!(client.receive().is_none_or(|answer| A::error_text(&answer).contains("defect")));
        assert_eq!(client.receive_if_any(), None);
    }
    other.ask(&A::learn_concept("id", "good"));
    server.wait_for_line("the store panicked");
}
