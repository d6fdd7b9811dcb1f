//! What can go wrong with a backup.

use std::path::PathBuf;

use super::manifest::{MANIFEST_FILE, UNFINISHED_FILE};
use crate::error::StoreError;

/// Why a backup could not be made or restored. Every message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place for the files holds something else.
    #[error("{path} is not empty and {reason}; give a new or empty directory", path = path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
        /// What is there.
        reason: String,
    },
    /// One of the directories lies in the other.
    #[error("{path} lies in {outer} or around it; give a directory beside it", path = path.display(), outer = outer.display())]
    Inside {
        /// The place for the files.
        path: PathBuf,
        /// Where the files come from.
        outer: PathBuf,
    },
    /// It is no backup at all.
    #[error("{path} has no {MANIFEST_FILE} file, so it is no backup; read a plain copy of a data directory as it is, or take what can be read with `grid-events salvage`", path = path.display())]
    NotABackup {
        /// The directory.
        path: PathBuf,
    },
    /// It was being made when it was interrupted.
    #[error("the backup in {path} was not finished (it has {UNFINISHED_FILE}): {reason}; make it again, or take what can be read with `grid-events salvage`", path = path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The manifest cannot be used.
    #[error("{path} cannot be used: {reason}; use another backup, or take what can be read with `grid-events salvage`", path = path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is not what the manifest says.
    #[error("{path} is not what its backup was made of: {reason}; use another backup, or take what can be read with `grid-events salvage`", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The backup is one of another store.
    #[error("{path} is a backup of another store (epoch {found}, this store has {expected}); give another directory", path = path.display())]
    OtherStore {
        /// The backup.
        path: PathBuf,
        /// The epoch of the store it was made of.
        found: String,
        /// The epoch of the store to back up.
        expected: String,
    },
    /// The backup holds events that the store never had, or has no more.
    #[error("{path} holds what the store does not: {reason}; give a new directory, or let go of it with --mirror", path = path.display())]
    OtherHistory {
        /// The backup.
        path: PathBuf,
        /// Where they part.
        reason: String,
    },
}
