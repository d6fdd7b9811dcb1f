//! Forwarding to a remote store, against a server that is killed, is slow, refuses, or is not there.

#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, clippy::panic)] // In a test a panic is the report.

mod client;
#[cfg(feature = "cli")]
mod command;
#[cfg(feature = "cli")]
mod server;
mod spool;
mod stand_in;

use std::time::{Duration, Instant};

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

/// Waits until something holds. What never does fails the test with the last reason, and does not hang it.
async fn until<T>(mut check: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match check() {
            Ok(value) => return value,
            Err(reason) => assert!(Instant::now() < deadline, "{reason}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
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

/// Asserts that these are the events up to a number, each once and in their order.
#[track_caller]
fn assert_ids<T: AsRef<str>>(found: &[T], count: i64) {
    let wanted = ids(count);
    let wrong = found.iter().zip(&wanted).position(|(found, wanted)| found.as_ref() != wanted);
    let at = |place: usize| found.get(place).map(T::as_ref);
    assert_eq!(wrong, None, "of {} the first wrong is {:?}", found.len(), wrong.map(at));
    assert_eq!(found.len(), wanted.len());
}

/// The ids of the events up to a number.
fn ids(count: i64) -> Vec<String> {
    (0..count).map(|number| format!("event-node_crashed-{}", number * 1000)).collect()
}
