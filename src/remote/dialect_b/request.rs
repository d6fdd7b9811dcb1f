//! Requests of dialect B.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::fields::{fields_of, variant_of};
use super::parts::{
    read_concept_type, read_extra_metadata, read_filter, read_options, write_attributes, write_concept_type,
    write_filter, write_metadata, write_options,
};
use super::value::{Value, budget_of, malformed};
use super::writer::Writer;
use crate::graph::{BATCH_MAX, TAGS_MAX};
use crate::remote::codec::CodecError;
use crate::remote::message::Request;

/// The names of the requests in the order of their numbers. The last has none: it is an extension.
const NAMES: [&str; 17] = [
    "LearnConceptV2",
    "LearnBatch",
    "LearnConcept",
    "LearnAssociation",
    "QueryConcept",
    "GetNeighbors",
    "FindPath",
    "VectorSearch",
    "FindPathSemantic",
    "FindTemporalChain",
    "FindCausalChain",
    "FindContradictions",
    "QueryBySemantic",
    "GetStats",
    "Flush",
    "HealthCheck",
    "QueryByMetadata",
];
const NUMBERED: usize = 16;

/// Fields are written by their names, which readers of every kind understand.
pub(in crate::remote) fn encode_request(request: &Request) -> Vec<u8> {
    let mut writer = Writer::default();
    let out = &mut writer;
    match request {
        Request::LearnContent { content, options } => {
            out.map(1).text("LearnConceptV2").map(2).text("content").text(content);
            write_options(out.text("options"), options);
        }
        Request::LearnBatch { contents, options } => {
            out.map(1).text("LearnBatch").map(2).text("contents").texts(contents);
            write_options(out.text("options"), options);
        }
        Request::LearnConcept { concept_id, content, embedding, strength, confidence, metadata } => {
            out.map(1).text("LearnConcept").map(5 + usize::from(metadata.is_some()));
            out.text("concept_id").text(concept_id).text("content").text(content);
            out.text("embedding").floats(embedding);
            out.text("strength").float(*strength).text("confidence").float(*confidence);
            if let Some(metadata) = metadata {
                write_metadata(out.text("metadata"), metadata);
            }
        }
        Request::LearnAssociation { source_id, target_id, assoc_type, confidence } => {
            out.map(1).text("LearnAssociation").map(4);
            out.text("source_id").text(source_id).text("target_id").text(target_id);
            out.text("assoc_type").unsigned((*assoc_type).into()).text("confidence").float(*confidence);
        }
        Request::QueryConcept { concept_id } => {
            out.map(1).text("QueryConcept").map(1).text("concept_id").text(concept_id);
        }
        Request::GetNeighbors { concept_id } => {
            out.map(1).text("GetNeighbors").map(1).text("concept_id").text(concept_id);
        }
        Request::FindPath { start_id, end_id, max_depth } => {
            out.map(1).text("FindPath").map(3).text("start_id").text(start_id).text("end_id").text(end_id);
            out.text("max_depth").unsigned((*max_depth).into());
        }
        Request::VectorSearch { query_vector, k, ef_search, organization_id } => {
            out.map(1).text("VectorSearch").map(3 + usize::from(organization_id.is_some()));
            out.text("query_vector").floats(query_vector).text("k").unsigned((*k).into());
            out.text("ef_search").unsigned((*ef_search).into());
            if let Some(organization_id) = organization_id {
                out.text("organization_id").text(organization_id);
            }
        }
        Request::QueryByMetadata { concept_type, organization_id, tags, attributes, limit } => {
            out.map(1).text("QueryByMetadata").map(5);
            out.text("concept_type").optional(*concept_type, write_concept_type);
            out.text("organization_id").optional(organization_id.as_deref(), Writer::text);
            out.text("tags").texts(tags);
            write_attributes(out.text("attributes"), attributes);
            out.text("limit").unsigned((*limit).into());
        }
        Request::FindPathSemantic { start_id, end_id, filter, max_depth, max_paths } => {
            out.map(1).text("FindPathSemantic").map(5).text("start_id").text(start_id).text("end_id").text(end_id);
            write_filter(out.text("filter"), filter);
            out.text("max_depth").unsigned((*max_depth).into()).text("max_paths").unsigned((*max_paths).into());
        }
        Request::FindTemporalChain { domain, start_time, end_time } => {
            out.map(1).text("FindTemporalChain").map(3);
            out.text("domain").optional(domain.as_deref(), Writer::text);
            out.text("start_time").signed(*start_time).text("end_time").signed(*end_time);
        }
        Request::FindCausalChain { start_id, causal_type, max_depth } => {
            out.map(1).text("FindCausalChain").map(3).text("start_id").text(start_id);
            out.text("causal_type").text(causal_type).text("max_depth").unsigned((*max_depth).into());
        }
        Request::FindContradictions { domain } => {
            out.map(1).text("FindContradictions").map(1).text("domain").text(domain);
        }
        Request::QueryBySemantic { filter, limit } => {
            out.map(1).text("QueryBySemantic").map(2);
            write_filter(out.text("filter"), filter);
            out.text("limit").optional(*limit, Writer::unsigned);
        }
        Request::GetStats => drop(out.text("GetStats")),
        Request::Flush => drop(out.text("Flush")),
        Request::HealthCheck => drop(out.text("HealthCheck")),
    }
    writer.finish()
}

