//! Whether every sequence number is there once, and whether what is missing is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::logs::{ReadLog, TailEvents};
use super::removals::{RemovalEvent, Said, check_whole, is_unsaid};
use super::segments::Checked;
use super::{Lost, Severity, Verification};
use crate::error::StoreError;
use crate::storage::RemovalCause;
use crate::storage::chain::Hash;
use crate::storage::keyed::{Tree, read_published};
use crate::store::{EVENTS_BEYOND_DAMAGE, Loss, Removal, forgotten};

/// A run of sequence numbers, first and last.
pub(super) type Run = (u64, u64);

/// What the store says is missing.
#[derive(Debug, Default)]
pub(super) struct Known {
    removals: Vec<Removal>,
    losses: Vec<Loss>,
}

impl Known {
    /// What the store at this path has published.
    pub(super) fn read(store: &std::path::Path) -> Result<Self, StoreError> {
        fn entries<T: serde::de::DeserializeOwned>(store: &std::path::Path, tree: Tree) -> Result<Vec<T>, StoreError> {
            let published = read_published(store, tree)?;
            Ok(published.into_values().filter_map(|value| serde_json::from_value(value).ok()).collect())
        }
        Ok(Self { removals: entries(store, Tree::Retention)?, losses: entries(store, Tree::Losses)? })
    }

    /// The runs that are missing for a reason, where these are there.
    fn runs(&self, removals: &[RemovalEvent], there: &[Run]) -> Vec<Run> {
        let whole = self.removals.iter().filter(|removal| removal.event_type.is_none());
        let whole = whole.map(|removal| (removal.first_sequence, removal.last_sequence));
        let losses = self.losses.iter().filter_map(|loss| {
            let first = loss.first_sequence?;
            Some((first, loss.last_sequence.unwrap_or_else(|| open_end(first, there))))
        });
        let said = removals.iter().filter(|removal| removal.removed_type.is_none());
        let said = said.map(|removal| (removal.first_sequence, removal.last_sequence));
        let mut runs: Vec<Run> = whole.chain(losses).chain(said).chain(self.emptied(removals)).collect();
        runs.extend(forgotten(&self.removals));
        runs.sort_unstable();
        runs
    }

    /// The segments of which type after type was removed, until nothing was left and the file went too.
    fn emptied(&self, removals: &[RemovalEvent]) -> Vec<Run> {
        let mut gone: BTreeMap<Run, BTreeSet<(&str, bool, u64)>> = BTreeMap::new();
        let known = self.removals.iter().filter_map(|removal| {
            let run = (removal.first_sequence, removal.last_sequence);
            Some((run, removal.event_type.as_deref()?, removal.cause == RemovalCause::Thinned, removal.events))
        });
        let said = removals.iter().filter_map(|removal| {
            let run = (removal.first_sequence, removal.last_sequence);
            Some((run, removal.removed_type.as_deref()?, removal.cause == "thinned", removal.events))
        });
        // Most removals are said in both places.
        for (run, event_type, is_thinned, events) in known.chain(said) {
            gone.entry(run).or_default().insert((event_type, is_thinned, events));
        }
        let is_all = |(run, types): (Run, BTreeSet<(&str, bool, u64)>)| {
            let events = types.iter().fold(0u64, |sum, (_, _, events)| sum.saturating_add(*events));
            (run.0 <= run.1 && events > run.1 - run.0).then_some(run)
        };
        gone.into_iter().filter_map(is_all).collect()
    }

    /// Whether `kv.jsonl` says that events of a type of a segment were removed.
    pub(super) fn has_removal(&self, event_type: &str, run: Run) -> bool {
        self.removals.iter().any(|removal| {
            removal.event_type.as_deref() == Some(event_type) && (removal.first_sequence, removal.last_sequence) == run
        })
    }

    /// Whether `kv.jsonl` names a loss among the numbers of a segment.
    pub(super) fn has_loss_within(&self, run: Run) -> bool {
        self.losses.iter().any(|loss| {
            loss.first_sequence.is_some_and(|first| first <= run.1)
                && loss.last_sequence.is_some_and(|last| last >= run.0)
        })
    }

    fn note(&self, verification: &mut Verification) {
        let events: u64 = self.removals.iter().map(|removal| removal.events).sum();
        if events > 0 {
            let events = if events == 1 { "1 event was".to_owned() } else { format!("{events} events were") };
            verification.notes.push(format!("{events} removed by retention"));
        }
        for loss in &self.losses {
            let numbers = match (loss.first_sequence, loss.last_sequence) {
                (Some(first), Some(last)) => format!(", {}", numbers(first, last)),
                (Some(first), None) => format!(", from number {first} on"),
                _ => String::new(),
            };
            verification.notes.push(format!("a loss that the store knows{numbers}: {}", loss.detail));
        }
    }
}

