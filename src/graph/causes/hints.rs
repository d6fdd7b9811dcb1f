//! Hints for a person: what the exit code of an event means.

use crate::error::StoreError;
use crate::event::{Event, ValueRef};
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

/// What a shell adds to the number of a signal to make an exit code.
const SHELL_OFFSET: i64 = 128;
const SIGKILL: i64 = 9;
/// Signals that a process ends by, with what they mean.
const SIGNALS: [(i64, &str, &str); 9] = [
    (1, "SIGHUP", "its terminal or parent went away"),
    (2, "SIGINT", "interrupted"),
    (4, "SIGILL", "an illegal instruction"),
    (6, "SIGABRT", "it aborted itself, as after a failed assertion"),
    (7, "SIGBUS", "a bad memory access"),
    (8, "SIGFPE", "an arithmetic error"),
    (SIGKILL, "SIGKILL", ""),
    (11, "SIGSEGV", "an invalid memory access"),
    (15, "SIGTERM", "it was asked to end"),
];

/// What the exit code of an event means, if it has one that tells something.
pub(super) fn hint(snapshot: &Snapshot, stored: &StoredEvent) -> Result<Option<String>, StoreError> {
    let Some(ValueRef::Integer(code)) = stored.event.get("exit_code") else { return Ok(None) };
    if signal_of(code) == Some(SIGKILL) {
        return Ok(Some(match memory_limit_mb(snapshot, &stored.event)? {
            Some(limit) => format!("killed by SIGKILL, consistent with out of memory (limit {limit} MB)"),
            None => "killed by SIGKILL".to_owned(),
        }));
    }
    Ok(meaning(code))
}

/// The signal of an exit code, written as its negative number or as a shell does.
fn signal_of(code: i64) -> Option<i64> {
    let signal = if code < 0 { code.checked_neg()? } else { code - SHELL_OFFSET };
    (1..=64).contains(&signal).then_some(signal)
}

fn meaning(code: i64) -> Option<String> {
    if let Some(signal) = signal_of(code) {
        let known = SIGNALS.iter().find(|(number, ..)| *number == signal);
        return Some(match known {
            Some((_, name, meaning)) => format!("ended by {name}: {meaning}"),
            None => format!("ended by signal {signal}"),
        });
    }
    match code {
        0 => Some("ended with exit code 0, which means success".to_owned()),
        1 | 2 => Some(format!("ended itself with a general error (exit code {code}); its log may say more")),
        126 => Some("its program could not be executed (exit code 126)".to_owned()),
        127 => Some("its program was not found (exit code 127)".to_owned()),
        _ => None,
    }
}

/// The memory limit that the life of the node was requested with.
fn memory_limit_mb(snapshot: &Snapshot, event: &Event) -> Result<Option<i64>, StoreError> {
    let Some(ValueRef::Text(node)) = event.get("node_id") else { return Ok(None) };
    let before = event.timestamp_us().saturating_add(1);
    let filter = Filter::event_type("spawn_requested")
        .and(Filter::entity_of("node_id", node))
        .and(Filter::between(None, before));
    let request = snapshot.query(&Query::new(filter).newest_first().limit(1))?.events.pop();
    Ok(request.and_then(|request| match request.event.get("memory_limit_mb") {
        Some(ValueRef::Integer(limit)) if limit > 0 => Some(limit),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_signals_in_both_forms() {
        for (codes, expected) in [
            ([-11, 139], "SIGSEGV"),
            ([-6, 134], "SIGABRT"),
            ([-15, 143], "SIGTERM"),
            ([1, 2], "general error"),
            ([-40, 168], "signal 40"),
        ] {
            for code in codes {
                assert!(meaning(code).is_some_and(|text| text.contains(expected)), "{code}");
            }
        }
        assert_eq!(signal_of(-9), signal_of(137));
        for code in [3, 125, 128, 255, i64::MIN, i64::MAX] {
            assert_eq!(meaning(code), None, "{code}");
        }
    }
}
