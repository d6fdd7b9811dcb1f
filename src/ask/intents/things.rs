//! Intents about things: their states, which they are, how many, and the first among them.

use super::{Found, small_number};
use crate::ask::conditions::field_from;
use crate::ask::question::{Counted, Intent, StatusOf};
use crate::ask::reader::{Reader, Stage};
use crate::event::Entity;
use crate::query::{Bucket, GroupKey};

pub(super) fn status(reader: &mut Reader<'_>, found: &Found<'_>, yes_no: bool) -> Option<Intent> {
    let asked = reader.cue(&[
        &["status"],
        &["state"],
        &["condition"],
        &["health", "of"],
        &["how", "is"],
        &["how", "are"],
        &["doing"],
        &["health"],
    ]);
    let cluster = reader.has("cluster") || reader.has("grid");
    let present =
        reader.has("is") || reader.has("are") || reader.has("currently") || reader.has("now") || reader.has("right");
    let past_instant = found.instant_us.is_some() && (reader.has("was") || reader.has("were"));
    let states: [(&str, &str, &str); 10] = [
        ("offline", "agent_id", "offline"),
        ("degraded", "agent_id", "degraded"),
        ("healthy", "agent_id", "healthy"),
        ("online", "agent_id", "healthy"),
        ("running", "node_id", "running"),
        ("crashed", "node_id", "crashed"),
        ("stopped", "node_id", "stopped"),
        ("down", "node_id", "crashed"),
        ("up", "node_id", "running"),
        ("alive", "node_id", "running"),
    ];
    let state = states.iter().find(|(word, ..)| reader.has(word)).filter(|_| present || past_instant);
    if !asked && state.is_none() {
        return None;
    }
    // A range in the past asks what happened, not how things stand.
    if !asked && !found.ranges.is_empty() && found.instant_us.is_none() {
        return None;
    }
    if let Some((word, ..)) = state {
        reader.cue(&[&[*word]]);
    }
    let named = found.named();
    let at_us = found.at_us();
    if let [entity] = named.as_slice() {
        let field = found.subject.unwrap_or(if entity.name.starts_with("node") { "node_id" } else { "agent_id" });
        let entity = Entity { field: field.to_owned(), value: entity.name.clone() };
        return (asked || yes_no).then_some(Intent::Status { of: StatusOf::Entity(entity), at_us });
    }
    if !named.is_empty() {
        return None;
    }
    if found.subject.is_none() && (cluster || asked) {
        reader.cue(&[&["cluster"], &["grid"], &["critical"], &["healthy"], &["degraded"]]);
        return Some(Intent::Status { of: StatusOf::Cluster, at_us });
    }
    let (_, default_field, name) = state.copied().unwrap_or(("", "agent_id", ""));
    let field = found.subject.unwrap_or(default_field).to_owned();
    let name = match (name, field.as_str()) {
        ("running", "agent_id") => "healthy",
        ("crashed", "agent_id") => "offline",
        (name, _) => name,
    };
    let state = (!name.is_empty()).then(|| name.to_owned());
    Some(Intent::Status { of: StatusOf::All { field, state }, at_us })
}

pub(super) fn top(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let most = reader.cue(&[&["most"], &["top"], &["worst"], &["noisiest"], &["highest", "number"], &["biggest"]]);
    let least = reader.cue(&[&["least"], &["fewest"], &["lowest", "number"]]);
    let recent = reader.find(&["most", "recent"]).is_some() || reader.find(&["most", "recently"]).is_some();
    let at_least = reader.find(&["at", "least"]).is_some() || reader.find(&["at", "most"]).is_some();
    if !most && !least || recent || at_least {
        return None;
    }
    reader.cue(&[&["common"], &["frequent"], &["frequently"], &["often"], &["offenders"], &["number", "of"]]);
    let mut count = 1;
    if let Some(words) = reader.find(&["top"]) {
        count = 5;
        if let Some(number) = small_number(reader.text(words.end)) {
            count = number;
            reader.use_words(words.end..words.end + 1, Stage::Intent);
        }
    }
    let why =
        reader.cue(&[&["cause*"], &["reason*"], &["error", "message*"], &["error", "text*"], &["error"], &["errors"]]);
    let key = if let Some(key) = group_key(reader, found.offset_seconds) {
        key
    } else if why {
        let field = if found.types().any(|name| name.starts_with("cluster_")) { "reason" } else { "error" };
        GroupKey::Field(if reader.names.has_field(field) { field } else { "reason" }.to_owned())
    } else if unused_cue(reader, &["day", "days"]) {
        GroupKey::Time { bucket: Bucket::Day, offset_seconds: found.offset_seconds }
    } else if unused_cue(reader, &["hour", "hours"]) {
        GroupKey::Time { bucket: Bucket::Hour, offset_seconds: found.offset_seconds }
    } else if let Some(field) = found.subject {
        if reader.has("agents") || reader.has("nodes") {
            count = count.max(if reader.has("top") { count } else { 1 })
        }
        GroupKey::Field(field.to_owned())
    } else {
        GroupKey::Type
    };
    Some(Intent::Top { key, count, least: least && !most })
}

