//! The foreign records of a store that hold, by what tells one from another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::error::StoreError;
use crate::storage::{ForeignPlace, ForeignRecord};
use crate::store::Store;

/// The hash of what tells a record from another: its id, or its ends and kind.
pub(super) type ForeignKey = [u8; 16];

/// What is compared of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ForeignVersion {
    /// When it was learned, in µs.
    pub(super) learned_us: i64,
    /// A hash of all it says.
    pub(super) content: [u8; 16],
}

fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    short
}

/// What tells a record from another.
pub(super) fn key_of(record: &ForeignRecord) -> ForeignKey {
    let text = match record {
        ForeignRecord::Concept(concept) => format!("concept\0{}", concept.id),
        ForeignRecord::Association(association) => {
            format!("association\0{}\0{}\0{}", association.source, association.target, association.code)
        }
    };
    hash(text.as_bytes())
}

/// What a record says, to compare it by.
pub(super) fn version_of(record: &ForeignRecord) -> ForeignVersion {
    let learned_us = match record {
        ForeignRecord::Concept(concept) => concept.learned_us,
        ForeignRecord::Association(association) => association.learned_us,
    };
    // The debug form has every field, and numbers in the one way in which they read back.
    ForeignVersion { learned_us, content: hash(format!("{record:?}").as_bytes()) }
}

/// Visits the records that hold, which are the last of each key, in the order in which they were learned.
pub(super) fn for_each(store: &Store, visitor: &mut dyn FnMut(ForeignRecord)) -> Result<(), StoreError> {
    let begin = ForeignPlace { offset: 0, ..store.foreign_end()? };
    let mut last: HashMap<ForeignKey, ForeignPlace> = HashMap::new();
    store.foreign_since(begin, &mut |place, record| {
        last.insert(key_of(&record), place);
    })?;
    store.foreign_since(begin, &mut |place, record| {
        if let Entry::Occupied(entry) = last.entry(key_of(&record))
            && *entry.get() == place
        {
            visitor(record);
        }
    })?;
    Ok(())
}

/// The versions of the records that hold.
pub(super) fn versions(store: &Store) -> Result<HashMap<ForeignKey, ForeignVersion>, StoreError> {
    let mut versions = HashMap::new();
    for_each(store, &mut |record| {
        versions.insert(key_of(&record), version_of(&record));
    })?;
    Ok(versions)
}
