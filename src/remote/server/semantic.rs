//! Requests about meaning, as far as a store without a model can answer them: by words, times and types.
//!
//! The semantic type of a concept is the type of its event, `concept` for all else. The domain of events is `grid`.

use crate::event::ConceptId;
use crate::graph::{Concept, ConceptError, ConceptStore, RESULTS_MAX, ScopeOf, TermScope};
use crate::query::TimeRange;
use crate::remote::message::{SemanticFilter, SemanticMatch};

/// Results where the request does not say how many.
const RESULTS: usize = 100;
/// The domain of events.
const DOMAIN: &str = "grid";
/// The type of what is no event.
const CONCEPT: &str = "concept";

/// The semantic type of a concept, by its id.
pub(super) fn type_of(id: &str) -> String {
    id.parse::<ConceptId>().map_or_else(|_| CONCEPT.to_owned(), |id| id.event_type().to_owned())
}

/// The concepts that pass a filter, the newest first.
pub(super) async fn query(
    store: &impl ConceptStore,
    filter: &SemanticFilter,
    limit: Option<u64>,
) -> Result<Vec<SemanticMatch>, ConceptError> {
    let limit = limit.map_or(RESULTS, |limit| usize::try_from(limit).unwrap_or(RESULTS_MAX).min(RESULTS_MAX));
    let Some(scope) = scope_of(filter) else { return Ok(Vec::new()) };
    // How sure a concept is stands beside its id and its content, and is looked at last.
    let wanted = if filter.min_confidence <= 0.0 { limit } else { RESULTS_MAX };
    let candidates = store.query_by_terms_within(&filter.required_terms, &scope, wanted).await?;
    let matches = candidates.into_iter().filter(|concept| passes(concept, filter)).take(limit);
    Ok(matches.map(semantic_match).collect())
}

/// What a filter says of ids; nothing if no id is like that.
fn scope_of(filter: &SemanticFilter) -> Option<TermScope> {
    let microseconds = |seconds: i64| seconds.saturating_mul(1_000_000);
    let of_type = filter.semantic_type.as_ref().map(|name| name != CONCEPT);
    let of_domain = filter.domain_context.as_ref().map(|domain| (domain == DOMAIN, domain.is_empty()));
    let of = match (of_type, of_domain) {
        (_, Some((false, false))) | (Some(true), Some((_, true))) | (Some(false), Some((true, _))) => return None,
        (Some(true), _) | (_, Some((true, _))) => ScopeOf::Events,
        (Some(false), _) | (_, Some((_, true))) => ScopeOf::Others,
        (None, None) => ScopeOf::Everything,
    };
    Some(TermScope {
        of,
        event_type: filter.semantic_type.clone().filter(|name| name != CONCEPT),
        time: TimeRange {
            since_us: filter.temporal_after.map(microseconds),
            until_us: filter.temporal_before.map(microseconds),
        },
    })
}

/// Whether all these concepts pass a filter. What the store only knows the name of passes if no term is required.
pub(super) async fn all_pass(
    store: &impl ConceptStore,
    ids: &[String],
    filter: &SemanticFilter,
) -> Result<bool, ConceptError> {
    if *filter == SemanticFilter::default() {
        return Ok(true);
    }
    for id in ids {
        let concept = store.query_concept(id).await?.unwrap_or_else(|| Concept::new(id, ""));
        let content = concept.content.to_lowercase();
        let has_terms = filter.required_terms.iter().all(|term| content.contains(&term.to_lowercase()));
        if !has_terms || !passes(&concept, filter) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a concept passes all of a filter but its terms.
fn passes(concept: &Concept, filter: &SemanticFilter) -> bool {
    let event = concept.id.parse::<ConceptId>().ok();
    let seconds = event.as_ref().map(|id| id.timestamp_us().div_euclid(1_000_000));
    let name = event.as_ref().map_or(CONCEPT, ConceptId::event_type);
    let domain = if event.is_some() { DOMAIN } else { "" };
    filter.semantic_type.as_ref().is_none_or(|wanted| wanted == name)
        && filter.domain_context.as_ref().is_none_or(|wanted| wanted == domain)
        && filter.temporal_after.is_none_or(|after| seconds.is_some_and(|seconds| seconds >= after))
        && filter.temporal_before.is_none_or(|before| seconds.is_some_and(|seconds| seconds < before))
        && concept.confidence >= filter.min_confidence
}

fn semantic_match(concept: Concept) -> SemanticMatch {
    let domain = if concept.id.parse::<ConceptId>().is_ok() { DOMAIN } else { "" };
    SemanticMatch {
        semantic_type: type_of(&concept.id),
        concept_id: concept.id,
        content: concept.content,
        domain: domain.to_owned(),
        confidence: concept.confidence,
    }
}