pub(super) fn group_key(reader: &mut Reader<'_>, offset_seconds: i32) -> Option<GroupKey> {
    let times = [
        (&["per", "minute"][..], Bucket::Minute),
        (&["by", "minute"], Bucket::Minute),
        (&["per", "hour"], Bucket::Hour),
        (&["by", "hour"], Bucket::Hour),
        (&["each", "hour"], Bucket::Hour),
        (&["hourly"], Bucket::Hour),
        (&["every", "hour"], Bucket::Hour),
        (&["per", "day"], Bucket::Day),
        (&["by", "day"], Bucket::Day),
        (&["each", "day"], Bucket::Day),
        (&["daily"], Bucket::Day),
        (&["every", "day"], Bucket::Day),
        (&["a", "day"], Bucket::Day),
    ];
    for (phrase, bucket) in times {
        if reader.cue(&[phrase]) {
            return Some(GroupKey::Time { bucket, offset_seconds });
        }
    }
    for cue in ["per", "by", "each"] {
        let places: Vec<usize> = (0..reader.tokens.len()).filter(|&place| reader.text(place) == cue).collect();
        for place in places {
            let mut next = place + 1;
            while matches!(reader.text(next), "the" | "each" | "every" | "of") {
                next += 1;
            }
            let word = reader.text(next).to_owned();
            let key = match word.as_str() {
                "type" | "types" | "kind" | "kinds" => Some(GroupKey::Type),
                "agent" | "agents" => Some(GroupKey::Field("agent_id".to_owned())),
                "node" | "nodes" => Some(GroupKey::Field("node_id".to_owned())),
                "cause" | "reason" => {
                    Some(GroupKey::Field(if reader.names.has_field("error") { "error" } else { "reason" }.to_owned()))
                }
                _ => None,
            };
            let (key, words) = match key {
                Some(key) => (Some(key), next..next + 1),
                None => match field_from(reader, next) {
                    Some((field, words)) if !word.is_empty() => (Some(GroupKey::Field(field)), words),
                    _ => (None, next..next),
                },
            };
            if let Some(key) = key {
                reader.use_words(place..words.end, Stage::Intent);
                return Some(key);
            }
        }
    }
    None
}

pub(super) fn counted(reader: &Reader<'_>, found: &Found<'_>) -> Counted {
    let distinct = ["distinct", "different", "unique", "separate", "individual"].iter().any(|word| reader.has(word));
    let Some(field) = found.subject else { return Counted::Events };
    // "How many agents went offline" asks for agents; "how many nodes crashed" for crashes.
    let of_things = field != "node_id"
        && reader.find(&["how", "many"]).is_some_and(|words| {
            matches!(reader.text(words.end), "of") || reader.used.get(words.end) == Some(&Some(Stage::Subject))
        });
    if distinct || of_things { Counted::Distinct(field.to_owned()) } else { Counted::Events }
}

pub(super) fn which(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
    let field = found.subject?;
    // "Agents on kubernetes", "nodes with more than 1 GB": nothing but things and what they are like.
    if found.kinds.is_empty() && found.entities.is_empty() && found.has_conditions {
        return Some(field.to_owned());
    }
    for cue in ["which", "what", "who", "whose"] {
        let Some(words) = reader.find(&[cue]) else { continue };
        let mut next = words.end;
        while matches!(reader.text(next), "of" | "the" | "other" | "all" | "are" | "were" | "different" | "distinct") {
            next += 1;
        }
        if reader.used.get(next) == Some(&Some(Stage::Subject)) || cue == "who" {
            return Some(field.to_owned());
        }
    }
    let listed = ["list", "show", "name", "give", "find"].iter().any(|cue| reader.has(cue))
        && (reader.find(&["agents", "that"]).is_some()
            || reader.find(&["nodes", "that"]).is_some()
            || reader.find(&["agents", "which"]).is_some()
            || reader.find(&["nodes", "which"]).is_some()
            || reader.find(&["agents", "with"]).is_some()
            || reader.find(&["nodes", "with"]).is_some());
    listed.then(|| field.to_owned())
}

/// Whether one of these words stands where no time has used it.
fn unused_cue(reader: &mut Reader<'_>, words: &[&str]) -> bool {
    let Some(found) = words.iter().find_map(|word| reader.find_unused(&[*word])) else { return false };
    reader.use_words(found, Stage::Intent);
    true
}
