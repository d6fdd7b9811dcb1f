//! Sessions of existing clients, byte for byte, and what both dialects see of each other.

use serde_json::{Value, json};

use crate::harness::Local;
use crate::wire::{A, Client, Emitted, frame, hex};

fn server() -> Local {
    Local::start(<_>::default())
}

#[test]
fn the_three_requests_of_an_event_and_a_question_after_it() {
    let server = server();
    let mut client = Client::connect(server.address);
    // An emitter, in dialect A: a heartbeat of agent-001.
    let id = "event-agent_heartbeat-1795507200000000";
    let json = r#"{"event_type":"agent_heartbeat","agent_id":"agent-001","storage_node_count":3,"timestamp":"2026-11-24T08:00:00Z"}"#;
    let mut learn = hex("00000000 2600000000000000");
    learn.extend(id.bytes());
    learn.extend((json.len() as u64).to_le_bytes());
    learn.extend(json.bytes());
    learn.extend(hex("0000000000000000 0000803f 0000803f 00"));
    let answer = client.ask(&learn);
    assert_eq!((answer.len(), &answer[..4]), (12, &hex("00000000")[..]), "LearnConceptOk");

    let mut of_agent = hex("01000000 0900000000000000");
    of_agent.extend(b"agent-001");
    of_agent.extend(hex("2600000000000000"));
    of_agent.extend(id.bytes());
    of_agent.extend(hex("02000000 0000803f"));
    let answer = client.ask(&of_agent);
    assert_eq!((answer.len(), &answer[..4]), (12, &hex("01000000")[..]), "LearnAssociationOk");
    let answer = client.ask(&A::learn_association(id, "ts-1795507200", 999));
    assert_eq!((answer.len(), &answer[..4]), (12, &hex("01000000")[..]), "LearnAssociationOk");

    // Its agent, and the second in which it happened.
    let mut expected = hex("03000000 0100000000000000 2600000000000000");
    expected.extend(id.bytes());
    assert_eq!(client.ask(&[&hex("03000000 0900000000000000")[..], b"agent-001"].concat()), expected);
    assert_eq!(client.ask(&A::get_neighbors("ts-1795507200")), expected);
    assert_eq!(client.ask(&A::get_neighbors("agent-002")), hex("03000000 0000000000000000"));

    let found = A::message(2).byte(1).text(id).text(json).f32(1.0).f32(1.0).0;
    let answer = client.ask(&A::query_concept(id));
    assert_eq!(answer[..found.len()], found[..], "QueryConceptOk as it was learned");
    assert_eq!(client.ask(&hex("08000000")), hex("08000000"), "FlushOk");
    let health = client.ask(&hex("09000000"));
    assert_eq!(health[..5], hex("0900000001"), "HealthCheckOk, healthy");
    let stats = client.ask(&hex("07000000"));
    assert_eq!((stats.len(), &stats[..4]), (60, &hex("07000000")[..]), "StatsOk with seven numbers");
}

#[test]
fn golden_bytes_of_the_protocol_are_understood() {
    let server = server();
    let mut client = Client::connect(server.address);
    let learn = hex("0000000001000000000000006101000000000000006201000000000000000000803f0000803f0000003f00");
    assert_eq!(client.ask(&learn)[..4], hex("00000000"));
    client.ask(&A::learn_concept("b", "the other"));
    assert_eq!(client.ask(&hex("01000000010000000000000061010000000000000062e70300000000803f"))[..4], hex("01000000"));
    assert_eq!(client.ask(&hex("03000000010000000000000062")), hex("030000000100000000000000010000000000000061"));
    let answer = client.ask(&hex("02000000010000000000000061"));
    assert_eq!(answer, A::message(2).byte(1).text("a").text("b").f32(1.0).f32(0.5).byte(0).0);
    // The vector [1.0] of `a`: VectorSearch{[1.0], k 1, ef 10, None}.
    let answer = client.ask(&A::message(5).u64(1).f32(1.0).u32(1).u32(10).byte(0).0);
    assert_eq!(answer, A::message(5).u64(1).text("a").f32(1.0).0);
    // FindPath{a, b, 3}.
    assert_eq!(
        client.ask(&A::message(4).text("a").text("b").u32(3).0),
        A::message(4).byte(1).u64(2).text("a").text("b").0
    );
}

