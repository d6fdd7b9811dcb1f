//! A question while it is read: its words, and which stage has used each.

use std::ops::Range;

use super::lexicon::STOP_WORDS;
use super::names::Names;
use super::tokens::Token;

/// What used a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Time,
    Entity,
    Kind,
    Subject,
    Condition,
    Intent,
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
        let last = self.tokens.len().checked_sub(phrase.len())?;
        (0..=last)
            .find(|&place| self.fits(place, phrase) && (place..place + phrase.len()).all(|p| self.is_unused(p)))
            .map(|place| place..place + phrase.len())
    }

    /// Where a phrase stands, whoever used its words.
    pub(crate) fn find(&self, phrase: &[&str]) -> Option<Range<usize>> {
        let last = self.tokens.len().checked_sub(phrase.len())?;
        (0..=last).find(|&place| self.fits(place, phrase)).map(|place| place..place + phrase.len())
    }

    /// Whether any of these phrases stands somewhere; its words are used then.
    pub(crate) fn cue(&mut self, phrases: &[&[&str]]) -> bool {
        let mut any = false;
        for phrase in phrases {
            if let Some(words) = self.find(phrase) {
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

    pub(crate) fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.text == word && !token.quoted)
    }

    /// Whether what stands at a place is taken out: "except heartbeats", "not on agent-001".
    pub(crate) fn is_excluded(&self, place: usize) -> bool {
        let before = |back: usize| place.checked_sub(back).map_or("", |place| self.text(place));
        let excluding = |word: &str| {
            matches!(word, "except" | "excluding" | "without" | "minus" | "besides" | "ignoring" | "ignore" | "exclude")
        };
        let (one, two, three) = (before(1), before(2), before(3));
        excluding(one)
            || excluding(two) && matches!(one, "for" | "the" | "all" | "any" | "agent" | "node" | "agents" | "nodes")
            || two == "other" && one == "than"
            || three == "other" && two == "than"
            || one == "not" && matches!(two, "but" | "and" | "agents" | "nodes" | "ones")
            || two == "not" && matches!(one, "on" | "from" | "by" | "of" | "the" | "agent" | "node" | "in")
            || three == "not" && matches!(two, "on" | "from" | "by" | "of" | "in") && matches!(one, "agent" | "node")
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
    STOP_WORDS.contains(&word)
        || matches!(
            word,
            "except" | "excluding" | "without" | "besides" | "ignoring" | "ignore" | "exclude" | "minus" | "but"
        )
        || !word.chars().any(char::is_alphanumeric)
}
