//! The chain by its definition, over segments of which something is gone.

use std::collections::{BTreeMap, HashMap};

use super::all;
use crate::storage::chain::Hash;
use crate::store::{Store, StoredEvent};

/// The root of the events of a type, by the definition.
fn root_of(events: &[&StoredEvent]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    for event in events {
        hasher.update(&event.sequence.to_le_bytes());
        for text in [event.id.to_string(), event.event.to_json()] {
            hasher.update(&(text.len() as u32).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

fn roots_of(events: &[StoredEvent], first: u64, last: u64) -> BTreeMap<String, Hash> {
    let mut by_type: BTreeMap<String, Vec<&StoredEvent>> = BTreeMap::new();
    for event in events.iter().filter(|event| (first..=last).contains(&event.sequence)) {
        by_type.entry(event.event.event_type().to_owned()).or_default().push(event);
    }
    by_type.into_iter().map(|(name, events)| (name, root_of(&events))).collect()
}

/// The roots that segments had when they were sealed, computed from the events that went in.
#[derive(Default)]
pub(super) struct Sealed {
    roots: HashMap<u64, BTreeMap<String, Hash>>,
}

impl Sealed {
    /// Notes the segments that are new.
    pub(super) fn note(&mut self, store: &Store, events: &[StoredEvent]) {
        for segment in &store.shared().pieces().segments {
            let contents = segment.contents();
            if contents.removed.is_empty() {
                let roots = || roots_of(events, contents.first_sequence, contents.last_sequence);
                self.roots.entry(contents.id).or_insert_with(roots);
            }
        }
    }

    /// Recomputes every link, from the events that are there and the tombstones of those that are not.
    pub(super) fn check(&self, store: &Store) {
        let events = all(&store.snapshot());
        let pieces = store.shared().pieces();
        for (index, segment) in pieces.segments.iter().enumerate() {
            let contents = segment.contents();
            let there = roots_of(&events, contents.first_sequence, contents.last_sequence);
            for found in &contents.types {
                assert_eq!(there.get(&found.name), Some(&found.root), "the root of {}", found.name);
            }
            assert_eq!(there.len(), contents.types.len());
            let mut roots = there;
            for gone in &contents.removed {
                roots.insert(gone.event_type.clone(), gone.root);
            }
            if let Some(sealed) = self.roots.get(&contents.id) {
                assert_eq!(&roots, sealed, "the tombstones are what was sealed");
            }
            let mut root = blake3::Hasher::new();
            for (name, of_type) in &roots {
                root.update(&(name.len() as u32).to_le_bytes());
                root.update(name.as_bytes());
                root.update(of_type);
            }
            let mut link = blake3::Hasher::new();
            link.update(&contents.before.chain);
            link.update(&contents.first_sequence.to_le_bytes());
            link.update(&contents.last_sequence.to_le_bytes());
            link.update(root.finalize().as_bytes());
            assert_eq!(link.finalize().as_bytes(), &contents.after.chain);
            assert_eq!(contents.after.sequence, contents.last_sequence);
            if let Some(before) = index.checked_sub(1).map(|before| pieces.segments[before].contents()) {
                assert_eq!(before.after, contents.before, "the chain goes on");
            }
        }
    }
}
