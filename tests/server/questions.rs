//! Every kind of question, over the socket.

use serde_json::{Value, json};

use crate::harness::Local;
use crate::wire::{A, Client, Emitted, hex};

/// The start of the events of these tests, in seconds since 1970.
const START: i64 = 1_795_507_200;
const SECOND_US: i64 = 1_000_000;

/// A server with a crash of a node of its own every second, and a client of it.
fn with_crashes(count: i64) -> (Local, Client, Vec<Emitted>) {
    let server = Local::start(<_>::default());
    let mut client = Client::connect(server.address);
    let events: Vec<Emitted> =
        (0..count).map(|number| Emitted::crash(&format!("node-{number}"), number * SECOND_US)).collect();
    for event in &events {
        for request in event.requests_b() {
            client.ask_b(&request);
        }
    }
    (server, client, events)
}

fn filter(changes: Value) -> Value {
    let mut filter = json!({
        "semantic_type": null, "domain_context": null, "temporal_after": null, "temporal_before": null,
        "has_causal_relation": false, "min_confidence": 0.0, "required_terms": []});
    for (name, value) in changes.as_object().expect("an object") {
        filter[name] = value.clone();
    }
    filter
}

/// The concepts of the only path of an answer, or nothing if there is none.
fn only_path(answer: &Value, name: &str) -> Option<Vec<String>> {
    // A path is a map or an array, as is what holds it.
    let paths = answer[name].get("paths").unwrap_or_else(|| &answer[name][0]).as_array().expect("paths");
    assert!(paths.len() < 2, "{answer}");
    let path = paths.first()?;
    let concepts = path.get("concepts").unwrap_or_else(|| &path[0]);
    Some(serde_json::from_value(concepts.clone()).expect("texts"))
}

#[test]
fn chains_in_time_and_of_causes() {
    let (_server, mut client, events) = with_crashes(4);
    let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    let request = json!({"FindTemporalChain": {"domain": null, "start_time": START + 1, "end_time": START + 2}});
    assert_eq!(only_path(&client.ask_b(&request), "FindTemporalChainOk").as_deref(), Some(&ids[1..3]));
    let request = json!({"FindTemporalChain": {"domain": null, "start_time": 0, "end_time": 1}});
    assert_eq!(only_path(&client.ask_b(&request), "FindTemporalChainOk"), None);

    // A restart that says what it was caused by.
    let restart = format!("event-node_restarted-{}", (START + 9) * SECOND_US);
    let content = format!(
        r#"{{"event_type":"node_restarted","node_id":"node-0","agent_id":"agent-001","restart_count":1,"new_pid":7,"caused_by":"{}","timestamp":"2026-11-24T08:00:09.000000Z"}}"#,
        ids[0]
    );
    let learn = json!({"LearnConcept": {
        "concept_id": restart, "content": content, "embedding": [], "strength": 1.0, "confidence": 1.0}});
    client.ask_b(&learn);
    let request = json!({"FindCausalChain": {"start_id": restart, "causal_type": "direct", "max_depth": 5}});
    let chain = only_path(&client.ask_b(&request), "FindCausalChainOk");
    assert_eq!(chain, Some(vec![ids[0].clone(), restart]), "from the cause on");
    let none = json!({"FindContradictions": {"domain": "grid"}});
    assert!(client.ask_b(&none).to_string().contains("[]"));
}

#[test]
fn paths_whose_concepts_pass_a_filter() {
    let (_server, mut client, events) = with_crashes(2);
    let mut path = |changes: Value, max_paths: u32| {
        let request = json!({"FindPathSemantic": {
            "start_id": events[0].id, "end_id": events[1].id, "filter": filter(changes),
            "max_depth": 2, "max_paths": max_paths}});
        only_path(&client.ask_b(&request), "FindPathSemanticOk")
    };
    let through_agent = vec![events[0].id.clone(), "agent-001".to_owned(), events[1].id.clone()];
    assert_eq!(path(json!({}), 3), Some(through_agent.clone()));
    assert_eq!(path(json!({}), 0), None);
    assert_eq!(path(json!({"required_terms": ["AGENT-001"]}), 3), Some(through_agent));
    assert_eq!(path(json!({"required_terms": ["node-0"]}), 3), None);
    assert_eq!(path(json!({"semantic_type": "node_crashed"}), 3), None, "the agent is no crash");
}

