//! Responses of dialect B.

use std::cell::Cell;

use super::fields::{fields_of, variant_of};
use super::parts::{
    read_extra_metadata, read_metadata_match, read_path, read_semantic_match, read_stats, write_metadata,
    write_metadata_match, write_path, write_semantic_match, write_stats,
};
use super::value::{Value, budget_of, malformed};
use super::writer::Writer;
use crate::remote::codec::CodecError;
use crate::remote::message::{PathsOf, Response};

/// The names of the responses in the order of their numbers. The last has none: it is an extension.
const NAMES: [&str; 18] = [
    "LearnConceptV2Ok",
    "LearnBatchOk",
    "LearnConceptOk",
    "LearnAssociationOk",
    "QueryConceptOk",
    "GetNeighborsOk",
    "FindPathOk",
    "VectorSearchOk",
    "FindPathSemanticOk",
    "FindTemporalChainOk",
    "FindCausalChainOk",
    "FindContradictionsOk",
    "QueryBySemanticOk",
    "StatsOk",
    "FlushOk",
    "HealthCheckOk",
    "Error",
    "QueryByMetadataOk",
];
const NUMBERED: usize = 17;

/// Fields are written by their names, except where the Python client reads them by their places. Clients in Rust read
/// both.
pub(in crate::remote) fn encode_response(response: &Response) -> Vec<u8> {
    let mut writer = Writer::default();
    let out = &mut writer;
    match response {
        Response::LearnContentOk { concept_id } => {
            out.map(1).text("LearnConceptV2Ok").map(1).text("concept_id").text(concept_id);
        }
        Response::LearnBatchOk { concept_ids } => {
            out.map(1).text("LearnBatchOk").map(1).text("concept_ids").texts(concept_ids);
        }
        Response::LearnConceptOk { sequence } => {
            out.map(1).text("LearnConceptOk").list(1).unsigned(*sequence);
        }
        Response::LearnAssociationOk { sequence } => {
            out.map(1).text("LearnAssociationOk").list(1).unsigned(*sequence);
        }
        Response::QueryConceptOk { found, concept_id, content, strength, confidence, metadata } => {
            out.map(1).text("QueryConceptOk").map(5 + usize::from(metadata.is_some()));
            out.text("found").flag(*found).text("concept_id").text(concept_id).text("content").text(content);
            out.text("strength").float(*strength).text("confidence").float(*confidence);
            if let Some(metadata) = metadata {
                write_metadata(out.text("metadata"), metadata);
            }
        }
        Response::GetNeighborsOk { neighbor_ids } => {
            out.map(1).text("GetNeighborsOk").map(1).text("neighbor_ids").texts(neighbor_ids);
        }
        Response::FindPathOk { found, path } => {
            out.map(1).text("FindPathOk").map(2).text("found").flag(*found).text("path").texts(path);
        }
        Response::VectorSearchOk { results } => {
            out.map(1).text("VectorSearchOk").map(1).text("results").list(results.len());
            for (concept_id, similarity) in results {
                out.list(2).text(concept_id).float(*similarity);
            }
        }
        Response::QueryByMetadataOk { concepts } => {
            out.map(1).text("QueryByMetadataOk").map(1).text("concepts").list(concepts.len());
            concepts.iter().for_each(|concept| write_metadata_match(out, concept));
        }
        Response::PathsOk { of, paths } => {
            let name = match of {
                PathsOf::FindPathSemantic => "FindPathSemanticOk",
                PathsOf::FindTemporalChain => "FindTemporalChainOk",
                PathsOf::FindCausalChain => "FindCausalChainOk",
            };
            out.map(1).text(name).map(1).text("paths").list(paths.len());
            paths.iter().for_each(|path| write_path(out, path));
        }
        Response::FindContradictionsOk { contradictions } => {
            out.map(1).text("FindContradictionsOk").map(1).text("contradictions").list(contradictions.len());
            for (one, other, reason) in contradictions {
                out.list(3).text(one).text(other).text(reason);
            }
        }
        Response::QueryBySemanticOk { concepts } => {
            out.map(1).text("QueryBySemanticOk").map(1).text("concepts").list(concepts.len());
            concepts.iter().for_each(|concept| write_semantic_match(out, concept));
        }
        Response::StatsOk(stats) => write_stats(out.map(1).text("StatsOk"), stats),
        Response::FlushOk => drop(out.text("FlushOk")),
        Response::HealthCheckOk { healthy, status, uptime_seconds } => {
            out.map(1).text("HealthCheckOk").map(3).text("healthy").flag(*healthy);
            out.text("status").text(status).text("uptime_seconds").unsigned(*uptime_seconds);
        }
        Response::Error { message } => {
            out.map(1).text("Error").map(1).text("message").text(message);
        }
    }
    writer.finish()
}

