//! Whatever is asked, there is an answer or a refusal: no text makes the reading panic or run away.

use proptest::prelude::*;
use sutra_grid_events::ask::{AskOptions, QUESTION_BYTES_MAX, ask};

use super::grid;

const WORDS: &[&str] = &[
    "why",
    "did",
    "node-abc123",
    "crash",
    "crashed",
    "how",
    "many",
    "agents",
    "offline",
    "between",
    "yesterday",
    "and",
    "last",
    "3",
    "hours",
    "per",
    "by",
    "agent",
    "top",
    "most",
    "average",
    "rate",
    "of",
    "spawns",
    "not",
    "on",
    "except",
    "before",
    "minutes",
    "10",
    "compare",
    "vs",
    "is",
    "the",
    "cluster",
    "status",
    "what",
    "lead",
    "to",
    "\"",
    "'",
    "exit",
    "code",
    "-9",
    ">",
    "=",
    "at",
    "03:10",
    "never",
    "got",
    "an",
    "answer",
    "how long",
    "slowest",
    "p95",
    "percentile",
    "nodes",
    "with",
    "more",
    "than",
    "1",
    "GB",
    "when",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered_or_refused(texts in prop::collection::vec(any::<String>(), 8)) {
        answer_all(&texts);
    }

    #[test]
    fn any_words_are_answered_or_refused(
        texts in prop::collection::vec(prop::collection::vec(prop::sample::select(WORDS), 0..14), 8),
    ) {
        answer_all(&texts.iter().map(|words| words.join(" ")).collect::<Vec<_>>());
    }
}

fn answer_all(texts: &[String]) {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = grid::store(directory.path());
    let options = AskOptions { now_us: grid::NOW_US, ..AskOptions::default() };
    for text in texts {
        let answer = ask(&store, text, &options).expect("readable");
        assert!(!answer.text().is_empty());
    }
}

#[test]
fn a_very_long_text_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = grid::store(directory.path());
    for text in ["crash ".repeat(300), "x".repeat(QUESTION_BYTES_MAX), "a ".repeat(QUESTION_BYTES_MAX)] {
        let answer = ask(&store, &text, &AskOptions::default()).expect("readable");
        assert!(!answer.is_understood());
    }
}
