//! The prompt of `ask`: lines with history, which lasts, and completion of the names in the store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use sutra_grid_events::Store;
use sutra_grid_events::ask::names_of;

use crate::output::note;

const PROMPT: &str = "ask> ";
/// The names that are offered for one word.
const OFFERED_MAX: usize = 50;

/// A prompt for questions.
pub(super) struct Prompt {
    editor: Editor<Names, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Prompt {
    pub(super) fn new(store: &Store) -> Result<Self> {
        let mut editor = Editor::new()?;
        editor.set_helper(Some(Names { names: names_of(&store.snapshot())? }));
        let history = history_file(store.path());
        if let Some(path) = &history {
            // The first prompt of all has no history.
            let _ = editor.load_history(path);
        }
        note("Ask in plain words; Tab completes names, an empty line does nothing, `exit` or Ctrl-D leaves.");
        Ok(Self { editor, history })
    }

    /// The next line that is not empty; nothing when the prompt is left.
    pub(super) fn line(&mut self) -> Result<Option<String>> {
        loop {
            match self.editor.readline(PROMPT) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) if matches!(line.trim(), "exit" | "quit") => return Ok(None),
                Ok(line) => {
                    self.editor.add_history_entry(line.trim())?;
                    if let Some(path) = &self.history {
                        // A history that cannot be kept is no reason not to answer.
                        let _ = self.editor.append_history(path);
                    }
                    return Ok(Some(line.trim().to_owned()));
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Where the history is kept, if the user has a place for such things.
fn history_file(store: &Path) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    let folder = state.join("grid-events");
    // A question must leave no trace in what is asked.
    if std::path::absolute(&folder).ok()?.starts_with(std::path::absolute(store).ok()?) {
        return None;
    }
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("ask_history"))
}

/// Completes the word before the cursor to a name of the store.
struct Names {
    names: BTreeSet<String>,
}

impl Names {
    /// The names that begin as the word at the end of a line does, and where that word begins.
    fn offered(&self, line: &str) -> (usize, Vec<&str>) {
        let begin = line.rfind(|character: char| character.is_whitespace() || "\"'(,".contains(character));
        let begin = begin.map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
        let word = &line[begin..];
        if word.is_empty() {
            return (begin, Vec::new());
        }
        let from = self.names.range::<str, _>((std::ops::Bound::Included(word), std::ops::Bound::Unbounded));
        let offered = from.map(String::as_str).take_while(|name| name.starts_with(word));
        (begin, offered.take(OFFERED_MAX).collect())
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (begin, offered) = self.offered(line.get(..at).unwrap_or(line));
        let pair = |name: &str| Pair { display: name.to_owned(), replacement: name.to_owned() };
        Ok((begin, offered.into_iter().map(pair).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_completed() {
        let names = ["agent-001", "agent-002", "node-ä", "node_crashed"].iter().map(ToString::to_string).collect();
        let names = Names { names };
        assert_eq!(names.offered("why did agent-"), (8, vec!["agent-001", "agent-002"]));
        assert_eq!(names.offered("node_c"), (0, vec!["node_crashed"]));
        assert_eq!(names.offered("“ä\u{3000}node-"), (8, vec!["node-ä"]));
        assert_eq!(names.offered("which "), (6, vec![]));
        assert_eq!(names.offered(""), (0, vec![]));
    }
}
