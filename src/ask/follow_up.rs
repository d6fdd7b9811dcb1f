//! Questions that continue the one before: "and yesterday?", "only agent-002", "why?".
//!
//! What is said anew replaces what was said of the same sort; everything else stays as it was.

use super::filters::{without_entities, without_time, without_types};
use super::intents;
use super::options::AskOptions;
use super::pieces::Pieces;
use super::question::{Counted, Direction, Intent, Question, StatusOf, ValueOf, WhyTarget};
use super::reader::{Reader, Stage};
use super::understand;
use crate::event::Entity;
use crate::query::{Filter, TimeRange};

/// Openings that always continue a question.
const ALWAYS: &[&[&str]] = &[&["and"], &["same"], &["the", "same"]];
/// Openings that continue a question, where there was one.
const WITH_PREVIOUS: &[&[&str]] = &[
    &["what", "about"],
    &["how", "about"],
    &["only"],
    &["just"],
    &["but"],
    &["now"],
    &["then"],
    &["or"],
    &["except"],
    &["without"],
    &["not"],
    &["per"],
    &["by"],
    &["also"],
];
/// Words that a fragment is made of beside what it asks.
const SMALL: &[&str] = &[
    "is", "was", "did", "does", "it", "that", "this", "they", "them", "these", "those", "so", "the", "ones", "one",
    "happen", "happened", "were", "are", "exactly", "many", "of", "there", "for", "with", "me", "too", "also", "again",
    "please", "thing", "but", "on", "in", "only", "just", "show", "list",
];

/// Whether a question opens as one that continues another; the words that say so are used.
pub(crate) fn opening(reader: &mut Reader<'_>, options: &AskOptions) -> bool {
    let openings = ALWAYS.iter().chain(WITH_PREVIOUS.iter().filter(|_| options.previous.is_some()));
    let found = openings.copied().find(|phrase| reader.find(phrase).is_some_and(|words| words.start == 0));
    let Some(phrase) = found else { return false };
    // What excludes is read together with what it excludes.
    if !matches!(phrase[0], "except" | "without" | "not" | "per" | "by") {
        reader.use_words(0..phrase.len(), Stage::Intent);
    }
    true
}

/// Whether a question is a mere fragment: "why?", "yesterday?", "how many?".
pub(crate) fn is_fragment(reader: &Reader<'_>, pieces: &Pieces) -> bool {
    let rest = |from: usize| {
        (from..reader.tokens.len())
            .all(|place| reader.used[place] == Some(Stage::Time) || SMALL.contains(&reader.text(place)))
    };
    let asks = matches!(reader.text(0), "why" | "when" | "who" | "how" | "which" | "where") && rest(1);
    pieces.names_nothing_but_time() && (asks || rest(0))
}

/// The question that continues the previous one.
pub(crate) fn continued(reader: &mut Reader<'_>, pieces: &Pieces, options: &AskOptions) -> Result<Question, String> {
    let Some(previous) = &options.previous else {
        return Err("it continues a question, and none was asked before".to_owned());
    };
    let mut question = previous.clone();
    let key = intents::group_key(reader, pieces, &previous.filter, options);
    let asked = asked(reader, &question, pieces);
    for place in 0..reader.tokens.len() {
        if reader.used[place].is_none() && SMALL.contains(&reader.text(place)) {
            reader.used[place] = Some(Stage::Intent);
        }
    }
    if let Some((_, reason)) = understand::left_over(reader) {
        return Err(reason);
    }
    if pieces.is_empty() && asked.is_none() && key.is_none() {
        return Err("it does not say what is to be different from the question before".to_owned());
    }
    question.filter = replaced(&question.filter, pieces);
    if let [(range, _)] = pieces.ranges.as_slice() {
        question.range = *range;
    }
    question.intent = match (asked, key) {
        (Some(intent), _) => intent,
        (None, Some(key)) => Intent::Groups { key },
        (None, None) => adjusted(&previous.intent, pieces, options)?,
    };
    if let Intent::Why { target, .. } = &mut question.intent {
        target.filter = question.filter.clone();
        question.yes_no = false;
    }
    question.unknown = understand::unknown(reader, pieces).map_err(|error| error.to_string())?;
    let about = match question.intent {
        Intent::Status { .. } => String::new(),
        _ => format!(", of {}", question.filter),
    };
    question.reading = format!("{}{about} (the question before, continued)", super::reading::asked(&question));
    question.alternatives = understand::alternatives(&question);
    Ok(question)
}

/// What a fragment asks of the same events.
fn asked(reader: &mut Reader<'_>, question: &Question, pieces: &Pieces) -> Option<Intent> {
    if reader.cue(&[&["why"], &["what", "caused"], &["how", "come"]]) {
        let entity = pieces.entities.iter().find(|entity| !entity.negated).map(|entity| entity.name.clone());
        let target = WhyTarget { filter: question.filter.clone(), entity };
        return Some(Intent::Why { target, direction: Direction::Causes });
    }
    if reader.cue(&[&["how", "many"], &["count"], &["how", "often"]]) {
        return Some(Intent::Count(Counted::Events));
    }
    if reader.cue(&[&["when"], &["list"], &["show"]]) {
        return Some(Intent::List { limit: None, newest: false });
    }
    if reader.cue(&[&["which"], &["who"]]) {
        let field = pieces.subject.as_ref().map(|subject| subject.field.clone()).or_else(|| question.subject.clone());
        return field.map(|field| Intent::Entities { field, times: None });
    }
    None
}

/// The filter with what was said anew in place of what was said before.
fn replaced(filter: &Filter, pieces: &Pieces) -> Filter {
    let mut filter = filter.clone();
    if !pieces.ranges.is_empty() {
        filter = without_time(&filter);
    }
    if pieces.entities.iter().any(|entity| !entity.negated) {
        filter = without_entities(&filter);
    }
    if pieces.kinds.iter().any(|kind| !kind.negated) {
        filter = without_types(&filter);
    }
    filter.and(pieces.filter())
}

/// The intent of the question before, about what was said anew.
fn adjusted(intent: &Intent, pieces: &Pieces, options: &AskOptions) -> Result<Intent, String> {
    let entity = pieces.entities.iter().find(|entity| !entity.negated).map(|entity| entity.name.clone());
    Ok(match (intent.clone(), entity) {
        (Intent::Timeline { .. }, Some(entity)) if pieces.kinds.is_empty() => Intent::Timeline { entity },
        (Intent::Timeline { .. }, _) if !pieces.kinds.is_empty() => Intent::List { limit: None, newest: false },
        (Intent::Status { of, at_us }, entity) => {
            let of = match (of, entity) {
                (StatusOf::Entity(before), Some(value)) => StatusOf::Entity(Entity { field: before.field, value }),
                (of, None) => of,
                (_, Some(_)) => return Err("the question before was not about one entity".to_owned()),
            };
            let until = pieces.ranges.first().and_then(|(range, _): &(TimeRange, String)| range.until_us);
            let at_us = pieces.instant_us.or(until).unwrap_or(at_us).min(options.now_us);
            Intent::Status { of, at_us }
        }
        (Intent::Value(ValueOf::Rate { attempts, outcomes }), _) => Intent::Value(ValueOf::Rate {
            attempts: replaced(&attempts, pieces),
            outcomes: replaced(&outcomes, pieces),
        }),
        (Intent::Compare(_), _) => return Err("a comparison cannot be continued; ask it anew".to_owned()),
        (intent, _) => intent,
    })
}
