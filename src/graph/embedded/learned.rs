//! The index of what was learned and is no event, brought up to date from the log of the store when it is asked.
//!
//! It holds ids, associations and times; contents stay on disk, embeddings are read when they are first searched.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::derived::second_start;
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::concept::{AssociationKind, Concept};
use crate::store::{ForeignAssociation, ForeignConcept, ForeignPlace, ForeignRecord, Store};

/// The number of an id in this index.
type Node = u32;

/// The index.
#[derive(Debug, Default)]
pub(super) struct LearnedIndex {
    /// Up to where the log was read.
    place: ForeignPlace,
    names: Vec<Arc<str>>,
    nodes: HashMap<Arc<str>, Node>,
    concepts: HashMap<Node, LearnedConcept>,
    /// Concepts in the order in which they were learned.
    by_time: BTreeSet<(i64, Node)>,
    /// The other ends of associations by their time, whichever end the concept is.
    neighbors: HashMap<Node, BTreeSet<(i64, Node)>>,
    /// What associations say, by target, source and code.
    associations: BTreeMap<(Node, Node, u32), f32>,
    /// Embeddings by concept, with their length, once a search asked for them.
    vectors: Option<HashMap<Node, (Vec<f32>, f32)>>,
}

#[derive(Debug, Clone, Copy)]
struct LearnedConcept {
    place: ForeignPlace,
    learned_us: i64,
    has_metadata: bool,
    has_embedding: bool,
    of_event: bool,
}

/// A concept as its record says.
pub(super) fn concept_of(record: ForeignConcept) -> Concept {
    Concept {
        id: record.id,
        content: record.content,
        embedding: record.embedding,
        strength: record.strength,
        confidence: record.confidence,
        // It was written by this crate, so that it can be read; what a newer version added is passed over.
        metadata: record.metadata_json.and_then(|json| serde_json::from_str(&json).ok()),
    }
}

/// The length of a vector, if it has a direction.
pub(super) fn length_of(vector: &[f32]) -> Option<f32> {
    let squares: f64 = vector.iter().map(|&number| f64::from(number) * f64::from(number)).sum();
    #[allow(clippy::cast_possible_truncation)] // A length needs no more digits than what it is a length of.
    let length = squares.sqrt() as f32;
    (length.is_finite() && length > 0.0).then_some(length)
}

impl LearnedIndex {
    /// Whether nothing was learned since the last time.
    pub(super) fn is_current(&self, store: &Store) -> Result<bool, StoreError> {
        Ok(store.foreign_end()? == self.place)
    }

    /// Reads what was learned since the last time.
    pub(super) fn catch_up(&mut self, store: &Store) -> Result<(), StoreError> {
        let end = store.foreign_end()?;
        if end == self.place {
            return Ok(());
        }
        if end.generation != self.place.generation {
            *self = Self { place: ForeignPlace { offset: 0, ..end }, ..Self::default() };
        }
        let from = self.place;
        let reached = store.foreign_since(from, &mut |place, record| match record {
            ForeignRecord::Concept(concept) => self.add_concept(place, concept),
            ForeignRecord::Association(association) => self.add_association(&association),
        })?;
        // Written anew in this very moment: the next time begins at the start.
        if reached.generation == self.place.generation {
            self.place = reached;
        }
        Ok(())
    }

    fn node(&mut self, id: &str) -> Node {
        if let Some(&node) = self.nodes.get(id) {
            return node;
        }
        // Far fewer ids than this fit into memory.
        let node = Node::try_from(self.names.len()).unwrap_or(Node::MAX);
        let name: Arc<str> = id.into();
        self.names.push(Arc::clone(&name));
        self.nodes.insert(name, node);
        node
    }

    fn name(&self, node: Node) -> &str {
        self.names.get(node as usize).map_or("", |name| name)
    }

    fn add_concept(&mut self, place: ForeignPlace, record: ForeignConcept) {
        let node = self.node(&record.id);
        let concept = LearnedConcept {
            place,
            learned_us: record.learned_us,
            has_metadata: record.metadata_json.is_some(),
            has_embedding: !record.embedding.is_empty(),
            of_event: record.of_event,
        };
        if let Some(before) = self.concepts.insert(node, concept) {
            self.by_time.remove(&(before.learned_us, node));
        }
        self.by_time.insert((record.learned_us, node));
        if let Some(vectors) = &mut self.vectors {
            match length_of(&record.embedding) {
                Some(length) => vectors.insert(node, (record.embedding, length)),
                None => vectors.remove(&node),
            };
        }
    }

    fn add_association(&mut self, record: &ForeignAssociation) {
        let (source, target) = (self.node(&record.source), self.node(&record.target));
        let known = self.is_linked(source, target) || self.is_linked(target, source);
        self.associations.insert((target, source, record.code), record.confidence);
        if !known && source != target {
            for (from, to) in [(source, target), (target, source)] {
                let time = time_of(self.name(to), record.learned_us);
                self.neighbors.entry(from).or_default().insert((time, to));
            }
        }
    }

