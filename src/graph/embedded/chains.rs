//! Chains: events of a time in their order, and what led to a concept.

use std::collections::HashSet;

use super::EmbeddedConcepts;
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::causes::{self, Grade};
use crate::graph::concept_store::{Chain, ConceptResult, check_depth};
use crate::query::{Filter, Query};
use crate::store::Snapshot;

/// The most events of a chain in time.
pub const TEMPORAL_CHAIN_MAX: usize = 1000;
const MICROS: i64 = 1_000_000;

impl EmbeddedConcepts {
    /// See [`ConceptStore::find_temporal_chain`](crate::graph::ConceptStore::find_temporal_chain). One chain of the
    /// first [`TEMPORAL_CHAIN_MAX`] events, the last second included; none where there is no event.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn find_temporal_chain_blocking(&self, start: i64, end: i64) -> ConceptResult<Vec<Chain>> {
        let since = start.saturating_mul(MICROS);
        let until = end.checked_add(1).and_then(|end| end.checked_mul(MICROS));
        let query = Query::new(Filter::between(since, until)).limit(TEMPORAL_CHAIN_MAX);
        let ids: Vec<String> = self.inner.store.ids(&query)?.iter().map(ToString::to_string).collect();
        Ok(if ids.is_empty() { Vec::new() } else { vec![Chain { ids, confidence: 1.0 }] })
    }

    /// See [`ConceptStore::find_causal_chain`](crate::graph::ConceptStore::find_causal_chain). One chain of the best
    /// causes: of an event the one that [`causes`](crate::graph::causes) chooses, else the surest that was learned
    /// as [`Causal`](crate::graph::AssociationKind::Causal); none where no cause is known.
    ///
    /// # Errors
    /// If the depth is beyond its limit, or a file cannot be read or is damaged.
    pub fn find_causal_chain_blocking(&self, id: &str, max_depth: u32) -> ConceptResult<Vec<Chain>> {
        check_depth(max_depth)?;
        let snapshot = self.inner.store.snapshot();
        let mut chain = Chain { ids: vec![id.to_owned()], confidence: 1.0 };
        let mut seen = HashSet::from([id.to_owned()]);
        let mut at = id.to_owned();
        for _ in 0..max_depth {
            let mut candidates = self.causes_of(&snapshot, &at)?;
            candidates.retain(|(cause, _)| !seen.contains(cause));
            let Some((cause, confidence)) = candidates.into_iter().next() else { break };
            chain.confidence *= confidence;
            chain.ids.push(cause.clone());
            seen.insert(cause.clone());
            at = cause;
        }
        chain.ids.reverse();
        Ok(if chain.ids.len() > 1 { vec![chain] } else { Vec::new() })
    }

    /// The causes of a concept with how sure they are, the one to go on with first.
    fn causes_of(&self, snapshot: &Snapshot, id: &str) -> Result<Vec<(String, f32)>, StoreError> {
        let mut found = Vec::new();
        if let Ok(event_id) = id.parse::<ConceptId>()
            && let Some(event) = snapshot.get(&event_id)?
        {
            let links = causes::direct_causes(snapshot, &event, &self.inner.rules)?;
            let chosen = links.into_iter().filter_map(|(id, grade)| Some((id.to_string(), confidence_of(grade)?)));
            found.extend(chosen);
        }
        found.extend(self.learned()?.causes(id));
        Ok(found)
    }
}

/// How sure a link of a grade is, as a number; nothing where it is never taken for a cause.
fn confidence_of(grade: Grade) -> Option<f32> {
    match grade {
        Grade::Declared => Some(1.0),
        Grade::Matched => Some(0.9),
        Grade::Inferred => Some(0.6),
        Grade::Coincident => None,
    }
}
