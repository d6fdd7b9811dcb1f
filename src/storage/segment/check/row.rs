//! The rows of a block as the root of their type wants them: sequence number, concept id and JSON, from columns.

use super::super::block::{BlockColumns, Column, Kinds};
use super::super::column::unordered;
use super::super::text::{Clock, ShapeText};
use super::texts::Texts;
use super::words::Words;
use crate::event::{ValueRef, write_json_text};
use crate::storage::shape::{Shape, value_kind};

/// The texts of a shape.
pub(super) fn texts_of(shape: &Shape) -> Texts {
    let (text, mut texts) = (ShapeText::of(shape), Texts::default());
    for piece in text.before.iter().chain([&text.end]) {
        texts.push(|out| out.extend_from_slice(piece.as_bytes()));
    }
    texts
}

/// A shape of a block, with the columns of its fields.
pub(super) struct BlockShape<'a> {
    /// What stands before each value, and behind the last.
    text: &'a Texts,
    pub(super) shape: &'a Shape,
    /// The place of each field's column.
    pub(super) columns: Vec<Option<usize>>,
}

impl<'a> BlockShape<'a> {
    /// A shape in a block with these columns, whose fields have these names.
    pub(super) fn new(shape: &'a Shape, text: &'a Texts, block: &BlockColumns, fields: &[String]) -> Self {
        let column_of = |name: &str| {
            block.columns.iter().position(|column| fields.get(column.field as usize).is_some_and(|own| own == name))
        };
        Self { text, shape, columns: shape.fields.iter().map(|field| column_of(&field.name)).collect() }
    }
}

/// Writes rows.
#[derive(Default)]
pub(super) struct RowWriter {
    clock: Clock,
    scratch: String,
    /// What every concept id of the type starts with.
    id_start: Texts,
}

impl RowWriter {
    pub(super) fn start_type(&mut self, event_type: &str) {
        self.id_start = Texts::default();
        self.id_start.push(|out| out.extend_from_slice(format!("event-{event_type}-").as_bytes()));
    }

    /// Appends a row; gives where its JSON starts. Nothing if a value refers to what is not there.
    pub(super) fn put(
        &mut self,
        row: usize,
        shape: &BlockShape<'_>,
        block: &BlockColumns,
        words: &Words,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let time = *block.times.get(row)?;
        out.extend_from_slice(&block.sequences.get(row)?.to_le_bytes());
        let id = out.len();
        out.extend_from_slice(&[0; 4]);
        self.id_start.put(0, out)?;
        self.clock.put_micros(time, out);
        let ordinal = *block.ordinals.get(row)?;
        if ordinal > 0 {
            out.push(b'-');
            out.extend_from_slice(itoa::Buffer::new().format(ordinal).as_bytes());
        }
        let json = out.len();
        out.extend_from_slice(&[0; 4]);
        for (place, column) in shape.columns.iter().enumerate() {
            shape.text.put(place, out)?;
            match column {
                Some(column) => self.put_value(block.columns.get(*column)?, row, time, block, words, out)?,
                None => out.extend_from_slice(b"null"),
            }
        }
        shape.text.put(shape.columns.len(), out)?;
        put_length(out, id, json);
        let end = out.len();
        put_length(out, json, end);
        Some(json + 4)
    }

    #[inline]
    fn put_value(
        &mut self,
        column: &Column,
        row: usize,
        time: i64,
        block: &BlockColumns,
        words: &Words,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let number = *column.numbers.get(row)?;
        let kind = match &column.kinds {
            Kinds::Same(kind) => *kind,
            Kinds::Mixed(kinds) => *kinds.get(row)?,
        };
        match kind {
            value_kind::WORD => words.put_json(number, out)?,
            value_kind::DERIVED => self.clock.put(time, out),
            value_kind::INTEGER => out.extend_from_slice(itoa::Buffer::new().format(unordered(number)).as_bytes()),
            value_kind::TIME => self.clock.put(time.wrapping_add(unordered(number)), out),
            value_kind::TEXT => {
                self.scratch.clear();
                write_json_text(text(block, number)?, &mut self.scratch);
                out.extend_from_slice(self.scratch.as_bytes());
            }
            value_kind::NUMBER | value_kind::JSON => out.extend_from_slice(text(block, number)?.as_bytes()),
            value_kind::NULL | value_kind::ABSENT => out.extend_from_slice(b"null"),
            value_kind::FALSE => out.extend_from_slice(b"false"),
            value_kind::TRUE => out.extend_from_slice(b"true"),
            value_kind::UNSIGNED => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
            value_kind::FLOAT => {
                self.scratch.clear();
                ValueRef::Float(f64::from_bits(number)).write_json(&mut self.scratch);
                out.extend_from_slice(self.scratch.as_bytes());
            }
            _ => return None,
        }
        Some(())
    }
}

/// Writes the length of what stands behind a place up to an end into that place.
#[inline]
fn put_length(out: &mut [u8], at: usize, end: usize) {
    let length = (end - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// A text of a block by its number.
pub(super) fn text(block: &BlockColumns, number: u64) -> Option<&str> {
    let number = usize::try_from(number).ok()?;
    let end = usize::try_from(*block.text_ends.get(number)?).ok()?;
    let start = if number == 0 { 0 } else { usize::try_from(block.text_ends[number - 1]).ok()? };
    block.texts.get(start..end)
}
