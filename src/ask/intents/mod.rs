//! What is asked for: the cues of each intent, tried from the most specific on.

mod computed;
mod contrast;
mod counted;
mod things;
mod times;
mod why;

use super::conditions::FoundCondition;
use super::entities::FoundEntity;
use super::filters::types_of;
use super::kinds::FoundKind;
use super::lexicon::CLUSTER_EVENTS;
use super::options::AskOptions;
use super::pieces::Pieces;
use super::question::Intent;
use super::reader::{Reader, Stage};
use super::subject::Subject;
use crate::query::{Filter, GroupKey, TimeRange};

/// What the other stages have found.
struct Found<'a> {
    kinds: &'a [FoundKind],
    entities: &'a [FoundEntity],
    subject: Option<&'a Subject>,
    ranges: &'a [(TimeRange, String)],
    /// Whether fields or attributes are named.
    has_conditions: bool,
    /// The conditions.
    conditions: Vec<&'a FoundCondition>,
    /// Kinds, entities and time without the conditions.
    without_conditions: Filter,
    /// Kinds, entities, conditions and time together.
    filter: Filter,
    /// The same without the kinds.
    without_kinds: Filter,
    now_us: i64,
    offset_seconds: i32,
    /// The instant asked about, if it is one.
    instant_us: Option<i64>,
}

impl<'a> Found<'a> {
    fn of(pieces: &'a Pieces, options: &AskOptions) -> Self {
        Self {
            kinds: &pieces.kinds,
            entities: &pieces.entities,
            subject: pieces.subject.as_ref(),
            ranges: &pieces.ranges,
            has_conditions: !pieces.conditions.is_empty() || !pieces.attributes.is_empty(),
            conditions: pieces.conditions.iter().collect(),
            without_conditions: pieces.without_conditions(),
            filter: pieces.filter(),
            without_kinds: pieces.without_kinds(),
            now_us: options.now_us,
            offset_seconds: options.zone.offset_seconds(options.now_us),
            instant_us: pieces.instant_us,
        }
    }

    fn types(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|kind| !kind.negated).flat_map(|kind| kind.types.iter().map(String::as_str))
    }

    /// The types, as names that are kept.
    fn type_names(&self) -> Vec<String> {
        self.types().map(str::to_owned).collect()
    }

    fn has_type(&self, name: &str) -> bool {
        self.types().any(|found| found == name)
    }

    fn has_type_of(&self, family: &str) -> bool {
        self.types().any(|found| found.starts_with(family))
    }

    fn named(&self) -> Vec<&FoundEntity> {
        self.entities.iter().filter(|entity| !entity.negated).collect()
    }

    fn field(&self) -> Option<&str> {
        self.subject.map(|subject| subject.field.as_str())
    }

    /// Whether the things that are asked about are said at a place.
    fn is_subject_at(&self, place: usize) -> bool {
        self.subject.is_some_and(|subject| subject.places.contains(&place))
    }

    fn at_us(&self) -> i64 {
        let until = self.ranges.first().and_then(|(range, _)| range.until_us);
        self.instant_us.or(until).unwrap_or(self.now_us).min(self.now_us)
    }
}

