//! The Sutra API: concepts, associations, and what can be asked of them.
//!
//! [`ConceptStore`] is implemented by the embedded store ([`EmbeddedConcepts`](super::EmbeddedConcepts)) and by the
//! client of a remote one, so that calling code does not change when it moves between them.

use std::future::Future;
use std::sync::Arc;

use super::concept::{Association, Concept, ConceptMetadata, ConceptType};
use super::term_scope::TermScope;
use crate::error::StoreError;

/// The longest content of a concept, in bytes.
pub const CONTENT_BYTES_MAX: usize = 10 << 20;
/// The most dimensions of an embedding or of a vector that is searched for.
pub const DIMENSIONS_MAX: usize = 2048;
/// The most concepts of one batch.
pub const BATCH_MAX: usize = 1000;
/// The most results of a search.
pub const RESULTS_MAX: usize = 1000;
/// The most terms that a content is searched for.
pub const TERMS_MAX: usize = 64;
/// The most tags, and the most attributes, of a concept or of a search for some.
pub const TAGS_MAX: usize = 1000;
/// The longest path that is looked for, in associations.
pub const PATH_DEPTH_MAX: u32 = 20;

/// Why the store of concepts could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConceptError {
    /// The embedded store failed.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// What was given is beyond a limit or makes no sense; nothing was changed. The text is that of the protocol.
    #[error("{0}")]
    Invalid(String),
    /// The remote store answered with an error.
    #[error("{endpoint} answered: {message}")]
    Refused {
        /// Where it is.
        endpoint: String,
        /// What it said.
        message: String,
    },
    /// The remote store could not be reached, or the connection broke before it answered.
    #[error("{endpoint}: {reason}")]
    Unreachable {
        /// Where it is.
        endpoint: String,
        /// What failed.
        reason: String,
    },
    /// The store does not have this operation.
    #[error("{0}")]
    Unsupported(String),
}

impl From<StoreError> for ConceptError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Which neighbours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborPage {
    /// How many at most.
    pub limit: usize,
    /// Whether the newest come first; else the oldest do.
    pub newest_first: bool,
    /// How many are passed over.
    pub offset: usize,
}

impl Default for NeighborPage {
    /// The newest 1,000.
    fn default() -> Self {
        Self { limit: 1000, newest_first: true, offset: 0 }
    }
}

/// Neighbours of a concept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Neighbors {
    /// Their ids, without duplicates.
    pub ids: Vec<String>,
    /// Whether there are more behind these.
    pub more: bool,
}

/// What a search for a path came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathFound {
    /// The ids from start to end, both included; nothing where there is no path.
    pub path: Option<Vec<String>>,
    /// Whether the search ended because it had visited as many concepts as it may. There may be a path then.
    pub gave_up: bool,
}

/// Which concepts are wanted by their metadata: all that is said must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataQuery {
    /// What they are.
    pub concept_type: Option<ConceptType>,
    /// To which organization they belong.
    pub organization_id: Option<String>,
    /// Tags that they all have.
    pub tags: Vec<String>,
    /// Attributes that they all have.
    pub attributes: Vec<(String, String)>,
    /// How many at most, the newest.
    pub limit: usize,
}

/// A concept that was found by its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct ConceptSummary {
    /// Its id.
    pub id: String,
    /// The first 200 characters of its content.
    pub content_preview: String,
    /// Its metadata.
    pub metadata: ConceptMetadata,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// A concept that was found by its embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// Its id.
    pub id: String,
    /// The cosine of the angle to what was searched for, from -1 to 1.
    pub similarity: f32,
}

/// A line of concepts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chain {
    /// The ids, from cause to effect or from early to late.
    pub ids: Vec<String>,
    /// How sure it is as a whole, from 0 to 1.
    pub confidence: f32,
}

/// Numbers about a store of concepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConceptStats {
    /// Concepts, entities and seconds included where the store counts them.
    pub concepts: u64,
    /// Associations.
    pub associations: u64,
    /// Concepts with an embedding.
    pub vectors: u64,
    /// Writes since the store was opened.
    pub written: u64,
    /// Writes that were lost. Always 0 for the embedded store.
    pub dropped: u64,
    /// Writes that are not durable yet.
    pub pending: u64,
    /// Seconds since the store was opened.
    pub uptime_seconds: u64,
}

