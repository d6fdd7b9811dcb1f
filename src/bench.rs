//! A seam for the benches and the fuzz targets: what an append does to a batch, without the store around it, and
//! decoders without the checksums before them. Not part of the API.

use std::path::Path;

use crate::error::StoreError;
use crate::event::Event;
use crate::storage::tail::{Older, TailMemory, put_batch};
use crate::store::SEGMENT_EVENTS;

/// Turns batches into the frames of a log as the store does: encoded, indexed, compressed, checksummed.
#[derive(Debug)]
pub struct FrameEncoder {
    memory: TailMemory,
    frame: Vec<u8>,
}

impl FrameEncoder {
    /// An encoder at the start of a store.
    #[must_use]
    pub fn new() -> Self {
        Self { memory: TailMemory::new(1), frame: Vec::new() }
    }

    /// The frame of a batch. Forgets what came before after [`SEGMENT_EVENTS`], as the store starts a new tail.
    ///
    /// # Errors
    /// If an event cannot be stored.
    pub fn encode(&mut self, batch: &[Event]) -> Result<&[u8], StoreError> {
        if self.memory.len() as usize + batch.len() > SEGMENT_EVENTS as usize {
            self.memory = TailMemory::new(self.memory.last_sequence(self.memory.len()) + 1);
        }
        let unstorable = |error: String| StoreError::damaged(Path::new("a batch"), error);
        for event in batch {
            self.memory.push(event, None, &Nothing).map_err(|error| unstorable(error.to_string()))?;
        }
        self.frame.clear();
        let record = self.memory.batch_record();
        put_batch(&record, &mut self.frame).map_err(|error| unstorable(error.to_string()))?;
        self.memory.publish();
        Ok(&self.frame)
    }
}

impl Default for FrameEncoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets damage pass the checksums from now on, and reads and writes without compression, so that a fuzzer reaches the
/// decoders behind them. In a build for fuzzing only.
#[cfg(fuzzing)]
pub fn lay_bare() {
    crate::storage::checksum::ignore();
    crate::storage::compression::leave_out();
}

/// There is nothing older.
struct Nothing;

impl Older for Nothing {
    fn newest_us(&self, _: &str) -> Option<i64> {
        None
    }

    fn next_ordinal(&self, _: &str, _: i64) -> u32 {
        0
    }
}
