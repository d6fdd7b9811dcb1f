//! Retention: what is too old, too much or says nothing new goes.
//!
//! ```text
//! policy ─► plan ─► oldest segments of which nothing is kept ─► note ─► files are removed
//!                └► other segments of which something goes ──► reduce (thin) ─► note ─► file is replaced
//! ```
//!
//! A segment that is written anew keeps its place in the chain: the roots of what it was sealed with stay in it as
//! tombstones. Whatever step a crash interrupts, the files are whole, and the next application finishes what was begun.

mod note;
mod plan;
mod policy;
mod reduce;
mod report;
#[cfg(test)]
mod tests;
mod thin;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Utc;

use super::shared::Shared;
use crate::error::StoreError;
use crate::storage::files::{self, LOG_ENDING};
use crate::storage::segment::SegmentReader;
use note::Note;
pub(crate) use note::REMOVALS_MAX;
use plan::{Plan, Reduction, Scope};
use policy::Fate;
pub use policy::{Retention, TypeRetention};
use reduce::Reduced;
pub use report::RetentionReport;

/// Segments that are removed at once, so that sealing never waits long.
const WHOLE_AT_ONCE: usize = 64;

/// What was tried and was not worth it, or not possible: the segment, and what was to happen to it. Held by whoever
/// removes.
pub(crate) type Tried = HashSet<(u64, Vec<(String, Fate)>)>;

/// One step of what the settings of the store demand, for the sealer: some segments removed, or one written anew.
/// Whether there may be more to do.
pub(super) fn step(shared: &Shared) -> Result<bool, StoreError> {
    let policy = &shared.config.retention;
    if policy.is_unlimited() || shared.sealing.lock().stop {
        return Ok(false);
    }
    // Somebody else removes already.
    let Some(mut tried) = shared.retaining.try_lock() else { return Ok(false) };
    match step_at(shared, policy, Utc::now().timestamp_micros(), &mut tried) {
        // The next store that is opened here goes on.
        Err(StoreError::Closed) => Ok(false),
        other => other,
    }
}

fn step_at(shared: &Shared, policy: &Retention, now_us: i64, tried: &mut Tried) -> Result<bool, StoreError> {
    let pieces = shared.pieces();
    tried.retain(|(id, _)| pieces.segments.iter().any(|segment| segment.contents().id == *id));
    let plan = Plan::new(policy, &scope(shared, &pieces.segments, now_us));
    if !plan.whole.is_empty() {
        return remove_whole(shared, &plan.whole[..plan.whole.len().min(at_once(shared))], now_us, true);
    }
    for reduction in plan.reductions {
        let attempt = (reduction.segment.contents().id, reduction.fates.clone());
        if tried.contains(&attempt) || !reduction.is_worth(reduction.events_max()) {
            continue;
        }
        let built = reduce::build(&reduction).and_then(|reduced| match reduced {
            Some(reduced) if reduction.is_worth(reduced.events()) => {
                replace(shared, &reduction, &reduced, now_us, true).map(Some)
            }
            _ => Ok(None),
        });
        match built {
            Ok(Some(replaced)) => return Ok(replaced),
            Ok(None) => drop(tried.insert(attempt)),
            Err(problem) => {
                // What is damaged is not tried again and again.
                if matches!(problem, StoreError::Damaged { .. }) {
                    tried.insert(attempt);
                }
                return Err(problem);
            }
        }
        // One segment at a time: sealing comes first.
        return Ok(true);
    }
    Ok(false)
}

fn at_once(shared: &Shared) -> usize {
    // What is noted of them must be one batch.
    WHOLE_AT_ONCE.min(shared.config.segment_events as usize).max(1)
}

fn scope<'a>(shared: &Shared, segments: &'a [Arc<SegmentReader>], now_us: i64) -> Scope<'a> {
    Scope {
        segments,
        bytes: segments.iter().map(|segment| segment.file_bytes()).collect(),
        log_bytes: files::bytes_below(&shared.directory.tail),
        removable: shared.removable.load(Ordering::Acquire),
        now_us,
    }
}

/// Removes segments as files. Whether it could be noted.
fn remove_whole(
    shared: &Shared,
    segments: &[Arc<SegmentReader>],
    now_us: i64,
    is_sealer: bool,
) -> Result<bool, StoreError> {
    // What went of a segment that is empty was noted when it went.
    let holding = segments.iter().filter(|segment| segment.contents().count > 0);
    let notes: Vec<Note> = holding.map(|segment| Note::of_whole(segment, now_us)).collect();
    if !note::put(shared, &notes, is_sealer)? {
        return Ok(false);
    }
    shared.change_pieces(|pieces| {
        pieces.segments.retain(|segment| !segments.iter().any(|gone| gone.contents().id == segment.contents().id));
    });
    for segment in segments {
        files::remove(&files::numbered(&shared.directory.tail, segment.contents().id, LOG_ENDING))?;
        segment.remove_when_unused();
    }
    Ok(true)
}

/// Puts a segment that was written anew in the place of the one before. Whether it could be noted.
fn replace(
    shared: &Shared,
    reduction: &Reduction,
    reduced: &Reduced,
    now_us: i64,
    is_sealer: bool,
) -> Result<bool, StoreError> {
    let segment = &reduction.segment;
    let notes: Vec<Note> = reduced.gone.iter().map(|gone| Note::of_type(segment, gone, now_us)).collect();
    if !note::put(shared, &notes, is_sealer)? {
        return Ok(false);
    }
    // Snapshots that are held go on reading the file that was.
    segment.pin()?;
    files::write_durably(segment.path(), &reduced.bytes)?;
    let reader = Arc::new(SegmentReader::open(segment.path(), &shared.cache)?);
    let id = reader.contents().id;
    shared.change_pieces(|pieces| {
        if let Some(place) = pieces.segments.iter_mut().find(|segment| segment.contents().id == id) {
            *place = reader;
        }
        // Its events in memory are more than what is left.
        pieces.recent.take_if(|recent| recent.id == id);
    });
    Ok(true)
}
