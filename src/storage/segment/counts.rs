//! Counts by type and entity, so that the common aggregations read no event.
//!
//! ```text
//! table   number of lists varint · lists
//! list    type varint · field varint · number of values varint · (distance to the word before varint · count varint)…
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use super::dictionary::Dictionary;
use crate::storage::varint;

/// A list of counts is stored only up to this many values: beyond it, it would save little.
pub(crate) const COUNTED_VALUES_MAX: usize = 1024;

/// How often each value of an entity field occurs among the events of a type.
pub(crate) struct CountList {
    pub(crate) type_index: u32,
    pub(crate) field: u32,
    /// By the number of the word, ascending.
    pub(crate) values: Vec<(u32, u32)>,
}

/// Appends the lists.
pub(crate) fn put(lists: &[CountList], out: &mut Vec<u8>) {
    varint::put(lists.len() as u64, out);
    for list in lists {
        varint::put(u64::from(list.type_index), out);
        varint::put(u64::from(list.field), out);
        varint::put(list.values.len() as u64, out);
        let mut before = 0;
        for &(word, count) in &list.values {
            varint::put(u64::from(word - before), out);
            varint::put(u64::from(count), out);
            before = word;
        }
    }
}

/// The lists in memory, with their words, by type and field.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    lists: HashMap<(u32, u32), Arc<[(Arc<str>, u64)]>, foldhash::fast::RandomState>,
    values: usize,
}

impl Counts {
    /// Reads the lists. Nothing if they are not whole.
    pub(crate) fn parse(mut input: &[u8], dictionary: &Dictionary) -> Option<Self> {
        let mut counts = Self::default();
        let mut words: HashMap<usize, Arc<str>, foldhash::fast::RandomState> = HashMap::default();
        for _ in 0..varint::take_length(&mut input)? {
            let key = (varint::take_u32(&mut input)?, varint::take_u32(&mut input)?);
            let length = varint::take_length(&mut input)?;
            let mut list = Vec::with_capacity(length);
            let mut number = 0usize;
            for _ in 0..length {
                number = number.checked_add(varint::take_u32(&mut input)? as usize)?;
                let word = match words.get(&number) {
                    Some(word) => Arc::clone(word),
                    None => {
                        let word: Arc<str> = dictionary.get(number)?.into();
                        words.insert(number, Arc::clone(&word));
                        word
                    }
                };
                list.push((word, varint::take(&mut input)?));
            }
            counts.values += list.len();
            counts.lists.insert(key, list.into());
        }
        Some(counts)
    }

    pub(crate) fn get(&self, type_index: u32, field: u32) -> Option<Arc<[(Arc<str>, u64)]>> {
        self.lists.get(&(type_index, field)).cloned()
    }

    /// About how much memory they take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.values * 40 + self.lists.len() * 64
    }
}
