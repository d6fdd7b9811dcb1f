//! What is right, computed by plain loops over the list of events: no index, no query, no grammar.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::numbers::Number;
use super::replay::{in_state, state, unanswered};
use super::stores::{Kept, NOW_US, instant};

/// How much of a time of RFC 3339 says the day, and the hour.
const DAY_CHARACTERS: usize = "2026-11-24".len();
const HOUR_CHARACTERS: usize = "2026-11-24T03".len();

/// Which events are meant.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Selection {
    /// Any of these types; all without.
    types: Vec<String>,
    /// Any of these names, in any field.
    about: Vec<String>,
    /// From this instant on.
    since: Option<String>,
    /// Before this instant.
    until: Option<String>,
    /// All of these hold: field, one of `= != < <= > >= ~ in`, value.
    fields: Vec<(String, String, Json)>,
    /// None of these holds.
    except: Vec<(String, String, Json)>,
    /// Only the first or the last so many of them.
    first: Option<usize>,
    last: Option<usize>,
}

impl Selection {
    /// The events that are meant, oldest first.
    pub(crate) fn of<'a>(&self, events: &'a [Kept]) -> Vec<&'a Kept> {
        let since = self.since.as_deref().map_or(i64::MIN, instant);
        let until = self.until.as_deref().map_or(i64::MAX, instant);
        let mut found: Vec<&Kept> = events
            .iter()
            .filter(|event| (since..until).contains(&event.timestamp_us))
            .filter(|event| self.types.is_empty() || self.types.iter().any(|kind| kind == event.kind()))
            .filter(|event| self.about.is_empty() || self.about.iter().any(|name| names(event, name)))
            .filter(|event| self.fields.iter().all(|condition| holds(event, condition)))
            .filter(|event| !self.except.iter().any(|condition| holds(event, condition)))
            .collect();
        if let Some(first) = self.first {
            found.truncate(first);
        }
        if let Some(last) = self.last {
            found.drain(..found.len().saturating_sub(last));
        }
        found
    }
}

fn names(event: &Kept, name: &str) -> bool {
    let cluster = name == "cluster" && event.kind().starts_with("cluster_");
    cluster || event.json.as_object().is_some_and(|fields| fields.values().any(|value| value == name))
}

fn holds(event: &Kept, (field, operator, wanted): &(String, String, Json)) -> bool {
    let Some(found) = event.json.get(field).filter(|value| !value.is_null()) else { return false };
    let order = || match (found.as_f64(), wanted.as_f64()) {
        (Some(found), Some(wanted)) => found.partial_cmp(&wanted),
        _ => None,
    };
    match operator.as_str() {
        "=" => equal(found, wanted),
        "!=" => !equal(found, wanted),
        "<" => order().is_some_and(|order| order.is_lt()),
        "<=" => order().is_some_and(|order| order.is_le()),
        ">" => order().is_some_and(|order| order.is_gt()),
        ">=" => order().is_some_and(|order| order.is_ge()),
        "~" => found.as_str().zip(wanted.as_str()).is_some_and(|(found, wanted)| found.contains(wanted)),
        "in" => wanted.as_array().is_some_and(|choices| choices.iter().any(|choice| equal(found, choice))),
        other => panic!("no such operator: {other}"),
    }
}

fn equal(left: &Json, right: &Json) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

