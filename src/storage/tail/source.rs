//! The tail as a source of queries: a fixed prefix of a [`TailMemory`] that may grow meanwhile.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use roaring::RoaringBitmap;

use super::memory::{TAIL_BLOCK_EVENTS, TailMemory, TailShape};
use super::row;
use crate::error::StoreError;
use crate::event::{CLUSTER, ConceptId, Event, Value, ValueRef, is_entity_value, timestamp};
use crate::storage::shape::Shape;
use crate::storage::source::{Hole, Rows, Source, ValueCounts, Zone};

/// Up to this many events of a type are counted row by row.
const COUNTED_BY_ROW_MAX: u64 = 4096;

/// The first `len` events of a tail.
pub(crate) struct TailSource {
    memory: Arc<RwLock<TailMemory>>,
    len: u32,
    zones: Vec<Zone>,
    sequences: RangeInclusive<u64>,
}

impl TailSource {
    /// What is published now.
    pub(crate) fn new(memory: &Arc<RwLock<TailMemory>>) -> Self {
        let guard = memory.read();
        let len = guard.len();
        let sequences = guard.first_sequence()..=guard.last_sequence(len);
        Self { memory: Arc::clone(memory), len, zones: guard.zones_below(len), sequences }
    }

    fn clipped(&self, positions: &RoaringBitmap) -> RoaringBitmap {
        let mut positions = positions.clone();
        positions.remove_range(self.len..);
        positions
    }
}

impl Source for TailSource {
    fn zones(&self) -> &[Zone] {
        &self.zones
    }

    fn sequences(&self) -> RangeInclusive<u64> {
        self.sequences.clone()
    }

    fn is_in_order_of_arrival(&self) -> bool {
        true
    }

    fn types(&self) -> Vec<(Arc<str>, u64)> {
        let memory = self.memory.read();
        let counted = memory.types().iter().map(|t| (Arc::clone(&t.name), t.positions.range_cardinality(..self.len)));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    fn of_type(&self, event_type: &str) -> RoaringBitmap {
        let memory = self.memory.read();
        memory.type_named(event_type).map(|found| self.clipped(&found.positions)).unwrap_or_default()
    }

    fn of_entity(&self, field: Option<&str>, value: &str) -> Result<RoaringBitmap, StoreError> {
        let memory = self.memory.read();
        let number = match field.map(|name| memory.field_numbered(name)) {
            Some(None) => return Ok(RoaringBitmap::new()),
            Some(number) => number,
            None => None,
        };
        let mut all = RoaringBitmap::new();
        for entity in memory.entities_of(value).filter(|entity| number.is_none_or(|number| entity.field == number)) {
            all |= &entity.positions;
        }
        all.remove_range(self.len..);
        Ok(all)
    }

    fn may_have_field(&self, field: &str) -> RoaringBitmap {
        if field == "event_type" || field == "timestamp" {
            return self.all();
        }
        let memory = self.memory.read();
        let mut all = RoaringBitmap::new();
        for shape in memory.shapes().iter().filter(|shape| shape.shape.place_of(field).is_some()) {
            all |= &memory.types()[shape.type_index as usize].positions;
        }
        all.remove_range(self.len..);
        all
    }

    fn shapes(&self, visitor: &mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>)) {
        let memory = self.memory.read();
        for shape in memory.shapes() {
            visitor(&shape.shape.event_type, &mut shape.shape.fields.iter().map(|field| field.name.as_ref()));
        }
    }

    fn rows(&self, block: usize) -> Result<Arc<dyn Rows>, StoreError> {
        let Some(zone) = self.zones.get(block).copied() else { return Err(StoreError::Closed) };
        let rows = (0..zone.count).map(|_| OnceLock::new()).collect();
        Ok(Arc::new(TailRows { memory: Arc::clone(&self.memory), first: zone.first, rows }))
    }

    fn stored_counts(&self, event_type: &str, field: &str) -> Result<Option<Arc<[(Arc<str>, u64)]>>, StoreError> {
        let memory = self.memory.read();
        let (Some(of_type), Some(number)) = (memory.type_named(event_type), memory.field_numbered(field)) else {
            return Ok(None);
        };
        let positions = self.clipped(&of_type.positions);
        let named = || memory.entities().iter().filter(|entity| entity.field == number);
        // Few events are read row by row; of many it is quicker to look how many are in the bitmap of each entity,
        // unless there are many of these too. The entity of the cluster stands in no row.
        if field != CLUSTER && positions.len() <= COUNTED_BY_ROW_MAX.max(16 * named().count() as u64) {
            return Ok(Some(counted_by_row(&memory, &positions, field)));
        }
        let counts =
            named().map(|entity| (Arc::clone(memory.word(entity.word)), positions.intersection_len(&entity.positions)));
        Ok(Some(counts.filter(|(_, count)| *count > 0).collect()))
    }

    fn entities(&self, visitor: &mut dyn FnMut(&str, &str, u64)) -> Result<(), StoreError> {
        let memory = self.memory.read();
        for entity in memory.entities() {
            let count = entity.positions.range_cardinality(..self.len);
            if count > 0 {
                visitor(memory.field(entity.field), memory.word(entity.word), count);
            }
        }
        Ok(())
    }

