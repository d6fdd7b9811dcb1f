//! What a query reads: a run of events with its indices, whether it is a sealed segment or the tail.
//!
//! A [`Source`] numbers its events by *position* (from 0). Positions are grouped in *blocks*, each with
//! a [`Zone`] that bounds its times. Bitmaps are sets of positions. Sets that a source gives are exact
//! unless their documentation says that they may hold too much.

use std::ops::RangeInclusive;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::event::{ConceptId, Event, ValueRef};
use crate::storage::chain::Hash;
use crate::storage::segment::RemovedRecord;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its concept id.
    pub id: ConceptId,
    /// Its place in the order of arrival, from 1.
    pub sequence: u64,
    /// The event, as it came in.
    pub event: Event,
}

/// The bounds of one block of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone {
    /// The position of its first event.
    pub first: u32,
    /// How many events it holds; at least one.
    pub count: u32,
    /// The earliest time in it, in µs.
    pub min_us: i64,
    /// The latest time in it, in µs.
    pub max_us: i64,
}

/// A stretch of sequence numbers that no event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The first sequence number that may be missing.
    pub(crate) first_sequence: u64,
    /// The last sequence number that may be missing.
    pub(crate) last_sequence: u64,
    /// How many between the two are missing.
    pub(crate) events: u64,
    /// From when it may be, by the events around it, in µs.
    pub(crate) since_us: i64,
    /// Until when it may be, in µs.
    pub(crate) until_us: i64,
}

/// A block that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The type of its events.
    pub(crate) event_type: Arc<str>,
    /// Its bounds.
    pub(crate) zone: Zone,
    /// What was found.
    pub(crate) reason: Arc<str>,
}

/// Values, and how many events have each.
pub(crate) type ValueCounts = Arc<[(Arc<str>, u64)]>;

/// A run of events with its indices. Cheap to share; reading never blocks a writer for long.
pub(crate) trait Source: Send + Sync {
    /// The blocks in the order of their positions, without a gap: together they are all events.
    fn zones(&self) -> &[Zone];

    /// The earliest and the latest time of all events, in µs; nothing if there is no event.
    ///
    /// Every query asks this of every source first, so a source that knows it should not look at its zones.
    fn time_bounds(&self) -> Option<(i64, i64)> {
        let zones = self.zones().iter();
        zones.map(|zone| (zone.min_us, zone.max_us)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The sequence numbers of the events; every number in between belongs to one, unless events were removed.
    fn sequences(&self) -> RangeInclusive<u64>;

    /// Whether positions are in the order of arrival.
    fn is_in_order_of_arrival(&self) -> bool {
        false
    }

    /// The types present and how many events each has.
    fn types(&self) -> Vec<(Arc<str>, u64)>;

    /// The events of a type.
    fn of_type(&self, event_type: &str) -> RoaringBitmap;

    /// The events that name an entity, under one field or under any.
    fn of_entity(&self, field: Option<&str>, value: &str) -> Result<RoaringBitmap, StoreError>;

    /// The events that may have a field of this name: all that do, and perhaps others of their types.
    fn may_have_field(&self, field: &str) -> RoaringBitmap;

    /// Hands the visitor every type with the names of the fields that its events have, a type once for each
    /// set of names. Without a guarantee that an event of it is left among those that are seen.
    fn shapes(&self, visitor: &mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>));

    /// A digest of the shapes, where it is at hand: sources with the same one have the same shapes.
    fn shapes_digest(&self) -> Option<u64> {
        None
    }

    /// A hash of all events here with their ids and sequence numbers, where it is at hand: sources with the same one
    /// hold the same.
    fn content_root(&self) -> Option<Hash> {
        None
    }

    /// The rows of a block, by its index in [`zones`](Self::zones).
    fn rows(&self, block: usize) -> Result<Arc<dyn Rows>, StoreError>;

    /// How often each value of an entity field occurs among *all* events of a type, if that is stored.
    /// Events without the field, and those whose value there is no entity, are in no count.
    fn stored_counts(&self, event_type: &str, field: &str) -> Result<Option<ValueCounts>, StoreError>;

    /// Every entity with how many events name it: field, value, count; in no particular order. Those whose postings
    /// are damaged are left out.
    fn entities(&self, visitor: &mut dyn FnMut(&str, &str, u64)) -> Result<(), StoreError>;

    /// The stretches of [`sequences`](Self::sequences) that no event has, whatever the reason, in their order.
    fn holes(&self) -> Vec<Hole> {
        Vec::new()
    }

    /// What retention took out, as far as the source itself says so.
    fn removed(&self) -> &[RemovedRecord] {
        &[]
    }

    /// Remembers that a block, or (without one) every block, could not be read.
    fn note_unreadable(&self, _block: Option<usize>, _error: &StoreError) {}

    /// What could not be read so far, by block: its events are counted by the indices and given by no query.
    fn unreadable(&self) -> Vec<Unreadable> {
        Vec::new()
    }

    /// The position of the event with this id.
    fn position_of(&self, id: &ConceptId) -> Result<Option<u32>, StoreError>;

    /// How many events there are.
    fn len(&self) -> u32 {
        self.zones().last().map_or(0, |zone| zone.first + zone.count)
    }

    /// All positions.
    fn all(&self) -> RoaringBitmap {
        RoaringBitmap::from_iter(0..self.len())
    }
}

/// The decoded events of one block, by row (from 0; row + [`Zone::first`] is the position).
///
/// In a block of a segment the rows are of one type and in the order of (time, sequence); in a block
/// of the tail they are in order of arrival and of any type.
pub(crate) trait Rows: Send + Sync {
    /// The time of a row in µs.
    fn timestamp_us(&self, row: u32) -> i64;
    /// The sequence number of a row.
    fn sequence(&self, row: u32) -> u64;
    /// The type of a row.
    fn event_type(&self, row: u32) -> &Arc<str>;
    /// The concept id of a row.
    fn id(&self, row: u32) -> ConceptId;
    /// The value of a field of a row (`event_type` and `timestamp` are fields too), if the row has it.
    fn value(&self, row: u32, field: &str) -> Option<ValueRef<'_>>;
    /// The event of a row.
    fn event(&self, row: u32) -> Event;

    /// The row as it is given to callers.
    fn stored_event(&self, row: u32) -> StoredEvent {
        StoredEvent { id: self.id(row), sequence: self.sequence(row), event: self.event(row) }
    }
}
