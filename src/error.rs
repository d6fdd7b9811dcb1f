//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};

use crate::event::EventError;

/// Why a store could not do what was asked. Every message names the file or directory and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, such as `open`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process writes to the store.
    #[error("{path} is being written by {holder}; stop it, or read the store with a reading command, which needs no lock", path = path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Who holds the lock, as the lock file says.
        holder: String,
    },
    /// The directory is there but holds something else.
    #[error("{path} is not a sutra-grid-events store: {reason}; give an empty or new directory, or the right one", path = path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The directory holds events, and the file is gone that says which store they are of.
    #[error("{path} holds events and no FORMAT file; put that back, or run `grid-events salvage`, which goes without", path = path.display())]
    WithoutFormat {
        /// The directory.
        path: PathBuf,
    },
    /// There is nothing to read.
    #[error("there is no store at {path}; check --dir, or record something first", path = path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The store was written by a newer version of this crate.
    #[error("{path} has format version {found}, this program reads up to {supported}; use a newer grid-events", path = path.display())]
    NewerFormat {
        /// The file or directory.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
    },
    /// Bytes on disk are not what was written.
    #[error("{path} is damaged: {reason}; copy the data directory first, then `grid-events verify` says what is lost, and `grid-events salvage` saves the rest", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit, and where.
        reason: String,
    },
    /// A write was asked of a store that was opened to be read.
    #[error("the store at {path} is open for reading only; open it for writing, which only one process can", path = path.display())]
    ReadOnly {
        /// The data directory.
        path: PathBuf,
    },
    /// What was written could not be made durable. It stays written, and is tried again.
    #[error("written, but not durable: {reason}")]
    NotDurable {
        /// What went wrong.
        reason: String,
    },
    /// Tails wait to be sealed and cannot be, so that no more can be appended.
    #[error("the tail is full and cannot be sealed: {reason}")]
    NotSealed {
        /// What went wrong.
        reason: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// An event was not accepted.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A cursor belongs to another store.
    #[error("the cursor belongs to another store (epoch {found:016x}, this store has {expected:016x})")]
    ForeignCursor {
        /// The epoch of the cursor.
        found: u64,
        /// The epoch of the store.
        expected: u64,
    },
}

impl StoreError {
    /// An I/O error with what was tried and where.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| StoreError::Io { action, path, source }
    }

    /// Whether a part of a file cannot be read, or is not what was written, so that reading can go on elsewhere. A file
    /// that is gone or may not be opened is another matter.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, StoreError::Damaged { .. } | StoreError::Io { action: "read", .. })
    }

    /// Whether it is damage of this file.
    pub(crate) fn is_about(&self, file: &Path) -> bool {
        matches!(self, StoreError::Damaged { path, .. } if path == file)
    }

    /// Damage found in a file.
    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        StoreError::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
