//! Files of a backup: copied, linked and hashed.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::manifest::BackupFile;
use crate::error::StoreError;
use crate::storage::files;

/// How much is copied or hashed at once, in bytes.
const COPY_BYTES: usize = 1 << 20;

/// The path under which a file is written until it is whole.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

/// Writes all that a reader gives to a new file, durably; hands on how many bytes were copied, piece by piece.
pub(crate) fn copy(
    name: &str,
    from: &mut impl Read,
    to: &Path,
    copied: &mut dyn FnMut(u64),
) -> Result<BackupFile, StoreError> {
    let mut file = files::private().truncate(true).open(to).map_err(StoreError::io("create", to))?;
    let record = pass(name, from, &mut |piece| {
        copied(piece.len() as u64);
        file.write_all(piece)
    });
    let record = record.map_err(StoreError::io("write", to))?;
    file.sync_all().map_err(StoreError::io("sync", to))?;
    Ok(record)
}

/// The length and hash of a file as it is on disk.
pub(crate) fn hash(name: &str, path: &Path, hashed: &mut dyn FnMut(u64)) -> Result<BackupFile, StoreError> {
    let mut file = files::open_to_read(path).map_err(StoreError::io("open", path))?;
    let record = pass(name, &mut file, &mut |piece| {
        hashed(piece.len() as u64);
        Ok(())
    });
    record.map_err(StoreError::io("read", path))
}

fn pass(name: &str, from: &mut impl Read, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<BackupFile> {
    let mut buffer = vec![0; COPY_BYTES];
    let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hasher.update(piece);
        each(piece)?;
        bytes += count as u64;
    }
    Ok(BackupFile { name: name.to_owned(), bytes, blake3: hasher.finalize().to_hex().to_string() })
}

/// Gives a finished file its name.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(StoreError::io("rename to", to))
}
