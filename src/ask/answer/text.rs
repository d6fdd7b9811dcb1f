//! The answer for a person: first the answer, then the evidence, then what is uncertain.

use super::Given;
use crate::ask::options::AskOptions;
use crate::ask::question::{Counted, Intent};
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::store::Snapshot;

/// Events that are told in full.
const EVENTS_TOLD: usize = 12;
/// Names and groups that are told.
const NAMES_TOLD: usize = 20;

pub(super) fn of(given: &Given, snapshot: &Snapshot, options: &AskOptions) -> Result<String, StoreError> {
    let mut lines = vec![headline(given)];
    if given.events.is_empty() && given.matched == 0 {
        for (name, close) in &given.question.unknown {
            let hint = if close.is_empty() { String::new() } else { format!("; did you mean {}?", close.join(" or ")) };
            lines.push(format!("The record has nothing named {name}{hint}"));
        }
    }
    for group in given.groups.iter().take(NAMES_TOLD) {
        lines.push(format!("{:>8}  {}", group.count, plain(&group.key)));
    }
    if given.ungrouped > 0 && !given.groups.is_empty() {
        lines.push(format!("{:>8}  (without it)", given.ungrouped));
    }
    if given.chain.is_empty() && given.groups.is_empty() {
        let told = given.events.iter().take(EVENTS_TOLD).filter_map(|id| id.parse::<ConceptId>().ok());
        for id in told {
            if let Some(stored) = snapshot.get(&id)? {
                let when = options.zone.format(stored.event.timestamp_us());
                lines.push(format!("  {when}  {}", plain(&stored.event.to_description())));
            }
        }
        let left = given.matched.saturating_sub(given.events.len().min(EVENTS_TOLD) as u64);
        if left > 0
            && matches!(
                given.question.intent,
                Intent::List { limit: None, .. } | Intent::Timeline { .. } | Intent::Count(_)
            )
        {
            lines.push(format!("  … and {left} more"));
        }
    }
    for link in &given.chain {
        lines.push(format!("  [{}] {}: {}", link.grade, link.role, plain(&link.text)));
    }
    for gap in &given.gaps {
        lines.push(format!("Incomplete: {}", plain(&gap.reason)));
    }
    lines.push(format!("(Read as: {}.)", plain(&given.question.reading)));
    Ok(lines.join("\n"))
}

fn headline(given: &Given) -> String {
    let events = |count: u64| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    if let Some(yes) = given.yes {
        return if yes {
            format!("Yes: {}.", detail(given, &events))
        } else {
            format!("No: {}.", detail(given, &events))
        };
    }
    match &given.question.intent {
        Intent::Count(Counted::Distinct(field)) => {
            format!("{} different {field} ({}).", given.count.unwrap_or(0), events(given.matched))
        }
        Intent::Count(Counted::Events) => format!("{}.", events(given.matched)),
        Intent::Entities { .. } | Intent::Absence(_) if given.entities.is_empty() => "None.".to_owned(),
        Intent::Entities { .. } | Intent::Absence(_) => format!("{}.", names(&given.entities)),
        Intent::Status { .. } => format!("{}.", detail(given, &events)),
        Intent::Why { .. } if given.chain.is_empty() => "There is no such event in the record.".to_owned(),
        Intent::Why { .. } => "From the root on:".to_owned(),
        Intent::Value(_) => match given.value.as_ref().and_then(|value| value.number.map(|number| (number, value))) {
            Some((number, value)) if value.unit == "share" => {
                format!("{:.1} % ({} of {}).", number * 100.0, given.count.unwrap_or(0), given.matched)
            }
            Some((number, value)) => format!("{} {} ({}).", rounded(number), value.unit, events(given.matched)),
            None => "There is nothing to compute it from.".to_owned(),
        },
        _ => format!("{}.", events(given.matched)),
    }
}

fn detail(given: &Given, events: &impl Fn(u64) -> String) -> String {
    if given.status.is_empty() {
        return if matches!(given.question.intent, Intent::Status { .. }) {
            "none".to_owned()
        } else {
            events(given.matched)
        };
    }
    let told: Vec<String> = given
        .status
        .iter()
        .take(NAMES_TOLD)
        .map(|state| match &state.since {
            Some(since) => format!("{} is {} since {since}", plain(&state.entity), state.state),
            None => format!("the record says nothing of the state of {}", plain(&state.entity)),
        })
        .collect();
    told.join("; ")
}

fn names(names: &[String]) -> String {
    let mut text = names.iter().take(NAMES_TOLD).map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_TOLD {
        text.push_str(&format!(" and {} more", names.len() - NAMES_TOLD));
    }
    text
}

fn rounded(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.3}") }
}

/// Text from events without control characters, which a terminal would act on.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
