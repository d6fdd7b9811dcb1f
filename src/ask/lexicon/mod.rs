//! What words mean, as data: kinds of events, groups of kinds, the things that events are about, and
//! the words that carry no meaning here.

mod kinds;
mod words;

pub(crate) use kinds::{About, CLUSTER_EVENTS, FAILURES, KIND_PHRASES, KindPhrase, OPPOSITES};
pub(crate) use words::{
    ASKING_WORDS, COMMANDS, FIELD_NAMES, FUNCTION_WORDS, SIGNALS, STOP_WORDS, SUBJECTS, WORDS_TO_CORRECT,
};
