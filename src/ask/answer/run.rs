//! Running a question: one function for each intent.

use super::{EVENTS_IN_ANSWER, EntityState, Given, GroupCount};
use super::{absence, days, gaps, status, text, values, why};
use crate::ask::options::AskOptions;
use crate::ask::question::{Absence, Counted, Direction, Intent, Question, StatusOf, Times, WhyTarget};
use crate::error::StoreError;
use crate::graph::causes::Rules;
use crate::query::{Filter, GapCause, GroupKey, Order, Query};
use crate::store::{Snapshot, Store};

/// Runs a question.
pub(super) fn run(
    store: &Store,
    question: &Question,
    options: &AskOptions,
    rules: &Rules,
) -> Result<Given, StoreError> {
    let snapshot = store.snapshot();
    let mut given = Given {
        question: question.clone(),
        intent: name_of(&question.intent),
        matched: 0,
        count: None,
        events: Vec::new(),
        entities: Vec::new(),
        groups: Vec::new(),
        ungrouped: 0,
        status: Vec::new(),
        chain: Vec::new(),
        gaps: Vec::new(),
        value: None,
        yes: None,
        text: String::new(),
        lines: Vec::new(),
        notes: Vec::new(),
        shown: Vec::new(),
    };
    let limit = options.limit.unwrap_or(EVENTS_IN_ANSWER);
    let runner = Runner { snapshot: &snapshot, filter: &question.filter, options, rules, limit };
    runner.fill(&mut given)?;
    // After the answer, so that what was found damaged for it is among the gaps.
    let mut gaps = gaps::find(store, &snapshot, read_for(question), question.range, options.now_us)?;
    if question.intent == Intent::Absence(Absence::MissingHeartbeats) {
        gaps.retain(|gap| gap.cause != GapCause::Silent);
        gaps.extend(gaps::of_heartbeats_before(store, &snapshot, question.range)?);
    }
    given.gaps.splice(..0, gaps);
    if question.yes_no && given.yes.is_none() {
        given.yes = Some(given.matched > 0);
    }
    given.text = text::of(&given, &snapshot, options)?;
    Ok(given)
}

/// The events that the answer to a question depends on: what it looks for, and everything where it looks around that.
fn read_for(question: &Question) -> &Filter {
    match question.intent {
        Intent::Status { .. } | Intent::Why { .. } | Intent::Absence(_) | Intent::Value(_) | Intent::Compare(_) => {
            &Filter::All
        }
        _ => &question.filter,
    }
}

fn name_of(intent: &Intent) -> &'static str {
    match intent {
        Intent::List { .. } => "list",
        Intent::Entities { .. } => "entities",
        Intent::Count(_) => "count",
        Intent::Groups { .. } => "groups",
        Intent::Top { .. } => "top",
        Intent::Timeline { .. } => "timeline",
        Intent::Status { .. } => "status",
        Intent::Why { .. } => "why",
        Intent::Absence(_) => "absence",
        Intent::Value(_) => "value",
        Intent::Compare(_) => "compare",
    }
}

/// What every intent needs to be run.
pub(super) struct Runner<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) filter: &'a Filter,
    pub(super) options: &'a AskOptions,
    rules: &'a Rules,
    /// How many concept ids are listed.
    pub(super) limit: usize,
}

