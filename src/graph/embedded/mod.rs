//! The embedded store of concepts: a view over a [`Store`].
//!
//! ```text
//! events ───────────────► derived: event, entity, ts-<s>; entity→event, event→ts-<s>, cause→effect ─┐
//! foreign.log ─► learned: index of what was learned and is no event                               ─┴► neighbours,
//!                                                                                 paths, searches, chains
//! learn ─► an event? append : does it follow from events? nothing : foreign.log
//! ```

mod chains;
mod derived;
mod learn;
mod learned;
mod neighbors;
mod path;
mod pending;
mod search;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use chains::TEMPORAL_CHAIN_MAX;
pub use derived::{derived_concept, second_of};
pub use learn::{ID_BYTES_MAX, METADATA_BYTES_MAX};
pub use neighbors::NEIGHBOR_BYTES_MAX;
pub use path::{CAUSES_FOLLOWED_MAX, HUB_NEIGHBORS_MAX, VISITED_MAX};
pub use search::{FOUND_BYTES_MAX, TERMS_READ_MAX};

use super::causes::Rules;
use super::concept::{Association, Concept};
use super::concept_store::{
    Chain, ConceptResult, ConceptStats, ConceptStore, ConceptSummary, Health, Learn, Learned, MetadataQuery,
    NeighborPage, Neighbors, PathFound, Similar,
};
use super::term_scope::TermScope;
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::query::Filter;
use crate::store::{ForeignConcept, ForeignRecord, Rejections, Store};
use learned::LearnedIndex;

/// The concepts of a store. Clones share it.
///
/// - Every event is a concept; its content is its JSON.
/// - A name that an event gives to an entity, such as `agent-001`, is a concept as long as there is such an event,
///   and so is `ts-<s>`, the second (since 1970) in which an event happened. Their content is their own id.
/// - Associations that follow from events are answered, and stored nowhere: entity→event for every entity of an
///   event, event→`ts-<s>`, and cause→effect where the emitter declared it or a protocol shows it
///   ([`causes`](super::causes)).
/// - Anything else that is learned is kept beside the events and found by every operation. A concept that is
///   learned again is replaced; its associations stay.
/// - A concept whose id is that of an event and whose content is the JSON of such an event (the same type, the same
///   microsecond) becomes an event. The same again changes nothing; another content under the same id becomes the next
///   event of its type in its microsecond (`…-1`), so that both are kept. An id that is the next of its microsecond by
///   itself is stored even where its content was there before: its writer tells the two apart.
/// - What is said about an event beside its content (an embedding, metadata, how strong and sure it is) is kept
///   with it.
///
/// Everything is offered twice: the futures of [`ConceptStore`], and the same under a name that ends in `_blocking`.
/// The futures do their work when they are polled, and reading may wait for the disk: a server or whoever else must
/// not hold up an executor calls the blocking form on a thread of its own.
///
/// ```
/// use sutra_grid_events::graph::{Concept, EmbeddedConcepts, NeighborPage};
/// use sutra_grid_events::{Event, Store};
///
/// let directory = tempfile::tempdir().unwrap();
/// let concepts = EmbeddedConcepts::new(Store::open(directory.path())?);
/// let json = r#"{"event_type":"node_crashed","node_id":"node-1","agent_id":"agent-1","exit_code":9,"timestamp":"2026-11-24T08:00:00.000000Z"}"#;
/// concepts.learn_concept_blocking(Concept::new("event-node_crashed-1795507200000000", json))?;
/// let neighbors = concepts.get_neighbors_blocking("agent-1", NeighborPage::default())?;
/// assert_eq!(neighbors.ids, ["event-node_crashed-1795507200000000"]);
/// let path = concepts.find_path_blocking("node-1", "ts-1795507200", 6)?.path.unwrap();
/// assert_eq!(path, ["node-1", "event-node_crashed-1795507200000000", "ts-1795507200"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EmbeddedConcepts {
    inner: Arc<Inner>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A store that was closed meanwhile takes no note any more, and there is nobody left to tell.
        let _ = self.learning.get_mut().take().map(|loss| self.store.note_loss(&loss));
    }
}

#[derive(Debug)]
struct Inner {
    store: Store,
    rules: Rules,
    learned: RwLock<LearnedIndex>,
    /// What was rejected. Held by whoever learns, so that what is there is compared with what is learned in one step.
    learning: Mutex<Rejections>,
    written: AtomicU64,
    opened: Instant,
}