/// Whether a store of concepts works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it does.
    pub healthy: bool,
    /// What it says of itself.
    pub status: String,
    /// Seconds since it was opened.
    pub uptime_seconds: u64,
}

/// Something to be learned.
#[derive(Debug, Clone, PartialEq)]
pub enum Learn {
    /// A concept.
    Concept(Concept),
    /// An association.
    Association(Association),
}

impl From<Concept> for Learn {
    fn from(concept: Concept) -> Self {
        Learn::Concept(concept)
    }
}

impl From<Association> for Learn {
    fn from(association: Association) -> Self {
        Learn::Association(association)
    }
}

/// What came of something that was learned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learned {
    /// The number of the write, which counts the writes of the store.
    pub sequence: u64,
    /// The id under which it is found, where that is not the one that it came with.
    pub stored_as: Option<String>,
    /// Why what looks like an event is kept as a plain concept.
    pub remark: Option<String>,
}

/// What the futures of a [`ConceptStore`] give.
pub type ConceptResult<T> = Result<T, ConceptError>;

/// A store of concepts and associations, in this process or elsewhere.
///
/// Every future can be sent between threads. An operation is done when its future is ready; what was learned can be
/// read from then on by this caller, and is durable after [`flush`](Self::flush).
pub trait ConceptStore: Send + Sync {
    /// Keeps a concept, in place of one of the same id. The number counts the writes of the store.
    fn learn_concept(&self, concept: Concept) -> impl Future<Output = ConceptResult<u64>> + Send;

    /// Keeps an association. The number counts the writes of the store.
    fn learn_association(&self, association: Association) -> impl Future<Output = ConceptResult<u64>> + Send;

    /// Learns many things, and answers each, in the order of the batch. A store that can makes one write of them.
    fn learn_batch(&self, batch: Vec<Learn>) -> impl Future<Output = Vec<ConceptResult<u64>>> + Send {
        async move {
            let mut answers = Vec::with_capacity(batch.len());
            for learn in batch {
                answers.push(match learn {
                    Learn::Concept(concept) => self.learn_concept(concept).await,
                    Learn::Association(association) => self.learn_association(association).await,
                });
            }
            answers
        }
    }

    /// As [`learn_batch`](Self::learn_batch), and says under which ids the concepts are found. A store that keeps all
    /// under the ids that they came with need not say so.
    fn learn_batch_as_stored(&self, batch: Vec<Learn>) -> impl Future<Output = Vec<ConceptResult<Learned>>> + Send {
        async move {
            let numbered =
                |answer: ConceptResult<u64>| answer.map(|sequence| Learned { sequence, ..Learned::default() });
            self.learn_batch(batch).await.into_iter().map(numbered).collect()
        }
    }

    /// The concept of an id.
    fn query_concept(&self, id: &str) -> impl Future<Output = ConceptResult<Option<Concept>>> + Send;

    /// The concepts at the other end of an association, whichever end the concept itself is.
    fn get_neighbors(&self, id: &str, page: NeighborPage) -> impl Future<Output = ConceptResult<Neighbors>> + Send;

    /// A shortest path, of at most `max_depth` associations.
    fn find_path(
        &self,
        start: &str,
        end: &str,
        max_depth: u32,
    ) -> impl Future<Output = ConceptResult<PathFound>> + Send;

    /// The `k` concepts whose embeddings are the most similar, the most similar first.
    fn vector_search(&self, query: &[f32], k: usize) -> impl Future<Output = ConceptResult<Vec<Similar>>> + Send;

    /// Concepts by their metadata, the newest first.
    fn query_by_metadata(
        &self,
        query: &MetadataQuery,
    ) -> impl Future<Output = ConceptResult<Vec<ConceptSummary>>> + Send;

    /// Concepts whose content has all these terms, whatever the case of the letters, the newest first.
    fn query_by_terms(
        &self,
        terms: &[String],
        limit: usize,
    ) -> impl Future<Output = ConceptResult<Vec<Concept>>> + Send;

