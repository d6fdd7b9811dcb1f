//! Intents that set things against each other: two periods or entities, or what happened and what did not.

use super::Found;
use crate::ask::conditions::FoundCondition;
use crate::ask::entities::FoundEntity;
use crate::ask::filters::{without_entities, without_time};
use crate::ask::pieces::Pieces;
use crate::ask::question::{Absence, Compared, Intent};
use crate::ask::reader::Reader;
use crate::query::{Filter, TimeRange};

/// What denies a kind where nothing is asked about things: it takes the kind out of the events.
const OF_EVENTS: &[&str] = &["events", "history", "timeline", "everything", "anything", "happened", "all", "else"];

/// The field of things that lack what is named: "agents without crashes", "nodes that never restarted". What is
/// denied is what they lack then; where no things are asked for, it is taken out of the events.
pub(super) fn lacking(reader: &mut Reader<'_>, pieces: &mut Pieces) -> Result<Option<Absence>, String> {
    if !pieces.kinds.iter().any(|kind| kind.lacking) {
        return Ok(None);
    }
    let of_events = OF_EVENTS.iter().any(|word| reader.has(word));
    let field = match &pieces.subject {
        Some(subject) if !of_events => Some(subject.field.clone()),
        None if reader.has("who") => Some("agent_id".to_owned()),
        _ => None,
    };
    let others = pieces.kinds.iter().any(|kind| !kind.lacking && !kind.negated);
    match field {
        _ if others && !of_events => unfollowed(reader, pieces).map(Some),
        Some(_) if reader.has("many") => {
            Err("how many lacked something cannot be counted; ask which they are".to_owned())
        }
        // The silence of agents is a matter of its own, with the interval that each of them usually keeps.
        Some(_) if pieces.kinds.iter().all(|kind| kind.types == ["agent_heartbeat"]) => {
            pieces.kinds.iter_mut().for_each(|kind| kind.negated = false);
            Ok(Some(Absence::MissingHeartbeats))
        }
        Some(field) => {
            pieces.kinds.iter_mut().for_each(|kind| kind.negated = false);
            Ok(Some(Absence::Without { field }))
        }
        None if of_events || pieces.kinds.iter().all(|kind| kind.negated) => {
            pieces.kinds.iter_mut().filter(|kind| kind.lacking).for_each(|kind| kind.negated = true);
            Ok(None)
        }
        None => Err("what did not happen can only be asked of agents, nodes or other things".to_owned()),
    }
}

pub(super) fn compare(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let asked = reader.cue(&[
        &["compare"],
        &["compared"],
        &["comparison"],
        &["vs"],
        &["versus"],
        &["difference", "between"],
        &["against"],
        &["difference"],
    ]);
    let named = found.named();
    let more_than =
        reader.has("more") || reader.has("fewer") || reader.has("less") || reader.has("worse") || reader.has("better");
    if !asked && !(more_than && (named.len() == 2 || found.ranges.len() == 2 || found.conditions.len() == 2)) {
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
        &["often"],
        &["frequently"],
        &["between"],
    ]);
    let filter = &found.filter;
    if let [first, second] = found.conditions.as_slice()
        && first.fields == second.fields
    {
        let of = |this: &FoundCondition| {
            let name = this.reading.trim_start_matches("with ").to_owned();
            (name, found.without_conditions.clone().and(this.filter.clone()))
        };
        return Some(Intent::Compare(Compared { first: of(first), second: of(second) }));
    }
    if named.len() == 2 {
        let of = |entity: &FoundEntity| {
            let about = without_entities(filter).and(Filter::entity(entity.name.as_str()));
            (entity.name.clone(), about)
        };
        return Some(Intent::Compare(Compared { first: of(named[0]), second: of(named[1]) }));
    }
    if let [first, second, ..] = found.ranges {
        let of =
            |(range, phrase): &(TimeRange, String)| (phrase.clone(), without_time(filter).and(Filter::Time(*range)));
        return Some(Intent::Compare(Compared { first: of(first), second: of(second) }));
    }
    None
}

/// "Crashes that were never followed by a restart", "agents that went offline and never recovered".
fn unfollowed(reader: &mut Reader<'_>, pieces: &mut Pieces) -> Result<Absence, String> {
    let of = |lacking: bool| -> Vec<String> {
        let kinds = pieces.kinds.iter().filter(|kind| kind.lacking == lacking && (lacking || !kind.negated));
        kinds.flat_map(|kind| kind.types.iter().cloned()).collect()
    };
    let (start_types, end_types) = (of(false), of(true));
    let (of_start, of_end) = (reader.names.fields_of(&start_types), reader.names.fields_of(&end_types));
    let shared = |field: &&str| of_start.contains(field) && of_end.contains(field);
    let asked = pieces.subject.as_ref().map(|subject| subject.field.as_str()).filter(shared);
    let field = asked.or_else(|| ["node_id", "agent_id"].into_iter().find(shared));
    let field = field.or_else(|| of_start.intersection(&of_end).copied().find(|field| field.ends_with("_id")));
    let Some(field) = field.map(str::to_owned) else {
        return Err("the two kinds of events name nothing in common".to_owned());
    };
    reader.cue_unused(&[&["followed"], &["by"], &["afterwards"], &["later"], &["subsequently"], &["since"], &["but"]]);
    pieces.kinds.retain(|kind| !kind.lacking);
    Ok(Absence::Unfollowed { start_types, end_types, field })
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
        &["without", "a", "reply"],
        &["without", "reply"],
        &["never", "completed"],
        &["never", "finished"],
        &["pending"],
        &["never", "got", "a", "response"],
        &["never", "got", "a", "reply"],
        &["never", "got", "answered"],
        &["not", "answered"],
        &["still", "open"],
        &["nobody", "ever", "answered"],
        &["nobody", "answered"],
        &["noone", "answered"],
        &["no", "one", "answered"],
        &["never", "came", "to", "anything"],
        &["still", "waiting"],
        &["waiting", "for"],
        &["outstanding"],
        &["in", "limbo"],
        &["hanging"],
        &["not", "finished"],
        &["not", "completed"],
        &["did", "not", "finish"],
        &["did", "not", "get", "an", "answer"],
        &["never", "got", "any", "answer"],
        &["never", "heard", "back"],
        &["without", "any", "answer"],
        &["without", "any", "outcome"],
        &["never", "resolved"],
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
        reader.cue(&[
            &["request*"],
            &["spawn*"],
            &["stop"],
            &["never"],
            &["reply"],
            &["answer"],
            &["response"],
            &["outcome"],
        ]);
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
        &["stopped", "heartbeating"],
        &["went", "quiet"],
        &["gone", "quiet"],
        &["heartbeat*", "missing"],
        &["heartbeats", "stop*"],
        &["not", "sending"],
        &["lost", "heartbeat*"],
        &["fell", "silent"],
        &["gone", "silent"],
        &["went", "silent"],
        &["not", "heard", "from"],
        &["no", "longer", "sending"],
        &["not", "been", "heard", "from"],
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
    if never && let Some(field) = found.field() {
        return Some(Intent::Absence(Absence::Without { field: field.to_owned() }));
    }
    None
}
