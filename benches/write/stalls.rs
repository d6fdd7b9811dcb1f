//! The longest wait of a commit while segments are sealed beside it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sutra_grid_events::store::Durability;

use crate::common::Outcome;
use crate::common::mix::Mix;
use crate::common::recorder::{Engine, INTERVAL, Recorder};
use crate::common::samples::{Samples, nanos};
use crate::common::scale::{BATCH, SEED};

/// Commits batches at a pace, in events a second, or as fast as they are made; gives the timings of the commits.
pub(crate) fn commits(directory: &Path, events: usize, pace: Option<usize>) -> Outcome<Samples> {
    let path = directory.join("stalls");
    let mut engine = Engine::open(&path, Durability::Interval(INTERVAL))?;
    let mut mix = Mix::seeded(SEED);
    let mut timings = Vec::with_capacity(events / BATCH);
    let gap = pace.map(|pace| Duration::from_secs(1) * BATCH as u32 / pace as u32);
    let mut due = Instant::now();
    for _ in 0..events / BATCH {
        let batch = mix.batch(BATCH);
        if let Some(gap) = gap {
            due += gap;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let before = Instant::now();
        engine.append(&batch)?;
        timings.push(nanos(before.elapsed()));
    }
    engine.finish()?;
    drop(engine);
    std::fs::remove_dir_all(path)?;
    Ok(timings.into())
}
