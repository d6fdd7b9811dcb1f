//! What is asked of a store of concepts and what it answers, whatever the dialect.
//!
//! The variants are those of both dialects together. Each dialect encodes the ones that it has.

use std::collections::BTreeMap;

use crate::graph::ConceptMetadata;
use crate::graph::ConceptType;

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Dialect B only: keep a content under an id of the server's choosing.
    LearnContent {
        content: String,
        options: LearnOptions,
    },
    /// Dialect B only: the same for several contents.
    LearnBatch {
        contents: Vec<String>,
        options: LearnOptions,
    },
    LearnConcept {
        concept_id: String,
        content: String,
        embedding: Vec<f32>,
        strength: f32,
        confidence: f32,
        /// In dialect B an extra key, which servers that do not know it ignore.
        metadata: Option<ConceptMetadata>,
    },
    LearnAssociation {
        source_id: String,
        target_id: String,
        assoc_type: u32,
        confidence: f32,
    },
    QueryConcept {
        concept_id: String,
    },
    GetNeighbors {
        concept_id: String,
    },
    FindPath {
        start_id: String,
        end_id: String,
        max_depth: u32,
    },
    VectorSearch {
        query_vector: Vec<f32>,
        k: u32,
        ef_search: u32,
        organization_id: Option<String>,
    },
    /// Of dialect A; in dialect B an extension of this server.
    QueryByMetadata {
        concept_type: Option<ConceptType>,
        organization_id: Option<String>,
        tags: Vec<String>,
        attributes: BTreeMap<String, String>,
        limit: u32,
    },
    /// Dialect B only, as are the next four.
    FindPathSemantic {
        start_id: String,
        end_id: String,
        filter: SemanticFilter,
        max_depth: u32,
        max_paths: u32,
    },
    FindTemporalChain {
        domain: Option<String>,
        start_time: i64,
        end_time: i64,
    },
    FindCausalChain {
        start_id: String,
        causal_type: String,
        max_depth: u32,
    },
    FindContradictions {
        domain: String,
    },
    QueryBySemantic {
        filter: SemanticFilter,
        limit: Option<u64>,
    },
    GetStats,
    Flush,
    HealthCheck,
}

/// How a content is learned. Only `strength` and `confidence` mean something to a store without a model.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnOptions {
    pub generate_embedding: bool,
    pub embedding_model: Option<String>,
    pub extract_associations: bool,
    pub min_association_confidence: f32,
    pub max_associations_per_concept: u64,
    pub strength: f32,
    pub confidence: f32,
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self {
            generate_embedding: false,
            embedding_model: None,
            extract_associations: false,
            min_association_confidence: 0.5,
            max_associations_per_concept: 10,
            strength: 1.0,
            confidence: 1.0,
        }
    }
}

/// Which concepts a semantic request is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SemanticFilter {
    pub semantic_type: Option<String>,
    pub domain_context: Option<String>,
    /// In seconds since 1970, as the next.
    pub temporal_after: Option<i64>,
    pub temporal_before: Option<i64>,
    pub has_causal_relation: bool,
    pub min_confidence: f32,
    pub required_terms: Vec<String>,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// The answer to `LearnContent`.
    LearnContentOk {
        concept_id: String,
    },
    LearnBatchOk {
        concept_ids: Vec<String>,
    },
    LearnConceptOk {
        sequence: u64,
    },
    LearnAssociationOk {
        sequence: u64,
    },
    QueryConceptOk {
        found: bool,
        concept_id: String,
        content: String,
        strength: f32,
        confidence: f32,
        metadata: Option<ConceptMetadata>,
    },
    GetNeighborsOk {
        neighbor_ids: Vec<String>,
    },
    FindPathOk {
        found: bool,
        path: Vec<String>,
    },
    /// Ids with their similarities.
    VectorSearchOk {
        results: Vec<(String, f32)>,
    },
    QueryByMetadataOk {
        concepts: Vec<MetadataMatch>,
    },
    /// The answer to the three requests for chains and paths; which of them it names.
    PathsOk {
        of: PathsOf,
        paths: Vec<SemanticPath>,
    },
    FindContradictionsOk {
        contradictions: Vec<(String, String, String)>,
    },
    QueryBySemanticOk {
        concepts: Vec<SemanticMatch>,
    },
    StatsOk(Stats),
    FlushOk,
    HealthCheckOk {
        healthy: bool,
        status: String,
        uptime_seconds: u64,
    },
    Error {
        message: String,
    },
}

/// Which request [`Response::PathsOk`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathsOf {
    FindPathSemantic,
    FindTemporalChain,
    FindCausalChain,
}

/// A concept that was found by its metadata. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataMatch {
    pub concept_id: String,
    pub content_preview: String,
    pub metadata: ConceptMetadata,
    pub created: u64,
    pub last_accessed: u64,
}

/// A line of concepts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SemanticPath {
    pub concepts: Vec<String>,
    pub confidence: f32,
    pub type_distribution: BTreeMap<String, u64>,
    pub domains: Vec<String>,
    pub is_temporally_ordered: bool,
}

/// A concept that was found by its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct SemanticMatch {
    pub concept_id: String,
    pub content: String,
    pub semantic_type: String,
    pub domain: String,
    pub confidence: f32,
}

/// Numbers about a store. Dialect A has no `vectors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub concepts: u64,
    pub edges: u64,
    pub vectors: u64,
    pub written: u64,
    pub dropped: u64,
    pub pending: u64,
    pub reconciliations: u64,
    pub uptime_seconds: u64,
}
