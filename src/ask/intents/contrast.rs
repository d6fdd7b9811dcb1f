//! Intents that set things against each other: two periods or entities, or what happened and what did not.

use super::Found;
use crate::ask::entities::FoundEntity;
use crate::ask::question::{Absence, Compared, Intent};
use crate::ask::reader::Reader;
use crate::query::{Filter, TimeRange};

pub(super) fn compare(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let asked = reader.cue(&[
        &["compare"],
        &["compared"],
        &["comparison"],
        &["vs"],
        &["versus"],
        &["difference", "between"],
        &["against"],
    ]);
    let named = found.named();
    let more_than =
        reader.has("more") || reader.has("fewer") || reader.has("less") || reader.has("worse") || reader.has("better");
    if !asked && !(more_than && (named.len() == 2 || found.ranges.len() == 2)) {
        return None;
    }
    reader.cue(&[
        &["more"],
        &["fewer"],
        &["less"],
        &["worse"],
        &["better"],
        &["than"],
        &["compared", "to"],
        &["compared", "with"],
    ]);
    if named.len() == 2 {
        let of = |entity: &FoundEntity| {
            let others: Vec<&FoundEntity> = named.iter().copied().filter(|other| other.name != entity.name).collect();
            (entity.name.clone(), without_entities(found.filter, &others).and(Filter::entity(entity.name.as_str())))
        };
        return Some(Intent::Compare(Compared { first: of(named[0]), second: of(named[1]) }));
    }
    if let [first, second, ..] = found.ranges {
        let of = |(range, phrase): &(TimeRange, String)| {
            (phrase.clone(), without_time(found.filter).and(Filter::Time(*range)))
        };
        return Some(Intent::Compare(Compared { first: of(first), second: of(second) }));
    }
    None
}

/// The filter with every condition on entities taken out that names one of these.
fn without_entities(filter: &Filter, others: &[&FoundEntity]) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(|part| without_entities(part, others)).collect()),
        Filter::Or(parts)
            if parts.iter().any(
                |part| matches!(part, Filter::Entity { value, .. } if others.iter().any(|other| other.name == *value)),
            ) =>
        {
            Filter::All
        }
        other => other.clone(),
    }
}

/// The filter without its time.
fn without_time(filter: &Filter) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(without_time).collect()),
        Filter::Time(_) => Filter::All,
        Filter::Or(parts) if !parts.is_empty() && parts.iter().all(|part| matches!(part, Filter::Time(_))) => {
            Filter::All
        }
        other => other.clone(),
    }
}

pub(super) fn absence(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let unanswered = reader.cue(&[
        &["never", "got", "an", "answer"],
        &["unanswered"],
        &["never", "answered"],
        &["without", "an", "answer"],
        &["without", "answer"],
        &["without", "outcome"],
        &["without", "an", "outcome"],
        &["without", "a", "response"],
        &["without", "response"],
        &["no", "answer"],
        &["no", "response"],
        &["no", "outcome"],
        &["no", "reply"],
        &["never", "completed"],
        &["never", "finished"],
        &["pending"],
        &["never", "got", "a", "response"],
        &["never", "got", "a", "reply"],
        &["never", "got", "answered"],
        &["not", "answered"],
        &["still", "open"],
        &["never", "came", "back"],
        &["never", "succeeded", "or", "failed"],
        &["got", "lost"],
    ]);
    if unanswered {
        let stops = found.types().any(|name| name.starts_with("stop_")) || reader.has("stop");
        let spawns = found.types().any(|name| name.starts_with("spawn_")) || reader.has("spawn");
        let types = match (spawns, stops) {
            (false, true) => vec!["stop_requested"],
            (true, false) => vec!["spawn_requested"],
            _ => vec!["spawn_requested", "stop_requested"],
        };
        reader.cue(&[&["request*"], &["spawn*"], &["stop"], &["never"]]);
        return Some(Intent::Absence(Absence::Unanswered {
            request_types: types.into_iter().map(str::to_owned).collect(),
        }));
    }
    let silent = reader.cue(&[
        &["stopped", "sending"],
        &["stop", "sending"],
        &["missing", "heartbeat*"],
        &["missed", "heartbeat*"],
        &["silent"],
        &["no", "heartbeat*"],
        &["without", "heartbeat*"],
        &["stopped", "heartbeating"],
        &["went", "quiet"],
        &["gone", "quiet"],
        &["heartbeat*", "missing"],
        &["heartbeats", "stop*"],
        &["not", "sending"],
        &["lost", "heartbeat*"],
    ]);
    if silent {
        reader.cue(&[&["heartbeat*"], &["stopped"]]);
        return Some(Intent::Absence(Absence::MissingHeartbeats));
    }
    let never = reader.cue(&[
        &["never"],
        &["had", "no"],
        &["have", "no"],
        &["has", "no"],
        &["with", "no"],
        &["without", "any"],
        &["with", "zero"],
    ]);
    if never && let Some(field) = found.subject {
        return Some(Intent::Absence(Absence::Without { field: field.to_owned() }));
    }
    None
}
