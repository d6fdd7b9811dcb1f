//! The chain from segment to segment, what the logs say of it, and a head that was noted elsewhere.

use std::collections::BTreeMap;

use super::logs::ReadLog;
use super::segments::Checked;
use super::{Head, Severity, Verification};
use crate::storage::chain::{Anchor, Hash};

/// Follows the chain; gives where it stands at each sequence number at which that is known.
pub(super) fn check(segments: &[Checked], logs: &[ReadLog], verification: &mut Verification) -> BTreeMap<u64, Hash> {
    let mut known: BTreeMap<u64, Hash> = BTreeMap::from([(0, Hash::default())]);
    let mut last: Option<Anchor> = None;
    let mut in_order: Vec<_> = segments.iter().filter_map(|found| Some((found, found.contents()?))).collect();
    // By what they say, so that one that was only renamed is in its place.
    in_order.sort_by_key(|(found, contents)| (contents.before.sequence, found.id != contents.id, found.id));
    for (found, contents) in in_order {
        let (before, after) = (contents.before, contents.after);
        let broken = known.get(&before.sequence).is_some_and(|chain| *chain != before.chain);
        if last == Some(after) {
            // A second copy, which its numbers show.
            continue;
        }
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