    fn is_linked(&self, source: Node, target: Node) -> bool {
        self.associations.range((target, source, 0)..=(target, source, u32::MAX)).next().is_some()
    }

    /// Where the record of a concept is.
    pub(super) fn concept(&self, id: &str) -> Option<ForeignPlace> {
        Some(self.concepts.get(self.nodes.get(id)?)?.place)
    }

    /// What an association says with which confidence, if it was learned.
    pub(super) fn association(&self, source: &str, target: &str, kind: AssociationKind) -> Option<f32> {
        let key = (*self.nodes.get(target)?, *self.nodes.get(source)?, kind.code());
        self.associations.get(&key).copied()
    }

    /// The first other ends of the associations of a concept in the order of time, with their times. Those behind
    /// the first few that are passed over are given until they take more than so many bytes.
    pub(super) fn neighbors(
        &self,
        id: &str,
        newest_first: bool,
        count: usize,
        passed_over: usize,
        bytes: usize,
    ) -> Vec<(i64, String)> {
        let Some(ends) = self.nodes.get(id).and_then(|node| self.neighbors.get(node)) else { return Vec::new() };
        let mut taken = 0usize;
        let named = |(index, &(time, node)): (usize, &(i64, Node))| {
            // The one with which it is too much is given, so that it is seen that there are more.
            if taken > bytes {
                return None;
            }
            let name = self.name(node);
            if index >= passed_over {
                taken = taken.saturating_add(name.len());
            }
            Some((time, name.to_owned()))
        };
        if newest_first {
            ends.iter().rev().take(count).enumerate().map_while(named).collect()
        } else {
            ends.iter().take(count).enumerate().map_while(named).collect()
        }
    }

    /// What was learned to be the cause of a concept, with how sure that is, the surest first.
    pub(super) fn causes(&self, id: &str) -> Vec<(String, f32)> {
        let Some(&target) = self.nodes.get(id) else { return Vec::new() };
        let causal = AssociationKind::Causal.code();
        let ends = (Bound::Included((target, 0, 0)), Bound::Included((target, Node::MAX, u32::MAX)));
        let mut causes: Vec<(String, f32)> = self
            .associations
            .range(ends)
            .filter(|((.., code), _)| *code == causal)
            .map(|((_, source, _), confidence)| (self.name(*source).to_owned(), *confidence))
            .collect();
        causes.sort_by(|a, b| b.1.total_cmp(&a.1));
        causes
    }

    /// Learned concepts from the newest on: when they were learned, where they are, and whether they have metadata.
    pub(super) fn newest(&self) -> impl Iterator<Item = NewestConcept> {
        self.by_time.iter().rev().filter_map(|(_, node)| {
            let concept = self.concepts.get(node)?;
            Some(NewestConcept {
                learned_us: concept.learned_us,
                place: concept.place,
                has_metadata: concept.has_metadata,
                of_event: concept.of_event,
            })
        })
    }

    /// Whether the embeddings were read.
    pub(super) fn has_vectors(&self) -> bool {
        self.vectors.is_some()
    }

    /// Reads the embeddings, if they were not.
    pub(super) fn load_vectors(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.vectors.is_none() {
            let mut vectors = HashMap::new();
            for (node, concept) in self.concepts.iter().filter(|(_, concept)| concept.has_embedding) {
                if let Some(ForeignRecord::Concept(record)) = store.foreign_at(concept.place)?
                    && let Some(length) = length_of(&record.embedding)
                {
                    vectors.insert(*node, (record.embedding, length));
                }
            }
            self.vectors = Some(vectors);
        }
        Ok(())
    }

    /// The embeddings that were read, with their ids and lengths.
    pub(super) fn vectors(&self) -> impl Iterator<Item = (&str, &[f32], f32)> {
        let vectors = self.vectors.iter().flatten();
        vectors.map(|(node, (vector, length))| (self.name(*node), vector.as_slice(), *length))
    }

    /// Learned concepts that are no events, associations, and concepts with an embedding.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let concepts = self.concepts.values().filter(|concept| !concept.of_event).count();
        let vectors = self.concepts.values().filter(|concept| concept.has_embedding).count();
        (concepts as u64, self.associations.len() as u64, vectors as u64)
    }
}

/// A learned concept, as its index knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewestConcept {
    pub(super) learned_us: i64,
    pub(super) place: ForeignPlace,
    pub(super) has_metadata: bool,
    pub(super) of_event: bool,
}

/// The time of a neighbour: that which its id says, else when the association was learned.
pub(super) fn time_of(id: &str, learned_us: i64) -> i64 {
    id.parse::<ConceptId>().ok().map(|id| id.timestamp_us()).or_else(|| second_start(id)).unwrap_or(learned_us)
}
