//! The pieces of a store at one moment: segments, tails that wait to be sealed, and the active tail.
//!
//! The list is never changed in place: whoever reads takes a shared copy of it, so that the lock around
//! it is held for an instant only, and never together with another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::snapshot::Snapshot;
use crate::storage::Source;
use crate::storage::segment::SegmentReader;
use crate::storage::tail::{LogFile, Older, TailMemory, TailSource};

/// The ordinals of a (type, µs) whose block is damaged start here, so that no id is given twice.
const ORDINAL_BEYOND_DAMAGE: u32 = 1 << 20;

/// A tail: its events in memory and, where it is written, its log.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) id: u64,
    pub(crate) memory: Arc<RwLock<TailMemory>>,
    pub(crate) log: Option<LogFile>,
    /// How far a reader has read the log, in bytes.
    pub(crate) read_bytes: AtomicU64,
    /// How many bytes stand behind that in the log: a torn end, or a batch that is being written.
    pub(crate) torn_bytes: AtomicU64,
}

impl Tail {
    pub(crate) fn new(id: u64, memory: TailMemory, log: Option<LogFile>) -> Self {
        Self {
            id,
            memory: Arc::new(RwLock::new(memory)),
            log,
            read_bytes: AtomicU64::new(0),
            torn_bytes: AtomicU64::new(0),
        }
    }

    /// Notes how far the log was read.
    pub(crate) fn note_read(&self, whole_bytes: u64, torn_bytes: u64) {
        self.read_bytes.store(whole_bytes, Ordering::Relaxed);
        self.torn_bytes.store(torn_bytes, Ordering::Relaxed);
    }

    /// The first sequence number behind the tail.
    pub(crate) fn next_sequence(&self) -> u64 {
        let memory = self.memory.read();
        memory.sequence(memory.len())
    }
}

/// What a store is made of, in order of arrival.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    pub(crate) segments: Vec<Arc<SegmentReader>>,
    /// The tail that became the last segment. It is still in memory, so the newest events are read there.
    pub(crate) recent: Option<Arc<Tail>>,
    /// Tails between the segments, of logs whose segments cannot be read; none overlaps a segment.
    pub(crate) stand_ins: Vec<Arc<Tail>>,
    /// Tails that no segment holds yet, the active one last.
    pub(crate) tails: Vec<Arc<Tail>>,
}

impl Pieces {
    pub(crate) fn active(&self) -> Option<&Arc<Tail>> {
        self.tails.last()
    }

    /// How many tails wait to be sealed.
    pub(crate) fn waiting(&self) -> usize {
        self.tails.len().saturating_sub(1)
    }

    /// The last segment's sequence number, or 0.
    pub(crate) fn sealed_sequence(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.contents().last_sequence)
    }

    fn recent_if_last(&self) -> Option<&Arc<Tail>> {
        let last = self.segments.last()?.contents().id;
        self.recent.as_ref().filter(|recent| recent.id == last)
    }

    /// The tails in memory, the latest first.
    fn tails_in_memory(&self) -> impl Iterator<Item = &Arc<Tail>> {
        self.tails.iter().rev().chain(self.recent_if_last()).chain(&self.stand_ins)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let recent = self.recent_if_last();
        let sealed = self.segments.len() - usize::from(recent.is_some());
        // A segment of which retention left nothing stays for the chain alone.
        let segments = self.segments[..sealed].iter().filter(|segment| segment.contents().count > 0);
        let segments = segments.map(|segment| Arc::clone(segment) as Arc<dyn Source>);
        let tails = recent
            .into_iter()
            .chain(&self.tails)
            .chain(&self.stand_ins)
            .map(|tail| Arc::new(TailSource::new(&tail.memory)) as Arc<dyn Source>);
        let mut sources: Vec<_> = segments.chain(tails.filter(|tail| tail.len() > 0)).collect();
        if !self.stand_ins.is_empty() {
            sources.sort_by_key(|source| *source.sequences().start());
        }
        Snapshot::new(sources)
    }
}

/// What the pieces before the active tail know of the ids that were given.
pub(crate) struct BeforeActive<'a>(pub(crate) &'a Pieces);

impl Older for BeforeActive<'_> {
    fn newest_us(&self, event_type: &str) -> Option<i64> {
        let segments = self.0.segments.iter().flat_map(|segment| &segment.contents().types);
        let in_segments = segments.filter(|found| found.name == event_type).map(|found| found.max_us).max();
        let waiting = self.0.tails_in_memory().skip(1);
        let in_tails =
            waiting.filter_map(|tail| tail.memory.read().type_named(event_type).and_then(|found| found.newest_us));
        in_segments.max(in_tails.max())
    }

    fn next_ordinal(&self, event_type: &str, timestamp_us: i64) -> u32 {
        let waiting = self.0.tails_in_memory().skip(1);
        let in_tails = waiting.filter_map(|tail| tail.memory.read().next_ordinal(event_type, timestamp_us)).max();
        let recent = usize::from(self.0.recent_if_last().is_some());
        let segments = &self.0.segments[..self.0.segments.len() - recent];
        let in_segments = segments
            .iter()
            .map(|segment| segment.next_ordinal(event_type, timestamp_us).unwrap_or(Some(ORDINAL_BEYOND_DAMAGE)));
        in_segments.max().flatten().max(in_tails).unwrap_or(0)
    }
}
