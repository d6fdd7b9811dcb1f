//! The questions, read from the files beside this one: each with the store it is asked of and what is right.
//!
//! Several wordings that ask for the same stand together. Where English is honestly ambiguous, `right` holds
//! more than one expectation, and any of them will do.

use serde::Deserialize;

use super::reference::Expectation;

const FILES: [(&str, &str); 13] = [
    ("grid.toml", include_str!("grid.toml")),
    ("dynamic.toml", include_str!("dynamic.toml")),
    ("refused.toml", include_str!("refused.toml")),
    ("releases.toml", include_str!("releases.toml")),
    ("unseen.toml", include_str!("unseen.toml")),
    ("unseen_fields.toml", include_str!("unseen_fields.toml")),
    ("unseen_states.toml", include_str!("unseen_states.toml")),
    ("unseen_dynamic.toml", include_str!("unseen_dynamic.toml")),
    ("final.toml", include_str!("final.toml")),
    ("final_states.toml", include_str!("final_states.toml")),
    ("final_dynamic.toml", include_str!("final_dynamic.toml")),
    ("fresh.toml", include_str!("fresh.toml")),
    ("fresh_dynamic.toml", include_str!("fresh_dynamic.toml")),
];

/// Whether anything was fitted to a wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    Seen,
    /// It stands in a file of wordings that nothing was fitted to.
    Unseen,
    /// It stands in a set that was written after the others, to measure with only.
    Final,
    /// It stands in the newest set, written after the final one, to measure with only.
    Fresh,
}

impl Provenance {
    fn of(file: &str) -> Self {
        match file {
            _ if file.starts_with("final") => Self::Final,
            _ if file.starts_with("fresh") => Self::Fresh,
            _ if file.starts_with("unseen") => Self::Unseen,
            _ => Self::Seen,
        }
    }
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) provenance: Provenance,
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
        let provenance = Provenance::of(name);
        file.question.into_iter().map(move |wordings| (provenance, wordings))
    };
    let one = |(provenance, Wordings { class, store, ask, right }): (Provenance, Wordings)| {
        ask.into_iter().map(move |text| Question {
            provenance,
            class: class.clone(),
            store: store.clone(),
            text,
            right: right.clone(),
        })
    };
    FILES.iter().flat_map(read).flat_map(one).collect()
}
