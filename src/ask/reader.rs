//! A question while it is read: its words, and which stage has used each.

use std::ops::Range;

use super::lexicon::is_stop_word;
use super::names::Names;
use super::tokens::Token;

/// How far before a word what denies it can stand.
const REACH: usize = 5;
/// Words that may stand between a denial and what it denies.
const NEGATION_REACHES_OVER: &[&str] = &[
    "for",
    "the",
    "all",
    "any",
    "a",
    "an",
    "single",
    "on",
    "from",
    "by",
    "of",
    "in",
    "agent",
    "agents",
    "node",
    "nodes",
    "those",
    "ones",
    "about",
    "ever",
    "yet",
    "been",
    "be",
    "have",
    "has",
    "had",
    "recorded",
    "once",
    "got",
    "at",
    "other",
    "than",
    "apart",
    "with",
    "followed",
    "were",
    "was",
    "occur",
    "happen",
    "happened",
    "involve",
    "involving",
    "send",
    "sent",
    "sending",
    "get",
    "report",
    "reported",
    "make",
    "made",
    "suffer",
    "suffered",
    "see",
    "seen",
    "experience",
    "experienced",
    "show",
    "shown",
];

/// What kind of denial it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Negation {
    /// What is named is taken out: "except heartbeats".
    Except,
    /// It is taken out, or it is what things lack: "without heartbeats".
    Without,
    /// It did not happen: "never crashed", "no crashes", "not on agent-001".
    Not,
}

/// What used a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Time,
    Entity,
    Kind,
    Subject,
    Condition,
    /// The name of a field, kept for what asks about it.
    Field,
    Intent,
}

/// What a word of a question was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordUse {
    /// The word, corrected if it was a typing slip.
    pub word: String,
    /// `time`, `entity`, `kind`, `subject`, `condition`, `field` or `intent`; nothing for a word without meaning, and
    /// for one that was not understood.
    pub stage: Option<&'static str>,
}

