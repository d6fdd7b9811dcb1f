//! What is no question about the record: orders, requests for advice, and what continues a question that was not.

use super::kinds::{self, stem};
use super::lexicon::COMMANDS;
use super::reader::Reader;
use super::tokens::Token;

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

/// Talk that a person would answer, not a record.
const TALK: &[&[&str]] = &[
    &["how", "are", "you"],
    &["who", "are", "you"],
    &["are", "you"],
    &["what", "are", "you"],
    &["do", "you"],
    &["tell", "jane"],
    &["your", "name"],
];

/// How many words greet and say nothing: "good morning", "hi there".
pub(crate) fn greeting(tokens: &[Token]) -> usize {
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text.as_str());
    let mut end = 0;
    if text(0) == "good" && matches!(text(1), "morning" | "afternoon" | "evening" | "day" | "night") {
        end = 2;
    }
    while matches!(
        text(end),
        "hi" | "hello" | "hey" | "all" | "team" | "folks" | "everyone" | "there" | "quick" | "sorry"
    ) && end < 6
    {
        end += 1;
        if matches!(text(end), "one" | "question") && text(end - 1) == "quick" {
            end += 1;
        }
    }
    // "All crashes today" greets nobody.
    if end > 0 && matches!(text(0), "all" | "there" | "team" | "everyone") { 0 } else { end }
}

/// Why the words are no question, if they are none.
pub(crate) fn refusal(reader: &Reader<'_>) -> Option<String> {
    if let Some(verb) = verb(reader) {
        return Some(format!(
            "“{verb}” asks for something to be done; the record only answers questions about what happened"
        ));
    }
    if TALK.iter().any(|phrase| reader.find(phrase).is_some_and(|words| words.start <= 1)) {
        return Some("it asks nothing of the record".to_owned());
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
    // "Evict web-1" is an order where pods are evicted; "evicted" and "evictions" are not.
    let is_own_verb = || {
        let stem = stem(verb);
        let names_verb = kinds::dynamic_types(&reader.names).any(|name| {
            name.rsplit('_')
                .next()
                .is_some_and(|last| last != verb && last.ends_with("ed") && super::kinds::stem(last) == stem)
        });
        names_verb && !verb.ends_with("ed") && !verb.ends_with('s') && !verb.ends_with("ion")
    };
    if reader.tokens[first].quoted || !COMMANDS.contains(&verb) && !is_own_verb() {
        return None;
    }
    let next = reader.text(first + 1);
    let is_noun = next.is_empty() || AFTER_A_NOUN.iter().any(|stem| next.starts_with(stem));
    (!is_noun).then(|| verb.to_owned())
}
