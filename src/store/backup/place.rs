//! The place of a backup: whether it can be made there, and what is there already.

use std::path::{Path, PathBuf};

use super::copy;
use super::error::BackupError;
use super::manifest::{BackupManifest, MANIFEST_FILE, UNFINISHED_FILE, log_name};
use crate::error::StoreError;
use crate::storage::files::{self, FOREIGN_FILE, KEYED_DIRECTORY, LOCK_FILE, LOG_ENDING, TAIL_DIRECTORY};
use crate::storage::keyed::PUBLISHED_FILE;

/// Refuses two directories of which one lies in the other.
pub(crate) fn check_apart(from: &Path, to: &Path) -> Result<(), BackupError> {
    let (outer, inner) = (resolved(from)?, resolved(to)?);
    if inner.starts_with(&outer) || outer.starts_with(&inner) {
        return Err(BackupError::Inside { path: to.to_owned(), outer: from.to_owned() });
    }
    Ok(())
}

/// A path without links, as far as it is there.
fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let absolute = std::path::absolute(path).map_err(StoreError::io("resolve", path))?;
    let mut rest = Vec::new();
    for there in absolute.ancestors() {
        if let Ok(mut resolved) = there.canonicalize() {
            resolved.extend(rest.into_iter().rev());
            return Ok(resolved);
        }
        rest.extend(there.file_name());
    }
    Ok(absolute)
}

/// The backup that was finished last in a place. What is neither empty nor a backup of this store, finished or not, is
/// refused.
pub(super) fn look(to: &Path, epoch: u64) -> Result<Option<BackupManifest>, BackupError> {
    let names = files::entries(to)?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let unfinished = has(UNFINISHED_FILE);
    let manifest = match BackupManifest::read(to) {
        // What was interrupted can be made anew without it.
        Err(BackupError::Manifest { .. }) if unfinished => None,
        other => other?,
    };
    if manifest.is_none() && !unfinished && names.iter().any(|name| name != LOCK_FILE) {
        let reason = format!("has no {MANIFEST_FILE} file");
        return Err(BackupError::Occupied { path: to.to_owned(), reason });
    }
    if let Some(manifest) = &manifest {
        let expected = format!("{epoch:016x}");
        if manifest.epoch != expected {
            return Err(BackupError::OtherStore { path: to.to_owned(), found: manifest.epoch.clone(), expected });
        }
        if !unfinished {
            check_unchanged(to, manifest)?;
        }
    }
    Ok(manifest)
}

/// Refuses a backup that somebody wrote to: it is no copy any more.
fn check_unchanged(to: &Path, manifest: &BackupManifest) -> Result<(), BackupError> {
    let changed = |path: PathBuf, reason: &str| Err(BackupError::Changed { path, reason: reason.to_owned() });
    if to.join(KEYED_DIRECTORY).exists() {
        return changed(to.join(KEYED_DIRECTORY), "somebody opened the backup for writing");
    }
    for id in files::list_numbered(&to.join(TAIL_DIRECTORY), LOG_ENDING)? {
        if manifest.file(&log_name(id)).is_none() {
            return changed(to.join(log_name(id)), "somebody opened the backup for writing");
        }
    }
    let small = [FOREIGN_FILE, PUBLISHED_FILE];
    for file in &manifest.files {
        let path = to.join(&file.name);
        let is_log = file.name.starts_with(TAIL_DIRECTORY);
        // Segments are looked at one by one, as damaged ones can be had again.
        if (is_log || small.contains(&&*file.name))
            && !copy::hash(&file.name, &path, &mut |_| {}).is_ok_and(|found| found == *file)
        {
            return changed(path, "it was changed since");
        }
    }
    Ok(())
}
