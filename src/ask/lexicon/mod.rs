//! What words mean, as data: kinds of events, groups of kinds, the things that events are about, and
//! the words that carry no meaning here.

mod kinds;
mod small_words;
mod words;

pub(crate) use kinds::{About, CLUSTER_EVENTS, FAILURES, KIND_PHRASES, KindPhrase, OPPOSITES};
pub(crate) use small_words::{is_asking_word, is_function_word, is_stop_word};
pub(crate) use words::{COMMANDS, FIELD_NAMES, SIGNALS, SUBJECTS, WORDS_TO_CORRECT};
