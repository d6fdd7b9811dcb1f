//! Merge: the stores of several masters become one.
//!
//! ```text
//! A ─► events by time ─┐  the store whose next event is the earliest
//! B ─► events by time ─┼─► a batch of it ─► kept ids, no event twice ─► C ─► where they came from
//! … ─► events by time ─┘
//! ```
//!
//! What is in C already is found by its content, so that a merge that was interrupted, or is run again with more
//! stores, adds only what is new. The sources are read only.

mod events;
mod notes;

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::store::backup::check_apart;
use crate::store::{BackupError, Store, StoreConfig};

/// Why stores could not be merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output lies in one of the stores, or the other way round.
    #[error("{path} lies in {outer} or around it; give a directory beside it", path = path.display(), outer = outer.display())]
    Inside {
        /// The output.
        path: PathBuf,
        /// The store.
        outer: PathBuf,
    },
    /// The output is a store with events of its own.
    #[error("{path} is a store that no merge has made; give a new directory, or one that a merge has made", path = path.display())]
    NotMerged {
        /// The output.
        path: PathBuf,
    },
    /// The output is one of the stores, or a copy of it.
    #[error("{path} is a copy of {other}: both have one epoch; give a new directory", path = path.display(), other = other.display())]
    SameStore {
        /// The output.
        path: PathBuf,
        /// The store.
        other: PathBuf,
    },
}

/// What became of one store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MergedSource {
    /// Where it is: what its events are labelled with.
    pub label: String,
    /// The random number that tells it from other stores.
    pub epoch: u64,
    /// Events that could be read.
    pub read: u64,
    /// Events that are now in the output and were not.
    pub stored: u64,
    /// Events that were there already, from another store or an earlier merge.
    pub duplicates: u64,
    /// Events whose id another event of the output has, so that they have the next one that was free.
    pub renamed: u64,
    /// Events that could not be read. Those of files that could not be opened at all are not among them.
    pub unreadable: u64,
    /// Events that the output did not accept.
    pub rejected: u64,
    /// Foreign concepts and associations that are new, or newer, in the output.
    pub foreign: u64,
    /// What is damaged.
    pub problems: Vec<String>,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MergeReport {
    /// The stores, in the order in which they were given.
    pub sources: Vec<MergedSource>,
    /// Losses and removals of the stores that the output knows of now and did not.
    pub losses: u64,
    /// How many events the output holds.
    pub events: u64,
}

/// Merges stores into one that is new or was made by a merge before. Of each event that is in several of them (same
/// type, same time in µs, same JSON) there is one. An event keeps its id if no other has it. Of foreign concepts and
/// associations the one that was learned last holds. What the stores lost becomes known as lost.
///
/// Memory is bounded by the blocks of the stores that overlap in time, by a batch, and by the keys of the foreign
/// records. `progress` is told how many events of how many were read.
///
/// # Errors
/// If a store cannot be opened, or the output cannot be written or is something else. What is damaged in a store is
/// passed over and told.
pub fn merge(sources: &[PathBuf], output: &Path, progress: &dyn Fn(u64, u64)) -> Result<MergeReport, MergeError> {
    let mut stores = Vec::new();
    for path in sources {
        check_apart(path, output).map_err(|error| match error {
            BackupError::Store(error) => MergeError::Store(error),
            _ => MergeError::Inside { path: output.to_owned(), outer: path.clone() },
        })?;
        stores.push(Store::open_read_only(path)?);
    }
    let output_store = open_output(output, &stores)?;
    let mut report = MergeReport {
        sources: stores
            .iter()
            .map(|store| MergedSource {
                label: store.path().display().to_string(),
                epoch: store.epoch(),
                problems: store.problems(),
                ..MergedSource::default()
            })
            .collect(),
        ..MergeReport::default()
    };
    let unreadable = events::take_over(&stores, &output_store, &mut report.sources, progress)?;
    for ((store, merged), unreadable) in stores.iter().zip(&mut report.sources).zip(&unreadable) {
        report.losses += notes::take_over_losses(store, merged, unreadable, &output_store)?;
        merged.problems.extend(unreadable.iter().map(|unreadable| unreadable.reason.clone()));
    }
    output_store.flush()?;
    report.events = output_store.snapshot().sources().iter().map(|source| u64::from(source.len())).sum();
    output_store.close()?;
    Ok(report)
}

/// The output, open for writing: new, or made by a merge.
fn open_output(path: &Path, sources: &[Store]) -> Result<Store, MergeError> {
    match Store::open_read_only(path) {
        Ok(there) => {
            if let Some(same) = sources.iter().find(|source| source.epoch() == there.epoch()) {
                return Err(MergeError::SameStore { path: path.to_owned(), other: same.path().to_owned() });
            }
            let is_empty = there.snapshot().first_sequence().is_none();
            if !is_empty && there.origins()?.is_empty() {
                return Err(MergeError::NotMerged { path: path.to_owned() });
            }
        }
        // Opening it for writing refuses what is no store and not empty.
        Err(StoreError::Missing { .. } | StoreError::NotAStore { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    let store = Store::open_with(path, StoreConfig::default())?;
    if store.origins()?.is_empty() {
        // So that a merge that is interrupted at once is known to be one.
        notes::note_beginning(&store)?;
    }
    Ok(store)
}