pub(in crate::remote) fn decode_request(payload: &[u8]) -> Result<Request, CodecError> {
    let budget = Cell::new(budget_of(payload));
    let (variant, value) = variant_of(Value::of_payload(payload, &budget)?)?;
    let name = variant.name_in(&NAMES, NUMBERED).ok_or_else(|| malformed("no such request".to_owned()))?;
    Ok(match name {
        "LearnConceptV2" => {
            let [content, options] = fields_of(name, value, ["content", "options"], 0)?;
            Request::LearnContent { content: content.string()?, options: read_options(options)? }
        }
        "LearnBatch" => {
            let [contents, options] = fields_of(name, value, ["contents", "options"], 0)?;
            Request::LearnBatch {
                contents: contents.strings_up_to(BATCH_MAX, "Batch too large")?,
                options: read_options(options)?,
            }
        }
        "LearnConcept" => {
            let names = ["concept_id", "content", "embedding", "strength", "confidence", "metadata"];
            let [concept_id, content, embedding, strength, confidence, metadata] = fields_of(name, value, names, 1)?;
            Request::LearnConcept {
                concept_id: concept_id.string()?,
                content: content.string()?,
                embedding: embedding.numbers()?,
                strength: strength.read(Value::f32)?,
                confidence: confidence.read(Value::f32)?,
                metadata: read_extra_metadata(metadata)?,
            }
        }
        "LearnAssociation" => {
            let names = ["source_id", "target_id", "assoc_type", "confidence"];
            let [source_id, target_id, assoc_type, confidence] = fields_of(name, value, names, 0)?;
            Request::LearnAssociation {
                source_id: source_id.string()?,
                target_id: target_id.string()?,
                assoc_type: assoc_type.read(Value::u32)?,
                confidence: confidence.read(Value::f32)?,
            }
        }
        "QueryConcept" => {
            let [concept_id] = fields_of(name, value, ["concept_id"], 0)?;
            Request::QueryConcept { concept_id: concept_id.string()? }
        }
        "GetNeighbors" => {
            let [concept_id] = fields_of(name, value, ["concept_id"], 0)?;
            Request::GetNeighbors { concept_id: concept_id.string()? }
        }
        "FindPath" => {
            let [start_id, end_id, max_depth] = fields_of(name, value, ["start_id", "end_id", "max_depth"], 0)?;
            Request::FindPath {
                start_id: start_id.string()?,
                end_id: end_id.string()?,
                max_depth: max_depth.read(Value::u32)?,
            }
        }
        "VectorSearch" => {
            let names = ["query_vector", "k", "ef_search", "organization_id"];
            let [query_vector, k, ef_search, organization_id] = fields_of(name, value, names, 1)?;
            Request::VectorSearch {
                query_vector: query_vector.numbers()?,
                k: k.read(Value::u32)?,
                ef_search: ef_search.read(Value::u32)?,
                organization_id: organization_id.optional(Value::string)?,
            }
        }
        "FindPathSemantic" => {
            let names = ["start_id", "end_id", "filter", "max_depth", "max_paths"];
            let [start_id, end_id, filter, max_depth, max_paths] = fields_of(name, value, names, 0)?;
            Request::FindPathSemantic {
                start_id: start_id.string()?,
                end_id: end_id.string()?,
                filter: read_filter(filter)?,
                max_depth: max_depth.read(Value::u32)?,
                max_paths: max_paths.read(Value::u32)?,
            }
        }
        "FindTemporalChain" => {
            let [domain, start_time, end_time] = fields_of(name, value, ["domain", "start_time", "end_time"], 0)?;
            Request::FindTemporalChain {
                domain: domain.optional(Value::string)?,
                start_time: start_time.read(Value::i64)?,
                end_time: end_time.read(Value::i64)?,
            }
        }
        "FindCausalChain" => {
            let [start_id, causal_type, max_depth] =
                fields_of(name, value, ["start_id", "causal_type", "max_depth"], 0)?;
            Request::FindCausalChain {
                start_id: start_id.string()?,
                causal_type: causal_type.string()?,
                max_depth: max_depth.read(Value::u32)?,
            }
        }
        "FindContradictions" => {
            let [domain] = fields_of(name, value, ["domain"], 0)?;
            Request::FindContradictions { domain: domain.string()? }
        }
        "QueryBySemantic" => {
            let [filter, limit] = fields_of(name, value, ["filter", "limit"], 0)?;
            Request::QueryBySemantic { filter: read_filter(filter)?, limit: limit.optional(Value::u64)? }
        }
        "GetStats" => Request::GetStats,
        "Flush" => Request::Flush,
        "HealthCheck" => Request::HealthCheck,
        _ => {
            let names = ["concept_type", "organization_id", "tags", "attributes", "limit"];
            let [concept_type, organization_id, tags, attributes, limit] = fields_of(name, value, names, 0)?;
            Request::QueryByMetadata {
                concept_type: concept_type.optional(read_concept_type)?,
                organization_id: organization_id.optional(Value::string)?,
                tags: tags.given().map_or(Ok(Vec::new()), |tags| tags.strings_up_to(TAGS_MAX, "Too many tags"))?,
                attributes: attributes.given().map_or(Ok(BTreeMap::new()), |attributes| {
                    attributes.entries_up_to(TAGS_MAX, "Too many attributes")
                })?,
                limit: limit.read(Value::u32)?,
            }
        }
    })
}
