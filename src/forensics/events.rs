//! All events of a store in the order of (time, type, ordinal), read little by little; what cannot be read is passed
//! over and told.
//!
//! ```text
//! heap ─► source ─► its blocks ─► rows of a block, sorted ─► one event after the other
//! ```
//!
//! A source and a block stand in the heap with their earliest time, and are opened when nothing before it is left. So
//! only the blocks that overlap in time are in memory, whatever the store is like.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::event::ConceptId;
use crate::storage::{Rows, Source, StoredEvent};

/// A run of events that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// How many there are.
    pub(super) events: u64,
    /// The earliest and the latest time among them, in µs.
    pub(super) times: (i64, i64),
    /// Why.
    pub(super) reason: String,
}

/// The events that are left.
pub(super) struct EventsByTime<'a> {
    sources: Vec<&'a Arc<dyn Source>>,
    heap: BinaryHeap<Entry>,
    /// What was passed over so far.
    pub(super) unreadable: Vec<Unreadable>,
}

struct Entry {
    time_us: i64,
    step: Step,
}

enum Step {
    Source(usize),
    Block(usize, usize),
    Run(Run),
}

/// The rows of a block with their ids, the first one last.
struct Run {
    rows: Arc<dyn Rows>,
    left: Vec<(ConceptId, u32)>,
}

impl Entry {
    /// What is not opened yet may hold an event of any type at its time, so it comes before those.
    fn id(&self) -> Option<&ConceptId> {
        match &self.step {
            Step::Source(_) | Step::Block(..) => None,
            Step::Run(run) => run.left.last().map(|(id, _)| id),
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The heap has the greatest on top; here that is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.time_us.cmp(&self.time_us).then_with(|| other.id().cmp(&self.id()))
    }
}

impl<'a> EventsByTime<'a> {
    /// The events of some sources.
    pub(super) fn new(sources: impl Iterator<Item = &'a Arc<dyn Source>>) -> Self {
        let sources: Vec<_> = sources.collect();
        let bounds = sources.iter().enumerate().filter_map(|(index, source)| Some((index, source.time_bounds()?.0)));
        let heap = bounds.map(|(index, time_us)| Entry { time_us, step: Step::Source(index) }).collect();
        Self { sources, heap, unreadable: Vec::new() }
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Option<StoredEvent> {
        loop {
            match self.heap.pop()?.step {
                Step::Source(index) => {
                    let zones = self.sources[index].zones().iter().enumerate();
                    let blocks =
                        zones.map(|(block, zone)| Entry { time_us: zone.min_us, step: Step::Block(index, block) });
                    self.heap.extend(blocks);
                }
                Step::Block(index, block) => self.open(index, block),
                Step::Run(mut run) => {
                    let Some((_, row)) = run.left.pop() else { continue };
                    let stored = run.rows.stored_event(row);
                    self.push(run);
                    return Some(stored);
                }
            }
        }
    }

    /// The time of the next event, or an earlier one.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.heap.peek().map(|entry| entry.time_us)
    }

    fn open(&mut self, index: usize, block: usize) {
        let source = self.sources[index];
        let Some(zone) = source.zones().get(block).copied() else { return };
        match source.rows(block) {
            Ok(rows) => {
                let mut left: Vec<_> = (0..zone.count).map(|row| (rows.id(row), row)).collect();
                left.sort_unstable_by(|a, b| b.cmp(a));
                self.push(Run { rows, left });
            }
            Err(error) => self.unreadable.push(Unreadable {
                events: u64::from(zone.count),
                times: (zone.min_us, zone.max_us),
                reason: error.to_string(),
            }),
        }
    }

    fn push(&mut self, run: Run) {
        if let Some((id, _)) = run.left.last() {
            self.heap.push(Entry { time_us: id.timestamp_us(), step: Step::Run(run) });
        }
    }
}
