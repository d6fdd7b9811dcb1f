//! The log of foreign records: appended to by one process, read by any.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{self, HEADER_BYTES, LogIdentity, Stretch};
use super::{ForeignPlace, ForeignRecord};
use crate::error::StoreError;
use crate::storage::files::{self, FOREIGN_FILE};
use crate::storage::medium;

/// A smaller log is not rewritten, in bytes.
const REWRITE_BYTES_MIN: u64 = 1 << 20;

/// What tells one record from another: only the last of a key holds.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Concept(String),
    Association(String, String, u32),
}

impl Key {
    fn of(record: &ForeignRecord) -> Self {
        match record {
            ForeignRecord::Concept(concept) => Key::Concept(concept.id.clone()),
            ForeignRecord::Association(association) => {
                Key::Association(association.source.clone(), association.target.clone(), association.code)
            }
        }
    }
}

/// What can be read of a log: an open file up to an end. Reading it takes no lock.
#[derive(Debug, Clone)]
pub(crate) struct ForeignView {
    path: PathBuf,
    file: Option<Arc<File>>,
    epoch: u64,
    /// Up to where whole frames are known to be, or the length of the file where another process writes it.
    pub(crate) end: ForeignPlace,
}

impl ForeignView {
    /// Visits the records from a place of this generation on. The answer is where they end.
    pub(crate) fn since(
        &self,
        from: ForeignPlace,
        visitor: &mut dyn FnMut(ForeignPlace, ForeignRecord),
    ) -> Result<ForeignPlace, StoreError> {
        let Some(file) = &self.file else { return Ok(self.end) };
        let stretch = self.stretch(file, from.offset.max(HEADER_BYTES));
        let scanned = frame::scan(stretch, &mut |offset, record| visitor(ForeignPlace { offset, ..self.end }, record))
            .map_err(StoreError::io("read", &self.path))?;
        Ok(ForeignPlace { offset: scanned.whole_end, ..self.end })
    }

    /// The record at a place; nothing if that is of another generation.
    pub(crate) fn at(&self, place: ForeignPlace) -> Result<Option<ForeignRecord>, StoreError> {
        match &self.file {
            Some(file) if place.generation == self.end.generation => {
                frame::read_record(self.stretch(file, place.offset)).map_err(StoreError::io("read", &self.path))
            }
            _ => Ok(None),
        }
    }

    fn stretch<'a>(&self, file: &'a File, at: u64) -> Stretch<'a> {
        Stretch { file, epoch: self.epoch, at, end: self.end.offset }
    }

    /// What another process has written by now; goes on with the file of an earlier view if it is the same.
    pub(crate) fn of_other(store: &Path, earlier: Option<&ForeignView>) -> Result<Self, StoreError> {
        let path = store.join(FOREIGN_FILE);
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path, file: None, epoch: 0, end: ForeignPlace::default() });
            }
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        if let Some(earlier) = earlier
            && let Some(file) = &earlier.file
            && file.metadata().is_ok_and(|known| (known.ino(), known.dev()) == (metadata.ino(), metadata.dev()))
        {
            let end = ForeignPlace { offset: metadata.len(), ..earlier.end };
            return Ok(Self { end, ..earlier.clone() });
        }
        let file = files::open_to_read(&path).map_err(StoreError::io("open", &path))?;
        let LogIdentity { epoch, generation } = frame::read_header(&file, &path)?;
        let offset = file.metadata().map_err(StoreError::io("read", &path))?.len();
        Ok(Self { path, file: Some(Arc::new(file)), epoch, end: ForeignPlace { generation, offset } })
    }
}

/// The log, open for writing.
#[derive(Debug)]
pub(crate) struct ForeignLog {
    path: PathBuf,
    file: Arc<File>,
    epoch: u64,
    end: ForeignPlace,
    written: u64,
    durable: u64,
    /// Whether a sync failed. The system may have given up what was not durable then, and a later sync that
    /// succeeds says nothing of it.
    failed: bool,
}

