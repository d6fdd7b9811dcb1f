//! Running a question: one function for each intent.

use super::text;
use super::{EVENTS_IN_ANSWER, EntityState, Given, GroupCount, Link, NumberFound, absence, duration, gaps, status};
use crate::ask::options::AskOptions;
use crate::ask::question::{
    Absence, Compared, Counted, Direction, Function, Intent, Question, StatusOf, ValueOf, WhyTarget,
};
use crate::error::StoreError;
use crate::event::timestamp;
use crate::query::{Filter, GroupKey, Order, Query};
use crate::store::{Snapshot, Store, StoredEvent};

/// Values of a field from which a percentile is computed.
const VALUES_MAX: usize = 5_000_000;

/// Runs a question.
pub(crate) fn run(store: &Store, question: &Question, options: &AskOptions) -> Result<Given, StoreError> {
    let snapshot = store.snapshot();
    let mut given = Given {
        question: question.clone(),
        intent: name_of(&question.intent),
        matched: snapshot.count(&question.filter)?,
        count: None,
        events: Vec::new(),
        entities: Vec::new(),
        groups: Vec::new(),
        ungrouped: 0,
        status: Vec::new(),
        chain: Vec::new(),
        gaps: gaps::find(store, question.range)?,
        value: None,
        yes: None,
        text: String::new(),
    };
    let limit = options.limit.unwrap_or(EVENTS_IN_ANSWER);
    let runner = Runner { snapshot: &snapshot, filter: &question.filter, options, limit };
    runner.events(&mut given, None, false)?;
    match &question.intent {
        Intent::List { limit: asked, newest } => runner.list(&mut given, *asked, *newest)?,
        Intent::Entities { field } => runner.entities(&mut given, field)?,
        Intent::Count(counted) => runner.count(&mut given, counted)?,
        Intent::Groups { key } => runner.groups(&mut given, key, None, false)?,
        Intent::Top { key, count, least } => runner.groups(&mut given, key, Some(*count), *least)?,
        Intent::Timeline { .. } => given.count = Some(given.matched),
        Intent::Status { of, at_us } => runner.status(&mut given, of, *at_us)?,
        Intent::Why { target, direction } => runner.why(&mut given, target, *direction)?,
        Intent::Absence(absent) => runner.absence(&mut given, absent)?,
        Intent::Value(value) => runner.value(&mut given, value)?,
        Intent::Compare(compared) => runner.compare(&mut given, compared)?,
    }
    if question.yes_no && given.yes.is_none() {
        given.yes = Some(given.matched > 0);
    }
    given.text = text::of(&given, &snapshot, options)?;
    Ok(given)
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

struct Runner<'a> {
    snapshot: &'a Snapshot,
    filter: &'a Filter,
    options: &'a AskOptions,
    limit: usize,
}

