//! Plans a filter for one source: which rows certainly match, and which may.
//!
//! ```text
//! all rows ⊇ possible ⊇ certain
//!            possible − certain: decided by evaluating the filter on each row
//! ```
//!
//! Indices answer types and entities exactly. Times are known to the block: rows of a block that lies
//! wholly in a range are certain, those of one that overlaps it are possible. Of other fields only the
//! types that may have them are known.

use std::cell::OnceCell;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::event::ValueRef;
use crate::storage::{Rows, Source};

use super::compile::{CompiledFilter, Node};
use super::evaluate::RowSubject;
use super::explain::Explanation;
use super::filter::TimeRange;
use super::positions::{PositionSet, RangeJoiner, positions_of};

/// What is known about the rows that match, without reading any.
#[derive(Debug, Clone)]
enum Estimate {
    /// These rows match, and no others.
    Exact(PositionSet),
    /// `certain` rows match, and none outside of `possible`.
    Between { certain: PositionSet, possible: PositionSet },
}

impl Estimate {
    fn nothing() -> Self {
        Estimate::Exact(PositionSet::nothing())
    }

    fn everything() -> Self {
        Estimate::Exact(PositionSet::everything())
    }

    fn certain(&self) -> &PositionSet {
        match self {
            Estimate::Exact(set) | Estimate::Between { certain: set, .. } => set,
        }
    }

    fn possible(&self) -> &PositionSet {
        match self {
            Estimate::Exact(set) | Estimate::Between { possible: set, .. } => set,
        }
    }

    /// Combines both bounds with those of another estimate, by an operation that keeps `⊆`.
    fn combine(self, other: &Self, operation: impl Fn(PositionSet, &PositionSet) -> PositionSet) -> Self {
        match (self, other) {
            (Estimate::Exact(set), Estimate::Exact(other)) => Estimate::Exact(operation(set, other)),
            (Estimate::Exact(set), other) => Estimate::Between {
                certain: operation(set.clone(), other.certain()),
                possible: operation(set, other.possible()),
            },
            (Estimate::Between { certain, possible }, other) => Estimate::Between {
                certain: operation(certain, other.certain()),
                possible: operation(possible, other.possible()),
            },
        }
    }

    fn complement(self) -> Self {
        match self {
            Estimate::Exact(set) => Estimate::Exact(set.complement()),
            Estimate::Between { certain, possible } => {
                Estimate::Between { certain: possible.complement(), possible: certain.complement() }
            }
        }
    }
}

/// The matching rows of one source, as far as they are known, and the means to find out the rest.
pub(super) struct SourcePlan<'a> {
    source: &'a dyn Source,
    filter: &'a CompiledFilter<'a>,
    estimate: Estimate,
    /// The postings of each entity of the filter, asked for when the first row is evaluated.
    entity_sets: OnceCell<Vec<RoaringBitmap>>,
}

impl<'a> SourcePlan<'a> {
    /// Plans a filter for a source; nothing if no row of the source can match, or none of it can be read, which the
    /// source then knows.
    pub(super) fn new(
        filter: &'a CompiledFilter<'a>,
        source: &'a dyn Source,
        explanation: &mut Explanation,
    ) -> Result<Option<Self>, StoreError> {
        let estimate = match filter.root.estimate(source) {
            Err(error) if error.is_unreadable() => {
                source.note_unreadable(None, &error);
                return Ok(None);
            }
            other => other?,
        };
        let universe = source.len();
        let possible = estimate.possible().len(universe);
        if possible == 0 {
            explanation.sources_pruned += 1;
            return Ok(None);
        }
        explanation.rows_possible += possible;
        explanation.rows_certain += match &estimate {
            Estimate::Exact(_) => possible,
            Estimate::Between { certain, .. } => certain.len(universe),
        };
        Ok(Some(Self { source, filter, estimate, entity_sets: OnceCell::new() }))
    }

