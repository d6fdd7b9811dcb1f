//! From a question to what it asks, stage by stage; whatever is left over at the end is refused.

use super::conditions;
use super::entities::{self, FoundEntity, all_of};
use super::intents::{self, Found};
use super::kinds::{self, AboutWhat, FoundKind};
use super::lexicon::{COMMANDS, KIND_PHRASES, STOP_WORDS, SUBJECTS};
use super::names::Names;
use super::options::AskOptions;
use super::question::{Counted, Intent, Question, Refusal, Understanding};
use super::reader::{Reader, Stage};
use super::refuse;
use super::time::{self, FoundKind as TimeKind, WindowKind, Word};
use super::tokens::{QUESTION_BYTES_MAX, WORDS_MAX, tokenize};
use crate::error::StoreError;
use crate::query::{Filter, Query, TimeRange};
use crate::store::Snapshot;

/// Words that open a request politely and say nothing.
const POLITE: &[&str] = &[
    "please", "pls", "plz", "kindly", "can", "could", "would", "will", "you", "hey", "hi", "hello", "ok", "okay",
    "just", "now", "i", "want", "to", "need", "us", "let", "go", "ahead", "and",
];

/// Words for states, and the state that each asks about; `up` and `down` stand for several.
const STATES: &[(&str, &str)] = &[
    ("offline", "offline"),
    ("degraded", "degraded"),
    ("critical", "critical"),
    ("unregistered", "unregistered"),
    ("crashed", "crashed"),
    ("stopped", "stopped"),
    ("failed", "failed"),
    ("requested", "requested"),
    ("running", "up"),
    ("healthy", "up"),
    ("online", "up"),
    ("alive", "up"),
    ("ok", "up"),
    ("okay", "up"),
    ("up", "up"),
    ("down", "down"),
    ("dead", "down"),
];

/// Reads a question.
///
/// # Errors
/// If the store cannot be read. A question that is not understood is no error but a [`Refusal`].
pub fn understand(snapshot: &Snapshot, text: &str, options: &AskOptions) -> Result<Understanding, StoreError> {
    if text.len() > QUESTION_BYTES_MAX {
        return Ok(refused("the question is longer than 64 KiB".to_owned(), Vec::new()));
    }
    let tokens = tokenize(text);
    if tokens.is_empty() {
        return Ok(refused("there is no question".to_owned(), refuse::examples(None)));
    }
    if tokens.len() > WORDS_MAX {
        return Ok(refused(format!("the question has more than {WORDS_MAX} words"), Vec::new()));
    }
    let mut reader = Reader::new(Names::of(snapshot), tokens);
    if let Some(verb) = command(&reader) {
        let reason =
            format!("“{verb}” asks for something to be done; the record only answers questions about what happened");
        return Ok(refused(reason, refuse::examples(None)));
    }
    read(&mut reader, snapshot, options)
}

fn refused(reason: String, suggestions: Vec<String>) -> Understanding {
    Understanding::Refusal(Refusal { reason, suggestions })
}

