//! Absence is a fact: requests without an outcome, and heartbeats that did not come.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;

use crate::error::StoreError;
use crate::event::{Event, ValueRef, timestamp};
use crate::query::{Filter, GroupKey, Query, Stretches, TimeRange};
use crate::store::{Snapshot, StoredEvent};

use super::rules::of_types;

/// How an event type that asks for something ends.
const REQUESTED: &str = "_requested";
/// How the types of its outcomes end.
const OUTCOMES: [&str; 2] = ["_succeeded", "_failed"];
/// How much earlier than its request an outcome may be stamped, in µs.
const SKEW_US: i64 = 2_000_000;
/// How long after a request without outcome its agent can have gone offline to be named for it, in µs: one hour.
const OFFLINE_AFTER_US: i64 = 3_600 * 1_000_000;
/// The most agents whose heartbeats are looked at.
const AGENTS_MAX: usize = 10_000;
/// The type of heartbeats.
const HEARTBEAT: &str = "agent_heartbeat";
/// The type that says that an agent left in order.
const LEAVE: &str = "agent_unregistered";
/// The most heartbeats of a range that are read, the latest.
const HEARTBEATS_READ_MAX: usize = 1_000_000;
/// The most heartbeats of an agent before an instant that are read, the latest.
const HEARTBEATS_LEARNED_MAX: usize = 64;
/// How long before the range heartbeats tell that an agent is expected, and its usual interval, in µs: one day.
const LOOK_BACK_US: i64 = 86_400 * 1_000_000;
/// The fewest intervals that show a usual one.
const INTERVALS_MIN: usize = 2;
/// A gap is longer than this many usual intervals …
const USUAL_INTERVALS: i64 = 3;
/// … and at least this long, in µs.
const GAP_US_MIN: i64 = 10_000_000;

/// A time in which an agent sent no heartbeat, though it usually does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeartbeatGap {
    /// The agent.
    pub agent_id: String,
    /// Its last heartbeat before, in µs.
    pub from_us: i64,
    /// Its next heartbeat, its leave, or the end of what was asked about, in µs.
    pub until_us: i64,
    /// Its usual interval: the median, in µs.
    pub usual_us: i64,
}

/// The types of the outcomes of a type of request; none, if it is no type of requests.
fn outcome_types(request_type: &str) -> Vec<String> {
    let stem = request_type.strip_suffix(REQUESTED);
    stem.map(|stem| OUTCOMES.iter().map(|end| format!("{stem}{end}")).collect()).unwrap_or_default()
}

/// What a request is about: its node, else the entity that it is about first of all.
fn subject(event: &Event) -> Option<(String, String)> {
    let entities = event.entities();
    let primary = entities.iter().find(|entity| entity.field == "node_id").or_else(|| entities.first())?;
    Some((primary.field.clone(), primary.value.clone()))
}

/// The outcome of one request, if it has one: the first after it, and before the next request.
pub(super) fn outcome_of(snapshot: &Snapshot, request: &StoredEvent) -> Result<Option<StoredEvent>, StoreError> {
    let Some((field, value)) = subject(&request.event) else { return Ok(None) };
    let mut types = outcome_types(request.event.event_type());
    if types.is_empty() {
        return Ok(None);
    }
    types.push(request.event.event_type().to_owned());
    let since = request.event.timestamp_us();
    let filter = of_types(&types).and(Filter::entity_of(field, value)).and(Filter::between(since, None));
    let mut outcome = None;
    snapshot.for_each(&Query::new(filter), &mut |event| {
        let is_request = event.event.event_type() == request.event.event_type();
        if is_request && (event.event.timestamp_us(), event.sequence) <= (since, request.sequence) {
            return ControlFlow::Continue(());
        }
        outcome = (!is_request).then_some(event);
        ControlFlow::Break(())
    })?;
    Ok(outcome)
}

