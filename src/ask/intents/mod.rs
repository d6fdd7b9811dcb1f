//! What is asked for: the cues of each intent, tried from the most specific on.

mod computed;
mod contrast;
mod things;

use super::entities::FoundEntity;
use super::kinds::FoundKind;
use super::lexicon::FAILURES;
use super::question::{Direction, Intent, WhyTarget};
use super::reader::{Reader, Stage};
use crate::query::{Filter, TimeRange};

/// What the other stages have found.
pub(crate) struct Found<'a> {
    pub(crate) kinds: &'a [FoundKind],
    pub(crate) entities: &'a [FoundEntity],
    pub(crate) subject: Option<&'a str>,
    pub(crate) ranges: &'a [(TimeRange, String)],
    /// Whether fields or attributes are named.
    pub(crate) has_conditions: bool,
    /// Kinds, entities, conditions and time together.
    pub(crate) filter: &'a Filter,
    /// The same without the kinds.
    pub(crate) without_kinds: &'a Filter,
    pub(crate) now_us: i64,
    pub(crate) offset_seconds: i32,
    /// The instant asked about, if it is one.
    pub(crate) instant_us: Option<i64>,
}

impl Found<'_> {
    fn types(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|kind| !kind.negated).flat_map(|kind| kind.types.iter().map(String::as_str))
    }

    fn has_type(&self, name: &str) -> bool {
        self.types().any(|found| found == name)
    }

    fn named(&self) -> Vec<&FoundEntity> {
        self.entities.iter().filter(|entity| !entity.negated).collect()
    }

    fn at_us(&self) -> i64 {
        let until = self.ranges.first().and_then(|(range, _)| range.until_us);
        self.instant_us.or(until).unwrap_or(self.now_us).min(self.now_us)
    }
}

/// The intent, and whether a yes or no is asked for.
pub(crate) fn find(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<(Intent, bool), String> {
    if let Some(intent) = why(reader, found) {
        return Ok((intent, false));
    }
    // A function that finds its field goes first; one that does not may still be a duration or a rate.
    let function = computed::function(reader);
    if let Some(Ok(intent)) = function {
        return Ok((intent, false));
    }
    if let Some(intent) = computed::duration(reader, found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = computed::rate(reader, found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = contrast::compare(reader, found) {
        return Ok((intent, false));
    }
    if let Some(intent) = contrast::absence(reader, found) {
        return Ok((intent, false));
    }
    if let Some(Err(reason)) = function {
        return Err(reason);
    }
    let yes_no = reader.tokens.first().is_some_and(|token| {
        matches!(
            token.text.as_str(),
            "did" | "was" | "were" | "is" | "are" | "has" | "have" | "had" | "do" | "does" | "any"
        )
    });
    if let Some(intent) = things::status(reader, found, yes_no) {
        return Ok((intent, yes_no));
    }
    if let Some(intent) = things::top(reader, found) {
        return Ok((intent, false));
    }
    let counts = reader.cue(&[
        &["how", "many"],
        &["number", "of"],
        &["count"],
        &["how", "often"],
        &["how", "much"],
        &["total", "of"],
    ]);
    if let Some(key) = things::group_key(reader, found.offset_seconds) {
        return Ok((Intent::Groups { key }, false));
    }
    if counts {
        return Ok((Intent::Count(things::counted(reader, found)), false));
    }
    if let Some(field) = things::which(reader, found) {
        return Ok((Intent::Entities { field }, false));
    }
    if let Some(entity) = timeline(reader, found) {
        return Ok((Intent::Timeline { entity }, false));
    }
    let (limit, newest) = first_or_last(reader);
    Ok((Intent::List { limit, newest }, yes_no))
}

fn why(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let effects = reader.cue(&[
        &["lead", "to"],
        &["led", "to"],
        &["result", "in"],
        &["resulted", "in"],
        &["consequences"],
        &["consequence"],
        &["effects"],
        &["effect"],
        &["impact"],
        &["aftermath"],
        &["knock-on"],
    ]);
    let causes = reader.cue(&[
        &["why"],
        &["what", "caused"],
        &["caused"],
        &["root", "cause"],
        &["cause", "of"],
        &["causes", "of"],
        &["how", "come"],
        &["reason", "for"],
        &["reasons", "for"],
        &["explain"],
        &["what", "made"],
        &["triggered"],
        &["what", "led"],
    ]);
    // "The most common cause" asks for a text, not for a chain.
    if !effects && !causes || reader.has("common") || reader.has("frequent") {
        return None;
    }
    reader.cue(&[&["cause"], &["reason"], &["behind"]]);
    let direction = if effects && !causes { Direction::Effects } else { Direction::Causes };
    let filter = if found.kinds.is_empty() {
        let failures = Filter::Or(FAILURES.iter().map(|name| Filter::event_type(*name)).collect());
        found.without_kinds.clone().and(failures)
    } else {
        found.filter.clone()
    };
    let entity = found.named().first().map(|entity| entity.name.clone());
    Some(Intent::Why { target: WhyTarget { filter, entity }, direction })
}

fn timeline(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
    let named = found.named();
    let [entity] = named.as_slice() else { return None };
    let asked = reader.cue(&[
        &["timeline"],
        &["history"],
        &["what", "happened"],
        &["what", "did"],
        &["what", "has"],
        &["what", "was"],
        &["tell", "me", "about"],
        &["life", "of"],
        &["story"],
        &["everything"],
        &["activity"],
        &["up", "to"],
        &["what", "is", "up", "with"],
        &["what", "about"],
    ]);
    (asked && found.kinds.is_empty() || found.kinds.is_empty() && found.entities.len() == 1)
        .then(|| entity.name.clone())
}

/// "The first 5", "the last three", "the latest": how many, and whether the newest.
fn first_or_last(reader: &mut Reader<'_>) -> (Option<usize>, bool) {
    for (cue, newest) in [
        ("last", true),
        ("latest", true),
        ("newest", true),
        ("recent", true),
        ("recently", true),
        ("first", false),
        ("earliest", false),
        ("oldest", false),
    ] {
        let Some(words) = reader.find(&[cue]) else { continue };
        if reader.used[words.start] == Some(Stage::Time) {
            continue;
        }
        reader.use_words(words.clone(), Stage::Intent);
        if let Some(number) = small_number(reader.text(words.end)) {
            reader.use_words(words.end..words.end + 1, Stage::Intent);
            return (Some(number), newest);
        }
        let plural = cue == "recent" || cue == "recently";
        return (if plural { None } else { Some(1) }, newest);
    }
    (None, false)
}

/// A number of things in digits or words.
pub(crate) fn small_number(word: &str) -> Option<usize> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let by_word = WORDS.iter().position(|number| *number == word).map(|place| place + 1);
    word.parse().ok().or(by_word).filter(|&number: &usize| number > 0)
}