/// What is right: the events that are meant, and what the answer says of them.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The events that are meant.
    of: Selection,
    /// The question must not be answered.
    pub(crate) refused: bool,
    /// Nothing matches, and that is meant.
    empty: bool,
    /// `count` is the number of events.
    count: bool,
    /// `count` is the number of distinct values of a field.
    distinct: Option<String>,
    /// `events` are exactly these.
    events: bool,
    /// `entities` are exactly the values of a field.
    entities: Option<String>,
    /// `entities` are exactly these names, which a person worked out from the story.
    names: Vec<String>,
    /// `groups` are exactly those by `type`, `day`, `hour` or a field.
    groups: Option<String>,
    /// The largest of the groups comes first.
    top: Option<String>,
    /// The smallest of the groups comes first.
    least: Option<String>,
    /// The state of an entity (or `cluster`), replayed up to `at`.
    status: Option<String>,
    /// The entities of `agent_id` or `node_id` that are in a state, replayed up to `at`: field and state.
    in_state: Option<(String, String)>,
    /// When the state is asked for; now without.
    at: Option<String>,
    /// `yes` says whether there is such an event.
    yes: bool,
    /// `value` is this number.
    number: Option<Number>,
    /// `groups` are the count of the selection and that of this one.
    versus: Option<Selection>,
    /// The chain ends with the only event of the selection and starts with one of this type.
    chain_from: Option<Vec<String>>,
    /// The chain starts with the only event of the selection and names one of this type.
    leads_to: Option<String>,
    /// `events` are the requests of the selection that no event of these types answered for their node.
    unanswered_by: Vec<String>,
}

impl Expectation {
    /// Whether something is checked, and is not empty by accident.
    pub(crate) fn is_plausible(&self, events: &[Kept]) -> Result<(), String> {
        if self.refused {
            return Ok(());
        }
        let replayed = self.status.is_some() || self.in_state.is_some() || !self.names.is_empty();
        let checked = self.count
            || self.distinct.is_some()
            || self.events
            || self.entities.is_some()
            || self.groups.is_some()
            || self.top.is_some()
            || self.least.is_some()
            || replayed
            || self.yes
            || self.number.is_some()
            || self.versus.is_some()
            || self.chain_from.is_some()
            || self.leads_to.is_some()
            || !self.unanswered_by.is_empty();
        if !checked {
            return Err("nothing is checked".into());
        }
        if let Some(name) = self.names.iter().find(|name| !events.iter().any(|event| names(event, name))) {
            return Err(format!("the story does not know {name}"));
        }
        let found = self.of.of(events).len();
        if self.empty != (found == 0) && !replayed {
            return Err(format!("{found} events are meant, empty is {}", self.empty));
        }
        if (self.chain_from.is_some() || self.leads_to.is_some()) && found != 1 {
            return Err(format!("a chain is asked of {found} events"));
        }
        if let Some((field, state)) = &self.in_state
            && in_state(events, field, state, self.instant()).is_empty() != self.empty
        {
            return Err("the set of those in that state is empty by accident, or is not".into());
        }
        Ok(())
    }

    fn instant(&self) -> i64 {
        self.at.as_deref().map_or(NOW_US, instant)
    }

