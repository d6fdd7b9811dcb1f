//! What a question names: times, entities, things, kinds, conditions. Found once, in this order, so that each
//! word has one use; the intent is then found among what is left.

use super::conditions::{self, FoundCondition};
use super::entities::{self, FoundEntity, all_of};
use super::fields;
use super::kinds::{self, AboutWhat, FoundKind};
use super::lexicon::is_asking_word;
use super::options::AskOptions;
use super::reader::{Reader, Stage};
use super::subject::{self, Subject};
use super::time::{self, EventWindow, FoundKind as TimeKind, WindowKind, Word};
use crate::error::StoreError;
use crate::query::{Filter, GroupKey, Query, TimeRange};
use crate::store::Snapshot;

/// What a question names.
pub(crate) struct Pieces {
    pub(crate) ranges: Vec<(TimeRange, String)>,
    /// The instant that is asked about, if it is one.
    pub(crate) instant_us: Option<i64>,
    pub(crate) entities: Vec<FoundEntity>,
    pub(crate) subject: Option<Subject>,
    pub(crate) kinds: Vec<FoundKind>,
    pub(crate) conditions: Vec<FoundCondition>,
    /// Things by what they are like: agents on a platform.
    pub(crate) attributes: Vec<(Filter, String)>,
    /// The events about the entities.
    pub(crate) about_entities: Filter,
}

/// Why there are no pieces.
pub(crate) enum Failure {
    /// The question makes no sense, for a reason.
    Refused(String),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Finds all pieces and uses their words.
pub(crate) fn find(reader: &mut Reader<'_>, snapshot: &Snapshot, options: &AskOptions) -> Result<Pieces, Failure> {
    let timed = times(reader, options)?;
    let mut entities = entities::find(reader)?;
    keep_fields(reader);
    let mut subject = subject::find(reader);
    let about = about(reader, &entities, subject.as_ref())?;
    // A "failure rate" is no failure.
    reader.cue(&[&["failure", "rate"], &["success", "rate"], &["error", "rate"], &["crash", "rate"]]);
    let mut kinds = kinds::find(reader, about, subject.as_ref());
    let types = types_of(&kinds);
    subject = subject.or_else(|| subject::of_field(reader, &types));
    // A noun that belongs to a kind too was left for that.
    for place in subject.iter().flat_map(|subject| subject.places.clone()) {
        if reader.used[place].is_none() {
            reader.use_words(place..place + 1, Stage::Subject);
        }
    }
    of_own_things(reader, subject.as_ref(), &mut kinds);
    redundant_nouns(reader, subject.as_ref(), &kinds);
    plain_entities(reader, &kinds, &mut entities)?;
    let mut ranges: Vec<(TimeRange, String)> =
        timed.ranges.iter().map(|found| (found.range, found.phrase.clone())).collect();
    if let Some(window) = &timed.event_window {
        ranges.push(around_event(reader, snapshot, window, &mut kinds, &mut entities)?);
    }
    ranges.extend(beyond_event(reader, snapshot, &mut kinds, &entities)?);
    let attributes = attributes(reader, snapshot)?;
    let types = types_of(&kinds);
    let conditions = conditions::find(reader, snapshot, &types)?;
    narrow(reader, &mut kinds, &conditions);
    let instant_us = timed.ranges.iter().find(|found| found.kind == TimeKind::Instant).and_then(|found| found.at_us);
    if entities.len() > 1 {
        for entity in entities.iter_mut().filter(|entity| entity.known) {
            entity.fields = reader.names.fields_of_entity(&entity.name)?;
        }
    }
    let about_entities = entities::filter(&entities, &reader.tokens);
    Ok(Pieces { ranges, instant_us, entities, subject, kinds, conditions, attributes, about_entities })
}

impl Pieces {
    /// Whether nothing is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.names_nothing_but_time() && self.ranges.is_empty()
    }

    /// Whether nothing is named, or a time alone.
    pub(crate) fn names_nothing_but_time(&self) -> bool {
        self.entities.is_empty()
            && self.subject.is_none()
            && self.kinds.is_empty()
            && self.conditions.is_empty()
            && self.attributes.is_empty()
    }