impl Runner<'_> {
    fn fill(&self, given: &mut Given) -> Result<(), StoreError> {
        let question = given.question.clone();
        match &question.intent {
            // These say themselves what matched.
            Intent::Status { of, at_us } => return self.status(given, of, *at_us),
            Intent::Why { target, direction } => return self.why(given, target, *direction),
            Intent::Compare(compared) => return values::compare(self, given, [&compared.first, &compared.second]),
            Intent::Absence(
                absent @ (Absence::Unanswered { .. } | Absence::MissingHeartbeats | Absence::Unfollowed { .. }),
            ) => {
                return self.absence(given, absent);
            }
            _ => {}
        }
        given.matched = self.snapshot.count(self.filter)?;
        match &question.intent {
            Intent::List { limit, newest } => {
                given.count = Some(limit.map_or(given.matched, |limit| given.matched.min(limit as u64)));
                return self.list_events(given, self.filter, *limit, *newest);
            }
            Intent::Value(value) => {
                self.list_events(given, self.filter, None, false)?;
                return values::fill(self, given, value);
            }
            Intent::Entities { field, times: Some(times) } => {
                self.entities(given, field, Some(*times))?;
                // Of things that did not occur often enough, no event is meant.
                let fitting = Filter::field(field.as_str()).one_of(given.entities.iter().map(String::as_str));
                let filter = self.filter.clone().and(fitting);
                given.matched = self.snapshot.count(&filter)?;
                return self.list_events(given, &filter, None, false);
            }
            Intent::Entities { field, times: None } => self.entities(given, field, None)?,
            Intent::Count(Counted::Distinct(field)) => self.entities(given, field, None)?,
            Intent::Groups { key } => self.groups(given, key, None, false)?,
            Intent::Top { key, count, least } => self.groups(given, key, Some(*count), *least)?,
            Intent::Absence(absent) => self.absence(given, absent)?,
            _ => given.count = Some(given.matched),
        }
        self.list_events(given, self.filter, None, false)
    }

    /// Fills in the ids of events, oldest first: the first ones, or the last.
    pub(super) fn list_events(
        &self,
        given: &mut Given,
        filter: &Filter,
        asked: Option<usize>,
        newest: bool,
    ) -> Result<(), StoreError> {
        let limit = asked.map_or(self.limit, |asked| asked.min(self.limit));
        let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
        let query = Query { filter: filter.clone(), order, limit: Some(limit), after: None };
        given.events = self.snapshot.ids(&query)?.iter().map(ToString::to_string).collect();
        if newest {
            given.events.reverse();
        }
        Ok(())
    }

    fn entities(&self, given: &mut Given, field: &str, times: Option<Times>) -> Result<(), StoreError> {
        let groups = self.snapshot.group_by(self.filter, &GroupKey::Field(field.to_owned()))?;
        let often_enough = |count: u64| {
            times.is_none_or(|times| count >= times.at_least && times.at_most.is_none_or(|most| count <= most))
        };
        let fitting = groups.groups.into_iter().filter(|group| often_enough(group.count));
        given.entities = fitting.map(|group| group.key).collect();
        given.entities.sort();
        given.count = Some(given.entities.len() as u64);
        if groups.ungrouped > 0 {
            given.notes.push(format!("{} of these events have no {field}", groups.ungrouped));
        }
        Ok(())
    }

    fn groups(&self, given: &mut Given, key: &GroupKey, count: Option<usize>, least: bool) -> Result<(), StoreError> {
        let mut found = match key {
            GroupKey::Time { bucket, offset_seconds } => {
                let (range, zone) = (given.question.range, self.options.zone);
                days::by_time(self.snapshot, self.filter, *bucket, range, zone, *offset_seconds)?
            }
            key => self.snapshot.group_by(self.filter, key)?,
        };
        if least {
            found.groups.sort_by(|a, b| a.count.cmp(&b.count).then_with(|| a.key.cmp(&b.key)));
        }
        if let Some(count) = count {
            self.note_tie(given, &found.groups, count);
            found.groups.truncate(count);
        }
        given.ungrouped = found.ungrouped;
        given.groups =
            found.groups.into_iter().map(|group| GroupCount { key: group.key, count: group.count }).collect();
        if let (Some(_), GroupKey::Field(_)) = (count, key) {
            given.entities = given.groups.iter().map(|group| group.key.clone()).collect();
        }
        given.count = Some(given.matched);
        Ok(())
    }

    /// Says that what was cut off has as many events as the last that was not.
    fn note_tie(&self, given: &mut Given, groups: &[crate::query::Group], count: usize) {
        let (Some(last), Some(next)) = (count.checked_sub(1).and_then(|at| groups.get(at)), groups.get(count)) else {
            return;
        };
        if last.count == next.count {
            let tied = groups.iter().skip(count).filter(|group| group.count == last.count);
            let names: Vec<&str> = tied.take(3).map(|group| group.key.as_str()).collect();
            given.notes.push(format!("as many have {} (ties are in the order of names)", names.join(", ")));
        }
    }

    fn status(&self, given: &mut Given, of: &StatusOf, at_us: i64) -> Result<(), StoreError> {
        let replayed = match of {
            StatusOf::Cluster => vec![status::of_cluster(self.snapshot, at_us)?],
            StatusOf::Entity(entity) => {
                vec![status::of_entity(self.snapshot, &entity.field, &entity.value, at_us)?]
            }
            StatusOf::All { field, state } => status::of_all(self.snapshot, field, state.as_deref(), at_us)?,
        };
        given.yes = given.question.yes_no.then(|| match of {
            StatusOf::All { .. } => !replayed.is_empty(),
            _ => replayed.iter().any(|found| is_so(&given.question, &found.state)),
        });
        let mut ids: Vec<&String> = replayed.iter().filter_map(|found| found.evidence.as_ref()).collect();
        given.matched = ids.len() as u64;
        ids.sort_by_key(|id| id.parse::<crate::event::ConceptId>().map_or(0, |id| id.timestamp_us()));
        given.events = ids.into_iter().take(self.limit).cloned().collect();
        given.status = replayed.into_iter().map(|found| found.state).collect();
        if !matches!(of, StatusOf::Cluster) {
            given.entities = given.status.iter().map(|state| state.entity.clone()).collect();
        }
        given.count = Some(given.status.len() as u64);
        Ok(())
    }

    fn why(&self, given: &mut Given, target: &WhyTarget, direction: Direction) -> Result<(), StoreError> {
        given.matched = self.snapshot.count(&target.filter)?;
        let newest = self.snapshot.query(&crate::ask::filters::newest(target.filter.clone()))?;
        let Some(event) = newest.events.first() else { return Ok(()) };
        given.events = vec![event.id.to_string()];
        (given.chain, given.notes) = why::chain(self.snapshot, event, direction, self.rules)?;
        given.count = Some(given.chain.len() as u64);
        if given.matched > 1 {
            given.notes.push(format!("the last of {} such events is explained", given.matched));
        }
        Ok(())
    }

    fn absence(&self, given: &mut Given, absent: &Absence) -> Result<(), StoreError> {
        let (range, now_us) = (given.question.range, self.options.now_us);
        match absent {
            Absence::Unanswered { request_types } => {
                let found = absence::unanswered(self.snapshot, self.filter, request_types, range, now_us)?;
                given.matched = found.len() as u64;
                given.events = found.iter().take(self.limit).map(|event| event.id.to_string()).collect();
                given.entities = found.iter().map(|event| event.event.primary_id()).collect();
                let timeout = absence::ANSWER_TIMEOUT.as_secs();
                given.notes.push(format!("a request counts as unanswered after {timeout} s"));
            }
            Absence::MissingHeartbeats => {
                let found = absence::silences(self.snapshot, self.filter, range, now_us)?;
                // "Who stopped" means those that did not come back; where all did, those that paused.
                let any_open = found.iter().any(|silence| silence.is_open);
                let told: Vec<&absence::Silence> =
                    found.iter().filter(|silence| silence.is_open || !any_open).collect();
                let lasts = || told.iter().filter_map(|silence| silence.last.as_ref());
                given.matched = told.len() as u64;
                given.events = lasts().take(self.limit).map(|event| event.id.to_string()).collect();
                given.entities = told.iter().map(|silence| silence.gap.agent_id.clone()).collect();
                given.gaps.extend(
                    found
                        .iter()
                        .map(|silence| gaps::silent(&silence.gap, (!silence.is_open).then_some(silence.gap.until_us))),
                );
                if told.len() < found.len() {
                    given.notes.push(format!("{} further pauses ended with a new heartbeat", found.len() - told.len()));
                }
            }
            Absence::Unfollowed { start_types, end_types, field } => {
                let found = absence::unfollowed(self.snapshot, self.filter, range, [start_types, end_types], field)?;
                given.matched = found.len() as u64;
                given.events = found.iter().take(self.limit).map(|span| span.start.id.to_string()).collect();
                given.entities = found.into_iter().map(|span| span.entity).collect();
            }
            Absence::Without { field } => given.entities = absence::without(self.snapshot, self.filter, field)?,
        }
        given.entities.sort();
        given.entities.dedup();
        given.count = Some(match absent {
            Absence::Unanswered { .. } | Absence::Unfollowed { .. } => given.matched,
            _ => given.entities.len() as u64,
        });
        Ok(())
    }
}

/// Whether a state is the one that a yes-or-no question asks about.
fn is_so(question: &Question, state: &EntityState) -> bool {
    let is_up = matches!(state.state.as_str(), "healthy" | "running");
    match question.state_asked.as_deref() {
        Some("up") => is_up,
        Some("down") => !is_up && !matches!(state.state.as_str(), status::UNKNOWN | "degraded" | "requested"),
        Some(asked) => asked == state.state,
        None => false,
    }
}