impl Runner<'_> {
    /// Fills in the ids of events, oldest first: the first ones, or the last.
    fn events(&self, given: &mut Given, asked: Option<usize>, newest: bool) -> Result<(), StoreError> {
        let limit = asked.map_or(self.limit, |asked| asked.min(self.limit));
        let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
        let query = Query { filter: self.filter.clone(), order, limit: Some(limit), after: None };
        given.events = self.snapshot.ids(&query)?.iter().map(ToString::to_string).collect();
        if newest {
            given.events.reverse();
        }
        Ok(())
    }

    fn list(&self, given: &mut Given, asked: Option<usize>, newest: bool) -> Result<(), StoreError> {
        self.events(given, asked, newest)?;
        given.count = Some(asked.map_or(given.matched, |asked| given.matched.min(asked as u64)));
        Ok(())
    }

    fn entities(&self, given: &mut Given, field: &str) -> Result<(), StoreError> {
        let groups = self.snapshot.group_by(self.filter, &GroupKey::Field(field.to_owned()))?;
        given.entities = groups.groups.into_iter().map(|group| group.key).collect();
        given.entities.sort();
        given.count = Some(given.entities.len() as u64);
        Ok(())
    }

    fn count(&self, given: &mut Given, counted: &Counted) -> Result<(), StoreError> {
        given.count = Some(given.matched);
        if let Counted::Distinct(field) = counted {
            self.entities(given, field)?;
        }
        Ok(())
    }

    fn groups(&self, given: &mut Given, key: &GroupKey, count: Option<usize>, least: bool) -> Result<(), StoreError> {
        let mut groups = self.snapshot.group_by(self.filter, key)?;
        given.ungrouped = groups.ungrouped;
        if least {
            groups.groups.reverse();
        }
        groups.groups.truncate(count.unwrap_or(usize::MAX));
        given.groups =
            groups.groups.into_iter().map(|group| GroupCount { key: group.key, count: group.count }).collect();
        if let (Some(_), GroupKey::Field(_)) = (count, key) {
            given.entities = given.groups.iter().map(|group| group.key.clone()).collect();
        }
        given.count = Some(given.matched);
        Ok(())
    }

    fn status(&self, given: &mut Given, of: &StatusOf, at_us: i64) -> Result<(), StoreError> {
        match of {
            StatusOf::Cluster => {
                let (state, id) = status::of_cluster(self.snapshot, at_us)?;
                given.yes = given.question.yes_no.then(|| self.is_so(given, &state));
                given.status = vec![state];
                given.events = id.into_iter().collect();
            }
            StatusOf::Entity(entity) => {
                let (state, id) = status::of_entity(self.snapshot, &entity.field, &entity.value, at_us)?;
                given.yes = given.question.yes_no.then(|| self.is_so(given, &state));
                given.entities = vec![entity.value.clone()];
                given.status = vec![state];
                given.events = id.into_iter().collect();
            }
            StatusOf::All { field, state } => {
                let (states, ids) = status::of_all(self.snapshot, field, state.as_deref(), at_us)?;
                given.entities = states.iter().map(|state| state.entity.clone()).collect();
                given.yes = given.question.yes_no.then_some(!states.is_empty());
                given.count = Some(states.len() as u64);
                given.status = states;
                given.events = ids;
            }
        }
        given.matched = given.events.len() as u64;
        Ok(())
    }

    /// Whether a state is the one that a yes-or-no question asks about.
    fn is_so(&self, given: &Given, state: &EntityState) -> bool {
        let asked = &given.question.state_asked;
        asked.as_ref().is_some_and(|asked| *asked == state.state)
            || asked.as_deref() == Some("up") && matches!(state.state.as_str(), "healthy" | "running")
            || asked.as_deref() == Some("down") && !matches!(state.state.as_str(), "healthy" | "running" | "unknown")
    }

    fn why(&self, given: &mut Given, target: &WhyTarget, direction: Direction) -> Result<(), StoreError> {
        let newest = self.snapshot.query(&Query::new(target.filter.clone()).newest_first().limit(1))?;
        given.matched = self.snapshot.count(&target.filter)?;
        let Some(event) = newest.events.first() else {
            given.events.clear();
            return Ok(());
        };
        given.events = vec![event.id.to_string()];
        given.chain = self.chain(event, direction)?;
        given.count = Some(given.chain.len() as u64);
        Ok(())
    }

    /// The causes that are declared, and the course of events of the same entity before or after.
    fn chain(&self, event: &StoredEvent, direction: Direction) -> Result<Vec<Link>, StoreError> {
        super::super::causes::chain(self.snapshot, event, direction)
    }

    fn absence(&self, given: &mut Given, absent: &Absence) -> Result<(), StoreError> {
        match absent {
            Absence::Unanswered { request_types } => {
                let found = absence::unanswered(self.snapshot, self.filter, request_types)?;
                given.count = Some(found.len() as u64);
                given.matched = found.len() as u64;
                given.events = found.iter().take(self.limit).map(|event| event.id.to_string()).collect();
                let mut nodes: Vec<String> = found.iter().map(|event| event.event.primary_id()).collect();
                nodes.sort();
                nodes.dedup();
                given.entities = nodes;
            }
            Absence::MissingHeartbeats => {
                let found = absence::silences(self.snapshot, self.filter, given.question.range, self.options.now_us)?;
                given.count = Some(found.len() as u64);
                given.matched = found.len() as u64;
                given.events = found.iter().map(|silence| silence.last.id.to_string()).collect();
                given.entities = found.iter().map(|silence| silence.agent.clone()).collect();
                given.gaps.extend(found.into_iter().map(|silence| super::Gap {
                    since: Some(timestamp::format(silence.last.event.timestamp_us())),
                    until: None,
                    reason: silence.text,
                }));
            }
            Absence::Without { field } => {
                given.entities = absence::without(self.snapshot, self.filter, field)?;
                given.count = Some(given.entities.len() as u64);
            }
        }
        Ok(())
    }

    fn value(&self, given: &mut Given, value: &ValueOf) -> Result<(), StoreError> {
        let found = match value {
            ValueOf::Field { function, field } => {
                let mut numbers = Vec::new();
                // Asking for the field too leaves out the types that cannot have it.
                let having = self.filter.clone().and(Filter::field(field.as_str()).exists());
                self.snapshot.for_each(&Query::new(having).limit(VALUES_MAX), &mut |stored| {
                    numbers.extend(stored.event.get(field).and_then(crate::event::ValueRef::as_f64));
                    std::ops::ControlFlow::Continue(())
                })?;
                NumberFound {
                    number: compute(*function, &mut numbers),
                    unit: unit_of(field).to_owned(),
                    field: Some(field.clone()),
                    function: function_name(*function),
                }
            }
            ValueOf::Rate { attempts, outcomes } => {
                let all = self.snapshot.count(attempts)?;
                let of_those = self.snapshot.count(outcomes)?;
                given.matched = all;
                given.count = Some(of_those);
                let number = (all > 0).then(|| of_those as f64 / all as f64);
                NumberFound { number, unit: "share".to_owned(), field: None, function: "rate".to_owned() }
            }
            ValueOf::Frequency { unit_us } => {
                let (since, until) = (given.question.range.since_us, given.question.range.until_us);
                let first = self
                    .snapshot
                    .query(&Query::new(self.filter.clone()).limit(1))?
                    .events
                    .first()
                    .map(|event| event.event.timestamp_us());
                let since = since.or(first).unwrap_or(self.options.now_us);
                let until = until.unwrap_or(self.options.now_us).min(self.options.now_us).max(since + 1);
                let units = (until - since) as f64 / *unit_us as f64;
                let unit = if *unit_us == 86_400_000_000 { "per day" } else { "per hour" };
                NumberFound {
                    number: Some(given.matched as f64 / units),
                    unit: unit.to_owned(),
                    field: None,
                    function: "rate".to_owned(),
                }
            }
            ValueOf::Duration { start_types, end_types, field, function } => {
                let of =
                    |names: &[String]| Filter::Or(names.iter().map(|name| Filter::event_type(name.as_str())).collect());
                let base = crate::ask::answer::run::without_types(self.filter);
                let starts = base.clone().and(of(start_types));
                let ends = super::run::without_time(&base).and(of(end_types));
                let spans = duration::spans(self.snapshot, &starts, &ends, start_types, field)?;
                let mut seconds: Vec<f64> = spans
                    .iter()
                    .filter(|span| span.end.is_some() || start_types.iter().any(|name| name == "agent_offline"))
                    .map(|span| span.seconds(self.options.now_us))
                    .collect();
                given.matched = spans.len() as u64;
                let mut longest: Vec<&duration::Span> = spans.iter().filter(|span| span.end.is_some()).collect();
                longest.sort_by(|a, b| b.seconds(0).total_cmp(&a.seconds(0)));
                given.groups = Vec::new();
                given.events = if *function == Function::Maximum {
                    longest.iter().take(1).map(|span| span.start.id.to_string()).collect()
                } else {
                    spans.iter().take(self.limit).map(|span| span.start.id.to_string()).collect()
                };
                given.entities = if *function == Function::Maximum {
                    longest.iter().take(1).map(|span| span.entity.clone()).collect()
                } else {
                    let mut names: Vec<String> = spans.iter().map(|span| span.entity.clone()).collect();
                    names.sort();
                    names.dedup();
                    names
                };
                given.count = Some(given.matched);
                NumberFound {
                    number: compute(*function, &mut seconds),
                    unit: "seconds".to_owned(),
                    field: None,
                    function: "duration".to_owned(),
                }
            }
        };
        given.value = Some(found);
        Ok(())
    }

    fn compare(&self, given: &mut Given, compared: &Compared) -> Result<(), StoreError> {
        for (name, filter) in [&compared.first, &compared.second] {
            let count = self.snapshot.count(filter)?;
            given.groups.push(GroupCount { key: name.clone(), count });
        }
        given.matched = given.groups.iter().map(|group| group.count).sum();
        given.count = Some(given.matched);
        given.groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        Ok(())
    }
}