/// A question while it is read.
pub(crate) struct Reader<'a> {
    pub(crate) names: Names<'a>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) used: Vec<Option<Stage>>,
    /// Corrections of typing slips, for the reading.
    pub(crate) corrected: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(names: Names<'a>, tokens: Vec<Token>) -> Self {
        let used = vec![None; tokens.len()];
        Self { names, tokens, used, corrected: Vec::new() }
    }

    /// What each word was used for.
    pub(crate) fn word_uses(&self) -> Vec<WordUse> {
        let used = |stage| match stage {
            Stage::Time => "time",
            Stage::Entity => "entity",
            Stage::Kind => "kind",
            Stage::Subject => "subject",
            Stage::Condition => "condition",
            Stage::Field => "field",
            Stage::Intent => "intent",
        };
        let words = self.tokens.iter().zip(&self.used);
        words.map(|(token, stage)| WordUse { word: token.original.clone(), stage: stage.map(used) }).collect()
    }

    pub(crate) fn text(&self, place: usize) -> &str {
        self.tokens.get(place).map_or("", |token| token.text.as_str())
    }

    pub(crate) fn is_unused(&self, place: usize) -> bool {
        self.used.get(place).is_some_and(Option::is_none) && !self.tokens[place].quoted
    }

    pub(crate) fn use_words(&mut self, words: Range<usize>, stage: Stage) {
        for slot in self.used.get_mut(words).into_iter().flatten() {
            *slot = Some(stage);
        }
    }

    /// Whether the words at a place are those of a phrase.
    fn fits(&self, place: usize, phrase: &[&str]) -> bool {
        phrase.iter().enumerate().all(|(offset, pattern)| {
            let text = self.text(place + offset);
            match pattern.strip_suffix('*') {
                Some(stem) => text.starts_with(stem),
                None => text == *pattern,
            }
        })
    }

    /// Where a phrase stands among words that nothing has used.
    pub(crate) fn find_unused(&self, phrase: &[&str]) -> Option<Range<usize>> {
        self.find_where(phrase, |place| self.is_unused(place))
    }

    /// Where a phrase stands, whoever used its words.
    pub(crate) fn find(&self, phrase: &[&str]) -> Option<Range<usize>> {
        self.find_where(phrase, |_| true)
    }

    /// Where a phrase stands first whose words may all be taken.
    fn find_where(&self, phrase: &[&str], may_take: impl Fn(usize) -> bool) -> Option<Range<usize>> {
        let last = self.tokens.len().checked_sub(phrase.len())?;
        let mut places = (0..=last).map(|place| place..place + phrase.len());
        places.find(|words| self.fits(words.start, phrase) && words.clone().all(&may_take))
    }

    /// Whether any of these phrases stands somewhere, outside of times, entities and conditions; its words are
    /// used then.
    pub(crate) fn cue(&mut self, phrases: &[&[&str]]) -> bool {
        let mut any = false;
        for phrase in phrases {
            if let Some(words) = self.find_cue(phrase) {
                for place in words {
                    if self.used[place].is_none() {
                        self.used[place] = Some(Stage::Intent);
                    }
                }
                any = true;
            }
        }
        any
    }

    /// Whether a phrase stands somewhere outside of times, entities and conditions.
    pub(crate) fn find_free(&self, phrase: &[&str]) -> bool {
        self.find_cue(phrase).is_some()
    }

    /// As [`cue`](Self::cue), among words that nothing has used.
    pub(crate) fn cue_unused(&mut self, phrases: &[&[&str]]) -> bool {
        let mut any = false;
        for phrase in phrases {
            while let Some(words) = self.find_unused(phrase) {
                self.use_words(words, Stage::Intent);
                any = true;
            }
        }
        any
    }

    fn find_cue(&self, phrase: &[&str]) -> Option<Range<usize>> {
        self.find_where(phrase, |place| {
            !matches!(self.used[place], Some(Stage::Time | Stage::Entity | Stage::Condition))
                && !self.tokens[place].quoted
        })
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.text == word && !token.quoted)
    }

    /// What takes out or denies what stands at a place: "except heartbeats", "not on agent-001", "never crashed".
    pub(crate) fn negation_before(&self, place: usize) -> Option<(Negation, Range<usize>)> {
        let mut at = place;
        for _ in 0..REACH {
            at = at.checked_sub(1)?;
            if matches!(self.used[at], Some(Stage::Entity | Stage::Time)) {
                // Its own denial is known by now; this one may reach over it ("did not, on agent-001, crash").
                continue;
            }
            let before = at.checked_sub(1).map_or("", |place| self.text(place));
            let from_before = at.saturating_sub(1)..at + 1;
            match self.text(at) {
                "except" | "excluding" | "minus" | "besides" | "ignoring" | "ignore" | "exclude" | "omitting"
                | "bar" => {
                    return Some((Negation::Except, at..at + 1));
                }
                "than" if matches!(before, "other" | "rather") => return Some((Negation::Except, from_before)),
                "from" if before == "apart" || before == "aside" => return Some((Negation::Except, from_before)),
                "but" if matches!(before, "all" | "everything" | "anything" | "every" | "everywhere" | "anywhere") => {
                    return Some((Negation::Except, at..at + 1));
                }
                "out" if matches!(before, "leave" | "leaving" | "filter" | "filtering") => {
                    return Some((Negation::Except, from_before));
                }
                "skip" | "skipping" | "hide" | "hiding" | "omit" | "w/o" => {
                    return Some((Negation::Except, at..at + 1));
                }
                "not" if before == "but" => return Some((Negation::Except, from_before)),
                "not" => return Some((Negation::Not, at..at + 1)),
                "without" => return Some((Negation::Without, at..at + 1)),
                "never" | "no" | "zero" | "nothing" => return Some((Negation::Not, at..at + 1)),
                word if NEGATION_REACHES_OVER.contains(&word) => {}
                _ => return None,
            }
        }
        None
    }

    /// Whether a word stands behind one that introduces a reason: "reason killed".
    pub(crate) fn is_after_reason(&self, place: usize) -> bool {
        let before = place.checked_sub(1).map_or("", |before| self.text(before));
        let at = if matches!(before, "is" | "was" | "=" | "being" | "says" | "contains") { 2 } else { 1 };
        let name = place.checked_sub(at).map_or("", |before| self.text(before));
        matches!(name, "reason" | "error" | "message" | "cause" | "errors" | "reasons")
            && self.names.has_field(if name.starts_with("cause") { "reason" } else { name.trim_end_matches('s') })
            && !(at == 1 && matches!(name, "error" | "cause"))
    }

    /// Whether a denial is of a verb: "did not", "was never".
    pub(crate) fn is_of_verb(&self, words: &Range<usize>) -> bool {
        let before = words.start.checked_sub(1).map_or("", |place| self.text(place));
        matches!(
            before,
            "did" | "do" | "does" | "was" | "were" | "is" | "are" | "has" | "have" | "had" | "could" | "can" | "would"
        )
    }

    /// Words that nothing has used and that are not without meaning.
    pub(crate) fn left_over(&self) -> Vec<usize> {
        (0..self.tokens.len())
            .filter(|&place| self.used[place].is_none())
            .filter(|&place| self.tokens[place].quoted || !is_without_meaning(self.text(place)))
            .collect()
    }
}

fn is_without_meaning(word: &str) -> bool {
    is_stop_word(word) || !word.chars().any(char::is_alphanumeric)
}
