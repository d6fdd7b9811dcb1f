//! The questions, read from the files beside this one: each with the store it is asked of and what is right.
//!
//! Several wordings that ask for the same stand together. Where English is honestly ambiguous, `right` holds
//! more than one expectation, and any of them will do.

use serde::Deserialize;

use super::reference::Expectation;

const FILES: [(&str, &str); 3] = [
    ("grid.toml", include_str!("grid.toml")),
    ("dynamic.toml", include_str!("dynamic.toml")),
    ("refused.toml", include_str!("refused.toml")),
];

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) class: String,
    pub(crate) store: String,
    pub(crate) text: String,
    /// Each of these is right.
    pub(crate) right: Vec<Expectation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    question: Vec<Wordings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wordings {
    class: String,
    #[serde(default = "grid")]
    store: String,
    ask: Vec<String>,
    right: Vec<Expectation>,
}

fn grid() -> String {
    "grid".to_owned()
}

/// All the questions of all files.
pub(crate) fn all() -> Vec<Question> {
    let read = |(name, text): &(&str, &str)| {
        let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        file.question
    };
    let one = |Wordings { class, store, ask, right }: Wordings| {
        ask.into_iter().map(move |text| Question {
            class: class.clone(),
            store: store.clone(),
            text,
            right: right.clone(),
        })
    };
    FILES.iter().flat_map(read).flat_map(one).collect()
}
