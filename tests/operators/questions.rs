//! The questions, read from the files beside this one: each with the store it is asked of and what is right.
//!
//! Several wordings that ask for the same stand together. Where English is honestly ambiguous, `right` holds
//! more than one expectation, and any of them will do.

use serde::Deserialize;

use super::reference::Expectation;

const FILES: [(&str, &str); 7] = [
    ("grid.toml", include_str!("grid.toml")),
    ("dynamic.toml", include_str!("dynamic.toml")),
    ("refused.toml", include_str!("refused.toml")),
    ("unseen.toml", include_str!("unseen.toml")),
    ("unseen_fields.toml", include_str!("unseen_fields.toml")),
    ("unseen_states.toml", include_str!("unseen_states.toml")),
    ("unseen_dynamic.toml", include_str!("unseen_dynamic.toml")),
];

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// It stands in a file of wordings that nothing was fitted to.
    pub(crate) unseen: bool,
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
        let unseen = name.starts_with("unseen");
        file.question.into_iter().map(move |wordings| (unseen, wordings))
    };
    let one = |(unseen, Wordings { class, store, ask, right }): (bool, Wordings)| {
        ask.into_iter().map(move |text| Question {
            unseen,
            class: class.clone(),
            store: store.clone(),
            text,
            right: right.clone(),
        })
    };
    FILES.iter().flat_map(read).flat_map(one).collect()
}
