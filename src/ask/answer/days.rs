//! Groups by minute, hour or day in a zone whose clocks change: each stretch with its own offset from UTC.

use std::collections::HashMap;

use crate::ask::options::Zone;
use crate::error::StoreError;
use crate::query::{Bucket, Filter, Group, GroupKey, Groups, TimeRange};
use crate::store::Snapshot;

const DAY_US: i64 = 86_400_000_000;
/// Days that are looked through for a change of clocks: some 27 years.
const DAYS_MAX: i64 = 10_000;

/// How many events of a filter there are by time, by the clocks of a zone.
pub(super) fn by_time(
    snapshot: &Snapshot,
    filter: &Filter,
    bucket: Bucket,
    range: TimeRange,
    zone: Zone,
    offset_seconds: i32,
) -> Result<Groups, StoreError> {
    let stretches = stretches(snapshot, range, zone);
    let by_offset =
        |filter: &Filter, offset_seconds: i32| snapshot.group_by(filter, &GroupKey::Time { bucket, offset_seconds });
    match stretches.as_slice() {
        [] => by_offset(filter, offset_seconds),
        [(_, offset)] => by_offset(filter, *offset),
        several => {
            let mut counts: HashMap<String, u64> = HashMap::new();
            for (range, offset) in several {
                for group in by_offset(&filter.clone().and(Filter::Time(*range)), *offset)?.groups {
                    *counts.entry(group.key).or_default() += group.count;
                }
            }
            let mut groups: Vec<Group> = counts.into_iter().map(|(key, count)| Group { key, count }).collect();
            groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
            Ok(Groups { groups, ungrouped: 0 })
        }
    }
}

/// The record's part of a range, cut where the clocks of the zone change, each part with its offset. Nothing
/// where there is no event, or the range is too long to look through.
fn stretches(snapshot: &Snapshot, range: TimeRange, zone: Zone) -> Vec<(TimeRange, i32)> {
    let bounds = snapshot.sources().iter().filter_map(|source| source.time_bounds());
    let Some((first_us, last_us)) = bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Vec::new() };
    let since_us = range.since_us.map_or(first_us, |since| since.max(first_us));
    let until_us = range.until_us.map_or(last_us, |until| until.min(last_us));
    if until_us < since_us || (until_us - since_us) / DAY_US > DAYS_MAX {
        return Vec::new();
    }
    let mut all = Vec::new();
    let (mut from, mut at, mut offset) = (None, since_us, zone.offset_seconds(since_us));
    while at < until_us {
        let next = at.saturating_add(DAY_US).min(until_us);
        let changed = zone.offset_seconds(next);
        if changed != offset {
            let change = change_between(zone, at, next, offset);
            all.push((TimeRange { since_us: from, until_us: Some(change) }, offset));
            (from, offset) = (Some(change), changed);
        }
        at = next;
    }
    all.push((TimeRange { since_us: from, until_us: None }, offset));
    all
}

/// The first instant of `(from, to]` with another offset than the one at `from`.
fn change_between(zone: Zone, mut from: i64, mut to: i64, offset: i32) -> i64 {
    while to - from > 1 {
        let middle = from + (to - from) / 2;
        if zone.offset_seconds(middle) == offset { from = middle } else { to = middle }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_of_clocks_is_found_to_the_microsecond() {
        let zone: Zone = "Europe/Zurich".parse().unwrap();
        let at = |text: &str| crate::event::timestamp::parse(text).unwrap();
        let (from, to) = (at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z"));
        assert_eq!(change_between(zone, from, to, 7_200), at("2026-10-25T01:00:00Z"));
    }
}
