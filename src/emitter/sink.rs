//! The seam between the writer and the store, where tests put storage that fails or is slow.

use crate::error::StoreError;
use crate::event::Event;
use crate::store::{Appended, Loss, Store};

/// Called with the outcome once what was written is durable.
pub(super) type DurableCallback = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Where the writer puts events.
pub(super) trait Sink: Send + Sync {
    /// Writes events as one batch; one answer for each, in order. After an error nothing of it is stored.
    fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError>;
    /// The highest sequence number written.
    fn sequence(&self) -> u64;
    /// The highest sequence number that is durable.
    fn durable_sequence(&self) -> u64;
    /// Calls back once everything up to a sequence number is durable.
    fn when_durable(&self, sequence: u64, callback: DurableCallback);
    /// Remembers that events were rejected.
    fn note_loss(&self, loss: &Loss) -> Result<(), StoreError>;
    /// Makes everything durable and closes.
    fn close(&self) -> Result<(), StoreError>;
}

impl Sink for Store {
    fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        Store::append(self, events)
    }

    fn sequence(&self) -> u64 {
        Store::sequence(self)
    }

    fn durable_sequence(&self) -> u64 {
        Store::durable_sequence(self)
    }

    fn when_durable(&self, sequence: u64, callback: DurableCallback) {
        Store::when_durable(self, sequence, callback);
    }

    fn note_loss(&self, loss: &Loss) -> Result<(), StoreError> {
        Store::note_loss(self, loss)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.clone().close()
    }
}
