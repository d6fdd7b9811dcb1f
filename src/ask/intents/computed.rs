//! Intents whose answer is a number: durations, rates, functions of a field.

use super::Found;
use crate::ask::fields;
use crate::ask::filters::of_types;
use crate::ask::kinds::FoundKind;
use crate::ask::question::{Function, Intent, ValueOf};
use crate::ask::reader::{Reader, Stage};
use crate::ask::subject::Subject;
use crate::event::CLUSTER;

/// What the time between is asked of: the words, what starts it, what ends it, and the field that both share.
type Pair = (&'static [&'static str], &'static [&'static str], &'static str);

const OUTAGE: Pair = (&["agent_offline"], &["agent_recovered"], "agent_id");
const DEGRADED: Pair = (&["agent_degraded"], &["agent_recovered", "agent_offline"], "agent_id");
const SPAWN: Pair = (&["spawn_requested"], &["spawn_succeeded", "spawn_failed"], "node_id");
const STOP: Pair = (&["stop_requested"], &["stop_succeeded", "stop_failed"], "node_id");
const CRITICAL: Pair = (&["cluster_critical"], &["cluster_healthy", "cluster_degraded"], CLUSTER);
const CLUSTER_DEGRADED: Pair = (&["cluster_degraded"], &["cluster_healthy", "cluster_critical"], CLUSTER);
const CRASH: Pair = (&["node_crashed"], &["node_restarted"], "node_id");

