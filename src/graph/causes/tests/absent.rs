//! What did not happen.

use std::time::Duration;

use super::super::{missing_heartbeats, unanswered};
use super::{SECOND, START_US, Scenario};
use crate::query::TimeRange;

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
