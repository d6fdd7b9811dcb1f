//! The client of a remote store, against the same server.

use std::time::Duration;

use sutra_grid_events::graph::{
    Association, AssociationKind, Concept, ConceptError, ConceptStore, MetadataQuery, NeighborPage,
};
use sutra_grid_events::remote::client::hashed_id;
use sutra_grid_events::remote::{ClientOptions, RemoteConcepts};
use tokio::task::JoinSet;

use crate::quick;
use crate::stand_in::{Faults, StandIn};

async fn connect(server: &StandIn, options: ClientOptions) -> RemoteConcepts {
    RemoteConcepts::connect(server.endpoint().parse().unwrap(), options).await.unwrap()
}

fn association(source: &str, target: &str) -> Association {
    Association { source: source.into(), target: target.into(), kind: AssociationKind::Causal, confidence: 1.0 }
}

#[tokio::test]
async fn what_is_learned_is_found_under_its_name() {
    let server = StandIn::start().await;
    let client = connect(&server, quick()).await;
    for id in ["a", "b", "00112233445566778899aabbccddeeff"] {
        client.learn_concept(Concept::new(id, format!("of {id}"))).await.unwrap();
    }
    client.learn_association(association("a", "b")).await.unwrap();
    client.learn_association(association("a", "00112233445566778899aabbccddeeff")).await.unwrap();
    let found = client.query_concept("a").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.content.as_str()), ("a", "of a"));
    assert_eq!(client.query_concept("c").await.unwrap(), None);
    let neighbors = |page| client.get_neighbors("a", page);
    assert_eq!(neighbors(NeighborPage::default()).await.unwrap().ids, ["00112233445566778899aabbccddeeff", "b"]);
    let page = NeighborPage { limit: 1, newest_first: false, offset: 0 };
    let first = neighbors(page).await.unwrap();
    assert_eq!((first.ids, first.more), (vec!["b".to_owned()], true));
    let last = neighbors(NeighborPage { offset: 1, ..page }).await.unwrap();
    assert_eq!((last.ids.len(), last.more), (1, false));
    assert_eq!(client.stats().await.unwrap().concepts, 3);
    assert!(client.health_check().await.unwrap().healthy);
    client.flush().await.unwrap();
    assert_eq!(server.durable().learned, ["a", "b", "00112233445566778899aabbccddeeff"]);

    // Another client has not seen the names.
    let other = connect(&server, quick()).await;
    assert_eq!(other.get_neighbors("b", NeighborPage::default()).await.unwrap().ids, [hashed_id("a")]);
}

#[tokio::test]
async fn requests_do_not_wait_for_each_other() {
    const REQUESTS: usize = 200;
    let server = StandIn::start().await;
    // It answers nothing until it has read them all.
    server.set_faults(Faults { gather: REQUESTS, ..Faults::default() });
    let client = connect(&server, quick()).await;
    let mut asked = JoinSet::new();
    for number in 0..REQUESTS {
        let client = client.clone();
        asked.spawn(async move {
            let id = format!("c-{number}");
            client.learn_concept(Concept::new(&id, "")).await.unwrap();
        });
    }
    asked.join_all().await;
    server.set_faults(Faults::default());
    for number in 0..REQUESTS {
        assert!(client.query_concept(&format!("c-{number}")).await.unwrap().is_some());
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn after_a_break_the_next_operation_connects_again() {
    let mut server = StandIn::start().await;
    let client = connect(&server, quick()).await;
    client.learn_concept(Concept::new("a", "")).await.unwrap();
    client.flush().await.unwrap();
    client.learn_concept(Concept::new("b", "")).await.unwrap();
    server.kill().await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.query_concept("a").await }
    });
    server.restart().await;
    // It may have been under way when the connection broke; then it fails, and the next does not.
    if let Err(error) = waiting.await.unwrap() {
        assert!(matches!(error, ConceptError::Unreachable { .. }), "{error}");
    }
    assert!(client.query_concept("a").await.unwrap().is_some());
    let error = client.flush().await.unwrap_err().to_string();
    assert!(error.contains("1 writes"), "{error}");
    client.flush().await.unwrap();
}

