//! Conditions on texts: quoted ones, values beside the name of their field, values alone, and words of an error.

use std::collections::BTreeSet;

use super::FoundCondition;
use super::vocabulary::Vocabulary;
use crate::ask::fields;
use crate::ask::kinds::stem;
use crate::ask::lexicon::{SUBJECTS, is_asking_word};
use crate::ask::reader::{Negation, Reader, Stage};
use crate::error::StoreError;
use crate::event::Value;
use crate::query::Filter;
use crate::store::Snapshot;

/// The fields that say why.
const REASON_FIELDS: [&str; 3] = ["error", "reason", "message"];
/// Words that introduce a text; they say nothing themselves.
const TEXT_CUES: &[&str] = &[
    "because",
    "saying",
    "says",
    "say",
    "said",
    "mentioning",
    "mention",
    "mentions",
    "mentioned",
    "containing",
    "contains",
    "contain",
    "including",
    "includes",
    "include",
    "due",
    "matching",
    "matches",
    "like",
    "about",
    "with",
    "where",
    "reading",
    "whose",
    "caused",
];
/// Words between the name of a field and its value.
const LINKS: &[&str] = &[
    "is",
    "was",
    "are",
    "were",
    "of",
    "=",
    "==",
    "equals",
    "equal",
    "to",
    "like",
    "contains",
    "containing",
    "contain",
    "includes",
    "including",
    "mentions",
    "mentioning",
    "says",
    "saying",
    "matching",
    "matches",
    "being",
    "the",
    "a",
    "an",
    "set",
];
/// How many words without meaning a value can begin with.
const BEFORE_MAX: usize = 3;
/// How far before a text the words that introduce it stand.
const CUE_REACH: usize = 7;
/// The most words that one value has.
const VALUE_WORDS_MAX: usize = 6;

pub(super) fn find(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    types: &[String],
    found: &mut Vec<FoundCondition>,
) -> Result<(), StoreError> {
    quoted(reader, types, found);
    if reader.left_over().iter().all(|&place| is_asking_word(reader.text(place))) {
        return Ok(());
    }
    let vocabulary = Vocabulary::of(snapshot, &reader.names, types)?;
    beside_field(reader, types, &vocabulary, found);
    alone(reader, &vocabulary, found);
    // "What port does node-abc use" says nothing of an error: a word of a text is one where events are named.
    if !types.is_empty()
        || (0..reader.tokens.len()).any(|place| reader.is_unused(place) && TEXT_CUES.contains(&reader.text(place)))
    {
        meant(reader, &vocabulary, found);
    }
    Ok(())
}

/// A quoted text is contained in the field that is named before it, or in one of the fields that say why.
fn quoted(reader: &mut Reader<'_>, types: &[String], found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        if !reader.tokens[place].quoted || reader.used[place].is_some() {
            continue;
        }
        let text = reader.tokens[place].original.clone();
        reader.use_words(place..place + 1, Stage::Condition);
        let mut start = place;
        while start > 0 && (LINKS.contains(&reader.text(start - 1)) || TEXT_CUES.contains(&reader.text(start - 1))) {
            start -= 1;
        }
        let field = fields::before(reader, start, types).filter(|(_, words)| words.end == start);
        reader.use_words(start..place, Stage::Condition);
        let (filter, fields) = match field {
            Some((field, words)) => {
                reader.use_words(words, Stage::Condition);
                (Filter::field(field.as_str()).contains(text.as_str()), vec![field])
            }
            None => {
                let any = REASON_FIELDS.iter().map(|field| Filter::field(*field).contains(text.as_str())).collect();
                (Filter::Or(any), REASON_FIELDS.map(str::to_owned).to_vec())
            }
        };
        let (filter, reading) = denied(reader, start, filter, format!("{} saying “{text}”", fields.join(" or ")));
        found.push(FoundCondition { filter, reading, fields, is_value: false });
    }
}

/// The condition, or its opposite where that is said.
fn denied(reader: &mut Reader<'_>, place: usize, filter: Filter, reading: String) -> (Filter, String) {
    match reader.negation_before(place).filter(|(_, words)| reader.used[words.start].is_none()) {
        Some((_, words)) => {
            reader.use_words(words, Stage::Condition);
            (filter.not(), format!("not with {reading}"))
        }
        None => (filter, format!("with {reading}")),
    }
}

