//! Finds the links of one event: declared, by rule, and coincident. Every search is a query by entity,
//! types and time with a limit, nearest events first.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::error::StoreError;
use crate::event::{CAUSED_BY, ConceptId};
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

use super::absence;
use super::cuts::{CutKind, Cuts, cutting};
use super::rules::{Rule, Rules, of_types};
use super::tree::{Grade, Towards};

/// The most events that the links of one event are sought among.
pub const EVENTS_READ_MAX: usize = 256;
/// The most events that one rule gives.
pub(super) const EVENTS_OF_A_RULE_MAX: usize = 16;
/// The most coincident events that are shown.
const COINCIDENT_MAX: usize = 3;
/// The most entities of an event whose coincident events are looked at.
const COINCIDENT_ENTITIES_MAX: usize = 4;
/// How long after an event others that declare it their cause are looked for, in µs: one hour.
const DECLARED_EFFECTS_US: i64 = 3_600 * 1_000_000;

/// One end of a link, seen from the event at the other end.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) event: StoredEvent,
    pub(super) grade: Grade,
    pub(super) rule: String,
    /// What the cause is to the effect.
    pub(super) role: String,
    /// What the effect is to the cause.
    pub(super) effect_role: String,
    /// Whether another cause of the effect is better.
    pub(super) rival: bool,
}

/// The links of one event, best first.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) candidates: Vec<Candidate>,
    pub(super) notes: Vec<String>,
}

/// The place of an event: by time, then by arrival.
pub(super) fn place(event: &StoredEvent) -> (i64, u64) {
    (event.event.timestamp_us(), event.sequence)
}

/// Finds links in one snapshot, and remembers those that it found.
pub(super) struct Links<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Rules,
    causes: RefCell<HashMap<ConceptId, Rc<Found>>>,
}

