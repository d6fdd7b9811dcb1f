//! The events of a segment: every block, the order and the numbers of its events, their ids, and the roots.

use std::sync::Arc;

use super::super::block::{self, BlockColumns, BlockHead, Kinds};
use super::super::body::slice;
use super::super::contents::{BlockRecord, Contents, EVENTS_REMOVED, TypeRecord};
use super::arrival::Arrival;
use super::index::Index;
use super::row::{BlockShape, RowWriter, text, texts_of};
use super::texts::Texts;
use super::words::Words;
use super::{Fault, Harm, LostRows, SegmentFacts};
use crate::event::is_entity_value;
use crate::storage::chain::next_link;
use crate::storage::shape::{Shape, value_kind};

/// Checks all events, and what follows from them.
pub(super) fn check(
    contents: &Contents,
    body: &[u8],
    shapes: &[Arc<Shape>],
    words: Option<&Words>,
    facts: &mut SegmentFacts,
) {
    let none = Words::default();
    let index = Index::read(contents, body, words.unwrap_or(&none), &mut facts.faults);
    let texts = shapes.iter().map(|shape| texts_of(shape)).collect();
    let mut check = EventsCheck {
        contents,
        body,
        shapes,
        texts,
        words,
        index,
        writer: RowWriter::default(),
        arrival: Arrival::default(),
        numbers: Numbers::new(contents),
        facts,
    };
    let (mut first_block, mut all_read) = (0, true);
    for (place, record) in contents.types.iter().enumerate() {
        let end = contents.blocks.len();
        let mut last_block = first_block;
        let mut left = u64::from(record.count);
        while left > 0 && last_block < end {
            left = left.saturating_sub(u64::from(contents.blocks[last_block].count));
            last_block += 1;
        }
        let read = check.check_type(record, first_block..last_block);
        check.index.end_type(place as u32, read);
        all_read &= read;
        first_block = last_block;
    }
    let EventsCheck { index, numbers, facts, .. } = check;
    index.finish(contents, body, words.unwrap_or(&none), all_read, &mut facts.faults);
    facts.runs = numbers.finish(&mut facts.faults);
    let after = next_link(&contents.before, contents.first_sequence, contents.last_sequence, &contents.chain_root());
    if after != contents.after {
        let what = "the link of the chain does not follow from the roots of the types and the link before";
        facts.faults.push(Fault::new(Harm::Record, "contents", what));
    }
}

struct EventsCheck<'a> {
    contents: &'a Contents,
    body: &'a [u8],
    shapes: &'a [Arc<Shape>],
    texts: Vec<Texts>,
    words: Option<&'a Words>,
    index: Index,
    writer: RowWriter,
    arrival: Arrival,
    numbers: Numbers,
    facts: &'a mut SegmentFacts,
}

