//! Times in which the record is known to be incomplete, so that "0 crashes" never stands for "no data".

use serde::Serialize;

use crate::error::StoreError;
use crate::event::timestamp;
use crate::graph::causes::{HeartbeatGap, missing_heartbeats};
use crate::query::{Filter, TimeRange};
use crate::store::{Removal, Snapshot, Store};

/// Heartbeats that are read to find missing ones beside another question. Beyond this, only a question about
/// heartbeats themselves looks for them.
const HEARTBEATS_READ_MAX: u64 = 20_000;
/// Missing heartbeats are looked for this long before a range too, since they tell what is usual: a day, in µs.
const LOOK_BACK_US: i64 = 86_400_000_000;
/// Gaps that an answer lists.
const GAPS_MAX: usize = 100;

/// A stretch of the record that is known to be incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// From when, as RFC 3339, if that is known.
    pub since: Option<String>,
    /// Until when, as RFC 3339, if that is known.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

impl Gap {
    pub(super) fn new(since_us: Option<i64>, until_us: Option<i64>, reason: String) -> Self {
        Self { since: since_us.map(timestamp::format), until: until_us.map(timestamp::format), reason }
    }
}

/// The gaps that touch a range.
pub(super) fn find(store: &Store, snapshot: &Snapshot, range: TimeRange, now_us: i64) -> Result<Vec<Gap>, StoreError> {
    let removals = store.removals()?;
    let mut gaps = removed(&removals, range);
    gaps.extend(store.problems().into_iter().map(|reason| Gap::new(None, None, reason)));
    gaps.extend(lost(snapshot, &removals, range));
    let bounded = TimeRange { until_us: Some(range.until_us.unwrap_or(now_us).min(now_us)), ..range };
    if snapshot.count(&Filter::Time(range))? == 0 {
        let reason = "no event of any kind is recorded in this time".to_owned();
        gaps.push(Gap::new(range.since_us, bounded.until_us, reason));
    } else if range != TimeRange::default() && is_cheap(snapshot, bounded)? {
        for gap in missing_heartbeats(snapshot, range, now_us)? {
            gaps.push(Gap::new(Some(gap.from_us), Some(gap.until_us), silence_reason(&gap)));
        }
    }
    gaps.truncate(GAPS_MAX);
    Ok(gaps)
}

pub(super) fn silence_reason(gap: &HeartbeatGap) -> String {
    // A tenth of a second is enough to tell what is usual.
    let usual = (super::duration::seconds(gap.usual_us) * 10.0).round() / 10.0;
    format!("no heartbeat of {}, which usually sends one every {usual} s", gap.agent_id)
}

/// Whether the heartbeats of a range are few enough to be read beside another question.
fn is_cheap(snapshot: &Snapshot, range: TimeRange) -> Result<bool, StoreError> {
    let read = Filter::between(range.since_us.map(|since| since.saturating_sub(LOOK_BACK_US)), range.until_us);
    Ok(snapshot.count(&Filter::event_type("agent_heartbeat").and(read))? <= HEARTBEATS_READ_MAX)
}

/// What retention removed: one gap for removals whose numbers follow on each other.
fn removed(removals: &[Removal], range: TimeRange) -> Vec<Gap> {
    let mut merged: Vec<Removal> = Vec::new();
    for removal in removals.iter().filter(|removal| touches(range, removal.first_us, removal.last_us)) {
        match merged.last_mut() {
            Some(last) if last.last_sequence.saturating_add(1) == removal.first_sequence => {
                last.last_sequence = removal.last_sequence;
                last.first_us = last.first_us.min(removal.first_us);
                last.last_us = last.last_us.max(removal.last_us);
                last.events += removal.events;
            }
            _ => merged.push(removal.clone()),
        }
    }
    let gap_of = |removal: &Removal| {
        let reason = format!("{} events were removed by retention", removal.events);
        Gap::new(Some(removal.first_us), Some(removal.last_us), reason)
    };
    merged.iter().map(gap_of).collect()
}

/// Sequence numbers that no source has and that retention did not remove: what was there was lost.
fn lost(snapshot: &Snapshot, removals: &[Removal], range: TimeRange) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (mut next, mut last_us) = (1, None::<i64>);
    for source in snapshot.sources() {
        let Some((first_us, newest_us)) = source.time_bounds() else { continue };
        let first = *source.sequences().start();
        let is_removed = removals.iter().any(|removal| removal.first_sequence <= next && next <= removal.last_sequence);
        let reaches = touches(range, last_us.unwrap_or(i64::MIN), first_us.max(last_us.unwrap_or(i64::MIN)));
        if first > next && !is_removed && reaches {
            let reason = format!("events number {next} to {} are missing from the record", first - 1);
            gaps.push(Gap::new(last_us, Some(first_us), reason));
        }
        next = next.max(source.sequences().end().saturating_add(1));
        last_us = last_us.max(Some(newest_us));
    }
    gaps
}

fn touches(range: TimeRange, first_us: i64, last_us: i64) -> bool {
    range.since_us.is_none_or(|since| last_us >= since) && range.until_us.is_none_or(|until| first_us < until)
}