impl<'a> Links<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, rules: &'a Rules) -> Self {
        Self { snapshot, rules, causes: RefCell::default() }
    }

    /// The possible causes of an event, best first; all but the first are rivals.
    pub(super) fn causes_of(&self, effect: &StoredEvent) -> Result<Rc<Found>, StoreError> {
        if let Some(found) = self.causes.borrow().get(&effect.id) {
            return Ok(Rc::clone(found));
        }
        let mut found = Found::default();
        self.declared_causes(effect, &mut found)?;
        let mut reading = Reading::new(self.snapshot);
        for rule in &self.rules.rules {
            self.causes_by(rule, effect, &mut reading, &mut found)?;
        }
        found.notes.extend(reading.note());
        rank(&mut found.candidates, effect, Side::Before);
        for (index, candidate) in found.candidates.iter_mut().enumerate() {
            candidate.rival = index > 0;
        }
        let found = Rc::new(found);
        self.causes.borrow_mut().insert(effect.id.clone(), Rc::clone(&found));
        Ok(found)
    }

    /// The effects of an event: those of which it is a possible cause; where another cause is better, as a rival.
    pub(super) fn effects_of(&self, cause: &StoredEvent) -> Result<Found, StoreError> {
        let time = cause.event.timestamp_us();
        let mut reading = Reading::new(self.snapshot);
        let since = time.saturating_sub(self.rules.skew_us);
        let declares = Filter::field(CAUSED_BY).contains(cause.id.to_string());
        let (mut later, more) = reading.oldest(declares, since, time.saturating_add(DECLARED_EFFECTS_US))?;
        reading.cut_short.extend(more.then_some(CAUSED_BY));
        for rule in &self.rules.rules {
            if let Some(filter) = rule.effects_of(&cause.event) {
                let since = time.saturating_sub(rule.skew_us);
                let (events, more) = reading.oldest(filter, since, self.reach(rule, cause)?)?;
                reading.cut_short.extend(more.then_some(rule.name.as_str()));
                later.extend(events);
            }
        }
        let mut found = Found { notes: reading.note().into_iter().collect(), ..Found::default() };
        let mut seen = HashSet::from([cause.id.clone()]);
        for effect in later {
            if !seen.insert(effect.id.clone()) {
                continue;
            }
            let causes = self.causes_of(&effect)?;
            if let Some(link) = causes.candidates.iter().find(|candidate| candidate.event.id == cause.id) {
                found.candidates.push(Candidate { event: effect, ..link.clone() });
            }
        }
        rank(&mut found.candidates, cause, Side::After);
        found.candidates.sort_by_key(|candidate| candidate.rival);
        Ok(found)
    }

    /// Events near in time that share an entity with the event: before it, or after it.
    pub(super) fn coincident(&self, event: &StoredEvent, towards: Towards) -> Result<Vec<Candidate>, StoreError> {
        let time = event.event.timestamp_us();
        let before = towards == Towards::Causes;
        let side = if before { Side::Before } else { Side::After };
        let mut reading = Reading::new(self.snapshot);
        let mut candidates = Vec::new();
        let mut cuts = Cuts::default();
        let routine = of_types(&self.rules.routine).not();
        for entity in event.event.entities().into_iter().take(COINCIDENT_ENTITIES_MAX) {
            let filter = routine.clone().and(Filter::entity_of(entity.field, entity.value));
            let near = if before {
                reading.newest(filter, time.saturating_sub(self.rules.coincident_us), time)?
            } else {
                reading.oldest(filter, time, time.saturating_add(self.rules.coincident_us))?
            };
            for other in near.0 {
                let (cause, effect) = if before { (&other, event) } else { (event, &other) };
                if other.id == event.id || place(cause) > place(effect) {
                    continue;
                }
                if self.is_of_former_life(cause, effect, self.rules.coincident_us, &mut cuts)? {
                    continue;
                }
                candidates.push(Candidate {
                    event: other,
                    grade: Grade::Coincident,
                    rule: "coincident".to_owned(),
                    role: "shortly before, on the same entity".to_owned(),
                    effect_role: "shortly after, on the same entity".to_owned(),
                    rival: true,
                });
            }
        }
        rank(&mut candidates, event, side);
        candidates.truncate(COINCIDENT_MAX);
        Ok(candidates)
    }

    fn declared_causes(&self, effect: &StoredEvent, found: &mut Found) -> Result<(), StoreError> {
        let declared = effect.event.causes();
        if declared.is_empty() && effect.event.get(CAUSED_BY).is_some() {
            found.notes.push(format!("`{CAUSED_BY}` holds no concept id of an event"));
        }
        if declared.len() > EVENTS_OF_A_RULE_MAX {
            found
                .notes
                .push(format!("of {} declared causes the first {EVENTS_OF_A_RULE_MAX} are read", declared.len()));
        }
        let latest = effect.event.timestamp_us().saturating_add(self.rules.skew_us);
        for id in declared.into_iter().take(EVENTS_OF_A_RULE_MAX) {
            if id == effect.id {
                found.notes.push("it declares itself its cause".to_owned());
                continue;
            }
            let Some(event) = self.snapshot.get(&id)? else {
                found.notes.push(format!("the declared cause {id} is not in the record"));
                continue;
            };
            if event.event.timestamp_us() > latest {
                found.notes.push(format!("the declared cause {id} is stamped after its effect, and is not followed"));
                continue;
            }
            found.candidates.push(Candidate {
                event,
                grade: Grade::Declared,
                rule: CAUSED_BY.to_owned(),
                role: "the cause that it declares".to_owned(),
                effect_role: "declares this its cause".to_owned(),
                rival: false,
            });
        }
        Ok(())
    }

    fn causes_by(
        &self,
        rule: &'a Rule,
        effect: &StoredEvent,
        reading: &mut Reading<'a>,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        let Some(filter) = rule.causes_of(&effect.event) else { return Ok(()) };
        let time = effect.event.timestamp_us();
        let mut cuts = Cuts::default();
        let (since, until) = (time.saturating_sub(rule.window_us), time.saturating_add(rule.skew_us));
        let (causes, more) = reading.newest(filter, since, until)?;
        let mut is_unanswered = None;
        let mut older_is_cut = false;
        for cause in causes {
            if cause.id == effect.id {
                continue;
            }
            // Of two readings the one in which nothing is stamped late holds.
            if place(&cause) > place(effect) && self.rules.lead_from(effect, &cause.event) {
                continue;
            }
            if self.is_cut(rule, &cause, effect, &mut cuts)? {
                older_is_cut = rule.cuts_what_is_older(&self.rules.life);
                continue;
            }
            // An event of the same microsecond that arrived later is no step before.
            if rule.skew_us == 0 && place(&cause) > place(effect) {
                continue;
            }
            if rule.unanswered {
                let unanswered = match is_unanswered {
                    Some(unanswered) => unanswered,
                    None => absence::outcome_of(self.snapshot, effect)?.is_none(),
                };
                is_unanswered = Some(unanswered);
                if !unanswered {
                    return Ok(());
                }
            }
            found.candidates.push(Candidate {
                event: cause,
                grade: rule.grade,
                rule: rule.name.clone(),
                role: rule.role.clone(),
                effect_role: rule.effect_role.clone(),
                rival: false,
            });
        }
        // Nothing is missed where all that is older lies behind what cut off the oldest that was read.
        reading.cut_short.extend((more && !older_is_cut).then_some(rule.name.as_str()));
        Ok(())
    }

    /// Until when a cause can have effects by a rule: the first event that cuts it off, which may be its last
    /// effect itself, or the end of the window.
    fn reach(&self, rule: &Rule, cause: &StoredEvent) -> Result<i64, StoreError> {
        let mut until = cause.event.timestamp_us().saturating_add(rule.window_us);
        let life = &self.rules.life;
        let boundaries = rule.same_life.then_some((&life.boundaries, &life.field));
        // Most causes are cut off soon, so that the effects need not be sought through the whole window.
        for (types, field) in boundaries.into_iter().chain(rule.cut.as_ref().map(|cut| (&cut.types, &cut.field))) {
            if let Some(filter) = cutting(types, field, cause) {
                let query = Query::new(within(filter, cause.event.timestamp_us(), until)).limit(EVENTS_OF_A_RULE_MAX);
                let first = self.snapshot.query(&query)?.events.into_iter().find(|event| place(event) > place(cause));
                until = first.map_or(until, |event| event.event.timestamp_us());
            }
        }
        Ok(until)
    }

    fn is_cut(
        &self,
        rule: &Rule,
        cause: &StoredEvent,
        effect: &StoredEvent,
        cuts: &mut Cuts,
    ) -> Result<bool, StoreError> {
        if rule.same_life && self.is_of_former_life(cause, effect, rule.window_us, cuts)? {
            return Ok(true);
        }
        match &rule.cut {
            None => Ok(false),
            Some(cut) => {
                cuts.between(self.snapshot, CutKind::Rule, (&cut.types, &cut.field), cause, effect, rule.window_us)
            }
        }
    }

    fn is_of_former_life(
        &self,
        cause: &StoredEvent,
        effect: &StoredEvent,
        window_us: i64,
        cuts: &mut Cuts,
    ) -> Result<bool, StoreError> {
        let life = &self.rules.life;
        cuts.between(self.snapshot, CutKind::Life, (&life.boundaries, &life.field), cause, effect, window_us)
    }
}

