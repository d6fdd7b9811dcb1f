//! Intents about things: their states, which they are, and what happened to one.

use super::Found;
use crate::ask::fields::singular;
use crate::ask::question::{Intent, StatusOf};
use crate::ask::reader::{Reader, Stage};
use crate::event::Entity;

/// Words for states: the word, the field of what has it, and the state.
const STATES: [(&str, &str, &str); 22] = [
    ("ok", "agent_id", "healthy"),
    ("okay", "agent_id", "healthy"),
    ("fine", "agent_id", "healthy"),
    ("working", "agent_id", "healthy"),
    ("failed", "node_id", "failed"),
    ("requested", "node_id", "requested"),
    ("offline", "agent_id", "offline"),
    ("degraded", "agent_id", "degraded"),
    ("healthy", "agent_id", "healthy"),
    ("online", "agent_id", "healthy"),
    ("unregistered", "agent_id", "unregistered"),
    ("reachable", "agent_id", "healthy"),
    ("connected", "agent_id", "healthy"),
    ("unreachable", "agent_id", "offline"),
    ("running", "node_id", "running"),
    ("crashed", "node_id", "crashed"),
    ("stopped", "node_id", "stopped"),
    ("down", "node_id", "crashed"),
    ("dead", "node_id", "crashed"),
    ("up", "node_id", "running"),
    ("alive", "node_id", "running"),
    ("live", "node_id", "running"),
];

