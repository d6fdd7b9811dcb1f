//! Gives the matching events in order: a best-first merge over all sources.
//!
//! ```text
//!                    bound: the first place that anything in it can have
//! heap ─► source ──► planned when it is on top, becomes its candidate blocks
//!         block  ──► read when it is on top, becomes the sorted run of its matching rows
//!         run    ──► gives rows as long as nothing else in the heap can come before them
//! ```
//!
//! So a query for the newest hundred events plans one source and reads a block or two of it, and one
//! without a limit takes the same path. Bounds need not be tight, only true: blocks of the tail, which
//! are in order of arrival, and segments with late events take part like any other.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::StoreError;
use crate::storage::{Rows, Source, Zone};

use super::compile::CompiledFilter;
use super::explain::Explanation;
use super::filter::{Order, PageCursor, Query};
use super::plan::SourcePlan;

/// A place in the order of a result: whatever the order is, what comes first has the lesser place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    sequence: u64,
}

impl Order {
    fn place(self, timestamp_us: i64, sequence: u64) -> Place {
        match self {
            Order::OldestFirst => Place { time: timestamp_us, sequence },
            // Inverting the bits turns the order of all numbers around; negation would overflow.
            Order::NewestFirst => Place { time: !timestamp_us, sequence: !sequence },
        }
    }

    /// The first and the last place that rows within these bounds can have.
    fn places(self, (min_us, max_us): (i64, i64), sequences: (u64, u64)) -> (Place, Place) {
        let (earliest, latest) = (self.place(min_us, sequences.0), self.place(max_us, sequences.1));
        match self {
            Order::OldestFirst => (earliest, latest),
            Order::NewestFirst => (latest, earliest),
        }
    }
}

/// Something in the heap, and the first place that a row in it can have.
struct Entry {
    bound: Place,
    step: Step,
}

enum Step {
    /// A source that is not planned yet.
    Source(usize),
    /// A block with candidates, of a source that is planned.
    Block { plan: usize, block: usize },
    /// A block that was read.
    Run(Box<Run>),
}

/// The matching rows of a block by their places, the first one last.
struct Run {
    rows: Arc<dyn Rows>,
    places: Vec<(Place, u32)>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.bound == other.bound
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The heap of the standard library has the greatest on top; here that is the first in order.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.cmp(&self.bound)
    }
}

/// Visits the rows of a query in its order, up to its limit.
pub(super) fn for_each_row(
    sources: &[Arc<dyn Source>],
    query: &Query,
    explanation: &mut Explanation,
    visitor: &mut dyn FnMut(&dyn Rows, u32) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let filter = CompiledFilter::new(&query.filter);
    let merge = Merge {
        sources,
        filter: &filter,
        order: query.order,
        after: query.after.map(|PageCursor { timestamp_us, sequence }| query.order.place(timestamp_us, sequence)),
        plans: Vec::new(),
        heap: BinaryHeap::with_capacity(sources.len()),
    };
    merge.run(query.limit.unwrap_or(usize::MAX), explanation, visitor)
}

struct Merge<'a> {
    sources: &'a [Arc<dyn Source>],
    filter: &'a CompiledFilter<'a>,
    order: Order,
    after: Option<Place>,
    plans: Vec<SourcePlan<'a>>,
    heap: BinaryHeap<Entry>,
}

impl Merge<'_> {
    fn run(
        mut self,
        limit: usize,
        explanation: &mut Explanation,
        visitor: &mut dyn FnMut(&dyn Rows, u32) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut remaining = limit;
        let mut sources_asked = 0;
        for index in 0..self.sources.len() {
            if let Some(bounds) = self.sources[index].time_bounds() {
                self.push(bounds, index, Step::Source(index));
            }
        }
        while remaining > 0
            && let Some(Entry { step, .. }) = self.heap.pop()
        {
            match step {
                Step::Source(index) => {
                    sources_asked += 1;
                    self.expand_source(index, explanation)?;
                }
                Step::Block { plan, block } => self.expand_block(plan, block, remaining, explanation)?,
                Step::Run(mut run) => {
                    let next = self.heap.peek().map(|entry| entry.bound);
                    while let Some(&(bound, row)) = run.places.last() {
                        if next.is_some_and(|next| next < bound) {
                            self.heap.push(Entry { bound, step: Step::Run(run) });
                            break;
                        }
                        run.places.pop();
                        remaining -= 1;
                        if visitor(&*run.rows, row).is_break() {
                            remaining = 0;
                        }
                        if remaining == 0 {
                            break;
                        }
                    }
                }
            }
        }
        explanation.sources_skipped += self.sources.len() as u64 - sources_asked;
        Ok(())
    }

    /// Adds a step to the heap, unless all of it lies before the page.
    fn push(&mut self, time_bounds: (i64, i64), source: usize, step: Step) {
        let sequences = self.sources[source].sequences();
        let (first, last) = self.order.places(time_bounds, (*sequences.start(), *sequences.end()));
        if self.after.is_none_or(|after| after < last) {
            self.heap.push(Entry { bound: first, step });
        }
    }

    fn expand_source(&mut self, index: usize, explanation: &mut Explanation) -> Result<(), StoreError> {
        let sources = self.sources;
        let source = &*sources[index];
        let Some(plan) = SourcePlan::new(self.filter, source, explanation)? else { return Ok(()) };
        let zones = source.zones();
        let slot = self.plans.len();
        for block in plan.possible().blocks(zones) {
            let Zone { min_us, max_us, .. } = zones[block]; // `blocks` gives indices into these zones.
            self.push((min_us, max_us), index, Step::Block { plan: slot, block });
        }
        self.plans.push(plan);
        Ok(())
    }

    fn expand_block(
        &mut self,
        plan: usize,
        block: usize,
        remaining: usize,
        explanation: &mut Explanation,
    ) -> Result<(), StoreError> {
        let plan = &self.plans[plan]; // A block is put into the heap together with its plan, which stays.
        let mut matching = Vec::new();
        let Some(rows) = plan.read_block(block, plan.possible(), &mut matching, explanation)? else { return Ok(()) };
        let place = |row: u32| self.order.place(rows.timestamp_us(row), rows.sequence(row));
        let mut places: Vec<(Place, u32)> = matching.iter().map(|&row| (place(row), row)).collect();
        if let Some(after) = self.after {
            places.retain(|&(place, _)| after < place);
        }
        places.sort_unstable_by(|a, b| b.cmp(a));
        if places.len() > remaining {
            places.drain(..places.len() - remaining);
        }
        if let Some(&(bound, _)) = places.last() {
            self.heap.push(Entry { bound, step: Step::Run(Box::new(Run { rows, places })) });
        }
        Ok(())
    }
}
