//! Commits of single batches while segments are sealed beside them.

use std::path::Path;
use std::time::Instant;

use sutra_grid_events::store::Durability;

use crate::common::Outcome;
use crate::common::mix::Mix;
use crate::common::recorder::{Engine, INTERVAL, Recorder};
use crate::common::samples::{Samples, nanos};
use crate::common::scale::{BATCH, SEED};
use crate::common::stalls::Longest;

use crate::Pace;

/// Commits batches at a pace; gives the timings of the commits, and the longest.
pub(crate) fn commits(directory: &Path, events: usize, mut pace: Pace) -> Outcome<(Samples, Longest)> {
    let path = directory.join("commits");
    let mut engine = Engine::open(&path, Durability::Interval(INTERVAL))?;
    let mut mix = Mix::seeded(SEED);
    let mut timings = Vec::with_capacity(events / BATCH);
    let mut longest = Longest::default();
    for _ in 0..events / BATCH {
        let batch = mix.batch(BATCH);
        pace.wait(BATCH);
        let mut appended = Ok(());
        longest.note(|| {
            let before = Instant::now();
            appended = engine.append(&batch);
            let timing = nanos(before.elapsed());
            timings.push(timing);
            timing
        });
        appended?;
    }
    engine.finish()?;
    drop(engine);
    std::fs::remove_dir_all(path)?;
    Ok((timings.into(), longest))
}
