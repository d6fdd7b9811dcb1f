//! Silences where heartbeats are not all there any more: never one that was none.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::{HeartbeatGap, missing_heartbeats};
use super::{SECOND, START_US, Scenario, event};
use crate::event::Event;
use crate::query::{Filter, GapCause, TimeRange};
use crate::store::{Durability, Retention, Store, StoreConfig, TypeRetention};

const BEAT: &str = "agent_heartbeat";

fn beat(second: u32, agent: &str) -> Event {
    event(f64::from(second), BEAT, agent, "")
}

/// A store with these events, the first of them in segments of at most this many, the rest in the tail.
fn sealed_and_live(segment_events: u32, sealed: &[Event], live: &[Event]) -> Scenario {
    let directory = TempDir::new().expect("a temporary directory");
    let config = StoreConfig { segment_events, durability: Durability::OsBuffered, ..StoreConfig::default() };
    let store = Store::open_with(directory.path().join("store"), config).expect("a store");
    for some in sealed.chunks(segment_events as usize) {
        store.append(some).expect("appended");
        store.seal().expect("sealed");
    }
    Scenario::in_store(store, directory, live)
}

fn apply(scenario: &Scenario, limits: TypeRetention) -> u64 {
    let policy = Retention { types: BTreeMap::from([(BEAT.to_owned(), limits)]), ..Retention::default() };
    let before = scenario.store.count(&Filter::event_type(BEAT)).expect("read");
    scenario.store.apply_retention(&policy, Utc::now() + Duration::from_secs(60)).expect("applied");
    before - scenario.store.count(&Filter::event_type(BEAT)).expect("read")
}

fn thin(scenario: &Scenario) -> u64 {
    apply(scenario, TypeRetention { thin_after: Some(Duration::ZERO), age_max: None })
}

/// The silences of a range in seconds, up to an instant.
fn silences(scenario: &Scenario, since: Option<u32>, now: u32) -> Vec<HeartbeatGap> {
    let us = |second: u32| START_US + i64::from(second) * SECOND;
    let range = TimeRange { since_us: since.map(us), until_us: None };
    missing_heartbeats(&scenario.store.snapshot(), range, us(now)).expect("read")
}

/// One steady agent, and one that was silent once before and once after second 3000; the latter is not sealed.
fn two_agents() -> Scenario {
    let events = |seconds: std::ops::Range<u32>| -> Vec<Event> {
        let due = seconds.step_by(10);
        due.flat_map(|second| {
            let is_silent = (1_000..1_300).contains(&second) || (3_200..3_600).contains(&second);
            std::iter::once(beat(second, "steady")).chain((!is_silent).then(|| beat(second, "other")))
        })
        .collect()
    };
    // So many in a segment that the live ones fit into the tail.
    sealed_and_live(300, &events(0..3_000), &events(3_000..4_000))
}

#[test]
fn a_steady_agent_whose_heartbeats_were_thinned_was_not_silent() {
    let scenario = two_agents();
    let (all, live) = (silences(&scenario, None, 3_999), silences(&scenario, Some(3_010), 3_999));
    let of = |gap: &HeartbeatGap| {
        let second = |us: i64| (us - START_US) / SECOND;
        (gap.agent_id.clone(), second(gap.from_us), second(gap.until_us), second(START_US + gap.usual_us))
    };
    let (former, latter) = (("other".to_owned(), 990, 1_300, 10), ("other".to_owned(), 3_190, 3_600, 10));
    assert_eq!(all.iter().map(of).collect::<Vec<_>>(), [former, latter.clone()]);
    assert!(thin(&scenario) > 400);
    // What is whole tells the same as before, with the same usual interval.
    assert_eq!(silences(&scenario, Some(3_010), 3_999), live);
    // Of the former one nothing can be told from steady heartbeats; that they were thinned is said.
    assert_eq!(silences(&scenario, None, 3_999).iter().map(of).collect::<Vec<_>>(), [latter]);
    let gaps = scenario.store.gaps(&Filter::between(START_US, START_US + 2_000 * SECOND)).expect("known");
    assert!(gaps.iter().any(|gap| gap.cause == GapCause::Thinned && gap.event_type.as_deref() == Some(BEAT)));
}

