//! What a store of concepts says to a request.

use std::collections::BTreeMap;

use super::config::NEIGHBORS_MAX;
use super::semantic;
use crate::event::{ConceptId, Event};
use crate::graph::{
    Association, AssociationKind, BATCH_MAX, Chain, Concept, ConceptError, ConceptStore, ConceptSummary, Learn,
    Learned, MetadataQuery, NeighborPage, RESULTS_MAX, Similar, check_concept, check_depth, check_metadata_query,
    check_search, check_terms,
};
use crate::remote::message::{LearnOptions, MetadataMatch, PathsOf, Request, Response, SemanticPath, Stats};

/// The answer to a request. What is beyond a limit or fails is an error with its text, not the end of the connection.
/// `answer_bytes` is how long an answer may be: of many neighbours, the newest that fit are given.
pub(super) async fn answer(store: &impl ConceptStore, request: Request, answer_bytes: usize) -> Response {
    ask(store, request, answer_bytes).await.unwrap_or_else(|error| refusal(&error))
}

/// A request to learn, as what is to be learned and how to answer.
#[derive(Debug)]
pub(super) struct Learning {
    pub(super) lessons: Vec<Learn>,
    pub(super) reply: Reply,
}

/// How to answer once it was learned.
#[derive(Debug)]
pub(super) enum Reply {
    Concept,
    Association,
    /// With the ids under which they are learned, unless the store says that it found others for them.
    Content(String),
    Batch(Vec<String>),
}

impl Learning {
    /// What a request wants to have learned. The text of a refusal where it is beyond a limit, or asks instead.
    pub(super) fn of(request: Request) -> Result<Self, String> {
        let one = |lesson, reply| Ok(Self { lessons: vec![lesson], reply });
        match request {
            Request::LearnConcept { concept_id: id, content, embedding, strength, confidence, metadata } => {
                let concept = Concept { id, content, embedding, strength, confidence, metadata };
                check_concept(&concept).map_err(|error| error.to_string())?;
                one(Learn::Concept(concept), Reply::Concept)
            }
            Request::LearnAssociation { source_id, target_id, assoc_type, confidence } => {
                let kind = AssociationKind::from_code(assoc_type);
                let association = Association { source: source_id, target: target_id, kind, confidence };
                one(Learn::Association(association), Reply::Association)
            }
            Request::LearnContent { content, options } => {
                let concept = concept_of(content, &options)?;
                let id = concept.id.clone();
                one(Learn::Concept(concept), Reply::Content(id))
            }
            Request::LearnBatch { contents, options } => {
                if contents.len() > BATCH_MAX {
                    return Err(format!("Batch too large: {} (max: {BATCH_MAX})", contents.len()));
                }
                let concepts: Vec<Concept> =
                    contents.into_iter().map(|content| concept_of(content, &options)).collect::<Result<_, _>>()?;
                let ids = concepts.iter().map(|concept| concept.id.clone()).collect();
                let lessons = concepts.into_iter().map(Learn::Concept).collect();
                Ok(Self { lessons, reply: Reply::Batch(ids) })
            }
            _ => Err("this request asks, and does not teach".to_owned()),
        }
    }
}

impl Reply {
    /// How many answers of the store belong to it.
    fn answers(&self) -> usize {
        if let Self::Batch(ids) = self { ids.len() } else { 1 }
    }

    /// The response, from the answers of the store to the lessons of the request, which are the next.
    pub(super) fn response(mut self, answers: &mut impl Iterator<Item = Result<Learned, ConceptError>>) -> Response {
        let mut last = Ok(0);
        let count = self.answers();
        let mut missing = count;
        for (index, answer) in answers.by_ref().take(count).enumerate() {
            missing -= 1;
            if last.is_ok() {
                last = answer.map(|learned| {
                    if let Some(id) = learned.stored_as {
                        self.replace_id(index, id);
                    }
                    learned.sequence
                });
            }
        }
        match last {
            Err(error) => refusal(&error),
            // A store that does not answer has not learned.
            Ok(_) if missing > 0 => Response::Error { message: "the store did not answer".to_owned() },
            Ok(sequence) => match self {
                Self::Concept => Response::LearnConceptOk { sequence },
                Self::Association => Response::LearnAssociationOk { sequence },
                Self::Content(concept_id) => Response::LearnContentOk { concept_id },
                Self::Batch(concept_ids) => Response::LearnBatchOk { concept_ids },
            },
        }
    }

