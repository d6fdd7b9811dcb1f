//! The tail in memory: the events that no segment holds yet, with live indices.
//!
//! Events are rows of compact bytes; strings stand once each in an interner. A row refers to them by
//! number, on disk too, which is why one batch of the log lists the strings that it uses. The writer
//! pushes rows before it has written them to the log; readers see only rows that were published.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::event::{FieldName, KINDS};
use crate::storage::shape::Shape;
use crate::storage::source::{Hole, Zone};
use crate::storage::varint;

/// Rows in one block of the tail.
pub(crate) const TAIL_BLOCK_EVENTS: u32 = 128;

/// No entity, at the end of a list of entities.
pub(super) const NONE: u32 = u32::MAX;

pub(super) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A shape, with what the indices of this tail need to know of it.
#[derive(Debug)]
pub(crate) struct TailShape {
    pub(crate) shape: Arc<Shape>,
    pub(crate) type_index: u32,
    /// For each field of the shape, its number in this tail.
    pub(super) field_numbers: Vec<u32>,
    /// The batch that listed the shape last.
    pub(super) batch: u64,
}

impl TailShape {
    /// The number in this tail of the field at a place of the shape.
    pub(crate) fn field_number(&self, place: usize) -> u32 {
        self.field_numbers[place]
    }
}

/// The events of one type.
#[derive(Debug)]
pub(crate) struct TailType {
    pub(crate) name: Arc<str>,
    pub(crate) positions: RoaringBitmap,
    /// The latest time here, in µs.
    pub(crate) newest_us: Option<i64>,
    /// The latest time in older tails and segments, once it was asked for.
    pub(super) older_newest_us: Option<Option<i64>>,
}

/// The events that name one entity, in a list of all entities with the same word.
#[derive(Debug)]
pub(crate) struct TailEntity {
    pub(crate) field: u32,
    pub(crate) word: u32,
    pub(super) next: u32,
    pub(crate) positions: RoaringBitmap,
}

#[derive(Debug)]
pub(super) struct Word {
    pub(super) text: Arc<str>,
    /// The first entity that is named by this word.
    pub(super) entity: u32,
    /// The batch that listed the word last.
    pub(super) batch: u64,
}

/// The rows and indices of one tail.
#[derive(Debug)]
pub(crate) struct TailMemory {
    /// Stretches of consecutive sequence numbers: the position and sequence number at which each
    /// starts. There is more than one only where a damaged batch was passed over.
    pub(super) stretches: Vec<(u32, u64)>,
    pub(super) published: u32,
    pub(super) rows: Vec<u8>,
    pub(super) ends: Vec<usize>,
    pub(super) times: Vec<i64>,
    pub(super) ordinals: Vec<u32>,
    pub(super) zones: Vec<Zone>,
    pub(super) words: Vec<Word>,
    pub(super) word_bytes: usize,
    pub(super) word_numbers: FastMap<Arc<str>, u32>,
    pub(super) shapes: Vec<TailShape>,
    pub(super) plain_shapes: [Option<u32>; KINDS.len()],
    pub(super) shape_numbers: FastMap<u64, Vec<u32>>,
    pub(super) types: Vec<TailType>,
    pub(super) type_numbers: FastMap<Arc<str>, u32>,
    pub(super) fields: Vec<FieldName>,
    pub(super) field_numbers: FastMap<FieldName, u32>,
    pub(super) entities: Vec<TailEntity>,
    /// The next free ordinal of each (type, µs).
    pub(super) next_ordinals: FastMap<(u32, i64), u32>,
    pub(super) batches: u64,
}

impl TailMemory {
    pub(crate) fn new(first_sequence: u64) -> Self {
        Self {
            stretches: vec![(0, first_sequence)],
            published: 0,
            rows: Vec::new(),
            ends: Vec::new(),
            times: Vec::new(),
            ordinals: Vec::new(),
            zones: Vec::new(),
            words: Vec::new(),
            word_bytes: 0,
            word_numbers: FastMap::default(),
            shapes: Vec::new(),
            plain_shapes: [None; KINDS.len()],
            shape_numbers: FastMap::default(),
            types: Vec::new(),
            type_numbers: FastMap::default(),
            fields: Vec::new(),
            field_numbers: FastMap::default(),
            entities: Vec::new(),
            next_ordinals: FastMap::default(),
            batches: 0,
        }
    }