    /// As [`query_by_terms`](Self::query_by_terms), among some of the concepts only. A store that cannot look among
    /// these alone looks at the newest [`RESULTS_MAX`] that have the terms.
    fn query_by_terms_within(
        &self,
        terms: &[String],
        scope: &TermScope,
        limit: usize,
    ) -> impl Future<Output = ConceptResult<Vec<Concept>>> + Send {
        async move {
            let limit_of_all = if *scope == TermScope::default() { limit } else { RESULTS_MAX };
            // The type stands in the JSON of an event, so that it can be searched for too.
            let terms: Vec<String> = terms.iter().chain(&scope.event_type).cloned().collect();
            let found = self.query_by_terms(&terms, limit_of_all).await?;
            Ok(found.into_iter().filter(|concept| scope.holds(&concept.id)).take(limit).collect())
        }
    }

    /// The events from one second up to another, in seconds since 1970, in the order of time.
    fn find_temporal_chain(&self, start: i64, end: i64) -> impl Future<Output = ConceptResult<Vec<Chain>>> + Send;

    /// What led to an event, from the root cause on, of at most `max_depth` associations.
    fn find_causal_chain(&self, id: &str, max_depth: u32) -> impl Future<Output = ConceptResult<Vec<Chain>>> + Send;

    /// Numbers about the store.
    fn stats(&self) -> impl Future<Output = ConceptResult<ConceptStats>> + Send;

    /// Returns when all that was learned before is durable.
    fn flush(&self) -> impl Future<Output = ConceptResult<()>> + Send;

    /// Whether the store works.
    fn health_check(&self) -> impl Future<Output = ConceptResult<Health>> + Send;
}

/// Checks what the protocol limits, and says it in the words of the protocol.
///
/// # Errors
/// If the concept is beyond a limit.
pub fn check_concept(concept: &Concept) -> Result<(), ConceptError> {
    if concept.content.len() > CONTENT_BYTES_MAX {
        let message = format!("Content too large: {} bytes (max: {CONTENT_BYTES_MAX})", concept.content.len());
        return Err(ConceptError::Invalid(message));
    }
    if let Some(metadata) = &concept.metadata {
        check_count("tags", metadata.tags.len(), TAGS_MAX)?;
        check_count("attributes", metadata.attributes.len(), TAGS_MAX)?;
    }
    check_dimensions("Embedding", concept.embedding.len())
}

/// As [`check_concept`], for a vector that is searched for and the number of results.
///
/// # Errors
/// If either is beyond its limit.
pub fn check_search(query: &[f32], k: usize) -> Result<(), ConceptError> {
    check_dimensions("Query", query.len())?;
    if k > RESULTS_MAX {
        return Err(ConceptError::Invalid(format!("k too large: {k} (max: {RESULTS_MAX})")));
    }
    Ok(())
}

/// As [`check_concept`], for the depth of a path.
///
/// # Errors
/// If it is beyond the limit.
pub fn check_depth(max_depth: u32) -> Result<(), ConceptError> {
    if max_depth > PATH_DEPTH_MAX {
        return Err(ConceptError::Invalid(format!("Path depth too large: {max_depth} (max: {PATH_DEPTH_MAX})")));
    }
    Ok(())
}

/// As [`check_concept`], for a search by metadata.
///
/// # Errors
/// If it has too many tags or attributes.
pub fn check_metadata_query(query: &MetadataQuery) -> Result<(), ConceptError> {
    check_count("tags", query.tags.len(), TAGS_MAX)?;
    check_count("attributes", query.attributes.len(), TAGS_MAX)
}

/// As [`check_concept`], for a search by terms.
///
/// # Errors
/// If there are too many.
pub fn check_terms(terms: &[String]) -> Result<(), ConceptError> {
    check_count("terms", terms.len(), TERMS_MAX)
}

fn check_count(what: &str, count: usize, most: usize) -> Result<(), ConceptError> {
    if count > most {
        return Err(ConceptError::Invalid(format!("Too many {what}: {count} (max: {most})")));
    }
    Ok(())
}

fn check_dimensions(what: &str, dimensions: usize) -> Result<(), ConceptError> {
    if dimensions > DIMENSIONS_MAX {
        let message = format!("{what} dimension too large: {dimensions} (max: {DIMENSIONS_MAX})");
        return Err(ConceptError::Invalid(message));
    }
    Ok(())
}
