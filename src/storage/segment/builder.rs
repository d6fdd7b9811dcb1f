//! Sealing: from the rows of a tail to the bytes of a segment.
//!
//! ```text
//! tail ─► order by (type, time) ─► blocks ─► postings, counts
//!      └► words ─► dictionary, filter
//!      └► events in order of arrival ─► roots ─► chain
//! ```

use std::sync::Arc;

use super::block::{BLOCK_EVENTS, BlockColumns, Column, Kinds};
use super::contents::{BlockRecord, Contents, RemovedRecord, SectionRecord, TypeRecord, assemble};
use super::counts::{self, COUNTED_VALUES_MAX, CountList};
use super::postings::{self, Posting};
use super::{column, dictionary, filter::Filter};
use crate::storage::chain::{Anchor, next_link};
use crate::storage::shape::{Shape, value_kind};
use crate::storage::tail::{RowValue, TailMemory, take_value};

/// A word stands in the dictionary if it is an entity or is used this often; else beside its event.
const DICTIONARY_USES_MIN: u32 = 3;
/// Not in the dictionary.
const NO_WORD: u32 = u32::MAX;

/// What a segment is told when it is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealing {
    pub(crate) epoch: u64,
    pub(crate) id: u64,
    pub(crate) sealed_at_us: i64,
    pub(crate) before: Anchor,
}

/// Builds the bytes of the segment of all published events of a tail.
pub(crate) fn build(memory: &TailMemory, sealing: Sealing) -> std::io::Result<(Contents, Vec<u8>)> {
    let (mut contents, body) = Builder::new(memory).build(sealing)?;
    contents.after =
        next_link(&sealing.before, contents.first_sequence, contents.last_sequence, &contents.chain_root());
    let file = assemble(&contents, &body)?;
    Ok((contents, file))
}

/// Builds the bytes of a segment anew from those of its events that are left: published events of a tail, with their
/// sequence numbers. What the segment was sealed as stays, and with it the chain.
pub(crate) fn rebuild(
    memory: &TailMemory,
    original: &Contents,
    mut removed: Vec<RemovedRecord>,
) -> std::io::Result<(Contents, Vec<u8>)> {
    removed.sort_by(|a, b| a.event_type.cmp(&b.event_type));
    let sealing = Sealing {
        epoch: original.epoch,
        id: original.id,
        sealed_at_us: original.sealed_at_us,
        before: original.before,
    };
    let (contents, body) = Builder::new(memory).build(sealing)?;
    let (first_sequence, last_sequence) = (original.first_sequence, original.last_sequence);
    let contents = Contents { first_sequence, last_sequence, after: original.after, removed, ..contents };
    let file = assemble(&contents, &body)?;
    Ok((contents, file))
}

struct Builder<'a> {
    memory: &'a TailMemory,
    body: Vec<u8>,
    /// The types with their places in the tail, in the order of their names.
    types: Vec<(usize, Arc<str>)>,
    /// For each word of the tail its number in the dictionary.
    word_numbers: Vec<u32>,
    /// For each entity of the tail the positions of its events in the segment.
    entity_positions: Vec<Vec<u32>>,
    field_names: Vec<Arc<str>>,
    blocks: Vec<BlockRecord>,
    counts: Vec<CountList>,
}

