//! Numbers of events: how many, by what, the most and the least, the first and the last.

use super::{Found, Reader, Stage};
use crate::ask::fields;
use crate::ask::question::{Counted, Intent};
use crate::query::{Bucket, GroupKey};

/// How many are given where "top" says no number.
const TOP_COUNT: usize = 5;

/// Whether a number of events is asked for.
pub(super) fn is_count(reader: &mut Reader<'_>, found: &Found<'_>) -> bool {
    let asked = reader.cue(&[
        &["how", "many"],
        &["number", "of"],
        &["count"],
        &["counts"],
        &["how", "often"],
        &["how", "frequently"],
        &["how", "much"],
        &["how", "many", "times"],
        &["total", "of"],
        &["total", "number", "of"],
        &["tally"],
        &["amount", "of"],
        &["numbers", "of"],
    ]);
    let total = !found.kinds.is_empty() && reader.cue(&[&["total"], &["overall"]]);
    if asked {
        reader.cue(&[
            &["total"],
            &["overall"],
            &["together"],
            &["altogether"],
            &["in", "all"],
            &["times"],
            &["number"],
        ]);
    }
    asked || total
}

pub(super) fn top(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let other_sense = [["most", "recent"], ["most", "recently"], ["at", "least"], ["at", "most"]];
    if other_sense.iter().any(|phrase| reader.find(phrase).is_some()) {
        return None;
    }
    let most = reader.cue(&[
        &["most"],
        &["top"],
        &["worst"],
        &["noisiest"],
        &["busiest"],
        &["flakiest"],
        &["highest", "number"],
        &["biggest"],
        &["mostly"],
        &["usually"],
        &["number", "one"],
        &["more", "than", "any", "other"],
        &["more", "than", "any"],
        &["more", "often", "than", "any", "other"],
    ]);
    let least = reader.cue(&[&["least"], &["fewest"], &["lowest", "number"], &["quietest"]]);
    let common = reader.cue(&[
        &["commonest"],
        &["common"],
        &["frequent"],
        &["main", "reason*"],
        &["main", "cause*"],
        &["leading", "cause*"],
        &["chief"],
        &["typically"],
        &["usual"],
        &["typical"],
        &["primary"],
        &["chiefly"],
    ]);
    if !most && !least && !common {
        return None;
    }
    reader.cue(&[
        &["frequently"],
        &["often"],
        &["offenders"],
        &["offender"],
        &["number", "of"],
        &["how", "many"],
        &["common"],
        &["frequent"],
        &["by", "number", "of"],
        &["by", "count"],
    ]);
    let mut count = 1;
    for place in 0..reader.tokens.len() {
        let is_cue =
            matches!(reader.text(place), "top" | "worst" | "most" | "noisiest" | "biggest" | "fewest" | "least");
        if !is_cue {
            continue;
        }
        let number = |at: usize| small_number(reader.text(at)).filter(|_| reader.used.get(at) == Some(&None));
        // "Top 3 agents", and "the 3 agents with the most crashes", "3 most common errors".
        let behind = number(place + 1).map(|number| (number, place + 1));
        let found_number = behind.or_else(|| {
            (1..=5).filter_map(|back| place.checked_sub(back)).find_map(|at| number(at).map(|number| (number, at)))
        });
        if let Some((number, at)) = found_number {
            count = number;
            reader.use_words(at..at + 1, Stage::Intent);
            break;
        }
        if reader.text(place) == "top" {
            let next = place + 1;
            let is_plural = fields::singular(reader.text(next)) != reader.text(next);
            count =
                if is_plural || found.is_subject_at(next) && reader.text(next).ends_with('s') { TOP_COUNT } else { 1 };
        }
    }
    let key = top_key(reader, found);
    Some(Intent::Top { key, count, least: least && !most })
}