pub(in crate::remote) fn decode_response(payload: &[u8]) -> Result<Response, CodecError> {
    let budget = Cell::new(budget_of(payload));
    let (variant, value) = variant_of(Value::of_payload(payload, &budget)?)?;
    let name = variant.name_in(&NAMES, NUMBERED).ok_or_else(|| malformed("no such response".to_owned()))?;
    Ok(match name {
        "LearnConceptV2Ok" => {
            let [concept_id] = fields_of(name, value, ["concept_id"], 0)?;
            Response::LearnContentOk { concept_id: concept_id.string()? }
        }
        "LearnBatchOk" => {
            let [concept_ids] = fields_of(name, value, ["concept_ids"], 0)?;
            Response::LearnBatchOk { concept_ids: concept_ids.strings()? }
        }
        "LearnConceptOk" => {
            let [sequence] = fields_of(name, value, ["sequence"], 0)?;
            Response::LearnConceptOk { sequence: sequence.read(Value::u64)? }
        }
        "LearnAssociationOk" => {
            let [sequence] = fields_of(name, value, ["sequence"], 0)?;
            Response::LearnAssociationOk { sequence: sequence.read(Value::u64)? }
        }
        "QueryConceptOk" => {
            let names = ["found", "concept_id", "content", "strength", "confidence", "metadata"];
            let [found, concept_id, content, strength, confidence, metadata] = fields_of(name, value, names, 1)?;
            Response::QueryConceptOk {
                found: found.read(Value::flag)?,
                concept_id: concept_id.string()?,
                content: content.string()?,
                strength: strength.read(Value::f32)?,
                confidence: confidence.read(Value::f32)?,
                metadata: read_extra_metadata(metadata)?,
            }
        }
        "GetNeighborsOk" => {
            let [neighbor_ids] = fields_of(name, value, ["neighbor_ids"], 0)?;
            Response::GetNeighborsOk { neighbor_ids: neighbor_ids.strings()? }
        }
        "FindPathOk" => {
            let [found, path] = fields_of(name, value, ["found", "path"], 0)?;
            Response::FindPathOk { found: found.read(Value::flag)?, path: path.strings()? }
        }
        "VectorSearchOk" => {
            let [results] = fields_of(name, value, ["results"], 0)?;
            let result = |value| {
                let names = ["concept_id", "similarity"];
                let [concept_id, similarity] = fields_of("a result", Some(value), names, 0)?;
                Ok((concept_id.string()?, similarity.read(Value::f32)?))
            };
            Response::VectorSearchOk { results: results.structures(result)? }
        }
        "FindPathSemanticOk" => paths_of(PathsOf::FindPathSemantic, name, value)?,
        "FindTemporalChainOk" => paths_of(PathsOf::FindTemporalChain, name, value)?,
        "FindCausalChainOk" => paths_of(PathsOf::FindCausalChain, name, value)?,
        "FindContradictionsOk" => {
            let [contradictions] = fields_of(name, value, ["contradictions"], 0)?;
            let contradiction = |value| {
                let [one, other, reason] = fields_of("a contradiction", Some(value), ["0", "1", "2"], 0)?;
                Ok((one.string()?, other.string()?, reason.string()?))
            };
            Response::FindContradictionsOk { contradictions: contradictions.structures(contradiction)? }
        }
        "QueryBySemanticOk" => {
            let [concepts] = fields_of(name, value, ["concepts"], 0)?;
            Response::QueryBySemanticOk { concepts: concepts.structures(read_semantic_match)? }
        }
        "StatsOk" => Response::StatsOk(read_stats(name, value)?),
        "FlushOk" => Response::FlushOk,
        "HealthCheckOk" => {
            let [healthy, status, uptime] = fields_of(name, value, ["healthy", "status", "uptime_seconds"], 0)?;
            Response::HealthCheckOk {
                healthy: healthy.read(Value::flag)?,
                status: status.string()?,
                uptime_seconds: uptime.read(Value::u64)?,
            }
        }
        "Error" => {
            let [message] = fields_of(name, value, ["message"], 0)?;
            Response::Error { message: message.string()? }
        }
        _ => {
            let [concepts] = fields_of(name, value, ["concepts"], 0)?;
            Response::QueryByMetadataOk { concepts: concepts.structures(read_metadata_match)? }
        }
    })
}

fn paths_of(of: PathsOf, name: &'static str, value: Option<Value<'_>>) -> Result<Response, CodecError> {
    let [paths] = fields_of(name, value, ["paths"], 0)?;
    Ok(Response::PathsOk { of, paths: paths.structures(read_path)? })
}
