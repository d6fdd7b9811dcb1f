//! The new store, while it is built.

use std::path::Path;

use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::files::{self, SEGMENT_ENDING};
use crate::storage::keyed::{Keyed, PublishedEntry, publish_entries};
use crate::storage::tail::{LogFile, LogHeader};
use crate::store::Directory;

/// A directory that becomes a store with [`finish`](Self::finish).
pub(super) struct Target {
    directory: Directory,
    epoch: u64,
}

impl Target {
    pub(super) fn create(path: &Path, epoch: u64) -> Result<Self, StoreError> {
        let directory = Directory::new(path);
        files::create_directory(&directory.segments)?;
        files::create_directory(&directory.tail)?;
        Ok(Self { directory, epoch })
    }

    pub(super) fn root(&self) -> &Path {
        &self.directory.root
    }

    pub(super) fn put_segment(&self, id: u64, bytes: &[u8]) -> Result<(), StoreError> {
        files::write_durably(&files::numbered(&self.directory.segments, id, SEGMENT_ENDING), bytes)
    }

    /// Writes what is left and makes the directory a store. It goes on above `sequence`, with the log `id`.
    pub(super) fn finish(
        self,
        id: u64,
        sequence: u64,
        anchor: Anchor,
        entries: &[PublishedEntry],
    ) -> Result<(), StoreError> {
        let header = LogHeader { epoch: self.epoch, id, first_sequence: sequence + 1, anchor };
        LogFile::create(&self.directory.tail, &header)?.sync()?;
        if !entries.is_empty() {
            publish_entries(self.root(), entries)?;
            // Makes sled's directory from what was published.
            Keyed::open(self.root())?;
        }
        files::sync_directory(self.root())?;
        self.directory.create_as(self.epoch)?;
        Ok(())
    }
}