/// Where a loss ends of which only the start is known: before the next number that exists, and no further than what is
/// passed over behind damage, so that it covers up nothing that is lost later.
fn open_end(first: u64, there: &[Run]) -> u64 {
    let next = there.iter().map(|run| run.0).find(|&next| next > first);
    let passed = first.saturating_add(EVENTS_BEYOND_DAMAGE - 1);
    next.map_or(passed, |next| passed.min(next - 1))
}

/// The first of the runs that overlap those before them, and all runs as one sorted list.
fn merge(mut runs: Vec<Run>) -> (Option<Run>, Vec<Run>) {
    runs.sort_unstable();
    let (mut twice, mut merged) = (None, Vec::<Run>::new());
    for run in runs {
        match merged.last_mut() {
            Some(last) if run.0 <= last.1 => {
                twice = twice.or(Some((run.0, run.1.min(last.1))));
                last.1 = last.1.max(run.1);
            }
            Some(last) if run.0 == last.1.saturating_add(1) => last.1 = run.1,
            _ => merged.push(run),
        }
    }
    (twice, merged)
}

/// What of a run is in none of the sorted runs.
fn without(run: Run, runs: &[Run]) -> Vec<Run> {
    let (mut from, mut left) = (run.0, Vec::new());
    for &(first, last) in runs {
        if first > run.1 {
            break;
        }
        if last < from {
            continue;
        }
        if first > from {
            left.push((from, first - 1));
        }
        from = from.max(last.saturating_add(1));
    }
    if from <= run.1 {
        left.push((from, run.1));
    }
    left
}

fn count(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.1 - run.0 + 1).sum()
}

/// Which sequence numbers the store gave.
pub(super) struct Given {
    /// The last, as far as is known.
    end: u64,
    /// The first numbers behind those that a writer passed over, behind files that it could not read.
    behind_passed: BTreeSet<u64>,
}

impl Given {
    pub(super) fn of(segments: &[Checked], logs: &[ReadLog], chain: &BTreeMap<u64, Hash>) -> Self {
        let headers = logs.iter().filter_map(|log| Some(&log.contents.as_ref().ok()?.as_ref()?.header));
        let of_logs = headers.map(|header| (header.anchor.sequence, header.first_sequence));
        let of_segments = segments.iter().filter_map(Checked::contents);
        let of_segments = of_segments.map(|contents| (contents.before.sequence, contents.first_sequence));
        let started: Vec<(u64, u64)> = of_logs.chain(of_segments).collect();
        let covered = chain.last_key_value().map_or(0, |(sequence, _)| *sequence);
        let end = started.iter().map(|(_, first)| first.saturating_sub(1)).max().unwrap_or(0).max(covered);
        // Only so far does a file begin behind what the chain covered when it was started.
        let is_passed = |(before, first): &(u64, u64)| first.saturating_sub(*before) > EVENTS_BEYOND_DAMAGE;
        let behind_passed = started.into_iter().filter(is_passed).map(|(_, first)| first).collect();
        Self { end, behind_passed }
    }
}

/// Finds what is missing without a reason; `again` reads once more what the store says is missing, which is kept in
/// `said`.
pub(super) fn check(
    segments: &[Checked],
    tails: &[TailEvents],
    said: &mut Said,
    again: impl FnOnce() -> Option<Said>,
    chain: &BTreeMap<u64, Hash>,
    given: &Given,
    verification: &mut Verification,
) {
    let of_segments = segments.iter().flat_map(|found| found.facts.runs.iter().copied());
    let there = of_segments.chain(tails.iter().flat_map(TailEvents::runs)).collect();
    let (twice, there) = merge(there);
    if let Some((first, last)) = twice {
        let what = format!(
            "{} {} there twice. Two files hold the same events, or one is of another copy: compare with a backup.",
            numbers(first, last),
            if first == last { "is" } else { "are" }
        );
        verification.find(Severity::Error, "", "sequence numbers", what);
    }
    verification.first_sequence = there.first().map(|run| run.0);
    verification.last_sequence = there.last().map(|run| run.1);
    let missing = without((1, given.end.max(verification.last_sequence.unwrap_or(0))), &there);
    let unexplained = |said: &Said| -> Vec<Run> {
        let (_, explained) = merge(said.known.runs(&said.removals, &there));
        missing.iter().flat_map(|run| without(*run, &explained)).collect()
    };
    let mut holes = within_segments(segments, unexplained(said));
    // A writer may be just about to say it.
    if (!holes.is_empty() || is_unsaid(segments, said))
        && let Some(newer) = again()
    {
        *said = newer;
        holes = within_segments(segments, unexplained(said));
    }
    said.known.note(verification);
    check_whole(&missing, chain, &said.removals, verification);
    let knots = knots(segments, tails);
    for (first, last) in holes {
        let before = knots.iter().rev().find(|knot| knot.0 < first).map(|knot| knot.1);
        let after = knots.iter().find(|knot| knot.0 > last).map(|knot| knot.1);
        // Events may come late, so that those behind are the earlier ones.
        let (before, after) = if before > after && after.is_some() { (after, before) } else { (before, after) };
        let mut lose = |(first, last): Run, events: Option<u64>, what: &str| {
            let what = format!("{what}: take what is missing from a backup, or run `grid-events salvage` on a copy.");
            verification.find(Severity::Error, "", numbers(first, last), what);
            verification.lost.push(Lost {
                first_sequence: Some(first),
                last_sequence: Some(last),
                first_us: before,
                last_us: after,
                events,
            });
        };
        // So many were never given where a writer went on behind a file that it could not read.
        let passed_from = (last + 1).saturating_sub(EVENTS_BEYOND_DAMAGE).max(first);
        let is_passed = given.behind_passed.contains(&(last + 1)) && last - first >= EVENTS_BEYOND_DAMAGE - 1;
        if !is_passed || passed_from > first {
            let missing = if is_passed { (first, passed_from - 1) } else { (first, last) };
            let events = missing.1 - missing.0 + 1;
            let what = format!(
                "{} missing, and nothing says why. A file was removed, cut off or damaged",
                if events == 1 { "1 event is".to_owned() } else { format!("{events} events are") }
            );
            lose(missing, Some(events), &what);
        }
        if is_passed {
            let what = "a writer passed these over behind a file that it could not read. They were not given to events, \
                        but for those that the file held, and how many that were is not known";
            lose((passed_from, last), None, what);
        }
    }
}

