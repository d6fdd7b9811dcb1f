//! `kill -9` of the server under load: what it answered for is there afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::Process;
use crate::wire::{A, Client, Emitted, frame, message_pack};

/// Answers to wait for before it is killed.
const ANSWERED: usize = 3_000;
/// How often it is killed, unless the variable says otherwise.
const KILLS: u32 = 3;
const KILLS_VARIABLE: &str = "GRID_EVENTS_KILLS";
/// Requests that one client has under way at most.
const UNDER_WAY: usize = 300;

fn kills() -> u32 {
    std::env::var(KILLS_VARIABLE).map_or(KILLS, |text| text.parse().expect("GRID_EVENTS_KILLS is a number"))
}

/// What a client was answered for.
#[derive(Default)]
struct Acknowledged {
    events: Vec<Emitted>,
    notes: Vec<String>,
}

/// Sends until the server is gone: events and, after each, a note that is no event.
fn send(address: SocketAddr, name: &str, in_b: bool, under_way: usize, answered: &AtomicUsize) -> Acknowledged {
    let mut client = Client::connect(address);
    let mut acknowledged = Acknowledged::default();
    for from in (0i64..).step_by(under_way) {
        let some: Vec<(Emitted, String)> = (from..from + under_way as i64)
            .map(|number| (Emitted::crash(&format!("{name}-{number}"), number), format!("note-{name}-{number}")))
            .collect();
        let mut bytes = Vec::new();
        for (event, note) in &some {
            if in_b {
                bytes.extend(event.requests_b().iter().flat_map(|request| frame(&message_pack(request))));
                let note = serde_json::json!({"LearnConcept": {
                    "concept_id": note, "content": note, "embedding": [], "strength": 1.0, "confidence": 1.0}});
                bytes.extend(frame(&message_pack(&note)));
            } else {
                bytes.extend(event.requests().iter().flat_map(|request| frame(request)));
                bytes.extend(frame(&A::learn_concept(note, note)));
            }
        }
        if std::io::Write::write_all(&mut client.socket, &bytes).is_err() {
            return acknowledged;
        }
        for (event, note) in some {
            for request in 0..4 {
                if client.receive_if_any().is_none() {
                    if request > 0 {
                        acknowledged.events.push(event);
                    }
                    return acknowledged;
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
            acknowledged.events.push(event);
            acknowledged.notes.push(note);
        }
    }
    acknowledged
}

#[test]
fn what_was_answered_for_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    for round in 0..kills() {
        let mut server = Process::start(&path, &[]);
        let (address, answered) = (server.address, Arc::new(AtomicUsize::new(0)));
        let clients = [(false, UNDER_WAY), (false, 1), (true, UNDER_WAY), (true, 1)].map(|(in_b, under_way)| {
            let answered = Arc::clone(&answered);
            let name = format!("round-{round}-{in_b}-{under_way}");
            std::thread::spawn(move || send(address, &name, in_b, under_way, &answered))
        });
        while answered.load(Ordering::Relaxed) < ANSWERED {
            std::thread::yield_now();
        }
        server.signal("KILL");
        server.wait();
        let acknowledged = clients.map(|client| client.join().expect("it sends until the end"));
        let events: usize = acknowledged.iter().map(|client| client.events.len()).sum();
        let notes: usize = acknowledged.iter().map(|client| client.notes.len()).sum();
        assert!(events * 3 + notes >= ANSWERED - 8 * UNDER_WAY, "{events} events, {notes} notes");

        let server = Process::start(&path, &[]);
        let mut client = Client::connect(server.address);
        for event in acknowledged.iter().flat_map(|client| &client.events) {
            // Clients share microseconds, so that an event is found by its node, and its content tells it.
            let answer = client.ask(&A::get_neighbors(&event.node));
            assert_eq!(answer[..12], A::message(3).u64(1).0, "{} is lost, or there twice", event.node);
            let id = String::from_utf8(answer[20..].to_vec()).expect("an id");
            let found = client.ask(&A::query_concept(&id));
            assert!(String::from_utf8_lossy(&found).contains(&event.json), "{id}");
        }
        for note in acknowledged.iter().flat_map(|client| &client.notes) {
            let expected = A::message(2).byte(1).text(note).text(note).f32(1.0).f32(1.0).byte(0).0;
            assert!(client.ask(&A::query_concept(note)) == expected, "{note} is lost");
        }
        drop(server);
    }
}