#[test]
fn a_session_of_the_python_client() {
    let server = server();
    let mut client = Client::connect(server.address);
    let event = Emitted::crash("node-abc", 0);
    let [learn, of_node, of_second] = event.requests_b();
    let sequence = |answer: Value, name: &str| {
        let fields = answer[name].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        assert_eq!(fields.len(), 1, "{answer}");
        fields[0].as_u64().expect("a number")
    };
    let first = sequence(client.ask_b(&learn), "LearnConceptOk");
    assert!(sequence(client.ask_b(&of_node), "LearnAssociationOk") >= first);
    sequence(client.ask_b(&of_second), "LearnAssociationOk");
    let neighbors = |client: &mut Client, id: &str| client.ask_b(&json!({"GetNeighbors": {"concept_id": id}}));
    // Of all entities of the event, not of the one that was sent alone.
    for id in ["node-abc", "agent-001", &event.second] {
        assert_eq!(neighbors(&mut client, id), json!({"GetNeighborsOk": {"neighbor_ids": [event.id]}}), "{id}");
    }
    let path = json!({"FindPath": {"start_id": "node-abc", "end_id": "agent-001", "max_depth": 3}});
    let expected = json!({"FindPathOk": {"found": true, "path": ["node-abc", event.id, "agent-001"]}});
    assert_eq!(client.ask_b(&path), expected);
    let filter = json!({
        "semantic_type": null, "domain_context": null, "temporal_after": null, "temporal_before": null,
        "has_causal_relation": false, "min_confidence": 0.0, "required_terms": ["node-abc"]});
    let found = client.ask_b(&json!({"QueryBySemantic": {"filter": filter, "limit": 5}}));
    let found = &found["QueryBySemanticOk"]["concepts"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert!(found.to_string().contains(&event.id), "{found}");
    let stats = client.ask_b(&json!("GetStats"));
    assert!(stats["StatsOk"].as_array().is_some_and(|numbers| numbers.len() >= 7), "{stats}");
    let flushed = client.ask_b(&json!("Flush"));
    assert!(flushed.to_string().contains("FlushOk"), "{flushed}");
    let health = client.ask_b(&json!({"HealthCheck": null}));
    assert!(health["HealthCheckOk"].is_array() || health["HealthCheckOk"].is_object(), "{health}");
}

#[test]
fn contents_without_an_id_get_one() {
    let server = server();
    let mut client = Client::connect(server.address);
    let options = json!({
        "generate_embedding": false, "embedding_model": null, "extract_associations": false,
        "min_association_confidence": 0.5, "max_associations_per_concept": 10, "strength": 1.0, "confidence": 0.5});
    let learn = json!({"LearnBatch": {"contents": ["one", "two", "one"], "options": options}});
    let ids = client.ask_b(&learn)["LearnBatchOk"]["concept_ids"].clone();
    let ids: Vec<String> = serde_json::from_value(ids).expect("texts");
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], ids[2], "the same content, the same id");
    assert_ne!(ids[0], ids[1]);
    let answer = client.ask_b(&json!({"LearnConceptV2": {"content": "two", "options": options}}));
    assert!(answer.to_string().contains(&ids[1]), "{answer}");
    let found = client.ask_b(&json!({"QueryConcept": {"concept_id": ids[0]}}));
    assert!(found.to_string().contains("\"one\""), "{found}");
    let event = Emitted::crash("node-abc", 0);
    let answer = client.ask_b(&json!({"LearnConceptV2": {"content": event.json, "options": options}}));
    assert!(answer.to_string().contains(&event.id), "an event has its own id: {answer}");
}

