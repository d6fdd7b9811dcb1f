//! Searches over contents: by embedding, by metadata, by terms.

use std::ops::ControlFlow;

use super::EmbeddedConcepts;
use super::learned::{NewestConcept, concept_of, length_of};
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::concept::{Concept, ConceptMetadata};
use crate::graph::concept_store::{ConceptResult, ConceptSummary, MetadataQuery, RESULTS_MAX, Similar, check_search};
use crate::graph::term_scope::TermScope;
use crate::query::Query;
use crate::store::{ForeignConcept, ForeignRecord};

/// The most contents that a search by terms reads, the newest.
pub const TERMS_READ_MAX: usize = 100_000;
/// What the concepts that one search finds may take, in bytes of their contents, ids, embeddings and metadata: when it
/// is reached, no more are added.
pub const FOUND_BYTES_MAX: usize = 8 << 20;
/// The characters of a content that are shown as its preview.
const PREVIEW_CHARACTERS: usize = 200;

impl EmbeddedConcepts {
    /// See [`ConceptStore::vector_search`](crate::graph::ConceptStore::vector_search). Every embedding of as many
    /// dimensions as the query is compared with it. A vector without a direction is similar to none.
    ///
    /// # Errors
    /// If the query is beyond a limit, or a file cannot be read or is damaged.
    pub fn vector_search_blocking(&self, query: &[f32], k: usize) -> ConceptResult<Vec<Similar>> {
        check_search(query, k)?;
        let Some(query_length) = length_of(query) else { return Ok(Vec::new()) };
        let mut similar: Vec<Similar> = self
            .learned_vectors()?
            .vectors()
            .filter(|(_, vector, _)| vector.len() == query.len())
            .map(|(id, vector, length)| Similar {
                id: id.to_owned(),
                similarity: cosine(query, query_length, vector, length),
            })
            .collect();
        similar.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then_with(|| a.id.cmp(&b.id)));
        let mut found = Vec::new();
        for candidate in similar {
            if found.len() == k {
                break;
            }
            // What was said about an event is no concept any more once retention removed the event.
            let is_event = candidate.id.parse::<ConceptId>().is_ok();
            if !is_event || self.query_concept_blocking(&candidate.id)?.is_some() {
                found.push(candidate);
            }
        }
        Ok(found)
    }

    /// See [`ConceptStore::query_by_metadata`](crate::graph::ConceptStore::query_by_metadata). Found are concepts
    /// that were learned with metadata; events and entities have none unless somebody said so. The newest are those
    /// that were learned last. The search ends when what it found takes [`FOUND_BYTES_MAX`].
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn query_by_metadata_blocking(&self, query: &MetadataQuery) -> ConceptResult<Vec<ConceptSummary>> {
        let limit = query.limit.min(RESULTS_MAX);
        let candidates: Vec<NewestConcept> = self.learned()?.newest().filter(|concept| concept.has_metadata).collect();
        let mut found = Vec::new();
        let mut bytes = 0usize;
        for candidate in candidates {
            if found.len() == limit || bytes >= FOUND_BYTES_MAX {
                break;
            }
            let Some(record) = self.record(candidate)? else { continue };
            let Concept { id, mut content, metadata: Some(metadata), .. } = concept_of(record) else { continue };
            if !fits(query, &metadata) {
                continue;
            }
            if candidate.of_event {
                match self.query_concept_blocking(&id)? {
                    Some(event) => content = event.content,
                    None => continue,
                }
            }
            let content_preview: String = content.chars().take(PREVIEW_CHARACTERS).collect();
            bytes = bytes.saturating_add(id.len() + content_preview.len() + metadata_bytes(&metadata));
            found.push(ConceptSummary {
                id,
                content_preview,
                metadata,
                created: u64::try_from(candidate.learned_us / 1_000_000).unwrap_or(0),
            });
        }
        Ok(found)
    }

    /// See [`ConceptStore::query_by_terms`](crate::graph::ConceptStore::query_by_terms). The contents are the JSON of
    /// events and what else was learned; the newest [`TERMS_READ_MAX`] of them are read. At most
    /// [`RESULTS_MAX`] concepts are found, and no more once they take [`FOUND_BYTES_MAX`].
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn query_by_terms_blocking(&self, terms: &[String], limit: usize) -> ConceptResult<Vec<Concept>> {
        self.query_by_terms_within_blocking(terms, &TermScope::default(), limit)
    }

    /// See [`ConceptStore::query_by_terms_within`](crate::graph::ConceptStore::query_by_terms_within). Only what is
    /// inside is read, as far as it is events, so that what is old is found behind much that is new.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn query_by_terms_within_blocking(
        &self,
        terms: &[String],
        scope: &TermScope,
        limit: usize,
    ) -> ConceptResult<Vec<Concept>> {
        let limit = limit.min(RESULTS_MAX);
        let mut search = TermSearch {
            concepts: self,
            terms: terms.iter().map(|term| term.to_lowercase()).collect(),
            scope,
            limit,
            read: 0,
            found: Vec::new(),
            bytes: 0,
        };
        let learned: Vec<NewestConcept> =
            self.learned()?.newest().filter(|concept| !concept.of_event).take(TERMS_READ_MAX).collect();
        let mut learned = learned.into_iter().peekable();
        let mut failure = None;
        let mut json = String::new();
        if let Some(filter) = scope.filter() {
            self.inner.store.snapshot().for_each_row(&Query::new(filter).newest_first(), &mut |row| {
                let time = row.timestamp_us();
                while let Some(concept) = learned.next_if(|concept| concept.learned_us >= time) {
                    if let Err(error) = search.read_learned(concept) {
                        failure = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                if search.is_over() {
                    return ControlFlow::Break(());
                }
                json.clear();
                row.stored_event().event.write_json(&mut json);
                if search.fits(&json) {
                    search.add(Concept::new(row.id().to_string(), json.as_str()));
                }
                ControlFlow::Continue(())
            })?;
        }
        if let Some(error) = failure {
            return Err(error.into());
        }
        for concept in learned {
            search.read_learned(concept)?;
        }
        let mut found = search.found;
        let mut bytes = 0usize;
        let mut fitting = 0;
        for concept in &mut found {
            if bytes >= FOUND_BYTES_MAX {
                break;
            }
            // What was said about an event beside its content.
            if let Some(said) = self.foreign(&concept.id)?.filter(|said| said.of_event) {
                let content = std::mem::take(&mut concept.content);
                *concept = Concept { content, ..concept_of(said) };
            }
            bytes = bytes.saturating_add(bytes_of(concept));
            fitting += 1;
        }
        found.truncate(fitting);
        Ok(found)
    }

    fn record(&self, concept: NewestConcept) -> Result<Option<ForeignConcept>, StoreError> {
        match self.inner.store.foreign_at(concept.place)? {
            Some(ForeignRecord::Concept(record)) => Ok(Some(record)),
            _ => Ok(None),
        }
    }
}

/// A search by terms while it goes on.
struct TermSearch<'a> {
    concepts: &'a EmbeddedConcepts,
    terms: Vec<String>,
    scope: &'a TermScope,
    limit: usize,
    read: usize,
    found: Vec<Concept>,
    bytes: usize,
}

