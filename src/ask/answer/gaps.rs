//! Times in which the record is known to be incomplete, so that "0 crashes" never stands for "no data": those that the
//! store knows of, times without any event, and heartbeats that did not come.

use crate::error::StoreError;
use crate::graph::causes::{HeartbeatGap, missing_heartbeats};
use crate::query::{Filter, GAPS_MAX, Gap, GapCause, NO_DATA, TimeRange};
use crate::store::{Snapshot, Store};

/// Heartbeats that are read to find missing ones beside another question. Beyond this, only a question about
/// heartbeats themselves looks for them.
const HEARTBEATS_READ_MAX: u64 = 20_000;
/// The type of heartbeats.
const HEARTBEAT: &str = "agent_heartbeat";
/// Missing heartbeats are looked for this long before a range too, since they tell what is usual: a day, in µs.
const LOOK_BACK_US: i64 = 86_400_000_000;

/// The gaps that touch what a question is about: what the store knows of for the filter, and silence in the range.
pub(super) fn find(
    store: &Store,
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    now_us: i64,
) -> Result<Vec<Gap>, StoreError> {
    let mut gaps = store.known_gaps(snapshot, &filter.clone().and(Filter::Time(range)))?;
    // A question about the time up to now is not about what comes after.
    let bounded = TimeRange { until_us: Some(range.until_us.unwrap_or(now_us).min(now_us)), ..range };
    if snapshot.count(&Filter::Time(range))? == 0 {
        gaps.push(Gap::new(range.since_us, bounded.until_us, GapCause::NoData, NO_DATA));
    } else if range != TimeRange::default() && is_cheap(snapshot, bounded)? {
        gaps.extend(missing_heartbeats(snapshot, range, now_us)?.iter().map(|gap| silent(gap, Some(gap.until_us))));
    }
    gaps.truncate(GAPS_MAX);
    Ok(gaps)
}

/// The gaps of heartbeats of the day before a range: an agent that was silent since then cannot be told.
pub(super) fn of_heartbeats_before(
    store: &Store,
    snapshot: &Snapshot,
    range: TimeRange,
) -> Result<Vec<Gap>, StoreError> {
    let Some(since_us) = range.since_us else { return Ok(Vec::new()) };
    let before = Filter::between(since_us.saturating_sub(LOOK_BACK_US), since_us);
    let mut gaps = store.gaps_in(snapshot, &Filter::event_type(HEARTBEAT).and(before))?;
    // The others touch the range, or say nothing of their time, and are told of anyway.
    gaps.retain(|gap| gap.until_us.is_some_and(|until_us| until_us < since_us));
    Ok(gaps)
}

/// The gap of an agent that was not heard of.
pub(super) fn silent(gap: &HeartbeatGap, until_us: Option<i64>) -> Gap {
    // A tenth of a second is enough to tell what is usual.
    let usual = (super::duration::seconds(gap.usual_us) * 10.0).round() / 10.0;
    let reason = format!("no heartbeat of {}, which usually sends one every {usual} s", gap.agent_id);
    Gap::new(Some(gap.from_us), until_us, GapCause::Silent, reason)
}

/// Whether the heartbeats of a range are few enough to be read beside another question.
fn is_cheap(snapshot: &Snapshot, range: TimeRange) -> Result<bool, StoreError> {
    let read = Filter::between(range.since_us.map(|since| since.saturating_sub(LOOK_BACK_US)), range.until_us);
    Ok(snapshot.count(&Filter::event_type(HEARTBEAT).and(read))? <= HEARTBEATS_READ_MAX)
}
