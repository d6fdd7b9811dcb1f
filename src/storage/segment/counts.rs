//! Counts by type and entity, so that the common aggregations read no event.
//!
//! ```text
//! table   number of lists varint · lists
//! list    type varint · field varint · length varint · number of values varint
//!         · (distance to the word before varint · count varint)…
//! ```

use std::sync::Arc;

use super::dictionary::Dictionary;
use crate::storage::source::ValueCounts;
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
        let mut values = Vec::new();
        varint::put(list.values.len() as u64, &mut values);
        let mut before = 0;
        for &(word, count) in &list.values {
            varint::put(u64::from(word - before), &mut values);
            varint::put(u64::from(count), &mut values);
            before = word;
        }
        varint::put(values.len() as u64, out);
        out.extend_from_slice(&values);
    }
}

/// The bytes of the list of a type and field, if there is one. Nothing at all if the table is not whole.
pub(crate) fn find(mut table: &[u8], type_index: u32, field: u32) -> Option<Option<&[u8]>> {
    for _ in 0..varint::take_length(&mut table)? {
        let key = (varint::take_u32(&mut table)?, varint::take_u32(&mut table)?);
        let length = varint::take_length(&mut table)?;
        let list = varint::take_bytes(&mut table, length)?;
        if key == (type_index, field) {
            return Some(Some(list));
        }
    }
    Some(None)
}

/// Reads a list, with its words. Nothing if it is not whole.
pub(crate) fn parse(mut list: &[u8], dictionary: &Dictionary) -> Option<ValueCounts> {
    let length = varint::take_length(&mut list)?;
    let mut counts = Vec::with_capacity(length);
    let mut number = 0usize;
    for _ in 0..length {
        number = number.checked_add(varint::take_u32(&mut list)? as usize)?;
        counts.push((Arc::from(dictionary.get(number)?), varint::take(&mut list)?));
    }
    Some(counts.into())
}
