//! What is no question about the record: orders, requests for advice, and what continues a question that was not.

use super::lexicon::COMMANDS;
use super::reader::Reader;

/// Words that open a request politely and say nothing.
const POLITE: &[&str] = &[
    "please", "pls", "plz", "kindly", "can", "could", "would", "will", "you", "hey", "hi", "hello", "ok", "okay",
    "just", "now", "i", "want", "to", "need", "us", "let", "go", "ahead", "and", "also", "then", "quickly", "we",
];
/// Openings of a request for advice.
const ADVICE: &[&[&str]] = &[
    &["how", "do", "i"],
    &["how", "do", "we"],
    &["how", "can", "i"],
    &["how", "can", "we"],
    &["how", "could", "i"],
    &["how", "could", "we"],
    &["how", "should"],
    &["how", "would", "i"],
    &["how", "to"],
    &["what", "should"],
    &["what", "can", "i", "do"],
    &["what", "can", "we", "do"],
    &["what", "do", "i", "do"],
    &["what", "do", "we", "do"],
    &["what", "to", "do"],
    &["should", "i"],
    &["should", "we"],
    &["do", "you", "think"],
    &["do", "i", "need"],
    &["can", "i", "safely"],
    &["is", "it", "safe"],
    &["recommend"],
    &["advise"],
    &["suggest"],
];
/// Words after a verb that make it a noun: "spawn failures", "restart count", "stop requests".
const AFTER_A_NOUN: &[&str] = &[
    "fail",
    "request",
    "event",
    "attempt",
    "error",
    "count",
    "histor",
    "activit",
    "rate",
    "stat",
    "succe",
    "time",
    "latenc",
    "duration",
    "outcome",
    "problem",
    "issue",
    "number",
    "per",
    "by",
    "on",
    "in",
    "timeout",
    "metric",
    "today",
    "yesterday",
    "since",
    "between",
    "last",
    "this",
    "frequen",
    "summar",
    "that",
    "which",
    "with",
    "without",
];

/// Why the words are no question, if they are none.
pub(crate) fn refusal(reader: &Reader<'_>) -> Option<String> {
    if let Some(verb) = verb(reader) {
        return Some(format!(
            "“{verb}” asks for something to be done; the record only answers questions about what happened"
        ));
    }
    if ADVICE.iter().any(|phrase| reader.find(phrase).is_some_and(|words| words.start <= 2)) {
        return Some("it asks for advice; the record only says what happened".to_owned());
    }
    None
}

/// The verb of a command: "restart node-x", "delete all events".
fn verb(reader: &Reader<'_>) -> Option<String> {
    let first = reader.tokens.iter().position(|token| !POLITE.contains(&token.text.as_str()))?;
    let verb = reader.text(first);
    if !COMMANDS.contains(&verb) || reader.tokens[first].quoted {
        return None;
    }
    let next = reader.text(first + 1);
    let is_noun = next.is_empty() || AFTER_A_NOUN.iter().any(|stem| next.starts_with(stem));
    (!is_noun).then(|| verb.to_owned())
}
