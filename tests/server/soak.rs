//! Eight clients at once, half of them in each dialect; each reads at once what it wrote.

use std::net::SocketAddr;

use serde_json::json;
use sutra_grid_events::{Filter, Store};

use crate::harness::Local;
use crate::wire::{A, Client, Emitted, frame};

const CLIENTS: u32 = 8;
/// Events of each client, unless the variable says otherwise.
const EVENTS: u32 = 400;
const EVENTS_VARIABLE: &str = "GRID_EVENTS_SOAK";
/// A pipelining client sends as many events at once.
const AT_ONCE: usize = 50;

fn events_of_each() -> u32 {
    std::env::var(EVENTS_VARIABLE).map_or(EVENTS, |text| text.parse().expect("GRID_EVENTS_SOAK is a number"))
}

/// The events of a client, each in a microsecond of its own.
fn events(client: u32) -> Vec<Emitted> {
    let each = events_of_each();
    (0..each)
        .map(|number| Emitted::crash(&format!("node-{client}-{}", number % 7), i64::from(number * CLIENTS + client)))
        .collect()
}

fn in_dialect_a(address: SocketAddr, events: &[Emitted], at_once: usize) {
    let mut client = Client::connect(address);
    for some in events.chunks(at_once) {
        let requests = some.iter().flat_map(Emitted::requests).flat_map(|request| frame(&request));
        client.send(&requests.collect::<Vec<u8>>());
        for _ in some {
            for kind in [0, 1, 1] {
                assert_eq!(client.receive().expect("an answer")[..4], [kind, 0, 0, 0]);
            }
        }
        for event in some {
            let found = client.ask(&A::query_concept(&event.id));
            assert!(String::from_utf8_lossy(&found).contains(&event.json), "{} is not there", event.id);
        }
        let last = some.last().expect("chunks have something");
        let neighbors = client.ask(&A::get_neighbors(&last.node));
        assert!(neighbors.ends_with(last.id.as_bytes()), "the newest neighbour of {} is not the last", last.node);
    }
}

fn in_dialect_b(address: SocketAddr, events: &[Emitted]) {
    let mut client = Client::connect(address);
    for event in events {
        for request in event.requests_b() {
            let answer = client.ask_b(&request);
            assert!(answer.get("Error").is_none(), "{answer}");
        }
        let found = client.ask_b(&json!({"QueryConcept": {"concept_id": event.id}}));
        assert!(found.to_string().contains(&event.node), "{found}");
        let neighbors = client.ask_b(&json!({"GetNeighbors": {"concept_id": event.node}}));
        let ids = neighbors["GetNeighborsOk"]["neighbor_ids"].as_array().cloned().unwrap_or_default();
        assert_eq!(ids.last().and_then(|id| id.as_str()), Some(event.id.as_str()));
        if event.id.ends_with("00") {
            client.ask_b(&json!("Flush"));
        }
    }
}

#[test]
fn eight_clients_in_both_dialects() {
    let mut server = Local::start(<_>::default());
    let (path, address) = (server.path(), server.address);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let events = events(number);
                match number % 4 {
                    0 => in_dialect_a(address, &events, AT_ONCE),
                    1 => in_dialect_a(address, &events, 1),
                    _ => in_dialect_b(address, &events),
                }
            });
        }
    });
    assert_eq!(server.lines(), Vec::<String>::new());
    server.end();
    let store = Store::open_read_only(path).expect("a store");
    let stored = store.count(&Filter::entity("agent-001")).expect("it can be read");
    assert_eq!(stored, u64::from(CLIENTS * events_of_each()));
    let of_one = store.count(&Filter::entity("node-3-0")).expect("it can be read");
    assert_eq!(of_one, u64::from(events_of_each().div_ceil(7)));
}
