//! What is right, computed by plain loops over the list of events: no index, no query, no grammar.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::stores::{Kept, NOW_US, instant};

/// How much of a time of RFC 3339 says the day, and the hour.
const DAY_CHARACTERS: usize = "2026-11-24".len();
const HOUR_CHARACTERS: usize = "2026-11-24T03".len();
/// How far a number may be off, relative to the right one: answers may round.
const TOLERANCE: f64 = 0.01;

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

/// A number to compute.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Number {
    Average {
        field: String,
    },
    Maximum {
        field: String,
    },
    Minimum {
        field: String,
    },
    Sum {
        field: String,
    },
    /// The nearest rank and the interpolated value may differ: anything between two neighbours is right.
    Percentile {
        field: String,
        percent: f64,
    },
    /// The share of the selection that is of these types.
    Rate {
        outcomes: Vec<String>,
    },
    /// Events of the selection per so many seconds.
    Frequency {
        seconds: f64,
        over_seconds: f64,
    },
    /// Seconds from each event of the selection to the next of a type with the same value of a field.
    Duration {
        to: Vec<String>,
        by: String,
        of: Durations,
    },
}

/// What to make of several durations.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Durations {
    Sum,
    Average,
    Longest,
    Shortest,
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

impl Number {
    fn check(&self, found: &[&Kept], events: &[Kept], answer: &Json) -> Result<(), String> {
        let answered = &answer["value"]["number"];
        let Some(number) = answered.as_f64() else { return Err(format!("value: expected a number, got {answered}")) };
        let unit = answer["value"]["unit"].as_str().unwrap_or_default();
        let (least, most) = self.compute(found, events);
        let in_seconds = number * seconds_of(unit);
        let close = |number: f64| (least - TOLERANCE * least.abs()..=most + TOLERANCE * most.abs()).contains(&number);
        let right = match self {
            Self::Rate { .. } => close(number) || close(number / 100.0) && unit.starts_with(['%', 'p']),
            Self::Duration { .. } => close(in_seconds),
            _ => close(number),
        };
        if right { Ok(()) } else { Err(format!("value: expected {least}..={most}, got {number} {unit}")) }
    }

    /// The number, as the interval in which any answer is right.
    fn compute(&self, found: &[&Kept], events: &[Kept]) -> (f64, f64) {
        let sorted = |field: &str| {
            let mut numbers: Vec<f64> = found.iter().filter_map(|event| event.json.get(field)?.as_f64()).collect();
            numbers.sort_by(f64::total_cmp);
            assert!(!numbers.is_empty(), "no numbers in {field}");
            numbers
        };
        let exactly = |number: f64| (number, number);
        match self {
            Self::Average { field } => {
                let numbers = sorted(field);
                exactly(numbers.iter().sum::<f64>() / numbers.len() as f64)
            }
            Self::Maximum { field } => exactly(*sorted(field).last().expect("not empty")),
            Self::Minimum { field } => exactly(sorted(field)[0]),
            Self::Sum { field } => exactly(sorted(field).iter().sum()),
            Self::Percentile { field, percent } => {
                let numbers = sorted(field);
                let rank = percent / 100.0 * (numbers.len() - 1) as f64;
                let below = rank.floor() as usize;
                (numbers[below], numbers[(below + 1).min(numbers.len() - 1)])
            }
            Self::Rate { outcomes } => {
                let of_these = found.iter().filter(|event| outcomes.iter().any(|kind| kind == event.kind())).count();
                exactly(of_these as f64 / found.len() as f64)
            }
            Self::Frequency { seconds, over_seconds } => exactly(found.len() as f64 * seconds / over_seconds),
            Self::Duration { to, by, of } => {
                let durations: Vec<f64> = found
                    .iter()
                    .filter_map(|start| {
                        let end = events.iter().find(|event| {
                            event.timestamp_us > start.timestamp_us
                                && to.iter().any(|kind| kind == event.kind())
                                && event.text(by) == start.text(by)
                        })?;
                        Some((end.timestamp_us - start.timestamp_us) as f64 / 1e6)
                    })
                    .collect();
                let sum: f64 = durations.iter().sum();
                exactly(match of {
                    Durations::Sum => sum,
                    Durations::Average => sum / durations.len() as f64,
                    Durations::Longest => durations.iter().copied().fold(f64::MIN, f64::max),
                    Durations::Shortest => durations.iter().copied().fold(f64::MAX, f64::min),
                })
            }
        }
    }
}

fn seconds_of(unit: &str) -> f64 {
    match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "min" | "m" | "minutes" => 60.0,
        "h" | "hours" => 3600.0,
        _ => 1.0,
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

/// The state of an entity at an instant, from the last event that says something of it.
fn state(events: &[Kept], entity: &str, at_us: i64) -> &'static str {
    let mut state = "unknown";
    for event in events.iter().take_while(|event| event.timestamp_us <= at_us) {
        let (of, next) = match event.kind() {
            "agent_registered" | "agent_recovered" => (event.text("agent_id"), "healthy"),
            "agent_degraded" => (event.text("agent_id"), "degraded"),
            "agent_offline" => (event.text("agent_id"), "offline"),
            "agent_unregistered" => (event.text("agent_id"), "unregistered"),
            "spawn_requested" => (event.text("node_id"), "requested"),
            "spawn_succeeded" | "node_restarted" => (event.text("node_id"), "running"),
            "spawn_failed" => (event.text("node_id"), "failed"),
            "node_crashed" => (event.text("node_id"), "crashed"),
            "stop_succeeded" => (event.text("node_id"), "stopped"),
            "cluster_healthy" => ("cluster", "healthy"),
            "cluster_degraded" => ("cluster", "degraded"),
            "cluster_critical" => ("cluster", "critical"),
            _ => continue,
        };
        if of == entity {
            state = next;
        }
    }
    state
}

fn in_state(events: &[Kept], field: &str, wanted: &str, at_us: i64) -> BTreeSet<String> {
    let all: BTreeSet<String> = events.iter().filter_map(|event| key_of(event, field)).collect();
    all.into_iter().filter(|entity| state(events, entity, at_us) == wanted).collect()
}

/// Requests after which no event of these types came for their node, before the next request for it.
fn unanswered(requests: &[&Kept], events: &[Kept], answers: &[String]) -> BTreeSet<String> {
    let is_open = |request: &&&Kept| {
        let later = events.iter().filter(|event| event.timestamp_us > request.timestamp_us);
        let mut of_node = later.filter(|event| event.text("node_id") == request.text("node_id"));
        !of_node
            .by_ref()
            .take_while(|event| event.kind() != request.kind())
            .any(|event| answers.iter().any(|kind| kind == event.kind()))
    };
    requests.iter().filter(is_open).map(|request| request.id.clone()).collect()
}
