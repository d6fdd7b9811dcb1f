//! Learning: what is an event becomes one, what follows from events is not stored, the rest is kept beside them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Utc;

use super::pending::Pending;
use super::{EmbeddedConcepts, derived};
use crate::error::StoreError;
use crate::event::{ConceptId, Event, EventError};
use crate::graph::concept::{Association, Concept};
use crate::graph::concept_store::{ConceptError, ConceptResult, Learn, Learned, check_concept};
use crate::store::{Appended, ForeignConcept, Snapshot};

/// The longest id of a concept, in bytes.
pub const ID_BYTES_MAX: usize = 4 << 10;
/// The most metadata of a concept, in bytes of its JSON.
pub const METADATA_BYTES_MAX: usize = 1 << 20;

/// A concept that is an event.
struct EventToLearn {
    /// Its place in the batch.
    index: usize,
    id: ConceptId,
    event: Event,
    /// The concept without its content, which is the event's.
    rest: Concept,
}

/// What came of the parts of a batch, by their places in it.
#[derive(Default)]
struct Outcomes {
    /// Events that are none that can be stored, by their times.
    rejected: Vec<(i64, EventError)>,
    refused: HashMap<usize, ConceptError>,
    /// The ids of events that are not those that they came with.
    stored_as: HashMap<usize, String>,
    /// On concepts that look like events.
    remarks: HashMap<usize, String>,
}

impl EmbeddedConcepts {
    /// See [`ConceptStore::learn_concept`](crate::graph::ConceptStore::learn_concept).
    ///
    /// # Errors
    /// If the concept is beyond a limit or would replace an event, or the store fails.
    pub fn learn_concept_blocking(&self, concept: Concept) -> ConceptResult<u64> {
        self.learn_one(Learn::Concept(concept))
    }

    /// See [`ConceptStore::learn_association`](crate::graph::ConceptStore::learn_association). One that follows
    /// from an event is accepted and not stored. Its ends need not be concepts.
    ///
    /// # Errors
    /// If an id is too long, or the store fails.
    pub fn learn_association_blocking(&self, association: Association) -> ConceptResult<u64> {
        self.learn_one(Learn::Association(association))
    }

    fn learn_one(&self, learn: Learn) -> ConceptResult<u64> {
        let mut outcomes = self.learn_batch_blocking(vec![learn]);
        outcomes.pop().unwrap_or_else(|| Err(ConceptError::Invalid("nothing was learned".to_owned())))
    }

    /// Learns many things at once, with one write for all events and one for the rest. The events come first,
    /// then the others in their order. There is one answer for each, in the order of the batch.
    #[must_use]
    pub fn learn_batch_blocking(&self, batch: Vec<Learn>) -> Vec<ConceptResult<u64>> {
        let answers = self.learn_batch_as_stored_blocking(batch).into_iter();
        answers.map(|answer| answer.map(|learned| learned.sequence)).collect()
    }

    /// As [`learn_batch_blocking`](Self::learn_batch_blocking), and says which events are found under another id than
    /// they came with.
    #[must_use]
    pub fn learn_batch_as_stored_blocking(&self, batch: Vec<Learn>) -> Vec<ConceptResult<Learned>> {
        let count = batch.len();
        let mut outcomes = Outcomes::default();
        let mut learning = self.inner.learning.lock();
        let done = self.learn_all(batch, &mut outcomes);
        outcomes.rejected.iter().for_each(|(timestamp_us, error)| learning.add(*timestamp_us, error));
        let done = done.and(learning.note_due(&self.inner.store));
        drop(learning);
        let failure = done.err().map(|error| ConceptError::Store(Arc::new(error)));
        (0..count)
            .map(|index| match (outcomes.refused.remove(&index), &failure) {
                (Some(refusal), _) => Err(refusal),
                (None, Some(failure)) => Err(failure.clone()),
                (None, None) => Ok(Learned {
                    sequence: self.inner.written.fetch_add(1, Ordering::Relaxed) + 1,
                    stored_as: outcomes.stored_as.remove(&index),
                    remark: outcomes.remarks.remove(&index),
                }),
            })
            .collect()
    }