/// Which side of an event the other end of a link is on, but for skew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Best first, each event once: by grade, on the expected side before those there because of skew, by
/// nearness in time and arrival, and by the order of the rules.
fn rank(candidates: &mut Vec<Candidate>, near: &StoredEvent, side: Side) {
    let (time, sequence) = place(near);
    candidates.sort_by_key(|candidate| {
        let (other_time, other_sequence) = place(&candidate.event);
        let actual = if (other_time, other_sequence) < (time, sequence) { Side::Before } else { Side::After };
        (Reverse(candidate.grade), actual != side, time.abs_diff(other_time), sequence.abs_diff(other_sequence))
    });
    let mut seen = HashSet::new();
    candidates.retain(|candidate| seen.insert(candidate.event.id.clone()));
}

/// Reads events nearest first, and no more than [`EVENTS_READ_MAX`].
struct Reading<'a> {
    snapshot: &'a Snapshot,
    left: usize,
    /// The rules for which there were more events than were read.
    cut_short: Vec<&'a str>,
}

impl<'a> Reading<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, left: EVENTS_READ_MAX, cut_short: Vec::new() }
    }

    /// The latest events of a filter in `[since_us, until_us]`, and whether there are more.
    fn newest(&mut self, filter: Filter, since_us: i64, until_us: i64) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        self.read(Query::new(within(filter, since_us, until_us)).newest_first())
    }

    /// The earliest events of a filter in `[since_us, until_us]`, and whether there are more.
    fn oldest(&mut self, filter: Filter, since_us: i64, until_us: i64) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        self.read(Query::new(within(filter, since_us, until_us)))
    }

    fn read(&mut self, query: Query) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        let limit = EVENTS_OF_A_RULE_MAX.min(self.left);
        if limit == 0 {
            return Ok((Vec::new(), true));
        }
        let result = self.snapshot.query(&query.limit(limit))?;
        self.left -= result.events.len();
        Ok((result.events, result.matched_more))
    }

    fn note(&self) -> Option<String> {
        let names: Vec<String> = self.cut_short.iter().map(|name| format!("`{name}`")).collect();
        let (first, rest) = names.split_first()?;
        let by = if *first == format!("`{CAUSED_BY}`") { "by" } else { "by rule" };
        let names = rest.iter().fold(first.clone(), |names, name| format!("{names}, {name}"));
        Some(format!("{by} {names} more than the {EVENTS_OF_A_RULE_MAX} nearest events could be linked"))
    }
}

/// The events of a filter in `[since_us, until_us]`.
pub(super) fn within(filter: Filter, since_us: i64, until_us: i64) -> Filter {
    filter.and(Filter::between(since_us, until_us.saturating_add(1)))
}
