//! A remote store as a [`ConceptStore`].

use std::fmt;
use std::sync::Arc;

use super::connection::ConnectionError;
use super::names::Names;
use super::options::{ClientOptions, NAMES_MAX};
use super::session::{Session, Sessions};
use crate::graph::{
    Association, Chain, Concept, ConceptError, ConceptResult, ConceptStats, ConceptStore, ConceptSummary, Health,
    MetadataQuery, NeighborPage, Neighbors, PathFound, RESULTS_MAX, Similar, check_concept, check_depth, check_search,
};
use crate::remote::endpoint::RemoteEndpoint;
use crate::remote::message::{PathsOf, Request, Response, SemanticFilter, SemanticPath};

/// How thoroughly the existing server searches its index of vectors, at least.
const SEARCH_WIDTH_MIN: u32 = 64;
/// What a causal chain is asked for by; a server of this crate has one kind only.
const CAUSAL_TYPE: &str = "direct";

/// How the error begins with which a server of this crate says that it gave up looking for a path.
const GAVE_UP: &str = "The search was given up";

/// The client of a remote store. Clones share one connection.
///
/// Operations that are started without waiting for each other (`join!`, tasks) go out at once, and their answers are
/// matched in order. The connection is opened when it is first needed; after it broke, what was under way fails
/// with [`ConceptError::Unreachable`] and the next operation opens another one, with growing pauses while the server
/// is away. Nothing is sent twice by itself.
///
/// It works on a runtime of tokio. How the existing server differs is in `docs/remote.md`.
///
/// ```no_run
/// use sutra_grid_events::graph::{Concept, ConceptStore};
/// use sutra_grid_events::remote::{ClientOptions, RemoteConcepts};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RemoteConcepts::connect("events.example:50052".parse()?, ClientOptions::default()).await?;
/// store.learn_concept(Concept::new("runbook-7", "Restart the node, then look at its log.")).await?;
/// store.flush().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteConcepts {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: RemoteEndpoint,
    sessions: Sessions,
    names: Names,
}

impl fmt::Debug for RemoteConcepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteConcepts").field("endpoint", &self.shared.endpoint).finish_non_exhaustive()
    }
}

impl RemoteConcepts {
    /// A client that connects when it is first used.
    #[must_use]
    pub fn new(endpoint: RemoteEndpoint, options: ClientOptions) -> Self {
        let sessions = Sessions::new(endpoint.clone(), options);
        Self { shared: Arc::new(Shared { endpoint, sessions, names: Names::new(NAMES_MAX) }) }
    }

    /// A client that is connected.
    ///
    /// # Errors
    /// If the first attempt to connect fails.
    pub async fn connect(endpoint: RemoteEndpoint, options: ClientOptions) -> ConceptResult<Self> {
        let client = Self::new(endpoint, options);
        client.shared.sessions.get_at_once().await.map_err(|error| client.failure(error))?;
        Ok(client)
    }

    /// Where the store is.
    #[must_use]
    pub fn endpoint(&self) -> &RemoteEndpoint {
        &self.shared.endpoint
    }

    async fn session(&self) -> ConceptResult<Arc<Session>> {
        self.shared.sessions.get().await.map_err(|error| self.failure(error))
    }

    /// Sends a request over the connection of now, and gives the answer unless it is an error.
    async fn ask(&self, request: Request) -> ConceptResult<Response> {
        let session = self.session().await?;
        self.ask_over(&session, request).await
    }

    async fn ask_over(&self, session: &Session, request: Request) -> ConceptResult<Response> {
        let answer = session.connection.ask(&request).await;
        self.accept(answer)
    }

    /// The sequence number of a write that was acknowledged.
    async fn learn(&self, request: Request) -> ConceptResult<u64> {
        let session = self.session().await?;
        match self.ask_over(&session, request).await? {
            Response::LearnConceptOk { sequence } | Response::LearnAssociationOk { sequence } => {
                session.note_acknowledged();
                Ok(sequence)
            }
            other => Err(self.unexpected(&other)),
        }
    }

