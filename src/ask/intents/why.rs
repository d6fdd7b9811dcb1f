//! Why things happened, and what came of them.

use super::{Found, Reader, Stage};
use crate::ask::filters::{of_types, without_time};
use crate::ask::kinds::failures;
use crate::ask::question::{Direction, Intent, WhyTarget};
use crate::query::{Filter, TimeRange};

const EFFECTS: &[&[&str]] = &[
    &["lead", "to"],
    &["led", "to"],
    &["result", "in"],
    &["resulted", "in"],
    &["resulted", "from"],
    &["result", "of"],
    &["consequences"],
    &["consequence"],
    &["effects"],
    &["effect"],
    &["impact"],
    &["aftermath"],
    &["fallout"],
    &["knock-on"],
    &["came", "of"],
    &["came", "out", "of"],
    &["come", "of"],
    &["comes", "of"],
    &["did", "it", "cause"],
    &["happened", "because"],
    &["triggered", "by"],
    &["caused", "by"],
    &["followed", "from"],
    &["downstream"],
    &["repercussions"],
];
const CAUSES: &[&[&str]] = &[
    &["why"],
    &["what", "caused"],
    &["caused"],
    &["root", "cause"],
    &["cause", "of"],
    &["causes", "of"],
    &["cause", "for"],
    &["how", "come"],
    &["reason", "for"],
    &["reasons", "for"],
    &["reason", "why"],
    &["for", "what", "reason"],
    &["what", "reason"],
    &["what", "was", "the", "reason"],
    &["explain"],
    &["what", "made"],
    &["what", "brought"],
    &["what", "took"],
    &["what", "triggered"],
    &["triggered"],
    &["what", "led"],
    &["what", "killed"],
    &["whats", "behind"],
    &["behind"],
    &["responsible", "for"],
    &["to", "blame"],
];
/// What a thing is said to be that does not work: it says no kind.
const STATES: &[&[&str]] = &[
    &["down"],
    &["dead"],
    &["failing"],
    &["unhealthy"],
    &["unavailable"],
    &["gone"],
    &["not", "running"],
    &["not", "up"],
    &["not", "working"],
    &["not", "healthy"],
    &["red"],
];

pub(super) fn find(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    // "The most common cause" asks for a text, not for a chain; so does "why do spawns fail most often".
    let of_many = [
        "common",
        "commonest",
        "usual",
        "typical",
        "primary",
        "main",
        "frequent",
        "often",
        "frequently",
        "usually",
        "mostly",
        "typically",
        "chiefly",
    ]
    .iter()
    .any(|word| reader.has(word));
    let of_many = of_many || reader.find(&["number", "one"]).is_some();
    if of_many || reader.find(&["by", "cause"]).is_some() || reader.find(&["by", "reason"]).is_some() {
        return None;
    }
    // "What did the crash of node-x cause": the verb stands at the end.
    let last = reader.tokens.len().saturating_sub(1);
    let causes_at_end = matches!(reader.text(last), "cause" | "trigger") && reader.find(&["what", "did"]).is_some();
    let effects = reader.cue(EFFECTS) || causes_at_end;
    let causes = reader.cue(CAUSES);
    if !effects && !causes {
        return None;
    }
    reader.cue(&[&["cause"], &["reason"], &["behind"], &["trigger"], &["happen*"]]);
    let direction = if effects && !reader.has("why") && reader.find(&["what", "led"]).is_none() {
        Direction::Effects
    } else {
        Direction::Causes
    };
    let mut filter = if found.kinds.is_empty() {
        reader.cue(STATES);
        let failures = of_types(failures(&reader.names).iter().map(String::as_str));
        found.without_kinds.clone().and(failures)
    } else {
        found.filter.clone()
    };
    // "Why was the cluster degraded at 03:30": what was said last up to then holds then.
    let is_state = found.instant_us.is_some() && (reader.has("was") || reader.has("were"));
    if let (true, [(range, _)]) = (is_state, found.ranges) {
        filter = without_time(&filter).and(Filter::Time(TimeRange { since_us: None, ..*range }));
    }
    let entity = found.named().first().map(|entity| entity.name.clone());
    for place in 0..reader.tokens.len() {
        // "The last crash", "its latest restart": the newest is explained anyway.
        if reader.used[place].is_none() && matches!(reader.text(place), "last" | "latest" | "recent" | "most" | "again")
        {
            reader.used[place] = Some(Stage::Intent);
        }
    }
    Some(Intent::Why { target: WhyTarget { filter, entity }, direction })
}
