//! The texts that the newest events have in their fields: what a word of a question can be a value of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::ask::names::Names;
use crate::error::StoreError;
use crate::query::{Filter, Query};
use crate::store::Snapshot;

/// How many of the newest events of each type are looked at.
const SAMPLED: usize = 256;
/// How many types are looked at, where a question names none.
const TYPES_MAX: usize = 64;
/// The longest text that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// Texts by the field that they are in, in lower case and as they are.
pub(super) struct Vocabulary {
    texts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Vocabulary {
    pub(super) fn of(snapshot: &Snapshot, names: &Names<'_>, types: &[String]) -> Result<Self, StoreError> {
        let mut texts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let all: Vec<String>;
        let types = if types.is_empty() {
            all = names.types().take(TYPES_MAX).map(str::to_owned).collect();
            &all
        } else {
            types
        };
        for name in types {
            let fields: BTreeSet<&str> = names.fields_of(std::slice::from_ref(name));
            // Ids are entities, which are found by their index.
            let fields: Vec<&str> = fields
                .into_iter()
                .filter(|field| !field.ends_with("_id") && !matches!(*field, "timestamp" | "event_type" | "last_seen"))
                .collect();
            if fields.is_empty() {
                continue;
            }
            let newest = Query::new(Filter::event_type(name.as_str())).newest_first().limit(SAMPLED);
            snapshot.for_each_row(&newest, &mut |row| {
                for field in &fields {
                    let Some(text) = row.text(field).filter(|text| text.len() <= TEXT_BYTES_MAX) else { continue };
                    let known = texts.entry((*field).to_owned()).or_default();
                    let lower = text.to_lowercase();
                    known.entry(lower).or_insert_with(|| text.to_owned());
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(Self { texts })
    }

    /// The text as it is written, if a field has it whole.
    pub(super) fn whole(&self, field: &str, text: &str) -> Option<&str> {
        self.texts.get(field)?.get(text).map(String::as_str)
    }

    /// The fields that have a text whole, with the text as it is written.
    pub(super) fn fields_with<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts.iter().filter_map(move |(field, texts)| Some((field.as_str(), texts.get(text)?.as_str())))
    }

    /// All texts by field.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.texts.iter().map(|(field, texts)| (field.as_str(), texts.keys().map(String::as_str)))
    }
}