    fn holes(&self) -> Vec<Hole> {
        self.memory.read().holes_below(self.len)
    }

    fn position_of(&self, id: &ConceptId) -> Result<Option<u32>, StoreError> {
        let memory = self.memory.read();
        let Some(of_type) = memory.type_named(id.event_type()) else { return Ok(None) };
        let within = |zone: &&Zone| (zone.min_us..=zone.max_us).contains(&id.timestamp_us());
        let found =
            self.zones.iter().filter(within).flat_map(|zone| zone.first..zone.first + zone.count).find(|&position| {
                memory.timestamp_us(position) == id.timestamp_us()
                    && memory.ordinal(position) == id.ordinal()
                    && of_type.positions.contains(position)
            });
        Ok(found)
    }
}

/// How often each entity stands in a field of these events.
fn counted_by_row(memory: &TailMemory, positions: &RoaringBitmap, field: &str) -> ValueCounts {
    let place_in = |shape: &TailShape| shape.shape.place_of(field).filter(|&place| shape.shape.fields[place].entity);
    let places: Vec<Option<usize>> = memory.shapes().iter().map(place_in).collect();
    let mut counts = vec![0u32; memory.word_count()];
    let mut counted = Vec::new();
    for position in positions {
        let (shape_number, mut input) = memory.row(position);
        let Some(place) = places[shape_number as usize] else { continue };
        let value = (0..=place).map_while(|_| row::take_value(&mut input)).nth(place);
        if let Some(row::RowValue::Text(word)) = value {
            if counts[word as usize] == 0 {
                counted.push(word);
            }
            counts[word as usize] += 1;
        }
    }
    let entities = counted.into_iter().map(|word| (Arc::clone(memory.word(word)), u64::from(counts[word as usize])));
    entities.filter(|(word, _)| is_entity_value(word)).collect()
}

/// The events of one block of a tail, each decoded when it is asked for.
struct TailRows {
    memory: Arc<RwLock<TailMemory>>,
    first: u32,
    rows: Box<[OnceLock<TailRow>]>,
}

struct TailRow {
    timestamp_us: i64,
    ordinal: u32,
    shape: Arc<Shape>,
    values: Vec<TailValue>,
}

/// A value of a row that shares its text with the tail.
enum TailValue {
    Plain(Value),
    Time(i64),
    Text(Arc<str>),
}

impl TailValue {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            TailValue::Plain(value) => value.as_ref(),
            TailValue::Time(us) => ValueRef::Time(*us),
            TailValue::Text(text) => ValueRef::Text(text),
        }
    }
}

impl TailRows {
    fn row(&self, row: u32) -> &TailRow {
        debug_assert!(row < TAIL_BLOCK_EVENTS);
        self.rows[row as usize].get_or_init(|| decode(&self.memory.read(), self.first + row))
    }
}

fn decode(memory: &TailMemory, position: u32) -> TailRow {
    let timestamp_us = memory.timestamp_us(position);
    let (shape_number, mut input) = memory.row(position);
    let shape = Arc::clone(&memory.shapes()[shape_number as usize].shape);
    let values = shape.fields.iter().map(|_| match row::take_value(&mut input) {
        Some(row::RowValue::Text(word)) => TailValue::Text(Arc::clone(memory.word(word))),
        Some(row::RowValue::Derived) => TailValue::Time(timestamp_us),
        Some(row::RowValue::Time(distance_us)) => TailValue::Time(timestamp_us.wrapping_add(distance_us)),
        Some(value) => TailValue::Plain(row::resolve_owned(value, timestamp_us, |word| memory.word(word))),
        None => TailValue::Plain(Value::Null),
    });
    TailRow { timestamp_us, ordinal: memory.ordinal(position), values: values.collect(), shape }
}

impl Rows for TailRows {
    fn timestamp_us(&self, row: u32) -> i64 {
        self.memory.read().timestamp_us(self.first + row)
    }

    fn sequence(&self, row: u32) -> u64 {
        self.memory.read().sequence(self.first + row)
    }

    fn event_type(&self, row: u32) -> &Arc<str> {
        &self.row(row).shape.event_type
    }

    fn id(&self, row: u32) -> ConceptId {
        let row = self.row(row);
        ConceptId::from_parts(Arc::clone(&row.shape.event_type), row.timestamp_us, row.ordinal)
    }

    fn value(&self, row: u32, field: &str) -> Option<ValueRef<'_>> {
        let row = self.row(row);
        if field == "event_type" {
            return Some(ValueRef::Text(&row.shape.event_type));
        }
        row.shape.place_of(field).and_then(|place| row.values.get(place)).map(TailValue::as_ref)
    }

    fn event(&self, row: u32) -> Event {
        let row = self.row(row);
        let value = |place: usize| row.values.get(place).map_or(ValueRef::Null, TailValue::as_ref);
        row.shape.build(row.timestamp_us.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX), value)
    }
}