/// What the events are counted by where the most are asked for.
fn top_key(reader: &mut Reader<'_>, found: &Found<'_>) -> GroupKey {
    let types = found.type_names();
    if let Some(key) = group_key(reader, &types, found.offset_seconds, false) {
        return key;
    }
    let why = reader.cue(&[
        &["cause*"],
        &["reason*"],
        &["error", "message*"],
        &["error", "text*"],
        &["why"],
        &["explanation*"],
    ]);
    // "What do tasks mostly fail from".
    let last = reader.tokens.last().map_or("", |token| token.text.as_str());
    let why = why || matches!(last, "from" | "of" | "with") && reader.has("what");
    let error = unused_cue(reader, &["error", "errors"]) || reader.has("error");
    if why || error {
        let field =
            ["error", "reason", "message"].into_iter().find(|field| reader.names.has_field_among(&types, field));
        let field = field.or_else(|| ["error", "reason"].into_iter().find(|field| reader.names.has_field(field)));
        if let Some(field) = field {
            reader.cue(&[&["message*"], &["text*"]]);
            return GroupKey::Field(field.to_owned());
        }
    }
    for (words, bucket) in [
        (&["day", "days", "date"][..], Bucket::Day),
        (&["hour", "hours"], Bucket::Hour),
        (&["minute", "minutes"], Bucket::Minute),
    ] {
        if unused_cue(reader, words) {
            return GroupKey::Time { bucket, offset_seconds: found.offset_seconds };
        }
    }
    if reader.has("who") {
        return GroupKey::Field(super::things::who(reader, found));
    }
    if let Some(field) = found.field() {
        return GroupKey::Field(field.to_owned());
    }
    for place in 0..reader.tokens.len() {
        if reader.is_unused(place)
            && let Some((field, words)) = fields::from(reader, place, &types)
            && words.clone().all(|at| reader.is_unused(at))
        {
            reader.use_words(words, Stage::Intent);
            return GroupKey::Field(field);
        }
    }
    reader.cue(&[&["type"], &["types"], &["kind"], &["kinds"]]);
    GroupKey::Type
}

/// What the events are counted by: "per agent", "by hour", "grouped by reason".
///
/// "Each agent" only groups where nothing else does, and "a day" only where a number is asked for.
pub(super) fn group_key(
    reader: &mut Reader<'_>,
    types: &[String],
    offset_seconds: i32,
    grouped_alone: bool,
) -> Option<GroupKey> {
    let grouped = reader.cue(&[
        &["grouped"],
        &["group"],
        &["groups"],
        &["break", "down"],
        &["broken", "down"],
        &["breakdown"],
        &["broken", "out"],
        &["split"],
        &["break"],
        &["summarised"],
        &["summarized"],
        &["aggregated"],
        &["distributed"],
        &["spread"],
        &["bucketed"],
        &["histogram"],
        &["distribution"],
        &["sorted"],
    ]);
    if reader.has("break") || reader.has("broken") {
        reader.cue_unused(&[&["down"]]);
    }
    let buckets = [("minute", Bucket::Minute), ("hour", Bucket::Hour), ("day", Bucket::Day)];
    for (unit, bucket) in buckets {
        if reader.cue_unused(&[&[unit, "by", unit]]) {
            return Some(GroupKey::Time { bucket, offset_seconds });
        }
    }
    for (unit, bucket) in buckets {
        for cue in ["per", "by", "each", "every", "a"] {
            // "A day" groups only beside a number that is asked for.
            if cue == "a" && !(reader.has("many") || grouped) {
                continue;
            }
            let found = reader.find(&[cue, unit]).filter(|words| reader.used[words.start].is_none());
            if let Some(words) = found {
                reader.use_words(words, Stage::Intent);
                return Some(GroupKey::Time { bucket, offset_seconds });
            }
        }
    }
    for (word, bucket) in [("hourly", Bucket::Hour), ("daily", Bucket::Day)] {
        if reader.cue(&[&[word]]) {
            return Some(GroupKey::Time { bucket, offset_seconds });
        }
    }
    for cue in ["per", "by", "each", "every", "across", "over"] {
        let places: Vec<usize> = (0..reader.tokens.len()).filter(|&place| reader.text(place) == cue).collect();
        for place in places {
            // Of what time and comparisons use, nothing is a cue.
            if reader.used[place].is_some() && cue != "by" || matches!(cue, "across" | "over") && !grouped {
                continue;
            }
            if let Some((key, end)) = key_at(reader, types, place + 1) {
                reader.use_words(place..end, Stage::Intent);
                return Some(key);
            }
        }
    }
    if !grouped || !grouped_alone {
        return None;
    }
    // "Exit codes of crashes, grouped".
    let (field, words) = (0..reader.tokens.len()).filter(|&place| reader.is_unused(place)).find_map(|place| {
        fields::from(reader, place, types).filter(|(_, words)| words.clone().all(|at| reader.is_unused(at)))
    })?;
    reader.use_words(words, Stage::Intent);
    Some(GroupKey::Field(field))
}

