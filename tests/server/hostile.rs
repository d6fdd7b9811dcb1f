//! Clients that send nonsense, too much, too slowly, or are too many.

use std::io::Write;
use std::time::Duration;

use serde_json::json;
use sutra_grid_events::remote::server::ServerConfig;

use crate::harness::{Local, Process};
use crate::wire::{A, Client, Emitted, frame, hex};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Whether a server answers a client that does nothing wrong.
#[track_caller]
fn works(server: &Local) {
    let event = Emitted::crash("node-abc", 0);
    let mut client = Client::connect(server.address);
    for request in event.requests() {
        client.ask(&request);
    }
    let found = client.ask(&A::query_concept(&event.id));
    assert_eq!(found[..5], hex("0200000001"));
}

#[test]
fn what_is_no_request_is_answered_and_told_of() {
    let server = Local::start(<_>::default());
    let whole = A::learn_concept("a", "b");
    let mut with_tail = whole.clone();
    with_tail.push(0);
    let cases: [&[u8]; 7] = [
        &hex("00"),
        &whole[..whole.len() - 1],
        &with_tail,
        &hex("00000000 ffffffffffffffff"),
        // A vector that says it has 2^60 numbers.
        &[&hex("05000000")[..], &(1u64 << 60).to_le_bytes()].concat(),
        &hex("02000000 0100000000000000 ff"),
        &hex("09000000 00"),
    ];
    for (number, payload) in cases.iter().enumerate() {
        let mut client = Client::connect(server.address);
        // What was right before counts.
        client.send(&frame(&A::learn_concept(&format!("note-{number}"), "kept")));
        client.send(&frame(payload));
        client.send(&frame(&A::query_concept("a")));
        assert_eq!(client.receive().expect("an answer")[..4], hex("00000000"));
        let text = A::error_text(&client.receive().expect("an answer"));
        assert!(text.starts_with("Invalid request: "), "{text}");
        assert_eq!(client.receive(), None, "it is closed");
        let mut client = Client::connect(server.address);
        assert_eq!(client.ask(&A::query_concept(&format!("note-{number}")))[4], 1);
    }
    assert_eq!(server.lines().len(), cases.len(), "{:?}", server.lines());
    assert!(server.lines().iter().all(|line| line.starts_with("127.0.0.1:")), "{:?}", server.lines());
    works(&server);
}

#[test]
fn nonsense_in_dialect_b_is_answered_in_it() {
    let server = Local::start(<_>::default());
    for payload in
        [&hex("81"), &hex("81a3466f6fc0"), &hex("a5466c757360"), &hex("81 ab4c6561726e436f6e63657074 dfffffffff")]
    {
        let mut client = Client::connect(server.address);
        let answer = client.ask(payload);
        let answer: serde_json::Value = rmp_serde::from_slice(&answer).expect("MessagePack");
        let text = answer["Error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        assert!(text.starts_with("Invalid request: "), "{text}");
        assert_eq!(client.receive(), None, "it is closed");
    }
    works(&server);
}

#[test]
fn another_protocol_is_turned_away() {
    let server = Local::start(<_>::default());
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &frame(b""), &frame(b"hello"), &[0xff; 64]] {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.receive().expect("an answer");
        assert!(!answer.is_empty());
        assert_eq!(client.receive(), None, "it is closed");
    }
    assert_eq!(server.lines().len(), 4, "{:?}", server.lines());
    works(&server);
}

#[test]
fn frames_beyond_the_limit_are_refused_before_they_are_sent() {
    let server = Local::start(<_>::default());
    let mut client = Client::connect(server.address);
    client.send(&[&((16u32 << 20) + 1).to_be_bytes()[..], &hex("00000000")].concat());
    let text = A::error_text(&client.receive().expect("an answer"));
    assert_eq!(text, "Invalid request: Frame too large: 16777217 bytes (max: 16777216)");
    assert_eq!(client.receive(), None);

    let mut client = Client::connect(server.address);
    client.send(&[&((100u32 << 20) + 1).to_be_bytes()[..], &hex("81")].concat());
    let answer: serde_json::Value = rmp_serde::from_slice(&client.receive().expect("an answer")).expect("MessagePack");
    let text = "Invalid request: Frame too large: 104857601 bytes (max: 104857600)";
    assert_eq!(answer, json!({"Error": {"message": text}}));
    assert_eq!(client.receive(), None);
    works(&server);
}

