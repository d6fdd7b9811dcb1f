//! The tail in memory: the events that no segment holds yet, with live indices.
//!
//! Events are rows of compact bytes; strings stand once each in an interner. A row refers to them by
//! number, on disk too, which is why one batch of the log lists the strings that it uses. The writer
//! pushes rows before it has written them to the log; readers see only rows that were published.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::batch::BatchRecord;
use super::row;
use crate::event::{
    ConceptId, Event, EventError, FieldName, GridEvent, KINDS, ValueRef, intern_name, is_entity_value, timestamp,
};
use crate::storage::shape::{Shape, value_kind};
use crate::storage::source::Zone;
use crate::storage::varint;

/// Rows in one block of the tail.
pub(crate) const TAIL_BLOCK_EVENTS: u32 = 128;

/// No entity, at the end of a list of entities.
const NONE: u32 = u32::MAX;

type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A shape, with what the indices of this tail need to know of it.
#[derive(Debug)]
pub(crate) struct TailShape {
    pub(crate) shape: Arc<Shape>,
    pub(crate) type_index: u32,
    /// For each field of the shape, its number in this tail.
    field_numbers: Vec<u32>,
    /// The batch that listed the shape last.
    batch: u64,
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
    older_newest_us: Option<Option<i64>>,
}

/// What the rest of the store knows of the ids that it has given.
pub(crate) trait Older {
    /// The latest time of a type, in µs.
    fn newest_us(&self, event_type: &str) -> Option<i64>;
    /// The first free ordinal of a (type, µs).
    fn next_ordinal(&self, event_type: &str, timestamp_us: i64) -> u32;
}

/// The events that name one entity, in a list of all entities with the same word.
#[derive(Debug)]
pub(crate) struct TailEntity {
    pub(crate) field: u32,
    pub(crate) word: u32,
    next: u32,
    pub(crate) positions: RoaringBitmap,
}

#[derive(Debug)]
struct Word {
    text: Arc<str>,
    /// The first entity that is named by this word.
    entity: u32,
    /// The batch that listed the word last.
    batch: u64,
}

/// The rows and indices of one tail.
#[derive(Debug)]
pub(crate) struct TailMemory {
    /// Stretches of consecutive sequence numbers: the position and sequence number at which each
    /// starts. There is more than one only where a damaged batch was passed over.
    stretches: Vec<(u32, u64)>,
    published: u32,
    rows: Vec<u8>,
    ends: Vec<usize>,
    times: Vec<i64>,
    ordinals: Vec<u32>,
    zones: Vec<Zone>,
    words: Vec<Word>,
    word_bytes: usize,
    word_numbers: FastMap<Arc<str>, u32>,
    shapes: Vec<TailShape>,
    plain_shapes: [Option<u32>; KINDS.len()],
    shape_numbers: FastMap<u64, Vec<u32>>,
    types: Vec<TailType>,
    type_numbers: FastMap<Arc<str>, u32>,
    fields: Vec<FieldName>,
    field_numbers: FastMap<FieldName, u32>,
    entities: Vec<TailEntity>,
    /// The next free ordinal of each (type, µs).
    next_ordinals: FastMap<(u32, i64), u32>,
    batches: u64,
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

    // ---- Writing -------------------------------------------------------------------------------

    /// Appends an event, not yet published. A (type, µs) that this tail has not seen is asked of what is
    /// older, unless it lies above the latest time there.
    ///
    /// # Errors
    /// If the event is not one that can be stored; nothing is appended then.
    pub(crate) fn push(&mut self, event: &Event, older: &dyn Older) -> Result<ConceptId, EventError> {
        if !matches!(event, Event::Grid(_)) {
            event.validate()?;
        }
        let timestamp_us = event.timestamp_us();
        if !(timestamp::MICROS_MIN..=timestamp::MICROS_MAX).contains(&timestamp_us) {
            return Err(EventError::Year { text: event.timestamp().to_string() });
        }
        let shape_number = self.shape_of(event);
        let start = self.rows.len();
        if let Err(error) = self.encode(event, shape_number, timestamp_us) {
            self.rows.truncate(start);
            return Err(error);
        }
        let type_index = self.shapes[shape_number as usize].type_index;
        let of_type = &mut self.types[type_index as usize];
        let name = Arc::clone(&of_type.name);
        let older_newest_us = *of_type.older_newest_us.get_or_insert_with(|| older.newest_us(&name));
        let next = self.next_ordinals.entry((type_index, timestamp_us)).or_insert_with(|| {
            let is_new = older_newest_us.is_none_or(|newest_us| timestamp_us > newest_us);
            if is_new { 0 } else { older.next_ordinal(&name, timestamp_us) }
        });
        let ordinal = *next;
        *next = next.saturating_add(1);
        self.index(start, shape_number, timestamp_us, ordinal);
        Ok(ConceptId::from_parts(name, timestamp_us, ordinal))
    }

