//! What a store knows of its own record: what it lost or was never given, what retention removed, and where events
//! that came from other stores were before. Kept in the keyed part, and published for readers.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::retention::REMOVALS_MAX;
use super::{RemovalCause, Store};
use crate::error::StoreError;
use crate::storage::keyed::{PUBLISHED_FILE, Tree, read_published};

/// Losses that are remembered one by one; older ones are forgotten.
const LOSSES_MAX: usize = 10_000;
/// Origins that are remembered one by one; older ones are forgotten.
const ORIGINS_MAX: usize = 100_000;

/// What retention removed: all events of a range of sequence numbers, or those of one type among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The first sequence number of the range.
    pub first_sequence: u64,
    /// The last sequence number of the range.
    pub last_sequence: u64,
    /// The earliest time removed, in µs.
    pub first_us: i64,
    /// The latest time removed, in µs.
    pub last_us: i64,
    /// How many events were removed.
    pub events: u64,
    /// When they were removed, in µs.
    pub removed_at_us: i64,
    /// The only type that was removed; nothing if all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Why.
    #[serde(default)]
    pub cause: RemovalCause,
}

/// Why events are not in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// They were offered and not accepted: they are no events that can be stored.
    Rejected,
    /// The end of a log was torn when the store was opened after a crash.
    Torn,
    /// What held them was damaged.
    Damaged,
    /// They could not be read any more when the store was salvaged.
    Salvaged,
    /// Retention had removed them from a store that this one was merged from.
    Removed,
}

/// Events that are not in the record, as far as is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Why.
    pub cause: LossCause,
    /// How many there were.
    pub events: Option<u64>,
    /// The first sequence number lost.
    pub first_sequence: Option<u64>,
    /// The last sequence number lost.
    pub last_sequence: Option<u64>,
    /// The earliest time that may be concerned, in µs.
    pub first_us: Option<i64>,
    /// The latest time that may be concerned, in µs.
    pub last_us: Option<i64>,
    /// The only type that is concerned; nothing if any may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// When this was noted, in µs.
    pub noted_at_us: i64,
    /// What happened, in words.
    pub detail: String,
}

impl Loss {
    /// A loss of which nothing is known but its cause, noted now.
    #[must_use]
    pub fn new(cause: LossCause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            events: None,
            first_sequence: None,
            last_sequence: None,
            first_us: None,
            last_us: None,
            event_type: None,
            noted_at_us: Utc::now().timestamp_micros(),
            detail: detail.into(),
        }
    }
}

/// What the published file says is missing from the record, and which state of the file that was.
#[derive(Debug)]
pub(crate) struct KnownRecord {
    /// Length, time of change in s and ns, and inode: a file that is published anew differs in one of them.
    stamp: Option<(u64, i64, i64, u64)>,
    missing: Arc<Missing>,
}

/// What was noted as missing from the record.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    pub(crate) removals: Vec<Removal>,
    pub(crate) losses: Vec<Loss>,
}

/// Where a run of events that was taken over from another store was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The epoch of the other store.
    pub epoch: u64,
    /// What people call the other store.
    pub label: String,
    /// The first sequence number here.
    pub first_sequence: u64,
    /// The last sequence number here.
    pub last_sequence: u64,
    /// The first sequence number there.
    pub origin_first_sequence: u64,
    /// The last sequence number there.
    pub origin_last_sequence: u64,
    /// How many events of the run were stored here; the others were here already.
    pub events: u64,
}

/// The ranges of sequence numbers of which retention left nothing: at once, or type by type.
pub(crate) fn emptied(removals: &[Removal]) -> Vec<(u64, u64)> {
    let mut by_range: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for removal in removals {
        let events = if removal.event_type.is_none() { u64::MAX } else { removal.events };
        let sum = by_range.entry((removal.first_sequence, removal.last_sequence)).or_default();
        *sum = sum.saturating_add(events);
    }
    let is_all = |(first, last): (u64, u64), events: u64| events > last.saturating_sub(first);
    let all = by_range.into_iter().filter(|&(range, events)| is_all(range, events)).map(|(range, _)| range);
    all.chain(forgotten(removals)).collect()
}

/// The sequence numbers up to which nobody remembers any more what retention removed, if there are such.
pub(crate) fn forgotten(removals: &[Removal]) -> Option<(u64, u64)> {
    let oldest = removals.iter().map(|removal| removal.first_sequence).min()?;
    (removals.len() >= REMOVALS_MAX && oldest > 1).then(|| (1, oldest - 1))
}

