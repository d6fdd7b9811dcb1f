//! How fast a store is verified, beside hashing the same JSON lines alone.
//!
//! `cargo bench --bench verify`; with GRID_EVENTS_BENCH_EVENTS=5000000 on a larger store.

#[path = "common/mod.rs"]
mod common;

use std::ops::ControlFlow;
use std::time::Instant;

use sutra_grid_events::Store;
use sutra_grid_events::forensics::{VerifyOptions, verify};

use common::Outcome;
use common::goals::{Goals, Unit};
use common::mix::Mix;
use common::process::core_ns;
use common::scale::{self, BATCH, SEED};
use common::table::{Table, digits, grouped};

/// Events in the store if the environment says nothing else.
const EVENTS: usize = 1_000_000;
/// How often each thing is measured; the fastest counts, as other work on the machine only slows it down. Time is that
/// which the thread had a core, where the system says it.
const ROUNDS: usize = 7;

/// When something began.
struct Time {
    wall: Instant,
    core_ns: u64,
}

impl Time {
    fn now() -> Self {
        Self { wall: Instant::now(), core_ns: core_ns() }
    }

    /// Seconds on the core since then; by the clock where the system does not say.
    fn seconds(&self) -> f64 {
        match core_ns().saturating_sub(self.core_ns) {
            0 => self.wall.elapsed().as_secs_f64(),
            ns => ns as f64 / 1e9,
        }
    }
}

fn main() -> Outcome {
    let events = scale::events(EVENTS);
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let mut mix = Mix::seeded(SEED);
    eprintln!("recording {} events", grouped(events as f64));
    for _ in 0..events / BATCH {
        store.append(&mix.batch(BATCH))?;
    }
    store.seal()?;
    store.remove_sealed_logs()?;
    let mut lines = String::new();
    store.scan(0, &mut |stored| {
        stored.event.write_json(&mut lines);
        lines.push('\n');
        ControlFlow::Continue(())
    })?;
    store.close()?;

    let options = VerifyOptions::default().with_threads(1);
    let (mut verified, mut hashed) = (f64::INFINITY, f64::INFINITY);
    let mut found = verify(directory.path(), &options, &|_| {})?;
    for _ in 0..scale::repeats(ROUNDS) {
        let start = Time::now();
        found = verify(directory.path(), &options, &|_| {})?;
        verified = verified.min(start.seconds());
        let start = Time::now();
        let mut hasher = blake3::Hasher::new();
        lines.as_bytes().chunks(64 << 10).for_each(|piece| {
            hasher.update(piece);
        });
        std::hint::black_box(hasher.finalize());
        hashed = hashed.min(start.seconds());
    }
    if !found.is_ok() || found.events != events as u64 {
        return Err(format!("verify found {:?} in {} events", found.findings, found.events).into());
    }

    let raw = found.raw_bytes as f64;
    let mut table = Table::new(
        format!("Verifying a store of {} events on one thread", grouped(events as f64)),
        &["", "seconds of a core", "JSON GB/s", "files MB/s"],
    );
    let files = found.file_bytes as f64;
    table.row(["verify".to_owned(), digits(verified), digits(raw / verified / 1e9), digits(files / verified / 1e6)]);
    table.row([
        "BLAKE3 of the same JSON lines alone".to_owned(),
        digits(hashed),
        digits(lines.len() as f64 / hashed / 1e9),
        String::new(),
    ]);
    println!("{table}");
    let lines_a_second = lines.len() as f64 / hashed;
    println!("  verify / BLAKE3 alone: {} of its speed", digits(raw / verified / lines_a_second));
    println!("  {} B of JSON and {} B of file an event", digits(raw / events as f64), digits(files / events as f64));
    let mut goals = Goals::new("Goals");
    goals.at_least("raw events a second and core", 1_000.0, raw / verified / 1e6, Unit::MegaBytes);
    println!("{goals}");
    Ok(())
}
