//! What the handles and threads of one store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use super::append::Writer;
use super::config::StoreConfig;
use super::directory::{Directory, Format};
use super::durable::Durable;
use super::foreign::ForeignPart;
use super::pieces::Pieces;
use super::record::KnownRecord;
use super::retention::Tried;
use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::keyed::Keyed;
use crate::storage::segment::SegmentCache;

/// The state of one open store.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: Directory,
    pub(crate) format: Format,
    pub(crate) config: StoreConfig,
    pub(crate) cache: Arc<SegmentCache>,
    pieces: RwLock<Arc<Pieces>>,
    pub(crate) durable: Durable,
    /// Held by whoever appends; nothing in a store that is open for reading.
    pub(crate) writer: Mutex<Option<Writer>>,
    pub(crate) sealing: Mutex<Sealing>,
    /// Wakes the sealer, and those who wait for it.
    pub(crate) sealing_changed: Condvar,
    pub(crate) problems: Mutex<Vec<StoreError>>,
    pub(crate) keyed: Mutex<KeyedPart>,
    pub(crate) foreign: Mutex<ForeignPart>,
    pub(crate) known_record: Mutex<Option<KnownRecord>>,
    pub(crate) read_only: bool,
    pub(crate) closed: AtomicBool,
    /// Retention removes nothing behind this sequence number.
    pub(crate) removable: AtomicU64,
    /// Whether the events are kept only until they reached another store.
    pub(crate) is_spool: bool,
    /// Held by whoever removes events.
    pub(crate) retaining: Mutex<Tried>,
}

/// What the sealer is told and tells.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    pub(crate) stop: bool,
    /// The chain after the last segment.
    pub(crate) anchor: Anchor,
    /// Why the last attempt failed, until one succeeds.
    pub(crate) failure: Option<String>,
    /// Whether the sealer waits until what it noted is durable. Whoever makes it so must not wait for the sealer then.
    pub(crate) awaits_durable: bool,
}

/// The keyed part, opened when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct KeyedPart {
    open: Option<Keyed>,
    /// Whether something changed since it was published.
    changed: bool,
    closed: bool,
}

impl Shared {
    pub(crate) fn new(
        directory: Directory,
        format: Format,
        config: StoreConfig,
        cache: Arc<SegmentCache>,
        pieces: Pieces,
        sequence: u64,
        read_only: bool,
    ) -> Self {
        Self {
            directory,
            format,
            config,
            cache,
            pieces: RwLock::new(Arc::new(pieces)),
            durable: Durable::new(sequence),
            writer: Mutex::new(None),
            sealing: Mutex::new(Sealing::default()),
            sealing_changed: Condvar::new(),
            problems: Mutex::new(Vec::new()),
            keyed: Mutex::new(KeyedPart::default()),
            foreign: Mutex::new(ForeignPart::default()),
            known_record: Mutex::new(None),
            read_only,
            closed: AtomicBool::new(false),
            removable: AtomicU64::new(u64::MAX),
            is_spool: false,
            retaining: Mutex::new(Tried::default()),
        }
    }

    /// The pieces now. The lock is held for an instant only.
    pub(crate) fn pieces(&self) -> Arc<Pieces> {
        Arc::clone(&self.pieces.read())
    }

    /// Replaces the list of pieces by a changed one.
    pub(crate) fn change_pieces<T>(&self, change: impl FnOnce(&mut Pieces) -> T) -> T {
        let mut pieces = self.pieces.write();
        let mut changed = Pieces::clone(&pieces);
        let result = change(&mut changed);
        *pieces = Arc::new(changed);
        result
    }

    /// Keeps what went wrong in the background. Whether all went well.
    pub(crate) fn note_problem(&self, result: Result<(), StoreError>) -> bool {
        result.map_err(|problem| self.problems.lock().push(problem)).is_ok()
    }

    /// Waits until no tail waits to be sealed.
    pub(crate) fn wait_sealed(&self) -> Result<(), StoreError> {
        self.wait_sealed_unless(|_| None)
    }

    /// As [`wait_sealed`](Self::wait_sealed), unless the sealer itself waits for what is written to become durable.
    pub(crate) fn wait_sealed_for_sync(&self) -> Result<(), StoreError> {
        let reason = || "a log could not be synced, and its segment is not written yet".to_owned();
        self.wait_sealed_unless(|sealing| sealing.awaits_durable.then(|| StoreError::NotDurable { reason: reason() }))
    }

    fn wait_sealed_unless(&self, refused: impl Fn(&Sealing) -> Option<StoreError>) -> Result<(), StoreError> {
        let mut sealing = self.sealing.lock();
        if sealing.failure.take().is_some() {
            // Whoever asks anew wants another attempt, and not the outcome of the last one.
            self.sealing_changed.notify_all();
        }
        while self.pieces().waiting() > 0 {
            if let Some(reason) = &sealing.failure {
                return Err(StoreError::NotSealed { reason: reason.clone() });
            }
            if sealing.stop {
                return Err(StoreError::Closed);
            }
            if let Some(error) = refused(&sealing) {
                return Err(error);
            }
            self.sealing_changed.wait_for(&mut sealing, std::time::Duration::from_millis(50));
        }
        Ok(())
    }

    pub(crate) fn check_writable(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.directory.root.clone() });
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    /// Works on the keyed part, opening it first if need be.
    pub(crate) fn with_keyed<T>(
        &self,
        changes: bool,
        work: impl FnOnce(&Keyed) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.directory.root.clone() });
        }
        let mut part = self.keyed.lock();
        if part.closed {
            return Err(StoreError::Closed);
        }
        if part.open.is_none() {
            let (keyed, problem) = Keyed::open(&self.directory.root)?;
            part.open = Some(keyed);
            self.note_problem(problem.map_or(Ok(()), Err));
        }
        part.changed |= changes;
        part.open.as_ref().map_or(Err(StoreError::Closed), work)
    }

    /// Publishes the keyed part for readers, if it changed.
    pub(crate) fn publish_keyed(&self) -> Result<(), StoreError> {
        let mut part = self.keyed.lock();
        if let (true, Some(keyed)) = (part.changed, &part.open) {
            keyed.publish()?;
            part.changed = false;
        }
        Ok(())
    }

    /// Closes the keyed part, after publishing it.
    pub(crate) fn close_keyed(&self) -> Result<(), StoreError> {
        let published = self.publish_keyed();
        let mut part = self.keyed.lock();
        part.closed = true;
        part.open = None;
        published
    }
}