/// Says of a request without outcome that it has none, and whether its agent went offline soon afterwards.
pub(super) fn without_outcome(snapshot: &Snapshot, request: &StoredEvent) -> Result<Option<String>, StoreError> {
    let event = &request.event;
    if !event.event_type().ends_with(REQUESTED) || outcome_of(snapshot, request)?.is_some() {
        return Ok(None);
    }
    let mut note = "no outcome of this request is recorded".to_owned();
    if let Some(ValueRef::Text(agent)) = event.get("agent_id") {
        let since = event.timestamp_us();
        let offline = Filter::event_type("agent_offline")
            .and(Filter::entity_of("agent_id", agent))
            .and(Filter::between(since, since.saturating_add(OFFLINE_AFTER_US)));
        if let Some(id) = snapshot.ids(&Query::new(offline).limit(1))?.first() {
            note.push_str(&format!("; its agent {agent} went offline afterwards ({id})"));
        }
    }
    Ok(Some(note))
}

/// The requests of a range that no outcome followed, oldest first: none about the same node after the request
/// and before the next request, though `timeout` has passed since.
///
/// A type `x_requested` is answered by `x_succeeded` and `x_failed`; other types are no requests and give
/// nothing. An outcome later than the timeout is still an outcome. It reads the requests and outcomes from the
/// start of the range up to now, one after the other.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn unanswered(
    snapshot: &Snapshot,
    request_types: &[&str],
    range: TimeRange,
    now_us: i64,
    timeout: Duration,
) -> Result<Vec<StoredEvent>, StoreError> {
    let mut lost = Vec::new();
    let due_us = now_us.saturating_sub(i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX));
    let until_us = now_us.saturating_add(1);
    for &request_type in request_types {
        let mut types = outcome_types(request_type);
        if types.is_empty() {
            continue;
        }
        types.push(request_type.to_owned());
        let since_us = range.since_us.map(|since| since.saturating_sub(SKEW_US));
        let filter = of_types(&types).and(Filter::between(since_us, until_us));
        // By subject: the request that waits, and the time of an outcome that no request had asked for.
        let mut waiting: HashMap<(String, String), StoredEvent> = HashMap::new();
        let mut early: HashMap<(String, String), i64> = HashMap::new();
        snapshot.for_each(&Query::new(filter), &mut |event| {
            let Some(subject) = subject(&event.event) else { return ControlFlow::Continue(()) };
            let time = event.event.timestamp_us();
            if event.event.event_type() == request_type {
                let answered = early.remove(&subject).is_some_and(|outcome| time.saturating_sub(outcome) <= SKEW_US);
                let before = if answered { waiting.remove(&subject) } else { waiting.insert(subject, event) };
                lost.extend(before);
            } else if waiting.remove(&subject).is_none() {
                early.insert(subject, time);
            }
            ControlFlow::Continue(())
        })?;
        lost.extend(waiting.into_values());
    }
    lost.retain(|request| {
        let time = request.event.timestamp_us();
        range.contains(time) && time <= due_us
    });
    lost.sort_by_key(|request| (request.event.timestamp_us(), request.sequence));
    Ok(lost)
}

/// The gaps in the heartbeats of all agents that overlap a range, by agent and time.
///
/// A gap is longer than three times the median interval of that agent, and at least ten seconds. An agent that
/// left in order (`agent_unregistered`) is not expected any more, one with fewer than three heartbeats not yet.
/// The heartbeats of the range are read once, the latest million at most, and of each agent the latest 64 of the
/// day before it.
///
/// Where the snapshot knows that heartbeats or leaves are not there any more (retention thinned or removed them, a file
/// is damaged), two heartbeats with a long time between them show no gap, and tell nothing of what is usual: no gap is
/// given there, although there may have been one. [`Store::gaps`](crate::store::Store::gaps) says where that is.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn missing_heartbeats(snapshot: &Snapshot, range: TimeRange, now_us: i64) -> Result<Vec<HeartbeatGap>, StoreError> {
    missing_among(snapshot, range, now_us, HEARTBEATS_READ_MAX)
}

