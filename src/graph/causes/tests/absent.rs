//! What did not happen.

use std::time::Duration;

use super::super::absence::missing_among;
use super::super::{missing_heartbeats, unanswered};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{SECOND, START_US, Scenario, event};
use crate::query::TimeRange;
use crate::store::{Retention, Store, StoreConfig};

#[test]
fn requests_without_outcome_are_found() {
    let scenario = Scenario::new(&[
        (0.0, "spawn_requested", "answered@a"),
        (1.0, "spawn_failed", "answered@a"),
        (2.0, "spawn_requested", "lost@a"),
        (3.0, "spawn_requested", "again@a"),
        (4.0, "spawn_requested", "again@a"),
        (5.0, "spawn_succeeded", "again@a"),
        (6.0, "stop_requested", "answered@a"),
        (7.0, "spawn_succeeded", "early@a"),
        (8.0, "spawn_requested", "early@a"),
        (95.0, "spawn_requested", "young@a"),
        (99.0, "node_crashed", "lost@a"),
    ]);
    let snapshot = scenario.store.snapshot();
    let find = |types: &[&str], range, now: i64| -> Vec<usize> {
        let now_us = START_US + now * SECOND;
        let found = unanswered(&snapshot, types, range, now_us, Duration::from_secs(30)).expect("read");
        found.iter().map(|event| scenario.place(&event.id)).collect()
    };
    let all = TimeRange::default();
    assert_eq!(find(&["spawn_requested", "stop_requested"], all, 100), [2, 3, 6]);
    assert_eq!(find(&["stop_requested"], all, 100), [6]);
    assert_eq!(find(&["spawn_requested"], all, 200), [2, 3, 9]);
    assert!(find(&["node_crashed"], all, 200).is_empty());
    // The outcome lies behind the range, and counts.
    let range = |since: i64, until: i64| TimeRange {
        since_us: Some(START_US + since * SECOND),
        until_us: Some(START_US + until * SECOND),
    };
    assert!(find(&["spawn_requested"], range(0, 1), 100).is_empty());
    assert_eq!(find(&["spawn_requested"], range(3, 50), 100), [3]);
    assert!(find(&["spawn_requested"], range(8, 50), 100).is_empty());
    // At an instant before its outcome a request waits.
    assert!(find(&["spawn_requested"], all, 0).is_empty());
}

#[test]
fn heartbeats_that_did_not_come_are_found() {
    let mut events = Vec::new();
    for beat in 0..60_u32 {
        let at = f64::from(beat) * 10.0;
        events.push((at, "agent_heartbeat", "steady"));
        if !(20..30).contains(&beat) {
            events.push((at, "agent_heartbeat", "gap"));
        }
        if beat < 10 {
            events.push((at, "agent_heartbeat", "gone"));
            events.push((at, "agent_heartbeat", "left"));
        }
    }
    events.push((95.0, "agent_unregistered", "left"));
    let scenario = Scenario::new(&events);
    let find = |range, now: i64| -> Vec<(String, i64, i64, i64)> {
        let gaps = missing_heartbeats(&scenario.store.snapshot(), range, START_US + now * SECOND).expect("read");
        let seconds = |us: i64| (us - START_US) / SECOND;
        gaps.into_iter()
            .map(|gap| (gap.agent_id, seconds(gap.from_us), seconds(gap.until_us), gap.usual_us / SECOND))
            .collect()
    };
    let (gap, gone) = (("gap".to_owned(), 190, 300, 10), |until| ("gone".to_owned(), 90, until, 10));
    assert_eq!(find(TimeRange::default(), 595), [gap, gone(595)]);
    // The agent that went before the range is still missing in it.
    let range = TimeRange { since_us: Some(START_US + 400 * SECOND), until_us: Some(START_US + 500 * SECOND) };
    assert_eq!(find(range, 595), [gone(500)]);
}

#[test]
fn a_gap_in_the_heartbeats_before_an_offline_is_said() {
    let mut events: Vec<_> = (0..20_u32).map(|beat| (f64::from(beat) * 5.0, "agent_heartbeat", "a")).collect();
    events.push((160.0, "agent_offline", "a"));
    events.push((161.0, "cluster_critical", ""));
    events.push((162.0, "agent_offline", "without-heartbeats"));
    let scenario = Scenario::new(&events);
    let expected = "its last heartbeat, at 2026-11-24T08:01:35.000000Z, was 65 s before; it usually sent one every 5 s";
    assert_eq!(scenario.why(20).notes, ["no cause is known by any rule", expected].map(str::to_owned));
    // It is said wherever the event stands in a tree.
    let tree = scenario.why(21);
    assert!(tree.links[0].tree.notes.iter().any(|note| note == expected), "{tree}");
    assert!(!scenario.why(22).notes.iter().any(|note| note.contains("heartbeat")));
    // An agent that was heard of just before has no gap.
    let heard = Scenario::new(&[events[17], events[18], events[19], (97.0, "agent_offline", "a")]);
    assert!(!heard.why(3).notes.iter().any(|note| note.contains("heartbeat")));
}