impl EventsCheck<'_> {
    /// Whether all blocks of the type could be read.
    fn check_type(&mut self, record: &TypeRecord, blocks: std::ops::Range<usize>) -> bool {
        let records = &self.contents.blocks[blocks.clone()];
        let bytes: Vec<Option<&[u8]>> =
            records.iter().map(|record| slice(self.body, record.offset, record.bytes)).collect();
        // The lowest number in the blocks from each one on, by their word; whether they lie shows in the root.
        let mut lowest = vec![u64::MAX; bytes.len() + 1];
        for (at, bytes) in bytes.iter().enumerate().rev() {
            let first = bytes.and_then(block::read_head).map_or(u64::MAX, |head| head.first_sequence);
            lowest[at] = lowest[at + 1].min(first);
        }
        self.writer.start_type(&record.name);
        let (mut order, mut position, mut read) = (Order::default(), record.first, true);
        for ((at, bytes), block_record) in bytes.into_iter().enumerate().zip(records) {
            let place = format!("block {}", blocks.start + at);
            let decoded = bytes.and_then(block::decode);
            let fits = decoded.and_then(|(head, columns)| {
                let length = columns.times.len();
                self.check_block(record, block_record, position, &head, &columns, &mut order, &place)?;
                (length == block_record.count as usize).then_some(())
            });
            if fits.is_none() {
                read = false;
                let events = u64::from(block_record.count);
                let what = format!("{events} events of type {} cannot be read", record.name);
                self.facts.faults.push(Fault::new(Harm::Events, place, what));
                let (first_us, last_us) = (block_record.min_us, block_record.max_us);
                self.facts.lost.push(LostRows { events, first_us, last_us });
            } else {
                self.facts.events += u64::from(block_record.count);
            }
            position = position.saturating_add(block_record.count);
            self.arrival.hash_below(lowest[at + 1]);
        }
        let root = self.arrival.finish();
        let place = format!("type {}", record.name);
        if read && root != record.root {
            let what = "its events are not those that were sealed: their hash differs";
            self.facts.faults.push(Fault::new(Harm::Record, &*place, what));
        }
        if read && order.summary() != (record.max_us, record.ordinal_at_max) {
            let what = "the latest time or its ordinal is not that of the events";
            self.facts.faults.push(Fault::new(Harm::Index, place, what));
        }
        read
    }

    #[allow(clippy::too_many_arguments)] // Everything that a block is compared with.
    fn check_block(
        &mut self,
        of_type: &TypeRecord,
        record: &BlockRecord,
        first: u32,
        head: &BlockHead,
        block: &BlockColumns,
        order: &mut Order,
        place: &str,
    ) -> Option<()> {
        let words = self.words?;
        let shape_of = |number: &u32| {
            let (shape, text) = (self.shapes.get(*number as usize)?, self.texts.get(*number as usize)?);
            let fits = *shape.event_type == *of_type.name;
            fits.then(|| BlockShape::new(shape, text, block, &self.contents.fields))
        };
        let shapes: Vec<BlockShape<'_>> = block.shapes.iter().map(shape_of).collect::<Option<_>>()?;
        let rows = block.times.len();
        if shapes.is_empty() || block.shape_places.iter().any(|&place| place >= shapes.len() as u64) {
            return None;
        }
        let shape_at = |row: usize| match shapes.as_slice() {
            [only] => only,
            several => &several[block.shape_places.get(row).map_or(0, |&place| place as usize)],
        };
        let is_removal = of_type.name == EVENTS_REMOVED;
        let mut json_bytes = 0;
        for row in 0..rows {
            let start = self.arrival.bytes.len();
            let json = self.writer.put(row, shape_at(row), block, words, &mut self.arrival.bytes)?;
            self.arrival.note(block.sequences[row], start);
            json_bytes += (self.arrival.bytes.len() - json) as u64;
            if is_removal {
                self.facts.removals.push(String::from_utf8_lossy(&self.arrival.bytes[json..]).into_owned());
            }
        }
        self.facts.json_bytes += json_bytes;
        let in_order = order.add(block);
        self.numbers.add(&block.sequences);
        let numbers = (block.sequences.iter().min().copied(), block.sequences.iter().max().copied());
        let zone = (block.times.first().copied(), block.times.last().copied());
        let complaints = [
            (head.event_type != of_type.name, "it says another type than the contents"),
            (head.first != first || head.count != record.count, "it says other positions than the contents"),
            (numbers != (Some(head.first_sequence), Some(head.last_sequence)), "it says other sequence numbers"),
            (zone != (Some(record.min_us), Some(record.max_us)), "the contents say other times than its events have"),
            (!in_order, "its events are not in the order of time and arrival, or two have one id"),
        ];
        for (_, what) in complaints.into_iter().filter(|(wrong, _)| *wrong) {
            self.facts.faults.push(Fault::new(Harm::Record, place, what));
        }
        note_entities(&mut self.index, first, block, &shapes, words, &self.contents.fields);
        Some(())
    }
}

/// Notes the entities of a block, column by column.
fn note_entities(
    index: &mut Index,
    first: u32,
    block: &BlockColumns,
    shapes: &[BlockShape<'_>],
    words: &Words,
    fields: &[String],
) {
    let shape_of = |row: usize| block.shape_places.get(row).map_or(0, |&place| place as usize);
    for (place, column) in block.columns.iter().enumerate() {
        let is_entity = |shape: &BlockShape<'_>| {
            shape.columns.iter().zip(&shape.shape.fields).any(|(own, field)| *own == Some(place) && field.entity)
        };
        let entity: Vec<bool> = shapes.iter().map(is_entity).collect();
        let is_words = column.kinds == Kinds::Same(value_kind::WORD);
        if !entity.contains(&true) || matches!(column.kinds, Kinds::Same(kind) if !is_words && kind != value_kind::TEXT)
        {
            continue;
        }
        for (row, &number) in column.numbers.iter().enumerate() {
            if !entity[if shapes.len() == 1 { 0 } else { shape_of(row) }] {
                continue;
            }
            match column.kinds.of_row(row) {
                value_kind::WORD if words.is_entity(number as usize) => {
                    index.note(column.field, number, first + row as u32);
                }
                value_kind::TEXT if text(block, number).is_some_and(is_entity_value) => index.note_unlisted(),
                _ => {}
            }
        }
    }
    for (number, shape) in shapes.iter().enumerate() {
        let Some((field, word)) = shape.shape.cluster_entity() else { continue };
        let field = fields.iter().position(|name| name == field);
        let (Some(field), Some(word)) = (field, words.find(word)) else {
            index.note_unlisted();
            continue;
        };
        for row in (0..block.times.len()).filter(|&row| shape_of(row) == number) {
            index.note(field as u32, word as u64, first + row as u32);
        }
    }
}

