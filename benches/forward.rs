//! How many events a second are forwarded to a remote store, as the spool of an emitter does it.
//!
//! `cargo bench --bench forward`. The server runs in this process, over loopback, and shares its processors. Each
//! window of events is acknowledged by a Flush, after which the place is saved; what arrived is counted.

#[path = "common/mod.rs"]
mod common;
mod serving;

use std::time::Instant;

use sutra_grid_events::Store;
use sutra_grid_events::remote::{ForwardOptions, Forwarder};

use common::Outcome;
use common::mix::Mix;
use common::samples::median;
use common::scale::{self, BATCH, SEED};
use common::table::{Table, grouped};
use serving::served;

/// Events in the store that is forwarded.
const EVENTS: usize = 100 * BATCH;
const ROUNDS: usize = 3;

fn main() -> Outcome {
    let events = scale::events(EVENTS).min(EVENTS);
    let rates =
        (0..scale::repeats(ROUNDS) as u64).map(|round| measure(events, SEED + round)).collect::<Outcome<Vec<_>>>()?;
    let mut table = Table::new(
        "Forwarding a store, with all entities of its events and their seconds, over loopback",
        &["events", "events/s (median of the rounds)"],
    );
    table.row([grouped(events as f64), grouped(median(&rates))]);
    print!("{table}");
    Ok(())
}

/// Events a second from a full store to an empty one.
fn measure(count: usize, seed: u64) -> Outcome<f64> {
    let directory = tempfile::tempdir()?;
    let source = Store::open(directory.path().join("source"))?;
    let mut mix = Mix::seeded(seed);
    for _ in 0..count / BATCH {
        source.append(&mix.batch(BATCH))?;
    }
    source.flush()?;
    let target = Store::open(directory.path().join("target"))?;
    served(target, count, |address| {
        let options = ForwardOptions { attempts_max: Some(1), ..<_>::default() };
        let mut forwarder = Forwarder::new(source, address.to_string().parse()?, options)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let start = Instant::now();
        runtime.block_on(forwarder.forward_all())?;
        Ok(count as f64 / start.elapsed().as_secs_f64())
    })
}