    /// The events of the kinds.
    pub(crate) fn of_kinds(&self) -> Filter {
        kind_filter(&self.kinds)
    }

    /// The events of the times.
    pub(crate) fn in_time(&self) -> Filter {
        match self.ranges.as_slice() {
            [] => Filter::All,
            [(range, _)] => Filter::Time(*range),
            many => Filter::Or(many.iter().map(|(range, _)| Filter::Time(*range)).collect()),
        }
    }

    /// The events with the conditions and attributes.
    pub(crate) fn under_conditions(&self) -> Filter {
        // Two values of one field are alternatives: no event has both.
        let mut groups: Vec<(Option<&[String]>, Vec<Filter>)> = Vec::new();
        for condition in &self.conditions {
            let fields = condition.is_value.then_some(condition.fields.as_slice());
            match groups.iter_mut().find(|(known, _)| known.is_some() && *known == fields) {
                Some((_, alternatives)) => alternatives.push(condition.filter.clone()),
                None => groups.push((fields, vec![condition.filter.clone()])),
            }
        }
        let conditions = groups.into_iter().map(|(_, mut alternatives)| match alternatives.len() {
            1 => alternatives.remove(0),
            _ => Filter::Or(alternatives),
        });
        all_of(conditions.chain(self.attributes.iter().map(|(filter, _)| filter.clone())).collect())
    }

    /// Everything but the kinds.
    pub(crate) fn without_kinds(&self) -> Filter {
        all_of(vec![self.about_entities.clone(), self.in_time(), self.under_conditions()])
    }

    /// Everything but the conditions.
    pub(crate) fn without_conditions(&self) -> Filter {
        all_of(vec![self.of_kinds(), self.about_entities.clone(), self.in_time()])
    }

    /// Everything.
    pub(crate) fn filter(&self) -> Filter {
        all_of(vec![self.of_kinds(), self.about_entities.clone(), self.in_time(), self.under_conditions()])
    }
}

/// Keeps the names of fields that have several words, where a number or a function stands beside them: "fewer than 5
/// healthy agents", "the highest restart count" speak of no kind and of no agents.
fn keep_fields(reader: &mut Reader<'_>) {
    let functions = [
        "average", "avg", "mean", "median", "maximum", "max", "highest", "peak", "largest", "minimum", "min", "lowest",
        "smallest", "sum", "total",
    ];
    let compares = |word: &str| {
        matches!(
            word,
            "is" | "="
                | ">"
                | "<"
                | ">="
                | "<="
                | "over"
                | "under"
                | "above"
                | "below"
                | "more"
                | "less"
                | "fewer"
                | "at"
                | "of"
                | "exceeding"
                | "greater"
                | "equals"
        )
    };
    let is_number = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit()) || super::conditions::spelled_number(word).is_some()
    };
    for length in [4, 3, 2] {
        for place in 0..(reader.tokens.len() + 1).saturating_sub(length) {
            let words = place..place + length;
            if !words.clone().all(|at| reader.is_unused(at)) {
                continue;
            }
            let name = words.clone().map(|at| reader.text(at)).collect::<Vec<_>>().join("_");
            if fields::named(reader, &name, &[]).is_none() {
                continue;
            }
            let before = place.checked_sub(1).map_or("", |at| reader.text(at)).to_owned();
            let (next, after) = (reader.text(words.end).to_owned(), reader.text(words.end + 1).to_owned());
            let beside_number = is_number(&before)
                || is_number(&next)
                || compares(&next) && (is_number(&after) || after == "than" || next == "at");
            if beside_number || functions.contains(&before.as_str()) {
                reader.use_words(words, Stage::Field);
            }
        }
    }
}

/// What the question says about time.
fn times(reader: &mut Reader<'_>, options: &AskOptions) -> Result<time::TimeFound, Failure> {
    let words: Vec<Word<'_>> =
        reader.tokens.iter().map(|token| Word { text: &token.text, start: token.start }).collect();
    let timed = time::find(&words, options.now_us, &options.zone);
    if let Some(reason) = timed.error {
        return Err(Failure::Refused(reason));
    }
    for (place, used) in timed.used.iter().enumerate() {
        if *used && !reader.tokens[place].quoted {
            reader.used[place] = Some(Stage::Time);
        }
    }
    Ok(timed)
}

