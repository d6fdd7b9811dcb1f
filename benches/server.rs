//! How many events a second the stand-in server takes, as emitters send them: three requests an event.
//!
//! `cargo bench --bench server`. The server runs in this process, over loopback. One client sends on while answers
//! are under way; another waits for each of its three answers, as existing emitters do. What was learned is counted.

#[path = "common/mod.rs"]
mod common;
mod serving;

use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use sutra_grid_events::graph::second_of;
use sutra_grid_events::remote::message::Request;
use sutra_grid_events::remote::{Dialect, encode_request};
use sutra_grid_events::{ConceptId, Event, Store};

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::samples::{Samples, median, nanos};
use common::scale::{self, BATCH, SEED};
use common::table::{Table, grouped, time};
use serving::served;

/// Events of a client that does not wait.
const PIPELINED: usize = 200 * BATCH;
/// Events of a client that waits for each answer.
const WAITING: usize = 20 * BATCH;
const ROUNDS: usize = 3;
const TEMPORAL: u32 = 999;

fn main() -> Outcome {
    let mut table = Table::new(
        "One connection, three requests an event, over loopback",
        &["", "events", "events/s (median of the rounds)", "answer p50", "p99"],
    );
    let mut goals = Goals::new("Goals");
    for dialect in [Dialect::A, Dialect::B] {
        for (waits, usual, goal) in [(false, PIPELINED, 20_000.0), (true, WAITING, 5_000.0)] {
            let events = scale::events(usual).min(usual);
            let (mut rates, mut answers) = (Vec::new(), Samples::default());
            for round in 0..scale::repeats(ROUNDS) as u64 {
                let (rate, timings) = measure(dialect, waits, events, SEED + round)?;
                rates.push(rate);
                answers.extend(timings);
            }
            let rate = median(&rates);
            let name = format!("dialect {dialect:?}, {}", if waits { "waits for each answer" } else { "pipelined" });
            let quantile = |share| if answers.is_empty() { String::new() } else { time(answers.quantile(share)) };
            table.row([name.clone(), grouped(events as f64), grouped(rate), quantile(0.5), quantile(0.99)]);
            goals.at_least(&name, goal, rate, Unit::EventsPerSecond);
        }
    }
    println!("{table}{goals}");
    Ok(())
}

/// Events a second of one client on a fresh server, and how long each answer took if it waits for them.
fn measure(dialect: Dialect, waits: bool, count: usize, seed: u64) -> Outcome<(f64, Samples)> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let mut mix = Mix::seeded(seed);
    let requests = (0..count / BATCH)
        .flat_map(|_| mix.batch(BATCH))
        .map(|event| frames(dialect, &event))
        .collect::<Outcome<Vec<_>>>()?;
    served(store, count, |address| {
        let start = Instant::now();
        let timings = if waits { wait_for_each(address, &requests)? } else { send_on(address, &requests)? };
        Ok((count as f64 / start.elapsed().as_secs_f64(), timings))
    })
}

/// The three frames that an emitter makes of an event.
fn frames(dialect: Dialect, event: &Event) -> Outcome<[Vec<u8>; 3]> {
    let id = ConceptId::new(event.event_type(), event.timestamp_us(), 0).ok_or("a type without a name")?.to_string();
    let association = |source_id: String, target_id: String, assoc_type| Request::LearnAssociation {
        source_id,
        target_id,
        assoc_type,
        confidence: 1.0,
    };
    let requests = [
        Request::LearnConcept {
            concept_id: id.clone(),
            content: event.to_json(),
            embedding: Vec::new(),
            strength: 1.0,
            confidence: 1.0,
            metadata: None,
        },
        association(event.primary_id(), id.clone(), event.association_code()),
        association(id, second_of(event.timestamp_us()), TEMPORAL),
    ];
    let mut frames = [const { Vec::new() }; 3];
    for (frame, request) in frames.iter_mut().zip(&requests) {
        let payload = encode_request(dialect, request)?;
        frame.extend(u32::try_from(payload.len())?.to_be_bytes());
        frame.extend(payload);
    }
    Ok(frames)
}

/// Sends on, while another thread reads the answers.
fn send_on(address: SocketAddr, requests: &[[Vec<u8>; 3]]) -> Outcome<Samples> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let reading = socket.try_clone()?;
    thread::scope(|scope| {
        let reader = scope.spawn(move || -> Outcome {
            let mut reading = BufReader::new(reading);
            let mut answer = Vec::new();
            for _ in 0..requests.len() * 3 {
                read_answer(&mut reading, &mut answer)?;
            }
            Ok(())
        });
        let mut writing = BufWriter::new(socket);
        for frame in requests.iter().flatten() {
            writing.write_all(frame)?;
        }
        writing.flush()?;
        reader.join().map_err(|_| "the reader panicked")?
    })?;
    Ok(Samples::default())
}

/// Waits for each answer before the next request.
fn wait_for_each(address: SocketAddr, requests: &[[Vec<u8>; 3]]) -> Outcome<Samples> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut timings = Vec::with_capacity(requests.len() * 3);
    let mut answer = Vec::new();
    for frame in requests.iter().flatten() {
        let sent = Instant::now();
        socket.write_all(frame)?;
        read_answer(&mut socket, &mut answer)?;
        timings.push(nanos(sent.elapsed()));
    }
    Ok(timings.into())
}

fn read_answer(socket: &mut impl Read, answer: &mut Vec<u8>) -> Outcome {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    answer.resize(u32::from_be_bytes(length) as usize, 0);
    socket.read_exact(answer)?;
    // Answers of either dialect name the request that they belong to, or an error.
    if answer.windows(5).any(|part| part == b"Error") || answer.first() == Some(&10) {
        return Err(format!("refused: {}", String::from_utf8_lossy(answer)).into());
    }
    Ok(())
}
