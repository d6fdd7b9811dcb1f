//! The store: one directory that records events and answers for them.
mod config;
mod snapshot;

pub use config::{Durability, Retention, StoreConfig};
pub use snapshot::Snapshot;
pub use crate::storage::StoredEvent;

use std::path::Path;
use crate::error::StoreError;
use crate::event::{ConceptId, Event, EventError};

/// A store, open for writing or for reading. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {}

/// What became of an event that was appended.
#[derive(Debug, Clone, PartialEq)]
pub enum Appended {
    /// It is stored under this id.
    Stored(ConceptId),
    /// An identical event is there already, under this id.
    Duplicate(ConceptId),
    /// It is not an event that can be stored.
    Rejected(EventError),
}

/// Figures of a store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreStats {
    /// Events stored.
    pub events: u64,
    /// Events of these that are in the tail.
    pub tail_events: u64,
    /// Sealed segments.
    pub segments: u64,
    /// Events by type, most frequent first.
    pub types: Vec<(String, u64)>,
    /// Distinct entities (field and value).
    pub entities: u64,
    /// Size of all files in bytes.
    pub bytes_on_disk: u64,
    /// The earliest time, in µs.
    pub first_us: Option<i64>,
    /// The latest time, in µs.
    pub last_us: Option<i64>,
    /// The highest sequence number written.
    pub sequence: u64,
    /// The highest sequence number that is durable.
    pub durable_sequence: u64,
    /// Version of the on-disk format.
    pub format_version: u32,
    /// The random number that tells this store from every other.
    pub epoch: u64,
}

#[allow(clippy::unimplemented, unused_variables, missing_docs)]
impl Store {
    /// Opens a store for writing, creating it if the directory is new or empty. Takes the lock.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> { unimplemented!() }
    pub fn open_with(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, StoreError> { unimplemented!() }
    /// Opens a store for reading: takes no lock, writes nothing, works beside a writer.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> { unimplemented!() }
    pub fn path(&self) -> &Path { unimplemented!() }
    pub fn config(&self) -> &StoreConfig { unimplemented!() }
    /// Appends events as one batch: when it returns they are written (with `Durability::Always`: durable).
    /// One answer for each event, in order; a rejected event does not stop the others. Never `Duplicate`.
    pub fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> { unimplemented!() }
    /// Appends those events that are not there yet: identical are same type, µs and JSON content, within `events` too.
    pub fn append_new(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> { unimplemented!() }
    /// Waits until everything written before is durable.
    pub fn flush(&self) -> Result<(), StoreError> { unimplemented!() }
    /// The highest sequence number written.
    pub fn sequence(&self) -> u64 { unimplemented!() }
    /// Calls back once everything up to a sequence number is durable (at once if it is), from another thread.
    pub(crate) fn when_durable(&self, sequence: u64, callback: Box<dyn FnOnce(Result<(), StoreError>) + Send>) { unimplemented!() }
    /// What can be read now.
    pub fn snapshot(&self) -> Snapshot { unimplemented!() }
    /// Makes a store that was opened for reading see what was written since. No effect on a writing one.
    pub fn refresh(&self) -> Result<(), StoreError> { unimplemented!() }
    pub fn stats(&self) -> Result<StoreStats, StoreError> { unimplemented!() }
    /// Seals the tail into a segment now, and waits for it.
    pub fn seal(&self) -> Result<(), StoreError> { unimplemented!() }
    /// Makes everything durable, seals a large tail, releases the lock.
    pub fn close(self) -> Result<(), StoreError> { unimplemented!() }
}