fn read(reader: &mut Reader<'_>, snapshot: &Snapshot, options: &AskOptions) -> Result<Understanding, StoreError> {
    // ---- Time ----
    let words: Vec<Word<'_>> =
        reader.tokens.iter().map(|token| Word { text: &token.text, start: token.start }).collect();
    let timed = time::find(&words, options.now_us, &options.zone);
    if let Some(reason) = timed.error {
        return Ok(refused(reason, refuse::examples(None)));
    }
    for (place, used) in timed.used.iter().enumerate() {
        if *used && !reader.tokens[place].quoted {
            reader.used[place] = Some(Stage::Time);
        }
    }

    // ---- Entities, subjects, kinds ----
    let mut found_entities = entities::find(reader)?;
    let subject = subject(reader);
    let about = about(reader, snapshot, &found_entities, subject.as_deref())?;
    correct_slips(reader, about);
    // "Failure rate" is no failure, and "status" no state of an event.
    reader.cue(&[&["failure", "rate"], &["success", "rate"], &["error", "rate"], &["restart", "count"]]);
    let found_kinds = kinds::find(reader, about);
    let subject = subject.or(last_resort_subject(reader));
    last_resort_entities(reader, &mut found_entities)?;

    let mut unknown = Vec::new();
    for entity in found_entities.iter().filter(|entity| !entity.known) {
        unknown.push((entity.name.clone(), reader.names.close_to(&entity.name)?));
    }

    // ---- Time around an event ----
    let mut ranges: Vec<(TimeRange, String)> =
        timed.ranges.iter().map(|found| (found.range, found.phrase.clone())).collect();
    let kind_filter = kind_filter(&found_kinds);
    let entity_filter = entities::filter(&found_entities);
    let mut window_only = false;
    if let Some(window) = &timed.event_window {
        let anchor = all_of(vec![kind_filter.clone(), entity_filter.clone()]);
        let newest = snapshot.query(&Query::new(anchor).newest_first().limit(1))?;
        let Some(event) = newest.events.first() else {
            return Ok(refused(
                "the event that the time is counted from is not in the record".to_owned(),
                refuse::examples(None),
            ));
        };
        let at_us = event.event.timestamp_us();
        let (since_us, until_us) = match window.kind {
            WindowKind::Before => (at_us.saturating_sub(window.amount_us), at_us),
            WindowKind::After => (at_us.saturating_add(1), at_us.saturating_add(window.amount_us)),
            WindowKind::Around => (at_us.saturating_sub(window.amount_us), at_us.saturating_add(window.amount_us)),
        };
        let range = TimeRange { since_us: Some(since_us), until_us: Some(until_us) };
        ranges.push((range, format!("{} (around {})", phrase_of(range), event.id)));
        window_only = true;
    }
    let time_filter = match ranges.len() {
        0 => Filter::All,
        1 => Filter::Time(ranges[0].0),
        _ => Filter::Or(ranges.iter().map(|(range, _)| Filter::Time(*range)).collect()),
    };

    // ---- Conditions ----
    // A condition of an attribute ("agents running on kubernetes") names entities through another kind.
    let attribute = attribute_entities(reader, snapshot)?;
    let conditions = conditions::find(reader, snapshot, &kind_filter)?;
    let mut without_kinds: Vec<Filter> = if window_only { Vec::new() } else { vec![entity_filter.clone()] };
    without_kinds.push(time_filter.clone());
    without_kinds.extend(conditions.iter().map(|condition| condition.filter.clone()));
    without_kinds.extend(attribute.iter().map(|(filter, _)| filter.clone()));
    let mut everything = if window_only { Vec::new() } else { vec![kind_filter.clone()] };
    everything.extend(without_kinds.iter().cloned());
    let filter = all_of(everything);
    let without_kinds = all_of(without_kinds);

    // ---- Intent ----
    let instant_us = timed.ranges.iter().find(|found| found.kind == TimeKind::Instant).and_then(|found| found.at_us);
    let no_kinds: Vec<FoundKind> = Vec::new();
    let found = Found {
        kinds: if window_only { &no_kinds } else { &found_kinds },
        entities: &found_entities,
        subject: subject.as_deref(),
        ranges: &ranges,
        has_conditions: !conditions.is_empty() || !attribute.is_empty(),
        filter: &filter,
        without_kinds: &without_kinds,
        now_us: options.now_us,
        offset_seconds: options.zone.offset_seconds(options.now_us),
        instant_us,
    };
    let (intent, yes_no) = match intents::find(reader, &found) {
        Ok(found) => found,
        Err(reason) => return Ok(refused(reason, refuse::examples(subject.as_deref()))),
    };

    // ---- What is left over ----
    let left = reader.left_over();
    if let Some(&place) = left.first() {
        let word = reader.tokens[place].original.clone();
        let reason =
            format!("“{word}” is not understood: no kind of event, entity, field or text of the record is called that");
        return Ok(refused(reason, refuse::nearest(reader, &word, subject.as_deref())));
    }
    let names_something = !found_kinds.is_empty()
        || !found_entities.is_empty()
        || !ranges.is_empty()
        || !conditions.is_empty()
        || !attribute.is_empty()
        || subject.is_some()
        || reader.used.contains(&Some(Stage::Intent));
    let asks_for_events =
        ["events", "event", "happened", "everything", "happening", "history"].iter().any(|word| reader.has(word));
    if !names_something && !asks_for_events {
        let reason = "nothing in it names an event, an entity or a time of the record".to_owned();
        return Ok(refused(reason, refuse::examples(None)));
    }

    let mut question = Question {
        intent,
        filter,
        range: if ranges.len() == 1 { ranges[0].0 } else { TimeRange::default() },
        subject,
        yes_no,
        state_asked: STATES.iter().find(|(word, _)| reader.has(word)).map(|(_, state)| (*state).to_owned()),
        reading: String::new(),
        alternatives: Vec::new(),
        unknown,
    };
    question.reading =
        super::reading::of(&question, reader, &found_kinds, &found_entities, &ranges, &conditions, &attribute);
    question.alternatives = alternatives(&question);
    Ok(Understanding::Question(Box::new(question)))
}

