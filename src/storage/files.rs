//! Files and directories: names, permissions, durable creation. Everything the store writes goes through here.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The directory of the logs.
pub(crate) const TAIL_DIRECTORY: &str = "tail";
/// The directory of the segments.
pub(crate) const SEGMENT_DIRECTORY: &str = "segments";
/// The directory of the keyed part.
pub(crate) const KEYED_DIRECTORY: &str = "kv";
/// The log of foreign concepts and associations.
pub(crate) const FOREIGN_FILE: &str = "foreign.log";
/// The file that says what the directory is.
pub(crate) const FORMAT_FILE: &str = "FORMAT";
/// The file that the one writer locks.
pub(crate) const LOCK_FILE: &str = "LOCK";
/// The ending of a log.
pub(crate) const LOG_ENDING: &str = "log";
/// The ending of a segment.
pub(crate) const SEGMENT_ENDING: &str = "seg";
/// The ending of a file that is not finished.
const TEMPORARY_ENDING: &str = "tmp";

/// The path of a log or segment.
pub(crate) fn numbered(directory: &Path, id: u64, ending: &str) -> PathBuf {
    directory.join(format!("{id:020}.{ending}"))
}

/// The ids of the files with this ending in a directory, ascending. A directory that is not there holds none.
pub(crate) fn list_numbered(directory: &Path, ending: &str) -> Result<Vec<u64>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", directory)(error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let path = entry.map_err(StoreError::io("list", directory))?.path();
        if path.extension().is_some_and(|found| found == ending) {
            ids.extend(path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok()));
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Creates a directory that only its owner can enter, and those above it.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io("create directory", path))
}

/// How a file that only its owner can read is created.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StoreError::io("sync directory", path))
}

/// Writes a file durably under its final name, or not at all: temporary name, fsync, rename, fsync of the directory.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension(TEMPORARY_ENDING);
    let written = private().truncate(true).open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // The first error says what went wrong; a left-over is removed at the next open.
        let _ = fs::remove_file(&temporary);
        return Err(StoreError::io("write", path)(error));
    }
    path.parent().map_or(Ok(()), sync_directory)
}

/// Removes files that were never finished.
pub(crate) fn remove_unfinished(directory: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(directory).map_err(StoreError::io("list", directory))? {
        let path = entry.map_err(StoreError::io("list", directory))?.path();
        if path.extension().is_some_and(|found| found == TEMPORARY_ENDING) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes a file; one that is gone already is no error.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    let mut bytes = Vec::new();
    // One byte more than allowed shows that there is more.
    file.take(max + 1).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if bytes.len() as u64 > max {
        return Err(StoreError::damaged(path, format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// The size of all files below a directory, in bytes. What vanishes meanwhile counts nothing.
pub(crate) fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
