//! The store against a plain list of events under random policies, with all kinds of questions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::*;

use super::chain::Sealed;
use super::{BEAT, all, beat, config, crash, of_types, pod};
use crate::event::Event;
use crate::query::{Bucket, Filter, GroupKey, Query, TimelineEntry};
use crate::store::{Appended, Retention, Store, StoredEvent};

#[derive(Debug, Clone)]
enum Operation {
    Append(Vec<Event>),
    Seal,
    Reopen,
    /// Applies a policy at the moment in which this of the segments is just too old for a limit of this many seconds.
    Apply(Retention, prop::sample::Index, u64),
}

fn event() -> impl Strategy<Value = Event> {
    (0..3u32, 0..3u32, 0..400i64, 0..12u32).prop_map(|(form, number, second, rare)| match form {
        0 => crash(number, second),
        1 => pod(number, second),
        // Beats that come when they are due, mostly, with as many nodes as before, mostly.
        _ => beat(number, 3 + u32::from(rare == 0), second / 10 * 10),
    })
}

fn policy() -> impl Strategy<Value = Retention> {
    let age = || prop::option::of(prop::sample::select(vec![0u64, 10, 100]));
    (age(), age(), age(), age(), prop::bool::weighted(0.1)).prop_map(|(general, beats, thin, pods, no_bytes)| {
        Retention {
            age_max: general.map(Duration::from_secs),
            bytes_max: no_bytes.then_some(0),
            ..of_types([(BEAT, beats, thin), ("pod_ready", pods, None)])
        }
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => prop::collection::vec(event(), 1..30).prop_map(Operation::Append),
        2 => Just(Operation::Seal),
        1 => Just(Operation::Reopen),
        3 => (policy(), any::<prop::sample::Index>(), prop::sample::select(vec![0u64, 10, 100]))
            .prop_map(|(policy, index, age)| Operation::Apply(policy, index, age)),
    ]
}

#[derive(Default)]
struct Model {
    events: Vec<StoredEvent>,
    thinned: HashSet<(u64, String)>,
    removed: u64,
}

/// The events of a list that say nothing new, by the plain definition.
fn redundant(events: &[&StoredEvent]) -> BTreeSet<u64> {
    let mut by_agent: HashMap<String, Vec<&StoredEvent>> = HashMap::new();
    for event in events {
        let agent = event.event.entities().first().map(|entity| entity.value.clone()).unwrap_or_default();
        by_agent.entry(agent).or_default().push(event);
    }
    let time = |event: &StoredEvent| event.event.timestamp_us();
    let nodes = |event: &StoredEvent| event.event.to_json().split("\"timestamp\"").next().map(str::to_owned);
    let mut found = BTreeSet::new();
    for mut beats in by_agent.into_values() {
        beats.sort_by_key(|event| (time(event), event.sequence));
        let mut intervals: Vec<i64> = beats.windows(2).map(|pair| time(pair[1]) - time(pair[0])).collect();
        intervals.sort_unstable();
        for index in 1..beats.len().saturating_sub(1) {
            let usual = intervals[intervals.len() / 2];
            let same =
                |a: usize, b: usize| time(beats[b]) - time(beats[a]) <= 3 * usual && nodes(beats[a]) == nodes(beats[b]);
            if same(index - 1, index) && same(index, index + 1) {
                found.insert(beats[index].sequence);
            }
        }
    }
    found
}

impl Model {
    fn remove(&mut self, is_gone: impl Fn(&StoredEvent) -> bool) {
        let before = self.events.len();
        self.events.retain(|event| !is_gone(event));
        self.removed += (before - self.events.len()) as u64;
    }

    /// What a policy leaves, for segments given as id, first and last number, and time of sealing.
    fn apply(&mut self, policy: &Retention, segments: &[(u64, u64, u64, i64)], now_us: i64) {
        for &(id, first, last, sealed_at_us) in segments {
            let older = |age: Duration| now_us - sealed_at_us > age.as_micros() as i64;
            let here = |event: &StoredEvent| (first..=last).contains(&event.sequence);
            let limits = |name: &str| policy.types.get(name).copied().unwrap_or_default();
            self.remove(|event| {
                let age = limits(event.event.event_type()).age_max.or(policy.age_max);
                here(event) && age.is_some_and(older)
            });
            if limits(BEAT).thin_after.is_some_and(older) && !self.thinned.contains(&(id, BEAT.to_owned())) {
                let is_beat = |event: &&StoredEvent| here(event) && event.event.event_type() == BEAT;
                let beats: Vec<&StoredEvent> = self.events.iter().filter(is_beat).collect();
                let gone = redundant(&beats);
                if !gone.is_empty() {
                    self.thinned.insert((id, BEAT.to_owned()));
                }
                self.remove(|event| gone.contains(&event.sequence));
            }
            if policy.bytes_max == Some(0) {
                self.remove(here);
            }
        }
    }

    fn check(&self, store: &Store) {
        let snapshot = store.snapshot();
        assert!(snapshot.sources().iter().all(|source| source.len() > 0));
        assert_eq!(all(&snapshot), self.events);
        crate::store::tests::check_indices(&snapshot);
        let count = |filter: Filter| store.count(&filter).expect("readable");
        let expected = |is: &dyn Fn(&StoredEvent) -> bool| self.events.iter().filter(|event| is(event)).count() as u64;
        assert_eq!(count(Filter::All), self.events.len() as u64);
        for name in [BEAT, "node_crashed", "pod_ready", "events_removed"] {
            assert_eq!(count(Filter::event_type(name)), expected(&|event| event.event.event_type() == name));
        }
        for entity in ["a0", "a1", "n2", "p0", "h"] {
            let names = |event: &StoredEvent| event.event.entities().iter().any(|found| found.value == entity);
            assert_eq!(count(Filter::entity(entity)), expected(&names));
            let timeline = store.timeline(entity, crate::query::TimeRange::default()).expect("readable");
            let counted = timeline.iter().map(|entry| match entry {
                TimelineEntry::Event(_) => 1,
                TimelineEntry::Heartbeats { count, .. } => *count,
            });
            assert_eq!(counted.sum::<u64>(), expected(&names));
        }
        let between = |event: &StoredEvent| (100..300).contains(&(event.event.timestamp_us() / super::SECOND));
        assert_eq!(count(Filter::between(Some(100 * super::SECOND), Some(300 * super::SECOND))), expected(&between));
        let mut by_type: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_minute: BTreeMap<i64, u64> = BTreeMap::new();
        for event in &self.events {
            *by_type.entry(event.event.event_type().to_owned()).or_default() += 1;
            *by_minute.entry(event.event.timestamp_us().div_euclid(60 * super::SECOND)).or_default() += 1;
        }
        let sizes = |key: &GroupKey| {
            let groups = store.group_by(&Filter::All, key).expect("readable").groups;
            let mut sizes: Vec<u64> = groups.iter().map(|group| group.count).collect();
            sizes.sort_unstable();
            sizes
        };
        let sorted = |counts: Vec<u64>| {
            let mut counts = counts;
            counts.sort_unstable();
            counts
        };
        assert_eq!(sizes(&GroupKey::Type), sorted(by_type.into_values().collect()));
        let minutes = GroupKey::Time { bucket: Bucket::Minute, offset_seconds: 0 };
        assert_eq!(sizes(&minutes), sorted(by_minute.into_values().collect()));
        let newest = store.query(&Query::new(Filter::All).newest_first().limit(5)).expect("readable");
        let mut in_time: Vec<&StoredEvent> = self.events.iter().collect();
        in_time.sort_by_key(|event| std::cmp::Reverse((event.event.timestamp_us(), event.sequence)));
        assert!(newest.events.iter().eq(in_time.into_iter().take(5)));
        for event in self.events.iter().step_by(7) {
            assert_eq!(store.get(&event.id).expect("readable").as_ref(), Some(event));
        }
        let noted: u64 = store.removals().expect("readable").iter().map(|removal| removal.events).sum();
        assert_eq!(noted, self.removed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 3 / 16,
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    })]
    #[test]
    fn a_store_keeps_what_a_list_keeps(operations in prop::collection::vec(operation(), 1..16), size in 8..60u32) {
        let directory = tempfile::tempdir().expect("a directory");
        let open = || Store::open_with(directory.path(), config(size)).expect("opens");
        let (mut store, mut model, mut sealed) = (open(), Model::default(), Sealed::default());
        for operation in operations {
            match operation {
                Operation::Append(events) => {
                    for event in events {
                        let outcome = store.append(std::slice::from_ref(&event)).expect("written").remove(0);
                        let Appended::Stored(id) = outcome else { panic!("not stored") };
                        model.events.push(StoredEvent { id, sequence: store.sequence(), event });
                    }
                }
                Operation::Seal => store.seal().expect("sealed"),
                Operation::Reopen => {
                    store.close().expect("closed");
                    store = open();
                }
                Operation::Apply(policy, index, seconds) => {
                    store.seal().expect("sealed");
                    sealed.note(&store, &model.events);
                    let pieces = store.shared().pieces();
                    let segments = pieces.segments.iter().map(|segment| segment.contents());
                    let segments: Vec<(u64, u64, u64, i64)> = segments
                        .map(|found| (found.id, found.first_sequence, found.last_sequence, found.sealed_at_us))
                        .collect();
                    if segments.is_empty() {
                        continue;
                    }
                    let now_us = segments[index.index(segments.len())].3 + seconds as i64 * super::SECOND + 1;
                    let now = DateTime::from_timestamp_micros(now_us).expect("a time");
                    let last = store.sequence();
                    let planned = store.plan_retention(&policy, now).expect("planned");
                    let report = store.apply_retention(&policy, now).expect("applied");
                    prop_assert_eq!(planned, report);
                    model.apply(&policy, &segments, now_us);
                    // What the store itself recorded of it.
                    let own = all(&store.snapshot()).into_iter().filter(|event| event.sequence > last);
                    model.events.extend(own.inspect(|event| assert_eq!(event.event.event_type(), "events_removed")));
                }
            }
            model.check(&store);
            sealed.check(&store);
        }
        store.close().expect("closed");
        let reader = Store::open_read_only(directory.path()).expect("opens");
        model.check(&reader);
        prop_assert_eq!(reader.problems(), Vec::<String>::new());
    }
}
