//! Where in the record the problems lie that were found when a store was opened: a file that is damaged stands between
//! the files around it, whose times and sequence numbers are known.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::Store;
use super::pieces::{Pieces, Tail};
use crate::error::StoreError;
use crate::storage::Source;
use crate::storage::files::{FOREIGN_FILE, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::tail::TailSource;

/// A problem, and the part of the record that it concerns, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) since_us: Option<i64>,
    pub(crate) until_us: Option<i64>,
    /// The sequence numbers that may be concerned.
    pub(crate) sequences: Option<(u64, u64)>,
    pub(crate) reason: String,
    /// Whether this is the torn end of the newest log, or all of it.
    pub(crate) is_torn_end: bool,
}

/// A segment or log that was read.
struct Piece {
    id: u64,
    first_sequence: u64,
    last_sequence: u64,
    times_us: Option<(i64, i64)>,
    has_holes: bool,
    is_tail: bool,
}

impl Store {
    /// The problems with their places, and the torn end of the newest log, if there is one.
    pub(crate) fn damage(&self) -> Vec<Damage> {
        let shared = self.shared();
        let pieces = shared.pieces();
        let problems = shared.problems.lock();
        let torn = match pieces.tails.last() {
            Some(tail) if tail.log.is_none() => torn_end(&pieces, tail),
            Some(_) => None,
            None => last_log_missing(&pieces),
        };
        if problems.is_empty() {
            return torn.into_iter().collect();
        }
        let read = pieces_read(&pieces);
        problems.iter().filter_map(|problem| located(problem, &read)).chain(torn).collect()
    }
}

/// A writer always leaves a log behind the last segment, with the newest events in it.
fn last_log_missing(pieces: &Pieces) -> Option<Damage> {
    let newest = pieces.segments.iter().filter_map(|segment| segment.time_bounds()).map(|(_, max_us)| max_us).max();
    (!pieces.segments.is_empty()).then(|| Damage {
        since_us: newest,
        until_us: None,
        sequences: None,
        reason: "the log behind the last segment, which holds the newest events, is missing".to_owned(),
        is_torn_end: true,
    })
}

/// What stands behind the last whole batch of a log that is only read.
fn torn_end(pieces: &Pieces, tail: &Tail) -> Option<Damage> {
    let bytes = tail.torn_bytes.load(Ordering::Relaxed);
    let source = TailSource::new(&tail.memory);
    let since_us = source.time_bounds().map(|(_, max_us)| max_us);
    let before = || pieces.segments.last().and_then(|segment| segment.time_bounds()).map(|(_, max_us)| max_us);
    (bytes > 0).then(|| Damage {
        since_us: since_us.or_else(before),
        until_us: None,
        sequences: None,
        reason: format!("{bytes} bytes behind the last whole batch are torn off, or just being written"),
        is_torn_end: true,
    })
}

/// Everything that was read, by id.
fn pieces_read(pieces: &Pieces) -> Vec<Piece> {
    let piece = |id: u64, source: &dyn Source, is_tail: bool| Piece {
        id,
        first_sequence: *source.sequences().start(),
        last_sequence: *source.sequences().end(),
        times_us: source.time_bounds(),
        has_holes: !source.holes().is_empty(),
        is_tail,
    };
    let segments = pieces.segments.iter().map(|segment| piece(segment.contents().id, &**segment, false));
    let tails = pieces.tails.iter().map(|tail| piece(tail.id, &TailSource::new(&tail.memory), true));
    let stand_ins = pieces.stand_ins.iter().map(|tail| piece(tail.id, &TailSource::new(&tail.memory), true));
    let mut read: Vec<Piece> = segments.chain(tails).chain(stand_ins).collect();
    if !pieces.stand_ins.is_empty() {
        read.sort_by_key(|piece| piece.first_sequence);
    }
    read
}

/// A problem with its place. Nothing if no event can be missing because of it.
fn located(problem: &StoreError, read: &[Piece]) -> Option<Damage> {
    let reason = problem.to_string();
    let (StoreError::Damaged { path, .. } | StoreError::Io { path, .. }) = problem else { return None };
    let nowhere = |reason| Damage { since_us: None, until_us: None, sequences: None, reason, is_torn_end: false };
    let Some((id, ending)) = numbered(path) else {
        let is_foreign = path.file_name().is_some_and(|name| name == FOREIGN_FILE);
        return (matches!(problem, StoreError::Damaged { .. }) && !is_foreign).then(|| nowhere(reason));
    };
    let before = read.iter().rev().find(|piece| piece.id < id);
    let after = read.iter().find(|piece| piece.id > id);
    let newest = before.and_then(|piece| piece.times_us).map(|(_, max_us)| max_us);
    let oldest = after.and_then(|piece| piece.times_us).map(|(min_us, _)| min_us);
    let first_sequence = before.map_or(1, |piece| piece.last_sequence + 1);
    let last_sequence = match read.iter().find(|piece| piece.id == id) {
        // The log of the segment, or the segment of the log, holds all of its events.
        Some(piece) if piece.is_tail == (ending == SEGMENT_ENDING) && !piece.has_holes => return None,
        // The damage is anywhere from the file before to the end of this one, and perhaps behind it.
        Some(piece) => {
            let since_us = piece.times_us.map(|(min_us, _)| min_us);
            let sequences = Some((first_sequence, piece.last_sequence));
            return Some(Damage { since_us, until_us: oldest, sequences, reason, is_torn_end: false });
        }
        None => after.map(|piece| piece.first_sequence.saturating_sub(1)),
    };
    let sequences = last_sequence.filter(|last| *last >= first_sequence).map(|last| (first_sequence, last));
    // Events of the files around it may be late, so that the interval is turned around.
    let (since_us, until_us) = match (newest, oldest) {
        (Some(newest), Some(oldest)) => (Some(newest.min(oldest)), Some(newest.max(oldest))),
        either => either,
    };
    Some(Damage { since_us, until_us, sequences, reason, is_torn_end: false })
}

/// The id and the ending of a segment or log.
fn numbered(path: &Path) -> Option<(u64, &str)> {
    let ending = path.extension()?.to_str().filter(|ending| [LOG_ENDING, SEGMENT_ENDING].contains(ending))?;
    Some((path.file_stem()?.to_str()?.parse().ok()?, ending))
}
