//! Why something happened, and what it led to, with how sure that is and by which events it shows.
//!
//! ```text
//! rules.toml ─► reading ─► rules ─► links (of one event: queries by entity, types and time) ─► chain ─► CausalTree
//!                                                                           hints ┘         tree, render: its forms
//! absence: requests without outcome, missing heartbeats
//! ```
//!
//! Links carry a [`Grade`]: declared by the emitter, matched by a protocol, inferred by a rule with a window
//! of time, or merely coincident. The chosen cause is the one with the best grade, then the nearest in time;
//! the others are rivals. Coincident events are shown for the event asked about only, and never chosen.
//! Lives of one node are kept apart, and clocks may skew a little.
//!
//! ```
//! use sutra_grid_events::graph::causes::{Rules, causes};
//! use sutra_grid_events::{Event, Store};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! let store = Store::open(directory.path().join("grid-events"))?;
//! for text in [
//!     r#"{"event_type":"agent_degraded","agent_id":"a","seconds_since_heartbeat":30,"timestamp":"2026-11-24T08:00:00Z"}"#,
//!     r#"{"event_type":"agent_offline","agent_id":"a","last_seen":"2026-11-24T07:59:30Z","timestamp":"2026-11-24T08:01:00Z"}"#,
//! ] {
//!     store.append(&[Event::from_json(text)?])?;
//! }
//! let snapshot = store.snapshot();
//! let offline = snapshot.get(&"event-agent_offline-1795507260000000".parse()?)?.unwrap();
//! let tree = causes(&snapshot, &offline, &Rules::default())?;
//! let chain = tree.chain();
//! assert_eq!(chain[0].text, "Agent a is degraded: no heartbeat for 30 s");
//! assert_eq!(chain[0].grade.unwrap().as_str(), "matched");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod absence;
mod chain;
mod cuts;
mod hints;
mod links;
mod reading;
mod render;
mod rules;
mod tree;

#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::event::{ConceptId, timestamp};
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

pub use absence::{HeartbeatGap, missing_heartbeats, unanswered};
pub use chain::{DEPTH_MAX, FAN_OUT_MAX};
pub use links::EVENTS_READ_MAX;
pub use reading::{RuleProblem, RulesError};
pub use rules::Rules;
pub use tree::{CausalLink, CausalTree, ChainStep, Grade, Towards};

/// The failures of an entity among which its own are looked for, before those that only name it.
const FAILURES_READ_MAX: usize = 64;

/// What led to an event. Finite and without circles: at most [`DEPTH_MAX`] links deep, with at most
/// [`FAN_OUT_MAX`] links of an event beside coincident ones, each found among at most [`EVENTS_READ_MAX`] events.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn causes(snapshot: &Snapshot, event: &StoredEvent, rules: &Rules) -> Result<CausalTree, StoreError> {
    let mut tree = chain::grow(snapshot, event, rules, Towards::Causes)?;
    let note = removed_note(snapshot, tree.last_chosen(), rules)?;
    tree.notes.extend(note);
    Ok(tree)
}

/// What an event led to, with the same limits as [`causes`]. An effect whose better cause is another event
/// is a rival link. Events that declare this one their cause are found up to an hour after it.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn effects(snapshot: &Snapshot, event: &StoredEvent, rules: &Rules) -> Result<CausalTree, StoreError> {
    chain::grow(snapshot, event, rules, Towards::Effects)
}

/// The possible causes of an event one link away, best first, with how sure they are.
pub(crate) fn direct_causes(
    snapshot: &Snapshot,
    event: &StoredEvent,
    rules: &Rules,
) -> Result<Vec<(ConceptId, Grade)>, StoreError> {
    Ok(ends(&links::Links::new(snapshot, rules).causes_of(event)?.candidates))
}

/// What an event may have led to one link away, with how sure that is.
pub(crate) fn direct_effects(
    snapshot: &Snapshot,
    event: &StoredEvent,
    rules: &Rules,
) -> Result<Vec<(ConceptId, Grade)>, StoreError> {
    Ok(ends(&links::Links::new(snapshot, rules).effects_of(event)?.candidates))
}

fn ends(candidates: &[links::Candidate]) -> Vec<(ConceptId, Grade)> {
    candidates.iter().map(|candidate| (candidate.event.id.clone(), candidate.grade)).collect()
}

/// The last failure of an entity: of those that are about it first of all, else of those that name it.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn last_failure(snapshot: &Snapshot, entity: &str, rules: &Rules) -> Result<Option<StoredEvent>, StoreError> {
    let filter = rules::of_types(rules.failures()).and(Filter::entity(entity));
    let mut events = snapshot.query(&Query::new(filter).newest_first().limit(FAILURES_READ_MAX))?.events;
    let own = events.iter().position(|event| event.event.primary_id() == entity).unwrap_or(0);
    Ok((own < events.len()).then(|| events.swap_remove(own)))
}

/// Says that retention removed events, where a cause of the first event of a chain could be among them.
fn removed_note(snapshot: &Snapshot, first: &StoredEvent, rules: &Rules) -> Result<Option<String>, StoreError> {
    let removed = snapshot.first_sequence().unwrap_or(1).saturating_sub(1);
    let Some(window_us) = rules.longest_window_us(&first.event).filter(|_| removed > 0) else { return Ok(None) };
    let earliest = snapshot.ids(&Query::default().limit(1))?;
    let since_us = first.event.timestamp_us().saturating_sub(window_us);
    Ok(earliest.first().filter(|id| since_us < id.timestamp_us()).map(|id| {
        format!(
            "{removed} events were removed by retention, and the record begins at {}: an earlier cause can be missing",
            timestamp::format(id.timestamp_us())
        )
    }))
}
