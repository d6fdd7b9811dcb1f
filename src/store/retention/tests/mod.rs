//! Tests of retention: against a plain model, and step by step.

mod chain;
mod model;
mod steps;

use std::ops::ControlFlow;
use std::time::Duration;

use chrono::DateTime;

use super::{Retention, TypeRetention};
use crate::event::{Event, timestamp};
use crate::store::{Durability, SEALED_LOG_GRACE, Snapshot, Store, StoreConfig, StoredEvent};

const BEAT: &str = "agent_heartbeat";
const SECOND: i64 = 1_000_000;

fn config(segment_events: u32) -> StoreConfig {
    StoreConfig {
        segment_events,
        durability: Durability::OsBuffered,
        sealed_log_grace: SEALED_LOG_GRACE,
        ..StoreConfig::default()
    }
}

fn beat(agent: u32, nodes: u32, second: i64) -> Event {
    let time = timestamp::format(second * SECOND);
    let json = format!(
        r#"{{"event_type":"agent_heartbeat","agent_id":"a{agent}","storage_node_count":{nodes},"timestamp":"{time}"}}"#
    );
    Event::from_json(&json).expect("well-formed")
}

fn crash(node: u32, second: i64) -> Event {
    let time = timestamp::format(second * SECOND);
    let json = format!(
        r#"{{"event_type":"node_crashed","node_id":"n{node}","agent_id":"a{node}","exit_code":9,"timestamp":"{time}"}}"#
    );
    Event::from_json(&json).expect("well-formed")
}

fn pod(name: u32, second: i64) -> Event {
    let time = timestamp::format(second * SECOND);
    let json = format!(r#"{{"event_type":"pod_ready","pod_id":"p{name}","host":"h","timestamp":"{time}"}}"#);
    Event::from_json(&json).expect("well-formed")
}

fn all(snapshot: &Snapshot) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    let collect = &mut |stored| {
        events.push(stored);
        ControlFlow::Continue(())
    };
    snapshot.scan(0, collect).expect("readable");
    events
}

/// A policy with limits for single types.
fn of_types<const N: usize>(types: [(&str, Option<u64>, Option<u64>); N]) -> Retention {
    let types = types.map(|(name, keep, thin)| {
        let limits =
            TypeRetention { age_max: keep.map(Duration::from_secs), thin_after: thin.map(Duration::from_secs) };
        (name.to_owned(), limits)
    });
    Retention { types: types.into(), ..Retention::default() }
}

/// Applies a policy as it would be this long after the sealing of the last segment.
fn apply_after(store: &Store, policy: &Retention, seconds: i64) -> super::RetentionReport {
    let sealed_at_us = store.shared().pieces().segments.last().expect("a segment").contents().sealed_at_us;
    let now = DateTime::from_timestamp_micros(sealed_at_us + seconds * SECOND + 1).expect("a time");
    let planned = store.plan_retention(policy, now).expect("planned");
    let report = store.apply_retention(policy, now).expect("applied");
    assert_eq!(planned, report, "what was planned is what went");
    report
}