fn about(reader: &Reader<'_>, found: &[FoundEntity], subject: Option<&Subject>) -> Result<AboutWhat, StoreError> {
    let field = subject.map(|subject| subject.field.as_str());
    let mut about = AboutWhat {
        agent: field == Some("agent_id") || reader.has("agent") || reader.has("agents"),
        node: field == Some("node_id") || reader.has("node") || reader.has("nodes"),
        cluster: reader.has("cluster"),
    };
    for entity in found {
        about.node |= reader.names.has_entity(Some("node_id"), &entity.name)?;
        about.agent |= !about.node && reader.names.has_entity(Some("agent_id"), &entity.name)?;
    }
    Ok(about)
}

/// The types of which conditions are asked: those that the kinds can mean.
fn types_of(kinds: &[FoundKind]) -> Vec<String> {
    let positive = kinds.iter().filter(|kind| !kind.negated);
    positive.flat_map(|kind| if kind.wider.is_empty() { &kind.types } else { &kind.wider }).cloned().collect()
}

/// A noun that can mean several types means those that have the fields of the conditions: "spawns that timed out"
/// are spawns that failed.
fn narrow(reader: &Reader<'_>, kinds: &mut [FoundKind], conditions: &[FoundCondition]) {
    let has_all = |name: &String| {
        let fields = reader.names.fields_of(std::slice::from_ref(name));
        conditions.iter().all(|condition| condition.fields.iter().any(|field| fields.contains(field.as_str())))
    };
    for kind in kinds.iter_mut().filter(|kind| !kind.wider.is_empty()) {
        if kind.types.iter().any(has_all) {
            continue;
        }
        let having: Vec<String> = kind.wider.iter().filter(|name| has_all(name)).cloned().collect();
        if !having.is_empty() {
            kind.types = having;
        }
    }
}

/// The range beside an event. The kinds and entities that say which event are taken out of the question.
fn around_event(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    window: &EventWindow,
    kinds: &mut Vec<FoundKind>,
    entities: &mut Vec<FoundEntity>,
) -> Result<(TimeRange, String), Failure> {
    // Up to a word that begins the question itself: "10 minutes before node-x crashed, which agents went offline".
    let begins = |place: &usize| {
        matches!(
            reader.text(*place),
            "which" | "what" | "who" | "how" | "did" | "show" | "list" | "were" | "count" | "any"
        )
    };
    let end = (window.event..reader.tokens.len()).find(begins).unwrap_or(reader.tokens.len());
    let clause = window.event..end;
    let (anchor_kinds, own_kinds): (Vec<_>, Vec<_>) =
        std::mem::take(kinds).into_iter().partition(|kind| clause.contains(&kind.words.start));
    let (anchor_entities, own_entities): (Vec<_>, Vec<_>) =
        std::mem::take(entities).into_iter().partition(|entity| clause.contains(&entity.place));
    (*kinds, *entities) = (own_kinds, own_entities);
    // What names the event says nothing of the question itself.
    reader.use_words(clause.clone(), Stage::Time);
    let anchor = all_of(vec![kind_filter(&anchor_kinds), entities::filter(&anchor_entities, &reader.tokens)]);
    if anchor == Filter::All {
        return Err(Failure::Refused("it does not say from which event the time is counted".to_owned()));
    }
    let newest = snapshot.query(&Query::new(anchor).newest_first().limit(1))?;
    let Some(event) = newest.events.first() else {
        return Err(Failure::Refused("the event that the time is counted from is not in the record".to_owned()));
    };
    let at_us = event.event.timestamp_us();
    let (since_us, until_us) = match window.kind {
        WindowKind::Before => (at_us.saturating_sub(window.amount_us), at_us),
        WindowKind::After => (at_us.saturating_add(1), at_us.saturating_add(window.amount_us)),
        WindowKind::Around => (at_us.saturating_sub(window.amount_us), at_us.saturating_add(window.amount_us)),
    };
    let say = crate::event::timestamp::format;
    let range = TimeRange { since_us: Some(since_us), until_us: Some(until_us) };
    Ok((range, format!("from {} up to {} (beside {})", say(since_us), say(until_us), event.id)))
}

