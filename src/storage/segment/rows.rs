//! The decoded events of one block of a segment.

use std::sync::Arc;

use super::block::{BlockColumns, Column};
use super::column;
use super::dictionary::Dictionary;
use crate::event::{ConceptId, Event, ValueRef};
use crate::storage::shape::{Shape, value_kind};
use crate::storage::source::Rows;

/// One block, its words at hand.
pub(crate) struct SegmentRows {
    event_type: Arc<str>,
    block: BlockColumns,
    dictionary: Arc<Dictionary>,
    shapes: Vec<BlockShape>,
    /// The names of the fields of the columns.
    names: Vec<Arc<str>>,
}

/// A shape of the block, and for each of its fields the column.
struct BlockShape {
    shape: Arc<Shape>,
    columns: Vec<Option<usize>>,
}

impl SegmentRows {
    /// The rows of a block, or nothing if it does not fit its segment.
    pub(crate) fn new(
        event_type: Arc<str>,
        block: BlockColumns,
        shapes: &[Arc<Shape>],
        fields: &[Arc<str>],
        dictionary: Arc<Dictionary>,
    ) -> Option<Self> {
        let name = |column: &Column| fields.get(column.field as usize).cloned();
        let names: Vec<Arc<str>> = block.columns.iter().map(name).collect::<Option<_>>()?;
        let in_block = |number: &u32| {
            let shape = Arc::clone(shapes.get(*number as usize)?);
            let column_of = |name: &Arc<str>| names.iter().position(|known| known == name);
            let columns = shape.fields.iter().map(|field| column_of(&field.name)).collect();
            (shape.event_type == event_type).then_some(BlockShape { shape, columns })
        };
        let shapes = block.shapes.iter().map(in_block).collect::<Option<Vec<_>>>()?;
        let places_fit = block.shape_places.iter().all(|&place| place < shapes.len() as u64);
        let numbers_fit = block.columns.iter().all(|column| fits(column, &block, &dictionary));
        (!shapes.is_empty() && places_fit && numbers_fit).then_some(Self {
            event_type,
            block,
            dictionary,
            shapes,
            names,
        })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.block.times.len()
    }

    /// Whether every value of a row can be read: not if its words are on a page of the dictionary that is lost.
    pub(super) fn is_whole(&self, row: u32) -> bool {
        let row = row as usize;
        let there = |column: &Option<usize>| column.is_some_and(|column| self.value_at(column, row).is_some());
        self.shape(row).columns.iter().all(there)
    }

    fn shape(&self, row: usize) -> &BlockShape {
        // `new` has checked that every place is one of a shape, and that there is a shape.
        let place = self.block.shape_places.get(row).map_or(0, |&place| place as usize);
        &self.shapes[place.min(self.shapes.len() - 1)]
    }

    fn value_at(&self, column: usize, row: usize) -> Option<ValueRef<'_>> {
        let column = self.block.columns.get(column)?;
        let number = *column.numbers.get(row)?;
        let time = || self.block.times.get(row).copied().unwrap_or(0);
        Some(match column.kinds.of_row(row) {
            value_kind::NULL => ValueRef::Null,
            value_kind::FALSE => ValueRef::Bool(false),
            value_kind::TRUE => ValueRef::Bool(true),
            value_kind::INTEGER => ValueRef::Integer(column::unordered(number)),
            value_kind::UNSIGNED => ValueRef::Unsigned(number),
            value_kind::FLOAT => ValueRef::Float(f64::from_bits(number)),
            value_kind::TIME => ValueRef::Time(time().wrapping_add(column::unordered(number))),
            value_kind::DERIVED => ValueRef::Time(time()),
            value_kind::WORD => ValueRef::Text(self.dictionary.get(number as usize)?),
            value_kind::TEXT => ValueRef::Text(self.text(number)?),
            value_kind::NUMBER => ValueRef::Number(self.text(number)?),
            value_kind::JSON => ValueRef::Json(self.text(number)?),
            _ => return None,
        })
    }

    fn text(&self, number: u64) -> Option<&str> {
        let number = number as usize;
        let end = *self.block.text_ends.get(number)? as usize;
        let start = number
            .checked_sub(1)
            .and_then(|before| self.block.text_ends.get(before))
            .map_or(0, |&start| start as usize);
        self.block.texts.get(start..end)
    }

    pub(crate) fn ordinal(&self, row: u32) -> u32 {
        self.block.ordinals.get(row as usize).map_or(0, |&ordinal| ordinal as u32)
    }

    /// The rows of one time in µs.
    pub(crate) fn rows_at(&self, timestamp_us: i64) -> std::ops::Range<u32> {
        let from = self.block.times.partition_point(|&time| time < timestamp_us);
        let to = self.block.times.partition_point(|&time| time <= timestamp_us);
        from as u32..to as u32
    }

    /// About how much memory the block takes, in bytes, without the dictionary.
    pub(crate) fn bytes(&self) -> usize {
        let rows = self.block.times.len() * 8;
        rows * (4 + self.block.columns.len()) + self.block.texts.len() + 512
    }
}

/// Whether every text and word that a column refers to is there.
fn fits(column: &Column, block: &BlockColumns, dictionary: &Dictionary) -> bool {
    column.numbers.iter().enumerate().all(|(row, &number)| match column.kinds.of_row(row) {
        value_kind::WORD => number < dictionary.len() as u64,
        value_kind::TEXT | value_kind::NUMBER | value_kind::JSON => number < block.text_ends.len() as u64,
        kind => kind <= value_kind::ABSENT,
    })
}

impl Rows for SegmentRows {
    fn timestamp_us(&self, row: u32) -> i64 {
        self.block.times.get(row as usize).copied().unwrap_or(0)
    }

    fn sequence(&self, row: u32) -> u64 {
        self.block.sequences.get(row as usize).copied().unwrap_or(0)
    }

    fn event_type(&self, _row: u32) -> &Arc<str> {
        &self.event_type
    }

    fn id(&self, row: u32) -> ConceptId {
        ConceptId::from_parts(Arc::clone(&self.event_type), self.timestamp_us(row), self.ordinal(row))
    }

    fn value(&self, row: u32, field: &str) -> Option<ValueRef<'_>> {
        if field == "event_type" {
            return Some(ValueRef::Text(&self.event_type));
        }
        let column = self.names.iter().position(|name| &**name == field)?;
        self.value_at(column, row as usize)
    }

    fn event(&self, row: u32) -> Event {
        let shape = self.shape(row as usize);
        shape.shape.build(self.timestamp_us(row), |place| {
            let column = shape.columns.get(place).copied().flatten();
            column.and_then(|column| self.value_at(column, row as usize)).unwrap_or(ValueRef::Null)
        })
    }
}