/// The verb of a question that is a command: "restart node-x", "delete all events".
fn command(reader: &Reader<'_>) -> Option<String> {
    let first = reader.tokens.iter().position(|token| !POLITE.contains(&token.text.as_str()))?;
    let verb = reader.text(first);
    if !COMMANDS.contains(&verb) || reader.tokens[first].quoted {
        return None;
    }
    let next = reader.text(first + 1);
    // "spawn failures", "stop requests", "restart count": a noun, not a command.
    let is_noun = next.starts_with("fail")
        || next.starts_with("request")
        || next.starts_with("event")
        || next.starts_with("attempt")
        || next.starts_with("error")
        || matches!(
            next,
            "count" | "counts" | "history" | "activity" | "rate" | "in" | "on" | "per" | "by" | "" | "stats"
        );
    (!is_noun).then(|| verb.to_owned())
}

/// The field of what the question is about.
fn subject(reader: &mut Reader<'_>) -> Option<String> {
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let text = reader.text(place).to_owned();
        if let Some((_, field)) = SUBJECTS.iter().find(|(noun, _)| *noun == text) {
            // "Agent events" and "node activity" name kinds, not things.
            if matches!(reader.text(place + 1), "event" | "events" | "activity") {
                continue;
            }
            // Every further mention means the same.
            for other in 0..reader.tokens.len() {
                if reader.is_unused(other)
                    && SUBJECTS.iter().any(|(noun, of)| *noun == reader.text(other) && of == field)
                {
                    reader.use_words(other..other + 1, Stage::Subject);
                }
            }
            return Some((*field).to_owned());
        }
    }
    // A noun of a dynamic kind: pods are named by `pod_id`.
    for place in 0..reader.tokens.len() {
        let text = reader.text(place).to_owned();
        let cued = place > 0
            && matches!(
                reader.text(place - 1),
                "which" | "what" | "many" | "each" | "distinct" | "different" | "unique"
            );
        let singular = text
            .strip_suffix("es")
            .filter(|stem| stem.ends_with("ch"))
            .or_else(|| text.strip_suffix('s'))
            .unwrap_or(&text);
        if cued && singular.len() > 2 && reader.is_unused(place) && !STOP_WORDS.contains(&text.as_str()) {
            let field = format!("{singular}_id");
            if reader.names.has_field(&field) {
                let is_kind =
                    kinds::dynamic_types(&reader.names).any(|name| name.split('_').any(|part| part == singular));
                if !is_kind {
                    reader.use_words(place..place + 1, Stage::Subject);
                }
                return Some(field);
            }
        }
    }
    None
}

fn about(
    reader: &Reader<'_>,
    _snapshot: &Snapshot,
    found: &[FoundEntity],
    subject: Option<&str>,
) -> Result<AboutWhat, StoreError> {
    let mut about = AboutWhat {
        agent: subject == Some("agent_id") || reader.has("agent") || reader.has("agents"),
        node: subject == Some("node_id") || reader.has("node") || reader.has("nodes"),
        cluster: reader.has("cluster"),
    };
    for entity in found {
        about.node |= reader.names.has_entity(Some("node_id"), &entity.name)?;
        about.agent |= !about.node && reader.names.has_entity(Some("agent_id"), &entity.name)?;
    }
    Ok(about)
}

/// Corrects typing slips against the words of the lexicon and of the store's types. Ids are never touched.
fn correct_slips(reader: &mut Reader<'_>, _about: AboutWhat) {
    let mut known: Vec<String> = KIND_PHRASES
        .iter()
        .flat_map(|phrase| phrase.words.iter())
        .filter(|word| word.len() >= 5 && !word.ends_with('*'))
        .map(|word| (*word).to_owned())
        .collect();
    known.extend(
        [
            "crashed",
            "crashes",
            "failure",
            "failures",
            "failed",
            "heartbeat",
            "heartbeats",
            "restarted",
            "restarts",
            "recovered",
            "degraded",
            "registered",
            "agents",
            "agent",
            "nodes",
            "cluster",
            "timeline",
            "history",
            "average",
            "status",
            "which",
            "happened",
            "yesterday",
            "spawned",
        ]
        .map(str::to_owned),
    );
    known.extend(
        reader
            .names
            .types()
            .flat_map(|name| name.split('_').map(str::to_owned).collect::<Vec<_>>())
            .filter(|part| part.len() >= 4),
    );
    for place in 0..reader.tokens.len() {
        let word = reader.text(place).to_owned();
        let is_plain = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_plain
            || !reader.is_unused(place)
            || STOP_WORDS.contains(&word.as_str())
            || known.contains(&word)
            || is_known_stem(&word)
        {
            continue;
        }
        let allowed = if word.len() >= 7 { 2 } else { 1 };
        let closest = known
            .iter()
            .map(|candidate| (strsim::osa_distance(candidate, &word), candidate))
            .filter(|(distance, candidate)| {
                *distance <= allowed && candidate.as_bytes().first() == word.as_bytes().first()
            })
            .min();
        if let Some((_, correction)) = closest {
            let correction = correction.clone();
            reader.corrected.push((word, correction.clone()));
            reader.tokens[place].text = correction.clone();
            reader.tokens[place].original = correction;
        }
    }
}

