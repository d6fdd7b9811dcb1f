//! What can be asked instead of a question that is not answered.

use super::reader::Reader;

/// How many suggestions are given.
const SUGGESTIONS_MAX: usize = 3;
/// The longest word, in bytes, that is compared with names: no name is as long, and comparing would take long.
const COMPARED_BYTES_MAX: usize = 256;

/// Questions that can always be asked.
pub(crate) fn examples(subject: Option<&str>) -> Vec<String> {
    let questions: &[&str] = match subject {
        Some("agent_id") => &[
            "which agents went offline today?",
            "which agent had the most crashes this week?",
            "are any agents offline?",
        ],
        Some("node_id") => {
            &["how many nodes crashed this week?", "which nodes crashed today?", "what happened to a node, by its id?"]
        }
        _ => &["show spawn failures in the last hour", "how many nodes crashed this week?", "what happened today?"],
    };
    questions.iter().map(|question| (*question).to_owned()).collect()
}

/// Suggestions for a word that was not understood: the question with the word that is closest to it.
pub(crate) fn nearest(reader: &Reader<'_>, word: &str, subject: Option<&str>) -> Vec<String> {
    let lower = word.to_lowercase();
    let mut close: Vec<(usize, String)> = reader
        .names
        .types()
        .filter(|_| lower.len() <= COMPARED_BYTES_MAX)
        .map(|name| (strsim::osa_distance(name, &lower), name.replace('_', " ")))
        .filter(|(distance, _)| *distance <= lower.len() / 2)
        .collect();
    close.sort();
    let mut suggestions: Vec<String> = close.into_iter().map(|(_, name)| format!("show {name} events")).collect();
    suggestions.extend(examples(subject));
    suggestions.truncate(SUGGESTIONS_MAX);
    suggestions
}