    fn replace_id(&mut self, index: usize, id: String) {
        let place = match self {
            Self::Content(concept_id) => Some(concept_id),
            Self::Batch(ids) => ids.get_mut(index),
            Self::Concept | Self::Association => None,
        };
        if let Some(place) = place {
            *place = id;
        }
    }
}

/// A content under an id of its own: that of the event that it is, else 32 digits made from its bytes, so that the
/// same content has the same id whenever it is learned.
fn concept_of(content: String, options: &LearnOptions) -> Result<Concept, String> {
    let event = if content.starts_with('{') { Event::from_json(&content).ok() } else { None };
    let event_id = event.and_then(|event| ConceptId::new(event.event_type(), event.timestamp_us(), 0));
    let id = event_id
        .map_or_else(|| blake3::hash(content.as_bytes()).to_hex().chars().take(32).collect(), |id| id.to_string());
    let mut concept = Concept::new(id, content);
    (concept.strength, concept.confidence) = (options.strength, options.confidence);
    check_concept(&concept).map_err(|error| error.to_string())?;
    Ok(concept)
}

/// As [`answer`], before what failed is put into words.
async fn ask(store: &impl ConceptStore, request: Request, answer_bytes: usize) -> Result<Response, ConceptError> {
    Ok(match request {
        Request::QueryConcept { concept_id } => match store.query_concept(&concept_id).await? {
            Some(concept) => found(concept),
            None => Response::QueryConceptOk {
                found: false,
                concept_id,
                content: String::new(),
                strength: 0.0,
                confidence: 0.0,
                metadata: None,
            },
        },
        Request::GetNeighbors { concept_id } => neighbors(store, &concept_id, answer_bytes).await?,
        Request::FindPath { start_id, end_id, max_depth } => {
            let path = path(store, &start_id, &end_id, max_depth).await?;
            Response::FindPathOk { found: path.is_some(), path: path.unwrap_or_default() }
        }
        Request::VectorSearch { query_vector, k, ef_search: _, organization_id } => {
            let results = search(store, &query_vector, k, organization_id).await?;
            Response::VectorSearchOk { results: results.into_iter().map(|hit| (hit.id, hit.similarity)).collect() }
        }
        Request::QueryByMetadata { concept_type, organization_id, tags, attributes, limit } => {
            let limit = usize::try_from(limit).map_or(RESULTS_MAX, |limit| limit.min(RESULTS_MAX));
            let attributes = attributes.into_iter().collect();
            let query = MetadataQuery { concept_type, organization_id, tags, attributes, limit };
            check_metadata_query(&query)?;
            let concepts = store.query_by_metadata(&query).await?;
            Response::QueryByMetadataOk { concepts: concepts.into_iter().map(metadata_match).collect() }
        }
        Request::FindPathSemantic { start_id, end_id, filter, max_depth, max_paths } => {
            check_terms(&filter.required_terms)?;
            let ids = if max_paths == 0 { None } else { path(store, &start_id, &end_id, max_depth).await? };
            let mut paths = Vec::new();
            if let Some(ids) = ids
                && semantic::all_pass(store, &ids, &filter).await?
            {
                paths.push(semantic_path(Chain { ids, confidence: 1.0 }, false));
            }
            Response::PathsOk { of: PathsOf::FindPathSemantic, paths }
        }
        Request::FindTemporalChain { domain: _, start_time, end_time } => {
            let chains = store.find_temporal_chain(start_time, end_time).await?;
            Response::PathsOk { of: PathsOf::FindTemporalChain, paths: ordered(chains) }
        }
        Request::FindCausalChain { start_id, causal_type: _, max_depth } => {
            check_depth(max_depth)?;
            let chains = store.find_causal_chain(&start_id, max_depth).await?;
            Response::PathsOk { of: PathsOf::FindCausalChain, paths: ordered(chains) }
        }
        // Events do not contradict each other: each tells of its own moment.
        Request::FindContradictions { domain: _ } => Response::FindContradictionsOk { contradictions: Vec::new() },
        Request::QueryBySemantic { filter, limit } => {
            check_terms(&filter.required_terms)?;
            Response::QueryBySemanticOk { concepts: semantic::query(store, &filter, limit).await? }
        }
        Request::GetStats => {
            let stats = store.stats().await?;
            Response::StatsOk(Stats {
                concepts: stats.concepts,
                edges: stats.associations,
                vectors: stats.vectors,
                written: stats.written,
                dropped: stats.dropped,
                pending: stats.pending,
                reconciliations: 0,
                uptime_seconds: stats.uptime_seconds,
            })
        }
        Request::Flush => {
            store.flush().await?;
            Response::FlushOk
        }
        Request::HealthCheck => {
            let health = store.health_check().await?;
            Response::HealthCheckOk {
                healthy: health.healthy,
                status: health.status,
                uptime_seconds: health.uptime_seconds,
            }
        }
        request => match Learning::of(request) {
            Ok(learning) => {
                learning.reply.response(&mut store.learn_batch_as_stored(learning.lessons).await.into_iter())
            }
            Err(message) => Response::Error { message },
        },
    })
}