#[tokio::test]
async fn flushes_of_clones_at_once_count_what_they_cover_once() {
    let mut server = StandIn::start().await;
    let client = connect(&server, quick()).await;
    let clone = client.clone();
    for id in ["a", "b", "c"] {
        client.learn_concept(Concept::new(id, "")).await.unwrap();
    }
    // Neither is answered before both are sent, so that both cover all three.
    server.set_faults(Faults { gather: 2, ..Faults::default() });
    let (first, second) = tokio::join!(client.flush(), clone.flush());
    first.unwrap();
    second.unwrap();
    server.set_faults(Faults::default());
    clone.learn_concept(Concept::new("d", "")).await.unwrap();
    server.kill().await;
    server.restart().await;
    while client.query_concept("a").await.is_err() {}
    let error = client.flush().await.unwrap_err().to_string();
    assert!(error.contains(" 1 writes"), "{error}");
    clone.flush().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_after_a_while() {
    let mut server = StandIn::start().await;
    server.kill().await;
    let options = ClientOptions { connect_timeout: Duration::from_millis(100), ..quick() };
    let error = RemoteConcepts::connect(server.endpoint().parse().unwrap(), options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
    let client = RemoteConcepts::new(server.endpoint().parse().unwrap(), options);
    assert!(matches!(client.flush().await, Err(ConceptError::Unreachable { .. })));
    server.restart().await;
    client.flush().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = StandIn::start().await;
    server.set_faults(Faults { silent: true, ..Faults::default() });
    let client = connect(&server, ClientOptions { answer_timeout: Duration::from_millis(50), ..quick() }).await;
    let error = client.health_check().await.unwrap_err().to_string();
    assert!(error.contains("no answer in 50ms"), "{error}");
    server.set_faults(Faults { delay: Some(Duration::from_millis(1)), ..Faults::default() });
    client.health_check().await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn tokens_are_shown_and_may_be_refused() {
    let server = StandIn::start().await;
    server.set_faults(Faults { token: Some("secret".into()), ..Faults::default() });
    connect(&server, quick().with_token("secret")).await.flush().await.unwrap();
    for token in ["wrong!".to_owned(), "x".repeat(5000)] {
        let endpoint = server.endpoint().parse().unwrap();
        let error = RemoteConcepts::connect(endpoint, quick().with_token(token)).await.unwrap_err().to_string();
        assert!(error.contains("token"), "{error}");
    }
}

#[tokio::test]
async fn what_the_existing_server_lacks_is_said_and_harms_nothing_else() {
    let server = StandIn::start().await;
    let client = connect(&server, quick()).await;
    let error = client.query_by_metadata(&MetadataQuery { limit: 1, ..MetadataQuery::default() }).await.unwrap_err();
    assert!(matches!(error, ConceptError::Unsupported(_)), "{error}");
    client.health_check().await.unwrap();
    assert_eq!(server.connections(), 2, "the first connection lives");
}

#[tokio::test]
async fn limits_are_held_before_anything_is_sent() {
    let server = StandIn::start().await;
    let client = connect(&server, quick()).await;
    let invalid = |error: ConceptError| match error {
        ConceptError::Invalid(text) => text,
        other => panic!("{other}"),
    };
    let concept = Concept { embedding: vec![0.0; 2049], ..Concept::new("a", "") };
    let text = invalid(client.learn_concept(concept).await.unwrap_err());
    assert_eq!(text, "Embedding dimension too large: 2049 (max: 2048)");
    assert_eq!(invalid(client.vector_search(&[1.0], 1001).await.unwrap_err()), "k too large: 1001 (max: 1000)");
    let text = invalid(client.find_path("a", "b", 21).await.unwrap_err());
    assert_eq!(text, "Path depth too large: 21 (max: 20)");
    assert!(server.durable().learned.is_empty());
}