    fn learn_all(&self, batch: Vec<Learn>, outcomes: &mut Outcomes) -> Result<(), StoreError> {
        let (mut events, mut rest) = (Vec::new(), Vec::new());
        for (index, learn) in batch.into_iter().enumerate() {
            if let Err(refusal) = check(&learn) {
                outcomes.refused.insert(index, refusal);
                continue;
            }
            match learn {
                Learn::Concept(mut concept) => match event_of(&concept) {
                    Some((id, event)) => {
                        concept.content.clear();
                        events.push(EventToLearn { index, id, event, rest: concept });
                    }
                    None => {
                        if let Some(remark) = disagreement(&concept) {
                            outcomes.remarks.insert(index, remark);
                        }
                        rest.push((index, Learn::Concept(concept)));
                    }
                },
                association => rest.push((index, association)),
            }
        }
        let mut now = Now::default();
        let mut records = Pending::default();
        self.learn_events(&events, outcomes, &mut now, &mut records)?;
        let new_events: HashMap<(i64, &str), Vec<&EventToLearn>> =
            events.iter().fold(HashMap::new(), |mut by_moment, learned| {
                by_moment.entry((learned.id.timestamp_us(), learned.id.event_type())).or_default().push(learned);
                by_moment
            });
        let snapshot = self.inner.store.snapshot();
        for (index, learn) in rest {
            match learn {
                Learn::Association(association) => {
                    let at_hand = derived::event_end(&association).is_some_and(|end| {
                        let same_moment = new_events.get(&(end.timestamp_us(), end.event_type()));
                        same_moment.into_iter().flatten().any(|learned| {
                            !outcomes.refused.contains_key(&learned.index)
                                && derived::follows_from(&association, &learned.id, &learned.event)
                        })
                    });
                    if !at_hand && !derived::follows(&snapshot, &association)? {
                        self.keep_association(association, &mut now, &mut records)?;
                    }
                }
                Learn::Concept(concept) => {
                    if let Err(refusal) = self.keep_concept(&snapshot, concept, &mut now, &mut records)? {
                        outcomes.refused.insert(index, refusal);
                    }
                }
            }
        }
        self.inner.store.learn_foreign(records.records())
    }

