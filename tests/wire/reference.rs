//! The messages as serde, bincode and rmp-serde write and read them from what the protocol says of them: what existing
//! programs in Rust do. Nothing of the crate's own encoders is in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use sutra_grid_events::graph::{ConceptMetadata, ConceptType};
use sutra_grid_events::remote::message::{
    LearnOptions, MetadataMatch, PathsOf, Request, Response, SemanticFilter, SemanticMatch, SemanticPath, Stats,
};

/// Lists of a type of the crate, each item as its definition here says.
macro_rules! lists {
    ($($module:ident: $of:ty as $definition:literal;)*) => {$(
        mod $module {
            use super::*;
            use serde::{Deserializer, Serializer};

            #[derive(Serialize, Deserialize)]
            struct Item(#[serde(with = $definition)] $of);

            pub(super) fn serialize<S: Serializer>(items: &[$of], serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(items.iter().cloned().map(Item))
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$of>, D::Error> {
                Ok(Vec::<Item>::deserialize(deserializer)?.into_iter().map(|item| item.0).collect())
            }
        }
    )*};
}

lists! {
    metadata_matches: MetadataMatch as "MetadataMatchFields";
    semantic_matches: SemanticMatch as "SemanticMatchFields";
    semantic_paths: SemanticPath as "SemanticPathFields";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestA(#[serde(with = "RequestVariantsA")] pub(crate) Request);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResponseA(#[serde(with = "ResponseVariantsA")] pub(crate) Response);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestB(#[serde(with = "RequestVariantsB")] pub(crate) Request);

/// All but the answers with paths, which are [`PathsB`].
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResponseB(#[serde(with = "ResponseVariantsB")] pub(crate) Response);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Request")]
enum RequestVariantsA {
    LearnConcept {
        concept_id: String,
        content: String,
        embedding: Vec<f32>,
        strength: f32,
        confidence: f32,
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
    QueryByMetadata {
        concept_type: Option<ConceptType>,
        organization_id: Option<String>,
        tags: Vec<String>,
        attributes: BTreeMap<String, String>,
        limit: u32,
    },
    GetStats,
    Flush,
    HealthCheck,
    #[serde(skip)]
    LearnContent {
        content: String,
        options: LearnOptions,
    },
    #[serde(skip)]
    LearnBatch {
        contents: Vec<String>,
        options: LearnOptions,
    },
    #[serde(skip)]
    FindPathSemantic {
        start_id: String,
        end_id: String,
        filter: SemanticFilter,
        max_depth: u32,
        max_paths: u32,
    },
    #[serde(skip)]
    FindTemporalChain {
        domain: Option<String>,
        start_time: i64,
        end_time: i64,
    },
    #[serde(skip)]
    FindCausalChain {
        start_id: String,
        causal_type: String,
        max_depth: u32,
    },
    #[serde(skip)]
    FindContradictions {
        domain: String,
    },
    #[serde(skip)]
    QueryBySemantic {
        filter: SemanticFilter,
        limit: Option<u64>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Response")]
enum ResponseVariantsA {
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
    VectorSearchOk {
        results: Vec<(String, f32)>,
    },
    QueryByMetadataOk {
        #[serde(with = "metadata_matches")]
        concepts: Vec<MetadataMatch>,
    },
    StatsOk(#[serde(with = "StatsFieldsA")] Stats),
    FlushOk,
    HealthCheckOk {
        healthy: bool,
        status: String,
        uptime_seconds: u64,
    },
    Error {
        message: String,
    },
    #[serde(skip)]
    LearnContentOk {
        concept_id: String,
    },
    #[serde(skip)]
    LearnBatchOk {
        concept_ids: Vec<String>,
    },
    #[serde(skip)]
    PathsOk {
        of: PathsOf,
        paths: Vec<SemanticPath>,
    },
    #[serde(skip)]
    FindContradictionsOk {
        contradictions: Vec<(String, String, String)>,
    },
    #[serde(skip)]
    QueryBySemanticOk {
        concepts: Vec<SemanticMatch>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Request")]
enum RequestVariantsB {
    #[serde(rename = "LearnConceptV2")]
    LearnContent {
        content: String,
        #[serde(with = "LearnOptionsFields")]
        options: LearnOptions,
    },
    LearnBatch {
        contents: Vec<String>,
        #[serde(with = "LearnOptionsFields")]
        options: LearnOptions,
    },
    LearnConcept {
        concept_id: String,
        content: String,
        embedding: Vec<f32>,
        strength: f32,
        confidence: f32,
        #[serde(skip)]
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
        #[serde(skip)]
        organization_id: Option<String>,
    },
    FindPathSemantic {
        start_id: String,
        end_id: String,
        #[serde(with = "SemanticFilterFields")]
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
        #[serde(with = "SemanticFilterFields")]
        filter: SemanticFilter,
        limit: Option<u64>,
    },
    GetStats,
    Flush,
    HealthCheck,
    #[serde(skip)]
    QueryByMetadata {
        concept_type: Option<ConceptType>,
        organization_id: Option<String>,
        tags: Vec<String>,
        attributes: BTreeMap<String, String>,
        limit: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Response")]
enum ResponseVariantsB {
    #[serde(rename = "LearnConceptV2Ok")]
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
        #[serde(skip)]
        metadata: Option<ConceptMetadata>,
    },
    GetNeighborsOk {
        neighbor_ids: Vec<String>,
    },
    FindPathOk {
        found: bool,
        path: Vec<String>,
    },
    VectorSearchOk {
        results: Vec<(String, f32)>,
    },
    FindContradictionsOk {
        contradictions: Vec<(String, String, String)>,
    },
    QueryBySemanticOk {
        #[serde(with = "semantic_matches")]
        concepts: Vec<SemanticMatch>,
    },
    StatsOk(#[serde(with = "StatsFieldsB")] Stats),
    FlushOk,
    HealthCheckOk {
        healthy: bool,
        status: String,
        uptime_seconds: u64,
    },
    Error {
        message: String,
    },
    #[serde(skip)]
    QueryByMetadataOk {
        concepts: Vec<MetadataMatch>,
    },
    #[serde(skip)]
    PathsOk {
        of: PathsOf,
        paths: Vec<SemanticPath>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::enum_variant_names)] // They are those of the protocol.
pub(crate) enum PathsB {
    FindPathSemanticOk {
        #[serde(with = "semantic_paths")]
        paths: Vec<SemanticPath>,
    },
    FindTemporalChainOk {
        #[serde(with = "semantic_paths")]
        paths: Vec<SemanticPath>,
    },
    FindCausalChainOk {
        #[serde(with = "semantic_paths")]
        paths: Vec<SemanticPath>,
    },
}

impl PathsB {
    pub(crate) fn new(of: PathsOf, paths: Vec<SemanticPath>) -> Self {
        match of {
            PathsOf::FindPathSemantic => Self::FindPathSemanticOk { paths },
            PathsOf::FindTemporalChain => Self::FindTemporalChainOk { paths },
            PathsOf::FindCausalChain => Self::FindCausalChainOk { paths },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LearnOptions")]
struct LearnOptionsFields {
    generate_embedding: bool,
    embedding_model: Option<String>,
    extract_associations: bool,
    min_association_confidence: f32,
    max_associations_per_concept: u64,
    strength: f32,
    confidence: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SemanticFilter")]
struct SemanticFilterFields {
    semantic_type: Option<String>,
    domain_context: Option<String>,
    temporal_after: Option<i64>,
    temporal_before: Option<i64>,
    has_causal_relation: bool,
    min_confidence: f32,
    required_terms: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MetadataMatch")]
struct MetadataMatchFields {
    concept_id: String,
    content_preview: String,
    metadata: ConceptMetadata,
    created: u64,
    last_accessed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SemanticMatch")]
struct SemanticMatchFields {
    concept_id: String,
    content: String,
    semantic_type: String,
    domain: String,
    confidence: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SemanticPath")]
struct SemanticPathFields {
    concepts: Vec<String>,
    confidence: f32,
    type_distribution: BTreeMap<String, u64>,
    domains: Vec<String>,
    is_temporally_ordered: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stats")]
struct StatsFieldsA {
    concepts: u64,
    edges: u64,
    #[serde(skip)]
    vectors: u64,
    written: u64,
    dropped: u64,
    pending: u64,
    reconciliations: u64,
    uptime_seconds: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stats")]
struct StatsFieldsB {
    concepts: u64,
    edges: u64,
    vectors: u64,
    written: u64,
    dropped: u64,
    pending: u64,
    reconciliations: u64,
    uptime_seconds: u64,
}
