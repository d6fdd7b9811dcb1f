//! Any message of either dialect. Numbers that are none are left out, since they are not equal to themselves.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use sutra_grid_events::graph::{ConceptMetadata, ConceptType};
use sutra_grid_events::remote::message::{
    LearnOptions, MetadataMatch, PathsOf, Request, Response, SemanticFilter, SemanticMatch, SemanticPath, Stats,
};

/// Short and long ones, as MessagePack writes their lengths in four ways.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => ".{0,12}",
        2 => ".{30,60}",
        1 => (200usize..400, any::<char>()).prop_map(|(count, character)| character.to_string().repeat(count)),
        1 => Just("x".repeat(70_000)),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..20)
}

fn float() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("is a number", |value| !value.is_nan())
}

fn metadata() -> impl Strategy<Value = ConceptMetadata> {
    let types = [
        ConceptType::DomainConcept,
        ConceptType::User,
        ConceptType::Session,
        ConceptType::Organization,
        ConceptType::Conversation,
        ConceptType::Message,
        ConceptType::Space,
        ConceptType::Permission,
        ConceptType::Role,
        ConceptType::AuditLog,
    ];
    let attributes = btree_map(text(), text(), 0..5);
    (select(types.to_vec()), of(text()), of(text()), texts(), attributes, any::<bool>(), any::<u32>()).prop_map(
        |(concept_type, organization_id, created_by, tags, attributes, deleted, schema_version)| ConceptMetadata {
            concept_type,
            organization_id,
            created_by,
            tags,
            attributes,
            deleted,
            schema_version,
        },
    )
}

fn options() -> impl Strategy<Value = LearnOptions> {
    (any::<bool>(), of(text()), any::<bool>(), float(), any::<u64>(), float(), float()).prop_map(
        |(generate_embedding, embedding_model, extract_associations, minimum, most, strength, confidence)| {
            LearnOptions {
                generate_embedding,
                embedding_model,
                extract_associations,
                min_association_confidence: minimum,
                max_associations_per_concept: most,
                strength,
                confidence,
            }
        },
    )
}

fn filter() -> impl Strategy<Value = SemanticFilter> {
    (of(text()), of(text()), of(any::<i64>()), of(any::<i64>()), any::<bool>(), float(), texts()).prop_map(
        |(semantic_type, domain_context, after, before, has_causal_relation, min_confidence, required_terms)| {
            SemanticFilter {
                semantic_type,
                domain_context,
                temporal_after: after,
                temporal_before: before,
                has_causal_relation,
                min_confidence,
                required_terms,
            }
        },
    )
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let learn = (text(), text(), vec(float(), 0..40), float(), float(), of(metadata()));
    prop_oneof![
        (text(), options()).prop_map(|(content, options)| Request::LearnContent { content, options }),
        (texts(), options()).prop_map(|(contents, options)| Request::LearnBatch { contents, options }),
        learn.prop_map(|(concept_id, content, embedding, strength, confidence, metadata)| Request::LearnConcept {
            concept_id,
            content,
            embedding,
            strength,
            confidence,
            metadata
        }),
        (text(), text(), any::<u32>(), float()).prop_map(|(source_id, target_id, assoc_type, confidence)| {
            Request::LearnAssociation { source_id, target_id, assoc_type, confidence }
        }),
        text().prop_map(|concept_id| Request::QueryConcept { concept_id }),
        text().prop_map(|concept_id| Request::GetNeighbors { concept_id }),
        (text(), text(), any::<u32>()).prop_map(|(start_id, end_id, max_depth)| Request::FindPath {
            start_id,
            end_id,
            max_depth
        }),
        (vec(float(), 0..40), any::<u32>(), any::<u32>(), of(text())).prop_map(
            |(query_vector, k, ef_search, organization_id)| {
                Request::VectorSearch { query_vector, k, ef_search, organization_id }
            }
        ),
        (of(metadata()), of(text()), texts(), btree_map(text(), text(), 0..5), any::<u32>()).prop_map(
            |(metadata, organization_id, tags, attributes, limit)| {
                let concept_type = metadata.map(|metadata| metadata.concept_type);
                Request::QueryByMetadata { concept_type, organization_id, tags, attributes, limit }
            }
        ),
        (text(), text(), filter(), any::<u32>(), any::<u32>()).prop_map(
            |(start_id, end_id, filter, max_depth, max_paths)| {
                Request::FindPathSemantic { start_id, end_id, filter, max_depth, max_paths }
            }
        ),
        (of(text()), any::<i64>(), any::<i64>())
            .prop_map(|(domain, start_time, end_time)| { Request::FindTemporalChain { domain, start_time, end_time } }),
        (text(), text(), any::<u32>()).prop_map(|(start_id, causal_type, max_depth)| Request::FindCausalChain {
            start_id,
            causal_type,
            max_depth
        }),
        text().prop_map(|domain| Request::FindContradictions { domain }),
        (filter(), of(any::<u64>())).prop_map(|(filter, limit)| Request::QueryBySemantic { filter, limit }),
        select(vec![Request::GetStats, Request::Flush, Request::HealthCheck]),
    ]
}