/// "Since its last crash", "after it crashed": from an event of the entities on.
fn beyond_event(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    kinds: &mut Vec<FoundKind>,
    entities: &[FoundEntity],
) -> Result<Option<(TimeRange, String)>, StoreError> {
    // A pair of kinds whose distance is asked for is none of this.
    let timed = ["long", "time", "slowest", "fastest", "longest", "shortest", "quickly", "fast", "average"];
    if entities.is_empty() || timed.iter().any(|word| reader.has(word)) {
        return Ok(None);
    }
    for nth in 0..kinds.len() {
        let mut at = kinds[nth].words.start;
        while at > 0
            && matches!(
                reader.text(at - 1),
                "its" | "the" | "that" | "their" | "it" | "last" | "latest" | "recent" | "most" | "previous" | "had"
            )
        {
            at -= 1;
        }
        let Some(cue) = at.checked_sub(1).filter(|&cue| reader.is_unused(cue)) else { continue };
        let is_after = matches!(reader.text(cue), "after" | "since" | "following");
        if !is_after && reader.text(cue) != "before"
            || at == kinds[nth].words.start && kinds.len() < 2 && !reader.has("what")
        {
            continue;
        }
        let kind = kinds.remove(nth);
        let anchor = all_of(vec![kind_filter(&[kind]), entities::filter(entities, &reader.tokens)]);
        let newest = snapshot.query(&Query::new(anchor).newest_first().limit(1))?;
        reader.use_words(cue..at, Stage::Time);
        for place in cue..reader.tokens.len() {
            if reader.used[place].is_none() && matches!(reader.text(place), "last" | "latest" | "recent" | "most") {
                reader.use_words(place..place + 1, Stage::Time);
            }
        }
        // Without such an event nothing lies beyond it.
        let (range, id) = match newest.events.first() {
            Some(event) if is_after => {
                let since_us = Some(event.event.timestamp_us().saturating_add(1));
                (TimeRange { since_us, until_us: None }, event.id.to_string())
            }
            Some(event) => {
                (TimeRange { since_us: None, until_us: Some(event.event.timestamp_us()) }, event.id.to_string())
            }
            None => (TimeRange { since_us: Some(0), until_us: Some(0) }, "no such event".to_owned()),
        };
        let side = if is_after { "after" } else { "before" };
        return Ok(Some((range, format!("{side} {id}"))));
    }
    Ok(None)
}

/// "How many alerts per day": a noun of the store's own kinds, with nothing else said of what happened, means the kinds
/// that it begins the names of.
fn of_own_things(reader: &Reader<'_>, subject: Option<&Subject>, kinds: &mut Vec<FoundKind>) {
    let Some(subject) = subject.filter(|_| kinds.is_empty()) else { return };
    let Some(&place) = subject.places.first() else { return };
    let noun = kinds::stem(reader.text(place));
    if matches!(subject.field.as_str(), "agent_id" | "node_id") {
        return;
    }
    let types: Vec<String> = kinds::dynamic_types(&reader.names)
        .filter(|name| name.split('_').next().is_some_and(|first| kinds::stem(first) == noun))
        .map(str::to_owned)
        .collect();
    if !types.is_empty() {
        kinds.push(FoundKind { types, wider: Vec::new(), words: place..place + 1, negated: false, lacking: false });
    }
}