#[test]
fn two_events_of_a_moment_are_learned_under_two_ids() {
    let server = server();
    let mut client = Client::connect(server.address);
    let events = ["node-a", "node-b", "node-c"].map(|node| Emitted::crash(node, 0));
    let mut ids = Vec::new();
    for event in &events[..2] {
        let answer = client.ask_b(&json!({"LearnConceptV2": {"content": event.json, "options": null}}));
        ids.push(answer["LearnConceptV2Ok"]["concept_id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids, [events[0].id.clone(), format!("{}-1", events[0].id)]);
    // In a batch, one that is new, one that is known under another id, and something else.
    let contents = json!([events[2].json, events[1].json, "a note"]);
    let answer = client.ask_b(&json!({"LearnBatch": {"contents": contents, "options": null}}));
    let of_batch: Vec<String> = serde_json::from_value(answer["LearnBatchOk"]["concept_ids"].clone()).expect("texts");
    assert_eq!(of_batch[..2], [format!("{}-2", events[0].id), ids[1].clone()]);
    assert_eq!(of_batch[2].len(), 32, "what is no event is named by its bytes");
    ids.push(of_batch[0].clone());
    for (id, event) in ids.iter().zip(&events) {
        let found = client.ask_b(&json!({"QueryConcept": {"concept_id": id}}));
        assert_eq!(found["QueryConceptOk"]["content"], json!(event.json), "{id}");
    }
}

#[test]
fn both_dialects_write_and_read_the_same_store() {
    let server = server();
    let (mut a, mut b) = (Client::connect(server.address), Client::connect(server.address));
    let (of_a, of_b) = (Emitted::crash("node-a", 1), Emitted::crash("node-b", 2));
    // A sends all at once, B waits each time.
    a.send(&of_a.requests().iter().flat_map(|request| frame(request)).collect::<Vec<u8>>());
    for kind in [0, 1, 1] {
        assert_eq!(a.receive().expect("an answer")[0], kind);
    }
    for request in of_b.requests_b() {
        b.ask_b(&request);
    }
    assert_eq!(a.ask(&A::get_neighbors("node-b")), A::neighbors(&[&of_b.id]));
    let of_agent = b.ask_b(&json!({"GetNeighbors": {"concept_id": "agent-001"}}));
    assert_eq!(of_agent, json!({"GetNeighborsOk": {"neighbor_ids": [of_a.id, of_b.id]}}), "in the order of time");
    let of_agent = A::neighbors(&[&of_a.id, &of_b.id]);
    assert_eq!(a.ask(&A::get_neighbors("agent-001")), of_agent);
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let server = server();
    let mut client = Client::connect(server.address);
    let events: Vec<Emitted> = (0..500).map(|number| Emitted::crash(&format!("node-{number}"), number)).collect();
    let mut stream = Vec::new();
    for event in &events {
        stream.extend(event.requests().iter().flat_map(|request| frame(request)));
        // A question between lessons sees all before it.
        stream.extend(frame(&A::get_neighbors(&event.node)));
    }
    let mut writer = Client { socket: client.socket.try_clone().expect("a socket") };
    let sender = std::thread::spawn(move || writer.send(&stream));
    let mut last = 0;
    for event in &events {
        for kind in [0u8, 1, 1] {
            let answer = client.receive().expect("an answer");
            assert_eq!(answer[..4], [kind, 0, 0, 0]);
            let sequence = u64::from_le_bytes(answer[4..].try_into().expect("8 bytes"));
            assert!(sequence >= last, "{sequence} after {last}");
            last = sequence;
        }
        assert_eq!(client.receive().expect("an answer"), A::neighbors(&[&event.id]));
    }
    sender.join().expect("all was sent");
}

#[test]
fn two_events_of_one_name_are_both_kept() {
    let server = server();
    let mut client = Client::connect(server.address);
    let (one, other) = (Emitted::crash("node-1", 7), Emitted::crash("node-2", 7));
    assert_eq!(one.id, other.id);
    for event in [&one, &other] {
        for request in event.requests() {
            client.ask(&request);
        }
    }
    let agent = client.ask(&A::get_neighbors("agent-001"));
    assert_eq!(agent[..12], A::message(3).u64(2).0, "two neighbours");
    let second = client.ask(&A::get_neighbors("node-2"));
    assert_eq!(second[..12], A::message(3).u64(1).0);
    let id = String::from_utf8(second[20..].to_vec()).expect("text");
    let found = client.ask(&A::query_concept(&id));
    assert_eq!(found[..4], hex("02000000"));
    assert!(String::from_utf8_lossy(&found).contains("node-2"), "{id}");
}

#[test]
fn what_looks_like_an_event_and_is_none_is_told_once() {
    let server = server();
    let mut client = Client::connect(server.address);
    let event = Emitted::crash("node-abc", 0);
    client.ask(&A::learn_concept(&event.id, &event.json));
    client.ask(&A::learn_concept("event-note", "no JSON"));
    client.ask(&A::learn_concept("note", &event.json));
    assert_eq!(server.lines(), Vec::<String>::new());
    for id in ["event-node_crashed-17", "event-node_crashed-18"] {
        assert_eq!(client.ask(&A::learn_concept(id, &event.json))[0], 0, "it is learned all the same");
    }
    let lines = server.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("event-node_crashed-17 is kept as a plain concept"), "{lines:?}");
    assert!(lines[0].ends_with(&format!("its id would be {}", event.id)), "{lines:?}");
}
