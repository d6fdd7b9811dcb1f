//! What was learned and is no event: records of concepts and associations, in a log beside the events.
//!
//! The store keeps them and gives them back in the order in which they were learned; what they mean is
//! known to [`graph`](crate::graph), which keeps an index of them by reading what is new.

use super::Store;
use super::config::Durability;
use super::shared::Shared;
use crate::error::StoreError;
use crate::storage::files::FOREIGN_FILE;
use crate::storage::foreign::{ForeignLog, ForeignView};
use crate::storage::medium;
use crate::storage::{ForeignPlace, ForeignRecord};

/// The log of foreign records, opened when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct ForeignPart {
    /// Of a store that is open for writing.
    log: Option<ForeignLog>,
    /// Whether it was looked for already.
    looked: bool,
    /// Of a store that is open for reading: what was found last.
    found: Option<ForeignView>,
}

impl Shared {
    /// Opens the log if there is one and it is not open.
    fn look_for_foreign(&self, part: &mut ForeignPart) -> Result<(), StoreError> {
        if part.looked {
            return Ok(());
        }
        if let Some((log, damaged_bytes)) = ForeignLog::open(&self.directory.root)? {
            if damaged_bytes > 0 {
                let path = self.directory.root.join(FOREIGN_FILE);
                let problem = StoreError::damaged(&path, format!("{damaged_bytes} bytes of it cannot be read"));
                self.note_problem(Err(problem));
            }
            part.log = Some(log);
        }
        part.looked = true;
        Ok(())
    }

    /// Whether nothing that was written could be lost by a power cut.
    pub(super) fn is_all_durable(&self) -> bool {
        let foreign_pending = self.foreign.lock().log.as_ref().map_or(0, ForeignLog::pending);
        foreign_pending == 0 && self.durable.durable() == self.durable.written()
    }

    fn foreign_view(&self) -> Result<Option<ForeignView>, StoreError> {
        let mut part = self.foreign.lock();
        if self.read_only {
            part.found = Some(ForeignView::of_other(&self.directory.root, part.found.as_ref())?);
            return Ok(part.found.clone());
        }
        self.look_for_foreign(&mut part)?;
        Ok(part.log.as_ref().map(ForeignLog::view))
    }

    /// Makes foreign records durable that are not yet. Learning goes on meanwhile.
    pub(super) fn sync_foreign(&self) -> Result<(), StoreError> {
        let to_sync = match &mut self.foreign.lock().log {
            Some(log) => {
                log.replace_failed()?;
                log.to_sync()
            }
            None => None,
        };
        let Some((file, written)) = to_sync else { return Ok(()) };
        let path = self.directory.root.join(FOREIGN_FILE);
        let synced = medium::sync(&file, &path).map_err(StoreError::io("sync", &path));
        if let Some(log) = &mut self.foreign.lock().log {
            if synced.is_ok() { log.note_synced(written) } else { log.note_failed() }
        }
        synced
    }
}

impl Store {
    /// Keeps records of foreign concepts and associations. When it returns they are written: they survive the
    /// death of the process. They become durable as events do.
    ///
    /// # Errors
    /// If the store is closed or open for reading only, a record is too large, or the disk refuses; no record is
    /// kept then. [`StoreError::NotDurable`] if they are kept and cannot be made durable.
    pub fn learn_foreign(&self, records: &[ForeignRecord]) -> Result<(), StoreError> {
        let shared = self.shared();
        shared.check_writable()?;
        if records.is_empty() {
            return Ok(());
        }
        {
            let mut part = shared.foreign.lock();
            shared.look_for_foreign(&mut part)?;
            let log = match &mut part.log {
                Some(log) => log,
                none => none.insert(ForeignLog::create(&shared.directory.root, shared.format.epoch)?),
            };
            log.append(records)?;
        }
        if shared.config.durability == Durability::Always {
            shared.sync_foreign().map_err(|error| StoreError::NotDurable { reason: error.to_string() })?;
        } else {
            shared.durable.note_foreign();
        }
        Ok(())
    }

    /// Up to where foreign records were written. In a store that is open for reading the last of them may still
    /// be in the course of being written.
    ///
    /// # Errors
    /// If the log cannot be opened.
    pub fn foreign_end(&self) -> Result<ForeignPlace, StoreError> {
        Ok(self.shared().foreign_view()?.map_or_else(ForeignPlace::default, |view| view.end))
    }

    /// Visits foreign records with their places, in the order in which they were learned, from a place on that
    /// this gave before or from the beginning. The answer is the place to go on from. Later records replace
    /// earlier ones of the same id, or of the same ends and kind. Where the log was written anew since the place
    /// was given (its generation is another), nothing is visited: begin at `ForeignPlace { offset: 0, ..answer }`.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn foreign_since(
        &self,
        from: ForeignPlace,
        visitor: &mut dyn FnMut(ForeignPlace, ForeignRecord),
    ) -> Result<ForeignPlace, StoreError> {
        match self.shared().foreign_view()? {
            None => Ok(ForeignPlace::default()),
            Some(view) if view.end.generation != from.generation => Ok(ForeignPlace { offset: 0, ..view.end }),
            Some(view) => view.since(from, visitor),
        }
    }

    /// The foreign record at a place; nothing if the log was written anew since.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn foreign_at(&self, place: ForeignPlace) -> Result<Option<ForeignRecord>, StoreError> {
        match self.shared().foreign_view()? {
            Some(view) => view.at(place),
            None => Ok(None),
        }
    }

    /// How many foreign records are written and not durable yet.
    #[must_use]
    pub fn foreign_pending(&self) -> u64 {
        self.shared().foreign.lock().log.as_ref().map_or(0, ForeignLog::pending)
    }
}