fn stats() -> impl Strategy<Value = Stats> {
    any::<[u64; 8]>().prop_map(
        |[concepts, edges, vectors, written, dropped, pending, reconciliations, uptime_seconds]| Stats {
            concepts,
            edges,
            vectors,
            written,
            dropped,
            pending,
            reconciliations,
            uptime_seconds,
        },
    )
}

fn path() -> impl Strategy<Value = SemanticPath> {
    (texts(), float(), btree_map(text(), any::<u64>(), 0..5), texts(), any::<bool>()).prop_map(
        |(concepts, confidence, type_distribution, domains, is_temporally_ordered)| SemanticPath {
            concepts,
            confidence,
            type_distribution,
            domains,
            is_temporally_ordered,
        },
    )
}

pub(crate) fn response() -> impl Strategy<Value = Response> {
    let paths_of = select(vec![PathsOf::FindPathSemantic, PathsOf::FindTemporalChain, PathsOf::FindCausalChain]);
    let by_metadata = (text(), text(), metadata(), any::<u64>(), any::<u64>()).prop_map(
        |(concept_id, content_preview, metadata, created, last_accessed)| MetadataMatch {
            concept_id,
            content_preview,
            metadata,
            created,
            last_accessed,
        },
    );
    let semantic = (text(), text(), text(), text(), float()).prop_map(
        |(concept_id, content, semantic_type, domain, confidence)| SemanticMatch {
            concept_id,
            content,
            semantic_type,
            domain,
            confidence,
        },
    );
    prop_oneof![
        text().prop_map(|concept_id| Response::LearnContentOk { concept_id }),
        texts().prop_map(|concept_ids| Response::LearnBatchOk { concept_ids }),
        any::<u64>().prop_map(|sequence| Response::LearnConceptOk { sequence }),
        any::<u64>().prop_map(|sequence| Response::LearnAssociationOk { sequence }),
        (any::<bool>(), text(), text(), float(), float(), of(metadata())).prop_map(
            |(found, concept_id, content, strength, confidence, metadata)| {
                Response::QueryConceptOk { found, concept_id, content, strength, confidence, metadata }
            }
        ),
        texts().prop_map(|neighbor_ids| Response::GetNeighborsOk { neighbor_ids }),
        (any::<bool>(), texts()).prop_map(|(found, path)| Response::FindPathOk { found, path }),
        vec((text(), float()), 0..20).prop_map(|results| Response::VectorSearchOk { results }),
        vec(by_metadata, 0..4).prop_map(|concepts| Response::QueryByMetadataOk { concepts }),
        (paths_of, vec(path(), 0..4)).prop_map(|(of, paths)| Response::PathsOk { of, paths }),
        vec((text(), text(), text()), 0..8)
            .prop_map(|contradictions| Response::FindContradictionsOk { contradictions }),
        vec(semantic, 0..8).prop_map(|concepts| Response::QueryBySemanticOk { concepts }),
        stats().prop_map(Response::StatsOk),
        Just(Response::FlushOk),
        (any::<bool>(), text(), any::<u64>()).prop_map(|(healthy, status, uptime_seconds)| {
            Response::HealthCheckOk { healthy, status, uptime_seconds }
        }),
        text().prop_map(|message| Response::Error { message }),
    ]
}