#[test]
fn concepts_by_words_types_and_times() {
    let (_server, mut client, events) = with_crashes(5);
    let note = json!({"LearnConcept": {
        "concept_id": "note", "content": "agent-001 is moved", "embedding": [], "strength": 1.0, "confidence": 0.25}});
    client.ask_b(&note);
    let mut found = |changes: Value, limit: Value| -> Vec<String> {
        let answer = client.ask_b(&json!({"QueryBySemantic": {"filter": filter(changes), "limit": limit}}));
        let concepts = answer["QueryBySemanticOk"]["concepts"].as_array().cloned().unwrap_or_default();
        let id = |concept: &Value| concept.get("concept_id").unwrap_or_else(|| &concept[0]).as_str().map(str::to_owned);
        concepts.iter().map(|concept| id(concept).expect("an id")).collect()
    };
    let mut newest: Vec<String> = events.iter().rev().map(|event| event.id.clone()).collect();
    let of_agent = |changes: Value| {
        let mut changes = changes;
        changes["required_terms"] = json!(["Agent-001"]);
        changes
    };
    assert_eq!(found(json!({"required_terms": ["node-3"]}), Value::Null), [events[3].id.as_str()]);
    assert_eq!(found(of_agent(json!({"semantic_type": "node_crashed"})), json!(2)), newest[..2]);
    assert_eq!(found(of_agent(json!({"semantic_type": "concept"})), Value::Null), ["note"]);
    assert_eq!(found(of_agent(json!({"domain_context": "grid"})), Value::Null), newest);
    assert_eq!(found(of_agent(json!({"min_confidence": 0.5})), Value::Null), newest);
    let times = json!({"temporal_after": START + 1, "temporal_before": START + 3});
    assert_eq!(found(of_agent(times), Value::Null), newest[2..4]);
    assert_eq!(found(of_agent(json!({})), json!(0)), Vec::<String>::new());
    newest.push("note".to_owned());
    let mut all = found(of_agent(json!({})), Value::Null);
    all.sort();
    newest.sort();
    assert_eq!(all, newest);
}

/// ConceptMetadata of dialect A: a message of an organization, with a tag and an attribute.
fn metadata(message: A, organization: &str) -> A {
    let message = message.u32(5).byte(1).text(organization).byte(0).u64(1).text("urgent");
    message.u64(1).text("colour").text("red").byte(0).u32(3)
}