impl TermSearch<'_> {
    fn is_over(&self) -> bool {
        self.found.len() >= self.limit || self.read >= TERMS_READ_MAX || self.bytes >= FOUND_BYTES_MAX
    }

    fn add(&mut self, concept: Concept) {
        self.bytes = self.bytes.saturating_add(bytes_of(&concept));
        self.found.push(concept);
    }

    fn fits(&mut self, content: &str) -> bool {
        self.read += 1;
        let content = content.to_lowercase();
        self.terms.iter().all(|term| content.contains(term.as_str()))
    }

    fn read_learned(&mut self, concept: NewestConcept) -> Result<(), StoreError> {
        if !self.is_over()
            && let Some(record) = self.concepts.record(concept)?
            && self.scope.holds(&record.id)
            && self.fits(&record.content)
        {
            self.add(concept_of(record));
        }
        Ok(())
    }
}

fn bytes_of(concept: &Concept) -> usize {
    let beside = size_of_val(concept.embedding.as_slice()) + concept.metadata.as_ref().map_or(0, metadata_bytes);
    concept.id.len() + concept.content.len() + beside
}

/// What the texts of metadata take.
fn metadata_bytes(metadata: &ConceptMetadata) -> usize {
    let texts = metadata.tags.iter().chain(&metadata.organization_id).chain(&metadata.created_by);
    let attributes = metadata.attributes.iter().flat_map(|(name, value)| [name, value]);
    texts.chain(attributes).map(String::len).sum()
}

fn fits(query: &MetadataQuery, metadata: &ConceptMetadata) -> bool {
    !metadata.deleted
        && query.concept_type.is_none_or(|wanted| metadata.concept_type == wanted)
        && query.organization_id.as_ref().is_none_or(|wanted| metadata.organization_id.as_ref() == Some(wanted))
        && query.tags.iter().all(|tag| metadata.tags.contains(tag))
        && query.attributes.iter().all(|(name, value)| metadata.attributes.get(name) == Some(value))
}

fn cosine(a: &[f32], a_length: f32, b: &[f32], b_length: f32) -> f32 {
    let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    (product / a_length / b_length).clamp(-1.0, 1.0)
}
