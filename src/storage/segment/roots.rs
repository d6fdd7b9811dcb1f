//! The roots of the types of a tail: the hashes over its events in the order of arrival.
//!
//! This writes the JSON of every event once, when a segment is sealed, so it is written with care: the
//! names of a shape are escaped once, and times of one second share their text.

use std::sync::Arc;

use crate::event::{timestamp, write_json_text};
use crate::storage::chain::{Hash, TypeRoot};
use crate::storage::shape::Shape;
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

/// What stands before each value of a shape, and what stands behind the last.
struct ShapeText {
    before: Vec<String>,
    end: String,
}

impl ShapeText {
    fn of(shape: &Shape) -> Self {
        let mut event_type = String::from("\"event_type\":");
        write_json_text(&shape.event_type, &mut event_type);
        let mut before = Vec::new();
        let mut pending = String::from("{");
        for (place, field) in shape.fields.iter().enumerate() {
            if place == shape.type_place {
                pending.push_str(&event_type);
                pending.push(',');
            }
            write_json_text(&field.name, &mut pending);
            pending.push(':');
            before.push(std::mem::replace(&mut pending, String::from(",")));
        }
        let end = if shape.type_place >= shape.fields.len() { format!(",{event_type}}}") } else { "}".to_owned() };
        Self { before, end }
    }
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

/// Writes times, reusing the text of the second.
#[derive(Default)]
struct Clock {
    second: Option<i64>,
    text: String,
}

impl Clock {
    fn put(&mut self, micros: i64, out: &mut Vec<u8>) {
        let micros = micros.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX);
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = timestamp::format(second * 1_000_000);
        }
        out.push(b'"');
        // Up to and with the point before the six digits and the Z.
        out.extend_from_slice(&self.text.as_bytes()[..20]);
        let mut fraction = micros.rem_euclid(1_000_000);
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        out.extend_from_slice(&digits);
        out.extend_from_slice(b"Z\"");
    }
}