#[test]
fn concepts_by_metadata_and_vectors_in_dialect_a() {
    let server = Local::start(<_>::default());
    let mut client = Client::connect(server.address);
    for (id, organization, x) in [("one", "acme", 1.0), ("two", "acme", 0.5), ("three", "other", 0.9)] {
        let learn = A::message(0).text(id).text("a message").u64(2).f32(x).f32(1.0 - x).f32(1.0).f32(1.0).byte(1);
        assert_eq!(client.ask(&metadata(learn, organization).0)[..4], hex("00000000"));
    }
    // The metadata comes back as it was learned.
    let found = A::message(2).byte(1).text("one").text("a message").f32(1.0).f32(1.0).byte(1);
    assert_eq!(client.ask(&A::query_concept("one")), metadata(found, "acme").0);

    // By organization, type, tag and attribute; one at most.
    let query = |organization: &str, tag: &str, limit: u32| {
        let query = A::message(6).byte(1).u32(5).byte(1).text(organization).u64(1).text(tag);
        query.u64(1).text("colour").text("red").u32(limit).0
    };
    let answer = client.ask(&query("acme", "urgent", 10));
    assert_eq!(answer[..12], A::message(6).u64(2).0, "two of acme");
    let first = A::message(6).u64(1).text("two").text("a message");
    let answer = client.ask(&query("acme", "urgent", 1));
    assert_eq!(answer[..first.0.len()], first.0, "the newest");
    assert_eq!(client.ask(&query("acme", "calm", 10)), A::message(6).u64(0).0);
    assert_eq!(client.ask(&query("nobody", "urgent", 10)), A::message(6).u64(0).0);

    // The nearest to [1, 0], of all and of one organization.
    let search = |k: u32| A::message(5).u64(2).f32(1.0).f32(0.0).u32(k).u32(10);
    let ids = |answer: &[u8], expected: &[&str]| {
        assert_eq!(answer[..12], A::message(5).u64(expected.len() as u64).0);
        let text = String::from_utf8_lossy(answer).into_owned();
        let places: Vec<usize> = expected.iter().map(|id| text.find(id).expect("it is found")).collect();
        assert!(places.is_sorted(), "{text:?}");
    };
    ids(&client.ask(&search(3).byte(0).0), &["one", "three", "two"]);
    ids(&client.ask(&search(3).byte(1).text("acme").0), &["one", "two"]);
    ids(&client.ask(&search(1).byte(1).text("other").0), &["three"]);
}

#[test]
fn what_is_old_is_found_behind_much_that_is_new() {
    let (server, mut client, events) = with_crashes(3);
    // Events and notes that are newer, more than are looked at in the end.
    let requests = (0..1100).flat_map(|number| {
        let mut newer = Emitted::crash(&format!("later-{number}"), (100 + number) * SECOND_US);
        newer.json = newer.json.replace("node_crashed", "node_stopped");
        newer.id = newer.id.replace("node_crashed", "node_stopped");
        [(newer.id, newer.json), (format!("note-{number}"), "a note of an agent-001".to_owned())]
    });
    let learned: Vec<Vec<u8>> =
        requests.map(|(id, content)| crate::wire::frame(&A::learn_concept(&id, &content))).collect();
    let mut a = Client::connect(server.address);
    let count = learned.len();
    a.send(&learned.concat());
    for _ in 0..count {
        assert_eq!(a.receive().expect("an answer")[0], 0);
    }
    let mut ids = |changes: Value| -> Vec<String> {
        let answer = client.ask_b(&json!({"QueryBySemantic": {"filter": filter(changes), "limit": 2}}));
        let concepts = answer["QueryBySemanticOk"]["concepts"].as_array().expect("concepts").clone();
        concepts.iter().map(|concept| concept["concept_id"].as_str().expect("an id").to_owned()).collect()
    };
    let newest: Vec<String> = events[1..].iter().rev().map(|event| event.id.clone()).collect();
    assert_eq!(ids(json!({"temporal_before": START + 50})), newest);
    assert_eq!(ids(json!({"temporal_before": START + 50, "required_terms": ["AGENT-001"]})), newest);
    assert_eq!(ids(json!({"semantic_type": "node_crashed", "required_terms": ["agent-001"]})), newest);
    assert_eq!(ids(json!({"semantic_type": "node_crashed", "temporal_before": START + 1})), [events[0].id.as_str()]);
    assert_eq!(ids(json!({"semantic_type": "concept"})), ["note-1099", "note-1098"]);
    assert_eq!(ids(json!({"semantic_type": "concept", "temporal_before": START + 50})), Vec::<String>::new());
    assert_eq!(ids(json!({"domain_context": "", "required_terms": ["note"]})).len(), 2);
    assert_eq!(ids(json!({"domain_context": "grid", "temporal_before": START + 1})), [events[0].id.as_str()]);
    assert_eq!(ids(json!({"domain_context": "elsewhere"})), Vec::<String>::new());
}
