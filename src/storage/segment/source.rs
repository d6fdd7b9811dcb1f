//! A segment as a source of queries.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::contents::RemovedRecord;
use super::postings;
use super::reader::SegmentReader;
use super::rows::SegmentRows;
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::storage::chain::{Hash, segment_root};
use crate::storage::source::{Hole, Rows, Source, Unreadable, Zone};

impl SegmentReader {
    fn type_place(&self, event_type: &str) -> Option<usize> {
        self.contents().types.binary_search_by(|found| found.name.as_str().cmp(event_type)).ok()
    }

    fn positions_of_type(&self, place: usize) -> Range<u32> {
        let found = &self.contents().types[place];
        found.first..found.first + found.count
    }

    fn field_place(&self, field: &str) -> Option<u32> {
        self.field_names().iter().position(|name| &**name == field).map(|place| place as u32)
    }

    /// The blocks of a type whose times include this one.
    fn blocks_at(&self, event_type: &str, timestamp_us: i64) -> impl Iterator<Item = usize> + '_ {
        let positions = self.type_place(event_type).map_or(0..0, |place| self.positions_of_type(place));
        let from = self.zones().partition_point(|zone| zone.first < positions.start);
        let to = self.zones().partition_point(|zone| zone.first < positions.end);
        let in_time = move |&block: &usize| {
            let zone = self.zones()[block];
            (zone.min_us..=zone.max_us).contains(&timestamp_us)
        };
        // The blocks of a type are in order of time, so the first that can hold it is found by halves.
        let skip = self.zones()[from..to].partition_point(|zone| zone.max_us < timestamp_us);
        (from + skip..to).take_while(in_time)
    }

    /// Visits the events of a (type, µs): the block's rows and the row in it.
    pub(crate) fn each_at(
        &self,
        event_type: &str,
        timestamp_us: i64,
        mut visitor: impl FnMut(&SegmentRows, u32),
    ) -> Result<(), StoreError> {
        for block in self.blocks_at(event_type, timestamp_us) {
            let rows = self.rows(block)?;
            rows.rows_at(timestamp_us).for_each(|row| visitor(&rows, row));
        }
        Ok(())
    }

    /// The first free ordinal of a (type, µs), if the segment has events there.
    pub(crate) fn next_ordinal(&self, event_type: &str, timestamp_us: i64) -> Result<Option<u32>, StoreError> {
        let mut next = None;
        self.each_at(event_type, timestamp_us, |rows, row| next = next.max(Some(rows.ordinal(row).saturating_add(1))))?;
        Ok(next)
    }
}

impl SegmentReader {
    /// The events that name an entity, by the postings.
    fn posted(&self, field: Option<u32>, value: &str) -> Result<RoaringBitmap, StoreError> {
        match self.may_name(value) {
            Ok(false) => return Ok(RoaringBitmap::new()),
            // The filter only spares work.
            Err(error) if !error.is_unreadable() => return Err(error),
            _ => {}
        }
        let Some(word) = self.dictionary()?.find(value).and_then(|word| u32::try_from(word).ok()) else {
            return Ok(RoaringBitmap::new());
        };
        let Some(page) = self.contents().postings.partition_point(|page| page.first_word <= word).checked_sub(1) else {
            return Ok(RoaringBitmap::new());
        };
        let bytes = self.postings_page(page)?;
        let mut all = RoaringBitmap::new();
        for entry in postings::entries(self.contents().postings[page].first_word, &bytes) {
            if entry.word == word && field.is_none_or(|field| entry.field == field) {
                let positions = entry.positions(self.contents().count);
                all |=
                    positions.ok_or_else(|| StoreError::damaged(self.path(), "a posting is not what was written"))?;
            } else if entry.word > word {
                break;
            }
        }
        Ok(all)
    }

