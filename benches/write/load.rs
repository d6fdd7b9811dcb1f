//! What a store takes while it is written through the emitter: memory, disk, and the stalls of `emit`.
//!
//! Each load runs in a process of its own, so that the memory is that of the emitter and the store alone.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sutra_grid_events::{EmitterConfig, EventEmitter};

use crate::common::Outcome;
use crate::common::mix::Mix;
use crate::common::process::memory_peak_mb;
use crate::common::samples::nanos;
use crate::common::scale::{BATCH, SEED};
use crate::common::stalls::Longest;

use crate::Pace;

/// Events that wait in the emitter at most; above, the maker of events waits.
const BACKLOG_MAX: u64 = 65_536;

/// The figures of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) events_per_second: f64,
    pub(crate) memory_peak_mb: f64,
    pub(crate) bytes_per_event: f64,
    pub(crate) segments: f64,
    /// The longest single `emit`, in ns.
    pub(crate) emit_max_ns: f64,
    /// The same without waiting for a core.
    pub(crate) emit_max_own_ns: f64,
}

impl Load {
    /// Writes events to a new store and prints the figures, for [`read`](Self::read) in the parent.
    pub(crate) fn run(path: &Path, events: usize, mut pace: Pace) -> Outcome {
        let emitter = EventEmitter::open(path, EmitterConfig::default())?;
        let mut longest = Longest::default();
        let start = Instant::now();
        // One batch is made at a time: making events is not what is measured, but it is part of the time.
        let mut mix = Mix::seeded(SEED);
        for _ in 0..events / BATCH {
            let batch = mix.batch(BATCH);
            pace.wait(BATCH);
            longest.note(|| {
                let timed = |event| {
                    let before = Instant::now();
                    emitter.emit(event);
                    nanos(before.elapsed())
                };
                batch.into_iter().map(timed).max().unwrap_or_default()
            });
            while emitter.stats().backlog > BACKLOG_MAX - BATCH as u64 {
                thread::sleep(Duration::from_micros(200));
            }
        }
        emitter.flush_blocking()?;
        let rate = events as f64 / start.elapsed().as_secs_f64();
        let memory_peak_mb = memory_peak_mb();
        emitter.store().seal()?;
        emitter.store().remove_sealed_logs()?;
        let stats = emitter.store().stats()?;
        emitter.close_blocking()?;
        let bytes_per_event = stats.bytes_on_disk as f64 / stats.events as f64;
        println!("{rate} {memory_peak_mb} {bytes_per_event} {} {} {}", stats.segments, longest.any, longest.own);
        Ok(())
    }

    /// What [`run`](Self::run) printed.
    pub(crate) fn read(figures: &[f64]) -> Outcome<Self> {
        let &[events_per_second, memory_peak_mb, bytes_per_event, segments, emit_max_ns, emit_max_own_ns] = figures
        else {
            return Err("the child printed other figures".into());
        };
        Ok(Self { events_per_second, memory_peak_mb, bytes_per_event, segments, emit_max_ns, emit_max_own_ns })
    }
}
