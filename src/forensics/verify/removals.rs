//! What the store says it removed, and whether that leads from link to link of the chain.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{Known, Run};
use super::segments::Checked;
use super::{Severity, Verification};
use crate::storage::chain::{Anchor, Hash, hex, next_link};
use crate::storage::{EVENTS_REMOVED, RemovalCause};

/// Links that are tried at most between two that are known.
const LINKS_MAX: usize = 1 << 20;

/// An `events_removed` event: what retention says it removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
pub(super) struct RemovalEvent {
    pub(super) removed_type: Option<String>,
    pub(super) cause: String,
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    pub(super) events: u64,
    pub(super) root_before: String,
    pub(super) root_after: Option<String>,
}

impl RemovalEvent {
    /// The events among these JSON texts that have the form of such an event.
    pub(super) fn parse_all<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Self> {
        let mut events: Vec<Self> = texts.filter_map(|text| serde_json::from_str(text).ok()).collect();
        events.retain(|removal| removal.first_sequence >= 1 && removal.first_sequence <= removal.last_sequence);
        events.sort_unstable();
        events.dedup();
        events
    }
}

/// What the store says is missing.
pub(super) struct Said {
    /// In `kv.jsonl`.
    pub(super) known: Known,
    /// In events.
    pub(super) removals: Vec<RemovalEvent>,
}

/// Whether removed segments lead from one link of the chain to another; nothing if the events do not name all of them.
pub(super) fn lead(removals: &[RemovalEvent], from: Anchor, to: Anchor) -> Option<bool> {
    let mut by_first: BTreeMap<u64, Vec<(u64, Hash)>> = BTreeMap::new();
    let inside = |removal: &&RemovalEvent| {
        removal.removed_type.is_none() && removal.first_sequence > from.sequence && removal.last_sequence <= to.sequence
    };
    for removal in removals.iter().filter(inside) {
        let Ok(root) = blake3::Hash::from_hex(&removal.root_before) else { continue };
        by_first.entry(removal.first_sequence).or_default().push((removal.last_sequence, *root.as_bytes()));
    }
    let (mut open, mut arrived, mut links) = (vec![from], false, 0);
    while let Some(at) = open.pop() {
        if at.sequence == to.sequence {
            arrived = true;
            if at.chain == to.chain {
                return Some(true);
            }
        }
        for (last, root) in by_first.get(&at.sequence.saturating_add(1)).into_iter().flatten() {
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            open.push(next_link(&at, at.sequence.saturating_add(1), *last, root));
        }
    }
    arrived.then_some(false)
}

/// Whether what is missing is what the chain was made of, where events say that segments were removed and the chain is
/// known on both sides.
pub(super) fn check_whole(
    missing: &[Run],
    chain: &BTreeMap<u64, Hash>,
    removals: &[RemovalEvent],
    verification: &mut Verification,
) {
    for &(first, last) in missing {
        let anchor = |sequence: u64| Some(Anchor { sequence, chain: *chain.get(&sequence)? });
        let (Some(from), Some(to)) = (anchor(first - 1), anchor(last)) else { continue };
        if lead(removals, from, to) == Some(false) {
            let what = "the events that say these were removed name other roots than the chain was made of. What was \
                        removed is not what was sealed: compare with a backup.";
            verification.find(Severity::Error, "", format!("numbers {first} to {last}"), what);
        }
    }
}

