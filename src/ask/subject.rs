//! What a question is about: agents, nodes, pods, users; the field that names them, and where they are said.

use super::fields::{self, singular};
use super::kinds::{self, stem};
use super::lexicon::{SUBJECTS, is_stop_word};
use super::reader::{Reader, Stage};

/// Words before a noun that ask for things.
const CUES: &[&str] = &[
    "which",
    "what",
    "whose",
    "many",
    "each",
    "distinct",
    "different",
    "unique",
    "list",
    "show",
    "names",
    "top",
    "most",
    "least",
    "per",
    "by",
    "separate",
    "individual",
    "other",
    "every",
    "first",
    "last",
    "latest",
];

/// The things that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The field that names them.
    pub(crate) field: String,
    /// Where they are said.
    pub(crate) places: Vec<usize>,
}

impl Subject {
    /// Whether these are things of a grid, and no things of the store's own.
    pub(crate) fn is_of_grid(&self) -> bool {
        matches!(self.field.as_str(), "agent_id" | "node_id" | "hostname" | "platform")
    }
}

/// Finds the things that a question is about.
pub(crate) fn find(reader: &mut Reader<'_>) -> Option<Subject> {
    listed(reader).or_else(|| of_dynamic_kind(reader))
}

/// Agents, nodes, hosts: known without the store.
fn listed(reader: &mut Reader<'_>) -> Option<Subject> {
    let mut subject: Option<Subject> = None;
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let text = reader.text(place);
        let Some((_, field)) = SUBJECTS.iter().find(|(noun, _)| *noun == text) else { continue };
        let is_storage_node = place > 0 && *field == "node_id" && reader.text(place - 1) == "storage";
        // Pods have a `host`, agents a `hostname`.
        let own = fields::singular(text);
        let field = if *field == "hostname" && reader.names.has_field(&own) { own } else { (*field).to_owned() };
        // "Agent events" and "node activity" name kinds, not things; "node count" and "node limit" a field.
        if matches!(reader.text(place + 1), "event" | "events" | "activity" | "count" | "id" | "ids") {
            continue;
        }
        match &mut subject {
            None => subject = Some(Subject { field, places: vec![place] }),
            Some(known) if known.field == field => known.places.push(place),
            Some(_) => continue,
        }
        reader.use_words(place - usize::from(is_storage_node)..place + 1, Stage::Subject);
    }
    subject
}

/// A noun of the store's own: pods are named by `pod_id`, users by `user`.
fn of_dynamic_kind(reader: &mut Reader<'_>) -> Option<Subject> {
    for place in 0..reader.tokens.len() {
        let text = reader.text(place).to_owned();
        let before = place.checked_sub(1).map_or("", |before| reader.text(before));
        let is_plural = singular(&text) != text;
        let has_id = reader.names.has_field(&format!("{}_id", singular(&text)));
        let cued = CUES.contains(&before) || is_plural || place == 0 || has_id;
        let is_listed = SUBJECTS.iter().any(|(noun, _)| *noun == text);
        if !cued || is_listed || text.len() < 3 || !reader.is_unused(place) || is_stop_word(text.as_str()) {
            continue;
        }
        let noun = singular(&text);
        let named = [format!("{noun}_id"), noun.clone()];
        let Some(field) = named.into_iter().find(|field| reader.names.has_field(field)) else { continue };
        // "Errors" are events; what is named by a field of words is no thing either.
        if matches!(field.as_str(), "error" | "reason" | "message" | "timestamp" | "duration" | "priority")
            && !matches!(before, "which" | "what" | "different" | "distinct" | "unique" | "common" | "frequent")
        {
            continue;
        }
        // "Pods evicted" says the kind with the same word, which its stage then uses.
        let word = stem(&text);
        let is_of_kind = kinds::dynamic_types(&reader.names).any(|name| name.split('_').any(|part| stem(part) == word));
        if !is_of_kind {
            reader.use_words(place..place + 1, Stage::Subject);
        }
        return Some(Subject { field, places: vec![place] });
    }
    None
}

/// After the kinds were found: a field that is asked for by its name ("which exit codes", "what namespace").
pub(crate) fn of_field(reader: &mut Reader<'_>, types: &[String]) -> Option<Subject> {
    for place in 0..reader.tokens.len() {
        let before = place.checked_sub(1).map_or("", |before| reader.text(before)).to_owned();
        let asked = matches!(
            before.as_str(),
            "which" | "what" | "whose" | "distinct" | "different" | "unique" | "top" | "common" | "frequent" | "many"
        );
        // "What is the exit code of node-bcd".
        let named = before == "the" && matches!(reader.text(0), "what" | "which");
        if !reader.is_unused(place) || !asked && !named {
            continue;
        }
        let Some((field, words)) = fields::from(reader, place, types) else { continue };
        // Tasks of `task_submitted` are what happened, and not the values of `task_index`.
        let word = stem(reader.text(place));
        let is_of_kind = field != reader.text(place)
            && kinds::dynamic_types(&reader.names)
                .any(|name| name.split('_').next().is_some_and(|noun| stem(noun) == word));
        let is_named = !named || reader.text(words.end) == "of";
        if is_named && !is_of_kind && words.clone().all(|at| reader.is_unused(at)) {
            reader.use_words(words.clone(), Stage::Subject);
            return Some(Subject { field, places: words.collect() });
        }
    }
    None
}
