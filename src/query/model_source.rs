//! A source over a plain vector, for tests: as a segment (clustered by type, sorted by time, with stored
//! counts) or as the tail (in order of arrival, without).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::event::{ConceptId, Event, ValueRef};
use crate::storage::{Rows, Source, StoredEvent, Zone};

/// How a model source lays its events out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Segment,
    Tail,
}

/// A source over a plain vector. It counts the blocks that are read.
pub(super) struct ModelSource {
    layout: Layout,
    events: Vec<StoredEvent>,
    zones: Vec<Zone>,
    blocks: Vec<Arc<ModelRows>>,
    sequences: RangeInclusive<u64>,
    pub(super) blocks_read: AtomicU64,
}

struct ModelRows {
    events: Vec<(Arc<str>, StoredEvent)>,
}

impl ModelSource {
    pub(super) fn new(layout: Layout, mut events: Vec<StoredEvent>, block_events: usize) -> Self {
        let type_of = |stored: &StoredEvent| stored.event.event_type().to_owned();
        let sequences = events.iter().map(|stored| stored.sequence);
        let sequences = sequences.clone().min().unwrap_or(1)..=sequences.max().unwrap_or(0);
        if layout == Layout::Segment {
            events.sort_by_key(|stored| (type_of(stored), stored.event.timestamp_us(), stored.sequence));
        }
        let (mut zones, mut blocks, mut first) = (Vec::new(), Vec::new(), 0);
        let runs = events.chunk_by(|a, b| layout == Layout::Tail || type_of(a) == type_of(b));
        for block in runs.flat_map(|run| run.chunks(block_events)) {
            let times = block.iter().map(|stored| stored.event.timestamp_us());
            let count = u32::try_from(block.len()).expect("small");
            let (min_us, max_us) = (times.clone().min().expect("filled"), times.max().expect("filled"));
            zones.push(Zone { first, count, min_us, max_us });
            first += count;
            let rows = block.iter().map(|stored| (stored.event.event_type().into(), stored.clone())).collect();
            blocks.push(Arc::new(ModelRows { events: rows }));
        }
        Self { layout, events, zones, blocks, sequences, blocks_read: AtomicU64::new(0) }
    }

    fn positions(&self, holds: impl Fn(&StoredEvent) -> bool) -> RoaringBitmap {
        (0..).zip(&self.events).filter(|(_, stored)| holds(stored)).map(|(position, _)| position).collect()
    }
}

impl Source for ModelSource {
    fn zones(&self) -> &[Zone] {
        &self.zones
    }

    fn sequences(&self) -> RangeInclusive<u64> {
        self.sequences.clone()
    }

    fn types(&self) -> Vec<(Arc<str>, u64)> {
        let mut types: BTreeMap<&str, u64> = BTreeMap::new();
        self.events.iter().for_each(|stored| *types.entry(stored.event.event_type()).or_default() += 1);
        types.into_iter().map(|(name, count)| (name.into(), count)).collect()
    }

    fn of_type(&self, event_type: &str) -> RoaringBitmap {
        self.positions(|stored| stored.event.event_type() == event_type)
    }

    fn of_entity(&self, field: Option<&str>, value: &str) -> Result<RoaringBitmap, StoreError> {
        Ok(self.positions(|stored| {
            let entities = stored.event.entities();
            entities.iter().any(|entity| entity.value == value && field.is_none_or(|field| field == entity.field))
        }))
    }

    fn may_have_field(&self, field: &str) -> RoaringBitmap {
        let having = self.events.iter().filter(|stored| stored.event.get(field).is_some());
        let types: Vec<&str> = having.map(|stored| stored.event.event_type()).collect();
        self.positions(|stored| types.contains(&stored.event.event_type()))
    }

    fn shapes(&self, visitor: &mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>)) {
        for stored in &self.events {
            let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&stored.event) else { continue };
            visitor(stored.event.event_type(), &mut fields.keys().map(String::as_str));
        }
    }

    fn rows(&self, block: usize) -> Result<Arc<dyn Rows>, StoreError> {
        self.blocks_read.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::clone(&self.blocks[block]) as Arc<dyn Rows>)
    }

    fn stored_counts(&self, event_type: &str, field: &str) -> Result<Option<Arc<[(Arc<str>, u64)]>>, StoreError> {
        if self.layout == Layout::Tail {
            return Ok(None);
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let of_type = self.events.iter().filter(|stored| stored.event.event_type() == event_type);
        for entity in of_type.flat_map(|stored| stored.event.entities()).filter(|entity| entity.field == field) {
            *counts.entry(entity.value).or_default() += 1;
        }
        Ok(Some(counts.into_iter().map(|(value, count)| (value.into(), count)).collect()))
    }

    fn entities(&self, _visitor: &mut dyn FnMut(&str, &str, u64)) -> Result<(), StoreError> {
        Ok(())
    }

    fn position_of(&self, id: &ConceptId) -> Result<Option<u32>, StoreError> {
        Ok(self.positions(|stored| stored.id == *id).min())
    }
}

impl Rows for ModelRows {
    fn timestamp_us(&self, row: u32) -> i64 {
        self.events[row as usize].1.event.timestamp_us()
    }

    fn sequence(&self, row: u32) -> u64 {
        self.events[row as usize].1.sequence
    }

    fn event_type(&self, row: u32) -> &Arc<str> {
        &self.events[row as usize].0
    }

    fn id(&self, row: u32) -> ConceptId {
        self.events[row as usize].1.id.clone()
    }

    fn value(&self, row: u32, field: &str) -> Option<ValueRef<'_>> {
        self.events[row as usize].1.event.get(field)
    }

    fn event(&self, row: u32) -> Event {
        self.events[row as usize].1.event.clone()
    }
}
