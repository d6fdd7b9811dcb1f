//! Whether a concept id stands for one event only, across segments and the tail.
//!
//! An id is the type, the time and an ordinal, and within a segment the check of its order proves it unique. Two pieces
//! can share an id only at times that both have, so only the blocks there are read again: exact, and nothing where the
//! pieces follow on each other in time.

use std::collections::BTreeMap;

use super::logs::TailEvents;
use super::segments::Checked;
use super::{Severity, Verification};
use crate::error::StoreError;
use crate::storage::files::{self, SEGMENT_ENDING};
use crate::storage::segment::check::ids_between;
use crate::store::directory::Directory;

/// A larger segment is not read, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 30;

/// The times of a type in one piece.
struct Span {
    first_us: i64,
    last_us: i64,
    /// The segment; else the events themselves.
    piece: Piece,
}

enum Piece {
    Segment(u64),
    Tail(Vec<(i64, u64)>),
}

/// Compares the ids of pieces that overlap in time.
pub(super) fn check(
    directory: &Directory,
    segments: &[Checked],
    tails: &[TailEvents],
    verification: &mut Verification,
) -> Result<(), StoreError> {
    for (event_type, mut spans) in spans_of(segments, tails) {
        spans.sort_by_key(|span| span.first_us);
        let mut twice = 0u64;
        let mut latest = i64::MIN;
        // The stretches of time that more than one piece has; they are disjoint and in order.
        let mut shared: Vec<(i64, i64)> = Vec::new();
        for span in &spans {
            if span.first_us <= latest {
                let stretch = (span.first_us, span.last_us.min(latest));
                match shared.last_mut() {
                    Some(last) if stretch.0 <= last.1 => last.1 = last.1.max(stretch.1),
                    _ => shared.push(stretch),
                }
            }
            latest = latest.max(span.last_us);
        }
        for (from, to) in shared {
            let mut ids: Vec<(i64, u64)> = Vec::new();
            for span in spans.iter().filter(|span| span.first_us <= to && span.last_us >= from) {
                match &span.piece {
                    Piece::Tail(of_tail) => {
                        ids.extend(of_tail.iter().filter(|(time, _)| (from..=to).contains(time)));
                    }
                    Piece::Segment(id) => {
                        let path = files::numbered(&directory.segments, *id, SEGMENT_ENDING);
                        // One that retention removed meanwhile has no id in common with anything.
                        let Ok(file) = files::read(&path, SEGMENT_BYTES_MAX) else { continue };
                        ids.extend(ids_between(&file, &event_type, from, to));
                    }
                }
            }
            ids.sort_unstable();
            twice += ids.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        }
        if twice > 0 {
            let what = format!(
                "{twice} ids of type {event_type} stand for more than one event. Two files hold the same events, or one \
                 is of another copy: compare with a backup."
            );
            verification.find(Severity::Error, "", "ids", what);
        }
    }
    Ok(())
}

fn spans_of(segments: &[Checked], tails: &[TailEvents]) -> BTreeMap<String, Vec<Span>> {
    let mut spans: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for (found, contents) in segments.iter().filter_map(|found| Some((found, found.contents()?))) {
        let (mut position, mut blocks) = (0u32, contents.blocks.iter().peekable());
        for of_type in &contents.types {
            let end = of_type.first.saturating_add(of_type.count);
            let (mut first_us, mut last_us) = (i64::MAX, i64::MIN);
            while let Some(block) = blocks.next_if(|_| position < end) {
                (first_us, last_us) = (first_us.min(block.min_us), last_us.max(block.max_us));
                position = position.saturating_add(block.count);
            }
            if first_us <= last_us {
                let span = Span { first_us, last_us, piece: Piece::Segment(found.id) };
                spans.entry(of_type.name.clone()).or_default().push(span);
            }
        }
    }
    for (name, ids) in tails.iter().flat_map(TailEvents::ids) {
        let first_us = ids.iter().map(|id| id.0).min();
        let last_us = ids.iter().map(|id| id.0).max();
        if let (Some(first_us), Some(last_us)) = (first_us, last_us) {
            spans.entry(name).or_default().push(Span { first_us, last_us, piece: Piece::Tail(ids) });
        }
    }
    spans
}