/// "Which agent restarts nodes the most", "how many agents had a node crash": what a kind is about anyway.
fn redundant_nouns(reader: &mut Reader<'_>, subject: Option<&Subject>, kinds: &[FoundKind]) {
    let all_of = |families: &[&str]| {
        let mut types = kinds.iter().flat_map(|kind| &kind.types).peekable();
        types.peek().is_some() && types.all(|name| families.iter().any(|family| name.starts_with(family)))
    };
    let of_nodes = all_of(&["node_", "spawn_", "stop_"]);
    let of_agents = all_of(&["agent_"]);
    let field = subject.map(|subject| subject.field.as_str());
    let of_agents = of_agents || matches!(field, Some("platform" | "hostname"));
    if !kinds.is_empty() {
        reader.cue_unused(&[&["logged"]]);
    }
    let went_well =
        kinds.iter().flat_map(|kind| &kind.types).all(|name| name.ends_with("_succeeded")) && !kinds.is_empty();
    if went_well {
        reader.cue_unused(&[&["successfully"], &["successful"], &["ok"], &["fine"], &["cleanly"]]);
    }
    for place in 0..reader.tokens.len() {
        let is_redundant = match reader.text(place) {
            "node" | "nodes" => of_nodes,
            "cluster" | "grid" => kinds.iter().any(|kind| kind.types.iter().any(|name| name.starts_with("cluster_"))),
            "agent" | "agents" => of_agents,
            _ => false,
        };
        // "Per agent" still groups.
        let before = place.checked_sub(1).map_or("", |before| reader.text(before));
        if is_redundant && reader.is_unused(place) && !matches!(before, "per" | "by" | "each" | "which" | "what") {
            reader.use_words(place..place + 1, Stage::Subject);
        }
    }
}

/// Plain words that turn out to be entities: `web`, `33`.
///
/// Of the kinds that are asked for: a word that names something elsewhere is left to be the value of a field.
fn plain_entities(
    reader: &mut Reader<'_>,
    kinds: &[FoundKind],
    found: &mut Vec<FoundEntity>,
) -> Result<(), StoreError> {
    let types = types_of(kinds);
    for place in reader.left_over() {
        let token = reader.tokens[place].clone();
        if is_asking_word(&token.text) {
            continue;
        }
        let after_field = place.checked_sub(1).is_some_and(|before| {
            reader.is_unused(before)
                && fields::from(reader, before, &types).is_some_and(|(_, words)| words.end == place)
        });
        if after_field && !types.is_empty() {
            continue;
        }
        let is_number = token.text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'%' | b'-'));
        let is_noun = matches!(token.text.as_str(), "cluster" | "agent" | "agents" | "node" | "nodes" | "grid");
        // "Machine 5", where there are machines.
        let before = place.checked_sub(1).map_or("", |before| reader.text(before));
        let named_by_noun = is_number
            && before.len() > 2
            && kinds::dynamic_types(&reader.names).any(|name| name.split('_').next() == Some(before));
        if (!is_number || named_by_noun)
            && !is_noun
            && !token.quoted
            && reader.names.has_entity(None, &token.original)?
        {
            let of_kinds = types.is_empty()
                || reader
                    .names
                    .fields_of_entity(&token.original)?
                    .iter()
                    .any(|field| reader.names.has_field_among(&types, field));
            if !of_kinds {
                continue;
            }
            let negated = entities::is_excluded(reader, place, found);
            reader.use_words(place..place + 1, Stage::Entity);
            found.push(FoundEntity { name: token.original, place, negated, known: true, fields: Vec::new() });
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

/// "Agents running on kubernetes", "nodes on bare-metal": the entities of a platform or host, which are named by
/// another kind than the one that is asked for.
fn attributes(reader: &mut Reader<'_>, snapshot: &Snapshot) -> Result<Vec<(Filter, String)>, StoreError> {
    let mut all = Vec::new();
    for place in reader.left_over() {
        let word = reader.tokens[place].original.clone();
        // A word that is a number or very short is never what an agent runs on.
        let is_name = word.len() >= 3
            && !is_asking_word(reader.text(place))
            && word.bytes().any(|byte| byte.is_ascii_alphabetic());
        for field in ["platform", "hostname"].into_iter().filter(|_| is_name) {
            let registered = Filter::event_type("agent_registered").and(Filter::field(field).equals(word.as_str()));
            if reader.tokens[place].quoted || snapshot.count(&registered)? == 0 {
                continue;
            }
            let agents = snapshot.group_by(&registered, &GroupKey::Field("agent_id".to_owned()))?;
            let filters = agents.groups.iter().map(|group| Filter::entity_of("agent_id", group.key.as_str())).collect();
            let before = place.checked_sub(1).map_or("", |before| reader.text(before));
            let start = if matches!(before, "platform" | "hostname" | "host" | "=") { place - 1 } else { place };
            reader.use_words(start..place + 1, Stage::Condition);
            all.push((Filter::Or(filters), format!("of agents whose {field} is {word}")));
            break;
        }
    }
    Ok(all)
}
