//! How fast events are recorded, and what a store of them takes: memory, disk, time to open.
//!
//! `cargo bench --bench write`; with GRID_EVENTS_BENCH_EVENTS set, the large store has that many events.

#[path = "../common/mod.rs"]
mod common;
mod throughput;

use common::Outcome;
use common::goals::Goals;
use common::mix::Mix;
use common::scale::{self, BATCH, SEED};

/// Events that each contender records.
const RECORDED: usize = 1 << 20;

fn main() -> Outcome {
    let directory = tempfile::tempdir()?;
    let mut mix = Mix::seeded(SEED);
    let recorded = if scale::is_measured() { RECORDED } else { 16 * BATCH };
    let batches: Vec<_> = (0..recorded / BATCH).map(|_| mix.batch(BATCH)).collect();
    let mut goals = Goals::new("Goals");
    let table = throughput::compare(directory.path(), &batches, scale::repeats(3), &mut goals)?;
    println!("{table}{goals}");
    Ok(())
}