    /// Writes the row of an event: the number of its shape, then kind and payload of each value.
    fn encode(&mut self, event: &Event, shape_number: u32, timestamp_us: i64) -> Result<(), EventError> {
        varint::put(u64::from(shape_number), &mut self.rows);
        let shape = Arc::clone(&self.shapes[shape_number as usize].shape);
        let (mut place, mut bytes, mut error) = (0, 0, None);
        event.visit(|name, value| {
            if name == "event_type" {
                return;
            }
            let is_timestamp = name == "timestamp";
            match value {
                ValueRef::Text(text) => {
                    bytes += text.len();
                    match timestamp::parse_canonical(text) {
                        Some(us) if is_timestamp && us == timestamp_us => self.rows.push(value_kind::DERIVED),
                        Some(us) => row::put_time(us - timestamp_us, &mut self.rows),
                        None => {
                            let bad = shape.fields.get(place).is_some_and(|field| field.required_entity)
                                && (text.is_empty() || text.contains('\0'));
                            if bad {
                                error = Some(shape.entity_error(place));
                            }
                            self.put_word(value_kind::TEXT, text);
                        }
                    }
                }
                ValueRef::Time(us) if is_timestamp && us == timestamp_us => self.rows.push(value_kind::DERIVED),
                ValueRef::Time(us) => {
                    let us = us.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX);
                    row::put_time(us - timestamp_us, &mut self.rows);
                }
                ValueRef::Json(text) => {
                    bytes += text.len();
                    self.put_word(value_kind::JSON, text);
                }
                ValueRef::Number(text) => {
                    bytes += text.len();
                    self.put_word(value_kind::NUMBER, text);
                }
                other => row::put_scalar(other, &mut self.rows),
            }
            place += 1;
        });
        if error.is_none() && bytes > crate::event::EVENT_BYTES_MAX {
            event.validate()?;
        }
        error.map_or(Ok(()), Err)
    }

    fn put_word(&mut self, kind: u8, text: &str) {
        let word = self.word_number(text);
        self.rows.push(kind);
        varint::put(u64::from(word), &mut self.rows);
    }

    fn word_number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.word_numbers.get(text) {
            return number;
        }
        let number = self.words.len() as u32;
        self.word_bytes += text.len();
        let text: Arc<str> = text.into();
        self.words.push(Word { text: Arc::clone(&text), entity: NONE, batch: 0 });
        self.word_numbers.insert(text, number);
        number
    }

    fn shape_of(&mut self, event: &Event) -> u32 {
        if let Event::Grid(event) = event {
            let kind_index = GridEvent::kind_index(event);
            return match self.plain_shapes[kind_index] {
                Some(number) => number,
                None => self.add_shape(Shape::plain(kind_index)),
            };
        }
        let fields = match event {
            Event::Dynamic(event) => event.fields(),
            Event::Extended(extended) => extended.fields(),
            Event::Grid(_) => return 0,
        };
        let key = shape_key(event.event_type(), false, fields.iter().map(|(name, _)| name));
        let known = self.shape_numbers.get(&key).into_iter().flatten().copied();
        let mut same =
            known.filter(|&number| self.shapes[number as usize].shape.is_of(event.event_type(), false, fields));
        if let Some(number) = same.next() {
            return number;
        }
        self.add_shape(Shape::new(
            intern_name(event.event_type()),
            false,
            fields.iter().map(|(name, _)| intern_name(name)),
        ))
    }

    fn add_shape(&mut self, shape: Shape) -> u32 {
        let number = self.shapes.len() as u32;
        let types = &mut self.types;
        let type_index = *self.type_numbers.entry(Arc::clone(&shape.event_type)).or_insert_with(|| {
            types.push(TailType {
                name: Arc::clone(&shape.event_type),
                positions: RoaringBitmap::new(),
                newest_us: None,
                older_newest_us: None,
            });
            types.len() as u32 - 1
        });
        let mut field_numbers: Vec<u32> = shape.fields.iter().map(|field| self.field_number(&field.name)).collect();
        if let Some((field, _)) = shape.cluster_entity() {
            field_numbers.push(self.field_number(&intern_name(field)));
        }
        if let (true, Some(kind_index)) = (shape.plain, shape.kind_index) {
            self.plain_shapes[kind_index] = Some(number);
        } else {
            let key = shape_key(&shape.event_type, false, shape.names());
            self.shape_numbers.entry(key).or_default().push(number);
        }
        self.shapes.push(TailShape { shape: Arc::new(shape), type_index, field_numbers, batch: 0 });
        number
    }

    fn field_number(&mut self, name: &FieldName) -> u32 {
        let fields = &mut self.fields;
        *self.field_numbers.entry(Arc::clone(name)).or_insert_with(|| {
            fields.push(Arc::clone(name));
            fields.len() as u32 - 1
        })
    }

    /// Adds the row that starts at `start` and ends at the end of the rows to the indices.
    fn index(&mut self, start: usize, shape_number: u32, timestamp_us: i64, ordinal: u32) {
        let position = self.ends.len() as u32;
        self.ends.push(self.rows.len());
        self.times.push(timestamp_us);
        self.ordinals.push(ordinal);
        match self.zones.last_mut() {
            Some(zone) if zone.count < TAIL_BLOCK_EVENTS => {
                zone.count += 1;
                zone.min_us = zone.min_us.min(timestamp_us);
                zone.max_us = zone.max_us.max(timestamp_us);
            }
            _ => self.zones.push(Zone { first: position, count: 1, min_us: timestamp_us, max_us: timestamp_us }),
        }
        let shape = &self.shapes[shape_number as usize];
        let of_type = &mut self.types[shape.type_index as usize];
        append(&mut of_type.positions, position);
        of_type.newest_us = of_type.newest_us.max(Some(timestamp_us));
        let shape_fields = Arc::clone(&shape.shape);
        // The row was written, or checked, just now: it parses. The buffer is lent out meanwhile.
        let rows = std::mem::take(&mut self.rows);
        let mut input = rows.get(start..).unwrap_or_default();
        let _ = varint::take(&mut input);
        for (place, field) in shape_fields.fields.iter().enumerate() {
            let Some(value) = row::take_value(&mut input) else { break };
            if let (true, row::RowValue::Text(word)) = (field.entity, value) {
                let number = self.shapes[shape_number as usize].field_numbers[place];
                self.add_entity(number, word, position);
            }
        }
        self.rows = rows;
        if let Some((_, value)) = shape_fields.cluster_entity() {
            let word = self.word_number(value);
            let numbers = &self.shapes[shape_number as usize].field_numbers;
            if let Some(&number) = numbers.last() {
                self.add_entity(number, word, position);
            }
        }
    }

    fn add_entity(&mut self, field: u32, word: u32, position: u32) {
        let head = self.words[word as usize].entity;
        let mut slot = head;
        while slot != NONE && self.entities[slot as usize].field != field {
            slot = self.entities[slot as usize].next;
        }
        if slot == NONE {
            if !is_entity_value(&self.words[word as usize].text) {
                return;
            }
            slot = self.entities.len() as u32;
            self.entities.push(TailEntity { field, word, next: head, positions: RoaringBitmap::new() });
            self.words[word as usize].entity = slot;
        }
        append(&mut self.entities[slot as usize].positions, position);
    }

    /// The record of the rows that are not published yet: all that a reader of the log needs to know.
    pub(crate) fn batch_record(&mut self) -> BatchRecord {
        self.batches += 1;
        let (from, to) = (self.published as usize, self.ends.len());
        let start = self.row_start(from);
        let bytes = self.rows[start..].to_vec();
        let (mut words, mut shapes) = (Vec::new(), Vec::new());
        let mut input = bytes.as_slice();
        for _ in from..to {
            let Some(shape_number) = varint::take_u32(&mut input) else { break };
            let shape = &mut self.shapes[shape_number as usize];
            if shape.batch != self.batches {
                shape.batch = self.batches;
                shapes.push((shape_number, shape.shape.to_record()));
            }
            for _ in 0..self.shapes[shape_number as usize].shape.fields.len() {
                let Some(number) = row::take_value(&mut input).and_then(row::RowValue::word) else { continue };
                let word = &mut self.words[number as usize];
                if word.batch != self.batches {
                    word.batch = self.batches;
                    words.push((number, Arc::clone(&word.text)));
                }
            }
        }
        let (mut times, mut ordinals) = (Vec::with_capacity(2 * (to - from)), Vec::with_capacity(to - from));
        let mut before = 0i64;
        for position in from..to {
            varint::put(varint::zigzag(self.times[position].wrapping_sub(before)), &mut times);
            before = self.times[position];
            varint::put(u64::from(self.ordinals[position]), &mut ordinals);
        }
        BatchRecord {
            first_sequence: self.sequence(from as u32),
            count: (to - from) as u32,
            words: words.into_iter().map(|(number, text)| (number, text.to_string())).collect(),
            shapes,
            times,
            ordinals,
            rows: bytes,
        }
    }

    /// Makes every row visible to readers.
    pub(crate) fn publish(&mut self) {
        self.published = self.ends.len() as u32;
    }

    /// Takes back the rows that were not published, since they could not be written.
    pub(crate) fn discard(&mut self) {
        let from = self.published;
        for position in (from as usize..self.ends.len()).rev() {
            let mut input = &self.rows[self.row_start(position)..];
            if let Some(shape) = varint::take(&mut input).and_then(|number| self.shapes.get(number as usize)) {
                let key = (shape.type_index, self.times[position]);
                self.next_ordinals.insert(key, self.ordinals[position]);
            }
        }
        self.rows.truncate(self.row_start(from as usize));
        self.ends.truncate(from as usize);
        self.times.truncate(from as usize);
        self.ordinals.truncate(from as usize);
        for positions in
            self.types.iter_mut().map(|t| &mut t.positions).chain(self.entities.iter_mut().map(|e| &mut e.positions))
        {
            positions.remove_range(from..);
        }
        self.zones = self.zones_below(from);
    }

    /// Adds the rows of a batch that was read from the log, and publishes them.
    ///
    /// Rows whose sequence number is below `first_wanted` are held by a segment already and are passed over.
    /// Returns what does not fit together, if anything; nothing is added then.
    pub(crate) fn replay(&mut self, batch: &BatchRecord, first_wanted: u64) -> Result<(), &'static str> {
        let (word_map, shape_map) = self.adopt(batch)?;
        let (mut times, mut ordinals, mut input) = (&*batch.times, &*batch.ordinals, &*batch.rows);
        let mut time = 0i64;
        let result = (0..batch.count).try_for_each(|index| {
            let delta = varint::take(&mut times).ok_or("the times of a batch end early")?;
            time = time.wrapping_add(varint::unzigzag(delta));
            let ordinal = varint::take_u32(&mut ordinals).ok_or("the ordinals of a batch end early")?;
            let start = self.rows.len();
            let shape_number = varint::take_u32(&mut input)
                .and_then(|number| shape_map.get(&number).copied())
                .ok_or("a row names an unknown shape")?;
            varint::put(u64::from(shape_number), &mut self.rows);
            for _ in 0..self.shapes[shape_number as usize].shape.fields.len() {
                let value = row::take_value(&mut input).ok_or("a row ends early")?;
                let value = match value.word() {
                    Some(word) => value.with_word(*word_map.get(&word).ok_or("a row names an unknown word")?),
                    None => value,
                };
                value.put(&mut self.rows);
            }
            let sequence = batch.first_sequence + u64::from(index);
            if sequence < first_wanted {
                self.rows.truncate(start);
                return Ok(());
            }
            let position = self.ends.len() as u32;
            if sequence < self.sequence(position) {
                return Err("the sequence numbers of a batch go backwards");
            }
            if sequence > self.sequence(position) {
                self.stretches.retain(|&(first, _)| first < position);
                self.stretches.push((position, sequence));
            }
            let key = (self.shapes[shape_number as usize].type_index, time);
            let next = self.next_ordinals.entry(key).or_insert(0);
            *next = (*next).max(ordinal.saturating_add(1));
            self.index(start, shape_number, time, ordinal);
            Ok(())
        });
        match result {
            Ok(()) => self.publish(),
            Err(_) => {
                self.rows.truncate(self.row_start(self.ends.len()));
                self.discard();
            }
        }
        result
    }

    /// Takes over the words and shapes of a batch; gives their numbers here.
    #[allow(clippy::type_complexity)]
    fn adopt(&mut self, batch: &BatchRecord) -> Result<(FastMap<u32, u32>, FastMap<u32, u32>), &'static str> {
        let words = batch.words.iter().map(|(number, text)| (*number, self.word_number(text))).collect();
        let mut shapes = FastMap::default();
        for (number, record) in &batch.shapes {
            let shape = Shape::from_record(record).ok_or("a batch holds a shape that no event can have")?;
            let known = self.shapes.iter().position(|known| *known.shape == shape);
            let here = known.map_or_else(|| self.add_shape(shape), |known| known as u32);
            shapes.insert(*number, here);
        }
        Ok((words, shapes))
    }

    // ---- Reading -------------------------------------------------------------------------------

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

    fn row_start(&self, position: usize) -> usize {
        position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}

/// Adds the newest position. It may be there already: the same entity twice in one event is one association.
fn append(positions: &mut RoaringBitmap, position: u32) {
    let _ = positions.try_push(position);
}

fn shape_key<'a>(event_type: &str, plain: bool, names: impl Iterator<Item = &'a str>) -> u64 {
    use std::hash::Hasher;
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    hasher.write(event_type.as_bytes());
    hasher.write_u8(u8::from(plain));
    for name in names {
        hasher.write(name.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish()
}
