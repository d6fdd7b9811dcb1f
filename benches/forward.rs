//! How many events a second are forwarded to a remote store, as the spool of an emitter does it.
//!
//! `cargo bench --bench forward`. The server runs in this process, over loopback, and shares its processors. Each
//! window of events is acknowledged by a Flush, after which the place is saved; what arrived is counted.

#[path = "common/mod.rs"]
mod common;

use std::thread;
use std::time::Instant;

use sutra_grid_events::graph::EmbeddedConcepts;
use sutra_grid_events::remote::server::{Server, ServerConfig};
use sutra_grid_events::remote::{ForwardOptions, Forwarder};
use sutra_grid_events::{Filter, Store};
use tokio::sync::oneshot;

use common::Outcome;
use common::mix::Mix;
use common::samples::median;
use common::scale::{self, BATCH, SEED};
use common::table::{Table, grouped};

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
    let concepts = EmbeddedConcepts::new(target.clone());
    let (end, ended) = oneshot::channel::<()>();
    let (send_address, address) = std::sync::mpsc::channel();
    let server = thread::spawn(move || -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let server = Server::bind(ServerConfig { port: 0, ..ServerConfig::default() }, concepts).await?;
            send_address.send(server.local_address())?;
            server.serve(async { ended.await.unwrap_or_default() }).await?;
            Ok(())
        })
    });
    let endpoint = address.recv()?.to_string().parse()?;
    let mut forwarder = Forwarder::new(source, endpoint, ForwardOptions { attempts_max: Some(1), ..<_>::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let start = Instant::now();
    runtime.block_on(forwarder.forward_all())?;
    let rate = count as f64 / start.elapsed().as_secs_f64();
    drop((forwarder, runtime));
    // It ends by itself if it failed, and says why below.
    let _ = end.send(());
    server.join().map_err(|_| "the server panicked")??;
    let arrived = target.count(&Filter::All)?;
    if arrived != count as u64 {
        return Err(format!("{arrived} events arrived, {count} were forwarded").into());
    }
    target.close()?;
    Ok(rate)
}
