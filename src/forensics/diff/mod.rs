//! Diff: what tells two stores apart.
//!
//! ```text
//! segments of A and B ─► same hash of their events? ─► same, not read
//!                        └► the others: events by (time, type, ordinal) of both, side by side ─► tally
//! ```
//!
//! Both stores are read only, and may be damaged, be backups or be written to.

mod tally;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use tally::{DiffCounts, DiffEvent, DiffKind, DiffRange};

use super::events::EventsByTime;
use super::foreign;
use crate::error::StoreError;
use crate::event::Entity;
use crate::storage::Source;
use crate::storage::chain::Hash;
use crate::store::{Snapshot, Store};
use tally::Tally;

/// Events between two words of progress.
const PROGRESS_EVENTS: u64 = 4_096;

/// One of the two stores.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffSide {
    /// Where it is.
    pub path: String,
    /// The random number that tells it from other stores.
    pub epoch: u64,
    /// How many events can be read, and cannot.
    pub events: u64,
    /// Events of them that could not be read.
    pub unreadable: u64,
    /// What is damaged. Events that cannot be read count as missing.
    pub problems: Vec<String>,
}

/// How it was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// Segments of both stores with the same hash of all events; they were not read.
    pub same_segments: u64,
    /// The events in them.
    pub same_segment_events: u64,
    /// Events of the first store that were compared one by one.
    pub read_a: u64,
    /// Events of the second store that were compared one by one.
    pub read_b: u64,
}

/// What tells two stores apart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffReport {
    /// The first store.
    pub a: DiffSide,
    /// The second store.
    pub b: DiffSide,
    /// How it was found out.
    pub comparison: Comparison,
    /// Events that differ, in all.
    pub total: DiffCounts,
    /// By type, in the order of their names.
    pub types: Vec<(String, DiffCounts)>,
    /// By entity, those with the most differences first.
    pub entities: Vec<(Entity, DiffCounts)>,
    /// Whether there are more entities than are listed.
    pub more_entities: bool,
    /// Stretches of time, in order: differences of one kind without an equal event in between.
    pub ranges: Vec<DiffRange>,
    /// Whether there are more stretches than are listed.
    pub more_ranges: bool,
    /// The first events that differ, in the order of time.
    pub events: Vec<DiffEvent>,
    /// Foreign concepts and associations that differ.
    pub foreign: DiffCounts,
}

impl DiffReport {
    /// Whether nothing differs. Sequence numbers and epochs may; events that cannot be read in both are not known.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.total == DiffCounts::default() && self.foreign == DiffCounts::default()
    }
}

/// Compares two stores by their events (id and JSON) and foreign records. Up to `limit` events that differ are listed
/// one by one.
///
/// Segments that state the same hash over all their events are taken for the same and not read, so that a store and
/// its backup are compared at once; [`verify`](crate::forensics) tells whether a segment is what it states. The other
/// events are read in the order of time, side by side: memory is bounded by the blocks that overlap in time.
///
/// # Errors
/// If one is no store, or the operating system refuses. What is damaged is told in the report.
pub fn diff(a: &Path, b: &Path, limit: usize, progress: &dyn Fn(u64, u64)) -> Result<DiffReport, StoreError> {
    let (store_a, store_b) = (Store::open_read_only(a)?, Store::open_read_only(b)?);
    let (snapshot_a, snapshot_b) = (store_a.snapshot(), store_b.snapshot());
    let mut comparison = Comparison::default();
    let (left_a, left_b) = set_same_apart(&snapshot_a, &snapshot_b, &mut comparison);
    let count = |sources: &Sources<'_>| sources.iter().map(|source| u64::from(source.len())).sum::<u64>();
    (comparison.read_a, comparison.read_b) = (count(&left_a), count(&left_b));
    let total = comparison.read_a + comparison.read_b;
    let (mut events_a, mut events_b) = (EventsByTime::new(left_a.into_iter()), EventsByTime::new(left_b.into_iter()));
    let mut tally = Tally::new(limit);
    let mut done = 0;
    let (mut next_a, mut next_b) = (events_a.next(), events_b.next());
    loop {
        let order = match (&next_a, &next_b) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.id.cmp(&b.id),
        };
        let of_a = if order.is_le() { std::mem::replace(&mut next_a, events_a.next()) } else { None };
        let of_b = if order.is_ge() { std::mem::replace(&mut next_b, events_b.next()) } else { None };
        done += u64::from(of_a.is_some()) + u64::from(of_b.is_some());
        match (of_a, of_b) {
            (Some(a), Some(b)) => tally.both(&a, &b),
            (Some(a), None) => tally.only(DiffKind::OnlyA, &a),
            (None, Some(b)) => tally.only(DiffKind::OnlyB, &b),
            (None, None) => {}
        }
        if done % PROGRESS_EVENTS < 2 {
            progress(done, total);
        }
    }
    let side = |store: &Store, snapshot: &Snapshot, events: &EventsByTime<'_>| DiffSide {
        path: store.path().display().to_string(),
        epoch: store.epoch(),
        events: snapshot.sources().iter().map(|source| u64::from(source.len())).sum(),
        unreadable: events.unreadable.iter().map(|unreadable| unreadable.events).sum(),
        problems: store
            .problems()
            .into_iter()
            .chain(events.unreadable.iter().map(|unreadable| unreadable.reason.clone()))
            .collect(),
    };
    let (a, b) = (side(&store_a, &snapshot_a, &events_a), side(&store_b, &snapshot_b, &events_b));
    Ok(tally.report(a, b, comparison, foreign_counts(&store_a, &store_b)?))
}

/// Sources of one store.
type Sources<'a> = Vec<&'a Arc<dyn Source>>;

/// The sources of both that have no counterpart with the same events.
fn set_same_apart<'a>(a: &'a Snapshot, b: &'a Snapshot, comparison: &mut Comparison) -> (Sources<'a>, Sources<'a>) {
    let mut by_root: HashMap<Hash, Vec<usize>> = HashMap::new();
    for (index, source) in b.sources().iter().enumerate() {
        if let Some(root) = source.content_root() {
            by_root.entry(root).or_default().push(index);
        }
    }
    let mut same_in_b = vec![false; b.sources().len()];
    let mut left_a = Vec::new();
    for source in a.sources() {
        match source.content_root().and_then(|root| by_root.get_mut(&root)?.pop()) {
            Some(index) => {
                same_in_b[index] = true; // The index is one into the sources of B, as `same_in_b` is.
                comparison.same_segments += 1;
                comparison.same_segment_events += u64::from(source.len());
            }
            None => left_a.push(source),
        }
    }
    let left_b = b.sources().iter().zip(same_in_b).filter(|(_, same)| !same).map(|(source, _)| source).collect();
    (left_a, left_b)
}

fn foreign_counts(a: &Store, b: &Store) -> Result<DiffCounts, StoreError> {
    let (of_a, mut of_b) = (foreign::versions(a)?, foreign::versions(b)?);
    let mut counts = DiffCounts::default();
    for (key, version) in of_a {
        match of_b.remove(&key) {
            None => counts.only_a += 1,
            Some(other) if other != version => counts.changed += 1,
            Some(_) => {}
        }
    }
    counts.only_b = of_b.len() as u64;
    Ok(counts)
}
