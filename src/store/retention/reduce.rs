//! Writing a segment anew without the events that go. What it was sealed as stays in it as a tombstone, so that the
//! chain can be verified over what is gone.

use roaring::RoaringBitmap;

use super::plan::Reduction;
use super::policy::Fate;
use super::thin;
use crate::error::StoreError;
use crate::storage::chain::Hash;
use crate::storage::segment::{self, Contents, RemovedRecord, SegmentReader};
use crate::storage::tail::TailMemory;
use crate::storage::{RemovalCause, Source, StoredEvent};

/// A segment without the events that go.
pub(super) struct Reduced {
    pub(super) contents: Contents,
    /// The file.
    pub(super) bytes: Vec<u8>,
    pub(super) gone: Vec<Gone>,
}

/// The events of one type that go.
pub(super) struct Gone {
    pub(super) event_type: String,
    pub(super) cause: RemovalCause,
    pub(super) events: u32,
    pub(super) first_us: i64,
    pub(super) last_us: i64,
    /// The root of the type before.
    pub(super) root_before: Hash,
    /// The root of what is left of the type.
    pub(super) root_after: Option<Hash>,
}

impl Gone {
    fn add(&mut self, time_us: i64) {
        self.events += 1;
        self.first_us = self.first_us.min(time_us);
        self.last_us = self.last_us.max(time_us);
    }
}

impl Reduced {
    /// How many events go.
    pub(super) fn events(&self) -> u64 {
        self.gone.iter().map(|gone| u64::from(gone.events)).sum()
    }
}

/// Builds the segment without what goes; nothing if all stays. Takes as long as sealing it did, and its memory.
///
/// # Errors
/// If the segment cannot be read, or a type that stays as it is would not be what was sealed.
pub(super) fn build(reduction: &Reduction) -> Result<Option<Reduced>, StoreError> {
    let segment = &*reduction.segment;
    let original = segment.contents();
    let mut gone = Vec::new();
    let mut left: Vec<StoredEvent> = Vec::new();
    for found in &original.types {
        let fate = reduction.fates.iter().find(|(name, _)| *name == found.name).map(|(_, fate)| *fate);
        let (cause, removed) = match fate {
            Some(Fate::Expires { .. }) => (RemovalCause::Expired, segment.of_type(&found.name)),
            Some(Fate::IsThinned { .. }) => (RemovalCause::Thinned, thin::redundant(segment, &found.name)?),
            Some(Fate::Stays) | None => (RemovalCause::Expired, RoaringBitmap::new()),
        };
        let mut of_type = Gone {
            event_type: found.name.clone(),
            cause,
            events: 0,
            first_us: i64::MAX,
            last_us: i64::MIN,
            root_before: found.root,
            root_after: None,
        };
        split(segment, found.first..found.first + found.count, &removed, &mut of_type, &mut left)?;
        if of_type.events > 0 {
            gone.push(of_type);
        }
    }
    if gone.is_empty() {
        return Ok(None);
    }
    left.sort_unstable_by_key(|stored| stored.sequence);
    let mut memory = TailMemory::new(original.first_sequence);
    for stored in &left {
        memory.push_stored(stored).map_err(|reason| StoreError::damaged(segment.path(), reason))?;
    }
    drop(left);
    let removed = tombstones(original, &gone);
    let (contents, bytes) =
        segment::rebuild(&memory, original, removed).map_err(StoreError::io("build", segment.path()))?;
    for gone in &mut gone {
        gone.root_after = contents.types.iter().find(|found| found.name == gone.event_type).map(|found| found.root);
    }
    check_what_stays(segment, &contents, &gone)?;
    Ok(Some(Reduced { contents, bytes, gone }))
}

/// Tells apart what goes and what is left of the events of one type.
fn split(
    segment: &SegmentReader,
    positions: std::ops::Range<u32>,
    removed: &RoaringBitmap,
    gone: &mut Gone,
    left: &mut Vec<StoredEvent>,
) -> Result<(), StoreError> {
    for (block, zone) in Source::zones(segment).iter().enumerate().filter(|(_, zone)| positions.contains(&zone.first)) {
        // What goes as a whole need not be readable.
        if removed.range_cardinality(zone.first..zone.first + zone.count) == u64::from(zone.count) {
            gone.events += zone.count;
            gone.first_us = gone.first_us.min(zone.min_us);
            gone.last_us = gone.last_us.max(zone.max_us);
            continue;
        }
        let rows = Source::rows(segment, block)?;
        for row in 0..zone.count {
            if removed.contains(zone.first + row) {
                gone.add(rows.timestamp_us(row));
            } else {
                left.push(rows.stored_event(row));
            }
        }
    }
    Ok(())
}

/// What the segment lacks then. The root of a type stays that of its sealing, however often events of it go.
fn tombstones(original: &Contents, gone: &[Gone]) -> Vec<RemovedRecord> {
    let mut removed = original.removed.clone();
    for gone in gone {
        match removed.iter_mut().find(|known| known.event_type == gone.event_type) {
            Some(known) => {
                known.events = known.events.saturating_add(gone.events);
                known.first_us = known.first_us.min(gone.first_us);
                known.last_us = known.last_us.max(gone.last_us);
                known.cause = gone.cause;
            }
            None => removed.push(RemovedRecord {
                event_type: gone.event_type.clone(),
                root: gone.root_before,
                events: gone.events,
                first_us: gone.first_us,
                last_us: gone.last_us,
                cause: gone.cause,
            }),
        }
    }
    removed
}

/// A file is replaced only if what stays in it is what was sealed, so that damage is never made to look whole.
fn check_what_stays(segment: &SegmentReader, contents: &Contents, gone: &[Gone]) -> Result<(), StoreError> {
    let original = segment.contents();
    for found in original.types.iter().filter(|found| !gone.iter().any(|gone| gone.event_type == found.name)) {
        if !contents.types.iter().any(|left| left.name == found.name && left.root == found.root) {
            let reason = format!("its events of type {} are not those that were sealed", found.name);
            return Err(StoreError::damaged(segment.path(), reason));
        }
    }
    if contents.chain_root() != original.chain_root() {
        return Err(StoreError::damaged(segment.path(), "it does not fit its tombstones"));
    }
    Ok(())
}
