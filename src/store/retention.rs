//! Retention: whole segments go, the oldest first, when the store is too large or they are too old.
//!
//! Age counts from the sealing of a segment, so that one absurd timestamp keeps nothing alive.

use chrono::Utc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::{Removal, RemovalCause};
use crate::error::StoreError;
use crate::storage::files::{self, LOG_ENDING};
use crate::storage::keyed::Tree;
use crate::storage::segment::SegmentReader;

/// Removed segments that are remembered one by one; older ones are forgotten.
const REMOVALS_MAX: usize = 10_000;

/// Removes what is too old or too much.
pub(super) fn apply(shared: &Shared) -> Result<(), StoreError> {
    let limits = shared.config.retention;
    if limits.age_max.is_none() && limits.bytes_max.is_none() {
        return Ok(());
    }
    let pieces = shared.pieces();
    let now_us = Utc::now().timestamp_micros();
    let too_old = |segment: &SegmentReader| {
        limits.age_max.is_some_and(|age| {
            let age_us = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
            segment.contents().sealed_at_us < now_us.saturating_sub(age_us)
        })
    };
    let mut bytes: u64 = pieces.segments.iter().map(|segment| segment.file_bytes()).sum::<u64>()
        + files::bytes_below(&shared.directory.tail);
    let mut removed: Vec<Arc<SegmentReader>> = Vec::new();
    let removable = shared.removable.load(Ordering::Acquire);
    for segment in &pieces.segments {
        if segment.contents().last_sequence > removable {
            break;
        }
        if !too_old(segment) && limits.bytes_max.is_none_or(|max| bytes <= max) {
            break;
        }
        bytes = bytes.saturating_sub(segment.file_bytes());
        removed.push(Arc::clone(segment));
    }
    if removed.is_empty() {
        return Ok(());
    }
    // What is removed is noted first: a note of something that is still there does no harm.
    shared.with_keyed(true, |keyed| {
        for segment in &removed {
            let removal = removal_of(segment, now_us);
            keyed.put(Tree::Retention, &format!("{:020}", removal.first_sequence), &removal)?;
        }
        keyed.keep_newest(Tree::Retention, REMOVALS_MAX)
    })?;
    shared.change_pieces(|pieces| {
        pieces.segments.retain(|segment| !removed.iter().any(|gone| gone.contents().id == segment.contents().id));
    });
    for segment in &removed {
        files::remove(&files::numbered(&shared.directory.tail, segment.contents().id, LOG_ENDING))?;
        segment.remove_when_unused();
    }
    Ok(())
}

fn removal_of(segment: &SegmentReader, removed_at_us: i64) -> Removal {
    let contents = segment.contents();
    Removal {
        first_sequence: contents.first_sequence,
        last_sequence: contents.last_sequence,
        first_us: contents.blocks.iter().map(|block| block.min_us).min().unwrap_or(0),
        last_us: contents.blocks.iter().map(|block| block.max_us).max().unwrap_or(0),
        events: u64::from(contents.count),
        removed_at_us,
        event_type: None,
        cause: RemovalCause::Expired,
    }
}
