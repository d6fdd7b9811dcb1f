//! The store: one directory that records events and answers for them.
//!
//! ```text
//! append ─► tail (log, memory) ─► durable (fsync) ─► sealer ─► segments ─► retention
//! snapshot ◄─ pieces: segments, recent, tails            subscribe ◄─ durable
//! ```
//!
//! There is one writer, guarded by a lock, and any number of readers, in this process (through
//! clones of the [`Store`]) and in others (through [`Store::open_read_only`]). Readers never block the
//! writer and never see half a batch.

mod append;
pub(crate) mod backup;
mod config;
mod damage;
pub(crate) mod directory;
mod duplicates;
mod durable;
mod foreign;
mod open;
mod pieces;
mod record;
mod rejections;
pub(crate) mod retention;
mod sealer;
mod shared;
mod snapshot;
mod stand_ins;
mod stats;
mod subscribe;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use parking_lot::Mutex;

pub use crate::storage::{ForeignAssociation, ForeignConcept, ForeignPlace, ForeignRecord, RemovalCause, StoredEvent};
pub use backup::{BackupError, BackupFile, BackupManifest, BackupOptions, BackupReport, FileCount};
pub use config::{
    BATCH_BYTES_MAX, CACHE_BYTES, Durability, FLUSH_INTERVAL, SEAL_ON_CLOSE_EVENTS, SEALED_LOG_GRACE, SEGMENT_EVENTS,
    StoreConfig, TAIL_BYTES_MAX, TAIL_GROWTH_MAX, WAITING_TAILS_MAX,
};
pub(crate) use damage::Damage;
pub use directory::FORMAT_VERSION;
pub(crate) use directory::{Directory, EVENTS_BEYOND_DAMAGE};
pub use record::{Loss, LossCause, Origin, Removal};
pub(crate) use record::{Missing, emptied, forgotten};
pub(crate) use rejections::Rejections;
pub use retention::{Retention, RetentionReport, TypeRetention};
pub use snapshot::Snapshot;
pub use stats::StoreStats;
pub use subscribe::{Cursor, CursorError, Delivery, Subscription};

use crate::error::StoreError;
use crate::event::{ConceptId, EventError};
use crate::storage::keyed::{Tree, read_published};
use shared::Shared;

/// A store of events, open for writing or for reading. Clones share it; it is closed when the last is dropped.
///
/// ```
/// use sutra_grid_events::{Event, Filter, GridEvent, Store};
///
/// let directory = tempfile::tempdir().unwrap();
/// let store = Store::open(directory.path())?;
/// store.append(&[Event::from(GridEvent::NodeCrashed {
///     node_id: "node-abc".into(),
///     agent_id: "agent-001".into(),
///     exit_code: Some(137),
///     timestamp: chrono::Utc::now(),
/// })])?;
/// assert_eq!(store.count(&Filter::entity("agent-001"))?, 1);
/// store.close()?;
/// # Ok::<(), sutra_grid_events::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

/// Ends the threads when the last clone of a store is dropped.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

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

