//! The medium: every change that the store makes to its directory is made by a function of this file.
//!
//! In the library they only call the operating system. In the unit tests a change is first shown to whoever watches
//! the directory ([`watch`]), who may refuse it or let a part of it through. That is how crashes, full disks and
//! failing disks are made. What the keyed part does within `kv/` is its own and does not come by here.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;

use super::files;

#[cfg(test)]
pub(crate) mod watch;

/// A change that is about to be made.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), allow(dead_code))] // Only a test looks into it.
pub(crate) enum Change<'a> {
    /// A directory comes to be.
    CreateDirectory { path: &'a Path },
    /// A file comes to be, or is emptied if it is there and is to be new.
    Create { path: &'a Path, emptied: bool },
    /// Bytes are written at an offset.
    Write { path: &'a Path, offset: u64, bytes: &'a [u8] },
    /// A file gets another length.
    SetLength { path: &'a Path, length: u64 },
    /// The data of a file become durable.
    Sync { path: &'a Path },
    /// The names in a directory become durable.
    SyncDirectory { path: &'a Path },
    /// A file gets another name, in place of one that may be there.
    Rename { from: &'a Path, to: &'a Path },
    /// A file goes.
    Remove { path: &'a Path },
}

/// Makes a change. `make` is told how many bytes are to be written.
#[cfg(not(test))]
#[inline]
fn perform<T>(change: Change<'_>, make: impl FnOnce(usize) -> io::Result<T>) -> io::Result<T> {
    make(change.bytes())
}

#[cfg(test)]
use watch::perform;

impl Change<'_> {
    fn bytes(&self) -> usize {
        if let Change::Write { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// Creates one directory that only its owner can enter; one that is there already is no error.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    perform(Change::CreateDirectory { path }, |_| fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
}

/// Opens a new and empty file that only its owner can read, in place of what may be there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    perform(Change::Create { path, emptied: true }, |_| files::private().read(true).truncate(true).open(path))
}

/// Opens a file for reading and writing, and creates it if it is not there.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    perform(Change::Create { path, emptied: false }, |_| files::private().read(true).open(path))
}

/// Writes bytes at an offset. If it fails, a part of them may have been written.
pub(crate) fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
    perform(Change::Write { path, offset, bytes }, |length| file.write_all_at(&bytes[..length], offset))
}

/// Cuts a file off, or extends it by zeros.
pub(crate) fn set_length(file: &File, path: &Path, length: u64) -> io::Result<()> {
    perform(Change::SetLength { path, length }, |_| file.set_len(length))
}

/// Makes what was written to a file durable, and its length.
pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    perform(Change::Sync { path }, |_| file.sync_data())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    perform(Change::SyncDirectory { path }, |_| File::open(path)?.sync_all())
}

/// Gives a file another name, in place of one that may be there.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    perform(Change::Rename { from, to }, |_| fs::rename(from, to))
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    perform(Change::Remove { path }, |_| fs::remove_file(path))
}
