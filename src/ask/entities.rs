//! Entities in a question: exact ids, ids written loosely, several, negated, and names that are not there.

use std::ops::Range;

use super::lexicon::SUBJECTS;
use super::names::spellings;
use super::reader::{Negation, Reader, Stage};
use super::tokens::Token;
use crate::error::StoreError;
use crate::query::Filter;

/// An entity that a question names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundEntity {
    pub(crate) name: String,
    pub(crate) place: usize,
    pub(crate) negated: bool,
    /// Whether the store knows it.
    pub(crate) known: bool,
    /// The fields that name it, where there are several entities to be told apart by them.
    pub(crate) fields: Vec<String>,
}

/// Finds entities and uses their words.
pub(crate) fn find(reader: &mut Reader<'_>) -> Result<Vec<FoundEntity>, StoreError> {
    let mut found = Vec::new();
    let mut carried: Option<(String, usize)> = None;
    for place in 0..reader.tokens.len() {
        if reader.used[place].is_some() {
            continue;
        }
        let token = reader.tokens[place].clone();
        let mut noun = place.checked_sub(1).map_or("", |before| reader.text(before)).to_owned();
        // "Agents 001 and 004".
        let before_joint = place.checked_sub(if matches!(noun.as_str(), "and" | "or") { 2 } else { 1 });
        let continued = carried.as_ref().filter(|(_, end)| before_joint == Some(*end)).map(|(noun, _)| noun.clone());
        let is_carried = continued.is_some() && has_digit(&token.text) && !looks_like_id(&token.text);
        if let Some(carried) = continued.filter(|_| is_carried) {
            noun = carried;
        }
        let noun_is_subject = SUBJECTS.iter().take(4).any(|(word, _)| *word == noun);
        let named = name_of(reader, &token.original, &token.text, noun_is_subject.then_some(noun.as_str()))?;
        match named {
            Some(name) => {
                reader.use_words(place..place + 1, Stage::Entity);
                if noun_is_subject {
                    if !is_carried {
                        reader.use_words(place - 1..place, Stage::Entity);
                    }
                    carried = Some((noun, place));
                }
                let negated = is_excluded(reader, place, &found);
                found.push(FoundEntity { name, place, negated, known: true, fields: Vec::new() });
            }
            None if looks_like_id(&token.text) || noun_is_subject && has_digit(&token.text) => {
                let is_value =
                    matches!(noun.as_str(), "=" | ">" | "<" | ">=" | "<=" | "~" | "port" | "code" | "status");
                // A host or a platform is an attribute of agents, no entity.
                if token.quoted || is_value || reader.names.is_attribute(&token.original)? {
                    continue;
                }
                reader.use_words(place..place + 1, Stage::Entity);
                let name = if noun_is_subject && !looks_like_id(&token.text) {
                    format!("{}-{}", noun.trim_end_matches('s'), token.original)
                } else {
                    token.original
                };
                let negated = is_excluded(reader, place, &found);
                found.push(FoundEntity { name, place, negated, known: false, fields: Vec::new() });
            }
            None => {}
        }
    }
    Ok(found)
}

/// Whether what stands at a place is taken out, alone or with what stands before it ("except agent-001 and
/// agent-002"). The words that say so are used.
pub(crate) fn is_excluded(reader: &mut Reader<'_>, place: usize, found: &[FoundEntity]) -> bool {
    let denied = reader.negation_before(place);
    // "Crashes that did not occur on agent-001" denies the place, "did not crash on agent-001" the crash.
    let denies_place = |words: &Range<usize>| {
        let between = reader.tokens.get(words.end..place).unwrap_or_default();
        let first = between.first().map_or("", |token| token.text.as_str());
        !reader.is_of_verb(words)
            || matches!(first, "on" | "from" | "by" | "of" | "in" | "about")
            || between
                .iter()
                .any(|token| ["occur", "happen", "involve", "about"].iter().any(|verb| token.text.starts_with(verb)))
    };
    if let Some((_, words)) = denied.filter(|(kind, words)| *kind != Negation::Not || denies_place(words)) {
        reader.use_words(words, Stage::Entity);
        return true;
    }
    let mut before = place;
    while before > 0 && matches!(reader.text(before - 1), "and" | "or" | "nor" | "agent" | "node" | "agents" | "nodes")
    {
        before -= 1;
    }
    before < place && found.iter().any(|other| other.negated && other.place + 1 == before)
}