impl Store {
    /// What retention removed, oldest first. A reader knows of it what the writer has published.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn removals(&self) -> Result<Vec<Removal>, StoreError> {
        self.record(Tree::Retention)
    }

    /// What is known to be missing from the record for other reasons than retention, in the order in which it was
    /// noted. A reader knows of it what the writer has published.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn losses(&self) -> Result<Vec<Loss>, StoreError> {
        self.record(Tree::Losses)
    }

    /// Remembers durably that something is missing from the record. What is known already, but for the time at which
    /// it was noted, is not noted twice: input that is rejected again is lost once.
    ///
    /// # Errors
    /// If the store is not open for writing, or the disk refuses.
    pub fn note_loss(&self, loss: &Loss) -> Result<(), StoreError> {
        self.shared().check_writable()?;
        let is_known = |known: &Loss| Loss { noted_at_us: loss.noted_at_us, ..known.clone() } == *loss;
        if self.losses()?.iter().any(is_known) {
            return Ok(());
        }
        self.note(Tree::Losses, LOSSES_MAX, loss)
    }

    /// Where events came from that were taken over from other stores, in the order in which they were.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn origins(&self) -> Result<Vec<Origin>, StoreError> {
        self.record(Tree::Origins)
    }

    /// Where an event came from that was taken over from another store; nothing if it was not. Costs as much as
    /// [`origins`](Self::origins).
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn origin_of(&self, sequence: u64) -> Result<Option<Origin>, StoreError> {
        let holds =
            |origin: &Origin| origin.events > 0 && (origin.first_sequence..=origin.last_sequence).contains(&sequence);
        Ok(self.origins()?.into_iter().find(holds))
    }

    /// Remembers durably where events came from.
    ///
    /// # Errors
    /// If the store is not open for writing, or the disk refuses.
    pub fn note_origin(&self, origin: &Origin) -> Result<(), StoreError> {
        self.note(Tree::Origins, ORIGINS_MAX, origin)
    }

    /// What was removed and lost. Read anew only where it changed: it is asked for beside every answer.
    pub(crate) fn missing(&self) -> Result<Arc<Missing>, StoreError> {
        let shared = self.shared();
        if !shared.read_only && !self.is_closed() {
            shared.publish_keyed()?;
        }
        let published = shared.directory.root.join(PUBLISHED_FILE);
        let stamp = std::fs::symlink_metadata(published).ok().map(|data| {
            use std::os::unix::fs::MetadataExt;
            (data.len(), data.mtime(), data.mtime_nsec(), data.ino())
        });
        let mut known = shared.known_record.lock();
        if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp) {
            return Ok(Arc::clone(&known.missing));
        }
        let missing = Arc::new(Missing { removals: self.removals()?, losses: self.losses()? });
        *known = Some(KnownRecord { stamp, missing: Arc::clone(&missing) });
        Ok(missing)
    }

    fn record<T: DeserializeOwned>(&self, tree: Tree) -> Result<Vec<T>, StoreError> {
        let shared = self.shared();
        if !shared.read_only && !self.is_closed() {
            shared.publish_keyed()?;
        }
        let published = read_published(&shared.directory.root, tree)?;
        Ok(published.into_values().filter_map(|value| serde_json::from_value(value).ok()).collect())
    }

    /// Adds an entry under the next number.
    fn note(&self, tree: Tree, count_max: usize, entry: &impl Serialize) -> Result<(), StoreError> {
        self.shared().with_keyed(true, |keyed| {
            let next = keyed.last_key(tree)?.and_then(|key| key.parse::<u64>().ok()).map_or(1, |last| last + 1);
            keyed.put(tree, &format!("{next:020}"), entry)?;
            keyed.keep_newest(tree, count_max)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_remembers_is_taken_for_removed() {
        let removal = |number: u64| Removal {
            first_sequence: 10 * number + 1,
            last_sequence: 10 * number + 10,
            first_us: 0,
            last_us: 0,
            events: 10,
            removed_at_us: 0,
            event_type: None,
            cause: RemovalCause::Expired,
        };
        let many: Vec<Removal> = (5..5 + REMOVALS_MAX as u64).map(removal).collect();
        assert_eq!(forgotten(&many), Some((1, 50)));
        assert!(emptied(&many).contains(&(1, 50)));
        assert_eq!(forgotten(&many[1..]), None);
    }
}
