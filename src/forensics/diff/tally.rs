//! The tally of differences: in all, by type and entity, as stretches of time, and the first ones one by one.

use std::collections::{BTreeMap, HashMap};

use super::{Comparison, DiffReport, DiffSide};
use crate::event::{ConceptId, Entity, Event};
use crate::storage::StoredEvent;

/// Entities that are counted one by one.
const ENTITIES_MAX: usize = 65_536;
/// Stretches of time that are listed.
const RANGES_MAX: usize = 10_000;

/// How an event differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffKind {
    /// Only the first store has it.
    OnlyA,
    /// Only the second store has it.
    OnlyB,
    /// Both have an event of this id, and what it says differs.
    Changed,
}

/// How many events differ in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffCounts {
    /// Only the first store has them.
    pub only_a: u64,
    /// Only the second store has them.
    pub only_b: u64,
    /// Both have an event of the same id that says something else.
    pub changed: u64,
}

impl DiffCounts {
    fn add(&mut self, kind: DiffKind) {
        *match kind {
            DiffKind::OnlyA => &mut self.only_a,
            DiffKind::OnlyB => &mut self.only_b,
            DiffKind::Changed => &mut self.changed,
        } += 1;
    }

    /// All together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.only_a + self.only_b + self.changed
    }
}

/// A stretch of time in which the events differ in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRange {
    /// How.
    pub kind: DiffKind,
    /// The time of the first event, in µs.
    pub first_us: i64,
    /// The time of the last event, in µs.
    pub last_us: i64,
    /// How many there are.
    pub events: u64,
}

/// An event that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffEvent {
    /// How.
    pub kind: DiffKind,
    /// Its id.
    pub id: ConceptId,
    /// Where both have it: the names of the fields that differ. None if they stand in another order only.
    pub fields: Vec<String>,
}

/// What was found so far.
pub(super) struct Tally {
    limit: usize,
    total: DiffCounts,
    types: BTreeMap<String, DiffCounts>,
    entities: HashMap<Entity, DiffCounts>,
    more_entities: bool,
    ranges: Vec<DiffRange>,
    more_ranges: bool,
    /// Whether the last stretch goes on with the next event that differs in its way.
    range_is_open: bool,
    events: Vec<DiffEvent>,
}

impl Tally {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            total: DiffCounts::default(),
            types: BTreeMap::new(),
            entities: HashMap::new(),
            more_entities: false,
            ranges: Vec::new(),
            more_ranges: false,
            range_is_open: false,
            events: Vec::new(),
        }
    }

    /// Both stores have an event of this id.
    pub(super) fn both(&mut self, a: &StoredEvent, b: &StoredEvent) {
        if a.event == b.event || a.event.to_json() == b.event.to_json() {
            self.range_is_open = false;
        } else {
            let mut entities = a.event.entities();
            entities.extend(b.event.entities());
            self.add(DiffKind::Changed, a, entities, || fields_that_differ(&a.event, &b.event));
        }
    }

    /// Only one store has this event.
    pub(super) fn only(&mut self, kind: DiffKind, stored: &StoredEvent) {
        self.add(kind, stored, stored.event.entities(), Vec::new);
    }

    fn add(
        &mut self,
        kind: DiffKind,
        stored: &StoredEvent,
        mut entities: Vec<Entity>,
        fields: impl FnOnce() -> Vec<String>,
    ) {
        self.total.add(kind);
        match self.types.get_mut(stored.id.event_type()) {
            Some(counts) => counts.add(kind),
            None => self.types.entry(stored.id.event_type().to_owned()).or_default().add(kind),
        }
        entities.sort_unstable();
        entities.dedup();
        for entity in entities {
            if self.entities.len() >= ENTITIES_MAX && !self.entities.contains_key(&entity) {
                self.more_entities = true;
            } else {
                self.entities.entry(entity).or_default().add(kind);
            }
        }
        self.add_to_ranges(kind, stored.id.timestamp_us());
        if self.events.len() < self.limit {
            self.events.push(DiffEvent { kind, id: stored.id.clone(), fields: fields() });
        }
    }

    fn add_to_ranges(&mut self, kind: DiffKind, time_us: i64) {
        if let Some(last) = self.ranges.last_mut().filter(|last| self.range_is_open && last.kind == kind) {
            last.last_us = time_us;
            last.events += 1;
            return;
        }
        if self.ranges.len() >= RANGES_MAX {
            // A later event must not widen a stretch that others lie behind.
            (self.more_ranges, self.range_is_open) = (true, false);
            return;
        }
        self.ranges.push(DiffRange { kind, first_us: time_us, last_us: time_us, events: 1 });
        self.range_is_open = true;
    }

    pub(super) fn report(self, a: DiffSide, b: DiffSide, comparison: Comparison, foreign: DiffCounts) -> DiffReport {
        let mut entities: Vec<_> = self.entities.into_iter().collect();
        entities.sort_unstable_by(|a, b| b.1.sum().cmp(&a.1.sum()).then_with(|| a.0.cmp(&b.0)));
        DiffReport {
            a,
            b,
            comparison,
            total: self.total,
            types: self.types.into_iter().collect(),
            entities,
            more_entities: self.more_entities,
            ranges: self.ranges,
            more_ranges: self.more_ranges,
            events: self.events,
            foreign,
        }
    }
}

/// The names of the fields that only one event has, or that have another value.
fn fields_that_differ(a: &Event, b: &Event) -> Vec<String> {
    let fields = |event: &Event| {
        let mut fields = BTreeMap::new();
        event.visit(|name, value| {
            let mut json = String::new();
            value.write_json(&mut json);
            fields.insert(name.to_owned(), json);
        });
        fields
    };
    let (of_a, of_b) = (fields(a), fields(b));
    let of_both = of_a.keys().chain(of_b.keys().filter(|name| !of_a.contains_key(*name)));
    of_both.filter(|name| of_a.get(*name) != of_b.get(*name)).cloned().collect()
}
