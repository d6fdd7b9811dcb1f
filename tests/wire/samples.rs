//! One message of every kind, those with options twice.

use std::collections::BTreeMap;

use sutra_grid_events::graph::{ConceptMetadata, ConceptType};
use sutra_grid_events::remote::message::{
    LearnOptions, MetadataMatch, PathsOf, Request, Response, SemanticFilter, SemanticMatch, SemanticPath, Stats,
};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

pub(crate) fn metadata() -> ConceptMetadata {
    ConceptMetadata {
        concept_type: ConceptType::AuditLog,
        organization_id: Some("org".into()),
        created_by: None,
        tags: texts(&["t", "u"]),
        attributes: BTreeMap::from([("k".into(), "v".into())]),
        deleted: true,
        schema_version: 2,
    }
}

fn filter() -> SemanticFilter {
    SemanticFilter {
        semantic_type: Some("Event".into()),
        domain_context: None,
        temporal_after: Some(-1),
        temporal_before: Some(1_795_521_600),
        has_causal_relation: true,
        min_confidence: 0.25,
        required_terms: texts(&["crash"]),
    }
}

pub(crate) fn stats() -> Stats {
    Stats {
        concepts: 1,
        edges: 200,
        vectors: 3,
        written: 70_000,
        dropped: 5,
        pending: 6,
        reconciliations: 7,
        uptime_seconds: 5_000_000_000,
    }
}

pub(crate) fn requests() -> Vec<Request> {
    vec![
        Request::LearnContent {
            content: "c".into(),
            options: LearnOptions { embedding_model: Some("m".into()), ..LearnOptions::default() },
        },
        Request::LearnBatch { contents: texts(&["c", "d"]), options: LearnOptions::default() },
        Request::LearnConcept {
            concept_id: "a".into(),
            content: "b".into(),
            embedding: vec![1.0],
            strength: 1.0,
            confidence: 0.5,
            metadata: None,
        },
        Request::LearnConcept {
            concept_id: "a".into(),
            content: "ü".into(),
            embedding: vec![],
            strength: 1.0,
            confidence: 1.0,
            metadata: Some(metadata()),
        },
        Request::LearnAssociation { source_id: "a".into(), target_id: "b".into(), assoc_type: 999, confidence: 1.0 },
        Request::QueryConcept { concept_id: "a".into() },
        Request::GetNeighbors { concept_id: "a".into() },
        Request::FindPath { start_id: "a".into(), end_id: "b".into(), max_depth: 6 },
        Request::VectorSearch { query_vector: vec![0.5, -1.0], k: 10, ef_search: 40, organization_id: None },
        Request::VectorSearch { query_vector: vec![], k: 1000, ef_search: 0, organization_id: Some("org".into()) },
        Request::QueryByMetadata {
            concept_type: Some(ConceptType::User),
            organization_id: None,
            tags: texts(&["t"]),
            attributes: BTreeMap::from([("k".into(), "v".into())]),
            limit: 5,
        },
        Request::FindPathSemantic {
            start_id: "a".into(),
            end_id: "b".into(),
            filter: filter(),
            max_depth: 6,
            max_paths: 3,
        },
        Request::FindTemporalChain { domain: None, start_time: -5, end_time: 1_795_521_600 },
        Request::FindCausalChain { start_id: "a".into(), causal_type: "Direct".into(), max_depth: 6 },
        Request::FindContradictions { domain: "d".into() },
        Request::QueryBySemantic { filter: filter(), limit: Some(300) },
        Request::GetStats,
        Request::Flush,
        Request::HealthCheck,
    ]
}

pub(crate) fn responses() -> Vec<Response> {
    let found = |metadata| Response::QueryConceptOk {
        found: true,
        concept_id: "a".into(),
        content: "b".into(),
        strength: 1.0,
        confidence: 0.5,
        metadata,
    };
    let path = SemanticPath {
        concepts: texts(&["a", "b"]),
        confidence: 0.5,
        type_distribution: BTreeMap::from([("Event".into(), 2)]),
        domains: texts(&["d"]),
        is_temporally_ordered: true,
    };
    vec![
        Response::LearnContentOk { concept_id: "a".into() },
        Response::LearnBatchOk { concept_ids: texts(&["a", "b"]) },
        Response::LearnConceptOk { sequence: 7 },
        Response::LearnAssociationOk { sequence: 1 << 40 },
        found(None),
        found(Some(metadata())),
        Response::GetNeighborsOk { neighbor_ids: texts(&["a"]) },
        Response::FindPathOk { found: true, path: texts(&["a", "b"]) },
        Response::VectorSearchOk { results: vec![("a".into(), 0.5)] },
        Response::QueryByMetadataOk {
            concepts: vec![MetadataMatch {
                concept_id: "a".into(),
                content_preview: "b".into(),
                metadata: metadata(),
                created: 1_795_521_600,
                last_accessed: 0,
            }],
        },
        Response::PathsOk { of: PathsOf::FindPathSemantic, paths: vec![path.clone()] },
        Response::PathsOk { of: PathsOf::FindTemporalChain, paths: vec![] },
        Response::PathsOk { of: PathsOf::FindCausalChain, paths: vec![path] },
        Response::FindContradictionsOk { contradictions: vec![("a".into(), "b".into(), "c".into())] },
        Response::QueryBySemanticOk {
            concepts: vec![SemanticMatch {
                concept_id: "a".into(),
                content: "b".into(),
                semantic_type: "Event".into(),
                domain: "d".into(),
                confidence: 1.0,
            }],
        },
        Response::StatsOk(stats()),
        Response::FlushOk,
        Response::HealthCheckOk { healthy: true, status: "ok".into(), uptime_seconds: 9 },
        Response::Error { message: "no".into() },
    ]
}