impl ForeignLog {
    /// Opens the log of a store, if it has one; with how many bytes of it are damaged.
    pub(crate) fn open(store: &Path) -> Result<Option<(Self, u64)>, StoreError> {
        let path = store.join(FOREIGN_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let log = Self::open_file(path)?;
        let mut last: HashMap<Key, u64> = HashMap::new();
        let mut records = 0;
        let view = log.view();
        let scanned = frame::scan(view.stretch(&log.file, HEADER_BYTES), &mut |offset, record| {
            records += 1;
            last.insert(Key::of(&record), offset);
        })
        .map_err(StoreError::io("read", &log.path))?;
        if scanned.damaged_bytes == 0 && scanned.whole_end > REWRITE_BYTES_MIN && (last.len() as u64) < records / 2 {
            let mut places: Vec<u64> = last.into_values().collect();
            places.sort_unstable();
            return Ok(Some((Self::rewrite(&view, &places)?, 0)));
        }
        // What is torn was not acknowledged.
        medium::set_length(&log.file, &log.path, scanned.whole_end).map_err(StoreError::io("truncate", &log.path))?;
        let end = ForeignPlace { offset: scanned.whole_end, ..log.end };
        Ok(Some((Self { end, ..log }, scanned.damaged_bytes)))
    }

    /// Starts the log of a store, durably.
    pub(crate) fn create(store: &Path, epoch: u64) -> Result<Self, StoreError> {
        let path = store.join(FOREIGN_FILE);
        files::write_durably(&path, &frame::header(LogIdentity { epoch, generation: 1 }))?;
        Self::open_file(path)
    }

    fn open_file(path: PathBuf) -> Result<Self, StoreError> {
        let file = files::private().read(true).create(false).open(&path).map_err(StoreError::io("open", &path))?;
        let LogIdentity { epoch, generation } = frame::read_header(&file, &path)?;
        let offset = file.metadata().map_err(StoreError::io("read", &path))?.len();
        let end = ForeignPlace { generation, offset };
        Ok(Self { path, file: Arc::new(file), epoch, end, written: 0, durable: 0, failed: false })
    }

    /// Writes the records at these places anew, under the next generation.
    fn rewrite(view: &ForeignView, places: &[u64]) -> Result<Self, StoreError> {
        let identity = LogIdentity { epoch: view.epoch, generation: view.end.generation.saturating_add(1) };
        let mut bytes = frame::header(identity);
        for &offset in places {
            if let Some(record) = view.at(ForeignPlace { offset, ..view.end })? {
                frame::put_record(&record, view.epoch, 0, &mut bytes).map_err(StoreError::io("write", &view.path))?;
            }
        }
        files::write_durably(&view.path, &bytes)?;
        Self::open_file(view.path.clone())
    }

    /// Appends records with one write. If it fails, the log is as it was before.
    pub(crate) fn append(&mut self, records: &[ForeignRecord]) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for record in records {
            frame::put_record(record, self.epoch, self.end.offset, &mut bytes)
                .map_err(StoreError::io("write", &self.path))?;
        }
        if let Err(error) = medium::write_at(&self.file, &self.path, &bytes, self.end.offset) {
            // A reader takes what is left of it for a torn end either way.
            let _ = medium::set_length(&self.file, &self.path, self.end.offset);
            return Err(StoreError::io("write", &self.path)(error));
        }
        self.end.offset += bytes.len() as u64;
        self.written += records.len() as u64;
        Ok(())
    }

    /// What can be read now.
    pub(crate) fn view(&self) -> ForeignView {
        ForeignView { path: self.path.clone(), file: Some(Arc::clone(&self.file)), epoch: self.epoch, end: self.end }
    }

    /// How many records are not durable yet.
    pub(crate) fn pending(&self) -> u64 {
        self.written - self.durable
    }

    /// The file to sync and the count of records that are durable then; nothing if all are.
    pub(crate) fn to_sync(&self) -> Option<(Arc<File>, u64)> {
        (self.pending() > 0).then(|| (Arc::clone(&self.file), self.written))
    }

    /// Notes that a sync failed.
    pub(crate) fn note_failed(&mut self) {
        self.failed = true;
    }

    /// Writes a log whose sync failed anew, durably; its records keep their places. No effect on any other.
    pub(crate) fn replace_failed(&mut self) -> Result<(), StoreError> {
        if !self.failed {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(self.end.offset).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, 0).map_err(StoreError::io("read", &self.path))?;
        files::write_durably(&self.path, &bytes)?;
        let replaced = Self::open_file(self.path.clone())?;
        *self = Self { written: self.written, durable: self.written, ..replaced };
        Ok(())
    }

    /// Notes that the file was synced when it held this many records.
    pub(crate) fn note_synced(&mut self, written: u64) {
        self.durable = self.durable.max(written);
    }
}
