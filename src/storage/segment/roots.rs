//! The roots of the types of a tail: the hashes over its events in the order of arrival.
//!
//! This writes the JSON of every event once, when a segment is sealed, so it is written with care.

use std::sync::Arc;

use super::text::{Clock, ShapeText};
use crate::storage::chain::{Hash, TypeRoot};
use crate::storage::tail::{RowValue, TailMemory, resolve, take_value};

/// The roots of these types (by their places in the tail), in the same order.
pub(crate) fn of_tail(memory: &TailMemory, types: &[(usize, Arc<str>)]) -> Vec<Hash> {
    let mut writer = JsonWriter::new(memory);
    types.iter().map(|(index, name)| root_of(memory, *index, name, &mut writer)).collect()
}

fn root_of(memory: &TailMemory, type_index: usize, name: &str, writer: &mut JsonWriter<'_>) -> Hash {
    let mut root = TypeRoot::default();
    for position in &memory.types()[type_index].positions {
        let put_id = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"event-");
            out.extend_from_slice(name.as_bytes());
            out.push(b'-');
            out.extend_from_slice(itoa::Buffer::new().format(memory.timestamp_us(position)).as_bytes());
            if memory.ordinal(position) > 0 {
                out.push(b'-');
                out.extend_from_slice(itoa::Buffer::new().format(memory.ordinal(position)).as_bytes());
            }
        };
        root.add(memory.sequence(position), put_id, |out| writer.put(position, out));
    }
    root.finish()
}

struct JsonWriter<'a> {
    memory: &'a TailMemory,
    shapes: Vec<ShapeText>,
    clock: Clock,
    scratch: String,
}

impl<'a> JsonWriter<'a> {
    fn new(memory: &'a TailMemory) -> Self {
        let shapes = memory.shapes().iter().map(|shape| ShapeText::of(&shape.shape)).collect();
        Self { memory, shapes, clock: Clock::default(), scratch: String::new() }
    }

    /// Appends the JSON of the event at a position.
    fn put(&mut self, position: u32, out: &mut Vec<u8>) {
        let memory = self.memory;
        let timestamp_us = memory.timestamp_us(position);
        let (shape_number, mut input) = memory.row(position);
        let text = &self.shapes[shape_number as usize];
        for before in &text.before {
            out.extend_from_slice(before.as_bytes());
            match take_value(&mut input).unwrap_or(RowValue::Null) {
                RowValue::Derived => self.clock.put(timestamp_us, out),
                RowValue::Time(distance_us) => self.clock.put(timestamp_us.wrapping_add(distance_us), out),
                value => {
                    self.scratch.clear();
                    resolve(value, timestamp_us, |word| memory.word(word)).write_json(&mut self.scratch);
                    out.extend_from_slice(self.scratch.as_bytes());
                }
            }
        }
        out.extend_from_slice(text.end.as_bytes());
    }
}