    /// The sequence number of the first event, or of the one that would be the first.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.sequence(0)
    }

    /// The sequence number of the last of the first `len` events; below the first one if there is none.
    pub(crate) fn last_sequence(&self, len: u32) -> u64 {
        len.checked_sub(1).map_or_else(|| self.sequence(0).saturating_sub(1), |last| self.sequence(last))
    }

    /// The sequence number of a position, or of the next event where the position is the end.
    pub(crate) fn sequence(&self, position: u32) -> u64 {
        let stretch = self.stretches.partition_point(|&(first, _)| first <= position).saturating_sub(1);
        let (first, sequence) = self.stretches.get(stretch).copied().unwrap_or((0, 1));
        sequence + u64::from(position - first)
    }

    /// The sequence numbers between the first `len` events that none of them has. Their times are bounded by the
    /// events at both sides.
    pub(crate) fn holes_below(&self, len: u32) -> Vec<Hole> {
        let inner = self.stretches.iter().filter(|&&(position, _)| 0 < position && position < len);
        let hole = |&(position, sequence): &(u32, u64)| {
            let (before_us, after_us) = (self.timestamp_us(position - 1), self.timestamp_us(position));
            let first_sequence = self.sequence(position - 1) + 1;
            let events = sequence.saturating_sub(first_sequence);
            (events > 0).then(|| Hole {
                first_sequence,
                last_sequence: sequence - 1,
                events,
                since_us: before_us.min(after_us),
                until_us: before_us.max(after_us),
            })
        };
        inner.filter_map(hole).collect()
    }

    /// About how many bytes of memory the rows and words take.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() + self.word_bytes
    }

    /// How many events are published.
    pub(crate) fn len(&self) -> u32 {
        self.published
    }

    /// The bounds of the blocks of the first `len` events.
    pub(crate) fn zones_below(&self, len: u32) -> Vec<Zone> {
        let whole = (len / TAIL_BLOCK_EVENTS) as usize;
        let mut zones = self.zones[..whole.min(self.zones.len())].to_vec();
        let first = len - len % TAIL_BLOCK_EVENTS;
        let rest = &self.times[first as usize..len as usize];
        if let (Some(&min_us), Some(&max_us)) = (rest.iter().min(), rest.iter().max()) {
            zones.push(Zone { first, count: len - first, min_us, max_us });
        }
        zones
    }

    pub(crate) fn types(&self) -> &[TailType] {
        &self.types
    }

    pub(crate) fn type_named(&self, name: &str) -> Option<&TailType> {
        self.type_numbers.get(name).and_then(|&number| self.types.get(number as usize))
    }

    pub(crate) fn shapes(&self) -> &[TailShape] {
        &self.shapes
    }

    pub(crate) fn entities(&self) -> &[TailEntity] {
        &self.entities
    }

    /// The entities that a word names.
    pub(crate) fn entities_of<'a>(&'a self, word: &str) -> impl Iterator<Item = &'a TailEntity> {
        let head = self.word_numbers.get(word).map_or(NONE, |&number| self.words[number as usize].entity);
        std::iter::successors(self.entities.get(head as usize), |entity| self.entities.get(entity.next as usize))
    }

    pub(crate) fn word(&self, number: u32) -> &Arc<str> {
        &self.words[number as usize].text
    }

    pub(crate) fn word_count(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn field(&self, number: u32) -> &FieldName {
        &self.fields[number as usize]
    }

    /// The names of fields, by their numbers.
    pub(crate) fn field_names(&self) -> &[FieldName] {
        &self.fields
    }

    /// The place of an entity in [`entities`](Self::entities), by the numbers of its word and field.
    pub(crate) fn entity_slot(&self, word: u32, field: u32) -> Option<usize> {
        let mut slot = self.words.get(word as usize)?.entity;
        while let Some(entity) = self.entities.get(slot as usize) {
            if entity.field == field {
                return Some(slot as usize);
            }
            slot = entity.next;
        }
        None
    }

    /// The word and field of the entity that events of a cluster kind are about.
    pub(crate) fn cluster_entity(&self, shape: &TailShape) -> Option<(u32, u32)> {
        let (_, value) = shape.shape.cluster_entity()?;
        Some((*self.word_numbers.get(value)?, *shape.field_numbers.last()?))
    }

    pub(crate) fn field_numbered(&self, name: &str) -> Option<u32> {
        self.field_numbers.get(name).copied()
    }

    pub(crate) fn timestamp_us(&self, position: u32) -> i64 {
        self.times[position as usize]
    }

    pub(crate) fn ordinal(&self, position: u32) -> u32 {
        self.ordinals[position as usize]
    }

    /// The number of the shape of an event and the bytes of its values.
    pub(crate) fn row(&self, position: u32) -> (u32, &[u8]) {
        let position = position as usize;
        let mut input = &self.rows[self.row_start(position)..self.ends[position]];
        // Every row was written by `encode` or checked by `replay`, so that it starts with a shape.
        let shape_number = varint::take_u32(&mut input).unwrap_or(0);
        (shape_number, input)
    }

    /// The first free ordinal of a (type, µs), if the tail has events there.
    pub(crate) fn next_ordinal(&self, event_type: &str, timestamp_us: i64) -> Option<u32> {
        let number = *self.type_numbers.get(event_type)?;
        self.next_ordinals.get(&(number, timestamp_us)).copied()
    }

    pub(super) fn row_start(&self, position: usize) -> usize {
        position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}
