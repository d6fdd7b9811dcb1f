//! Backups of a data directory that any process can make, and stores made of backups.
//!
//! How files are taken over is in [`store`](crate::store), since a store that is open for writing does it too; see
//! [`Store::backup`](crate::Store::backup).

mod restore;

use std::path::Path;

pub use restore::{RestoreOptions, RestoreReport, restore};

use super::verify::{VerifyOptions, verify};
use crate::store::{BackupError, BackupOptions, BackupReport, Store};

/// Makes a backup of a data directory, beside whoever writes to it: it is read only, and no lock is taken. What the
/// writer keeps beside the events (cursors, removals, losses, origins) is taken over as it was published last; the
/// report says when that was.
///
/// At the end the backup is [verified](super::verify), as [`BackupOptions::skip_verify`] says; what is wrong with it is
/// among the problems of the report.
///
/// # Errors
/// As [`Store::backup`], and if there is no store.
pub fn backup(from: &Path, to: &Path, options: &BackupOptions<'_>) -> Result<BackupReport, BackupError> {
    let mut report = Store::open_read_only(from)?.backup(to, options)?;
    if !options.skip_verify {
        report.problems.extend(verify(to, &VerifyOptions::default(), &|_| {})?.problems());
    }
    Ok(report)
}