/// As [`missing_heartbeats`], with a limit to the heartbeats of the range that are read.
pub(super) fn missing_among(
    snapshot: &Snapshot,
    range: TimeRange,
    now_us: i64,
    read_max: usize,
) -> Result<Vec<HeartbeatGap>, StoreError> {
    let end_us = range.until_us.map_or(now_us, |until| until.min(now_us));
    let until_us = end_us.saturating_add(1);
    let heartbeats = Filter::event_type(HEARTBEAT).and(Filter::between(range.since_us, until_us));
    let newest = Query::new(heartbeats).newest_first().limit(read_max);
    let (mut within, read) = times_by_agent(snapshot, &newest)?;
    let mut since_us = range.since_us;
    if read == read_max
        && let Some(oldest_us) = within.values().filter_map(|times| times.last().copied()).min()
    {
        // The limit was reached: what is older counts as before the range. Of the oldest time perhaps not all
        // were read, so that all of them count as before.
        since_us = Some(oldest_us.saturating_add(1));
        within.values_mut().for_each(|times| times.retain(|&time| time > oldest_us));
    }
    let look_back = Filter::between(since_us.map(|since| since.saturating_sub(LOOK_BACK_US)), until_us);
    let leaves = Query::new(Filter::event_type(LEAVE).and(look_back.clone()));
    let (leaves, _) = times_by_agent(snapshot, &leaves)?;
    let known = Filter::event_type(HEARTBEAT).and(look_back);
    let mut beats_by_agent = Vec::new();
    for agent in snapshot.top(&known, &GroupKey::Field("agent_id".to_owned()), AGENTS_MAX)?.groups {
        let mut beats = match since_us {
            Some(since) => beats_before(snapshot, &agent.key, since)?,
            None => Vec::new(),
        };
        beats.extend(within.get(&agent.key).into_iter().flatten().rev());
        beats_by_agent.push((agent.key, beats));
    }
    // Once all was read, so that the blocks are known that cannot be.
    let incomplete = snapshot.incomplete_stretches(&[HEARTBEAT, LEAVE]);
    let mut gaps = Vec::new();
    for (agent_id, beats) in beats_by_agent {
        let left = leaves.get(&agent_id).map_or(&[][..], Vec::as_slice);
        gaps.extend(gaps_of(&agent_id, &beats, left, end_us, &incomplete));
    }
    gaps.retain(|gap| range.since_us.is_none_or(|since| gap.until_us > since));
    gaps.sort_by(|a, b| (&a.agent_id, a.from_us).cmp(&(&b.agent_id, b.from_us)));
    Ok(gaps)
}

