//! The store's own names: its types, fields and entities, as far as a question needs them.
//!
//! Nothing is listed in full: a name is asked for, and the indices answer. Only suggestions for a name
//! that is not there look through all entities.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::StoreError;
use crate::store::Snapshot;

/// The most names that are compared for a suggestion.
const COMPARED_MAX: usize = 20_000;
/// The longest name, in bytes, that is compared: comparing takes time and memory with the product of both lengths.
const COMPARED_BYTES_MAX: usize = 64;
/// The most names that are given for completion.
const COMPLETED_MAX: usize = 100_000;
/// How many close names are suggested.
const SUGGESTED_MAX: usize = 3;

/// The names of a snapshot.
pub(crate) struct Names<'a> {
    snapshot: &'a Snapshot,
    types: BTreeMap<String, u64>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let mut types = BTreeMap::new();
        for (name, count) in snapshot.sources().iter().flat_map(|source| source.types()) {
            *types.entry(name.to_string()).or_default() += count;
        }
        Self { snapshot, types }
    }

    /// The types present.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether any event has a field of this name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.snapshot.sources().iter().rev().any(|source| !source.may_have_field(name).is_empty())
    }

    /// Whether any event names this entity, under one field or under any.
    pub(crate) fn has_entity(&self, field: Option<&str>, value: &str) -> Result<bool, StoreError> {
        for source in self.snapshot.sources().iter().rev() {
            if !source.of_entity(field, value)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entities whose names are closest to a word that is none.
    pub(crate) fn close_to(&self, word: &str) -> Result<Vec<String>, StoreError> {
        if word.len() > COMPARED_BYTES_MAX {
            return Ok(Vec::new());
        }
        let wanted = word.to_lowercase();
        let mut compared = 0;
        let mut close: BTreeSet<(usize, String)> = BTreeSet::new();
        for source in self.snapshot.sources().iter().rev() {
            if compared > COMPARED_MAX {
                break;
            }
            source.entities(&mut |_, value, _| {
                compared += 1;
                if compared <= COMPARED_MAX && value.len() <= COMPARED_BYTES_MAX {
                    let distance = strsim::damerau_levenshtein(&value.to_lowercase(), &wanted);
                    if distance <= 3.min(wanted.chars().count() / 2) {
                        close.insert((distance, value.to_owned()));
                    }
                }
            })?;
        }
        Ok(close.into_iter().map(|(_, name)| name).take(SUGGESTED_MAX).collect())
    }
}

/// The names that a question can use, for completion: types, and entities up to a limit, the newest first.
///
/// # Errors
/// If a file cannot be read or is damaged.
pub fn names_of(snapshot: &Snapshot) -> Result<BTreeSet<String>, StoreError> {
    let mut names: BTreeSet<String> = Names::of(snapshot).types.into_keys().collect();
    for source in snapshot.sources().iter().rev() {
        // A name with characters that steer a terminal must not be offered there.
        source.entities(&mut |_, value, _| {
            if names.len() < COMPLETED_MAX && !value.contains(char::is_control) && !names.contains(value) {
                names.insert(value.to_owned());
            }
        })?;
        if names.len() >= COMPLETED_MAX {
            break;
        }
    }
    Ok(names)
}

/// The ways in which an id may have been written, given a noun before it: `agent 6` as `agent-006`.
pub(crate) fn spellings(noun: &str, word: &str) -> Vec<String> {
    let noun = noun.strip_suffix('s').unwrap_or(noun);
    let mut all = Vec::new();
    let mut add = |id: &str| {
        for separator in ["-", "_", ""] {
            all.push(format!("{noun}{separator}{id}"));
        }
    };
    add(word);
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        for width in [2, 3, 4, 5] {
            if word.len() < width {
                add(&format!("{word:0>width$}"));
            }
        }
        let short = word.trim_start_matches('0');
        if !short.is_empty() && short != word {
            add(short);
        }
    }
    all
}
