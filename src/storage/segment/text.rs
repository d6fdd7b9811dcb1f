//! The parts of an event's JSON that many events share: the names of a shape, escaped once, and times, which share
//! the text of their second. The roots are made of it when a segment is sealed, and again when it is checked.

use crate::event::{timestamp, write_json_text};
use crate::storage::shape::Shape;

/// What stands before each value of a shape, and what stands behind the last.
pub(super) struct ShapeText {
    pub(super) before: Vec<String>,
    pub(super) end: String,
}

impl ShapeText {
    pub(super) fn of(shape: &Shape) -> Self {
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

/// Writes times, reusing the text of the second.
#[derive(Default)]
pub(super) struct Clock {
    second: Option<i64>,
    text: String,
}

impl Clock {
    pub(super) fn put(&mut self, micros: i64, out: &mut Vec<u8>) {
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
