//! Salvage: all that can be read of a damaged data directory, into a new healthy store.
//!
//! ```text
//! find (files by their first bytes) ─► slots, by id ─► piece (copy, or rebuild from copies and logs) ─► target
//!                                                    └► gaps of the sequence ─► losses ──────────────► kv.jsonl
//! ```
//!
//! The directory is never written: no lock is taken and sled is not opened. The new store keeps the epoch, and with it
//! segment ids, sequence numbers, concept ids and the chain. It is given its FORMAT file last, so that what an
//! interrupted salvage leaves behind is no store. One segment is in memory at a time.

mod beside;
mod find;
mod gaps;
mod piece;
mod report;
mod target;

use std::path::{Path, PathBuf};

pub use report::{PieceOutcome, SalvageReport, SalvagedPiece};

use super::verify::{VerifyOptions, verify};
use crate::error::StoreError;
use crate::storage::files;
use crate::store::Store;
use find::Finds;
use piece::Salvage;

/// What salvage is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SalvageOptions {
    /// The store whose parts are taken, by its epoch. By default that of the FORMAT file, or the one that most files
    /// say they belong to.
    pub epoch: Option<u64>,
    /// Whether the new store is taken as it is. Otherwise every byte of it is read and verified at the end.
    pub skip_verify: bool,
}

/// How far a salvage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SalvageProgress {
    /// Bytes of files that were dealt with.
    pub done_bytes: u64,
    /// Bytes of all files that were found.
    pub total_bytes: u64,
}

/// Why nothing could be salvaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SalvageError {
    /// The new store has no place.
    #[error("cannot salvage to {path}: {reason}", path = path.display())]
    Target {
        /// Where it was to be.
        path: PathBuf,
        /// What is in the way, and what to do.
        reason: String,
    },
    /// There is nothing of a store in the directory.
    #[error("{path} holds no segment and no log of a store; check the directory", path = path.display())]
    Nothing {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be read, or the new store not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings everything that can be read of the data directory `from`, damaged or not, into a new store at `to`, which
/// must be new or empty. `from` is not changed in any way. What is lost is in the report, and noted in the new store,
/// which is [verified](verify) at the end.
///
/// ```
/// use sutra_grid_events::forensics::{SalvageOptions, salvage};
/// use sutra_grid_events::{Event, Store};
///
/// let directory = tempfile::tempdir()?;
/// let (damaged, healthy) = (directory.path().join("damaged"), directory.path().join("healthy"));
/// let store = Store::open(&damaged)?;
/// store.append(&[Event::from_json(r#"{"event_type":"a","timestamp":"2026-11-24T08:00:00Z"}"#)?])?;
/// store.close()?;
/// std::fs::remove_file(damaged.join("FORMAT"))?;
///
/// let report = salvage(&damaged, &healthy, &SalvageOptions::default(), &mut |_| {})?;
/// assert_eq!((report.events, report.losses.len()), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If `to` cannot become a store, `from` cannot be listed or holds nothing of a store, or the disk refuses. Files that
/// cannot be read are no error.
pub fn salvage(
    from: &Path,
    to: &Path,
    options: &SalvageOptions,
    progress: &mut dyn FnMut(SalvageProgress),
) -> Result<SalvageReport, SalvageError> {
    if !from.is_dir() {
        return Err(StoreError::Missing { path: from.to_owned() }.into());
    }
    check_target(from, to)?;
    let finds = Finds::below(from, options.epoch)?;
    let Some(epoch) = finds.epoch else { return Err(SalvageError::Nothing { path: from.to_owned() }) };
    let mut work = Salvage::new(from, to, epoch)?;
    work.run(finds, progress)?;
    let mut report = work.finish()?;
    // What was written is read again by the same way as anyone will read it.
    let store = Store::open_read_only(to)?;
    report.events = store.stats()?.events;
    report.problems = match options.skip_verify {
        true => store.problems(),
        false => verify(to, &VerifyOptions::default(), &|_| {})?.problems(),
    };
    Ok(report)
}

/// Refuses a place that holds something, or lies in the directory that must not change.
fn check_target(from: &Path, to: &Path) -> Result<(), SalvageError> {
    let refuse = |reason: &str| Err(SalvageError::Target { path: to.to_owned(), reason: reason.to_owned() });
    let real_from = from.canonicalize().map_err(StoreError::io("resolve", from))?;
    // What is not there yet lies where the nearest directory above it does.
    let absolute = std::path::absolute(to).map_err(StoreError::io("resolve", to))?;
    let above = absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let real_above = above.canonicalize().map_err(StoreError::io("resolve", above))?;
    if real_above.starts_with(&real_from) || absolute.starts_with(&real_from) {
        return refuse("it lies in the directory that is salvaged; give another place");
    }
    if std::fs::symlink_metadata(to).is_ok() {
        if !to.is_dir() {
            return refuse("it is no directory; give a new or empty one");
        }
        if !files::entries(to)?.is_empty() {
            return refuse(
                "it is not empty; give a new or empty directory (or remove what an interrupted salvage left)",
            );
        }
    }
    Ok(())
}
