//! What the postings, the counts and the filter of a segment say, and whether the events say the same.
//!
//! The positions that the postings list are laid out one behind the other, with a place to go on from for each
//! entity. The events are then gone through in the order of their positions, and each must be the next one there. So
//! the comparison is exact, and costs one step for each entity of an event.

use std::collections::BTreeMap;

use super::super::body::section;
use super::super::contents::Contents;
use super::super::counts;
use super::super::filter::{Filter, hash_of};
use super::super::postings::entries;
use super::words::Words;
use super::{Fault, Harm};
use crate::storage::varint;

const NO_SLOT: u32 = u32::MAX;

/// The postings, and how far the events were compared with them.
pub(super) struct Index {
    /// For each field, for each word, the place of the entity in `entities`; empty for fields without entities.
    slots: Vec<Vec<u32>>,
    entities: Vec<Entity>,
    positions: Vec<u32>,
    words: usize,
    /// The entities of the type that is gone through.
    of_type: Vec<u32>,
    /// Whether all pages could be read.
    whole: bool,
    /// The table of counts, if it can be read.
    counts: Option<Vec<u8>>,
    /// Entities outside of the dictionary.
    unlisted: u64,
    wrong_counts: u64,
}

/// An entity, with its positions in `positions`.
struct Entity {
    field: u32,
    word: u32,
    next: u32,
    end: u32,
    /// How many events of the type that is gone through name it.
    in_type: u32,
    wrong: bool,
}

impl Index {
    /// Reads the postings and counts.
    pub(super) fn read(contents: &Contents, body: &[u8], words: &Words, faults: &mut Vec<Fault>) -> Self {
        let table = section(body, &contents.counts);
        if table.is_none() {
            faults.push(Fault::new(Harm::Index, "counts", "the table of counts is damaged"));
        }
        let mut index = Self {
            slots: vec![Vec::new(); contents.fields.len()],
            entities: Vec::new(),
            positions: Vec::new(),
            words: words.len(),
            of_type: Vec::new(),
            whole: true,
            counts: table.map(<[u8]>::to_vec),
            unlisted: 0,
            wrong_counts: 0,
        };
        for (number, page) in contents.postings.iter().enumerate() {
            let read = section(body, &page.section)
                .is_some_and(|bytes| index.read_page(page.first_word, bytes, contents.count).is_some());
            if !read {
                index.whole = false;
                let what = "the page is damaged: searches for the entities on it fail";
                faults.push(Fault::new(Harm::Index, format!("page {number} of the postings"), what));
            }
        }
        index
    }

    fn read_page(&mut self, first_word: u32, page: &[u8], count: u32) -> Option<()> {
        for entry in entries(first_word, page) {
            let before = self.entities.last().map(|entity| (entity.word, entity.field));
            let in_order = before.is_none_or(|before| before < (entry.word, entry.field));
            if !in_order || entry.word as usize >= self.words {
                return None;
            }
            let slot = self.slot(entry.field, entry.word)?;
            let start = self.positions.len() as u32;
            self.positions.extend(entry.positions(count)?);
            let entity = self.entities.get_mut(slot as usize)?;
            (entity.next, entity.end) = (start, self.positions.len() as u32);
        }
        Some(())
    }

    /// The place of an entity, which is made where there was none.
    #[inline]
    fn slot(&mut self, field: u32, word: u32) -> Option<u32> {
        let slots = self.slots.get_mut(field as usize)?;
        if slots.is_empty() {
            slots.resize(self.words, NO_SLOT);
        }
        let slot = slots.get_mut(word as usize)?;
        if *slot == NO_SLOT {
            *slot = self.entities.len() as u32;
            self.entities.push(Entity { field, word, next: 0, end: 0, in_type: 0, wrong: false });
        }
        Some(*slot)
    }

    /// Notes that the event at a position names an entity.
    #[inline]
    pub(super) fn note(&mut self, field: u32, word: u64, position: u32) {
        let word = u32::try_from(word).unwrap_or(u32::MAX);
        let Some(slot) = self.slot(field, word) else { return };
        let entity = &mut self.entities[slot as usize];
        if entity.next < entity.end && self.positions[entity.next as usize] == position {
            entity.next += 1;
        } else {
            entity.wrong = true;
        }
        if entity.in_type == 0 {
            self.of_type.push(slot);
        }
        entity.in_type += 1;
    }

    /// Notes an entity that stands beside its event, where no posting can name it.
    pub(super) fn note_unlisted(&mut self) {
        self.unlisted += 1;
    }

    /// Compares the counts of the type that was gone through with the stored ones.
    pub(super) fn end_type(&mut self, type_index: u32, compare: bool) {
        let mut by_field: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for slot in self.of_type.drain(..) {
            let entity = &mut self.entities[slot as usize];
            by_field.entry(entity.field).or_default().push((entity.word, std::mem::take(&mut entity.in_type)));
        }
        let Some(table) = self.counts.as_deref().filter(|_| compare) else { return };
        for (field, mut values) in by_field {
            values.sort_unstable();
            // A list may be left out; one that is there must be right.
            let wrong = match counts::find(table, type_index, field) {
                Some(None) => false,
                Some(Some(list)) => parse_counts(list).is_none_or(|stored| stored != values),
                None => true,
            };
            self.wrong_counts += u64::from(wrong);
        }
    }

    /// Says what does not fit. Events that could not be read are in no position that was compared.
    pub(super) fn finish(
        self,
        contents: &Contents,
        body: &[u8],
        words: &Words,
        all_read: bool,
        faults: &mut Vec<Fault>,
    ) {
        if all_read && self.whole {
            let is_wrong = |entity: &&Entity| entity.wrong || entity.next != entity.end;
            let wrong = self.entities.iter().filter(is_wrong).count() as u64 + self.unlisted;
            if let Some(first) = self.entities.iter().find(is_wrong) {
                let field = contents.fields.get(first.field as usize).map_or("?", String::as_str);
                let name = words.get(first.word as usize).unwrap_or_default();
                let what = format!("{wrong} entities have other events than are listed, such as {field} `{name}`");
                faults.push(Fault::new(Harm::Index, "postings", what));
            } else if self.unlisted > 0 {
                let what = format!("{} names of entities are not listed", self.unlisted);
                faults.push(Fault::new(Harm::Index, "postings", what));
            }
        }
        if self.wrong_counts > 0 {
            let what = format!("{} lists of counts say other numbers than the events", self.wrong_counts);
            faults.push(Fault::new(Harm::Index, "counts", what));
        }
        match section(body, &contents.filter).and_then(Filter::from_bytes) {
            None => faults.push(Fault::new(Harm::Index, "filter", "the filter over the entities is damaged")),
            Some(filter) => {
                let named = self.entities.iter().filter_map(|entity| words.get(entity.word as usize));
                let missing = named.filter(|word| !filter.may_contain(hash_of(word))).count();
                if missing > 0 {
                    let what = format!("the filter denies {missing} entities that events name");
                    faults.push(Fault::new(Harm::Index, "filter", what));
                }
            }
        }
    }
}

fn parse_counts(mut list: &[u8]) -> Option<Vec<(u32, u32)>> {
    let length = varint::take_length(&mut list)?;
    let (mut values, mut word) = (Vec::with_capacity(length), 0u32);
    for _ in 0..length {
        word = word.checked_add(varint::take_u32(&mut list)?)?;
        values.push((word, varint::take_u32(&mut list)?));
    }
    list.is_empty().then_some(values)
}