impl<'a> Builder<'a> {
    fn new(memory: &'a TailMemory) -> Self {
        let mut types: Vec<_> = memory
            .types()
            .iter()
            .enumerate()
            .filter(|(_, found)| !found.positions.is_empty())
            .map(|(index, found)| (index, Arc::clone(&found.name)))
            .collect();
        types.sort_by(|a, b| a.1.cmp(&b.1));
        Self {
            memory,
            body: Vec::with_capacity(16 * memory.len() as usize),
            types,
            word_numbers: vec![NO_WORD; memory.word_count()],
            entity_positions: vec![Vec::new(); memory.entities().len()],
            field_names: memory.field_names().to_vec(),
            blocks: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// The contents, whose place in the chain the caller sets, and the body.
    fn build(mut self, sealing: Sealing) -> std::io::Result<(Contents, Vec<u8>)> {
        let memory = self.memory;
        let words = self.choose_words();
        let mut types = Vec::new();
        let mut first = 0;
        let roots = super::roots::of_tail(memory, &self.types);
        for ((type_index, name), root) in self.types.clone().into_iter().zip(roots) {
            let mut positions: Vec<u32> = memory.types()[type_index].positions.iter().collect();
            // Nearly in order already, which this sort is fast on; equal times stay in order of arrival.
            positions.sort_by_key(|&position| memory.timestamp_us(position));
            let max_us = positions.last().map_or(0, |&last| memory.timestamp_us(last));
            let at_max = positions.iter().rev().take_while(|&&position| memory.timestamp_us(position) == max_us);
            let ordinal_at_max = at_max.map(|&position| memory.ordinal(position)).max().unwrap_or(0);
            let counted_from: Vec<u32> = self.entity_positions.iter().map(|positions| positions.len() as u32).collect();
            for (index, block) in positions.chunks(BLOCK_EVENTS).enumerate() {
                self.put_block(&name, first + (index * BLOCK_EVENTS) as u32, block)?;
            }
            self.count(types.len() as u32, positions.len(), &counted_from);
            let count = positions.len() as u32;
            types.push(TypeRecord { name: name.to_string(), first, count, max_us, ordinal_at_max, root });
            first += count;
        }
        let borrowed: Vec<&str> = words.iter().map(|word| &**word).collect();
        let (pages, page_bytes) = dictionary::build_pages(&borrowed)?;
        let dictionary_first = self.body.len() as u64;
        self.body.extend_from_slice(&page_bytes);
        let postings = self.put_postings();
        let mut table = Vec::new();
        counts::put(&self.counts, &mut table);
        let counts = SectionRecord::put(&table, &mut self.body);
        let filter = self.put_filter();
        let dictionary_again = self.body.len() as u64;
        self.body.extend_from_slice(&page_bytes);
        let (first_sequence, last_sequence) = (memory.first_sequence(), memory.last_sequence(memory.len()));
        let contents = Contents {
            epoch: sealing.epoch,
            id: sealing.id,
            first_sequence,
            last_sequence,
            count: memory.len(),
            sealed_at_us: sealing.sealed_at_us,
            before: sealing.before,
            after: Anchor::default(),
            fields: self.field_names.iter().map(|name| name.to_string()).collect(),
            shapes: memory.shapes().iter().map(|shape| shape.shape.to_record()).collect(),
            types,
            blocks: self.blocks,
            dictionary: pages,
            dictionary_offsets: [dictionary_first, dictionary_again],
            postings,
            counts,
            filter,
            removed: Vec::new(),
        };
        Ok((contents, self.body))
    }

    /// Chooses the words of the dictionary and numbers them in their order.
    fn choose_words(&mut self) -> Vec<Arc<str>> {
        let memory = self.memory;
        let mut uses = vec![0u32; memory.word_count()];
        for position in 0..memory.len() {
            let (shape, mut input) = memory.row(position);
            for _ in 0..memory.shapes()[shape as usize].shape.fields.len() {
                if let Some(RowValue::Text(word)) = take_value(&mut input) {
                    uses[word as usize] = uses[word as usize].saturating_add(1);
                }
            }
        }
        for entity in memory.entities().iter().filter(|entity| !entity.positions.is_empty()) {
            uses[entity.word as usize] = u32::MAX;
        }
        let mut chosen: Vec<u32> =
            (0..uses.len() as u32).filter(|&word| uses[word as usize] >= DICTIONARY_USES_MIN).collect();
        chosen.sort_unstable_by(|&a, &b| memory.word(a).cmp(memory.word(b)));
        for (number, &word) in chosen.iter().enumerate() {
            self.word_numbers[word as usize] = number as u32;
        }
        chosen.into_iter().map(|word| Arc::clone(memory.word(word))).collect()
    }

    /// Appends the block of these positions of the tail, and notes its entities.
    fn put_block(&mut self, event_type: &str, first: u32, positions: &[u32]) -> std::io::Result<()> {
        let memory = self.memory;
        let mut writer = BlockWriter::new(positions.len());
        for (row, &position) in positions.iter().enumerate() {
            let (shape_number, mut input) = memory.row(position);
            let tail_shape = &memory.shapes()[shape_number as usize];
            let time = memory.timestamp_us(position);
            writer.start_row(shape_number, time, memory.sequence(position), memory.ordinal(position));
            for (place, field) in tail_shape.shape.fields.iter().enumerate() {
                let Some(value) = take_value(&mut input) else { break };
                let field_number = tail_shape.field_number(place);
                if let (true, RowValue::Text(word)) = (field.entity, value) {
                    self.note_entity(word, field_number, first + row as u32);
                }
                let word_number = value.word().map_or(NO_WORD, |word| self.word_numbers[word as usize]);
                writer.put(row, field_number, value, word_number, |word| memory.word(word));
            }
            if let Some((word, field_number)) = memory.cluster_entity(tail_shape) {
                self.note_entity(word, field_number, first + row as u32);
            }
        }
        let (Some(&min_us), Some(&max_us)) = (writer.block.times.first(), writer.block.times.last()) else {
            return Ok(());
        };
        let offset = self.body.len();
        writer.finish().encode(event_type, first, &mut self.body)?;
        let bytes = (self.body.len() - offset) as u32;
        self.blocks.push(BlockRecord { offset: offset as u64, bytes, count: positions.len() as u32, min_us, max_us });
        Ok(())
    }

    fn note_entity(&mut self, word: u32, field: u32, position: u32) {
        if let Some(slot) = self.memory.entity_slot(word, field) {
            let positions = &mut self.entity_positions[slot];
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
    }

    /// Notes how often each entity was named since its number of positions was `counted_from`.
    fn count(&mut self, type_index: u32, events: usize, counted_from: &[u32]) {
        let mut by_field: std::collections::BTreeMap<u32, Vec<(u32, u32)>> = std::collections::BTreeMap::new();
        for ((entity, positions), &from) in self.memory.entities().iter().zip(&self.entity_positions).zip(counted_from)
        {
            let count = positions.len() as u32 - from;
            if count > 0 {
                by_field.entry(entity.field).or_default().push((self.word_numbers[entity.word as usize], count));
            }
        }
        for (field, mut values) in by_field {
            if values.len() <= COUNTED_VALUES_MAX && 2 * values.len() <= events.max(8) {
                values.sort_unstable();
                self.counts.push(CountList { type_index, field, values });
            }
        }
    }

    fn put_postings(&mut self) -> Vec<super::contents::PostingsPageRecord> {
        let entities = self.memory.entities().iter().zip(std::mem::take(&mut self.entity_positions));
        let mut postings: Vec<Posting> = entities
            .filter(|(_, positions)| !positions.is_empty())
            .map(|(entity, positions)| Posting {
                word: self.word_numbers[entity.word as usize],
                field: entity.field,
                positions,
            })
            .collect();
        postings.sort_unstable_by_key(|posting| (posting.word, posting.field));
        postings::put(&postings, &mut self.body)
    }

    fn put_filter(&mut self) -> SectionRecord {
        let mut words: Vec<u32> = self.memory.entities().iter().map(|entity| entity.word).collect();
        words.sort_unstable();
        words.dedup();
        let filter = Filter::of(words.iter().map(|&word| &**self.memory.word(word)));
        SectionRecord::put(&filter.to_bytes(), &mut self.body)
    }
}

/// Collects the rows of one block in columns.
struct BlockWriter {
    rows: usize,
    block: BlockColumns,
    /// For each row of each column its kind; made short at the end where they are all the same.
    kinds: Vec<Vec<u8>>,
    /// The column of a field, by the number of the field.
    places: Vec<Option<usize>>,
}

impl BlockWriter {
    fn new(rows: usize) -> Self {
        Self { rows, block: BlockColumns::default(), kinds: Vec::new(), places: Vec::new() }
    }

    fn start_row(&mut self, shape: u32, time: i64, sequence: u64, ordinal: u32) {
        let place = self.block.shapes.iter().position(|&known| known == shape).unwrap_or_else(|| {
            self.block.shapes.push(shape);
            self.block.shapes.len() - 1
        });
        self.block.shape_places.push(place as u64);
        self.block.times.push(time);
        self.block.sequences.push(sequence);
        self.block.ordinals.push(u64::from(ordinal));
    }

    fn put<'w>(
        &mut self,
        row: usize,
        field: u32,
        value: RowValue,
        word_number: u32,
        word: impl Fn(u32) -> &'w Arc<str>,
    ) {
        let column = self.column_of(field);
        let before = row.checked_sub(1).and_then(|before| self.block.columns[column].numbers.get(before)).copied();
        let (kind, number) = match value {
            // A kind without a number repeats the number before, which costs nothing.
            RowValue::Null => (value_kind::NULL, before.unwrap_or(0)),
            RowValue::Bool(false) => (value_kind::FALSE, before.unwrap_or(0)),
            RowValue::Bool(true) => (value_kind::TRUE, before.unwrap_or(0)),
            RowValue::Derived => (value_kind::DERIVED, before.unwrap_or(0)),
            RowValue::Integer(number) => (value_kind::INTEGER, column::ordered(number)),
            RowValue::Unsigned(number) => (value_kind::UNSIGNED, number),
            RowValue::Float(number) => (value_kind::FLOAT, number.to_bits()),
            RowValue::Time(distance_us) => (value_kind::TIME, column::ordered(distance_us)),
            RowValue::Text(_) if word_number != NO_WORD => (value_kind::WORD, u64::from(word_number)),
            RowValue::Text(text) => (value_kind::TEXT, self.put_text(word(text))),
            RowValue::Number(text) => (value_kind::NUMBER, self.put_text(word(text))),
            RowValue::Json(text) => (value_kind::JSON, self.put_text(word(text))),
        };
        let numbers = &mut self.block.columns[column].numbers;
        // Rows before this one that lack the field repeat what stands before them.
        let filler = numbers.last().copied().unwrap_or(0);
        numbers.resize(row, filler);
        numbers.push(number);
        self.kinds[column].resize(row, value_kind::ABSENT);
        self.kinds[column].push(kind);
    }

    fn column_of(&mut self, field: u32) -> usize {
        if self.places.len() <= field as usize {
            self.places.resize(field as usize + 1, None);
        }
        *self.places[field as usize].get_or_insert_with(|| {
            self.block.columns.push(Column {
                field,
                kinds: Kinds::Same(value_kind::ABSENT),
                numbers: Vec::with_capacity(self.rows),
            });
            self.kinds.push(Vec::with_capacity(self.rows));
            self.kinds.len() - 1
        })
    }

    fn put_text(&mut self, text: &str) -> u64 {
        self.block.texts.push_str(text);
        self.block.text_ends.push(self.block.texts.len() as u64);
        self.block.text_ends.len() as u64 - 1
    }

    fn finish(mut self) -> BlockColumns {
        if self.block.shapes.len() == 1 {
            self.block.shape_places.clear();
        }
        for (column, mut kinds) in self.block.columns.iter_mut().zip(self.kinds) {
            let filler = column.numbers.last().copied().unwrap_or(0);
            column.numbers.resize(self.rows, filler);
            kinds.resize(self.rows, value_kind::ABSENT);
            let first = kinds.first().copied().unwrap_or(value_kind::ABSENT);
            column.kinds =
                if kinds.iter().all(|&kind| kind == first) { Kinds::Same(first) } else { Kinds::Mixed(kinds) };
        }
        self.block
    }
}

/// The shapes of a segment, from their records.
pub(crate) fn shapes_of(contents: &Contents) -> Option<Vec<Arc<Shape>>> {
    contents.shapes.iter().map(|record| Shape::from_record(record).map(Arc::new)).collect()
}