/// "Reason memory pressure", "submitted by user alice", "error contains in use".
fn beside_field(reader: &mut Reader<'_>, types: &[String], vocabulary: &Vocabulary, found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let Some((field, words)) = fields::from(reader, place, types) else { continue };
        if !words.clone().all(|at| reader.is_unused(at)) {
            continue;
        }
        // "In the shop namespace": the value may stand before the name.
        let value_before = place
            .checked_sub(1)
            .filter(|&before| reader.is_unused(before))
            .and_then(|before| vocabulary.whole(&field, reader.text(before)).map(|value| (before, value.to_owned())));
        if let Some((before, value)) = value_before {
            let filter = Filter::field(field.as_str()).equals(value.as_str());
            let (filter, reading) = denied(reader, before, filter, format!("{field} {value}"));
            reader.use_words(before..words.end, Stage::Condition);
            found.push(FoundCondition { filter, reading, fields: vec![field], is_value: true });
            continue;
        }
        // "Without an exit code".
        let lacks = reader.negation_before(place).filter(|(kind, words)| {
            matches!(kind, Negation::Without | Negation::Not)
                && reader.used[words.start].is_none()
                && !reader.is_of_verb(words)
        });
        let said = words.clone().map(|at| reader.text(at)).collect::<Vec<_>>().join("_");
        let lacks = lacks.filter(|_| said == field || fields::singular(&said) == field);
        let ends_here = words.end == reader.tokens.len()
            || reader.used[words.end].is_some()
            || !reader.left_over().contains(&words.end);
        if let Some((_, denying)) = lacks.filter(|_| ends_here) {
            let of = |name: &str| Filter::field(name);
            let filter = of(&field).exists().and(of(&field).equals(Value::Null).not()).not();
            reader.use_words(denying.start..words.end, Stage::Condition);
            found.push(FoundCondition::of(&field, filter, format!("without {field}")));
            continue;
        }
        let mut start = words.end;
        while LINKS.contains(&reader.text(start)) && reader.is_unused(start) {
            start += 1;
        }
        let contains = (words.end..start).any(|at| {
            let link = reader.text(at);
            ["contain", "includ", "mention", "say", "match", "like"].iter().any(|stem| link.starts_with(stem))
        });
        if let Some(value) = boolean(reader.text(start)).filter(|_| reader.is_unused(start)) {
            reader.use_words(place..start + 1, Stage::Condition);
            let filter = Filter::field(field.as_str()).equals(value);
            found.push(FoundCondition::of(&field, filter, format!("with {field} {value}")));
            continue;
        }
        let whole = |text: &str| vocabulary.whole(&field, text).map(str::to_owned).filter(|_| !contains);
        if let Some((value, end)) = longest(reader, start, whole) {
            let filter = Filter::field(field.as_str()).equals(value.as_str());
            let (filter, reading) = denied(reader, place, filter, format!("{field} {value}"));
            use_cues(reader, place);
            reader.use_words(place..end, Stage::Condition);
            found.push(FoundCondition { filter, reading, fields: vec![field], is_value: true });
        } else if contains {
            // What follows is looked for as it stands, up to what another stage has used.
            let end = (start..reader.tokens.len()).find(|&at| reader.used[at].is_some()).unwrap_or(reader.tokens.len());
            let text = (start..end).map(|at| reader.text(at)).collect::<Vec<_>>().join(" ");
            if !text.is_empty() {
                reader.use_words(place..end, Stage::Condition);
                let filter = Filter::field(field.as_str()).contains(text.as_str());
                found.push(FoundCondition::of(&field, filter, format!("with {field} containing “{text}”")));
            }
        }
    }
}

