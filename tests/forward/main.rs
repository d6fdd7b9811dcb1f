//! Forwarding to a remote store, against a server that is killed, is slow, refuses, or is not there.

#![allow(clippy::unwrap_used)] // In a test a panic is the report.

mod client;
mod spool;
mod stand_in;

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use sutra_grid_events::GridEvent;
use sutra_grid_events::remote::ClientOptions;

/// Short pauses, so that a server that comes back is soon found.
fn quick() -> ClientOptions {
    ClientOptions {
        pause_min: Duration::from_millis(1),
        pause_max: Duration::from_millis(20),
        answer_timeout: Duration::from_secs(10),
        ..ClientOptions::default()
    }
}

/// An event with a time of its own.
fn crash(number: i64) -> GridEvent {
    GridEvent::NodeCrashed {
        node_id: format!("node-{}", number % 7),
        agent_id: "agent-001".into(),
        exit_code: Some(137),
        timestamp: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(number),
    }
}

/// The ids of the events up to a number.
fn ids(count: i64) -> Vec<String> {
    (0..count).map(|number| format!("event-node_crashed-{}", number * 1000)).collect()
}
