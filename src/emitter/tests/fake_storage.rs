//! Storage for tests: it fails, is slow, or refuses, when told to.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::number_of;
use crate::emitter::sink::{DurableCallback, Sink};
use crate::error::StoreError;
use crate::event::{ConceptId, Event};
use crate::store::{Appended, Loss};

/// Storage in memory that does as it is told.
#[derive(Default)]
pub(super) struct FakeStorage {
    pub(super) batches: Mutex<Vec<Vec<Event>>>,
    /// Appends that fail before one succeeds.
    pub(super) failures: AtomicU64,
    /// Whether the storage was closed under the emitter.
    pub(super) closed_by_others: AtomicBool,
    /// While closed, `append` waits.
    gate: Mutex<Gate>,
    opened: Condvar,
    /// Whether those who wait for durability wait for `make_durable`.
    pub(super) lazy_sync: AtomicBool,
    pub(super) waiting: Mutex<Vec<DurableCallback>>,
    pub(super) closed: AtomicBool,
}

#[derive(Default)]
struct Gate {
    shut: bool,
    /// Whether an append waits at it.
    reached: bool,
}

impl Sink for FakeStorage {
    fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let mut gate = self.gate.lock();
        gate.reached = true;
        self.opened.notify_all();
        while gate.shut {
            self.opened.wait(&mut gate);
        }
        drop(gate);
        if self.closed_by_others.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let counted = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if counted.is_ok() {
            return Err(StoreError::Io { action: "write", path: PathBuf::from("fake"), source: disk_full() });
        }
        let answers = events.iter().map(|event| match event.validate() {
            Ok(()) => Appended::Stored(ConceptId::new(event.event_type(), event.timestamp_us(), 0).unwrap()),
            Err(error) => Appended::Rejected(error),
        });
        let answers = answers.collect();
        self.batches.lock().push(events.to_vec());
        Ok(answers)
    }

    fn sequence(&self) -> u64 {
        self.batches.lock().iter().map(|batch| batch.len() as u64).sum()
    }

    fn durable_sequence(&self) -> u64 {
        if self.lazy_sync.load(Ordering::SeqCst) { 0 } else { self.sequence() }
    }

    fn when_durable(&self, _sequence: u64, callback: DurableCallback) {
        if self.lazy_sync.load(Ordering::SeqCst) {
            self.waiting.lock().push(callback);
        } else {
            thread::spawn(move || callback(Ok(())));
        }
    }

    fn note_loss(&self, _loss: &Loss) -> Result<(), StoreError> {
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        self.make_durable();
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl FakeStorage {
    pub(super) fn shut(&self) {
        *self.gate.lock() = Gate { shut: true, reached: false };
    }

    pub(super) fn open(&self) {
        self.gate.lock().shut = false;
        self.opened.notify_all();
    }

    /// Waits until the writer hangs in `append`.
    pub(super) fn wait_until_reached(&self) {
        let mut gate = self.gate.lock();
        while !gate.reached {
            self.opened.wait(&mut gate);
        }
    }

    pub(super) fn make_durable(&self) {
        self.lazy_sync.store(false, Ordering::SeqCst);
        self.waiting.lock().drain(..).for_each(|callback| callback(Ok(())));
    }

    /// The numbers of the events, in the order in which they were stored.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.batches.lock().iter().flatten().map(number_of).collect()
    }
}

fn disk_full() -> std::io::Error {
    std::io::Error::from(std::io::ErrorKind::StorageFull)
}