/// The times of the events of a query by their agent, in its order, and how many it gave.
fn times_by_agent(snapshot: &Snapshot, query: &Query) -> Result<(HashMap<String, Vec<i64>>, usize), StoreError> {
    let mut times: HashMap<String, Vec<i64>> = HashMap::new();
    let mut read = 0;
    snapshot.for_each_row(query, &mut |row| {
        read += 1;
        if let Some(agent) = row.text("agent_id") {
            match times.get_mut(agent) {
                Some(of_agent) => of_agent.push(row.timestamp_us()),
                None => drop(times.insert(agent.to_owned(), vec![row.timestamp_us()])),
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok((times, read))
}

/// The times of the latest heartbeats of an agent in the day before an instant, oldest first.
fn beats_before(snapshot: &Snapshot, agent_id: &str, before_us: i64) -> Result<Vec<i64>, StoreError> {
    let filter = Filter::event_type(HEARTBEAT)
        .and(Filter::entity_of("agent_id", agent_id))
        .and(Filter::between(before_us.saturating_sub(LOOK_BACK_US), before_us));
    let newest = Query::new(filter).newest_first().limit(HEARTBEATS_LEARNED_MAX);
    Ok(snapshot.ids(&newest)?.iter().rev().map(crate::event::ConceptId::timestamp_us).collect())
}

/// Says of an agent that went silent since when it was, if its heartbeats before tell what is usual; or that it is not
/// known, since heartbeats of that time are not there any more.
pub(super) fn silence_before(snapshot: &Snapshot, stored: &StoredEvent) -> Result<Option<String>, StoreError> {
    let event = &stored.event;
    let Some(ValueRef::Text(agent)) = event.get("agent_id") else { return Ok(None) };
    if !matches!(event.event_type(), "agent_offline" | "agent_degraded") {
        return Ok(None);
    }
    let until_us = event.timestamp_us();
    let beats = beats_before(snapshot, agent, until_us)?;
    let incomplete = snapshot.incomplete_stretches(&[HEARTBEAT]);
    if incomplete.touch(beats.last().copied().unwrap_or(until_us.saturating_sub(LOOK_BACK_US)), until_us) {
        let note = "not all heartbeats of the time before are there any more, so how long it was silent is not known";
        return Ok(Some(note.to_owned()));
    }
    let gap = gaps_of(agent, &beats, &[], until_us, &incomplete).pop();
    let open = gap.filter(|gap| gap.until_us == until_us);
    Ok(open.map(|gap| {
        let (silent, usual) = (seconds(gap.until_us.saturating_sub(gap.from_us)), seconds(gap.usual_us));
        let from = timestamp::format(gap.from_us);
        format!("its last heartbeat, at {from}, was {silent} s before; it usually sent one every {usual} s")
    }))
}

/// Seconds for a person, to the tenth.
fn seconds(us: i64) -> String {
    let tenths = us.saturating_add(50_000) / 100_000;
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// The gaps of one agent, from the times of its heartbeats and leaves in order, and where those are not all there.
fn gaps_of(agent_id: &str, beats: &[i64], leaves: &[i64], end_us: i64, incomplete: &Stretches) -> Vec<HeartbeatGap> {
    let pairs = beats.iter().copied().zip(beats.iter().skip(1).copied());
    let whole = pairs.filter(|&(before, after)| !incomplete.touch(before, after));
    let mut intervals: Vec<i64> = whole.map(|(before, after)| after.saturating_sub(before)).collect();
    if intervals.len() < INTERVALS_MIN {
        return Vec::new();
    }
    let middle = intervals.len() / 2;
    let usual_us = *intervals.select_nth_unstable(middle).1;
    let longest = usual_us.saturating_mul(USUAL_INTERVALS);
    let ends = beats.iter().skip(1).copied().chain([end_us]);
    let gaps = beats.iter().copied().zip(ends).filter_map(|(from_us, next_us)| {
        let left = leaves.iter().copied().find(|&leave| leave >= from_us && leave < next_us);
        let until_us = left.unwrap_or(next_us);
        let length = until_us.saturating_sub(from_us);
        let missing = length > longest && length >= GAP_US_MIN && !incomplete.touch(from_us, until_us);
        missing.then(|| HeartbeatGap { agent_id: agent_id.to_owned(), from_us, until_us, usual_us })
    });
    gaps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn gaps(beats: &[i64], leaves: &[i64], end: i64) -> Vec<(i64, i64)> {
        let us = |seconds: &[i64]| seconds.iter().map(|second| second * SECOND).collect::<Vec<_>>();
        let gaps = gaps_of("a", &us(beats), &us(leaves), end * SECOND, &Stretches::default());
        gaps.iter().map(|gap| (gap.from_us / SECOND, gap.until_us / SECOND)).collect()
    }

    #[test]
    fn a_gap_is_measured_by_the_usual_interval() {
        assert_eq!(gaps(&[0, 5, 10, 15, 50, 55], &[], 60), [(15, 50)]);
        assert_eq!(gaps(&[0, 5, 10, 15], &[], 100), [(15, 100)]);
        // Three intervals of one second are less than ten seconds.
        assert!(gaps(&[0, 1, 2, 3, 9], &[], 10).is_empty());
        assert!(gaps(&[0, 60, 120, 180], &[], 350).is_empty());
        assert!(gaps(&[0, 100], &[], 10_000).is_empty());
    }

    #[test]
    fn a_leave_ends_the_expectation() {
        assert!(gaps(&[0, 5, 10], &[12], 100).is_empty());
        assert_eq!(gaps(&[0, 5, 10], &[40], 100), [(10, 40)]);
        assert!(gaps(&[0, 5, 10, 100, 105], &[11], 110).is_empty());
    }

    #[test]
    fn only_requests_have_outcomes() {
        assert_eq!(outcome_types("spawn_requested"), ["spawn_succeeded", "spawn_failed"]);
        assert!(outcome_types("node_crashed").is_empty());
    }
}
