//! Counts and groups. What the indices know is counted without reading events; what they do not is read.

use std::sync::Arc;

use crate::error::StoreError;
use crate::event::is_entity_field;
use crate::storage::Source;

use super::compile::CompiledFilter;
use super::explain::Explanation;
use super::filter::Filter;
use super::groups::{GroupKey, KeyCounts};
use super::plan::SourcePlan;
use super::positions::PositionSet;
use super::time_counts::TimeCounts;

/// How many events are in a filter.
pub(super) fn count(
    sources: &[Arc<dyn Source>],
    filter: &Filter,
    explanation: &mut Explanation,
) -> Result<u64, StoreError> {
    let filter = CompiledFilter::new(filter);
    let mut total = 0;
    for source in sources {
        let Some(plan) = SourcePlan::new(&filter, &**source, explanation)? else { continue };
        total += plan.certain().len(source.len());
        if let Some(undecided) = plan.undecided() {
            plan.for_each_match(&undecided, explanation, &mut |_, _| total += 1)?;
        }
    }
    Ok(total)
}

/// How many events of a filter there are by key.
pub(super) fn count_by_key(
    sources: &[Arc<dyn Source>],
    filter: &Filter,
    key: &GroupKey,
    explanation: &mut Explanation,
) -> Result<KeyCounts, StoreError> {
    let mut counts = KeyCounts::default();
    if let GroupKey::Time { bucket, offset_seconds } = key {
        let index_of = |timestamp_us| bucket.index_of(timestamp_us, *offset_seconds);
        for (index, count) in TimeCounts::of(sources, filter, index_of, explanation)? {
            counts.add(&bucket.key_of(index), count);
        }
        return Ok(counts);
    }
    let filter = CompiledFilter::new(filter);
    // The types that a filter names are few, those of a source may be many.
    let named: Option<Vec<Arc<str>>> = filter.root.types().map(|types| types.into_iter().map(Arc::from).collect());
    for source in sources {
        let Some(plan) = SourcePlan::new(&filter, &**source, explanation)? else { continue };
        let present: Vec<Arc<str>>;
        let types = match &named {
            Some(named) => named,
            None => {
                present = source.types().into_iter().map(|(name, _)| name).collect();
                &present
            }
        };
        match key {
            GroupKey::Field(field) if field != "event_type" => {
                count_by_field(&plan, types, field, &mut counts, explanation)?;
            }
            _ => count_by_type(&plan, types, &mut counts, explanation)?,
        }
    }
    Ok(counts)
}

fn count_by_type(
    plan: &SourcePlan<'_>,
    types: &[Arc<str>],
    counts: &mut KeyCounts,
    explanation: &mut Explanation,
) -> Result<(), StoreError> {
    for event_type in types {
        let certain = plan.certain().len_within(&plan.source().of_type(event_type));
        if certain > 0 {
            counts.add_shared(event_type, certain);
        }
    }
    if let Some(undecided) = plan.undecided() {
        plan.for_each_match(&undecided, explanation, &mut |rows, row| counts.add_shared(rows.event_type(row), 1))?;
    }
    Ok(())
}

fn count_by_field(
    plan: &SourcePlan<'_>,
    types: &[Arc<str>],
    field: &str,
    counts: &mut KeyCounts,
    explanation: &mut Explanation,
) -> Result<(), StoreError> {
    let source = plan.source();
    // What is still to be looked at. Where it becomes empty, all was counted from stored counts.
    let mut rest = plan.possible().clone();
    if is_entity_field(None, field) {
        for event_type in types {
            let of_type = source.of_type(event_type);
            if of_type.is_empty() || plan.certain().len_within(&of_type) < of_type.len() {
                continue;
            }
            let Some(stored) = source.stored_counts(event_type, field)? else { continue };
            // Where fewer are counted than there are, some have the field not at all, as `null` or with
            // a value that is no entity. Which it is, only the events themselves say.
            if stored.iter().map(|(_, count)| count).sum::<u64>() == of_type.len() {
                stored.iter().for_each(|(key, count)| counts.add_shared(key, *count));
                rest = rest.without(&PositionSet::of(of_type));
                if rest.is_empty(source.len()) {
                    return Ok(());
                }
            }
        }
    }
    // Of the events that cannot have the field, those that match for certain need not be read.
    if field != "timestamp" {
        let lacking = rest.clone().without(&PositionSet::of(source.may_have_field(field))).and(plan.certain());
        counts.ungrouped += lacking.len(source.len());
        rest = rest.without(&lacking);
    }
    plan.for_each_match(&rest, explanation, &mut |rows, row| counts.add_value(rows.value(row, field)))
}
