//! The meaning of filters and groups once more, by plain code over the JSON of events: what the engine
//! is tested against shares nothing with it.

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::event::Value;
use crate::query::{Filter, Test};
use crate::storage::StoredEvent;

pub(super) fn json_of(stored: &StoredEvent) -> Json {
    serde_json::from_str(&stored.event.to_json()).expect("events print as JSON")
}

pub(super) fn matches(filter: &Filter, stored: &StoredEvent) -> bool {
    let json = json_of(stored);
    let event_type = json["event_type"].as_str().expect("a string");
    match filter {
        Filter::All => true,
        Filter::Type(name) => event_type == name,
        Filter::Entity { field: wanted, value } => {
            if event_type.starts_with("cluster_")
                && value == "cluster"
                && wanted.as_deref().is_none_or(|field| field == "cluster")
            {
                return true;
            }
            json.as_object().expect("an object").iter().any(|(field, found)| {
                let listed_elsewhere =
                    event_type == "pathfinding_metrics" && ["source_id", "target_id"].contains(&&**field);
                let is_entity = (field.ends_with("_id") || field == "host") && !listed_elsewhere;
                is_entity && found == value && !value.is_empty() && wanted.as_ref().is_none_or(|wanted| wanted == field)
            })
        }
        Filter::Time(range) => {
            let us = instant(json["timestamp"].as_str().expect("a string")).expect("a time");
            range.since_us.is_none_or(|since| us >= since) && range.until_us.is_none_or(|until| us < until)
        }
        Filter::Field { name, test } => {
            json.get(name).is_some_and(|value| passes(value, &text_of(stored, name, value), test))
        }
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, stored)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, stored)),
        Filter::Not(filter) => !matches(filter, stored),
    }
}

fn passes(value: &Json, text: &str, test: &Test) -> bool {
    use Ordering::{Equal, Greater, Less};
    let is = |literal: &Value, wanted: &[Ordering]| order(value, literal).is_some_and(|order| wanted.contains(&order));
    match test {
        Test::Equals(literal) => is(literal, &[Equal]),
        Test::Differs(literal) => !is(literal, &[Equal]),
        Test::Less(literal) => is(literal, &[Less]),
        Test::AtMost(literal) => is(literal, &[Less, Equal]),
        Test::Greater(literal) => is(literal, &[Greater]),
        Test::AtLeast(literal) => is(literal, &[Greater, Equal]),
        Test::Contains(part) => text.to_lowercase().contains(&part.to_lowercase()),
        Test::OneOf(literals) => literals.iter().any(|literal| is(literal, &[Equal])),
        Test::Exists => true,
    }
}

fn order(value: &Json, literal: &Value) -> Option<Ordering> {
    let literal: Json = match literal {
        Value::Text(text) => Json::String(text.clone()),
        other => serde_json::from_str(&other.to_string()).expect("JSON"),
    };
    match (value, &literal) {
        (Json::Null, Json::Null) => Some(Ordering::Equal),
        (Json::Bool(a), Json::Bool(b)) => Some(a.cmp(b)),
        (Json::Number(a), Json::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Json::String(a), Json::String(b)) => match (instant(a), instant(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.cmp(b)),
        },
        (Json::Array(_) | Json::Object(_), Json::Array(_) | Json::Object(_)) => {
            Some(value.to_string().cmp(&literal.to_string()))
        }
        _ => None,
    }
}

fn instant(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// The text that the value of a field is searched and grouped by.
pub(super) fn text_of(stored: &StoredEvent, field: &str, value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        // serde_json would not give the digits back.
        Json::Number(_) => stored.event.get(field).expect("it is in the JSON").to_string(),
        other => other.to_string(),
    }
}