#[test]
fn limits_are_told_in_the_known_words_and_the_connection_stays() {
    let server = Local::start(<_>::default());
    let mut a = Client::connect(server.address);
    let large = "x".repeat((10 << 20) + 1);
    let mut vector = A::message(0).text("v").text("").u64(2049);
    for _ in 0..2049 {
        vector = vector.f32(0.5);
    }
    let query = |dimensions: u64, k: u32| {
        let vector = (0..dimensions).fold(A::message(5).u64(dimensions), |message, _| message.f32(0.5));
        vector.u32(k).u32(10).byte(0).0
    };
    let tags = (0..1001).fold(A::message(6).byte(0).byte(0).u64(1001), |message, _| message.text("t"));
    for (request, text) in [
        (A::learn_concept("c", &large), "Content too large: 10485761 bytes (max: 10485760)"),
        (vector.f32(1.0).f32(1.0).byte(0).0, "Embedding dimension too large: 2049 (max: 2048)"),
        (query(2049, 1), "Query dimension too large: 2049 (max: 2048)"),
        (query(1, 1001), "k too large: 1001 (max: 1000)"),
        (A::message(4).text("a").text("b").u32(21).0, "Path depth too large: 21 (max: 20)"),
        (tags.u64(0).u32(1).0, "Too many tags: 1001 (max: 1000)"),
    ] {
        assert_eq!(A::error_text(&a.ask(&request)), text);
    }
    let mut b = Client::connect(server.address);
    let options = json!({
        "generate_embedding": false, "embedding_model": null, "extract_associations": false,
        "min_association_confidence": 0.5, "max_associations_per_concept": 10, "strength": 1.0, "confidence": 1.0});
    let batch = json!({"LearnBatch": {"contents": vec!["x"; 1001], "options": options}});
    let learn = json!({"LearnConcept": {
        "concept_id": "c", "content": large, "embedding": [], "strength": 1.0, "confidence": 1.0}});
    let many_terms = json!({"QueryBySemantic": {"filter": {"required_terms": vec!["x"; 65]}, "limit": 1}});
    for (request, text) in [
        (many_terms, "Too many terms: 65 (max: 64)"),
        (batch, "Batch too large: 1001 (max: 1000)"),
        (learn, "Content too large: 10485761 bytes (max: 10485760)"),
        (json!({"VectorSearch": {"query_vector": [1.0], "k": 1001, "ef_search": 1}}), "k too large: 1001 (max: 1000)"),
        (
            json!({"FindCausalChain": {"start_id": "a", "causal_type": "", "max_depth": 21}}),
            "Path depth too large: 21 (max: 20)",
        ),
    ] {
        assert_eq!(b.ask_b(&request), json!({"Error": {"message": text}}));
    }
    // A refusal among lessons stands in its place.
    let requests = [A::learn_concept("1", "x"), A::learn_concept("2", &large), A::learn_concept("3", "x")];
    a.send(&requests.iter().flat_map(|request| frame(request)).collect::<Vec<u8>>());
    let kinds: Vec<u8> = (0..3).map(|_| a.receive().expect("an answer")[0]).collect();
    assert_eq!(kinds, [0, 10, 0]);
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[test]
fn a_frame_that_does_not_go_on_is_given_up() {
    let server = Local::start(ServerConfig { frame_timeout: 100 * MILLISECOND, ..<_>::default() });
    for start in [&hex("00")[..], &hex("00001000 00000000"), &hex("06400000 81")] {
        let mut client = Client::connect(server.address);
        client.send(start);
        assert_eq!(client.receive(), None, "it is closed");
    }
    server.wait_for_line("too slow");
    let mut client = Client::connect(server.address);
    client.ask(&A::query_concept("a"));
    client.send(&hex("00001000 02000000"));
    assert_eq!(client.receive(), None, "it is closed");
    // A connection may be silent between frames for longer.
    let mut client = Client::connect(server.address);
    client.ask(&A::query_concept("a"));
    std::thread::sleep(200 * MILLISECOND);
    client.ask(&A::query_concept("a"));
}

#[test]
fn a_client_that_does_not_read_its_answers_is_given_up() {
    let server = Local::start(ServerConfig { frame_timeout: 100 * MILLISECOND, ..<_>::default() });
    let mut client = Client::connect(server.address);
    client.ask(&A::learn_concept("large", &"x".repeat(60_000)));
    let question = frame(&A::query_concept("large"));
    // Far more than sockets hold. It fails once the server has closed.
    for _ in 0..2_000 {
        if client.socket.write_all(&question).is_err() {
            break;
        }
    }
    server.wait_for_line("too slow");
    works(&server);
}

#[test]
fn silent_connections_are_closed_after_a_while() {
    let server = Local::start(ServerConfig { idle_timeout: 50 * MILLISECOND, ..<_>::default() });
    let mut never = Client::connect(server.address);
    assert_eq!(never.receive(), None);
    let mut once = Client::connect(server.address);
    once.ask(&A::query_concept("a"));
    assert_eq!(once.receive(), None);
    assert_eq!(server.lines(), Vec::<String>::new(), "nobody did anything wrong");
}

#[test]
fn there_are_only_so_many_connections() {
    let server = Local::start(ServerConfig { connections_max: 2, ..<_>::default() });
    let mut clients: Vec<Client> = (0..2).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.ask(&A::query_concept("a"));
    }
    assert_eq!(Client::connect(server.address).receive(), None, "there is no room");
    server.wait_for_line("connections refused: there are 2 already");
    clients.pop();
    // The place is free as soon as the server has seen the close.
    let mut answered = false;
    for _ in 0..1_000 {
        let mut client = Client::connect(server.address);
        // A refused connection may break while the request is written.
        let sent = client.socket.write_all(&frame(&A::query_concept("a")));
        answered = sent.is_ok() && client.receive().is_some();
        if answered {
            break;
        }
        std::thread::sleep(5 * MILLISECOND);
    }
    assert!(answered);
    clients[0].ask(&A::query_concept("a"));
}

