//! The chain from segment to segment, what the logs say of it, and a head that was noted elsewhere.

use std::collections::BTreeMap;

use super::logs::ReadLog;
use super::options::hex;
use super::segments::Checked;
use super::{Head, Severity, Verification};
use crate::storage::chain::{Anchor, Hash};
use crate::storage::segment::RemovalCause;

/// An `events_removed` event: what retention says it removed.
#[derive(Debug, serde::Deserialize)]
pub(super) struct RemovalEvent {
    pub(super) removed_type: Option<String>,
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    pub(super) root_after: Option<String>,
}

impl RemovalEvent {
    /// The events among these JSON texts that have the form of such an event.
    pub(super) fn parse_all<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Self> {
        texts.filter_map(|text| serde_json::from_str(text).ok()).collect()
    }
}

/// Follows the chain; gives where it stands at each sequence number at which that is known.
pub(super) fn check(segments: &[Checked], logs: &[ReadLog], verification: &mut Verification) -> BTreeMap<u64, Hash> {
    let mut known: BTreeMap<u64, Hash> = BTreeMap::from([(0, Hash::default())]);
    let mut last: Option<Anchor> = None;
    for (found, contents) in segments.iter().filter_map(|found| Some((found, found.contents()?))) {
        let (before, after) = (contents.before, contents.after);
        let broken = known.get(&before.sequence).is_some_and(|chain| *chain != before.chain);
        let backwards = last.is_some_and(|last| before.sequence < last.sequence);
        if broken || backwards {
            let what = format!(
                "the chain breaks: what stands before number {} is not what this segment was sealed behind. The record \
                 up to there was changed, or a file comes from another copy: compare with a backup.",
                before.sequence + 1
            );
            verification.find(Severity::Error, found.file(), "contents", what);
        }
        if contents.first_sequence <= before.sequence || contents.last_sequence != after.sequence {
            let what = "its sequence numbers do not follow on the chain before it. It was not written by the store.";
            verification.find(Severity::Error, found.file(), "contents", what);
        }
        known.entry(before.sequence).or_insert(before.chain);
        known.insert(after.sequence, after.chain);
        last = Some(after);
    }
    for log in logs {
        for anchor in log.anchors() {
            if known.get(&anchor.sequence).is_some_and(|chain| *chain != anchor.chain) {
                let what = format!(
                    "it says another link of the chain at number {} than the segments. The segments up to there were \
                     changed, or come from another copy: compare with a backup.",
                    anchor.sequence
                );
                verification.find(Severity::Error, log.file(), "anchor", what);
            }
            known.entry(anchor.sequence).or_insert(anchor.chain);
        }
    }
    verification.head = known
        .last_key_value()
        .filter(|(sequence, _)| **sequence > 0)
        .map(|(&sequence, &chain)| Head { chain, sequence });
    known
}

/// Compares the chain with a head that was noted elsewhere.
pub(super) fn compare_head(noted: Head, known: &BTreeMap<u64, Hash>, verification: &mut Verification) {
    let matches = known.get(&noted.sequence).map(|chain| *chain == noted.chain);
    verification.head_matches = Some(matches == Some(true));
    let what = match matches {
        Some(true) => return,
        Some(false) => format!(
            "the chain at number {} is not the one that was noted: the record up to there was changed, or the head is of \
             another store. Compare with a backup.",
            noted.sequence
        ),
        None => {
            let below = known.range(..noted.sequence).next_back().map(|(sequence, _)| sequence.to_string());
            let above = known.range(noted.sequence..).next().map(|(sequence, _)| sequence.to_string());
            let near: Vec<String> = below.into_iter().chain(above).collect();
            format!(
                "no segment ends at number {}, so the head cannot be compared; the chain is known at {}. Segments that \
                 held it may be gone.",
                noted.sequence,
                near.join(" and ")
            )
        }
    };
    verification.find(Severity::Error, "", "head", what);
}

/// Whether the store says that it removed what segments lack: what is left of a type is proven by the event that says
/// so, which later segments hold.
pub(super) fn check_reduced(segments: &[Checked], removals: &[RemovalEvent], verification: &mut Verification) {
    for (found, contents) in segments.iter().filter_map(|found| Some((found, found.contents()?))) {
        for gone in &contents.removed {
            let left = contents.types.iter().find(|left| left.name == gone.event_type).map(|left| hex(&left.root));
            let said = removals.iter().any(|removal| {
                let of_type = removal.removed_type.as_ref().is_none_or(|name| *name == gone.event_type);
                let overlaps = removal.first_sequence <= contents.last_sequence
                    && removal.last_sequence >= contents.first_sequence;
                of_type && overlaps && removal.root_after == left
            });
            let place = format!("type {}", gone.event_type);
            if gone.cause == RemovalCause::Lost {
                verification.notes.push(format!(
                    "{}: {} events of type {} were lost before the store was salvaged",
                    found.file().display(),
                    gone.events,
                    gone.event_type
                ));
            } else if !said {
                let what = format!(
                    "{} events were removed, and no event of the store says so: what is left of the type is covered by \
                     checksums only, not by the chain.",
                    gone.events
                );
                verification.find(Severity::Warning, found.file(), place, what);
            }
        }
    }
}