fn boolean(word: &str) -> Option<bool> {
    match word {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The longest run of words from a place on that is a value, as that is written, and where it ends.
fn longest(
    reader: &Reader<'_>,
    start: usize,
    mut value_of: impl FnMut(&str) -> Option<String>,
) -> Option<(String, usize)> {
    let end = (start..reader.tokens.len().min(start + VALUE_WORDS_MAX))
        .find(|&at| !reader.is_unused(at))
        .unwrap_or(reader.tokens.len().min(start + VALUE_WORDS_MAX));
    (start + 1..=end).rev().find_map(|end| {
        let text = (start..end).map(|at| reader.text(at)).collect::<Vec<_>>().join(" ");
        value_of(&text).map(|value| (value, end))
    })
}

/// A value alone: "machines in zurich", "jobs submitted by alice".
fn alone(reader: &mut Reader<'_>, vocabulary: &Vocabulary, found: &mut Vec<FoundCondition>) {
    for place in reader.left_over() {
        if !reader.is_unused(place) || fields::from(reader, place, &[]).is_some() {
            continue;
        }
        // "Out of disk" begins with words that mean nothing alone.
        let starts = (place.saturating_sub(BEFORE_MAX)..=place)
            .filter(|&start| (start..place).all(|at| reader.is_unused(at)))
            .collect::<Vec<_>>();
        let found_value = starts.into_iter().find_map(|start| {
            let known = |text: &str| vocabulary.fields_with(text).next().map(|(_, written)| written.to_owned());
            longest(reader, start, known).filter(|(_, end)| *end > place).map(|(value, end)| (value, start, end))
        });
        let Some((value, place, end)) = found_value else { continue };
        let lower = value.to_lowercase();
        let fields: Vec<String> = vocabulary.fields_with(&lower).map(|(field, _)| field.to_owned()).collect();
        reader.use_words(place..end, Stage::Condition);
        use_cues(reader, place);
        let any = fields.iter().map(|field| Filter::field(field.as_str()).equals(value.as_str()));
        let (filter, reading) =
            denied(reader, place, Filter::Or(any.collect()), format!("{} {value}", fields.join(" or ")));
        found.push(FoundCondition { filter, reading, fields, is_value: true });
    }
}

/// Words that belong to the texts of one field.
struct Meant {
    field: String,
    /// Which of the words that are left.
    words: Vec<usize>,
    /// The forms that each has in the texts.
    forms: Vec<BTreeSet<String>>,
}

/// Words that belong to the texts of the store: "because the port was already in use", "that timed out".
fn meant(reader: &mut Reader<'_>, vocabulary: &Vocabulary, found: &mut Vec<FoundCondition>) {
    let left: Vec<usize> = reader
        .left_over()
        .into_iter()
        .filter(|&place| !reader.tokens[place].quoted)
        .filter(|&place| !TEXT_CUES.contains(&reader.text(place)))
        .filter(|&place| !SUBJECTS.iter().any(|(noun, _)| *noun == reader.text(place)))
        .collect();
    if left.is_empty() {
        return;
    }
    let stems: Vec<String> = left.iter().map(|&place| stem(reader.text(place))).collect();
    let mut best: Option<Meant> = None;
    for (field, texts) in vocabulary.texts() {
        let texts: Vec<Vec<(String, String)>> = texts
            .filter(|text| text.contains(' '))
            .map(|text| {
                let words = words_of(text).map(|word| (stem(word), word.to_owned()));
                let timed_out = text.contains("timed out").then(|| ("timeout".to_owned(), "timed out".to_owned()));
                words.chain(timed_out).collect()
            })
            .collect();
        let meant: Vec<usize> = (0..left.len())
            .filter(|&nth| texts.iter().any(|words| words.iter().any(|(stem, _)| *stem == stems[nth])))
            .collect();
        let fitting: Vec<&Vec<(String, String)>> = texts
            .iter()
            .filter(|words| meant.iter().all(|&nth| words.iter().any(|(stem, _)| *stem == stems[nth])))
            .collect();
        if meant.is_empty() || fitting.is_empty() || best.as_ref().is_some_and(|best| best.words.len() >= meant.len()) {
            continue;
        }
        // The forms that the texts have, so that texts that were not looked at are found by them too.
        let forms = meant
            .iter()
            .map(|&nth| {
                let words = fitting.iter().flat_map(|words| words.iter());
                words.filter(|(stem, _)| *stem == stems[nth]).map(|(_, word)| word.clone()).collect()
            })
            .collect();
        best = Some(Meant { field: field.to_owned(), words: meant, forms });
    }
    let Some(Meant { field, words: meant, forms }) = best else { return };
    let all = forms
        .iter()
        .map(|forms: &BTreeSet<String>| {
            let any = forms.iter().map(|form| Filter::field(field.as_str()).contains(form.as_str())).collect();
            Filter::Or(any)
        })
        .collect();
    let said: Vec<&str> = meant.iter().map(|&nth| reader.text(left[nth])).collect();
    let (reading, first) = (format!("{field} saying {}", said.join(" … ")), left[meant[0]]);
    let (filter, reading) = denied(reader, first, Filter::And(all), reading);
    use_cues(reader, first);
    // "A null pointer in the message".
    for place in 0..reader.tokens.len() {
        if let Some((named, words)) = fields::from(reader, place, &[])
            && named == field
            && words.clone().all(|at| reader.is_unused(at))
        {
            reader.use_words(words, Stage::Condition);
        }
    }
    for &nth in &meant {
        reader.use_words(left[nth]..left[nth] + 1, Stage::Condition);
    }
    found.push(FoundCondition { filter, reading, fields: vec![field], is_value: false });
}

/// Uses the words that introduce a text and mean nothing without it: "because of", "saying that".
fn use_cues(reader: &mut Reader<'_>, place: usize) {
    for before in (place.saturating_sub(CUE_REACH)..place).rev() {
        if reader.used[before].is_none() && TEXT_CUES.contains(&reader.text(before)) {
            reader.use_words(before..before + 1, Stage::Condition);
        }
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
