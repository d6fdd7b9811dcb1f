//! Logs that stand in for segments which cannot be read: for a while after it was sealed the log of a segment is still
//! there, and holds the same events.
//!
//! ```text
//! segment that cannot be read ─► its log ─► a tail between the segments ─► (writer) the segment, sealed once more
//! ```
//!
//! The last segment needs none of this: without it, its log is simply one that is not sealed yet.

use std::sync::Arc;

use super::directory::{Directory, Format, Found};
use super::pieces::{Pieces, Tail};
use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::files::{self, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::segment::{self, SegmentCache, SegmentReader};
use crate::storage::tail::{TailMemory, read_log};

impl Found {
    /// Reads the log with this id, whose segment is there and cannot be read, if its events come before those of other
    /// segments. Whether it stands in.
    pub(super) fn stand_in(&mut self, directory: &Directory, id: u64, epoch: Option<u64>, before: &Pieces) -> bool {
        if let Some(known) = before.stand_ins.iter().find(|known| known.id == id) {
            self.pieces.stand_ins.push(Arc::clone(known));
            return true;
        }
        let path = files::numbered(&directory.tail, id, LOG_ENDING);
        // What is wrong with it is told when it is read as any other log.
        let Ok(Some(contents)) = read_log(&path, 0) else { return false };
        let header = &contents.header;
        let is_of_segment = header.id == id && epoch.is_none_or(|epoch| epoch == header.epoch);
        if !is_of_segment || header.first_sequence > self.pieces.sealed_sequence() {
            return false;
        }
        let mut memory = TailMemory::new(header.first_sequence);
        let problems = self.problems.len();
        self.replay(&mut memory, &contents, header.first_sequence, &path);
        let is_free = memory.len() > 0 && {
            let (first, last) = (memory.sequence(0), memory.sequence(memory.len() - 1));
            let ranges = self.pieces.segments.iter().map(|segment| segment.contents());
            ranges.into_iter().all(|other| last < other.first_sequence || other.last_sequence < first)
        };
        if is_free {
            self.pieces.stand_ins.push(Arc::new(Tail::new(id, memory, None)));
        } else {
            self.problems.truncate(problems);
        }
        is_free
    }
}

/// Seals logs that stand in once more, in the place of the segments that cannot be read, which are kept aside. What
/// does not fit the chain around it, or cannot be written, goes on standing in.
pub(super) fn seal_again(
    directory: &Directory,
    format: Format,
    cache: &Arc<SegmentCache>,
    pieces: &mut Pieces,
    problems: &mut Vec<StoreError>,
) {
    for tail in std::mem::take(&mut pieces.stand_ins) {
        let path = files::numbered(&directory.segments, tail.id, SEGMENT_ENDING);
        match seal(&tail, format, &path, cache, pieces) {
            Ok(Some(segment)) => {
                problems.retain(|problem| !problem.is_about(&path));
                pieces.segments.push(segment);
                pieces.segments.sort_by_key(|segment| segment.contents().first_sequence);
            }
            Ok(None) => pieces.stand_ins.push(tail),
            Err(problem) => {
                problems.push(problem);
                pieces.stand_ins.push(tail);
            }
        }
    }
}

fn seal(
    tail: &Tail,
    format: Format,
    path: &std::path::Path,
    cache: &Arc<SegmentCache>,
    pieces: &Pieces,
) -> Result<Option<Arc<SegmentReader>>, StoreError> {
    let memory = tail.memory.read();
    let (first, last) = (memory.sequence(0), memory.sequence(memory.len() - 1));
    let around = pieces.segments.iter().map(|segment| segment.contents());
    let before = match around.clone().take_while(|contents| contents.last_sequence < first).last() {
        Some(contents) => contents.after,
        None => Anchor::default(),
    };
    if before.sequence + 1 != first {
        return Ok(None);
    }
    let sealed_at_us = chrono::Utc::now().timestamp_micros();
    let sealing = segment::Sealing { epoch: format.epoch, id: tail.id, sealed_at_us, before };
    let (contents, bytes) = segment::build(&memory, sealing).map_err(StoreError::io("build", path))?;
    let next = around.into_iter().find(|contents| contents.first_sequence > last);
    if next.is_some_and(|next| next.before.sequence == last && next.before != contents.after) {
        return Ok(None);
    }
    files::keep_aside(path)?;
    files::write_durably(path, &bytes)?;
    Ok(Some(Arc::new(SegmentReader::open(path, cache)?)))
}
