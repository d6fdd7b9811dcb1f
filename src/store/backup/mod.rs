//! Backup: a second data directory with all that a store holds, made while the store is written to.
//!
//! ```text
//! source ─► logs, then segments ─► foreign.log, kv.jsonl ─► FORMAT ─► hashed, opened, counted ─► BACKUP
//!              │            │
//!              whole frames  copied | linked to an older backup | there already
//! ```
//!
//! Nothing is locked in the source, so that this works from any process. A log that is sealed meanwhile is found as a
//! segment; what vanishes makes everything be listed again. In the place of the backup, new segments come first and
//! disturb nothing; only then, within an instant, the rest is renamed over what was there. BACKUP is written last.

mod copy;
mod error;
mod manifest;
mod place;
mod run;
mod segments;

use std::path::{Path, PathBuf};

pub use error::BackupError;
pub use manifest::{BackupFile, BackupManifest};

pub(crate) use copy::{copy, hash, rename, temporary};
pub(crate) use manifest::{MANIFEST_FILE, UNFINISHED_FILE};
pub(crate) use place::check_apart;

use super::Store;

/// How a backup is made.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct BackupOptions<'a> {
    /// An older backup of the same store: segments that are there already are linked to it, and take no space.
    pub previous: Option<&'a Path>,
    /// Let go of what the backup has and the store has no more. Without it, segments that retention removed stay.
    pub mirror: bool,
    /// Whether [`forensics::backup`](crate::forensics::backup) takes what was copied as it is. Otherwise it verifies
    /// all of it at the end. [`Store::backup`] never does.
    pub skip_verify: bool,
    /// Told how many bytes of how many are done. How many there are is known about.
    pub progress: Option<&'a dyn Fn(u64, u64)>,
}

impl std::fmt::Debug for BackupOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackupOptions")
            .field("previous", &self.previous)
            .field("mirror", &self.mirror)
            .finish_non_exhaustive()
    }
}

/// Files and how long they are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCount {
    /// How many.
    pub files: u64,
    /// How long they are together, in bytes.
    pub bytes: u64,
}

impl FileCount {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What a backup holds and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: BackupManifest,
    /// Files that were copied.
    pub copied: FileCount,
    /// Segments that were linked to those of an older backup.
    pub linked: FileCount,
    /// Segments that were there already.
    pub kept: FileCount,
    /// Logs that became segments, and what else the store has no more.
    pub removed: FileCount,
    /// Segments and logs that only the backup has: retention removed them from the store.
    pub only_here: FileCount,
    /// When cursors, removals, losses and origins were published by the writer, in µs: they are as they were then.
    /// Nothing if the store has none.
    pub keyed_published_us: Option<i64>,
    /// What was found damaged in the store; it was copied as it is. With it what verify says of the backup, if it was
    /// asked.
    pub problems: Vec<String>,
}

impl Store {
    /// Makes a backup: a data directory of its own that any reading command opens, with a BACKUP file that says what
    /// it holds. All that was appended before the call is in it, and perhaps some of what is appended meanwhile,
    /// which goes on. A directory that holds an earlier backup of the same store is brought up to date.
    ///
    /// A store that is open for reading is copied as it is now, with what its writer published last of cursors,
    /// removals, losses and origins.
    ///
    /// Reads all segments that are copied or were there before; everything that was copied is read back and checked.
    /// Whether the store itself is whole is told by [`verify`](crate::forensics::verify), on the backup too.
    ///
    /// ```
    /// use sutra_grid_events::store::BackupOptions;
    /// use sutra_grid_events::{DynamicEvent, Event, Store};
    ///
    /// let directory = tempfile::tempdir().unwrap();
    /// let store = Store::open(directory.path().join("store"))?;
    /// store.append(&[Event::from(DynamicEvent::new("disk_full", chrono::Utc::now()).unwrap())])?;
    /// let report = store.backup(&directory.path().join("copy"), &BackupOptions::default()).unwrap();
    /// assert_eq!(report.manifest.events, 1);
    /// assert_eq!(Store::open_read_only(directory.path().join("copy"))?.sequence(), 1);
    /// # Ok::<(), sutra_grid_events::StoreError>(())
    /// ```
    ///
    /// # Errors
    /// If the directory holds something else, or a backup of another store, or one with events that this store does
    /// not have; if the store is closed; if a file cannot be read or written, or is not what was copied. What was
    /// there before is then still usable, or known to be unfinished.
    pub fn backup(&self, to: &Path, options: &BackupOptions<'_>) -> Result<BackupReport, BackupError> {
        let shared = self.shared();
        if !shared.read_only {
            shared.check_writable()?;
            self.flush()?;
        }
        let publish = || if shared.read_only { Ok(()) } else { shared.publish_keyed() };
        run::run(&shared.directory, shared.format.epoch, self.sequence(), to, options, &publish)
    }
}
