//! A window of events: what is sent before one Flush, and how.
//!
//! ```text
//! learn all events; ask about entities and seconds that are not known to be there
//! learn those that are missing; learn all associations; Flush
//! ```
//!
//! Requests go out without waiting; there are two waits a window. The existing server attaches associations only to
//! concepts that it has, so entities and seconds are learned; but it drops the associations of a concept that is
//! learned again, so it is asked first. A server of this crate has them with the events already.

use std::collections::HashSet;

use quick_cache::unsync::Cache;

use super::{WINDOW_BYTES, WINDOW_EVENTS, unreachable};
use crate::event::timestamp;
use crate::graph::{AssociationKind, CONTENT_BYTES_MAX, ConceptError};
use crate::remote::client::connection::{Connection, ConnectionError, Pending};
use crate::remote::endpoint::RemoteEndpoint;
use crate::remote::message::{Request, Response};
use crate::store::{Cursor, StoredEvent};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Events that are sent together.
#[derive(Debug, Default)]
pub(super) struct Window {
    events: Vec<Outgoing>,
    bytes: usize,
    /// The place behind it.
    pub(super) cursor: Option<Cursor>,
}

/// An event as it is sent.
#[derive(Debug)]
struct Outgoing {
    id: String,
    json: String,
    kind: AssociationKind,
    entities: Vec<String>,
    second: i64,
}

/// Why a window was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    Connection(ConnectionError),
    Refused(String),
    Unexpected(&'static str),
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl Failure {
    pub(super) fn at(self, endpoint: &RemoteEndpoint) -> ConceptError {
        match self {
            Self::Connection(error) => unreachable(endpoint, &error),
            Self::Refused(message) => ConceptError::Refused { endpoint: endpoint.to_string(), message },
            Self::Unexpected(to) => {
                let reason = format!("it gave an answer that is none to {to}");
                ConceptError::Unreachable { endpoint: endpoint.to_string(), reason }
            }
        }
    }
}

impl Window {
    /// Adds an event. False if it is one that no server takes, and that is left out.
    pub(super) fn take(&mut self, stored: StoredEvent) -> bool {
        let json = stored.event.to_json();
        if json.len() > CONTENT_BYTES_MAX {
            return false;
        }
        let mut entities: Vec<String> = Vec::new();
        for entity in stored.event.entities() {
            if !entities.contains(&entity.value) {
                entities.push(entity.value);
            }
        }
        self.bytes += json.len();
        self.events.push(Outgoing {
            id: stored.id.to_string(),
            json,
            kind: AssociationKind::of_event_type(stored.event.event_type()),
            entities,
            second: stored.event.timestamp_us().div_euclid(MICROS_PER_SECOND),
        });
        true
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= WINDOW_EVENTS || self.bytes >= WINDOW_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
}

fn second_id(second: i64) -> String {
    format!("ts-{second}")
}

/// Sends a window. Gives the concepts that the other end has from now on, besides those known.
pub(super) async fn send(
    connection: &Connection,
    window: &Window,
    known: &Cache<String, ()>,
) -> Result<Vec<String>, Failure> {
    let mut learning = Vec::with_capacity(window.len());
    for event in &window.events {
        learning.push(connection.submit(&concept(event.id.clone(), event.json.clone())).await?);
    }
    let concepts = unknown_concepts(window, known);
    let mut asking = Vec::with_capacity(concepts.len());
    for (id, _) in &concepts {
        asking.push(connection.submit(&Request::QueryConcept { concept_id: id.clone() }).await?);
    }
    let mut present = Vec::with_capacity(concepts.len());
    for pending in asking {
        match pending.answer().await? {
            Response::QueryConceptOk { found, .. } => present.push(found),
            Response::Error { message } => return Err(Failure::Refused(message)),
            _ => return Err(Failure::Unexpected("QueryConcept")),
        }
    }
    for ((id, content), present) in concepts.iter().zip(present) {
        if !present {
            learning.push(connection.submit(&concept(id.clone(), content.clone())).await?);
        }
    }
    for event in &window.events {
        for entity in &event.entities {
            learning.push(connection.submit(&association(entity, &event.id, event.kind)).await?);
        }
        let second = second_id(event.second);
        learning.push(connection.submit(&association(&event.id, &second, AssociationKind::Temporal)).await?);
    }
    let flushing = connection.submit(&Request::Flush).await?;
    for pending in learning {
        learned(pending).await?;
    }
    match flushing.answer().await? {
        Response::FlushOk => Ok(concepts.into_iter().map(|(id, _)| id).collect()),
        Response::Error { message } => Err(Failure::Refused(message)),
        _ => Err(Failure::Unexpected("Flush")),
    }
}

async fn learned(pending: Pending) -> Result<(), Failure> {
    match pending.answer().await? {
        Response::LearnConceptOk { .. } | Response::LearnAssociationOk { .. } => Ok(()),
        Response::Error { message } => Err(Failure::Refused(message)),
        _ => Err(Failure::Unexpected("LearnConcept or LearnAssociation")),
    }
}

/// The entities and seconds of a window that are not known to be at the other end, each once, with their contents.
fn unknown_concepts(window: &Window, known: &Cache<String, ()>) -> Vec<(String, String)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for event in &window.events {
        for entity in &event.entities {
            if seen.insert(entity.clone()) && known.get(entity).is_none() {
                found.push((entity.clone(), entity.clone()));
            }
        }
        let second = second_id(event.second);
        if seen.insert(second.clone()) && known.get(&second).is_none() {
            found.push((second, timestamp::format(event.second.saturating_mul(MICROS_PER_SECOND))));
        }
    }
    found
}

fn concept(concept_id: String, content: String) -> Request {
    Request::LearnConcept { concept_id, content, embedding: Vec::new(), strength: 1.0, confidence: 1.0, metadata: None }
}

fn association(source: &str, target: &str, kind: AssociationKind) -> Request {
    Request::LearnAssociation {
        source_id: source.to_owned(),
        target_id: target.to_owned(),
        assoc_type: kind.code(),
        confidence: 1.0,
    }
}
