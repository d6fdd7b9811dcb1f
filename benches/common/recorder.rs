//! Things that record batches of events, and the clock over them.

use std::time::{Duration, Instant};

use sutra_grid_events::store::{Appended, Durability};
use sutra_grid_events::{Event, Store, StoreConfig};

use super::Outcome;
use super::samples::{Samples, nanos};

/// The interval of the group commit that everything is measured with.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

/// Something that records batches. When [`finish`](Self::finish) returns, all is durable that was meant to be.
pub(crate) trait Recorder {
    fn append(&mut self, batch: &[Event]) -> Outcome;
    fn finish(&mut self) -> Outcome;
}

/// How fast it went.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) events_per_second: f64,
    /// Timings of single batches.
    pub(crate) batches: Samples,
}

/// Records batches one after the other, as fast as they are taken.
pub(crate) fn record(recorder: &mut dyn Recorder, batches: &[Vec<Event>]) -> Outcome<Written> {
    let mut timings = Vec::with_capacity(batches.len());
    let start = Instant::now();
    for batch in batches {
        let before = Instant::now();
        recorder.append(batch)?;
        timings.push(nanos(before.elapsed()));
    }
    recorder.finish()?;
    let events: usize = batches.iter().map(Vec::len).sum();
    Ok(Written { events_per_second: events as f64 / start.elapsed().as_secs_f64(), batches: timings.into() })
}

/// The engine, through [`Store::append`].
pub(crate) struct Engine {
    store: Store,
    flushes: bool,
}

impl Engine {
    pub(crate) fn open(path: &std::path::Path, durability: Durability) -> Outcome<Self> {
        let store = Store::open_with(path, StoreConfig { durability, ..StoreConfig::default() })?;
        Ok(Self { store, flushes: durability != Durability::OsBuffered })
    }
}

impl Recorder for Engine {
    fn append(&mut self, batch: &[Event]) -> Outcome {
        let answers = self.store.append(batch)?;
        match answers.iter().find(|answer| !matches!(answer, Appended::Stored(_))) {
            Some(other) => Err(format!("an event was not stored: {other:?}").into()),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Outcome {
        if self.flushes {
            self.store.flush()?;
        }
        Ok(())
    }
}