/// The order of the events of a type, and their ids.
#[derive(Default)]
struct Order {
    last: Option<(i64, u64)>,
    /// The ordinals of the events at the last time, ascending.
    ordinals: Vec<u64>,
}

impl Order {
    /// Whether the events of a block follow in order on those before, each with an id of its own.
    fn add(&mut self, block: &BlockColumns) -> bool {
        let mut in_order = true;
        for ((&time, &sequence), &ordinal) in block.times.iter().zip(&block.sequences).zip(&block.ordinals) {
            in_order &= self.last.is_none_or(|last| last < (time, sequence));
            if self.last.is_none_or(|last| last.0 != time) {
                self.ordinals.clear();
            }
            // They ascend nearly always, so that each is put at the end.
            if self.ordinals.last().is_none_or(|last| *last < ordinal) {
                self.ordinals.push(ordinal);
            } else {
                match self.ordinals.binary_search(&ordinal) {
                    Ok(_) => in_order = false,
                    Err(place) => self.ordinals.insert(place, ordinal),
                }
            }
            self.last = Some((time, sequence));
        }
        in_order
    }

    /// The latest time and the highest ordinal there.
    fn summary(&self) -> (i64, u32) {
        let ordinal = self.ordinals.last().copied().unwrap_or(0);
        (self.last.map_or(0, |last| last.0), u32::try_from(ordinal).unwrap_or(u32::MAX))
    }
}

/// The sequence numbers of a segment: one bit each.
struct Numbers {
    first: u64,
    last: u64,
    bits: Vec<u64>,
    outside: u64,
    twice: u64,
}

/// Longer ranges of sequence numbers are not followed number by number.
const NUMBERS_MAX: u64 = 1 << 28;

impl Numbers {
    fn new(contents: &Contents) -> Self {
        let span = contents.last_sequence.saturating_sub(contents.first_sequence).saturating_add(1).min(NUMBERS_MAX);
        let words = usize::try_from(span.div_ceil(64)).unwrap_or(0);
        Self {
            first: contents.first_sequence,
            last: contents.last_sequence,
            bits: vec![0; words],
            outside: 0,
            twice: 0,
        }
    }

    fn add(&mut self, sequences: &[u64]) {
        for &sequence in sequences {
            let distance = sequence.wrapping_sub(self.first);
            match self.bits.get_mut(usize::try_from(distance / 64).unwrap_or(usize::MAX)) {
                None => self.outside += u64::from(sequence < self.first || sequence > self.last),
                Some(_) if sequence > self.last => self.outside += 1,
                Some(bits) => {
                    self.twice += (*bits >> (distance % 64)) & 1;
                    *bits |= 1 << (distance % 64);
                }
            }
        }
    }

    /// The runs of numbers that are there.
    fn finish(self, faults: &mut Vec<Fault>) -> Vec<(u64, u64)> {
        if self.outside + self.twice > 0 {
            let what = format!("{} sequence numbers lie outside, {} are there twice", self.outside, self.twice);
            faults.push(Fault::new(Harm::Record, "sequence numbers", what));
        }
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for (at, &bits) in self.bits.iter().enumerate() {
            let base = self.first + 64 * at as u64;
            let mut rest = bits;
            while rest != 0 {
                let start = rest.trailing_zeros();
                let length = (rest >> start).trailing_ones();
                let (from, to) = (base + u64::from(start), base + u64::from(start + length) - 1);
                match runs.last_mut() {
                    Some(run) if run.1 + 1 == from => run.1 = to,
                    _ => runs.push((from, to)),
                }
                rest = if start + length >= 64 { 0 } else { rest & (u64::MAX << (start + length)) };
            }
        }
        runs
    }
}
