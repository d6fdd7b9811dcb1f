//! Answers: a question is run, and what came of it is told to programs and to people.
//!
//! ```text
//! Question ─► run (one function for each intent) ─► Answer ─► JSON, text
//!                 ├─ status (states replayed), values (numbers, duration: matched pairs), days (groups by clock)
//!                 └─ why (through graph::causes), absence, gaps (what the record lacks)
//! ```

mod absence;
mod days;
mod duration;
mod gaps;
mod run;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod values;
mod why;

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value as Json;

use super::options::AskOptions;
use super::question::{Question, Refusal};
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::graph::causes::Rules;
use crate::store::Store;

pub use crate::query::Gap;

/// Concept ids in an answer, unless the options say otherwise.
pub const EVENTS_IN_ANSWER: usize = 100;

/// The rules that are built in; reading them takes a while.
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// Answers a question that was understood, or is run again.
///
/// # Errors
/// If the store cannot be read.
pub fn answer(store: &Store, question: &Question, options: &AskOptions) -> Result<Answer, StoreError> {
    answer_with_rules(store, question, options, &RULES)
}

/// As [`answer`], with rules of causes of one's own.
///
/// # Errors
/// If the store cannot be read.
pub fn answer_with_rules(
    store: &Store,
    question: &Question,
    options: &AskOptions,
    rules: &Rules,
) -> Result<Answer, StoreError> {
    Ok(Answer::Given(Box::new(run::run(store, question, options, rules)?)))
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was understood and answered.
    Given(Box<Given>),
    /// It was not understood.
    Refused(Refusal),
}

/// The answer to a question that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// What was asked, as data.
    pub question: Question,
    /// The name of the intent.
    pub intent: &'static str,
    /// Events that matched, before any limit.
    pub matched: u64,
    /// The number asked for: events, or distinct entities.
    pub count: Option<u64>,
    /// Concept ids of events that matched, oldest first, up to the limit.
    pub events: Vec<String>,
    /// The values of the field asked for.
    pub entities: Vec<String>,
    /// Groups, largest first.
    pub groups: Vec<GroupCount>,
    /// Events without the field of the groups.
    pub ungrouped: u64,
    /// States.
    pub status: Vec<EntityState>,
    /// Causes or effects, from the root on.
    pub chain: Vec<Link>,
    /// Times in which the record is known to be incomplete.
    pub gaps: Vec<Gap>,
    /// A number.
    pub value: Option<NumberFound>,
    /// Yes or no.
    pub yes: Option<bool>,
    /// The answer for a person.
    pub text: String,
    /// Lines of the text that are not told by the fields above, such as single durations.
    pub(super) lines: Vec<String>,
    /// What is uncertain or was left out, for the text.
    pub(super) notes: Vec<String>,
    /// Events that the text tells instead of those of `events`.
    pub(super) shown: Vec<ConceptId>,
}

/// A group and how many events it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupCount {
    /// The key.
    pub key: String,
    /// How many events.
    pub count: u64,
}

/// The state of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityState {
    /// The entity.
    pub entity: String,
    /// Its state.
    pub state: String,
    /// Since when, as RFC 3339; nothing if it was never said.
    pub since: Option<String>,
}

/// A step of a chain of causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The concept id of the event.
    pub id: String,
    /// What it is in the chain.
    pub role: String,
    /// How sure the link to its neighbour on the way to the event asked about is; `asked` for that event itself.
    pub grade: String,
    /// The event as a sentence.
    pub text: String,
}

/// A number and what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberFound {
    /// The number; nothing if there was nothing to compute it from.
    pub number: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// The field it was computed from.
    pub field: Option<String>,
    /// The function.
    pub function: String,
}

impl Answer {
    /// Whether the question was understood.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        matches!(self, Answer::Given(_))
    }

    /// The answer for a person.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Answer::Given(given) => given.text.clone(),
            Answer::Refused(refusal) => {
                let mut text = format!("Not answered: {}.", refusal.reason);
                for suggestion in &refusal.suggestions {
                    text.push_str(&format!("\n  try: {suggestion}"));
                }
                text
            }
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Answer::Given(given) => given.to_json().serialize(serializer),
            Answer::Refused(refusal) => serde_json::json!({
                "understood": false,
                "reason": refusal.reason,
                "suggestions": refusal.suggestions,
            })
            .serialize(serializer),
        }
    }
}

impl Given {
    fn to_json(&self) -> Json {
        let mut json = serde_json::json!({
            "understood": true,
            "reading": self.question.reading,
            "intent": self.intent,
            "query": self.question.filter.to_string(),
            "matched": self.matched,
            "count": self.count,
            "events": self.events,
            "entities": self.entities,
            "groups": self.groups,
            "ungrouped": self.ungrouped,
            "status": Json::Null,
            "chain": self.chain,
            "gaps": self.gaps,
            "text": self.text,
            "value": self.value,
            "alternatives": self.question.alternatives,
        });
        match self.status.as_slice() {
            [] => {}
            [one] => json["status"] = serde_json::json!(one),
            many => json["status"] = serde_json::json!(many),
        }
        if let Some(yes) = self.yes {
            json["yes"] = Json::Bool(yes);
        }
        json
    }
}
