//! What is known to be missing from a store, from everything that knows of it.

use crate::error::StoreError;
use crate::storage::{Hole, Source};
use crate::store::{
    Damage, EVENTS_BEYOND_DAMAGE, Loss, LossCause, Missing, Removal, RemovalCause, Snapshot, Store, emptied, forgotten,
};

use super::{Gap, GapCause};
use crate::query::TimeRange;

/// Every gap of a store that may lie in a range. What was noted of other times is passed over at once: there may be
/// thousands of notes.
pub(super) fn all(store: &Store, snapshot: &Snapshot, range: TimeRange) -> Result<Vec<Gap>, StoreError> {
    let mut gaps: Vec<Gap> = unreadable(snapshot).collect();
    let missing = match store.missing() {
        Ok(missing) => missing,
        Err(error) if error.is_unreadable() => {
            let reason = format!("what was removed and lost before is not known: {error}");
            gaps.push(Gap::new(None, None, GapCause::Damaged, reason));
            Default::default()
        }
        Err(error) => return Err(error),
    };
    let (removals, losses) = (&missing.removals, &missing.losses);
    // What salvage did not find is told by the note of it, whose numbers are closer, and by the segment only without.
    let is_noted = |gap: &Gap| {
        let within =
            |loss: &Loss| (loss.first_sequence >= gap.first_sequence) && (loss.last_sequence <= gap.last_sequence);
        let same = |loss: &&Loss| loss.cause == LossCause::Salvaged && loss.event_type == gap.event_type;
        gap.cause == GapCause::Lost && losses.iter().filter(same).any(within)
    };
    let taken_out = snapshot.sources().iter().flat_map(|source| taken_out(&**source));
    gaps.extend(taken_out.filter(|gap| !is_noted(gap)));
    let told_by_source = |removal: &Removal| {
        let overlaps = |source: &dyn Source| {
            let sequences = source.sequences();
            removal.first_sequence <= *sequences.end() && *sequences.start() <= removal.last_sequence
        };
        removal.event_type.as_ref().is_some_and(|name| {
            let has = |source: &dyn Source| source.removed().iter().any(|gone| gone.event_type == *name);
            snapshot.sources().iter().any(|source| overlaps(&**source) && has(&**source))
        })
    };
    let in_range = |removal: &&Removal| range.overlaps(removal.first_us, removal.last_us);
    gaps.extend(removals.iter().filter(in_range).filter(|removal| !told_by_source(removal)).map(removed));
    if let Some((first, last)) = forgotten(removals) {
        let until_us = removals.iter().map(|removal| removal.first_us).min();
        let gap =
            Gap::new(None, until_us, GapCause::Removed, "removed so long ago that the single removals are forgotten");
        gaps.push(gap.with_sequences(Some(first), Some(last)));
    }
    let may_be_in_range =
        |loss: &&Loss| range.overlaps(loss.first_us.unwrap_or(i64::MIN), loss.last_us.unwrap_or(i64::MAX));
    gaps.extend(losses.iter().filter(may_be_in_range).map(lost));
    gaps.extend(unaccounted(store, snapshot, &missing));
    Ok(gaps)
}

/// What is missing and was never noted: sequence numbers that no source has, and problems that were found when the
/// store was opened.
pub(crate) fn unaccounted(store: &Store, snapshot: &Snapshot, missing: &Missing) -> Vec<Gap> {
    let damage = store.damage();
    let mut gaps = Vec::new();
    let holes = unexplained(snapshot, &missing.removals, &missing.losses);
    let mut explains = vec![false; damage.len()];
    for hole in holes {
        let known = |time_us: i64| (time_us > i64::MIN).then_some(time_us);
        let (since_us, until_us) = (known(hole.since_us), known(hole.until_us));
        let within = |(first, last): (u64, u64)| first <= hole.first_sequence && hole.last_sequence <= last;
        let gap = match damage.iter().position(|damage| damage.sequences.is_some_and(within)) {
            Some(index) => {
                explains[index] = true;
                Gap::new(since_us, until_us, GapCause::Damaged, damage[index].reason.clone())
            }
            None => Gap::new(since_us, until_us, GapCause::Lost, "missing from the record"),
        };
        // Numbers that were passed over behind damage were never given: how many events there were is not known.
        let gap = gap.with_events((hole.events < EVENTS_BEYOND_DAMAGE).then_some(hole.events));
        gaps.push(gap.with_sequences(Some(hole.first_sequence), Some(hole.last_sequence)));
    }
    gaps.extend(damage.into_iter().zip(explains).filter(|(_, explains)| !explains).map(|(damage, _)| damaged(damage)));
    gaps
}

/// The blocks that could not be read.
pub(super) fn unreadable(snapshot: &Snapshot) -> impl Iterator<Item = Gap> + '_ {
    snapshot.sources().iter().flat_map(|source| {
        let sequences = source.sequences();
        source.unreadable().into_iter().map(move |block| {
            let (since_us, until_us) = (Some(block.zone.min_us), Some(block.zone.max_us));
            Gap::new(since_us, until_us, GapCause::Damaged, &*block.reason)
                .with_events(Some(u64::from(block.zone.count)))
                .with_sequences(Some(*sequences.start()), Some(*sequences.end()))
                .of_type(Some(block.event_type.to_string()))
        })
    })
}

/// What a segment says was taken out of it.
pub(super) fn taken_out(source: &dyn Source) -> impl Iterator<Item = Gap> + '_ {
    let sequences = source.sequences();
    source.removed().iter().map(move |gone| {
        let (cause, reason) = cause_of(gone.cause);
        Gap::new(Some(gone.first_us), Some(gone.last_us), cause, reason)
            .with_events(Some(u64::from(gone.events)))
            .with_sequences(Some(*sequences.start()), Some(*sequences.end()))
            .of_type(Some(gone.event_type.clone()))
    })
}

