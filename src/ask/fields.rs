//! Fields in a question: by their names, by parts of them, and by what people call them.

use std::ops::Range;

use super::lexicon::{FIELD_NAMES, is_function_word, is_stop_word};
use super::reader::Reader;

/// The most words that name a field.
const WORDS_MAX: usize = 4;
/// What a name may leave out: the unit or the sort of its values.
const ENDINGS: [&str; 7] = ["_ms", "_us", "_mb", "_seconds", "_percent", "_count", "_id"];

/// A field by its words that end before `place`, looking back over words without meaning.
pub(crate) fn before(reader: &Reader<'_>, place: usize, types: &[String]) -> Option<(String, Range<usize>)> {
    let mut end = place;
    while end > 0
        && matches!(
            reader.text(end - 1),
            "is" | "was" | "of" | "are" | "were" | "a" | "an" | "the" | "be" | "has" | "had" | "took" | "being" | "set"
        )
    {
        end -= 1;
    }
    (1..=WORDS_MAX.min(end)).rev().find_map(|length| within(reader, end - length..end, types))
}

/// A field by its words, from `place` on.
pub(crate) fn from(reader: &Reader<'_>, place: usize, types: &[String]) -> Option<(String, Range<usize>)> {
    let rest = reader.tokens.len().saturating_sub(place);
    (1..=WORDS_MAX.min(rest)).rev().find_map(|length| within(reader, place..place + length, types))
}

fn within(reader: &Reader<'_>, words: Range<usize>, types: &[String]) -> Option<(String, Range<usize>)> {
    if words.clone().any(|place| reader.tokens[place].quoted) {
        return None;
    }
    let name = words.clone().map(|place| reader.text(place)).collect::<Vec<_>>().join("_");
    named(reader, &name, types).map(|field| (field, words))
}

/// The field that a name stands for among the events of some types (of all, where there are none): itself, what
/// people call it, the same with the unit that it leaves out, or the only field that has all its words.
pub(crate) fn named(reader: &Reader<'_>, name: &str, types: &[String]) -> Option<String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let any = among(reader, name, types);
    if types.is_empty() { any } else { any.or_else(|| among(reader, name, &[])) }
}

fn among(reader: &Reader<'_>, name: &str, types: &[String]) -> Option<String> {
    let has = |field: &str| reader.names.has_field_among(types, field);
    let singular = singular(name);
    if let Some(field) = [name, singular.as_str()].into_iter().find(|name| has(name)) {
        return Some(field.to_owned());
    }
    let called = FIELD_NAMES.iter().filter(|(words, _)| *words == name || *words == singular).map(|(_, field)| *field);
    if let Some(field) = called.into_iter().find(|field| has(field)) {
        return Some(field.to_owned());
    }
    // A word such as "count" or "time" is in the names of many fields and means none of them.
    let words: Vec<&str> = singular.split('_').collect();
    let means_none = |word: &str| word.len() < 3 || is_stop_word(word) || is_function_word(word);
    if words.iter().all(|word| means_none(word)) {
        return None;
    }
    for base in [name, singular.as_str()] {
        let spelled = ENDINGS.iter().map(|ending| format!("{base}{ending}"));
        if let Some(field) = spelled.into_iter().find(|spelled| has(spelled)) {
            return Some(field);
        }
    }
    if words.iter().any(|word| means_none(word)) {
        return None;
    }
    let fields = reader.names.fields_of(types);
    let mut having = fields.iter().filter(|field| {
        let parts: Vec<&str> = field.split('_').collect();
        let has_all = |name: &str| name.split('_').all(|word| parts.contains(&word));
        (has_all(&singular) || has_all(name)) && parts.last() != Some(&"id")
    });
    match (having.next(), having.next()) {
        (Some(field), None) => Some((*field).to_owned()),
        _ => None,
    }
}

/// A noun in the singular: `services` as `service`, `batches` as `batch`.
pub(crate) fn singular(name: &str) -> String {
    let es = name.strip_suffix("es").filter(|stem| ["ch", "sh", "ss", "x"].iter().any(|end| stem.ends_with(end)));
    if let Some(stem) = es {
        return stem.to_owned();
    }
    if let Some(stem) = name.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    match name.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') && stem.len() > 1 => stem.to_owned(),
        _ => name.to_owned(),
    }
}

/// The field that says how long what an event tells of took, if the events of these types have one.
pub(crate) fn of_duration(reader: &Reader<'_>, types: &[String]) -> Option<String> {
    let fields = reader.names.fields_of(types);
    let timed = |field: &&&str| {
        ["_ms", "_us", "_seconds"].iter().any(|unit| field.ends_with(unit))
            && ["duration", "latency", "time", "elapsed", "took"].iter().any(|word| field.contains(word))
    };
    let mut found = fields.iter().filter(timed);
    match (found.next(), found.next()) {
        (Some(field), None) => Some((*field).to_owned()),
        _ => None,
    }
}
