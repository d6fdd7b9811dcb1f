//! The answer to a why: a tree of links, each with its grade and its evidence.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::event::{ConceptId, timestamp};
use crate::store::StoredEvent;

/// How sure a link is. The better grade is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Near in time on the same entity, and nothing else. Shown, but never taken for a cause.
    Coincident,
    /// A rule with a window of time, such as an agent offline before the cluster was critical.
    Inferred,
    /// A protocol between events of one entity, such as request and outcome.
    Matched,
    /// The emitter said so with `caused_by`.
    Declared,
}

impl Grade {
    /// The grade in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::Coincident => "coincident",
            Grade::Inferred => "inferred",
            Grade::Matched => "matched",
            Grade::Declared => "declared",
        }
    }
}

/// What a tree was followed towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Towards {
    /// What led to the event.
    Causes,
    /// What the event led to.
    Effects,
}

/// An event with what led to it, or with what it led to.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalTree {
    /// What the links lead towards.
    pub towards: Towards,
    /// The event.
    pub event: StoredEvent,
    /// The event as a sentence, without its time.
    pub text: String,
    /// What its exit code means, if it has one that tells something.
    pub hint: Option<String>,
    /// The links: chosen ones before rivals, then by grade, then by nearness in time.
    pub links: Vec<CausalLink>,
    /// What is missing, or was not followed.
    pub notes: Vec<String>,
}

/// A link between a cause and an effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CausalLink {
    /// The cause.
    #[serde(serialize_with = "id_text")]
    pub cause: ConceptId,
    /// The effect.
    #[serde(serialize_with = "id_text")]
    pub effect: ConceptId,
    /// How sure it is.
    pub grade: Grade,
    /// The rule by which it holds; `caused_by` for declared, `coincident` for coincident links.
    pub rule: String,
    /// What the event of `tree` is to the event above it, in words.
    pub role: String,
    /// The events that show it.
    #[serde(serialize_with = "id_texts")]
    pub evidence: Vec<ConceptId>,
    /// Whether another cause of the effect was chosen.
    pub rival: bool,
    /// The event at the other end, with its own links.
    pub tree: CausalTree,
}

/// One step of the chosen line through a tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainStep {
    /// The event.
    #[serde(serialize_with = "id_text")]
    pub id: ConceptId,
    /// What it is to its neighbour on the way to the event asked about, in words.
    pub role: String,
    /// The grade of the link to that neighbour; none for the event asked about.
    pub grade: Option<Grade>,
    /// The event as a sentence.
    pub text: String,
    /// The events that show the link.
    #[serde(serialize_with = "id_texts")]
    pub evidence: Vec<ConceptId>,
}

/// The role of the event asked about.
const ASKED: &str = "the event asked about";

impl CausalTree {
    /// The chosen link: of causes the one chosen cause, of effects the first.
    #[must_use]
    pub fn chosen(&self) -> Option<&CausalLink> {
        self.links.iter().find(|link| !link.rival)
    }

    /// The chosen line: from the root cause to the event, or from the event to its last effect.
    #[must_use]
    pub fn chain(&self) -> Vec<ChainStep> {
        let mut steps = vec![self.step(ASKED, None, Vec::new())];
        let mut tree = self;
        while let Some(link) = tree.chosen() {
            steps.push(link.tree.step(&link.role, Some(link.grade), link.evidence.clone()));
            tree = &link.tree;
        }
        if self.towards == Towards::Causes {
            steps.reverse();
        }
        steps
    }

    /// The event at the far end of the chosen line.
    pub(super) fn last_chosen(&self) -> &StoredEvent {
        let mut tree = self;
        while let Some(link) = tree.chosen() {
            tree = &link.tree;
        }
        &tree.event
    }

    fn step(&self, role: &str, grade: Option<Grade>, evidence: Vec<ConceptId>) -> ChainStep {
        ChainStep { id: self.event.id.clone(), role: role.to_owned(), grade, text: self.text.clone(), evidence }
    }
}

impl Serialize for CausalTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tree = serializer.serialize_struct("CausalTree", 8)?;
        tree.serialize_field("id", &self.event.id.to_string())?;
        tree.serialize_field("event_type", self.event.event.event_type())?;
        tree.serialize_field("timestamp", &timestamp::format(self.event.event.timestamp_us()))?;
        tree.serialize_field("text", &self.text)?;
        tree.serialize_field("hint", &self.hint)?;
        tree.serialize_field("towards", &self.towards)?;
        tree.serialize_field("links", &self.links)?;
        tree.serialize_field("notes", &self.notes)?;
        tree.end()
    }
}

fn id_text<S: Serializer>(id: &ConceptId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn id_texts<S: Serializer>(ids: &[ConceptId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}