/// The entity that a word names, as the store spells it.
fn name_of(reader: &Reader<'_>, original: &str, text: &str, noun: Option<&str>) -> Result<Option<String>, StoreError> {
    if let Some(noun) = noun {
        for spelling in spellings(noun, text) {
            if reader.names.has_entity(None, &spelling)? {
                return Ok(Some(spelling));
            }
        }
    }
    // A plain word or number is an entity only behind a noun, or as a last resort (see `understand`).
    if !looks_like_id(text) {
        return Ok(None);
    }
    for spelling in [original, text] {
        if reader.names.has_entity(None, spelling)? {
            return Ok(Some(spelling.to_owned()));
        }
    }
    // `77ab01` for `node-77ab01`.
    if has_digit(text) {
        for spelling in ["node", "agent"].into_iter().flat_map(|noun| spellings(noun, text)) {
            if reader.names.has_entity(None, &spelling)? {
                return Ok(Some(spelling));
            }
        }
    }
    // `node_abc` or `agent001` for `node-abc` and `agent-001`.
    for noun in ["agent", "node"] {
        if let Some(rest) = text.strip_prefix(noun) {
            let rest = rest.trim_start_matches(['-', '_', ' ']);
            for spelling in spellings(noun, rest) {
                if !rest.is_empty() && has_digit(rest) && reader.names.has_entity(None, &spelling)? {
                    return Ok(Some(spelling));
                }
            }
        }
    }
    Ok(None)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a word has the look of an id: letters with digits, hyphens or dots among them.
pub(crate) fn looks_like_id(text: &str) -> bool {
    let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let joined = text.contains('-') && text.len() > 3 && !text.starts_with('-');
    letters && (has_digit(text) || joined && looks_joined(text)) && !is_measure(text)
}

/// Hyphenated words of the language are no ids.
fn looks_joined(text: &str) -> bool {
    !matches!(
        text,
        "out-of-memory" | "re-start" | "re-started" | "shut-down" | "time-line" | "post-mortem" | "so-called"
    )
}

/// A number with a unit, or the rank of something, is no id.
fn is_measure(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ':');
    digits.len() < text.len()
        && matches!(
            digits,
            "s" | "sec"
                | "m"
                | "min"
                | "h"
                | "hr"
                | "hrs"
                | "d"
                | "w"
                | "ms"
                | "us"
                | "mb"
                | "gb"
                | "kb"
                | "tb"
                | "am"
                | "pm"
                | "st"
                | "nd"
                | "rd"
                | "th"
                | "%"
                | "x"
                | "k"
                | "z"
        )
        || text.starts_with('p')
            && text.len() <= 4
            && text[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The filter of the entities: any of those named, none of those excluded. "Login on host-b" names a service and
/// a host, and means events about both.
pub(crate) fn filter(found: &[FoundEntity], tokens: &[Token]) -> Filter {
    let mut parts: Vec<Filter> = Vec::new();
    let mut named: Vec<(&FoundEntity, Vec<Filter>)> = Vec::new();
    for entity in found {
        let filter = Filter::entity(entity.name.as_str());
        if entity.negated {
            parts.push(filter.not());
            continue;
        }
        let is_alternative = |other: &FoundEntity| {
            let shares_field = other.fields.is_empty()
                || entity.fields.is_empty()
                || entity.fields.iter().any(|field| other.fields.contains(field));
            let between = tokens.get(other.place + 1..entity.place).unwrap_or_default();
            shares_field || between.iter().any(|token| token.text == "or")
        };
        match named.iter_mut().find(|(other, _)| is_alternative(other)) {
            Some((_, alternatives)) => alternatives.push(filter),
            None => named.push((entity, vec![filter])),
        }
    }
    parts.extend(named.into_iter().map(|(_, mut alternatives)| match alternatives.len() {
        1 => alternatives.remove(0),
        _ => Filter::Or(alternatives),
    }));
    all_of(parts)
}

/// Everything at once; no parts are no condition.
pub(crate) fn all_of(mut parts: Vec<Filter>) -> Filter {
    parts.retain(|part| *part != Filter::All);
    match parts.len() {
        0 => Filter::All,
        1 => parts.remove(0),
        _ => Filter::And(parts),
    }
}
