//! Concepts and what is said about them: the vocabulary of the Sutra API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A concept: a name with a content, and optionally a place in a space of meanings.
///
/// ```
/// use sutra_grid_events::graph::Concept;
/// let concept = Concept::new("runbook-7", "Restart the node, then look at its log.");
/// assert_eq!((concept.strength, concept.confidence), (1.0, 1.0));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Concept {
    /// The name, such as `event-node_crashed-1795492920000000` or `agent-001`.
    pub id: String,
    /// What it says. Of an event, its JSON.
    pub content: String,
    /// Its place in a space of meanings; empty where it has none.
    pub embedding: Vec<f32>,
    /// How strong it is, from 0 to 1.
    pub strength: f32,
    /// How sure it is, from 0 to 1.
    pub confidence: f32,
    /// What else is known of it.
    pub metadata: Option<ConceptMetadata>,
}

impl Concept {
    /// A concept that is strong and sure, without an embedding or metadata.
    #[must_use]
    pub fn new(id: impl Into<String>, content: impl Into<String>) -> Self {
        Self { id: id.into(), content: content.into(), strength: 1.0, confidence: 1.0, ..Self::default() }
    }
}

/// What a concept is, for whom, and with which tags and attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConceptMetadata {
    /// What it is.
    pub concept_type: ConceptType,
    /// The organization that it belongs to.
    pub organization_id: Option<String>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Words that it can be found by.
    pub tags: Vec<String>,
    /// Names and values that it can be found by.
    pub attributes: BTreeMap<String, String>,
    /// Whether it counts as deleted: it is kept, and not found by its metadata.
    pub deleted: bool,
    /// The version of the schema of its content.
    pub schema_version: u32,
}

/// What a concept is. The order is that of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum ConceptType {
    /// Something of the domain, such as an event.
    #[default]
    DomainConcept,
    /// A user.
    User,
    /// A session.
    Session,
    /// An organization.
    Organization,
    /// A conversation.
    Conversation,
    /// A message.
    Message,
    /// A space.
    Space,
    /// A permission.
    Permission,
    /// A role.
    Role,
    /// An entry of an audit log.
    AuditLog,
}

/// A directed association between two concepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Where it starts.
    pub source: String,
    /// Where it ends.
    pub target: String,
    /// What it says.
    pub kind: AssociationKind,
    /// How sure it is, from 0 to 1.
    pub confidence: f32,
}

/// What an association says, with its code in the protocol.
///
/// ```
/// use sutra_grid_events::graph::AssociationKind;
/// assert_eq!(AssociationKind::Temporal.code(), 999);
/// assert_eq!(AssociationKind::of_event_type("node_crashed").code(), 30);
/// assert_eq!(AssociationKind::from_code(30), AssociationKind::Event(30));
/// assert_eq!(AssociationKind::from_code(4711), AssociationKind::Other(4711));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AssociationKind {
    /// An entity takes part in an event of this code, which is that of its type; 0 where the type has none.
    Event(u32),
    /// An event happened in this second. Code 999.
    Temporal,
    /// An event caused another. Code 1000.
    Causal,
    /// Any other code.
    Other(u32),
}

impl AssociationKind {
    const TEMPORAL: u32 = 999;
    const CAUSAL: u32 = 1000;

    /// The code of the protocol.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Event(code) | Self::Other(code) => code,
            Self::Temporal => Self::TEMPORAL,
            Self::Causal => Self::CAUSAL,
        }
    }

    /// The kind of a code: that of an event where a typed kind has it.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        match code {
            Self::TEMPORAL => Self::Temporal,
            Self::CAUSAL => Self::Causal,
            0 => Self::Event(0),
            code if crate::event::KINDS.iter().any(|kind| kind.association_code == code) => Self::Event(code),
            code => Self::Other(code),
        }
    }

    /// The kind of the association between an entity and an event of this type.
    #[must_use]
    pub fn of_event_type(event_type: &str) -> Self {
        let kind = crate::event::KINDS.iter().find(|kind| kind.name == event_type);
        Self::Event(kind.map_or(0, |kind| kind.association_code))
    }
}
