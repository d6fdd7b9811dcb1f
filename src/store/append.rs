//! Appending: events become rows of the active tail and one frame of its log.

use std::sync::Arc;

use super::config::{BATCH_BYTES_MAX, Durability, TAIL_BYTES_MAX, TAIL_GROWTH_MAX, WAITING_TAILS_MAX};
use super::directory::WriterLock;
use super::duplicates::KnownContents;
use super::pieces::{BeforeActive, Pieces, Tail};
use super::shared::Shared;
use super::{Appended, Store};
use crate::error::StoreError;
use crate::event::Event;
use crate::storage::StoredEvent;
use crate::storage::tail::{LogFile, LogHeader, TailMemory, put_batch};

/// Rows pushed while readers of the tail wait.
const PUSH_AT_ONCE: usize = 128;

/// How long it is waited for whoever appends, to start a log in place of one that could not be synced.
const WRITER_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// What only the appending thread needs.
pub(crate) struct Writer {
    frames: Vec<u8>,
    pub(super) known: KnownContents,
    /// Held until it is dropped.
    pub(super) lock: WriterLock,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(lock: WriterLock) -> Self {
        Self { frames: Vec::new(), known: KnownContents::default(), lock }
    }

    /// Appends events as batches; each batch is visible and recovered as a whole. Events are one batch
    /// unless they take more than [`BATCH_BYTES_MAX`]. Where ordinals are given, there is one for each event.
    pub(super) fn append(
        &mut self,
        shared: &Shared,
        events: &[Event],
        ordinals: Option<&[u32]>,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut outcomes = Vec::with_capacity(events.len());
        let (mut rest, mut rest_ordinals) = (events, ordinals.unwrap_or_default());
        while !rest.is_empty() {
            let mut bytes = 0;
            let length = rest.iter().take_while(|event| {
                let fits = bytes == 0 || bytes + event.memory_bytes() <= BATCH_BYTES_MAX;
                bytes += event.memory_bytes();
                fits
            });
            let (batch, behind) = rest.split_at(length.count().min(shared.config.segment_events as usize).max(1));
            let (given, given_behind) = rest_ordinals.split_at(batch.len().min(rest_ordinals.len()));
            self.append_batch(shared, batch, given, &mut outcomes)?;
            (rest, rest_ordinals) = (behind, given_behind);
        }
        Ok(outcomes)
    }

    fn append_batch(
        &mut self,
        shared: &Shared,
        batch: &[Event],
        ordinals: &[u32],
        outcomes: &mut Vec<Appended>,
    ) -> Result<(), StoreError> {
        let pieces = pieces_with_room(shared, batch.len())?;
        let Some(tail) = pieces.active() else { return Err(StoreError::Closed) };
        let Some(log) = &tail.log else { return Err(StoreError::Closed) };
        let older = BeforeActive(&pieces);
        let before = outcomes.len();
        let mut ordinals = ordinals.iter().copied();
        for some in batch.chunks(PUSH_AT_ONCE) {
            let mut memory = tail.memory.write();
            outcomes.extend(some.iter().map(|event| match memory.push(event, ordinals.next(), &older) {
                Ok(id) => Appended::Stored(id),
                Err(error) => Appended::Rejected(error),
            }));
        }
        let record = tail.memory.write().batch_record();
        if record.count == 0 {
            return Ok(());
        }
        self.frames.clear();
        let encoded = put_batch(&record, &mut self.frames);
        let written = encoded
            .map_err(|error| StoreError::damaged(log.path(), format!("a batch cannot be encoded: {error}")))
            .and_then(|()| log.append(&self.frames));
        let mut memory = tail.memory.write();
        if let Err(error) = written {
            memory.discard();
            outcomes.truncate(before);
            return Err(error);
        }
        memory.publish();
        drop(memory);
        shared.durable.note_written(record.last_sequence(), tail);
        Ok(())
    }
}

/// The pieces, once the active tail has room for a batch.
fn pieces_with_room(shared: &Shared, events: usize) -> Result<Arc<Pieces>, StoreError> {
    let limit = shared.config.segment_events as usize;
    loop {
        let pieces = shared.pieces();
        let Some(tail) = pieces.active() else { return Err(StoreError::Closed) };
        let (len, bytes) = {
            let memory = tail.memory.read();
            (memory.len() as usize, memory.bytes())
        };
        if len == 0 || (len + events <= limit && bytes < TAIL_BYTES_MAX) {
            return Ok(pieces);
        }
        if pieces.waiting() < WAITING_TAILS_MAX {
            rotate(shared)?;
        } else if len + events <= limit * TAIL_GROWTH_MAX && bytes < TAIL_BYTES_MAX * TAIL_GROWTH_MAX {
            // The sealer is behind: the tail grows meanwhile, so that nobody has to wait.
            return Ok(pieces);
        } else {
            let mut sealing = shared.sealing.lock();
            if let Some(reason) = &sealing.failure {
                return Err(StoreError::NotSealed { reason: reason.clone() });
            }
            if shared.pieces().waiting() >= WAITING_TAILS_MAX {
                shared.sealing_changed.wait_for(&mut sealing, std::time::Duration::from_millis(100));
            }
        }
    }
}