    /// The events that name an entity, by the events themselves: what is left where the postings are damaged.
    fn naming(&self, field: Option<&str>, value: &str) -> Result<RoaringBitmap, StoreError> {
        // Without its words no event can be told, so that this is no damage of single blocks.
        self.dictionary()?;
        let mut all = RoaringBitmap::new();
        for (block, zone) in self.zones().iter().enumerate() {
            let rows = match SegmentReader::rows(self, block) {
                Ok(rows) => rows,
                Err(error) if error.is_unreadable() => {
                    self.note_unreadable(Some(block), &error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let names = |row: &u32| {
                let entities = rows.event(*row).entities();
                entities.iter().any(|found| found.value == value && field.is_none_or(|field| field == found.field))
            };
            all.extend((0..zone.count).filter(names).map(|row| zone.first + row));
        }
        Ok(all)
    }
}

impl Source for SegmentReader {
    fn zones(&self) -> &[Zone] {
        SegmentReader::zones(self)
    }

    fn time_bounds(&self) -> Option<(i64, i64)> {
        SegmentReader::time_bounds(self)
    }

    fn sequences(&self) -> RangeInclusive<u64> {
        self.contents().first_sequence..=self.contents().last_sequence
    }

    fn types(&self) -> Vec<(Arc<str>, u64)> {
        let counts = self.contents().types.iter().map(|found| u64::from(found.count));
        self.type_names().iter().cloned().zip(counts).collect()
    }

    fn of_type(&self, event_type: &str) -> RoaringBitmap {
        let mut positions = RoaringBitmap::new();
        if let Some(place) = self.type_place(event_type) {
            positions.insert_range(self.positions_of_type(place));
        }
        positions
    }

    fn of_entity(&self, field: Option<&str>, value: &str) -> Result<RoaringBitmap, StoreError> {
        let place = match field.map(|name| self.field_place(name)) {
            Some(None) => return Ok(RoaringBitmap::new()),
            Some(place) => place,
            None => None,
        };
        match self.posted(place, value) {
            Err(error) if error.is_unreadable() => self.naming(field, value),
            other => other,
        }
    }

    fn may_have_field(&self, field: &str) -> RoaringBitmap {
        if field == "event_type" || field == "timestamp" {
            return self.all();
        }
        let mut positions = RoaringBitmap::new();
        for shape in self.shapes().iter().filter(|shape| shape.place_of(field).is_some()) {
            if let Some(place) = self.type_place(&shape.event_type) {
                positions.insert_range(self.positions_of_type(place));
            }
        }
        positions
    }

    fn shapes(&self, visitor: &mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>)) {
        for shape in SegmentReader::shapes(self) {
            visitor(&shape.event_type, &mut shape.fields.iter().map(|field| field.name.as_ref()));
        }
    }

    fn shapes_digest(&self) -> Option<u64> {
        Some(SegmentReader::shapes_digest(self))
    }

    fn content_root(&self) -> Option<Hash> {
        Some(segment_root(self.contents().types.iter().map(|found| (found.name.as_str(), found.root))))
    }

    fn rows(&self, block: usize) -> Result<Arc<dyn Rows>, StoreError> {
        SegmentReader::rows(self, block).map(|rows| rows as Arc<dyn Rows>)
    }

    fn stored_counts(&self, event_type: &str, field: &str) -> Result<Option<Arc<[(Arc<str>, u64)]>>, StoreError> {
        match (self.type_place(event_type), self.field_place(field)) {
            (Some(place), Some(field)) => match self.counts(place as u32, field) {
                // What was counted is in the events too.
                Err(error) if error.is_unreadable() => Ok(None),
                other => other,
            },
            _ => Ok(None),
        }
    }

    fn entities(&self, visitor: &mut dyn FnMut(&str, &str, u64)) -> Result<(), StoreError> {
        let dictionary = match self.dictionary() {
            Err(error) if error.is_unreadable() => {
                self.note_unreadable(None, &error);
                return Ok(());
            }
            other => other?,
        };
        for (index, record) in self.contents().postings.iter().enumerate() {
            let page = match self.postings_page(index) {
                Err(error) if error.is_unreadable() => continue,
                other => other?,
            };
            for entry in postings::entries(record.first_word, &page) {
                let field = self.field_names().get(entry.field as usize);
                if let (Some(field), Some(word)) = (field, dictionary.get(entry.word as usize)) {
                    visitor(field, word, u64::from(entry.count));
                }
            }
        }
        Ok(())
    }

    fn holes(&self) -> Vec<Hole> {
        SegmentReader::holes(self).to_vec()
    }

    fn removed(&self) -> &[RemovedRecord] {
        &self.contents().removed
    }

    fn note_unreadable(&self, block: Option<usize>, error: &StoreError) {
        SegmentReader::note_unreadable(self, block, error);
    }

    fn unreadable(&self) -> Vec<Unreadable> {
        SegmentReader::unreadable(self)
    }

    fn position_of(&self, id: &ConceptId) -> Result<Option<u32>, StoreError> {
        for block in self.blocks_at(id.event_type(), id.timestamp_us()) {
            let rows = SegmentReader::rows(self, block)?;
            if let Some(row) = rows.rows_at(id.timestamp_us()).find(|&row| rows.ordinal(row) == id.ordinal()) {
                return Ok(Some(self.zones()[block].first + row));
            }
        }
        Ok(None)
    }

    fn len(&self) -> u32 {
        self.contents().count
    }
}
