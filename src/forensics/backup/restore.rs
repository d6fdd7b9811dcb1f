//! Restoring: a data directory made of a backup, after all of it was checked.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::forensics::verify::{VerifyOptions, verify};
use crate::storage::files::{self, FORMAT_FILE, SEGMENT_DIRECTORY, TAIL_DIRECTORY};
use crate::store::backup::{MANIFEST_FILE, UNFINISHED_FILE, check_apart, copy, hash, rename, temporary};
use crate::store::{BackupError, BackupFile, BackupManifest, Store};

/// How a backup is restored.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct RestoreOptions<'a> {
    /// Whether the restored store is taken as it is. Otherwise all of it is verified at the end.
    pub skip_verify: bool,
    /// Told how many bytes of how many are done.
    pub progress: Option<&'a dyn Fn(u64, u64)>,
}

impl std::fmt::Debug for RestoreOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreOptions").field("skip_verify", &self.skip_verify).finish_non_exhaustive()
    }
}

/// What a restored store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// Where it is.
    pub path: PathBuf,
    /// What the backup says of itself.
    pub manifest: BackupManifest,
    /// How many bytes were copied.
    pub bytes: u64,
    /// How many events can be read.
    pub events: u64,
    /// The last sequence number.
    pub last_sequence: u64,
    /// The earliest time, in µs; nothing if there is no event.
    pub first_us: Option<i64>,
    /// The latest time, in µs.
    pub last_us: Option<i64>,
    /// What is damaged in the store as it was in the backup, what does not fit the backup's own account, and what
    /// verify says.
    pub problems: Vec<String>,
}

/// Makes a store of a backup, in a directory that is new or empty. First every file of the backup is checked by its
/// hash. What was kept beside the events is made of `kv.jsonl` when the store is first opened for writing.
///
/// The store has the epoch of the one that was backed up: it is that store, as it was then. Consumers whose cursors
/// are further than its end wait for events with those numbers, which will be others; let them begin anew. Do not go
/// on with both stores, as events of one number would differ.
///
/// At the end the store is [verified](verify); what is wrong with it is among the problems of the report.
///
/// # Errors
/// If it is no backup, an unfinished or a changed one, the directory holds something, or a file cannot be written.
pub fn restore(from: &Path, to: &Path, options: &RestoreOptions<'_>) -> Result<RestoreReport, BackupError> {
    let progress = options.progress.unwrap_or(&|_, _| {});
    let manifest = checked(from, progress)?;
    check_apart(from, to)?;
    let there = files::entries(to)?;
    if let Some(name) = there.first() {
        let reason = format!("holds `{}`", name.to_string_lossy());
        return Err(BackupError::Occupied { path: to.to_owned(), reason });
    }
    files::create_directory(to)?;
    for name in [TAIL_DIRECTORY, SEGMENT_DIRECTORY] {
        files::create_directory(&to.join(name))?;
    }
    let bytes = total(&manifest);
    let mut done = bytes;
    // A directory without its FORMAT file is no store, so that what was interrupted is seen.
    let (last, others): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| file.name == FORMAT_FILE);
    for file in others.into_iter().chain(last) {
        if file.name == FORMAT_FILE {
            sync(to)?;
        }
        take_over(from, to, file, &mut |count| {
            done += count;
            progress(done, 2 * bytes);
        })?;
    }
    sync(to)?;
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::sync_directory(parent)?;
    }
    let mut report = report(to, manifest, bytes)?;
    if !options.skip_verify {
        report.problems.extend(verify(to, &VerifyOptions::default(), &|_| {})?.problems());
    }
    Ok(report)
}

fn total(manifest: &BackupManifest) -> u64 {
    manifest.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
}

/// The manifest of a backup all of whose files are what it says.
fn checked(from: &Path, progress: &dyn Fn(u64, u64)) -> Result<BackupManifest, BackupError> {
    let unfinished = from.join(UNFINISHED_FILE).exists();
    let broken = |path: PathBuf, reason: String| {
        if unfinished {
            BackupError::Unfinished { path: from.to_owned(), reason: format!("{}: {reason}", path.display()) }
        } else {
            BackupError::Changed { path, reason }
        }
    };
    if !from.is_dir() {
        return Err(StoreError::Missing { path: from.to_owned() }.into());
    }
    let Some(manifest) = BackupManifest::read(from)? else {
        return Err(match unfinished {
            true => broken(from.join(MANIFEST_FILE), "it was not written yet".to_owned()),
            false => BackupError::NotABackup { path: from.to_owned() },
        });
    };
    let mut done = 0;
    let bytes = total(&manifest);
    for file in &manifest.files {
        let path = from.join(&file.name);
        let length = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) => return Err(broken(path, error.to_string())),
        };
        if length != file.bytes {
            return Err(broken(path, format!("it has {length} bytes, not {}", file.bytes)));
        }
        let found = hash(&file.name, &path, &mut |count| {
            done += count;
            progress(done, bytes.saturating_mul(2));
        });
        match found {
            Ok(found) if found.blake3 == file.blake3 => {}
            Ok(_) => return Err(broken(path, "its hash is another".to_owned())),
            Err(error) => return Err(broken(path, error.to_string())),
        }
    }
    Ok(manifest)
}

fn take_over(from: &Path, to: &Path, file: &BackupFile, copied: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
    let (source, target) = (from.join(&file.name), to.join(&file.name));
    let mut input = files::open_to_read(&source).map_err(StoreError::io("open", &source))?;
    let unfinished = temporary(&target);
    if copy(&file.name, &mut input, &unfinished, copied)? != *file {
        return Err(BackupError::Changed { path: source, reason: "it changed while it was read".to_owned() });
    }
    Ok(rename(&unfinished, &target)?)
}

fn sync(to: &Path) -> Result<(), StoreError> {
    for directory in [to.join(TAIL_DIRECTORY), to.join(SEGMENT_DIRECTORY), to.to_owned()] {
        files::sync_directory(&directory)?;
    }
    Ok(())
}

/// Opens the restored store and compares it with what the backup says.
fn report(to: &Path, manifest: BackupManifest, bytes: u64) -> Result<RestoreReport, BackupError> {
    let store = Store::open_read_only(to)?;
    let snapshot = store.snapshot();
    let sources = || snapshot.sources().iter().filter(|source| source.len() > 0);
    let bounds = sources().filter_map(|source| source.time_bounds()).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let events = sources().map(|source| u64::from(source.len())).sum();
    let mut problems = store.problems();
    if events != manifest.events {
        problems.push(format!("{events} events can be read, the backup says {}", manifest.events));
    }
    Ok(RestoreReport {
        path: to.to_owned(),
        manifest,
        bytes,
        events,
        last_sequence: store.sequence(),
        first_us: bounds.map(|bounds| bounds.0),
        last_us: bounds.map(|bounds| bounds.1),
        problems,
    })
}
