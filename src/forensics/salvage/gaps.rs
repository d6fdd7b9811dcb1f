//! What is not there: numbers that no event has any more, and what the store already knew to be missing.

use std::ops::RangeInclusive;

use super::piece::{Covered, Salvage};
use crate::storage::keyed::{PublishedEntry, Tree};
use crate::store::{EVENTS_BEYOND_DAMAGE, Loss, LossCause, Removal, emptied};

/// The first and the last number of a range that is not among some ascending ones.
pub(super) fn missing_in(range: RangeInclusive<u64>, there: impl Iterator<Item = u64>) -> Option<(u64, u64)> {
    let mut missing: Option<(u64, u64)> = None;
    let mut note = |first: u64, last: u64| {
        if first <= last {
            missing = Some((missing.map_or(first, |(known, _)| known), last));
        }
    };
    let mut next = *range.start();
    for number in there.filter(|number| range.contains(number)) {
        note(next, number.saturating_sub(1));
        next = number + 1;
    }
    note(next, *range.end());
    missing
}

/// The runs of consecutive numbers among ascending ones.
pub(super) fn runs(numbers: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

/// Notes as lost what lies between, before and behind what is covered and was not known to be missing.
pub(super) fn note(salvage: &mut Salvage<'_>) {
    let known = known_missing(&salvage.entries);
    let covered: Vec<Covered> = salvage.covered.values().cloned().collect();
    let mut before: Option<&Covered> = None;
    let mut next = 1;
    let mut found = Vec::new();
    for piece in &covered {
        if piece.first > next {
            found.extend(lost(salvage, (next, piece.first - 1), &known, before, Some(piece)));
        }
        next = next.max(piece.last.saturating_add(1));
        before = Some(piece);
    }
    if salvage.last_sequence >= next {
        found.extend(lost(salvage, (next, salvage.last_sequence), &known, before, None));
    }
    let last_id = before.map_or(0, |piece| piece.id);
    let behind: Vec<&str> =
        salvage.lost_files.iter().filter(|(id, _)| *id > last_id).map(|(_, name)| name.as_str()).collect();
    if salvage.open_end.is_none() && !behind.is_empty() {
        salvage.open_end = Some(format!("{}: what it held is not known", behind.join(", ")));
    }
    if let Some(reason) = &salvage.open_end {
        found.push(Loss {
            first_sequence: Some(salvage.last_sequence + 1),
            // The new store goes on behind all numbers that may have been given.
            last_sequence: Some(salvage.last_sequence + EVENTS_BEYOND_DAMAGE),
            first_us: before.and_then(|piece| piece.bounds_us).map(|(_, last)| last),
            ..Loss::new(LossCause::Salvaged, reason.clone())
        });
    }
    salvage.report.losses.extend(found);
}

/// The parts of a gap that were not known to be missing.
fn lost(
    salvage: &Salvage<'_>,
    gap: (u64, u64),
    known: &[(u64, u64)],
    before: Option<&Covered>,
    behind: Option<&Covered>,
) -> Vec<Loss> {
    let ids = before.map_or(0, |piece| piece.id)..=behind.map_or(u64::MAX, |piece| piece.id);
    let files: Vec<&str> =
        salvage.lost_files.iter().filter(|(id, _)| ids.contains(id)).map(|(_, name)| name.as_str()).collect();
    let detail = match (files.is_empty(), before, behind) {
        (false, ..) => files.join(", "),
        (true, Some(a), Some(b)) if a.id == b.id => format!("log {}: batches that could not be read", a.id),
        (true, None, _) => "before the first file: nothing tells that retention removed it".to_owned(),
        _ => "no file holds it".to_owned(),
    };
    let bound = |piece: Option<&Covered>| piece.and_then(|piece| piece.bounds_us);
    let (mut first_us, mut last_us) = (bound(before).map(|(_, last)| last), bound(behind).map(|(first, _)| first));
    if let (Some(first), Some(last)) = (first_us, last_us) {
        (first_us, last_us) = (Some(first.min(last)), Some(first.max(last)));
    }
    let parts = without(gap, known).into_iter();
    parts
        .map(|(first, last)| Loss {
            events: Some(last - first + 1),
            first_sequence: Some(first),
            last_sequence: Some(last),
            first_us,
            last_us,
            ..Loss::new(LossCause::Salvaged, detail.clone())
        })
        .collect()
}

/// A range without the parts that are in others, which are in order.
fn without((first, last): (u64, u64), others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    let mut next = first;
    for &(from, to) in others.iter().filter(|(from, to)| *from <= last && *to >= first) {
        if from > next {
            parts.push((next, from - 1));
        }
        next = next.max(to.saturating_add(1));
    }
    if next <= last {
        parts.push((next, last));
    }
    parts
}

/// The ranges of which the store already knew that all their events are gone, in order.
fn known_missing(entries: &[PublishedEntry]) -> Vec<(u64, u64)> {
    let of_retention = entries.iter().filter(|entry| entry.tree == Tree::Retention);
    let removals = of_retention.filter_map(|entry| serde_json::from_value::<Removal>(entry.value.clone()).ok());
    let mut known = emptied(&removals.collect::<Vec<_>>());
    for entry in entries {
        let range = match entry.tree {
            Tree::Losses => serde_json::from_value::<Loss>(entry.value.clone())
                .ok()
                .and_then(|loss| Some((loss.first_sequence?, loss.last_sequence?))),
            _ => None,
        };
        known.extend(range.filter(|(first, last)| first <= last));
    }
    known.sort_unstable();
    known
}

/// Adds losses to what the new store publishes.
pub(super) fn put_losses(losses: &[Loss], entries: &mut Vec<PublishedEntry>) {
    let known = entries.iter().filter(|entry| entry.tree == Tree::Losses);
    let last = known.filter_map(|entry| entry.key.parse::<u32>().ok()).max().unwrap_or(0);
    for (number, loss) in (u64::from(last) + 1..).zip(losses) {
        if let Ok(value) = serde_json::to_value(loss) {
            entries.push(PublishedEntry { tree: Tree::Losses, key: format!("{number:020}"), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_is_in_no_run() {
        assert_eq!(missing_in(3..=9, [4, 5, 7].into_iter()), Some((3, 9)));
        assert_eq!(missing_in(3..=5, [3, 5].into_iter()), Some((4, 4)));
        assert_eq!(missing_in(3..=5, 3..=5), None);
        assert_eq!(runs([1, 2, 4, 7, 8].into_iter()), [(1, 2), (4, 4), (7, 8)]);
        assert_eq!(without((5, 10), &[(1, 5), (7, 8), (7, 7)]), [(6, 6), (9, 10)]);
        assert_eq!(without((5, 10), &[(5, 10)]), []);
        assert_eq!(without((5, 10), &[]), [(5, 10)]);
    }
}
