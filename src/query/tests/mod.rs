//! Every operation against plain code over a vector, and what plans spare.

mod arbitrary;
mod damaged;
mod naive;
mod spared;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::storage::StoredEvent;

fn matching<'a>(world: &'a arbitrary::World, filter: &Filter) -> Vec<&'a StoredEvent> {
    world.events.iter().filter(|stored| naive::matches(filter, stored)).collect()
}

fn in_order<'a>(world: &'a arbitrary::World, filter: &Filter, order: Order) -> Vec<&'a StoredEvent> {
    let mut events = matching(world, filter);
    let key = |stored: &&StoredEvent| (stored.event.timestamp_us(), stored.sequence);
    match order {
        Order::OldestFirst => events.sort_by_key(key),
        Order::NewestFirst => events.sort_by_key(|stored| Reverse(key(stored))),
    }
    events
}

fn groups_of<'a>(events: &[&'a StoredEvent], key: impl Fn(&'a StoredEvent) -> Option<String>) -> Groups {
    let (mut counts, mut ungrouped) = (BTreeMap::<String, u64>::new(), 0);
    for &stored in events {
        match key(stored) {
            Some(key) => *counts.entry(key).or_default() += 1,
            None => ungrouped += 1,
        }
    }
    let mut groups: Vec<Group> = counts.into_iter().map(|(key, count)| Group { key, count }).collect();
    groups.sort_by_key(|group| Reverse(group.count));
    Groups { groups, ungrouped }
}