#[test]
fn an_agent_that_went_offline_long_after_a_request_is_not_blamed() {
    let blamed = |seconds: f64| {
        let scenario = Scenario::new(&[(0.0, "spawn_requested", "n@a"), (seconds, "agent_offline", "a")]);
        scenario.why(0).notes.iter().any(|note| note.contains("went offline afterwards"))
    };
    assert!(blamed(9.0));
    assert!(!blamed(30.0 * 86_400.0));
}

#[test]
fn what_retention_removed_is_said_where_a_cause_could_have_been_in_it() {
    let retention = Retention { bytes_max: Some(1), ..Retention::default() };
    let config = StoreConfig { retention, ..StoreConfig::default() };
    let directory = TempDir::new().expect("a temporary directory");
    let store = Store::open_with(directory.path().join("store"), config).expect("a store");
    let former = [event(0.0, "spawn_requested", "n@a", ""), event(1.0, "spawn_succeeded", "n@a", "")];
    store.append(&former).expect("appended");
    store.seal().expect("sealed");
    // Retention follows on another thread.
    for _ in 0..1_000 {
        if store.snapshot().first_sequence().is_none() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let kept = [event(2.0, "node_crashed", "n@a", ""), event(3.0, "disk_slow", "", r#""host":"h""#)];
    let scenario = Scenario::in_store(store, directory, &kept);
    let snapshot = scenario.store.snapshot();
    assert!(snapshot.first_sequence().is_some_and(|first| first > 1), "nothing was removed");
    let said = |index: usize| scenario.why(index).notes.iter().any(|note| note.contains("removed by retention"));
    assert!(said(0), "{}", scenario.why(0));
    // No rule knows a cause of this one, so none can be missing.
    assert!(!said(1));
    assert!(!scenario.effects(0).notes.iter().any(|note| note.contains("retention")));
}

/// The gaps of agents by the plain definition, from all their beats before `end`, for ranges without a start.
fn gaps_by_definition(beats: &[(i64, usize)], since: Option<i64>, end: i64) -> Vec<(usize, i64, i64)> {
    let mut gaps = Vec::new();
    for agent in 0..AGENTS {
        let mut times: Vec<i64> = beats.iter().filter(|beat| beat.1 == agent).map(|beat| beat.0).collect();
        times.retain(|&time| time <= end);
        times.sort_unstable();
        if times.len() < 3 {
            continue;
        }
        let mut intervals: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        intervals.sort_unstable();
        let usual = intervals[intervals.len() / 2];
        times.push(end);
        for pair in times.windows(2) {
            let length = pair[1] - pair[0];
            if length > 3 * usual && length >= 10 && since.is_none_or(|since| pair[1] > since) {
                gaps.push((agent, pair[0], pair[1]));
            }
        }
    }
    gaps
}

const AGENTS: usize = 3;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn gaps_are_those_of_the_definition_whatever_is_read_at_once(
        beats in prop::collection::vec((0..300_i64, 0..AGENTS), 0..60),
        since in prop::option::of(0..300_i64),
        end in 0..400_i64,
        read_max in 1..80_usize,
    ) {
        #[allow(clippy::cast_precision_loss)] // Seconds of three digits.
        let events: Vec<_> = beats
            .iter()
            .map(|&(at, agent)| event(at as f64, "agent_heartbeat", &format!("a{agent}"), ""))
            .collect();
        let scenario = Scenario::of(&events);
        let us = |seconds: i64| START_US + seconds * SECOND;
        let range = TimeRange { since_us: since.map(us), until_us: None };
        let found = missing_among(&scenario.store.snapshot(), range, us(end), read_max).expect("read");
        let found: Vec<(usize, i64, i64)> = found
            .iter()
            .map(|gap| (gap.agent_id[1..].parse().expect("a number"), gap.from_us, gap.until_us))
            .map(|(agent, from, until)| (agent, (from - START_US) / SECOND, (until - START_US) / SECOND))
            .collect();
        prop_assert_eq!(found, gaps_by_definition(&beats, since, end));
    }
}