fn is_known_stem(word: &str) -> bool {
    KIND_PHRASES
        .iter()
        .flat_map(|phrase| phrase.words.iter())
        .any(|pattern| pattern.strip_suffix('*').is_some_and(|stem| stem.len() >= 4 && word.starts_with(stem)))
}

/// A plain noun that names things by a field of its own: pods by `pod_id`.
fn last_resort_subject(reader: &mut Reader<'_>) -> Option<String> {
    for place in reader.left_over() {
        let text = reader.text(place).to_owned();
        let field = format!("{}_id", text.strip_suffix('s').unwrap_or(&text));
        if text.len() > 2 && !reader.tokens[place].quoted && reader.names.has_field(&field) {
            reader.use_words(place..place + 1, Stage::Subject);
            return Some(field);
        }
    }
    None
}

/// Plain words that turn out to be entities: `web`, `33`.
fn last_resort_entities(reader: &mut Reader<'_>, found: &mut Vec<FoundEntity>) -> Result<(), StoreError> {
    for place in reader.left_over() {
        let token = reader.tokens[place].clone();
        let is_number =
            token.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'%' || byte == b'-');
        let is_noun = matches!(token.text.as_str(), "cluster" | "agent" | "agents" | "node" | "nodes" | "grid");
        if !is_number && !is_noun && reader.names.has_entity(None, &token.original)? {
            let negated = reader.is_excluded(place);
            reader.use_words(place..place + 1, Stage::Entity);
            found.push(FoundEntity { name: token.original, place, negated, known: true });
        }
    }
    Ok(())
}

/// The filter of the kinds: any of those named, none of those excluded.
fn kind_filter(found: &[FoundKind]) -> Filter {
    let mut types: Vec<&str> =
        found.iter().filter(|kind| !kind.negated).flat_map(|kind| kind.types.iter().map(String::as_str)).collect();
    types.sort_unstable();
    types.dedup();
    let excluded = found.iter().filter(|kind| kind.negated).flat_map(|kind| &kind.types);
    let mut parts: Vec<Filter> = excluded.map(|name| Filter::event_type(name.as_str()).not()).collect();
    match types.as_slice() {
        [] => {}
        [one] => parts.push(Filter::event_type(*one)),
        many => parts.push(Filter::Or(many.iter().map(|name| Filter::event_type(*name)).collect())),
    }
    all_of(parts)
}

/// "Agents running on kubernetes", "nodes on bare-metal": the entities of a platform, host or other attribute.
fn attribute_entities(reader: &mut Reader<'_>, snapshot: &Snapshot) -> Result<Vec<(Filter, String)>, StoreError> {
    let mut all = Vec::new();
    for place in reader.left_over() {
        let word = reader.tokens[place].original.clone();
        // A word that is a number or very short is never what an agent runs on.
        let is_name = word.len() >= 3 && word.bytes().any(|byte| byte.is_ascii_alphabetic());
        for field in ["platform", "hostname"].into_iter().filter(|_| is_name) {
            let registered = Filter::event_type("agent_registered").and(Filter::field(field).contains(word.as_str()));
            if reader.tokens[place].quoted || snapshot.count(&registered)? == 0 {
                continue;
            }
            let agents = snapshot.group_by(&registered, &crate::query::GroupKey::Field("agent_id".to_owned()))?;
            let filters = agents.groups.iter().map(|group| Filter::entity_of("agent_id", group.key.as_str())).collect();
            reader.use_words(place..place + 1, Stage::Condition);
            all.push((Filter::Or(filters), format!("of agents whose {field} is {word}")));
            break;
        }
    }
    Ok(all)
}

fn phrase_of(range: TimeRange) -> String {
    let text = |us: Option<i64>| us.map_or_else(|| "…".to_owned(), crate::event::timestamp::format);
    format!("from {} up to {}", text(range.since_us), text(range.until_us))
}

/// The reading that was possible too, if there is one.
pub(crate) fn first_alternative(question: &Question) -> Option<String> {
    alternatives(question).into_iter().next()
}

fn alternatives(question: &Question) -> Vec<String> {
    match (&question.intent, question.subject.as_deref()) {
        (Intent::Count(Counted::Events), Some("node_id")) => {
            vec!["how many distinct nodes, instead of events".to_owned()]
        }
        (Intent::Count(Counted::Distinct(_)), _) => vec!["how many events, instead of distinct entities".to_owned()],
        _ => Vec::new(),
    }
}