/// The intent, and whether a yes or no is asked for.
pub(crate) fn find(
    reader: &mut Reader<'_>,
    pieces: &mut Pieces,
    options: &AskOptions,
) -> Result<(Intent, bool), String> {
    if let Some(absent) = contrast::lacking(reader, pieces)? {
        return Ok((Intent::Absence(absent), false));
    }
    of_cluster(reader, pieces);
    // The order of answers anyway.
    reader.cue_unused(&[
        &["oldest", "first"],
        &["chronologically"],
        &["in", "order"],
        &["in", "chronological", "order"],
    ]);
    let found = Found::of(pieces, options);
    if let Some(intent) = why::find(reader, &found) {
        return Ok((intent, false));
    }
    // A function that finds its field goes first; one that does not may still be a duration or a rate.
    let function = computed::function(reader, &found);
    if let Some(Ok(intent)) = function {
        return Ok((intent, false));
    }
    if let Some(intent) = computed::duration(reader, &found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = computed::rate(reader, &found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = contrast::compare(reader, &found) {
        return Ok((intent, false));
    }
    if let Some(intent) = contrast::absence(reader, &found) {
        return Ok((intent, false));
    }
    if let Some(Err(reason)) = function {
        return Err(reason);
    }
    of_whole_cluster(reader);
    let yes_no = asks_yes_or_no(reader);
    if let Some(intent) = things::status(reader, &found, yes_no) {
        return Ok((intent, yes_no));
    }
    if let Some(intent) = counted::top(reader, &found) {
        return Ok((intent, false));
    }
    let counts = counted::is_count(reader, &found);
    if let Some(key) = counted::group_key(reader, &found.type_names(), found.offset_seconds, true) {
        return Ok((Intent::Groups { key }, false));
    }
    if counts {
        return Ok((Intent::Count(counted::counted(reader, &found)), false));
    }
    let times = times::find(reader, &found);
    let asks_which = !yes_no || ["which", "who", "what"].iter().any(|word| reader.has(word));
    if let Some(field) = things::which(reader, &found).filter(|_| asks_which) {
        return Ok((Intent::Entities { field, times }, false));
    }
    if times.is_some() {
        return Err("how often something happened can be asked of agents, nodes and other things".to_owned());
    }
    if let Some(entity) = things::timeline(reader, &found).filter(|_| !yes_no) {
        return Ok((Intent::Timeline { entity }, false));
    }
    let (limit, newest) = counted::first_or_last(reader, &found);
    reader.cue_unused(&[&["history"], &["timeline"], &["chronology"]]);
    Ok((Intent::List { limit, newest }, yes_no))
}

/// What a continued question is to be grouped by, if it says that.
pub(crate) fn group_key(
    reader: &mut Reader<'_>,
    pieces: &Pieces,
    before: &Filter,
    options: &AskOptions,
) -> Option<GroupKey> {
    let found = Found::of(pieces, options);
    let own = found.type_names();
    let types = if own.is_empty() { types_of(before) } else { own };
    counted::group_key(reader, &types, found.offset_seconds, false)
}

fn asks_yes_or_no(reader: &Reader<'_>) -> bool {
    let polite = |word: &str| {
        matches!(
            word,
            "please" | "hey" | "hi" | "hello" | "so" | "ok" | "okay" | "and" | "tell" | "me" | "if" | "whether"
        )
    };
    let first = reader.tokens.iter().map(|token| token.text.as_str()).find(|word| !polite(word));
    let opens = |word| {
        matches!(
            word,
            "did"
                | "was"
                | "were"
                | "is"
                | "are"
                | "has"
                | "have"
                | "had"
                | "do"
                | "does"
                | "any"
                | "anything"
                | "anybody"
                | "anyone"
        )
    };
    // "node-def456 is running, right?" and "agent-005 - did it ever come back?".
    let last = reader.tokens.last().map_or("", |token| token.text.as_str());
    let tagged = matches!(last, "right" | "correct" | "yes" | "no") && (reader.has("is") || reader.has("are"));
    let inner = [["did", "it"], ["has", "it"], ["was", "it"], ["is", "it"], ["did", "they"], ["have", "they"]];
    let asks_inside = inner.iter().any(|phrase| reader.find(phrase).is_some())
        && !["when", "why", "how", "what", "where"].iter().any(|word| reader.has(word));
    tagged
        || asks_inside
        || first.is_some_and(opens)
        || reader.find(&["were", "there", "any"]).is_some()
        || reader.find(&["was", "there"]).is_some()
}

/// "In the cluster", "across the whole grid": everything is.
fn of_whole_cluster(reader: &mut Reader<'_>) {
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) || !matches!(reader.text(place), "cluster" | "grid") {
            continue;
        }
        let mut before = place;
        while before > 0 && matches!(reader.text(before - 1), "the" | "our" | "this" | "whole" | "entire" | "my") {
            before -= 1;
        }
        let cue = before.checked_sub(1).map_or("", |at| reader.text(at));
        if matches!(cue, "in" | "on" | "across" | "of" | "within" | "throughout" | "for" | "from" | "over" | "around") {
            reader.use_words(place..place + 1, Stage::Intent);
        }
    }
}

/// "The history of the cluster": the kinds that the cluster has for itself.
fn of_cluster(reader: &mut Reader<'_>, pieces: &mut Pieces) {
    let asked = [
        &["history"][..],
        &["timeline"],
        &["what", "happened"],
        &["events"],
        &["everything"],
        &["changes"],
        &["going", "on"],
        &["story"],
    ];
    let names_nothing = pieces.kinds.is_empty() && pieces.entities.is_empty() && pieces.subject.is_none();
    if names_nothing && reader.find_free(&["cluster"]) && asked.iter().any(|phrase| reader.find(phrase).is_some()) {
        reader.cue(&asked);
        reader.cue(&[&["cluster"], &["health"], &["state"], &["status"]]);
        let types = CLUSTER_EVENTS.iter().map(|name| (*name).to_owned()).collect();
        pieces.kinds.push(FoundKind { types, wider: Vec::new(), words: 0..0, negated: false, lacking: false });
    }
}