/// The key that stands at a place, and where its words end.
fn key_at(reader: &Reader<'_>, types: &[String], place: usize) -> Option<(GroupKey, usize)> {
    let mut next = place;
    while matches!(reader.text(next), "the" | "each" | "every" | "of" | "its" | "their" | "individual") {
        next += 1;
    }
    let field = |name: &str| Some((GroupKey::Field(name.to_owned()), next + 1));
    match reader.text(next) {
        "event" if matches!(reader.text(next + 1), "type" | "kind") => Some((GroupKey::Type, next + 2)),
        "type" | "types" | "kind" | "kinds" => Some((GroupKey::Type, next + 1)),
        "agent" | "agents" => field("agent_id"),
        "node" | "nodes" => field("node_id"),
        _ => {
            let (field, words) = fields::from(reader, next, types)?;
            // "Reported by agent-001", "killed by signal 9": what is used by another stage is no key.
            let is_free = words.clone().all(|at| reader.is_unused(at) || reader.used[at] == Some(Stage::Subject));
            is_free.then_some((GroupKey::Field(field), words.end))
        }
    }
}

/// Whether events are counted, or the things that they are about.
pub(super) fn counted(reader: &Reader<'_>, found: &Found<'_>) -> Counted {
    let distinct = ["distinct", "different", "unique", "separate", "individual"].iter().any(|word| reader.has(word));
    let Some(field) = found.field() else { return Counted::Events };
    // "How many agents went offline" asks for agents; "how many nodes crashed" for crashes.
    let of_things = field != "node_id"
        && ["many", "of", "count"].iter().any(|cue| {
            (0..reader.tokens.len()).any(|place| {
                if reader.text(place) != *cue
                    || *cue == "of" && !matches!(reader.text(place.wrapping_sub(1)), "number" | "many")
                {
                    return false;
                }
                let mut next = place + 1;
                while matches!(reader.text(next), "of" | "the" | "our" | "my" | "other") {
                    next += 1;
                }
                // "How many pod evictions" asks for evictions.
                found.is_subject_at(next) && fields::singular(reader.text(next)) != reader.text(next)
            })
        });
    // "How many pods were evicted" asks for evictions, as with nodes; "how many agents were" for agents.
    let is_passive = field != "agent_id" && ["were", "was", "got"].iter().any(|word| reader.has(word));
    if distinct || of_things && !is_passive { Counted::Distinct(field.to_owned()) } else { Counted::Events }
}

/// "The first 5", "the last three", "the latest", "three most recent": how many, and whether the newest.
pub(super) fn first_or_last(reader: &mut Reader<'_>, found: &Found<'_>) -> (Option<usize>, bool) {
    if reader.cue_unused(&[&["newest", "first"], &["latest", "first"], &["most", "recent", "first"]]) {
        return (None, true);
    }
    for (cue, newest) in [
        ("last", true),
        ("final", true),
        ("latest", true),
        ("newest", true),
        ("recent", true),
        ("recently", true),
        ("first", false),
        ("earliest", false),
        ("oldest", false),
    ] {
        let place = (0..reader.tokens.len()).find(|&place| reader.text(place) == cue && reader.used[place].is_none());
        let Some(place) = place else { continue };
        reader.use_words(place..place + 1, Stage::Intent);
        let mut before = place;
        if before > 0 && reader.text(before - 1) == "most" {
            before -= 1;
            reader.use_words(before..place, Stage::Intent);
        }
        let number = |at: usize| small_number(reader.text(at)).filter(|_| reader.used.get(at) == Some(&None));
        let said = number(place + 1)
            .map(|number| (number, place + 1))
            .or_else(|| before.checked_sub(1).and_then(|at| number(at).map(|number| (number, at))));
        if let Some((number, at)) = said {
            reader.use_words(at..at + 1, Stage::Intent);
            return (Some(number), newest);
        }
        // "The most recent crash" is one; "recent crashes" are all of them.
        let mut noun = place + 1;
        while noun < reader.tokens.len() && (found.is_subject_at(noun) || matches!(reader.text(noun), "log" | "time")) {
            noun += 1;
        }
        let is_plural = fields::singular(reader.text(noun)) != reader.text(noun);
        let all = matches!(cue, "recent" | "recently") && (is_plural || before == place);
        return (if all { None } else { Some(1) }, newest);
    }
    (None, false)
}

/// A number of things in digits or words.
pub(super) fn small_number(word: &str) -> Option<usize> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let by_word = WORDS.iter().position(|number| *number == word).map(|place| place + 1);
    word.parse().ok().or(by_word).filter(|&number: &usize| number > 0)
}

/// Whether one of these words stands where nothing has used it; it is used then.
fn unused_cue(reader: &mut Reader<'_>, words: &[&str]) -> bool {
    let Some(found) = words.iter().find_map(|word| reader.find_unused(&[*word])) else { return false };
    reader.use_words(found, Stage::Intent);
    true
}