/// The filter without its types.
pub(super) fn without_types(filter: &Filter) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(without_types).collect()),
        Filter::Type(_) => Filter::All,
        Filter::Or(parts) if !parts.is_empty() && parts.iter().all(|part| matches!(part, Filter::Type(_))) => {
            Filter::All
        }
        other => other.clone(),
    }
}

/// The filter without its time.
pub(super) fn without_time(filter: &Filter) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(without_time).collect()),
        Filter::Time(_) => Filter::All,
        other => other.clone(),
    }
}

fn compute(function: Function, numbers: &mut [f64]) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    Some(match function {
        Function::Maximum => numbers[numbers.len() - 1],
        Function::Minimum => numbers[0],
        Function::Sum => sum,
        // The nearest rank: the smallest value that at least this share of all values does not exceed.
        Function::Percentile(percent) => {
            let rank = (percent / 100.0 * numbers.len() as f64).ceil() as usize;
            numbers[rank.clamp(1, numbers.len()) - 1]
        }
        Function::Average | Function::Rate | Function::Duration => sum / numbers.len() as f64,
    })
}

fn function_name(function: Function) -> String {
    match function {
        Function::Average => "average".to_owned(),
        Function::Maximum => "max".to_owned(),
        Function::Minimum => "min".to_owned(),
        Function::Sum => "sum".to_owned(),
        Function::Percentile(percent) => format!("p{percent}"),
        Function::Rate => "rate".to_owned(),
        Function::Duration => "duration".to_owned(),
    }
}

/// The unit that the name of a field ends with.
fn unit_of(field: &str) -> &'static str {
    let units =
        [("_ms", "ms"), ("_us", "µs"), ("_seconds", "s"), ("_mb", "MB"), ("_percent", "%"), ("_bytes", "bytes")];
    units.iter().find(|(ending, _)| field.ends_with(ending)).map_or("", |(_, unit)| unit)
}
