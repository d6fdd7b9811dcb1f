//! What did not happen: requests without an outcome, heartbeats that stopped, entities without events.

use std::collections::BTreeSet;
use std::time::Duration;

use super::duration::{Matching, Span, spans};
use crate::ask::filters::{without_time, without_types};
use crate::error::StoreError;
use crate::graph::causes::{self, HeartbeatGap};
use crate::query::{Filter, GroupKey, Query, TimeRange};
use crate::store::{Snapshot, StoredEvent};

/// A request is waited for this long before it counts as unanswered.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests of these types that nothing answered though the timeout has passed, oldest first.
pub(super) fn unanswered(
    snapshot: &Snapshot,
    filter: &Filter,
    request_types: &[String],
    range: TimeRange,
    now_us: i64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let names: Vec<&str> = request_types.iter().map(String::as_str).collect();
    // Outcomes lack what is said of requests only, so the rest of the filter is for the requests found.
    let rest = without_types(&without_time(filter));
    let mut found = causes::unanswered(snapshot, &names, range, now_us, ANSWER_TIMEOUT)?;
    found.retain(|event| rest.matches(event));
    Ok(found)
}

/// An agent whose heartbeats were missing, with the last one before.
pub(super) struct Silence {
    pub(super) gap: HeartbeatGap,
    pub(super) last: Option<StoredEvent>,
    /// Whether no heartbeat came until the end of what was asked about.
    pub(super) is_open: bool,
}

/// The silences of agents in a range, by agent and time; of agents that the filter is about, if it names any.
pub(super) fn silences(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    now_us: i64,
) -> Result<Vec<Silence>, StoreError> {
    let rest = without_types(&without_time(filter));
    let end_us = range.until_us.map_or(now_us, |until| until.min(now_us));
    let mut silences = Vec::new();
    for gap in causes::missing_heartbeats(snapshot, range, now_us)? {
        let last = Filter::event_type("agent_heartbeat")
            .and(Filter::entity_of("agent_id", gap.agent_id.as_str()))
            .and(Filter::between(gap.from_us, gap.from_us.saturating_add(1)));
        let last = snapshot.query(&Query::new(last).limit(1))?.events.into_iter().next();
        if last.as_ref().is_none_or(|last| rest.matches(last)) {
            silences.push(Silence { is_open: gap.until_us >= end_us, gap, last });
        }
    }
    Ok(silences)
}

/// Events that nothing of other types followed about the same thing, until now.
pub(super) fn unfollowed(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    [start_types, end_types]: [&[String]; 2],
    field: &str,
) -> Result<Vec<Span>, StoreError> {
    // What followed may lie behind the range, and lacks what is said of the first events only.
    let since = range.since_us.map_or(Filter::All, |since| Filter::between(since, None));
    let mut spans = spans(snapshot, &since, &Matching { start_types, end_types, field, is_state: false })?;
    spans.retain(|span| span.end_us.is_none() && filter.matches(&span.start));
    Ok(spans)
}

/// The values of a field that the store knows and that no event of the filter has.
pub(super) fn without(snapshot: &Snapshot, filter: &Filter, field: &str) -> Result<Vec<String>, StoreError> {
    let key = GroupKey::Field(field.to_owned());
    let having: BTreeSet<String> = snapshot.group_by(filter, &key)?.groups.into_iter().map(|group| group.key).collect();
    let mut all: BTreeSet<String> = BTreeSet::new();
    for source in snapshot.sources() {
        source.entities(&mut |name, value, _| {
            if name == field && !having.contains(value) && !all.contains(value) {
                all.insert(value.to_owned());
            }
        })?;
    }
    Ok(all.into_iter().collect())
}
