//! What is missing from a segment: sequence numbers that none of its events has, and blocks that cannot be read.
//!
//! Both are found out when they are asked for, and then known: nearly every segment is whole.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::reader::SegmentReader;
use crate::error::StoreError;
use crate::storage::source::{Hole, Rows, Unreadable};

/// What is known to be missing from an open segment.
#[derive(Debug, Default)]
pub(super) struct Missing {
    holes: OnceLock<Vec<Hole>>,
    /// Why each unreadable block is so.
    unreadable: Mutex<BTreeMap<usize, Arc<str>>>,
}

impl SegmentReader {
    /// The sequence numbers that the segment covers and none of its events has, apart from those that were removed.
    /// Costs nothing where there is none.
    pub(super) fn holes(&self) -> &[Hole] {
        self.missing.holes.get_or_init(|| self.find_holes())
    }

    fn find_holes(&self) -> Vec<Hole> {
        let contents = self.contents();
        let covered = (contents.last_sequence + 1).saturating_sub(contents.first_sequence);
        let removed: u64 = contents.removed.iter().map(|removed| u64::from(removed.events)).sum();
        let events = covered.saturating_sub(u64::from(contents.count) + removed);
        let Some((since_us, until_us)) = self.time_bounds().filter(|_| events > 0) else { return Vec::new() };
        // Where events were removed, or cannot be read, their numbers cannot be told from those that are missing.
        let exact = if removed == 0 { self.find_exact_holes() } else { None };
        exact.unwrap_or_else(|| {
            let (first_sequence, last_sequence) = (contents.first_sequence, contents.last_sequence);
            vec![Hole { first_sequence, last_sequence, events, since_us, until_us }]
        })
    }

    /// The holes between the events, if all of them can be read.
    fn find_exact_holes(&self) -> Option<Vec<Hole>> {
        let mut arrivals: Vec<(u64, i64)> = Vec::with_capacity(self.contents().count as usize);
        for (block, zone) in self.zones().iter().enumerate() {
            let rows = self.rows(block).ok()?;
            arrivals.extend((0..zone.count).map(|row| (rows.sequence(row), rows.timestamp_us(row))));
        }
        arrivals.sort_unstable();
        let holes = arrivals.windows(2).filter_map(|pair| {
            let &[(before, before_us), (after, after_us)] = pair else { return None };
            let events = after.saturating_sub(before).saturating_sub(1);
            (events > 0).then(|| Hole {
                first_sequence: before + 1,
                last_sequence: after - 1,
                events,
                since_us: before_us.min(after_us),
                until_us: before_us.max(after_us),
            })
        });
        Some(holes.collect())
    }

    pub(super) fn note_unreadable(&self, block: Option<usize>, error: &StoreError) {
        let blocks = block.map_or(0..self.zones().len(), |block| block..block + 1);
        let reason: Arc<str> = error.to_string().into();
        let mut unreadable = self.missing.unreadable.lock();
        for block in blocks {
            unreadable.entry(block).or_insert_with(|| Arc::clone(&reason));
        }
    }

    pub(super) fn unreadable(&self) -> Vec<Unreadable> {
        let unreadable = self.missing.unreadable.lock();
        let described = unreadable.iter().filter_map(|(&block, reason)| {
            let event_type = Arc::clone(self.type_names().get(self.type_of_block(block)?)?);
            Some(Unreadable { event_type, zone: *self.zones().get(block)?, reason: Arc::clone(reason) })
        });
        described.collect()
    }
}