fn removed(removal: &Removal) -> Gap {
    let (cause, reason) = cause_of(removal.cause);
    Gap::new(Some(removal.first_us), Some(removal.last_us), cause, reason)
        .with_events(Some(removal.events))
        .with_sequences(Some(removal.first_sequence), Some(removal.last_sequence))
        .of_type(removal.event_type.clone())
}

fn cause_of(cause: RemovalCause) -> (GapCause, &'static str) {
    match cause {
        RemovalCause::Expired => (GapCause::Removed, "were removed by retention"),
        RemovalCause::Thinned => (GapCause::Thinned, "were thinned out by retention"),
        RemovalCause::Lost => (GapCause::Lost, "could not be salvaged"),
    }
}

fn lost(loss: &Loss) -> Gap {
    let cause = match loss.cause {
        LossCause::Rejected => GapCause::Rejected,
        LossCause::Torn => GapCause::Torn,
        LossCause::Damaged => GapCause::Damaged,
        LossCause::Salvaged => GapCause::Lost,
        LossCause::Removed => GapCause::Removed,
    };
    let reason = match (loss.cause, loss.events) {
        (LossCause::Rejected, Some(events)) => format!("{events} events were offered and rejected: {}", loss.detail),
        (LossCause::Rejected, None) => format!("events were offered and rejected: {}", loss.detail),
        (LossCause::Removed, _) => format!("removed by retention before the stores were merged: {}", loss.detail),
        (LossCause::Salvaged, _) => format!("could not be salvaged: {}", loss.detail),
        _ => loss.detail.clone(),
    };
    Gap::new(loss.first_us, loss.last_us, cause, reason)
        .with_events(loss.events)
        .with_sequences(loss.first_sequence, loss.last_sequence)
        .of_type(loss.event_type.clone())
}

fn damaged(damage: Damage) -> Gap {
    let cause = if damage.is_torn_end { GapCause::Torn } else { GapCause::Damaged };
    let (first, last) = damage.sequences.unzip();
    Gap::new(damage.since_us, damage.until_us, cause, damage.reason).with_sequences(first, last)
}

/// Sequence numbers that no source has and that nothing noted explains.
pub(super) fn unexplained(snapshot: &Snapshot, removals: &[Removal], losses: &[Loss]) -> Vec<Hole> {
    let mut holes = Vec::new();
    let (mut next, mut newest_us) = (1, i64::MIN);
    for source in snapshot.sources() {
        let sequences = source.sequences();
        let bounds = source.time_bounds();
        if *sequences.start() > next {
            // Late events may turn the interval around.
            let first_us = bounds.map_or(newest_us, |(min_us, _)| min_us);
            holes.push(Hole {
                first_sequence: next,
                last_sequence: sequences.start() - 1,
                events: sequences.start() - next,
                since_us: newest_us.min(first_us),
                until_us: newest_us.max(first_us),
            });
        }
        holes.extend(source.holes());
        next = next.max(sequences.end().saturating_add(1));
        newest_us = newest_us.max(bounds.map_or(i64::MIN, |(_, max_us)| max_us));
    }
    if holes.is_empty() {
        return holes;
    }
    let mut explained = emptied(removals);
    explained.extend(losses.iter().filter_map(|loss| loss.first_sequence.zip(loss.last_sequence)));
    explained.sort_unstable();
    holes.into_iter().flat_map(|hole| without(hole, &explained)).collect()
}

/// The parts of a hole that lie in none of these ranges, which are sorted by their start.
fn without(hole: Hole, explained: &[(u64, u64)]) -> Vec<Hole> {
    let is_dense = hole.events == hole.last_sequence - hole.first_sequence + 1;
    let mut parts = Vec::new();
    let mut next = hole.first_sequence;
    let mut leave = |first: u64, last: u64| {
        if first <= last {
            let events = if is_dense { last - first + 1 } else { hole.events };
            parts.push(Hole { first_sequence: first, last_sequence: last, events, ..hole });
        }
    };
    for &(first, last) in explained {
        if last < next || first > hole.last_sequence {
            continue;
        }
        if is_dense {
            leave(next, first.saturating_sub(1));
        }
        next = next.max(last.saturating_add(1));
    }
    if is_dense || next == hole.first_sequence {
        leave(next, hole.last_sequence);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_lacks_what_is_explained() {
        let hole = |first: u64, last: u64, events: u64| Hole {
            first_sequence: first,
            last_sequence: last,
            events,
            since_us: 5,
            until_us: 9,
        };
        for (explained, left) in [
            (vec![], vec![hole(10, 20, 11)]),
            (vec![(1, 9), (21, 30)], vec![hole(10, 20, 11)]),
            (vec![(1, 30)], vec![]),
            (vec![(10, 12), (13, 20)], vec![]),
            (vec![(1, 12), (11, 11), (15, 16)], vec![hole(13, 14, 2), hole(17, 20, 4)]),
            (vec![(12, 20)], vec![hole(10, 11, 2)]),
        ] {
            assert_eq!(without(hole(10, 20, 11), &explained), left, "{explained:?}");
        }
        // Of a hole with events in it, it is not known which are missing.
        assert_eq!(without(hole(10, 20, 3), &[(30, 40)]), [hole(10, 20, 3)]);
        assert_eq!(without(hole(10, 20, 3), &[(12, 14)]), []);
    }
}