/// The error that a client is told.
fn refusal(error: &ConceptError) -> Response {
    Response::Error { message: error.to_string() }
}

fn found(concept: Concept) -> Response {
    Response::QueryConceptOk {
        found: true,
        concept_id: concept.id,
        content: concept.content,
        strength: concept.strength,
        confidence: concept.confidence,
        metadata: concept.metadata,
    }
}

/// The newest neighbours that fit into an answer, the oldest of them first, which is the order of the original.
async fn neighbors(store: &impl ConceptStore, id: &str, answer_bytes: usize) -> Result<Response, ConceptError> {
    /// What an id takes beside its bytes, at most, in either dialect.
    const LENGTH_BYTES: usize = 8;
    let page = NeighborPage { limit: NEIGHBORS_MAX, newest_first: true, offset: 0 };
    let mut ids = store.get_neighbors(id, page).await?.ids;
    let mut bytes = 0usize;
    let fitting = ids.iter().take_while(|id| {
        bytes = bytes.saturating_add(id.len() + LENGTH_BYTES);
        bytes <= answer_bytes
    });
    let fitting = fitting.count();
    ids.truncate(fitting);
    ids.reverse();
    Ok(Response::GetNeighborsOk { neighbor_ids: ids })
}

async fn path(
    store: &impl ConceptStore,
    start: &str,
    end: &str,
    max_depth: u32,
) -> Result<Option<Vec<String>>, ConceptError> {
    check_depth(max_depth)?;
    let found = store.find_path(start, end, max_depth).await?;
    if found.path.is_none() && found.gave_up {
        let message = "The search was given up before all paths were seen: there are too many concepts on the way";
        return Err(ConceptError::Invalid(message.to_owned()));
    }
    Ok(found.path)
}

async fn search(
    store: &impl ConceptStore,
    vector: &[f32],
    k: u32,
    organization: Option<String>,
) -> Result<Vec<Similar>, ConceptError> {
    let k = usize::try_from(k).unwrap_or(usize::MAX);
    check_search(vector, k)?;
    let Some(organization) = organization else { return store.vector_search(vector, k).await };
    let mut results = Vec::new();
    for hit in store.vector_search(vector, RESULTS_MAX).await? {
        if results.len() >= k {
            break;
        }
        let metadata = store.query_concept(&hit.id).await?.and_then(|concept| concept.metadata);
        if metadata.and_then(|metadata| metadata.organization_id).as_ref() == Some(&organization) {
            results.push(hit);
        }
    }
    Ok(results)
}

fn metadata_match(summary: ConceptSummary) -> MetadataMatch {
    MetadataMatch {
        concept_id: summary.id,
        content_preview: summary.content_preview,
        metadata: summary.metadata,
        created: summary.created,
        last_accessed: summary.created,
    }
}

fn ordered(chains: Vec<Chain>) -> Vec<SemanticPath> {
    chains.into_iter().map(|chain| semantic_path(chain, true)).collect()
}

fn semantic_path(chain: Chain, is_temporally_ordered: bool) -> SemanticPath {
    let mut type_distribution = BTreeMap::new();
    for id in &chain.ids {
        *type_distribution.entry(semantic::type_of(id)).or_default() += 1;
    }
    SemanticPath {
        concepts: chain.ids,
        confidence: chain.confidence,
        type_distribution,
        domains: Vec::new(),
        is_temporally_ordered,
    }
}
