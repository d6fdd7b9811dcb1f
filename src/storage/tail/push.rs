//! Appending to a tail: an event becomes a row, and the row is added to the indices.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::memory::{NONE, TAIL_BLOCK_EVENTS, TailEntity, TailMemory, TailShape, TailType, Word};
use super::row;
use crate::event::{
    ConceptId, Event, EventError, FieldName, GridEvent, ValueRef, intern_name, is_entity_value, timestamp,
};
use crate::storage::shape::{Shape, value_kind};
use crate::storage::source::{StoredEvent, Zone};
use crate::storage::varint;

/// What the rest of the store knows of the ids that it has given.
pub(crate) trait Older {
    /// The latest time of a type, in µs.
    fn newest_us(&self, event_type: &str) -> Option<i64>;
    /// The first free ordinal of a (type, µs).
    fn next_ordinal(&self, event_type: &str, timestamp_us: i64) -> u32;
}

impl TailMemory {
    /// Appends an event, not yet published. A (type, µs) that this tail has not seen is asked of what is
    /// older, unless it lies above the latest time there. The event gets the next free ordinal there, or the one that
    /// is given, of which the caller knows that no other event has it.
    ///
    /// # Errors
    /// If the event is not one that can be stored; nothing is appended then.
    pub(crate) fn push(
        &mut self,
        event: &Event,
        given: Option<u32>,
        older: &dyn Older,
    ) -> Result<ConceptId, EventError> {
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
        let ordinal = given.unwrap_or(*next);
        *next = ordinal.saturating_add(1).max(*next);
        self.index(start, shape_number, timestamp_us, ordinal);
        Ok(ConceptId::from_parts(name, timestamp_us, ordinal))
    }

    /// Appends and publishes an event that has its id and sequence number already. Numbers must ascend; holes are kept.
    ///
    /// # Errors
    /// In words, if the event is not one that can be stored, or its number is not above the one before; nothing is
    /// appended then.
    pub(crate) fn push_stored(&mut self, stored: &StoredEvent) -> Result<(), String> {
        stored.event.validate().map_err(|error| error.to_string())?;
        let timestamp_us = stored.event.timestamp_us();
        let position = self.ends.len() as u32;
        if stored.sequence < self.sequence(position) {
            return Err(format!("number {} does not follow on those before it", stored.sequence));
        }
        let shape_number = self.shape_of(&stored.event);
        let start = self.rows.len();
        if let Err(error) = self.encode(&stored.event, shape_number, timestamp_us) {
            self.rows.truncate(start);
            return Err(error.to_string());
        }
        self.start_stretch(position, stored.sequence);
        let key = (self.shapes[shape_number as usize].type_index, timestamp_us);
        let next = self.next_ordinals.entry(key).or_insert(0);
        *next = (*next).max(stored.id.ordinal().saturating_add(1));
        self.index(start, shape_number, timestamp_us, stored.id.ordinal());
        self.publish();
        Ok(())
    }

    /// Lets the event at a position have this sequence number, if it would have another.
    pub(super) fn start_stretch(&mut self, position: u32, sequence: u64) {
        if sequence > self.sequence(position) {
            // A stretch in which nothing was started yet is moved.
            self.stretches.pop_if(|&mut (first, _)| first == position);
            self.stretches.push((position, sequence));
        }
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

    pub(super) fn word_number(&mut self, text: &str) -> u32 {
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

    pub(super) fn add_shape(&mut self, shape: Shape) -> u32 {
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
    pub(super) fn index(&mut self, start: usize, shape_number: u32, timestamp_us: i64, ordinal: u32) {
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