impl EmbeddedConcepts {
    /// The concepts of a store, with the rules of causes that come with this crate.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self::with_rules(store, Rules::default())
    }

    /// As [`new`](Self::new), with rules of one's own.
    #[must_use]
    pub fn with_rules(store: Store, rules: Rules) -> Self {
        let inner = Inner {
            store,
            rules,
            learned: RwLock::default(),
            learning: Mutex::default(),
            written: AtomicU64::new(0),
            opened: Instant::now(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The index of what was learned, up to what is written now. It must not be asked for while it is held.
    fn learned(&self) -> Result<RwLockReadGuard<'_, LearnedIndex>, StoreError> {
        let learned = self.inner.learned.read();
        if learned.is_current(&self.inner.store)? {
            return Ok(learned);
        }
        drop(learned);
        let mut learned = self.inner.learned.write();
        learned.catch_up(&self.inner.store)?;
        Ok(RwLockWriteGuard::downgrade(learned))
    }

    /// As [`learned`](Self::learned), with the embeddings.
    fn learned_vectors(&self) -> Result<RwLockReadGuard<'_, LearnedIndex>, StoreError> {
        let learned = self.learned()?;
        if learned.has_vectors() {
            return Ok(learned);
        }
        drop(learned);
        let mut learned = self.inner.learned.write();
        learned.catch_up(&self.inner.store)?;
        learned.load_vectors(&self.inner.store)?;
        Ok(RwLockWriteGuard::downgrade(learned))
    }

    /// What was learned under an id.
    fn foreign(&self, id: &str) -> Result<Option<ForeignConcept>, StoreError> {
        let place = self.learned()?.concept(id);
        let Some(place) = place else { return Ok(None) };
        match self.inner.store.foreign_at(place)? {
            Some(ForeignRecord::Concept(concept)) => Ok(Some(concept)),
            _ => Ok(None),
        }
    }

    /// See [`ConceptStore::query_concept`].
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn query_concept_blocking(&self, id: &str) -> ConceptResult<Option<Concept>> {
        let snapshot = self.inner.store.snapshot();
        let event = match id.parse::<ConceptId>() {
            Ok(event_id) => snapshot.get(&event_id)?,
            Err(_) => None,
        };
        let foreign = self.foreign(id)?;
        Ok(match (event, foreign) {
            (Some(event), foreign) => {
                let learned = foreign.map_or_else(|| Concept::new(id, ""), learned::concept_of);
                Some(Concept { content: event.event.to_json(), ..learned })
            }
            (None, Some(foreign)) if !foreign.of_event => Some(learned::concept_of(foreign)),
            (None, _) => derived::find(&snapshot, id)?,
        })
    }

    /// See [`ConceptStore::stats`]. Concepts are the events and what else was learned. Of the associations that
    /// follow from events two for each event are counted: one to an entity and one to its second.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn stats_blocking(&self) -> ConceptResult<ConceptStats> {
        let store = &self.inner.store;
        let events = store.count(&Filter::All)?;
        let (concepts, associations, vectors) = self.learned()?.counts();
        Ok(ConceptStats {
            concepts: events.saturating_add(concepts),
            associations: events.saturating_mul(2).saturating_add(associations),
            vectors,
            written: self.inner.written.load(Ordering::Relaxed),
            dropped: 0,
            pending: store.sequence().saturating_sub(store.durable_sequence()).saturating_add(store.foreign_pending()),
            uptime_seconds: self.uptime_seconds(),
        })
    }

    /// See [`ConceptStore::flush`].
    ///
    /// # Errors
    /// If the disk refuses, or the store is closed meanwhile.
    pub fn flush_blocking(&self) -> ConceptResult<()> {
        Ok(self.inner.store.flush()?)
    }

    /// See [`ConceptStore::health_check`]. A store that found something damaged works, and says so.
    #[must_use]
    pub fn health_check_blocking(&self) -> Health {
        let store = &self.inner.store;
        let problems = store.problems();
        let status = match (store.is_closed(), problems.first()) {
            (true, _) => "the store is closed".to_owned(),
            (false, Some(problem)) => format!("{} problems, the first: {problem}", problems.len()),
            (false, None) => "ok".to_owned(),
        };
        Health { healthy: !store.is_closed(), status, uptime_seconds: self.uptime_seconds() }
    }

    fn uptime_seconds(&self) -> u64 {
        self.inner.opened.elapsed().as_secs()
    }
}

/// Each of these does what its blocking form does, when it is polled.
impl ConceptStore for EmbeddedConcepts {
    async fn learn_concept(&self, concept: Concept) -> ConceptResult<u64> {
        self.learn_concept_blocking(concept)
    }

    async fn learn_association(&self, association: Association) -> ConceptResult<u64> {
        self.learn_association_blocking(association)
    }

    async fn learn_batch(&self, batch: Vec<Learn>) -> Vec<ConceptResult<u64>> {
        self.learn_batch_blocking(batch)
    }

    async fn learn_batch_as_stored(&self, batch: Vec<Learn>) -> Vec<ConceptResult<Learned>> {
        self.learn_batch_as_stored_blocking(batch)
    }

    async fn query_concept(&self, id: &str) -> ConceptResult<Option<Concept>> {
        self.query_concept_blocking(id)
    }

    async fn get_neighbors(&self, id: &str, page: NeighborPage) -> ConceptResult<Neighbors> {
        self.get_neighbors_blocking(id, page)
    }

    async fn find_path(&self, start: &str, end: &str, max_depth: u32) -> ConceptResult<PathFound> {
        self.find_path_blocking(start, end, max_depth)
    }

    async fn vector_search(&self, query: &[f32], k: usize) -> ConceptResult<Vec<Similar>> {
        self.vector_search_blocking(query, k)
    }

    async fn query_by_metadata(&self, query: &MetadataQuery) -> ConceptResult<Vec<ConceptSummary>> {
        self.query_by_metadata_blocking(query)
    }

    async fn query_by_terms(&self, terms: &[String], limit: usize) -> ConceptResult<Vec<Concept>> {
        self.query_by_terms_blocking(terms, limit)
    }

    async fn query_by_terms_within(
        &self,
        terms: &[String],
        scope: &TermScope,
        limit: usize,
    ) -> ConceptResult<Vec<Concept>> {
        self.query_by_terms_within_blocking(terms, scope, limit)
    }

    async fn find_temporal_chain(&self, start: i64, end: i64) -> ConceptResult<Vec<Chain>> {
        self.find_temporal_chain_blocking(start, end)
    }

    async fn find_causal_chain(&self, id: &str, max_depth: u32) -> ConceptResult<Vec<Chain>> {
        self.find_causal_chain_blocking(id, max_depth)
    }

    async fn stats(&self) -> ConceptResult<ConceptStats> {
        self.stats_blocking()
    }

    async fn flush(&self) -> ConceptResult<()> {
        self.flush_blocking()
    }

    async fn health_check(&self) -> ConceptResult<Health> {
        Ok(self.health_check_blocking())
    }
}
