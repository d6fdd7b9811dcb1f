//! The store's own names: its types, fields and entities, as far as a question needs them.
//!
//! Nothing is listed in full: a name is asked for, and the indices answer. Only suggestions for a name
//! that is not there look through all entities.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::error::StoreError;
use crate::query::Filter;
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
    /// The fields of each type; looked up when a question first needs them.
    fields: OnceCell<BTreeMap<String, BTreeSet<String>>>,
    all_fields: OnceCell<HashSet<String>>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let mut types = BTreeMap::new();
        for (name, count) in snapshot.sources().iter().flat_map(|source| source.types()) {
            *types.entry(name.to_string()).or_default() += count;
        }
        Self { snapshot, types, fields: OnceCell::new(), all_fields: OnceCell::new() }
    }

    /// The types present.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether there is an event of this type.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    /// Whether any event has a field of this name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        let all = || self.fields().values().flatten().cloned().collect::<HashSet<String>>();
        self.all_fields.get_or_init(all).contains(name)
    }

    /// The fields that events of these types have; of all types, where there are none.
    pub(crate) fn fields_of(&self, types: &[String]) -> BTreeSet<&str> {
        let of_types = self.fields().iter().filter(|(name, _)| types.is_empty() || types.contains(name));
        of_types.flat_map(|(_, fields)| fields.iter().map(String::as_str)).collect()
    }

    /// Whether events of these types (of any, where there are none) have a field of this name.
    pub(crate) fn has_field_among(&self, types: &[String], name: &str) -> bool {
        if types.is_empty() {
            return self.has_field(name);
        }
        types.iter().any(|event_type| self.fields().get(event_type).is_some_and(|fields| fields.contains(name)))
    }

    fn fields(&self) -> &BTreeMap<String, BTreeSet<String>> {
        self.fields.get_or_init(|| {
            let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let mut seen = BTreeSet::new();
            for source in self.snapshot.sources() {
                if source.shapes_digest().is_some_and(|digest| !seen.insert(digest)) {
                    continue;
                }
                source.shapes(&mut |event_type, names| {
                    if !all.contains_key(event_type) {
                        all.insert(event_type.to_owned(), BTreeSet::new());
                    }
                    let Some(fields) = all.get_mut(event_type) else { return };
                    for name in names {
                        if !fields.contains(name) {
                            fields.insert(name.to_owned());
                        }
                    }
                });
            }
            all
        })
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

    /// The fields under which events name this entity.
    pub(crate) fn fields_of_entity(&self, value: &str) -> Result<Vec<String>, StoreError> {
        let mut fields = Vec::new();
        for field in self.fields_of(&[]) {
            let may_name =
                field.ends_with("_id") || matches!(field, "entity" | "host" | "service" | "service_instance");
            if may_name && self.has_entity(Some(field), value)? {
                fields.push(field.to_owned());
            }
        }
        Ok(fields)
    }

    /// Whether this is the platform or host of an agent.
    pub(crate) fn is_attribute(&self, value: &str) -> Result<bool, StoreError> {
        for field in ["platform", "hostname"] {
            let registered = Filter::event_type("agent_registered").and(Filter::field(field).equals(value));
            if self.has_field(field) && self.snapshot.count(&registered)? > 0 {
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