#[test]
fn requests_that_find_no_memory_are_refused() {
    let limits = ServerConfig { memory_bytes_max: 1 << 20, memory_timeout: 20 * MILLISECOND, ..<_>::default() };
    let server = Local::start(limits);
    let mut client = Client::connect(server.address);
    client.send(&frame(&A::learn_concept("large", &"x".repeat(4 << 20)))[..3 << 20]);
    let text = A::error_text(&client.receive().expect("an answer"));
    assert!(text.contains("no memory"), "{text}");
    assert_eq!(client.receive(), None);
    works(&server);
    let mut client = Client::connect(server.address);
    assert_eq!(client.ask(&A::learn_concept("small", &"x".repeat(100_000)))[..4], hex("00000000"));
    // An answer of 200 kB is one of those that need memory, and finds it.
    assert_eq!(client.ask(&A::query_concept("small"))[..5], hex("0200000001"));
}

#[test]
fn lengths_that_are_only_announced_cost_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let server = Process::start(&directory.path().join("store"), &[]);
    let clients: Vec<Client> = (0..100)
        .map(|_| {
            let mut client = Client::connect(server.address);
            client.send(&[&(100u32 << 20).to_be_bytes()[..], &hex("81"), &[0; 1000]].concat());
            client
        })
        .collect();
    let event = Emitted::crash("node-abc", 0);
    let mut client = Client::connect(server.address);
    for request in event.requests() {
        client.ask(&request);
    }
    if let Some(megabytes) = server.memory_mb() {
        assert!(megabytes < 200, "{megabytes} MB for {} announcements of 100 MiB", clients.len());
    }
}

#[test]
fn many_large_answers_take_the_memory_of_one_after_the_other() {
    let server = Local::start(ServerConfig { memory_bytes_max: 1 << 20, ..<_>::default() });
    let mut client = Client::connect(server.address);
    let learn = frame(&A::learn_concept("large", &"x".repeat(200_000)));
    // Requests that come together, and then their answers, take far more than there is at one time.
    client.send(&learn.repeat(5));
    for _ in 0..5 {
        assert_eq!(client.receive().expect("an answer")[0], 0);
    }
    client.send(&frame(&A::query_concept("large")).repeat(20));
    for number in 0..20 {
        let answer = client.receive().expect("an answer");
        assert_eq!(answer[0], 2, "answer {number}");
        assert!(answer.len() > 200_000);
    }
}
