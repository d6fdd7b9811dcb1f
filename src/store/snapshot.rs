//! What can be read at one moment: sealed segments and a prefix of the tail.

use std::sync::Arc;

use crate::storage::Source;

/// A consistent view of a store: it does not change while it is held, and holds whole batches only.
#[derive(Clone)]
pub struct Snapshot {
    sources: Arc<[Arc<dyn Source>]>,
}

impl Snapshot {
    pub(crate) fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        Self { sources: sources.into() }
    }

    /// The lowest sequence number that can be read. Nothing if there is no event.
    #[must_use]
    pub fn first_sequence(&self) -> Option<u64> {
        self.sources.first().map(|source| *source.sequences().start())
    }

    /// The runs of events, in order of arrival.
    pub(crate) fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("sources", &self.sources.len()).finish()
    }
}
