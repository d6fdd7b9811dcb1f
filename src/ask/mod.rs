//! Questions in plain words: from English to an exact answer, without any language model.
//!
//! ```text
//! text ─► tokens ─► time, entities, kinds, conditions (lexicon + the store's own names) ─► intents ─► Question
//!      Question ─► answer (typed queries, states, causes) ─► Answer               anything unclear ─► Refusal
//! ```
//!
//! What a word means is data (`lexicon`); each stage is a small file. A question with a word that
//! matters and is not understood is refused and the word named, never guessed.

mod answer;
mod commands;
mod conditions;
mod entities;
mod fields;
mod filters;
mod follow_up;
mod intents;
mod kinds;
mod lexicon;
mod names;
mod options;
mod pieces;
mod question;
mod reader;
mod reading;
mod refuse;
mod slips;
mod subject;
mod time;
mod tokens;
mod understand;

pub use answer::{Answer, EVENTS_IN_ANSWER, EntityState, Gap, Given, GroupCount, Link, NumberFound};
pub use answer::{answer, answer_with_rules};
pub use names::names_of;
pub use options::{AskOptions, Zone, ZoneError};
pub use question::{
    Absence, Compared, Counted, Direction, Function, Intent, Question, Refusal, StatusOf, Times, Understanding,
    ValueOf, WhyTarget,
};
pub use reader::WordUse;
pub use tokens::QUESTION_BYTES_MAX;
pub use understand::{understand, understand_traced};

use crate::error::StoreError;
use crate::store::Store;

/// Answers a question in plain words.
///
/// ```
/// use sutra_grid_events::ask::{AskOptions, ask};
/// use sutra_grid_events::{Event, GridEvent, Store};
///
/// let directory = tempfile::tempdir().unwrap();
/// let store = Store::open(directory.path())?;
/// store.append(&[Event::from(GridEvent::NodeCrashed {
///     node_id: "node-abc".into(),
///     agent_id: "agent-001".into(),
///     exit_code: Some(137),
///     timestamp: chrono::Utc::now(),
/// })])?;
/// let answer = ask(&store, "Which nodes crashed today?", &AskOptions::default())?;
/// let json = serde_json::to_value(&answer).unwrap();
/// assert_eq!(json["entities"], serde_json::json!(["node-abc"]));
/// # Ok::<(), sutra_grid_events::StoreError>(())
/// ```
///
/// # Errors
/// If the store cannot be read. A question that is not understood is an answer that says so.
pub fn ask(store: &Store, question: &str, options: &AskOptions) -> Result<Answer, StoreError> {
    match understand(&store.snapshot(), question, options)? {
        Understanding::Refusal(refusal) => Ok(Answer::Refused(refusal)),
        Understanding::Question(question) => answer(store, &question, options),
    }
}