#[test]
fn an_agent_whose_heartbeats_expired_was_not_silent() {
    // Crashes keep the segment, of whose heartbeats all go.
    let mut middle: Vec<Event> = (100..200).map(|second| beat(second, "a")).collect();
    middle.push(event(150.0, "node_crashed", "n@a", r#""exit_code":1"#));
    let first: Vec<Event> = (0..100).map(|second| beat(second, "a")).chain(middle).collect();
    let live: Vec<Event> = (200..300).map(|second| beat(second, "a")).chain([beat(400, "a")]).collect();
    let scenario = sealed_and_live(1_000, &first, &live);
    assert_eq!(silences(&scenario, None, 401).len(), 1);
    assert_eq!(apply(&scenario, TypeRetention { age_max: Some(Duration::ZERO), thin_after: None }), 200);
    // An old heartbeat that was told of late, so that what went lies between two that are there.
    scenario.store.append(&[beat(1, "a")]).expect("appended");
    let left = silences(&scenario, None, 401);
    assert_eq!(left.iter().map(|gap| (gap.from_us - START_US) / SECOND).collect::<Vec<_>>(), [299]);
}

#[test]
fn of_an_agent_that_went_offline_among_thinned_heartbeats_no_silence_is_said() {
    let mut events: Vec<Event> = (0..30).map(|number| beat(number * 5, "a")).collect();
    events.push(event(122.0, "agent_offline", "a", ""));
    let said = |scenario: &Scenario| {
        let live = scenario.ids.len() - 1;
        scenario.why(live).notes.into_iter().find(|note| note.contains("heartbeat"))
    };
    let offline = event(148.0, "agent_offline", "a", "");
    let scenario = sealed_and_live(100, &events, &[offline]);
    assert_eq!(said(&scenario), None);
    assert_eq!(thin(&scenario), 28);
    // The heartbeats that are there would say that it was silent for two minutes.
    assert_eq!(said(&scenario), None);
    let offline = events.iter().find(|event| event.event_type() == "agent_offline").expect("there").clone();
    let stored =
        scenario.store.query(&crate::query::Query::new(Filter::event_type(offline.event_type()))).expect("read");
    let among = stored.events.iter().find(|stored| stored.event == offline).expect("kept");
    let tree = super::causes(&scenario.store.snapshot(), among, &super::Rules::default()).expect("a tree");
    let note = "not all heartbeats of the time before are there any more, so how long it was silent is not known";
    assert!(tree.notes.iter().any(|said| said == note), "{tree}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn no_silence_is_claimed_in_which_an_agent_was_heard_of(
        beats in prop::collection::vec((0..600_u32, 0..3_usize), 0..120),
        steady in 1..20_u32,
        sealed in any::<prop::sample::Index>(),
        segment_events in 10..80_u32,
        since in prop::option::of(0..600_u32),
    ) {
        // Three agents of chance, and one that beats steadily.
        let mut times: Vec<(u32, String)> =
            beats.iter().map(|(second, agent)| (*second, format!("a{agent}"))).collect();
        times.extend((0..600).step_by(steady as usize).map(|second| (second, "steady".to_owned())));
        times.sort();
        times.dedup();
        let events: Vec<Event> = times.iter().map(|(second, agent)| beat(*second, agent)).collect();
        let (former, latter) = events.split_at(sealed.index(events.len()));
        let scenario = sealed_and_live(segment_events, former, latter);
        thin(&scenario);
        for gap in silences(&scenario, since, 650) {
            let second = |us: i64| u32::try_from((us - START_US) / SECOND).expect("in the scenario");
            let (from, until) = (second(gap.from_us), second(gap.until_us));
            let heard = times.iter().find(|(at, agent)| *agent == gap.agent_id && *at > from && *at < until);
            prop_assert_eq!(heard, None, "{:?}", gap);
            prop_assert!(gap.agent_id != "steady" || until == 650);
        }
    }
}