    fn accept(&self, answer: Result<Response, ConnectionError>) -> ConceptResult<Response> {
        match answer {
            Ok(Response::Error { message }) => {
                Err(ConceptError::Refused { endpoint: self.shared.endpoint.to_string(), message })
            }
            Ok(response) => Ok(response),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn failure(&self, error: ConnectionError) -> ConceptError {
        match error {
            ConnectionError::Unsendable(_) => ConceptError::Invalid(error.to_string()),
            _ => self.unreachable(error.to_string()),
        }
    }

    fn unreachable(&self, reason: String) -> ConceptError {
        ConceptError::Unreachable { endpoint: self.shared.endpoint.to_string(), reason }
    }

    fn unexpected(&self, response: &Response) -> ConceptError {
        let text = format!("{response:?}");
        let name: String = text.chars().take_while(|character| character.is_alphanumeric()).collect();
        self.unreachable(format!("it answered {name} to another request"))
    }

    fn names_of(&self, ids: Vec<String>) -> Vec<String> {
        ids.into_iter().map(|id| self.shared.names.name_of(id)).collect()
    }

    fn chains(&self, response: Response, asked: PathsOf) -> ConceptResult<Vec<Chain>> {
        let chain = |path: SemanticPath| Chain { ids: self.names_of(path.concepts), confidence: path.confidence };
        match response {
            Response::PathsOk { of, paths } if of == asked => Ok(paths.into_iter().map(chain).collect()),
            other => Err(self.unexpected(&other)),
        }
    }
}

impl ConceptStore for RemoteConcepts {
    async fn learn_concept(&self, concept: Concept) -> ConceptResult<u64> {
        check_concept(&concept)?;
        self.shared.names.remember(&concept.id);
        let Concept { id, content, embedding, strength, confidence, metadata } = concept;
        self.learn(Request::LearnConcept { concept_id: id, content, embedding, strength, confidence, metadata }).await
    }

    async fn learn_association(&self, association: Association) -> ConceptResult<u64> {
        let Association { source, target, kind, confidence } = association;
        self.shared.names.remember(&source);
        self.shared.names.remember(&target);
        let assoc_type = kind.code();
        self.learn(Request::LearnAssociation { source_id: source, target_id: target, assoc_type, confidence }).await
    }

    async fn query_concept(&self, id: &str) -> ConceptResult<Option<Concept>> {
        self.shared.names.remember(id);
        match self.ask(Request::QueryConcept { concept_id: id.to_owned() }).await? {
            Response::QueryConceptOk { found: false, .. } => Ok(None),
            Response::QueryConceptOk { content, strength, confidence, metadata, .. } => {
                // The answer may name it by its hash.
                let id = id.to_owned();
                Ok(Some(Concept { id, content, embedding: Vec::new(), strength, confidence, metadata }))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    async fn get_neighbors(&self, id: &str, page: NeighborPage) -> ConceptResult<Neighbors> {
        self.shared.names.remember(id);
        let mut ids = match self.ask(Request::GetNeighbors { concept_id: id.to_owned() }).await? {
            Response::GetNeighborsOk { neighbor_ids } => neighbor_ids,
            other => return Err(self.unexpected(&other)),
        };
        // The oldest come first over the wire.
        if page.newest_first {
            ids.reverse();
        }
        let more = ids.len() > page.offset.saturating_add(page.limit);
        let ids = ids.into_iter().skip(page.offset).take(page.limit).collect();
        Ok(Neighbors { ids: self.names_of(ids), more })
    }

    async fn find_path(&self, start: &str, end: &str, max_depth: u32) -> ConceptResult<PathFound> {
        check_depth(max_depth)?;
        self.shared.names.remember(start);
        self.shared.names.remember(end);
        let (start_id, end_id) = (start.to_owned(), end.to_owned());
        match self.ask(Request::FindPath { start_id, end_id, max_depth }).await {
            Ok(Response::FindPathOk { found, path }) => {
                Ok(PathFound { path: found.then(|| self.names_of(path)), gave_up: false })
            }
            Ok(other) => Err(self.unexpected(&other)),
            Err(ConceptError::Refused { message, .. }) if message.starts_with(GAVE_UP) => {
                Ok(PathFound { path: None, gave_up: true })
            }
            Err(error) => Err(error),
        }
    }

    async fn vector_search(&self, query: &[f32], k: usize) -> ConceptResult<Vec<Similar>> {
        check_search(query, k)?;
        let k = u32::try_from(k).unwrap_or(u32::MAX);
        let ef_search = k.max(SEARCH_WIDTH_MIN);
        let request = Request::VectorSearch { query_vector: query.to_vec(), k, ef_search, organization_id: None };
        match self.ask(request).await? {
            Response::VectorSearchOk { results } => {
                let similar = |(id, similarity)| Similar { id: self.shared.names.name_of(id), similarity };
                Ok(results.into_iter().map(similar).collect())
            }
            other => Err(self.unexpected(&other)),
        }
    }

    async fn query_by_metadata(&self, query: &MetadataQuery) -> ConceptResult<Vec<ConceptSummary>> {
        let request = Request::QueryByMetadata {
            concept_type: query.concept_type,
            organization_id: query.organization_id.clone(),
            tags: query.tags.clone(),
            attributes: query.attributes.iter().cloned().collect(),
            limit: u32::try_from(query.limit.min(RESULTS_MAX)).unwrap_or(u32::MAX),
        };
        // What was learned over the connection of now is seen by the other one too: learning was acknowledged.
        let apart = self.shared.sessions.apart().await.map_err(|error| self.failure(error))?;
        // The existing server closes a connection at a request that it does not know.
        let answer = match apart.ask(&request).await {
            Err(ConnectionError::Closed | ConnectionError::Broken(_)) => {
                let text = format!("{} closes the connection at a query by metadata", self.shared.endpoint);
                return Err(ConceptError::Unsupported(text));
            }
            answer => self.accept(answer)?,
        };
        match answer {
            Response::QueryByMetadataOk { concepts } => Ok(concepts
                .into_iter()
                .map(|found| ConceptSummary {
                    id: self.shared.names.name_of(found.concept_id),
                    content_preview: found.content_preview,
                    metadata: found.metadata,
                    created: found.created,
                })
                .collect()),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn query_by_terms(&self, terms: &[String], limit: usize) -> ConceptResult<Vec<Concept>> {
        let filter = SemanticFilter { required_terms: terms.to_vec(), ..SemanticFilter::default() };
        let limit = Some(u64::try_from(limit).unwrap_or(u64::MAX));
        match self.ask(Request::QueryBySemantic { filter, limit }).await? {
            Response::QueryBySemanticOk { concepts } => Ok(concepts
                .into_iter()
                .map(|found| {
                    let id = self.shared.names.name_of(found.concept_id);
                    Concept { confidence: found.confidence, ..Concept::new(id, found.content) }
                })
                .collect()),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn find_temporal_chain(&self, start: i64, end: i64) -> ConceptResult<Vec<Chain>> {
        let response = self.ask(Request::FindTemporalChain { domain: None, start_time: start, end_time: end }).await?;
        self.chains(response, PathsOf::FindTemporalChain)
    }

    async fn find_causal_chain(&self, id: &str, max_depth: u32) -> ConceptResult<Vec<Chain>> {
        check_depth(max_depth)?;
        self.shared.names.remember(id);
        let (start_id, causal_type) = (id.to_owned(), CAUSAL_TYPE.to_owned());
        let response = self.ask(Request::FindCausalChain { start_id, causal_type, max_depth }).await?;
        self.chains(response, PathsOf::FindCausalChain)
    }

    async fn stats(&self) -> ConceptResult<ConceptStats> {
        match self.ask(Request::GetStats).await? {
            Response::StatsOk(stats) => Ok(ConceptStats {
                concepts: stats.concepts,
                associations: stats.edges,
                vectors: stats.vectors,
                written: stats.written,
                dropped: stats.dropped,
                pending: stats.pending,
                uptime_seconds: stats.uptime_seconds,
            }),
            other => Err(self.unexpected(&other)),
        }
    }

    /// As the trait says. Where a connection broke after writes that were acknowledged and not flushed, this fails
    /// once: nobody knows whether the server kept them, and whoever learned them may learn them again.
    async fn flush(&self) -> ConceptResult<()> {
        let session = self.session().await?;
        let covered = session.acknowledged();
        match self.ask_over(&session, Request::Flush).await? {
            Response::FlushOk => {}
            other => return Err(self.unexpected(&other)),
        }
        session.note_flushed(covered);
        match self.shared.sessions.take_unsure() {
            0 => Ok(()),
            unsure => Err(self.unreachable(format!(
                "the connection broke after {unsure} writes that were acknowledged and not flushed; they may be lost"
            ))),
        }
    }

    async fn health_check(&self) -> ConceptResult<Health> {
        match self.ask(Request::HealthCheck).await? {
            Response::HealthCheckOk { healthy, status, uptime_seconds } => {
                Ok(Health { healthy, status, uptime_seconds })
            }
            other => Err(self.unexpected(&other)),
        }
    }
}