proptest! {
    // More than what PROPTEST_CASES says (256 unless set), since a case is cheap.
    #![proptest_config(ProptestConfig::with_cases(
        if cfg!(miri) { 4 } else { ProptestConfig::default().cases * 5 / 2 }
    ))]

    #[test]
    fn a_filter_means_the_same_everywhere(world in arbitrary::any_world(), filter in arbitrary::any_filter()) {
        for stored in &world.events {
            let expected = naive::matches(&filter, stored);
            prop_assert_eq!(filter.matches(stored), expected, "{} on {}", filter, stored.event.to_json());
        }
        prop_assert_eq!(world.snapshot.count(&filter).expect("readable"), matching(&world, &filter).len() as u64);
    }

    #[test]
    fn a_query_gives_its_events_in_order_up_to_its_limit(
        world in arbitrary::any_world(),
        query in arbitrary::any_query(),
    ) {
        let expected = in_order(&world, &query.filter, query.order);
        let limit = query.limit.unwrap_or(usize::MAX);
        let page: Vec<StoredEvent> = expected.iter().take(limit).map(|&stored| stored.clone()).collect();
        let result = world.snapshot.query(&query).expect("readable");
        prop_assert_eq!(&result.events, &page);
        prop_assert_eq!(result.matched_more, expected.len() > limit);
        prop_assert_eq!(result.next.is_some(), expected.len() > limit && limit > 0);
        prop_assert_eq!(result.explanation.rows_returned, page.len() as u64);
        let ids: Vec<_> = page.iter().map(|stored| stored.id.clone()).collect();
        prop_assert_eq!(world.snapshot.ids(&query).expect("readable"), ids);
        let mut visited = Vec::new();
        let visit = &mut |stored| {
            visited.push(stored);
            ControlFlow::Continue(())
        };
        world.snapshot.for_each(&query, visit).expect("readable");
        prop_assert_eq!(&visited, &page);
        let explanation = world.snapshot.explain(&query).expect("readable");
        prop_assert_eq!(explanation.rows_returned, page.len() as u64);
        prop_assert!(explanation.rows_certain <= explanation.rows_possible);
    }

    #[test]
    fn pages_join_to_the_whole(world in arbitrary::any_world(), query in arbitrary::any_query(), page in 1..7usize) {
        let expected: Vec<_> = in_order(&world, &query.filter, query.order).into_iter().cloned().collect();
        let (mut next, mut joined) = (query.clone().limit(page), Vec::new());
        loop {
            let result = world.snapshot.query(&next).expect("readable");
            prop_assert!(result.events.len() == page || !result.matched_more);
            joined.extend(result.events);
            match result.next {
                Some(cursor) => next = next.after(cursor),
                None => break,
            }
        }
        prop_assert_eq!(joined, expected);
    }

    #[test]
    fn a_page_starts_behind_any_cursor(
        world in arbitrary::any_world(),
        query in arbitrary::any_query(),
        timestamp_us in prop_oneof![0..8i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
        sequence in prop_oneof![0..60u64, any::<u64>()],
    ) {
        let cursor = PageCursor { timestamp_us, sequence };
        let behind = |stored: &&StoredEvent| {
            let place = PageCursor { timestamp_us: stored.event.timestamp_us(), sequence: stored.sequence };
            match query.order { Order::OldestFirst => place > cursor, Order::NewestFirst => place < cursor }
        };
        let expected = in_order(&world, &query.filter, query.order).into_iter().filter(behind);
        let limit = query.limit.unwrap_or(usize::MAX);
        let expected: Vec<_> = expected.take(limit).map(|stored| stored.id.clone()).collect();
        prop_assert_eq!(world.snapshot.ids(&query.clone().after(cursor)).expect("readable"), expected);
    }

    #[test]
    fn groups_count_what_is_there(world in arbitrary::any_world(), filter in arbitrary::any_filter(), k in 0..4usize) {
        let events = matching(&world, &filter);
        let by_type = world.snapshot.group_by(&filter, &GroupKey::Type).expect("readable");
        prop_assert_eq!(&by_type, &groups_of(&events, |stored| Some(stored.event.event_type().to_owned())));
        let names = "event_type timestamp agent_id node_id source_id host port error cluster missing";
        for field in names.split(' ') {
            let key = GroupKey::Field(field.to_owned());
            let expected = groups_of(&events, |stored| {
                let json = naive::json_of(stored);
                json.get(field).filter(|value| !value.is_null()).map(|value| naive::text_of(stored, field, value))
            });
            prop_assert_eq!(&world.snapshot.group_by(&filter, &key).expect("readable"), &expected, "by {}", field);
            prop_assert_eq!(world.snapshot.distinct(&filter, field).expect("readable"), expected.groups.len() as u64);
            let top = world.snapshot.top(&filter, &key, k).expect("readable");
            prop_assert_eq!(&top.groups[..], &expected.groups[..k.min(expected.groups.len())]);
            prop_assert_eq!(top.ungrouped, expected.ungrouped);
        }
    }

    #[test]
    fn time_is_cut_by_the_clock(
        world in arbitrary::any_world(),
        filter in arbitrary::any_filter(),
        offset_seconds in prop::sample::select(vec![0, 3600, -19_800, 45]),
        bin_us in prop::sample::select(vec![1, 3, 60_000_000, 3_600_000_000, i64::MAX]),
    ) {
        let events = matching(&world, &filter);
        for (bucket, length) in [(Bucket::Minute, 16), (Bucket::Hour, 13), (Bucket::Day, 10)] {
            let expected = groups_of(&events, |stored| {
                let local = stored.event.timestamp() + chrono::TimeDelta::seconds(offset_seconds.into());
                let mut key = local.naive_utc().format("%Y-%m-%dT%H:%M").to_string();
                // Time beyond the year 9999 has a sign before the year.
                key.truncate(key.len() - (16 - length));
                if length == 13 { key.push_str(":00"); }
                Some(key)
            });
            let key = GroupKey::Time { bucket, offset_seconds };
            prop_assert_eq!(world.snapshot.group_by(&filter, &key).expect("readable"), expected);
        }

        let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
        for stored in &events {
            *expected.entry(stored.event.timestamp_us().div_euclid(bin_us)).or_default() += 1;
        }
        let bins = world.snapshot.histogram(&filter, bin_us).expect("readable");
        let filled: Vec<_> = bins.iter().filter(|bin| bin.count > 0).map(|bin| (bin.start_us, bin.count)).collect();
        let starts = |(index, count): (&i64, &u64)| (index.saturating_mul(bin_us), *count);
        prop_assert_eq!(filled, expected.iter().map(starts).collect::<Vec<_>>());
        if let (Some((first, _)), Some((last, _))) = (expected.first_key_value(), expected.last_key_value()) {
            let span = last.abs_diff(*first) + 1;
            let expected_bins = if span <= HISTOGRAM_BINS_MAX as u64 { span } else { expected.len() as u64 };
            prop_assert_eq!(bins.len() as u64, expected_bins);
        }
    }

    #[test]
    fn a_timeline_folds_heartbeats_and_loses_nothing(
        world in arbitrary::any_world(),
        entity in prop::sample::select(vec!["a", "b", "agent-7", "cluster"]),
        range in arbitrary::any_range(),
    ) {
        let filter = Filter::entity(entity).and(Filter::Time(range));
        let mut expected: Vec<TimelineEntry> = Vec::new();
        for stored in in_order(&world, &filter, Order::OldestFirst) {
            let us = stored.event.timestamp_us();
            if stored.event.event_type() != "agent_heartbeat" {
                expected.push(TimelineEntry::Event(stored.clone()));
            } else if let Some(TimelineEntry::Heartbeats { count, last_us, .. }) = expected.last_mut() {
                (*count, *last_us) = (*count + 1, us);
            } else {
                expected.push(TimelineEntry::Heartbeats { count: 1, first_us: us, last_us: us });
            }
        }
        prop_assert_eq!(world.snapshot.timeline(entity, range).expect("readable"), expected);
    }

    #[test]
    fn a_scan_gives_every_event_as_it_arrived(
        world in arbitrary::any_world(),
        after in 0..60u64,
        stop_after in 0..80usize,
    ) {
        let mut scanned = Vec::new();
        let mut visitor = |stored: StoredEvent| {
            scanned.push(stored);
            if scanned.len() > stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        world.snapshot.scan(after, &mut visitor).expect("readable");
        let expected: Vec<_> =
            world.events.iter().filter(|stored| stored.sequence > after).take(stop_after + 1).cloned().collect();
        prop_assert_eq!(scanned, expected);
    }

    #[test]
    fn every_event_is_found_by_its_id_and_no_other_is(world in arbitrary::any_world()) {
        let ids: BTreeSet<_> = world.events.iter().map(|stored| stored.id.clone()).collect();
        for stored in &world.events {
            prop_assert_eq!(world.snapshot.get(&stored.id).expect("readable"), Some(stored.clone()));
            let (event_type, timestamp_us) = (stored.event.event_type(), stored.event.timestamp_us());
            let next = crate::event::ConceptId::new(event_type, timestamp_us, stored.id.ordinal() + 1);
            let next = next.expect("a legal type");
            prop_assert_eq!(world.snapshot.get(&next).expect("readable").is_some(), ids.contains(&next));
        }
    }
}
