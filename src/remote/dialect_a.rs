//! Dialect A: bincode 1.3 with integers of fixed width, variants by number, fields in their order.
//!
//! A variant is its number followed by its fields, which is what bincode makes of a tuple too. So every variant is one
//! tuple here, and there are no types that only repeat those of the messages.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use bincode::Options;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::codec::{CodecError, Dialect};
use super::message::{MetadataMatch, Request, Response, Stats};
use crate::graph::{ConceptMetadata, ConceptType};

/// The number of a variant, in front of its fields.
const NUMBER_BYTES: usize = 4;

pub(super) fn encode_request(request: &Request) -> Result<Vec<u8>, CodecError> {
    match request {
        Request::LearnConcept { concept_id, content, embedding, strength, confidence, metadata } => {
            write(&(0u32, concept_id, content, embedding, strength, confidence, metadata))
        }
        Request::LearnAssociation { source_id, target_id, assoc_type, confidence } => {
            write(&(1u32, source_id, target_id, assoc_type, confidence))
        }
        Request::QueryConcept { concept_id } => write(&(2u32, concept_id)),
        Request::GetNeighbors { concept_id } => write(&(3u32, concept_id)),
        Request::FindPath { start_id, end_id, max_depth } => write(&(4u32, start_id, end_id, max_depth)),
        Request::VectorSearch { query_vector, k, ef_search, organization_id } => {
            write(&(5u32, query_vector, k, ef_search, organization_id))
        }
        Request::QueryByMetadata { concept_type, organization_id, tags, attributes, limit } => {
            write(&(6u32, concept_type, organization_id, tags, attributes, limit))
        }
        Request::GetStats => write(&7u32),
        Request::Flush => write(&8u32),
        Request::HealthCheck => write(&9u32),
        Request::LearnContent { .. } => unknown("LearnConceptV2"),
        Request::LearnBatch { .. } => unknown("LearnBatch"),
        Request::FindPathSemantic { .. } => unknown("FindPathSemantic"),
        Request::FindTemporalChain { .. } => unknown("FindTemporalChain"),
        Request::FindCausalChain { .. } => unknown("FindCausalChain"),
        Request::FindContradictions { .. } => unknown("FindContradictions"),
        Request::QueryBySemantic { .. } => unknown("QueryBySemantic"),
    }
}

pub(super) fn decode_request(payload: &[u8]) -> Result<Request, CodecError> {
    let (number, fields) = split(payload)?;
    Ok(match number {
        0 => {
            let (concept_id, content, List(embedding), strength, confidence, metadata) = read(fields)?;
            let metadata = Option::map(metadata, metadata_of);
            Request::LearnConcept { concept_id, content, embedding, strength, confidence, metadata }
        }
        1 => {
            let (source_id, target_id, assoc_type, confidence) = read(fields)?;
            Request::LearnAssociation { source_id, target_id, assoc_type, confidence }
        }
        2 => Request::QueryConcept { concept_id: read(fields)? },
        3 => Request::GetNeighbors { concept_id: read(fields)? },
        4 => {
            let (start_id, end_id, max_depth) = read(fields)?;
            Request::FindPath { start_id, end_id, max_depth }
        }
        5 => {
            let (List(query_vector), k, ef_search, organization_id) = read(fields)?;
            Request::VectorSearch { query_vector, k, ef_search, organization_id }
        }
        6 => {
            let (concept_type, organization_id, List(tags), attributes, limit) = read(fields)?;
            Request::QueryByMetadata { concept_type, organization_id, tags, attributes, limit }
        }
        7 => read(fields).map(|()| Request::GetStats)?,
        8 => read(fields).map(|()| Request::Flush)?,
        9 => read(fields).map(|()| Request::HealthCheck)?,
        number => return Err(malformed(format_args!("no request has the number {number}"))),
    })
}

pub(super) fn encode_response(response: &Response) -> Result<Vec<u8>, CodecError> {
    match response {
        Response::LearnConceptOk { sequence } => write(&(0u32, sequence)),
        Response::LearnAssociationOk { sequence } => write(&(1u32, sequence)),
        Response::QueryConceptOk { found, concept_id, content, strength, confidence, metadata } => {
            write(&(2u32, found, concept_id, content, strength, confidence, metadata))
        }
        Response::GetNeighborsOk { neighbor_ids } => write(&(3u32, neighbor_ids)),
        Response::FindPathOk { found, path } => write(&(4u32, found, path)),
        Response::VectorSearchOk { results } => write(&(5u32, results)),
        Response::QueryByMetadataOk { concepts } => {
            let concept = |of: &MetadataMatch| {
                (of.concept_id.clone(), of.content_preview.clone(), of.metadata.clone(), of.created, of.last_accessed)
            };
            write(&(6u32, concepts.iter().map(concept).collect::<Vec<_>>()))
        }
        Response::StatsOk(stats) => {
            let Stats { concepts, edges, vectors: _, written, dropped, pending, reconciliations, uptime_seconds } =
                stats;
            write(&(7u32, concepts, edges, written, dropped, pending, reconciliations, uptime_seconds))
        }
        Response::FlushOk => write(&8u32),
        Response::HealthCheckOk { healthy, status, uptime_seconds } => write(&(9u32, healthy, status, uptime_seconds)),
        Response::Error { message } => write(&(10u32, message)),
        Response::LearnContentOk { .. } => unknown("LearnConceptV2Ok"),
        Response::LearnBatchOk { .. } => unknown("LearnBatchOk"),
        Response::PathsOk { .. } => unknown("answer with paths or chains"),
        Response::FindContradictionsOk { .. } => unknown("FindContradictionsOk"),
        Response::QueryBySemanticOk { .. } => unknown("QueryBySemanticOk"),
    }
}