pub(super) fn duration(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<Option<Intent>, String> {
    if reader.find(&["how", "long", "until"]).is_some()
        || reader.find(&["how", "long", "before"]).is_some() && reader.has("again")
    {
        return Err("it asks about the future, and only what has happened is recorded".to_owned());
    }
    let mut asked = reader.cue(&[
        &["how", "long"],
        &["for", "how", "long"],
        &["how", "quickly"],
        &["how", "fast"],
        &["how", "many", "minutes"],
        &["how", "many", "hours"],
        &["how", "many", "seconds"],
        &["how", "many", "ms"],
        &["how", "many", "milliseconds"],
        &["how", "much", "time"],
        &["duration"],
        &["length", "of"],
        &["time", "between"],
        &["time", "from"],
        &["time", "to"],
        &["delay", "between"],
        &["gap", "between"],
    ]);
    let longest = reader.cue(&[&["longest"], &["slowest"]]);
    let shortest = reader.cue(&[&["shortest"], &["fastest"], &["quickest"]]);
    let average = reader.cue(&[&["average"], &["avg"], &["mean"], &["typical*"], &["on", "average"], &["usual*"]]);
    let median = reader.cue(&[&["median"]]);
    let total = reader.cue(&[&["total"], &["overall"], &["in", "total"]]);
    let time_of = |word: &str| reader.find(&[word, "time"]).is_some() || reader.find(&[word, "times"]).is_some();
    let timed =
        ["spawn", "start", "startup", "stop", "recovery", "restart", "launch", "shutdown"].into_iter().any(time_of);
    asked |= timed;
    let said = |word: &str| reader.find_free(&[word]);
    let downtime =
        said("downtime") || (said("outage") || said("outages")) && (asked || longest || shortest || average || total);
    if !asked && !longest && !shortest && !downtime {
        return Ok(None);
    }
    let recovery = reader.has("recovery") || reader.has("recover") || reader.has("back") || reader.has("recoveries");
    let down = reader.has("down");
    reader.cue(&[
        &["downtime"],
        &["take"],
        &["took"],
        &["takes"],
        &["taken"],
        &["spawn", "time*"],
        &["time*"],
        &["spawning"],
        &["start", "time*"],
        &["startup"],
        &["down"],
        &["recovery"],
        &["stay*"],
        &["last"],
        &["lasted"],
        &["until"],
        &["spend"],
        &["spent"],
        &["out"],
    ]);
    let function = if longest {
        Function::Maximum
    } else if shortest {
        Function::Minimum
    } else if average {
        Function::Average
    } else if median {
        Function::Percentile(50.0)
    } else {
        Function::Sum
    };
    if let Some(pair) = between_kinds(reader, found) {
        reader.cue(&[&["after"], &["between"], &["following"], &["come", "back"], &["get"], &["being"]]);
        let ValuePair { start_types, end_types, field } = pair;
        let function = if function == Function::Sum && !total { Function::Average } else { function };
        return Ok(Some(Intent::Value(ValueOf::Duration { start_types, end_types, field, function })));
    }
    // Events that say themselves how long they took.
    if let Some(field) = fields::of_duration(reader, &found.type_names()).filter(|_| !found.kinds.is_empty())
        && !found.has_type_of("agent_")
    {
        let function = if function == Function::Sum && !total { Function::Average } else { function };
        return Ok(Some(Intent::Value(ValueOf::Field { function, field })));
    }
    let about_agent =
        found.field() == Some("agent_id") || found.named().iter().any(|entity| !entity.name.starts_with("node"));
    let pair = if found.has_type("cluster_critical") {
        Some(CRITICAL)
    } else if found.has_type("cluster_degraded") {
        Some(CLUSTER_DEGRADED)
    } else if found.has_type("agent_offline") || found.has_type("agent_recovered") {
        Some(OUTAGE)
    } else if found.has_type("agent_degraded") {
        Some(DEGRADED)
    } else if found.has_type_of("spawn_") || timed && (reader.has("startup") || reader.has("spawn")) {
        Some(SPAWN)
    } else if found.has_type_of("stop_") {
        Some(STOP)
    } else if found.has_type("node_crashed") || found.has_type("node_restarted") {
        Some(CRASH)
    } else if downtime || down || recovery {
        Some(if about_agent || found.subject.is_none() && found.named().is_empty() { OUTAGE } else { CRASH })
    } else {
        None
    };
    if pair == Some(CRASH) {
        reader.cue_unused(&[&["after"], &["following"]]);
    }
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match pair {
        Some((start, end, field)) => {
            let function = if matches!(function, Function::Sum) && found.named().is_empty() && !total {
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

/// Two kinds of which the time between is asked, in the order in which they happen.
struct ValuePair {
    start_types: Vec<String>,
    end_types: Vec<String>,
    field: String,
}

/// "From crash to restart", "the slowest restart after a crash", "between task submitted and task failed".
fn between_kinds(reader: &Reader<'_>, found: &Found<'_>) -> Option<ValuePair> {
    let positive: Vec<&FoundKind> = found.kinds.iter().filter(|kind| !kind.negated).collect();
    let [first, second] = positive.as_slice() else { return None };
    if first.types == second.types {
        return None;
    }
    let between = reader.tokens.get(first.words.end..second.words.start).unwrap_or_default();
    let reversed = between.iter().any(|token| matches!(token.text.as_str(), "after" | "following" | "since"));
    let (start, end) = if reversed { (second, first) } else { (first, second) };
    // What both name: the thing that the names of the types speak of, if there are several.
    let of_start = reader.names.fields_of(&start.types);
    let of_end = reader.names.fields_of(&end.types);
    let shared: Vec<&str> = of_start.intersection(&of_end).copied().filter(|field| field.ends_with("_id")).collect();
    let own = |field: &&&str| {
        start.types.iter().any(|name| field.strip_suffix("_id").is_some_and(|noun| name.starts_with(noun)))
    };
    let field =
        shared.iter().find(own).or_else(|| shared.iter().find(|field| **field == "node_id")).or(shared.first())?;
    Some(ValuePair { start_types: start.types.clone(), end_types: end.types.clone(), field: (*field).to_owned() })
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
    let success = reader.has("success") || reader.cue(&[&["succe*"], &["went", "well"], &["worked"]]);
    if found.types().any(|name| matches!(name, "node_crashed" | "agent_offline" | "node_restarted")) {
        // There are no attempts to crash: it is how often it happens.
        let unit_us = if reader.has("day") || reader.has("daily") { DAY_US } else { HOUR_US };
        reader.cue(&[&["per", "hour"], &["hourly"], &["per", "day"], &["daily"]]);
        return Ok(Some(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    let stops = reader.has("stop") || reader.has("stops") || reader.has("shutdown") || found.has_type_of("stop_");
    let spawns = found.has_type_of("spawn_")
        || ["spawn", "spawns", "spawning", "start", "launch"].iter().any(|word| reader.has(word));
    // Of other kinds it is not known what an attempt is.
    let of_grid = found.subject.is_none_or(Subject::is_of_grid);
    if !stops && !spawns && (!found.kinds.is_empty() || !of_grid) {
        return Err("a rate is known of spawns and stops, which succeed or fail".to_owned());
    }
    let attempts: &[&str] =
        if stops { &["stop_succeeded", "stop_failed"] } else { &["spawn_succeeded", "spawn_failed"] };
    let outcome = if success { attempts[0] } else { attempts[1] };
    reader.cue(&[
        &["spawn*"],
        &["stop*"],
        &["start*"],
        &["fail*"],
        &["attempts"],
        &["success"],
        &["shutdown*"],
        &["launch*"],
    ]);
    let value = ValueOf::Rate {
        attempts: found.without_kinds.clone().and(of_types(attempts.iter().copied())),
        outcomes: found.without_kinds.clone().and(of_types([outcome])),
    };
    Ok(Some(Intent::Value(value)))
}

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

pub(super) fn function(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Result<Intent, String>> {
    let types = found.type_names();
    let (function, cue) = percentile(reader).or_else(|| named_function(reader))?;
    // The field stands behind the function ("average cpu percent"), or before it ("read latency, average").
    let places = (cue + 1..reader.tokens.len()).chain((0..cue).rev());
    for place in places {
        let is_free =
            |at: usize| reader.is_unused(at) || matches!(reader.used[at], Some(Stage::Subject | Stage::Field));
        if is_free(place)
            && let Some((field, words)) = fields::from(reader, place, &types)
            && words.clone().all(is_free)
            && reader.names.has_field_among(&types, &field)
            && !field.ends_with("_id")
            && !(field == "downtime_seconds" && found.field() == Some("node_id"))
        {
            reader.use_words(words, Stage::Condition);
            return Some(Ok(Intent::Value(ValueOf::Field { function, field })));
        }
    }
    let per_hour = reader.cue(&[&["per", "hour"], &["an", "hour"], &["hourly"]]);
    let per_day = reader.cue(&[&["per", "day"], &["a", "day"], &["daily"]]);
    if per_hour || per_day {
        let unit_us = if per_hour { HOUR_US } else { DAY_US };
        return Some(Ok(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    if function == Function::Sum {
        // "Total crashes" counts.
        return None;
    }
    Some(Err("it does not say of which field the number is asked for, or no event has that field".to_owned()))
}

/// "p95", "95th percentile", "median".
fn percentile(reader: &mut Reader<'_>) -> Option<(Function, usize)> {
    let (number, place) = (0..reader.tokens.len()).filter(|&place| reader.is_unused(place)).find_map(|place| {
        let text = reader.text(place);
        let before = |word: &str| place > 0 && reader.text(place - 1) == word;
        let is_ordinal = ["th", "st", "nd", "rd"].iter().find_map(|end| text.strip_suffix(end));
        let number = text.strip_prefix('p').or(is_ordinal).or(before("percentile").then_some(text))?;
        let number: f64 = number.parse().ok()?;
        let is_percentile =
            text.starts_with('p') || reader.text(place + 1).starts_with("percentile") || before("percentile");
        (is_percentile && (0.0..=100.0).contains(&number)).then_some((number, place))
    })?;
    reader.use_words(place..place + 1, Stage::Intent);
    reader.cue(&[&["percentile*"]]);
    Some((Function::Percentile(number), place))
}

fn named_function(reader: &mut Reader<'_>) -> Option<(Function, usize)> {
    const CUES: &[(&[&str], Function)] = &[
        (&["average"], Function::Average),
        (&["avg"], Function::Average),
        (&["mean"], Function::Average),
        (&["typical"], Function::Average),
        (&["median"], Function::Percentile(50.0)),
        (&["maximum"], Function::Maximum),
        (&["max"], Function::Maximum),
        (&["highest"], Function::Maximum),
        (&["peak"], Function::Maximum),
        (&["largest"], Function::Maximum),
        (&["biggest"], Function::Maximum),
        (&["greatest"], Function::Maximum),
        (&["minimum"], Function::Minimum),
        (&["min"], Function::Minimum),
        (&["lowest"], Function::Minimum),
        (&["smallest"], Function::Minimum),
        (&["sum"], Function::Sum),
        (&["total"], Function::Sum),
    ];
    let found =
        CUES.iter().find_map(|(phrase, function)| reader.find_unused(phrase).map(|words| (*function, words.start)));
    let (function, place) = found?;
    // "The highest number of crashes" asks for what has the most.
    if matches!(reader.text(place + 1), "number" | "count") {
        return None;
    }
    reader.use_words(place..place + 1, Stage::Intent);
    Some((function, place))
}
