//! The journal of a run: each change that was made of the directory, in its order, and what was promised when.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::storage::files::SEGMENT_ENDING;
use crate::storage::medium::Change;
use crate::storage::medium::watch::{Verdict, Watcher};
use crate::storage::segment::{SegmentCache, SegmentReader};

/// What was acknowledged at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Promise {
    /// Whether the store was opened.
    pub(super) opened: bool,
    /// The last sequence number that was written.
    pub(super) written: u64,
    /// The last sequence number that was durable.
    pub(super) durable: u64,
    /// How many foreign records were written.
    pub(super) foreign_written: usize,
    /// How many foreign records were durable.
    pub(super) foreign_durable: usize,
}

/// One line of the journal.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    CreateDirectory(PathBuf),
    Create {
        path: PathBuf,
        emptied: bool,
    },
    Write {
        path: PathBuf,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    SetLength {
        path: PathBuf,
        length: u64,
    },
    Sync {
        path: PathBuf,
        succeeded: bool,
    },
    SyncDirectory {
        path: PathBuf,
        succeeded: bool,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// From here on events up to this sequence number are in a segment that has its final name.
    Sealed {
        path: PathBuf,
        last_sequence: u64,
    },
    Promised(Promise),
}

/// Decides on changes by their number.
pub(super) type Decide = Box<dyn Fn(usize, &Change<'_>) -> Option<Verdict> + Send + Sync>;

/// Records the changes of a directory. Paths are noted as they are below it.
pub(super) struct Journal {
    root: PathBuf,
    entries: Mutex<Vec<Entry>>,
    count: Mutex<usize>,
    decide: Mutex<Option<Decide>>,
}

impl Journal {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), entries: Mutex::default(), count: Mutex::default(), decide: Mutex::default() }
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).expect("it is watched").to_owned()
    }

    pub(super) fn decide_by(&self, decide: Option<Decide>) {
        *self.decide.lock() = decide;
    }

    pub(super) fn promise(&self, promise: Promise) {
        self.entries.lock().push(Entry::Promised(promise));
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().clone()
    }

    /// How many changes were asked for.
    pub(super) fn changes(&self) -> usize {
        *self.count.lock()
    }

    fn push(&self, change: &Change<'_>, bytes: usize, succeeded: bool) {
        let owned = |path| self.below(path);
        let entry = match *change {
            Change::CreateDirectory { path } => Entry::CreateDirectory(owned(path)),
            Change::Create { path, emptied } => Entry::Create { path: owned(path), emptied },
            Change::Write { path, offset, bytes: all } => {
                Entry::Write { path: owned(path), offset, bytes: all[..bytes].into() }
            }
            Change::SetLength { path, length } => Entry::SetLength { path: owned(path), length },
            Change::Sync { path } => Entry::Sync { path: owned(path), succeeded },
            Change::SyncDirectory { path } => Entry::SyncDirectory { path: owned(path), succeeded },
            Change::Rename { from, to } => Entry::Rename { from: owned(from), to: owned(to) },
            Change::Remove { path } => Entry::Remove(owned(path)),
        };
        self.entries.lock().push(entry);
    }
}

impl Watcher for Journal {
    fn before(&self, change: &Change<'_>) -> Verdict {
        let number = {
            let mut count = self.count.lock();
            *count += 1;
            *count - 1
        };
        let verdict = self.decide.lock().as_ref().and_then(|decide| decide(number, change));
        let verdict = verdict.unwrap_or(Verdict::Made);
        match (verdict, change) {
            (
                Verdict::Refused(error) | Verdict::Partly(_, error),
                Change::Sync { .. } | Change::SyncDirectory { .. },
            ) => {
                // What was not durable may be lost by now, whatever is synced later.
                self.push(change, 0, false);
                Verdict::Refused(error)
            }
            (Verdict::Made, Change::Rename { from, to }) if to.extension().is_some_and(|e| e == SEGMENT_ENDING) => {
                let segment = SegmentReader::open(from, &SegmentCache::new(1 << 16)).expect("whole before its name");
                let last_sequence = segment.contents().last_sequence;
                self.entries.lock().push(Entry::Sealed { path: self.below(to), last_sequence });
                Verdict::Made
            }
            (verdict, _) => verdict,
        }
    }

    fn after(&self, change: &Change<'_>, bytes: usize) {
        self.push(change, bytes, true);
    }
}
