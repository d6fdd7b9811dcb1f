//! What words mean, as data: kinds of events, groups of kinds, the things that events are about, and
//! the words that carry no meaning here.

mod kinds;
mod words;

pub(crate) use kinds::{About, FAILURES, KIND_PHRASES, KindPhrase, SPAWNS};
pub(crate) use words::{COMMANDS, SIGNALS, STOP_WORDS, SUBJECTS};
