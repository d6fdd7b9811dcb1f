//! Intents whose answer is a number: durations, rates, functions of a field.

use super::Found;
use crate::ask::conditions::field_from;
use crate::ask::lexicon::SPAWNS;
use crate::ask::question::{Function, Intent, ValueOf};
use crate::ask::reader::{Reader, Stage};
use crate::query::Filter;

pub(super) fn duration(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<Option<Intent>, String> {
    let how_long =
        reader.cue(&[&["how", "long"], &["for", "how", "long"], &["how", "quickly"], &["how", "fast"], &["duration"]]);
    let longest = reader.cue(&[&["longest"], &["slowest"]]);
    let shortest = reader.cue(&[&["shortest"], &["fastest"], &["quickest"]]);
    let downtime = reader.has("downtime");
    if !how_long && !longest && !shortest && !downtime {
        return Ok(None);
    }
    reader.cue(&[&["downtime"], &["average"], &["mean"], &["take"], &["took"], &["typical*"]]);
    let average = reader.has("average") || reader.has("mean");
    let function = if longest {
        Function::Maximum
    } else if shortest {
        Function::Minimum
    } else if average {
        Function::Average
    } else {
        Function::Sum
    };
    let pair = if found.has_type("agent_offline") || downtime {
        Some((vec!["agent_offline"], vec!["agent_recovered"], "agent_id"))
    } else if found.has_type("agent_degraded") {
        Some((vec!["agent_degraded"], vec!["agent_recovered", "agent_offline"], "agent_id"))
    } else if found.types().any(|name| SPAWNS.contains(&name)) {
        Some((vec!["spawn_requested"], vec!["spawn_succeeded", "spawn_failed"], "node_id"))
    } else if found.types().any(|name| name.starts_with("stop_")) {
        Some((vec!["stop_requested"], vec!["stop_succeeded", "stop_failed"], "node_id"))
    } else if found.types().any(|name| matches!(name, "node_crashed" | "node_restarted")) {
        Some((vec!["node_crashed"], vec!["node_restarted"], "node_id"))
    } else if reader.has("recover") || found.has_type("agent_recovered") {
        Some((vec!["agent_offline"], vec!["agent_recovered"], "agent_id"))
    } else {
        None
    };
    let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    match pair {
        Some((start, end, field)) => {
            let function = if matches!(function, Function::Sum) && found.named().is_empty() {
                Function::Average
            } else {
                function
            };
            let value =
                ValueOf::Duration { start_types: own(start), end_types: own(end), field: field.to_owned(), function };
            Ok(Some(Intent::Value(value)))
        }
        None => Err("it does not say between which events the time is asked for".to_owned()),
    }
}

pub(super) fn rate(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<Option<Intent>, String> {
    let asked = reader.cue(&[
        &["failure", "rate"],
        &["success", "rate"],
        &["crash", "rate"],
        &["error", "rate"],
        &["rate"],
        &["percentage"],
        &["percent"],
        &["proportion"],
        &["fraction"],
        &["share", "of"],
        &["ratio"],
    ]);
    if !asked {
        return Ok(None);
    }
    let of = |names: &[&str]| Filter::Or(names.iter().map(|name| Filter::event_type(*name)).collect());
    let success = reader.has("success") || reader.cue(&[&["succe*"]]);
    let attempts: &[&str] =
        if reader.has("stop") || reader.has("stops") || found.types().any(|name| name.starts_with("stop_")) {
            &["stop_succeeded", "stop_failed"]
        } else {
            &["spawn_succeeded", "spawn_failed"]
        };
    if found.types().any(|name| matches!(name, "node_crashed" | "agent_offline" | "node_restarted")) {
        // There are no attempts to crash: it is how often it happens.
        let unit_us = if reader.has("day") { 86_400_000_000 } else { 3_600_000_000 };
        reader.cue(&[&["per", "hour"], &["hourly"], &["per", "day"], &["daily"]]);
        return Ok(Some(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    let outcome = if success { attempts[0] } else { attempts[1] };
    reader.cue(&[&["spawn*"], &["stop*"], &["start*"], &["fail*"], &["attempts"]]);
    let value = ValueOf::Rate {
        attempts: found.without_kinds.clone().and(of(attempts)),
        outcomes: found.without_kinds.clone().and(of(&[outcome])),
    };
    Ok(Some(Intent::Value(value)))
}

pub(super) fn function(reader: &mut Reader<'_>) -> Option<Result<Intent, String>> {
    let percentile = (0..reader.tokens.len()).find_map(|place| {
        let text = reader.text(place);
        let number = text.strip_prefix('p').or_else(|| text.strip_suffix("th"))?;
        let number: f64 = number.parse().ok()?;
        let is_percentile = text.starts_with('p') || reader.text(place + 1).starts_with("percentile");
        (is_percentile && (0.0..=100.0).contains(&number)).then_some((number, place))
    });
    let (function, cue) = if let Some((number, place)) = percentile {
        reader.use_words(place..place + 1, Stage::Intent);
        reader.cue(&[&["percentile*"]]);
        (Function::Percentile(number), place)
    } else {
        let cues: [(&[&str], Function); 9] = [
            (&["average"], Function::Average),
            (&["mean"], Function::Average),
            (&["median"], Function::Percentile(50.0)),
            (&["maximum"], Function::Maximum),
            (&["max"], Function::Maximum),
            (&["highest"], Function::Maximum),
            (&["minimum"], Function::Minimum),
            (&["lowest"], Function::Minimum),
            (&["sum"], Function::Sum),
        ];
        let found =
            cues.into_iter().find_map(|(phrase, function)| reader.find(phrase).map(|words| (function, words.start)));
        let (function, place) =
            found.or_else(|| reader.find(&["largest"]).map(|words| (Function::Maximum, words.start)))?;
        reader.use_words(place..place + 1, Stage::Intent);
        (function, place)
    };
    // The field stands behind the function: "average cpu percent", "p95 of the latency".
    for place in cue..reader.tokens.len() {
        let is_free = reader.is_unused(place) || reader.used[place] == Some(Stage::Subject);
        if is_free && let Some((field, words)) = field_from(reader, place) {
            reader.use_words(words, Stage::Condition);
            return Some(Ok(Intent::Value(ValueOf::Field { function, field })));
        }
    }
    let per = reader.cue(&[&["per", "hour"], &["an", "hour"], &["hourly"]]);
    let per_day = reader.cue(&[&["per", "day"], &["a", "day"], &["daily"]]);
    if per || per_day {
        let unit_us = if per { 3_600_000_000 } else { 86_400_000_000 };
        return Some(Ok(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    Some(Err("it does not say of which field the number is asked for, or no event has that field".to_owned()))
}