    /// Compares an answer with what is right.
    pub(crate) fn check(&self, answer: &Json, events: &[Kept]) -> Result<(), String> {
        let found = self.of.of(events);
        if self.count {
            same("count", &Json::from(found.len()), &answer["count"])?;
        }
        if let Some(field) = &self.distinct {
            same("count", &Json::from(values(&found, field).len()), &answer["count"])?;
        }
        if self.events {
            same(
                "events",
                &found.iter().map(|event| event.id.clone()).collect::<BTreeSet<_>>(),
                &texts(answer, "events"),
            )?;
        }
        if let Some(field) = &self.entities {
            same("entities", &values(&found, field), &texts(answer, "entities"))?;
        }
        if !self.names.is_empty() {
            same("entities", &self.names.iter().cloned().collect::<BTreeSet<_>>(), &texts(answer, "entities"))?;
        }
        if let Some(key) = &self.groups {
            same("groups", &groups(&found, key), &answered_groups(answer).into_iter().collect::<BTreeMap<_, _>>())?;
        }
        if let Some(key) = &self.top {
            first_group(&groups(&found, key), answer, |left, right| left >= right)?;
        }
        if let Some(key) = &self.least {
            first_group(&groups(&found, key), answer, |left, right| left <= right)?;
        }
        if let Some(entity) = &self.status {
            let state = state(events, entity, self.instant());
            same("state", &Json::from(state), &answer["status"]["state"])?;
        }
        if let Some((field, wanted)) = &self.in_state {
            same("entities", &in_state(events, field, wanted, self.instant()), &texts(answer, "entities"))?;
        }
        if self.yes {
            same("yes", &Json::from(!found.is_empty()), &answer["yes"])?;
        }
        if let Some(number) = &self.number {
            number.check(&found, events, answer)?;
        }
        if let Some(versus) = &self.versus {
            let mut right = vec![found.len() as u64, versus.of(events).len() as u64];
            let mut answered: Vec<u64> = answered_groups(answer).into_iter().map(|(_, count)| count).collect();
            right.sort_unstable();
            answered.sort_unstable();
            same("compared", &right, &answered)?;
        }
        if let Some(roots) = &self.chain_from {
            let chain = chain(answer);
            same("the effect", &found.first().map(|event| event.id.as_str()), &chain.last().copied())?;
            let root = chain.first().map(|id| type_of_id(id).to_owned());
            if !root.as_ref().is_some_and(|root| roots.contains(root)) {
                return Err(format!("the root: expected one of {roots:?}, got {root:?}"));
            }
        }
        if let Some(effect) = &self.leads_to {
            let chain = chain(answer);
            same("the cause", &found.first().map(|event| event.id.as_str()), &chain.first().copied())?;
            same("names the effect", &true, &chain.iter().any(|id| type_of_id(id) == effect))?;
        }
        if !self.unanswered_by.is_empty() {
            let open = unanswered(&found, events, &self.unanswered_by);
            same("events", &open, &texts(answer, "events"))?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), String> {
    if expected == got { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}")) }
}

fn texts(answer: &Json, name: &str) -> BTreeSet<String> {
    answer[name].as_array().into_iter().flatten().filter_map(|value| Some(value.as_str()?.to_owned())).collect()
}

fn chain(answer: &Json) -> Vec<&str> {
    answer["chain"].as_array().into_iter().flatten().filter_map(|link| link["id"].as_str()).collect()
}

fn type_of_id(id: &str) -> &str {
    id.strip_prefix("event-").and_then(|rest| rest.split('-').next()).unwrap_or_default()
}

fn key_of(event: &Kept, key: &str) -> Option<String> {
    let time = event.text("timestamp");
    match key {
        "type" => Some(event.kind().to_owned()),
        "day" => Some(time[..DAY_CHARACTERS].to_owned()),
        "hour" => Some(format!("{}:00", &time[..HOUR_CHARACTERS])),
        field => match event.json.get(field)? {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
    }
}

fn values(found: &[&Kept], field: &str) -> BTreeSet<String> {
    found.iter().filter_map(|event| key_of(event, field)).collect()
}

fn groups(found: &[&Kept], key: &str) -> BTreeMap<String, u64> {
    let mut groups = BTreeMap::new();
    for event in found {
        if let Some(key) = key_of(event, key) {
            *groups.entry(key).or_default() += 1;
        }
    }
    groups
}

fn answered_groups(answer: &Json) -> Vec<(String, u64)> {
    let groups = answer["groups"].as_array().into_iter().flatten();
    groups.filter_map(|group| Some((group["key"].as_str()?.to_owned(), group["count"].as_u64()?))).collect()
}

/// The first group of the answer is one of the extreme ones, with its count.
fn first_group(groups: &BTreeMap<String, u64>, answer: &Json, beats: fn(u64, u64) -> bool) -> Result<(), String> {
    let Some((key, count)) = answered_groups(answer).into_iter().next() else {
        return Err(format!("the first group: expected one of {groups:?}, got none"));
    };
    let right = groups.get(&key) == Some(&count) && groups.values().all(|other| beats(count, *other));
    if right { Ok(()) } else { Err(format!("the first group: got {key} ({count}) of {groups:?}")) }
}
