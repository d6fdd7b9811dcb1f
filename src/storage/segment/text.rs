//! The parts of an event's JSON that many events share: the names of a shape, escaped once, and times, which share
//! the texts of their day and second. The roots are made of it when a segment is sealed, and again when it is checked.

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

/// Writes times, reusing the texts of the day and of the second.
#[derive(Default)]
pub(super) struct Clock {
    day: Option<i64>,
    second: Option<i64>,
    /// Up to and with the point behind the second.
    text: [u8; SECOND_BYTES],
    /// The second in digits.
    number: Vec<u8>,
}

/// How long `2026-11-24T08:00:00.` is.
const SECOND_BYTES: usize = 20;
const SECONDS_OF_DAY: i64 = 86_400;

/// The numbers below 1,000 in three digits.
static DIGITS: [[u8; 3]; 1_000] = digits();

const fn digits() -> [[u8; 3]; 1_000] {
    let (mut table, mut number) = ([[0; 3]; 1_000], 0);
    while number < 1_000 {
        table[number] = [b'0' + (number / 100) as u8, b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
}

impl Clock {
    /// Appends a time as JSON.
    pub(super) fn put(&mut self, micros: i64, out: &mut Vec<u8>) {
        let fraction = self.turn_to(micros.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX));
        out.push(b'"');
        out.extend_from_slice(&self.text);
        out.extend_from_slice(&fraction);
        out.extend_from_slice(b"Z\"");
    }

    /// Appends a time as the number of its µs.
    pub(super) fn put_micros(&mut self, micros: i64, out: &mut Vec<u8>) {
        if !(1_000_000..=timestamp::MICROS_MAX).contains(&micros) {
            out.extend_from_slice(itoa::Buffer::new().format(micros).as_bytes());
            return;
        }
        let fraction = self.turn_to(micros);
        out.extend_from_slice(&self.number);
        out.extend_from_slice(&fraction);
    }

    /// Makes the texts of the second; gives the six digits behind it.
    #[inline]
    fn turn_to(&mut self, micros: i64) -> [u8; 6] {
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            self.start(second);
        }
        let fraction = micros.rem_euclid(1_000_000) as usize;
        let ([a, b, c], [d, e, f]) = (DIGITS[fraction / 1_000], DIGITS[fraction % 1_000]);
        [a, b, c, d, e, f]
    }

    /// Makes the texts of a second.
    fn start(&mut self, second: i64) {
        self.second = Some(second);
        let day = second.div_euclid(SECONDS_OF_DAY);
        if self.day != Some(day) {
            self.day = Some(day);
            let text = timestamp::format(second * 1_000_000);
            self.text.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        }
        let of_day = second.rem_euclid(SECONDS_OF_DAY) as usize;
        for (place, part) in [(11, of_day / 3_600), (14, of_day / 60 % 60), (17, of_day % 60)] {
            let [_, tens, ones] = DIGITS[part];
            (self.text[place], self.text[place + 1]) = (tens, ones);
        }
        self.number.clear();
        self.number.extend_from_slice(itoa::Buffer::new().format(second).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_elsewhere() {
        let (mut clock, edge) = (Clock::default(), 1_795_507_200_000_000);
        let times = [
            0,
            1,
            -1,
            999_999,
            1_000_000,
            edge,
            edge + 1,
            edge + 999_999,
            edge - 1,
            edge + 86_399_999_999,
            timestamp::MICROS_MIN,
        ];
        for micros in times.into_iter().chain([timestamp::MICROS_MAX, i64::MAX, i64::MIN]) {
            let mut out = Vec::new();
            clock.put_micros(micros, &mut out);
            assert_eq!(out, micros.to_string().into_bytes());
            out.clear();
            clock.put(micros, &mut out);
            let clamped = micros.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX);
            assert_eq!(String::from_utf8(out).expect("text"), format!("\"{}\"", timestamp::format(clamped)));
        }
    }
}