    pub(super) fn source(&self) -> &'a dyn Source {
        self.source
    }

    /// The rows that match for certain.
    pub(super) fn certain(&self) -> &PositionSet {
        self.estimate.certain()
    }

    /// The rows that may match.
    pub(super) fn possible(&self) -> &PositionSet {
        self.estimate.possible()
    }

    /// The rows that must be evaluated; nothing if every row is known to match or not.
    pub(super) fn undecided(&self) -> Option<PositionSet> {
        match &self.estimate {
            Estimate::Exact(_) => None,
            Estimate::Between { certain, possible } => {
                let undecided = possible.clone().without(certain);
                (!undecided.is_empty(self.source.len())).then_some(undecided)
            }
        }
    }

    /// Finds the rows of a block that are in `scope` and match. They are left in `matching`, in order,
    /// by their number within the block; there is nothing to read if `scope` has no row in the block, or if it is
    /// damaged, which the source then knows.
    pub(super) fn read_block(
        &self,
        block: usize,
        scope: &PositionSet,
        matching: &mut Vec<u32>,
        explanation: &mut Explanation,
    ) -> Result<Option<Arc<dyn Rows>>, StoreError> {
        match self.read_whole_block(block, scope, matching, explanation) {
            Err(error) if error.is_unreadable() => {
                self.source.note_unreadable(Some(block), &error);
                Ok(None)
            }
            other => other,
        }
    }

    fn read_whole_block(
        &self,
        block: usize,
        scope: &PositionSet,
        matching: &mut Vec<u32>,
        explanation: &mut Explanation,
    ) -> Result<Option<Arc<dyn Rows>>, StoreError> {
        matching.clear();
        let Some(zone) = self.source.zones().get(block) else { return Ok(None) };
        scope.extend_with(positions_of(zone), matching);
        if matching.is_empty() {
            return Ok(None);
        }
        let rows = self.source.rows(block)?;
        explanation.blocks_decoded += 1;
        if let Estimate::Between { certain, .. } = &self.estimate
            && certain.len_in(positions_of(zone)) < u64::from(zone.count)
        {
            let entity_sets = self.entity_sets()?;
            matching.retain(|&position| {
                certain.contains(position) || {
                    explanation.rows_evaluated += 1;
                    let row = position - zone.first;
                    self.filter.matches(&RowSubject { rows: &*rows, row, position, entity_sets })
                }
            });
        }
        for position in matching {
            *position -= zone.first;
        }
        Ok(Some(rows))
    }

    /// Visits the matching rows in `scope`, block by block.
    pub(super) fn for_each_match(
        &self,
        scope: &PositionSet,
        explanation: &mut Explanation,
        visitor: &mut dyn FnMut(&dyn Rows, u32),
    ) -> Result<(), StoreError> {
        let mut matching = Vec::new();
        for block in scope.blocks(self.source.zones()) {
            if let Some(rows) = self.read_block(block, scope, &mut matching, explanation)? {
                matching.iter().for_each(|&row| visitor(&*rows, row));
            }
        }
        Ok(())
    }

    fn entity_sets(&self) -> Result<&[RoaringBitmap], StoreError> {
        if let Some(sets) = self.entity_sets.get() {
            return Ok(sets);
        }
        let entities = self.filter.entities.iter();
        let sets = entities
            .map(|entity| self.source.of_entity(entity.field, entity.value))
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(self.entity_sets.get_or_init(|| sets))
    }
}

impl Node<'_> {
    fn estimate(&self, source: &dyn Source) -> Result<Estimate, StoreError> {
        Ok(match self {
            Node::Always => Estimate::everything(),
            Node::Never => Estimate::nothing(),
            Node::Type(name) => Estimate::Exact(PositionSet::of(source.of_type(name))),
            Node::Entity(entity) => Estimate::Exact(PositionSet::of(source.of_entity(entity.field, entity.value)?)),
            Node::Time(range) => estimate_time(range, source),
            // Every event has a type, and the source knows which types there are.
            Node::Field { name: "event_type", check } => {
                let mut matching = RoaringBitmap::new();
                for (event_type, _) in source.types() {
                    if check.passes(ValueRef::Text(&event_type)) {
                        matching |= source.of_type(&event_type);
                    }
                }
                Estimate::Exact(PositionSet::of(matching))
            }
            // Every event has a time; what it is, the rows say.
            Node::Field { name: "timestamp", .. } => {
                Estimate::Between { certain: PositionSet::nothing(), possible: PositionSet::everything() }
            }
            Node::Field { name, .. } => Estimate::Between {
                certain: PositionSet::nothing(),
                possible: PositionSet::of(source.may_have_field(name)),
            },
            Node::And(nodes) => {
                let mut estimate: Option<Estimate> = None;
                for node in nodes {
                    let next = node.estimate(source)?;
                    let narrowed = match estimate {
                        Some(estimate) => estimate.combine(&next, PositionSet::and),
                        None => next,
                    };
                    if narrowed.possible().is_empty(source.len()) {
                        return Ok(Estimate::nothing());
                    }
                    estimate = Some(narrowed);
                }
                estimate.unwrap_or_else(Estimate::everything)
            }
            Node::Or(nodes) => {
                let mut estimate = Estimate::nothing();
                for node in nodes {
                    estimate = estimate.combine(&node.estimate(source)?, PositionSet::or);
                }
                estimate
            }
            Node::Not(node) => node.estimate(source)?.complement(),
        })
    }
}

fn estimate_time(range: &TimeRange, source: &dyn Source) -> Estimate {
    let Some((min_us, max_us)) = source.time_bounds() else { return Estimate::nothing() };
    if !range.overlaps(min_us, max_us) {
        return Estimate::nothing();
    }
    if range.contains(min_us) && range.contains(max_us) {
        return Estimate::everything();
    }
    let (mut certain, mut possible) = (RangeJoiner::default(), RangeJoiner::default());
    for zone in source.zones() {
        if range.overlaps(zone.min_us, zone.max_us) {
            possible.push(positions_of(zone));
            if range.contains(zone.min_us) && range.contains(zone.max_us) {
                certain.push(positions_of(zone));
            }
        }
    }
    Estimate::Between { certain: PositionSet::of(certain.finish()), possible: PositionSet::of(possible.finish()) }
}
