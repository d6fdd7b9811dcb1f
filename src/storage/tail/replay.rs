//! Between a tail and its log: rows that were not written yet become a batch, a batch that was read
//! becomes rows again.

use std::sync::Arc;

use super::batch::BatchRecord;
use super::memory::{FastMap, TailMemory};
use super::row;
use crate::storage::shape::Shape;
use crate::storage::varint;

impl TailMemory {
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
                // An ordinal that was given need not have been the next one; it leaves a hole, which does no harm.
                let ordinal = self.ordinals[position];
                if let Some(next) = self.next_ordinals.get_mut(&key).filter(|next| **next == ordinal.saturating_add(1))
                {
                    *next = ordinal;
                }
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
            self.start_stretch(position, sequence);
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
    #[allow(clippy::type_complexity)] // Two maps and an error, in this one place.
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
}