pub(super) fn decode_response(payload: &[u8]) -> Result<Response, CodecError> {
    let (number, fields) = split(payload)?;
    Ok(match number {
        0 => Response::LearnConceptOk { sequence: read(fields)? },
        1 => Response::LearnAssociationOk { sequence: read(fields)? },
        2 => {
            let (found, concept_id, content, strength, confidence, metadata) = read(fields)?;
            let metadata = Option::map(metadata, metadata_of);
            Response::QueryConceptOk { found, concept_id, content, strength, confidence, metadata }
        }
        3 => Response::GetNeighborsOk { neighbor_ids: read::<List<_>>(fields)?.0 },
        4 => {
            let (found, List(path)) = read(fields)?;
            Response::FindPathOk { found, path }
        }
        5 => Response::VectorSearchOk { results: read::<List<_>>(fields)?.0 },
        6 => {
            let concept = |(concept_id, content_preview, metadata, created, last_accessed)| {
                let metadata = metadata_of(metadata);
                MetadataMatch { concept_id, content_preview, metadata, created, last_accessed }
            };
            let List(concepts) = read(fields)?;
            Response::QueryByMetadataOk { concepts: concepts.into_iter().map(concept).collect() }
        }
        7 => {
            let (concepts, edges, written, dropped, pending, reconciliations, uptime_seconds) = read(fields)?;
            let counts = Stats { concepts, edges, written, dropped, pending, ..Stats::default() };
            Response::StatsOk(Stats { reconciliations, uptime_seconds, ..counts })
        }
        8 => read(fields).map(|()| Response::FlushOk)?,
        9 => {
            let (healthy, status, uptime_seconds) = read(fields)?;
            Response::HealthCheckOk { healthy, status, uptime_seconds }
        }
        10 => Response::Error { message: read(fields)? },
        number => return Err(malformed(format_args!("no response has the number {number}"))),
    })
}

/// The fields of metadata, in their order.
type MetadataFields = (ConceptType, Option<String>, Option<String>, List<String>, BTreeMap<String, String>, bool, u32);

fn metadata_of(fields: MetadataFields) -> ConceptMetadata {
    let (concept_type, organization_id, created_by, List(tags), attributes, deleted, schema_version) = fields;
    ConceptMetadata { concept_type, organization_id, created_by, tags, attributes, deleted, schema_version }
}

fn options() -> impl Options {
    // A number that is longer than a frame does not fit in any.
    let bytes_max = u64::try_from(Dialect::A.frame_bytes_max()).unwrap_or(u64::MAX);
    bincode::DefaultOptions::new().with_fixint_encoding().with_limit(bytes_max)
}

fn write(fields: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let mut payload = Vec::new();
    // The only thing that writing these fields to memory can fail for is their size.
    let written = options().serialize_into(&mut payload, fields);
    written.map_err(|_| CodecError::TooLarge { bytes_max: Dialect::A.frame_bytes_max() })?;
    Ok(payload)
}

fn split(payload: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    let (number, fields) = payload
        .split_first_chunk::<NUMBER_BYTES>()
        .ok_or_else(|| malformed(format_args!("{} bytes, too few for a number", payload.len())))?;
    Ok((u32::from_le_bytes(*number), fields))
}

fn read<T: DeserializeOwned>(fields: &[u8]) -> Result<T, CodecError> {
    options().deserialize(fields).map_err(malformed)
}

fn unknown(message: &'static str) -> Result<Vec<u8>, CodecError> {
    Err(CodecError::NotInDialect { message, dialect: Dialect::A })
}

fn malformed(reason: impl fmt::Display) -> CodecError {
    CodecError::Malformed { dialect: Dialect::A, reason: reason.to_string() }
}

/// A list that takes room as its items are read, where a `Vec` trusts the length that stands before them to some
/// extent.
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = List<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_seq(Items(PhantomData))
    }
}
