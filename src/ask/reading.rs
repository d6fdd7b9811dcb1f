//! The interpretation of a question as one sentence.

use super::pieces::Pieces;
use super::question::{Absence, Counted, Direction, Intent, Question, StatusOf, ValueOf};
use super::reader::Reader;
use crate::event::timestamp;
use crate::query::GroupKey;

/// The sentence.
pub(crate) fn of(question: &Question, reader: &Reader<'_>, pieces: &Pieces) -> String {
    let Pieces { kinds, entities, ranges, conditions, attributes, .. } = pieces;
    let mut parts = vec![asked(question)];
    let of_kinds = |negated: bool| {
        let mut names: Vec<&str> = kinds
            .iter()
            .filter(|kind| kind.negated == negated)
            .flat_map(|kind| kind.types.iter().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let of_entities = |negated: bool| {
        let names: Vec<&str> =
            entities.iter().filter(|entity| entity.negated == negated).map(|entity| entity.name.as_str()).collect();
        names.join(" or ")
    };
    for (prefix, text) in [
        ("of", of_kinds(false)),
        ("not", of_kinds(true)),
        ("about", of_entities(false)),
        ("not about", of_entities(true)),
    ] {
        if !text.is_empty() {
            parts.push(format!("{prefix} {text}"));
        }
    }
    parts.extend(conditions.iter().map(|condition| condition.reading.clone()));
    parts.extend(attributes.iter().map(|(_, text)| text.clone()));
    let times: Vec<&str> = ranges.iter().map(|(_, phrase)| phrase.as_str()).collect();
    if !times.is_empty() {
        parts.push(times.join(" and "));
    }
    let mut sentence = parts.join(", ");
    for (wrong, right) in &reader.corrected {
        sentence.push_str(&format!("; “{wrong}” was read as “{right}”"));
    }
    if let Some(alternative) = super::understand::first_alternative(question) {
        sentence.push_str(&format!("; to ask {alternative}, say so"));
    }
    sentence
}

pub(crate) fn asked(question: &Question) -> String {
    let key = |key: &GroupKey| match key {
        GroupKey::Type => "type".to_owned(),
        GroupKey::Field(field) => field.clone(),
        GroupKey::Time { bucket, .. } => format!("{bucket:?}").to_lowercase(),
    };
    match &question.intent {
        Intent::List { limit: Some(1), newest: true } => "the last event".to_owned(),
        Intent::List { limit: Some(1), newest: false } => "the first event".to_owned(),
        Intent::List { limit: Some(limit), newest: true } => format!("the last {limit} events"),
        Intent::List { limit: Some(limit), newest: false } => format!("the first {limit} events"),
        Intent::List { .. } if question.yes_no => "whether there were events".to_owned(),
        Intent::List { .. } => "the events".to_owned(),
        Intent::Entities { field, times: None } => format!("the different values of {field} among the events"),
        Intent::Entities { field, times: Some(times) } => {
            let often = match times.at_most {
                Some(most) if most == times.at_least => format!("exactly {most}"),
                Some(most) => format!("{} to {most}", times.at_least),
                None => format!("at least {}", times.at_least),
            };
            format!("the values of {field} with {often} of the events")
        }
        Intent::Count(Counted::Events) => "the number of events".to_owned(),
        Intent::Count(Counted::Distinct(field)) => format!("the number of different {field} among the events"),
        Intent::Groups { key: by } => format!("the number of events by {}", key(by)),
        Intent::Top { key: by, count, least } => {
            format!("the {count} {} with the {} events", key(by), if *least { "fewest" } else { "most" })
        }
        Intent::Timeline { entity } => format!("everything that happened to {entity}"),
        Intent::Status { of, at_us } => {
            let what = match of {
                StatusOf::Entity(entity) => entity.value.clone(),
                StatusOf::Cluster => "the cluster".to_owned(),
                StatusOf::All { field, state: Some(state) } => format!("every {field} that was {state}"),
                StatusOf::All { field, state: None } => format!("every {field}"),
            };
            format!("the state of {what} at {}", timestamp::format(*at_us))
        }
        Intent::Why { direction: Direction::Causes, .. } => "what caused the last event".to_owned(),
        Intent::Why { direction: Direction::Effects, .. } => "what came of the last event".to_owned(),
        Intent::Absence(Absence::Unanswered { request_types }) => {
            format!("requests ({}) without an outcome", request_types.join(", "))
        }
        Intent::Absence(Absence::Unfollowed { start_types, end_types, field }) => {
            format!("{} that no {} of the same {field} followed", start_types.join(" or "), end_types.join(" or "))
        }
        Intent::Absence(Absence::MissingHeartbeats) => "agents whose heartbeats are missing".to_owned(),
        Intent::Absence(Absence::Without { field }) => format!("every {field} without events"),
        Intent::Value(ValueOf::Field { function, field }) => {
            format!("the {function:?} of {field} over the events").to_lowercase()
        }
        Intent::Value(ValueOf::Rate { .. }) => "the share of outcomes among attempts".to_owned(),
        Intent::Value(ValueOf::Frequency { unit_us }) => {
            format!("the number of events per {}", if *unit_us == 86_400_000_000 { "day" } else { "hour" })
        }
        Intent::Value(ValueOf::Duration { start_types, end_types, function, .. }) => {
            format!("the {function:?} of the time from {} to {}", start_types.join("/"), end_types.join("/"))
        }
        Intent::Compare(compared) => {
            format!("the number of events of {} and of {}", compared.first.0, compared.second.0)
        }
    }
}