impl Store {
    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// The data directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared().directory.root
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.shared().config
    }

    /// The random number that tells this store from every other.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared().format.epoch
    }

    /// Whether the store was opened for reading.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.shared().read_only
    }

    /// Whether the store was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().closed.load(Ordering::Acquire)
    }

    /// The highest sequence number written.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.shared().durable.written()
    }

    /// The highest sequence number that is durable.
    #[must_use]
    pub fn durable_sequence(&self) -> u64 {
        self.shared().durable.durable()
    }

    /// Waits until everything written before is durable.
    ///
    /// # Errors
    /// If the disk refuses, or the store is closed meanwhile.
    pub fn flush(&self) -> Result<(), StoreError> {
        if self.is_read_only() {
            return Ok(());
        }
        self.shared().sync_foreign()?;
        self.shared().durable.flush()
    }

    /// Calls back once everything up to a sequence number is durable: at once if it is, else from another thread.
    pub(crate) fn when_durable(&self, sequence: u64, callback: Box<dyn FnOnce(Result<(), StoreError>) + Send>) {
        self.shared().durable.when(sequence, callback);
    }

    /// What can be read now. Costs the number of segments, not of events.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared().pieces().snapshot()
    }

    /// Lets retention remove events up to a sequence number, where the store was opened as a spool. Elsewhere it may
    /// remove all already.
    #[cfg(any(test, feature = "remote"))]
    pub(crate) fn allow_removal(&self, sequence: u64) {
        self.shared().removable.fetch_max(sequence, Ordering::AcqRel);
    }

    /// What was found damaged when the store was opened or sealed. Everything else can be read.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.shared().problems.lock().iter().map(ToString::to_string).collect()
    }

    /// Remembers the place of a named consumer, durably.
    ///
    /// # Errors
    /// If the store is not open for writing, or the disk refuses.
    pub fn save_cursor(&self, name: &str, cursor: Cursor) -> Result<(), StoreError> {
        self.shared().with_keyed(true, |keyed| keyed.put(Tree::Cursors, name, &cursor))
    }

    /// The place of a named consumer. A reader knows of it what the writer has published.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn cursor(&self, name: &str) -> Result<Option<Cursor>, StoreError> {
        let shared = self.shared();
        if shared.read_only {
            let mut published = read_published(&shared.directory.root, Tree::Cursors)?;
            return Ok(published.remove(name).and_then(|value| serde_json::from_value(value).ok()));
        }
        shared.with_keyed(false, |keyed| keyed.get(Tree::Cursors, name))
    }

    /// Seals the tail into a segment now, and waits for it.
    ///
    /// # Errors
    /// If the store is not open for writing, or the segment cannot be written.
    pub fn seal(&self) -> Result<(), StoreError> {
        let shared = self.shared();
        shared.check_writable()?;
        {
            let _writer = shared.writer.lock();
            if shared.pieces().active().is_some_and(|active| active.memory.read().len() > 0) {
                append::rotate(shared)?;
            }
        }
        shared.wait_sealed()
    }

    /// Removes the logs of sealed segments without waiting for their grace ([`SEALED_LOG_GRACE`]). For a
    /// bulk load, after which nobody copies the directory while it changes.
    ///
    /// # Errors
    /// If the store is not open for writing, or a log cannot be removed.
    pub fn remove_sealed_logs(&self) -> Result<(), StoreError> {
        self.shared().check_writable()?;
        sealer::remove_sealed_logs(self.shared())
    }

    /// Makes everything durable, seals a tail of more than [`SEAL_ON_CLOSE_EVENTS`], releases the lock.
    /// Every clone of the store is closed for writing by it; snapshots stay readable.
    ///
    /// # Errors
    /// If something could not be made durable. The store is closed all the same.
    pub fn close(self) -> Result<(), StoreError> {
        self.handle.close()
    }
}

impl Handle {
    fn close(&self) -> Result<(), StoreError> {
        let shared = &self.shared;
        if shared.read_only || shared.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let flush = || shared.sync_foreign().and_then(|()| shared.durable.flush());
        // After a sync that failed, the second attempt writes anew what the first could not make durable.
        let flushed = flush().or_else(|_| flush());
        let sealed = {
            let writer = shared.writer.lock();
            let large = |len: u32| len > SEAL_ON_CLOSE_EVENTS.min(shared.config.segment_events);
            if writer.is_some() && shared.pieces().active().is_some_and(|active| large(active.memory.read().len())) {
                append::rotate(shared).and_then(|()| shared.wait_sealed())
            } else {
                Ok(())
            }
        };
        let published = shared.close_keyed();
        self.end();
        flushed.and(sealed).and(published)
    }

    /// Ends the threads and releases the lock.
    fn end(&self) {
        let shared = &self.shared;
        shared.sealing.lock().stop = true;
        shared.sealing_changed.notify_all();
        shared.durable.stop();
        let here = std::thread::current().id();
        for thread in self.threads.lock().drain(..) {
            // The last clone may be dropped by a callback on one of these threads, which then ends by itself.
            if thread.thread().id() != here {
                let _ = thread.join();
            }
        }
        let writer = shared.writer.lock().take();
        if let Some(writer) = writer.filter(|_| shared.is_all_durable()) {
            writer.lock.note_left_well();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // What was written is with the operating system already; a sync that fails here has nobody to tell.
        let _ = self.close();
        self.end();
    }
}