    /// Appends the events that are not there yet, and keeps what else was said about them.
    fn learn_events(
        &self,
        events: &[EventToLearn],
        outcomes: &mut Outcomes,
        now: &mut Now,
        records: &mut Pending,
    ) -> Result<(), StoreError> {
        let mut from = 0;
        while from < events.len() {
            // Whether one with an ordinal is new depends on the events before it being stored.
            let run = events[from..].iter().take_while(|learned| learned.id.ordinal() == 0).count().max(1);
            let some = &events[from..from + run];
            from += run;
            let bare: Vec<Event> = some.iter().map(|learned| learned.event.clone()).collect();
            let is_next = some.len() == 1 && self.is_next_of_its_moment(&some[0].id)?;
            let store = &self.inner.store;
            let appended = if is_next { store.append(&bare)? } else { store.append_new(&bare)? };
            for (learned, appended) in some.iter().zip(appended) {
                match appended {
                    Appended::Stored(id) | Appended::Duplicate(id) => {
                        let is_another = id != learned.id;
                        let id = id.to_string();
                        if is_another {
                            outcomes.stored_as.insert(learned.index, id.clone());
                        }
                        if !is_plain(&learned.rest) || self.is_known(&id, records)? {
                            let concept = Concept { id, ..learned.rest.clone() };
                            self.keep_record(now.concept(concept, true), records)?;
                        }
                    }
                    Appended::Rejected(error) => {
                        outcomes.rejected.push((learned.id.timestamp_us(), error.clone()));
                        outcomes.refused.insert(learned.index, ConceptError::Invalid(error.to_string()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether an id with an ordinal is the one that the next event of its type and microsecond gets. Such an event
    /// is stored even where it says the same as one before it, since its writer tells the two apart.
    fn is_next_of_its_moment(&self, id: &ConceptId) -> Result<bool, StoreError> {
        let Some(before) = id.ordinal().checked_sub(1) else { return Ok(false) };
        let snapshot = self.inner.store.snapshot();
        let Some(before) = ConceptId::new(id.event_type(), id.timestamp_us(), before) else { return Ok(false) };
        Ok(snapshot.get(id)?.is_none() && snapshot.get(&before)?.is_some())
    }

    fn keep_concept(
        &self,
        snapshot: &Snapshot,
        concept: Concept,
        now: &mut Now,
        records: &mut Pending,
    ) -> Result<ConceptResult<()>, StoreError> {
        if let Ok(id) = concept.id.parse::<ConceptId>()
            && snapshot.get(&id)?.is_some()
        {
            let message = format!("{id} is an event, and an event is not replaced");
            return Ok(Err(ConceptError::Invalid(message)));
        }
        let is_known = self.is_known(&concept.id, records)?;
        if !is_known && concept == derived::derived_concept(&concept.id) && derived::exists(snapshot, &concept.id)? {
            return Ok(Ok(()));
        }
        self.keep_record(now.concept(concept, false), records)?;
        Ok(Ok(()))
    }

    /// Whether something was said about a concept, in this batch or before.
    fn is_known(&self, id: &str, records: &Pending) -> Result<bool, StoreError> {
        Ok(records.concept(id).is_some() || self.learned()?.concept(id).is_some())
    }

    /// Keeps the record of a concept, unless it says what the last one said.
    fn keep_record(&self, record: ForeignConcept, records: &mut Pending) -> Result<(), StoreError> {
        let last = match records.concept(&record.id) {
            Some(pending) => Some(pending.clone()),
            None => self.foreign(&record.id)?,
        };
        if last.is_none_or(|last| record != ForeignConcept { learned_us: record.learned_us, ..last }) {
            records.push_concept(record);
        }
        Ok(())
    }

    /// Keeps an association, unless it is as sure as the last time.
    fn keep_association(
        &self,
        association: Association,
        now: &mut Now,
        records: &mut Pending,
    ) -> Result<(), StoreError> {
        let Association { source, target, kind, confidence } = association;
        let key = (source, target, kind.code());
        let last = match records.association(&key) {
            Some(pending) => Some(pending),
            None => self.learned()?.association(&key.0, &key.1, kind),
        };
        if last != Some(confidence) {
            records.push_association(key, confidence, now.next_us());
        }
        Ok(())
    }
}

/// The event that a concept is: its id is that of an event, its content the JSON of one of that type and time.
fn event_of(concept: &Concept) -> Option<(ConceptId, Event)> {
    let id: ConceptId = concept.id.parse().ok()?;
    let event = Event::from_json(&concept.content).ok()?;
    (event.event_type() == id.event_type() && event.timestamp_us() == id.timestamp_us()).then_some((id, event))
}

/// What does not fit where a concept that is no event has an id like one, and the content of one.
fn disagreement(concept: &Concept) -> Option<String> {
    /// As much of an id as is shown.
    const CHARACTERS: usize = 120;
    if !concept.id.starts_with("event-") {
        return None;
    }
    let event = Event::from_json(&concept.content).ok()?;
    let shown = |text: &str| text.chars().take(CHARACTERS).flat_map(char::escape_debug).collect::<String>();
    let (id, event_type) = (shown(&concept.id), shown(event.event_type()));
    let expected = format!("event-{event_type}-{}", event.timestamp_us());
    Some(format!("{id} is kept as a plain concept, not as an event: by its content its id would be {expected}"))
}

/// Whether nothing is said about an event beside its content.
#[allow(clippy::float_cmp)] // What is strong and sure is exactly that.
fn is_plain(concept: &Concept) -> bool {
    concept.embedding.is_empty() && concept.metadata.is_none() && (concept.strength, concept.confidence) == (1.0, 1.0)
}

fn check(learn: &Learn) -> Result<(), ConceptError> {
    match learn {
        Learn::Concept(concept) => {
            check_concept(concept)?;
            check_id(&concept.id)?;
            let metadata_bytes = metadata_json(concept).map_or(0, |json| json.len());
            if metadata_bytes > METADATA_BYTES_MAX {
                let message = format!("Metadata too large: {metadata_bytes} bytes (max: {METADATA_BYTES_MAX})");
                return Err(ConceptError::Invalid(message));
            }
            Ok(())
        }
        Learn::Association(association) => {
            check_id(&association.source)?;
            check_id(&association.target)
        }
    }
}

fn check_id(id: &str) -> Result<(), ConceptError> {
    if id.len() > ID_BYTES_MAX {
        let message = format!("Concept id too long: {} bytes (max: {ID_BYTES_MAX})", id.len());
        return Err(ConceptError::Invalid(message));
    }
    Ok(())
}

fn metadata_json(concept: &Concept) -> Option<String> {
    // Every part of metadata has a form in JSON.
    concept.metadata.as_ref().and_then(|metadata| serde_json::to_string(metadata).ok())
}

/// The time of learning, a microsecond later for each further record of a batch, so that their order is kept.
#[derive(Default)]
struct Now {
    last_us: i64,
}

impl Now {
    fn next_us(&mut self) -> i64 {
        self.last_us = Utc::now().timestamp_micros().max(self.last_us.saturating_add(1));
        self.last_us
    }

    fn concept(&mut self, concept: Concept, of_event: bool) -> ForeignConcept {
        ForeignConcept {
            learned_us: self.next_us(),
            of_event,
            metadata_json: metadata_json(&concept),
            id: concept.id,
            content: concept.content,
            embedding: concept.embedding,
            strength: concept.strength,
            confidence: concept.confidence,
        }
    }
}