/// Sequence numbers in words.
fn numbers(first: u64, last: u64) -> String {
    if first == last { format!("number {first}") } else { format!("numbers {first} to {last}") }
}

/// The holes but for their parts inside of segments that say how many events they lack, or of which damaged blocks were
/// named already.
fn within_segments(segments: &[Checked], mut holes: Vec<Run>) -> Vec<Run> {
    for contents in segments.iter().filter(|found| found.contents().is_some()) {
        let Some(own) = contents.contents() else { continue };
        let range = (own.first_sequence, own.last_sequence);
        let accounted = own.removed.iter().map(|gone| u64::from(gone.events)).sum::<u64>()
            + contents.facts.lost.iter().map(|lost| lost.events).sum::<u64>();
        if accounted == 0 {
            continue;
        }
        // A hole may go on in the segments before and behind.
        let inside = |hole: &Run| {
            let part = (hole.0.max(range.0), hole.1.min(range.1));
            (part.0 <= part.1).then_some(part)
        };
        let parts: Vec<Run> = holes.iter().filter_map(inside).collect();
        if count(&parts) <= accounted {
            holes = holes.into_iter().flat_map(|hole| without(hole, &[range])).collect();
        }
    }
    holes
}

/// Sequence numbers with the times there, in their order.
fn knots(segments: &[Checked], tails: &[TailEvents]) -> Vec<(u64, i64)> {
    let mut knots = Vec::new();
    for contents in segments.iter().filter_map(Checked::contents) {
        let first_us = contents.blocks.iter().map(|block| block.min_us).min();
        let last_us = contents.blocks.iter().map(|block| block.max_us).max();
        knots.extend(first_us.map(|us| (contents.first_sequence, us)));
        knots.extend(last_us.map(|us| (contents.last_sequence, us)));
    }
    for tail in tails {
        for (first, last) in tail.runs() {
            knots.extend([first, last].into_iter().filter_map(|number| Some((number, tail.time_of(number)?))));
        }
    }
    knots.sort_unstable();
    knots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_twice_or_not_at_all_is_found() {
        assert_eq!(merge(vec![(5, 9), (1, 4)]), (None, vec![(1, 9)]));
        assert_eq!(merge(vec![(1, 4), (3, 6), (9, 9)]), (Some((3, 4)), vec![(1, 6), (9, 9)]));
        assert_eq!(without((1, 10), &[(2, 3), (5, 6)]), [(1, 1), (4, 4), (7, 10)]);
        assert_eq!(without((1, 10), &[(1, 10)]), []);
        assert_eq!(without((4, 5), &[(1, 4), (9, 9)]), [(5, 5)]);
        assert_eq!(without((2, 3), &[]), [(2, 3)]);
    }

    #[test]
    fn a_loss_without_an_end_goes_up_to_the_next_number_and_not_too_far() {
        assert_eq!(open_end(5, &[(1, 4), (9, 10)]), 8);
        assert_eq!(open_end(5, &[(1, 4)]), EVENTS_BEYOND_DAMAGE + 4);
        assert_eq!(open_end(5, &[(1, 4), (u64::MAX, u64::MAX)]), EVENTS_BEYOND_DAMAGE + 4);
    }
}