/// Whether the store says that it removed what segments lack: what is left of a type is proven by the events that lead
/// from its root as it was sealed to the one it has.
pub(super) fn check_reduced(segments: &[Checked], said: &Said, verification: &mut Verification) {
    for (found, contents) in segments.iter().filter_map(|found| Some((found, found.contents()?))) {
        let run = (contents.first_sequence, contents.last_sequence);
        for gone in &contents.removed {
            let left = contents.types.iter().find(|left| left.name == gone.event_type).map(|left| hex(&left.root));
            let (events, name) = (gone.events, &gone.event_type);
            let steps = steps(&said.removals, name, run);
            if gone.cause == RemovalCause::Lost {
                verification.notes.push(format!(
                    "{}: {events} events of type {name} were lost before the store was salvaged",
                    found.file().display()
                ));
                continue;
            }
            if is_reached(&steps, &hex(&gone.root), left.as_deref()) || name == EVENTS_REMOVED {
                continue;
            }
            let said_last = steps.iter().any(|step| step.root_after == left);
            let what = if said_last && said.known.has_loss_within(run) {
                // Salvage left less than was sealed, before retention went on.
                continue;
            } else if said_last {
                "the events that say so do not begin with the root as it was sealed"
            } else if !steps.is_empty() {
                "the events that say so name another root than what is left has"
            } else if said.known.has_removal(name, run) {
                verification.notes.push(format!(
                    "{}: {events} events of type {name} were removed, and the event that said so is gone too; what is \
                     left of the type is covered by checksums only",
                    found.file().display()
                ));
                continue;
            } else {
                "no event of the store says so"
            };
            let what = format!(
                "{events} events were removed, and {what}: what is left of the type is covered by checksums only, not \
                 by the chain. Compare with a backup."
            );
            verification.find(Severity::Warning, found.file(), format!("type {name}"), what);
        }
    }
}

/// Whether any segment lacks something that events do not lead to.
pub(super) fn is_unsaid(segments: &[Checked], said: &Said) -> bool {
    let mut trial = Verification::default();
    check_reduced(segments, said, &mut trial);
    !trial.findings.is_empty()
}

/// The removals of one type from one segment.
fn steps<'a>(removals: &'a [RemovalEvent], event_type: &str, run: Run) -> Vec<&'a RemovalEvent> {
    let is_step = |removal: &&RemovalEvent| {
        removal.removed_type.as_deref() == Some(event_type) && (removal.first_sequence, removal.last_sequence) == run
    };
    removals.iter().filter(is_step).collect()
}

/// Whether steps lead from one root to another; to none if nothing is left.
fn is_reached(steps: &[&RemovalEvent], from: &str, to: Option<&str>) -> bool {
    let (mut reached, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        for step in steps.iter().filter(|step| step.root_before == at) {
            if step.root_after.as_deref() == to {
                return true;
            }
            if let Some(after) = step.root_after.as_deref()
                && reached.insert(after)
            {
                open.push(after);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removal(of: Option<&str>, run: Run, before: Hash, after: Option<Hash>) -> RemovalEvent {
        RemovalEvent {
            removed_type: of.map(str::to_owned),
            cause: "thinned".into(),
            first_sequence: run.0,
            last_sequence: run.1,
            events: 1,
            root_before: hex(&before),
            root_after: after.map(|hash| hex(&hash)),
        }
    }

    #[test]
    fn roots_lead_from_link_to_link() {
        let from = Anchor::default();
        let to = next_link(&next_link(&from, 1, 9, &[1; 32]), 10, 12, &[2; 32]);
        let events = [removal(None, (1, 9), [1; 32], None), removal(None, (10, 12), [2; 32], None)];
        assert_eq!(lead(&events, from, to), Some(true));
        assert_eq!(lead(&events[..1], from, to), None);
        let other = [events[0].clone(), removal(None, (10, 12), [3; 32], None)];
        assert_eq!(lead(&other, from, to), Some(false));
        // One of another store beside it does no harm.
        assert_eq!(lead(&[other, events].concat(), from, to), Some(true));
    }

    #[test]
    fn a_type_is_followed_over_several_removals() {
        let run = (1, 9);
        let events = [removal(Some("a"), run, [2; 32], None), removal(Some("a"), run, [1; 32], Some([2; 32]))];
        let steps = steps(&events, "a", run);
        assert!(is_reached(&steps, &hex(&[1; 32]), None));
        assert!(is_reached(&steps, &hex(&[1; 32]), Some(&hex(&[2; 32]))));
        assert!(!is_reached(&steps, &hex(&[3; 32]), None));
        assert!(super::steps(&events, "b", run).is_empty() && super::steps(&events, "a", (1, 8)).is_empty());
    }
}