/// Starts a new log and tail; the one before waits to be sealed.
pub(super) fn rotate(shared: &Shared) -> Result<(), StoreError> {
    let pieces = shared.pieces();
    let Some(active) = pieces.active() else { return Err(StoreError::Closed) };
    let anchor = shared.sealing.lock().anchor;
    let tail = new_tail(shared, active.id + 1, active.next_sequence(), anchor)?;
    shared.change_pieces(|pieces| pieces.tails.push(Arc::new(tail)));
    let _sealing = shared.sealing.lock();
    shared.sealing_changed.notify_all();
    Ok(())
}

/// Makes durable what these tails hold, the oldest first, and what was learned.
///
/// A log whose sync failed before is not trusted any more: a new one is started, and what the tail holds becomes
/// durable in a segment.
pub(super) fn sync(shared: &Shared, tails: &[Arc<Tail>]) -> Result<(), StoreError> {
    for tail in tails {
        match &tail.log {
            Some(log) if log.has_failed() => {
                // Whoever appends may wait for the sealer, and that for this.
                let Some(writer) = shared.writer.try_lock_for(WRITER_WAIT) else {
                    let reason = format!(
                        "cannot sync {}, and whoever appends keeps it from being replaced",
                        log.path().display()
                    );
                    return Err(StoreError::NotDurable { reason });
                };
                if shared.pieces().active().is_some_and(|active| active.id == tail.id) {
                    rotate(shared)?;
                }
                drop(writer);
                shared.wait_sealed_for_sync()?;
            }
            Some(log) => log.sync()?,
            None => {}
        }
    }
    shared.sync_foreign()
}

/// A new log, and the empty tail that mirrors it.
pub(super) fn new_tail(
    shared: &Shared,
    id: u64,
    first_sequence: u64,
    anchor: crate::storage::chain::Anchor,
) -> Result<Tail, StoreError> {
    let header = LogHeader { epoch: shared.format.epoch, id, first_sequence, anchor };
    let log = LogFile::create(&shared.directory.tail, &header)?;
    Ok(Tail::new(id, TailMemory::new(first_sequence), Some(log)))
}

impl Store {
    /// Appends events as one batch. When it returns they are written: they survive the death of the
    /// process and every reader sees them. With [`Durability::Always`] they are durable too.
    ///
    /// There is one answer for each event, in their order: its id, or why it was rejected; a rejected
    /// event does not stop the others. Never [`Appended::Duplicate`].
    ///
    /// # Errors
    /// If the store is closed or open for reading only, or the disk refuses; nothing of the batch is stored then.
    pub fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.append_with(|writer, shared| {
            writer.known.forget();
            writer.append(shared, events, None)
        })
    }

    /// Appends those events that are not there yet. An event is there if one of the same type, the same
    /// time in µs and the same JSON is, in the store or earlier in `events`.
    ///
    /// # Errors
    /// As [`append`](Self::append), and if what is there cannot be read.
    pub fn append_new(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.append_with(|writer, shared| writer.append_new(shared, events))
    }

    /// Appends events of another store that are not there yet, as [`append_new`](Self::append_new) does, each under
    /// the id it had where that is free. If another event has it, the next free ordinal of that type and time is
    /// given; the answer says which. Sequence numbers are not kept.
    ///
    /// # Errors
    /// As [`append_new`](Self::append_new).
    pub fn append_kept(&self, events: &[StoredEvent]) -> Result<Vec<Appended>, StoreError> {
        self.append_with(|writer, shared| writer.append_kept(shared, events))
    }

    fn append_with(
        &self,
        append: impl FnOnce(&mut Writer, &Shared) -> Result<Vec<Appended>, StoreError>,
    ) -> Result<Vec<Appended>, StoreError> {
        let shared = self.shared();
        shared.check_writable()?;
        let outcomes = {
            let mut writer = shared.writer.lock();
            append(writer.as_mut().ok_or(StoreError::Closed)?, shared)?
        };
        if shared.config.durability == Durability::Always {
            shared.durable.flush()?;
        }
        Ok(outcomes)
    }
}
