//! What did not happen: requests without an outcome, heartbeats that stopped, entities without events.

use std::collections::BTreeSet;

use super::duration;
use crate::error::StoreError;
use crate::event::timestamp;
use crate::query::{Filter, GroupKey, Query, TimeRange};
use crate::store::{Snapshot, StoredEvent};

/// A heartbeat is missing when it is later than this many times the usual interval of its agent…
const LATE_INTERVALS: i64 = 3;
/// …and later than this in any case, in µs.
const LATE_US_MIN: i64 = 10_000_000;
/// Heartbeats from which the usual interval of an agent is learned.
const LEARNED_HEARTBEATS: usize = 50;
/// Agents that are looked at.
const AGENTS_MAX: usize = 10_000;

/// Requests of these types without an outcome before the next request of their node.
pub(super) fn unanswered(
    snapshot: &Snapshot,
    filter: &Filter,
    request_types: &[String],
) -> Result<Vec<StoredEvent>, StoreError> {
    let mut all = Vec::new();
    for request in request_types {
        let Some(stem) = request.strip_suffix("_requested") else { continue };
        let outcomes = Filter::event_type(format!("{stem}_succeeded")).or(Filter::event_type(format!("{stem}_failed")));
        let starts = filter.clone().and(Filter::event_type(request.as_str()));
        let spans = duration::spans(snapshot, &starts, &outcomes, std::slice::from_ref(request), "node_id")?;
        all.extend(spans.into_iter().filter(|span| span.end.is_none()).map(|span| span.start));
    }
    all.sort_by_key(|event| (event.event.timestamp_us(), event.sequence));
    Ok(all)
}

/// An agent whose heartbeats stopped.
pub(super) struct Silence {
    pub(super) agent: String,
    pub(super) last: StoredEvent,
    pub(super) text: String,
}

/// Agents that sent heartbeats in the range and then none for far longer than usual, up to its end.
pub(super) fn silences(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    now_us: i64,
) -> Result<Vec<Silence>, StoreError> {
    let until_us = range.until_us.unwrap_or(now_us).min(now_us);
    let heartbeats = Filter::event_type("agent_heartbeat")
        .and(Filter::between(None, until_us.saturating_add(1)))
        .and(without_types(filter));
    let agents = snapshot.top(&heartbeats, &GroupKey::Field("agent_id".to_owned()), AGENTS_MAX)?;
    let mut silences = Vec::new();
    for agent in agents.groups {
        let of_agent = heartbeats.clone().and(Filter::entity_of("agent_id", agent.key.as_str()));
        let newest = snapshot.query(&Query::new(of_agent).newest_first().limit(LEARNED_HEARTBEATS))?.events;
        let Some(last) = newest.first() else { continue };
        let mut intervals: Vec<i64> = newest
            .windows(2)
            .map(|pair| pair[0].event.timestamp_us().saturating_sub(pair[1].event.timestamp_us()))
            .collect();
        intervals.sort_unstable();
        let Some(&usual_us) = intervals.get(intervals.len() / 2) else { continue };
        let late_us = until_us.saturating_sub(last.event.timestamp_us());
        let left = Filter::event_type("agent_unregistered")
            .and(Filter::entity_of("agent_id", agent.key.as_str()))
            .and(Filter::between(last.event.timestamp_us(), until_us.saturating_add(1)));
        if late_us > (usual_us * LATE_INTERVALS).max(LATE_US_MIN) && snapshot.count(&left)? == 0 {
            let text = format!(
                "{} sent its last heartbeat at {} and usually sends one every {:.0} s",
                agent.key,
                timestamp::format(last.event.timestamp_us()),
                usual_us as f64 / 1e6
            );
            silences.push(Silence { agent: agent.key, last: last.clone(), text });
        }
    }
    Ok(silences)
}

/// The filter without its types: the question names heartbeats, or none.
fn without_types(filter: &Filter) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(without_types).collect()),
        Filter::Type(_) | Filter::Time(_) => Filter::All,
        Filter::Or(parts) if parts.iter().all(|part| matches!(part, Filter::Type(_))) => Filter::All,
        other => other.clone(),
    }
}

/// The values of a field that the store knows and that no event of the filter has.
pub(super) fn without(snapshot: &Snapshot, filter: &Filter, field: &str) -> Result<Vec<String>, StoreError> {
    let key = GroupKey::Field(field.to_owned());
    let having: BTreeSet<String> = snapshot.group_by(filter, &key)?.groups.into_iter().map(|group| group.key).collect();
    let mut all: BTreeSet<String> = BTreeSet::new();
    for source in snapshot.sources() {
        source.entities(&mut |name, value, _| {
            if name == field {
                all.insert(value.to_owned());
            }
        })?;
    }
    Ok(all.difference(&having).cloned().collect())
}