pub(super) fn status(reader: &mut Reader<'_>, found: &Found<'_>, yes_no: bool) -> Option<Intent> {
    let how_is = found.kinds.is_empty() && reader.cue_unused(&[&["how", "is"], &["how", "are"]]);
    let how_was = how_is
        || (reader.find(&["how", "was"]).is_some() || reader.find(&["how", "were"]).is_some())
            && found.kinds.is_empty();
    let asked = reader.cue_unused(&[
        &["status"],
        &["statuses"],
        &["state"],
        &["states"],
        &["condition"],
        &["health", "of"],
        &["doing"],
        &["health"],
        &["or", "not"],
    ]) || how_was;
    let cluster = reader.has("cluster") || reader.has("grid");
    let present = ["is", "are", "currently", "now", "right", "still"].iter().any(|word| reader.has(word));
    let past_instant = found.instant_us.is_some() && (reader.has("was") || reader.has("were"));
    // "Offline agents at 02:15": a state in front of what has it.
    let in_front = STATES.iter().any(|(word, ..)| {
        reader.find(&[word]).is_some_and(|words| {
            found.is_subject_at(words.end) && singular(reader.text(words.end)) != reader.text(words.end)
        })
    }) && (found.instant_us.is_some()
        || found.ranges.is_empty() && !reader.has("many") && found.named().is_empty());
    // Spawns and stops fail and are requested, and are no nodes that are in that state.
    let of_events = |word: &str| {
        matches!(word, "failed" | "requested" | "stopped") && !(found.field() == Some("node_id") && (asked || in_front))
    };
    let state = STATES
        .iter()
        .find(|(word, ..)| reader.find_free(&[word]) && !of_events(word))
        .filter(|_| present || past_instant || in_front || asked);
    if let (true, true, Some(instant_or_now)) = (cluster, yes_no, (present || past_instant).then_some(found.at_us()))
        && found.subject.is_none()
        && ["critical", "healthy", "degraded", "ok"].iter().any(|word| reader.has(word))
        && (found.ranges.is_empty() || found.instant_us.is_some())
    {
        reader.cue(&[&["cluster"], &["grid"], &["critical"], &["healthy"], &["degraded"], &["still"]]);
        return Some(Intent::Status { of: StatusOf::Cluster, at_us: instant_or_now });
    }
    if !asked && state.is_none() {
        return None;
    }
    // "The last thing that crashed" is an event.
    let ordered = ["first", "last", "latest", "newest", "earliest", "oldest"];
    if !asked && ordered.iter().any(|word| reader.find_unused(&[word]).is_some()) {
        return None;
    }
    // A range in the past asks what happened, not how things stand.
    if !asked && !found.ranges.is_empty() && found.instant_us.is_none() {
        return None;
    }
    // "Went offline" at an instant is an event; "was offline" then is a state.
    let happened = ["went", "go", "gone", "goes", "became", "did"].iter().any(|word| reader.has(word));
    if !asked && happened && !yes_no {
        return None;
    }
    reader.cue_unused(&[&["still"]]);
    if let Some((word, ..)) = state {
        reader.cue(&[&[*word]]);
    }
    reader.cue(&[&["current"], &["currently"], &["moment"], &["present"], &["right", "now"], &["look*"], &["stand*"]]);
    let named = found.named();
    let at_us = found.at_us();
    if let [entity] = named.as_slice() {
        let field = found.field().unwrap_or(if entity.name.starts_with("node") { "node_id" } else { "agent_id" });
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
    // What is not of the agents or nodes has no states.
    let (_, default_field, name) = state.copied().unwrap_or(("", "agent_id", ""));
    let field = found.field().unwrap_or(default_field).to_owned();
    if !matches!(field.as_str(), "agent_id" | "node_id") {
        return None;
    }
    let name = match (name, field.as_str()) {
        ("running", "agent_id") => "healthy",
        ("crashed", "agent_id") => "offline",
        (name, _) => name,
    };
    let state = (!name.is_empty()).then(|| name.to_owned());
    Some(Intent::Status { of: StatusOf::All { field, state }, at_us })
}

/// The field of what "who" asks for: users, where the events have one, else agents.
pub(super) fn who(reader: &Reader<'_>, found: &Found<'_>) -> String {
    let types = found.type_names();
    let fields = reader.names.fields_of(&types);
    // Whoever did it is named by what was done: `resolved_by`.
    if let Some(field) = fields.iter().find(|field| field.ends_with("_by") && **field != "caused_by") {
        return (*field).to_owned();
    }
    let users = ["user", "user_id", "actor", "owner", "agent_id", "node_id"];
    users.into_iter().find(|field| fields.contains(field)).unwrap_or("agent_id").to_owned()
}

/// The field of the things that are asked for by name.
pub(super) fn which(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
    if (reader.has("who") || reader.has("whom")) && found.subject.is_none() && !found.kinds.is_empty() {
        return Some(who(reader, found));
    }
    // "The first job of carol" is one event.
    let ordered = ["first", "last", "latest", "newest", "earliest", "oldest", "recent"];
    if (0..reader.tokens.len()).any(|place| reader.is_unused(place) && ordered.contains(&reader.text(place))) {
        return None;
    }
    let subject = found.subject?;
    let field = subject.field.clone();
    // "Agents on kubernetes", "nodes with more than 1 GB": nothing but things and what they are like.
    if found.kinds.is_empty() && found.entities.is_empty() && found.has_conditions {
        return Some(field);
    }
    if reader.has("who") {
        return Some(field);
    }
    // "The hostname of agent-003".
    if found.kinds.is_empty() && !found.named().is_empty() && !matches!(field.as_str(), "agent_id" | "node_id") {
        return Some(field);
    }
    let names = reader.cue(&[&["names", "of"], &["name", "of"], &["ids", "of"], &["list", "of"]]);
    if names {
        return Some(field);
    }
    let is_head = subject.places.iter().any(|&place| is_head(reader, found, place));
    is_head.then_some(field)
}

/// Whether a noun is what the question asks for: "which nodes …", "list the agents that …", "pods with …".
fn is_head(reader: &Reader<'_>, found: &Found<'_>, place: usize) -> bool {
    let mut before = place;
    while before > 0
        && (matches!(
            reader.text(before - 1),
            "of" | "the"
                | "other"
                | "all"
                | "different"
                | "distinct"
                | "unique"
                | "our"
                | "my"
                | "any"
                | "every"
                | "storage"
                | "single"
                | "me"
                | "us"
        ))
    {
        before -= 1;
    }
    let cue = before.checked_sub(1).map_or("", |at| reader.text(at));
    if matches!(cue, "which" | "what" | "whose") {
        return true;
    }
    let noun = reader.text(place);
    let is_plural = singular(noun) != noun;
    let listed = before == 0
        || matches!(
            cue,
            "list"
                | "show"
                | "name"
                | "give"
                | "find"
                | "get"
                | "display"
                | "see"
                | "identify"
                | "please"
                | "tell"
                | "print"
        );
    // "Agents crashes" are the crashes; "agents that crashed" and "agents with crashes" the agents.
    let next = reader.text(place + 1);
    let is_of_kind = found.kinds.iter().any(|kind| kind.words.contains(&(place + 1)));
    let noun_follows = is_of_kind && (next.ends_with('s') || next.ends_with("ion"));
    is_plural && listed && !noun_follows
}

/// The one thing whose history is asked for.
pub(super) fn timeline(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
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
        &["life"],
        &["lifecycle"],
        &["life", "story"],
        &["story"],
        &["everything"],
        &["activity"],
        &["up", "to"],
        &["what", "is", "up", "with"],
        &["what", "about"],
        &["walk", "me", "through"],
        &["chronology"],
        &["log", "of"],
        &["trace"],
        &["full"],
        &["complete"],
    ]);
    let is_alone = found.kinds.is_empty() && found.entities.len() == 1 && !found.has_conditions;
    (is_alone || asked && found.kinds.is_empty()).then(|| {
        for place in 0..reader.tokens.len() {
            if reader.used[place].is_none() && matches!(reader.text(place), "full" | "complete" | "whole") {
                reader.used[place] = Some(Stage::Intent);
            }
        }
        entity.name.clone()
    })
}
