//! What a batch is about to write: whatever follows in the batch is compared with that first, then with the store.

use std::collections::HashMap;

use crate::store::{ForeignAssociation, ForeignConcept, ForeignRecord};

/// The records of a batch in their order, and the last one of each key.
#[derive(Default)]
pub(super) struct Pending {
    records: Vec<ForeignRecord>,
    /// The place of the last record of a concept, by its id.
    concepts: HashMap<String, usize>,
    /// The last confidence of an association, by source, target and code.
    associations: HashMap<(String, String, u32), f32>,
}

impl Pending {
    pub(super) fn records(&self) -> &[ForeignRecord] {
        &self.records
    }

    /// The last record of a concept.
    pub(super) fn concept(&self, id: &str) -> Option<&ForeignConcept> {
        match self.records.get(*self.concepts.get(id)?)? {
            ForeignRecord::Concept(concept) => Some(concept),
            ForeignRecord::Association(_) => None,
        }
    }

    /// The last confidence of an association.
    pub(super) fn association(&self, key: &(String, String, u32)) -> Option<f32> {
        self.associations.get(key).copied()
    }

    pub(super) fn push_concept(&mut self, concept: ForeignConcept) {
        self.concepts.insert(concept.id.clone(), self.records.len());
        self.records.push(ForeignRecord::Concept(concept));
    }

    pub(super) fn push_association(&mut self, (source, target, code): (String, String, u32), confidence: f32, at: i64) {
        self.associations.insert((source.clone(), target.clone(), code), confidence);
        let record = ForeignAssociation { source, target, code, confidence, learned_us: at };
        self.records.push(ForeignRecord::Association(record));
    }
}
