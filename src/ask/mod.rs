//! Questions in plain words: from English to an exact answer, without any language model.
//!
//! ```text
//! text ─► tokens ─► time, kinds, entities, fields (lexicon + the store's own names) ─► grammar ─► Question
//!      Question ─► answer (typed queries, states, causes) ─► Answer            anything unclear ─► Refusal
//! ```
//!
//! What a word means is data; each stage is a small file with its own tests. A question
//! with a word that matters and is not understood is refused and the word named, never guessed.

mod question;

pub use question::{
    Absence, Compared, Counted, Direction, Function, Intent, Question, Refusal, StatusOf, Understanding, ValueOf,
    WhyTarget,
};
