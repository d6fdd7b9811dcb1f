//! The dictionary of a segment: both copies of every page, the order of its words, and their JSON.

use super::super::body::dictionary_pages;
use super::super::contents::Contents;
use super::super::dictionary::{find_sorted, page_words};
use super::texts::Texts;
use super::{Fault, Harm};
use crate::event::{is_entity_value, write_json_text};

/// All words of a segment, by their numbers.
#[derive(Default)]
pub(super) struct Words {
    text: String,
    ends: Vec<usize>,
    /// The words as JSON strings.
    json: Texts,
    scratch: String,
    /// Whether each can be the name of an entity.
    entities: Vec<bool>,
}

impl Words {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<&str> {
        between(&self.text, &self.ends, number)
    }

    /// Appends the word as a JSON string.
    #[inline]
    pub(super) fn put_json(&self, number: u64, out: &mut Vec<u8>) -> Option<()> {
        self.json.put(usize::try_from(number).ok()?, out)
    }

    pub(super) fn is_entity(&self, number: usize) -> bool {
        self.entities.get(number).copied().unwrap_or(false)
    }

    /// The number of a word.
    pub(super) fn find(&self, word: &str) -> Option<usize> {
        find_sorted(self.len(), |number| self.get(number), word)
    }

    fn push(&mut self, word: &str) {
        self.text.push_str(word);
        self.ends.push(self.text.len());
        self.scratch.clear();
        write_json_text(word, &mut self.scratch);
        self.json.push(|out| out.extend_from_slice(self.scratch.as_bytes()));
        self.entities.push(is_entity_value(word));
    }
}

/// The part of a text with a number, from where each part ends.
#[inline]
fn between<'a>(text: &'a str, ends: &[usize], number: usize) -> Option<&'a str> {
    let end = *ends.get(number)?;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    text.get(start..end)
}

/// The words, if each page is whole in one of its places.
pub(super) fn check(contents: &Contents, body: &[u8], faults: &mut Vec<Fault>) -> Option<Words> {
    let (mut words, mut whole, mut sorted) = (Words::default(), true, true);
    for (number, (record, [first, second])) in dictionary_pages(contents, body).enumerate() {
        let place = format!("page {number} of the dictionary");
        for (copy, name) in [(first, "first"), (second, "second")] {
            if copy.is_none() && (first.is_some() || second.is_some()) {
                faults.push(Fault::new(Harm::Copy, &*place, format!("the {name} copy is damaged")));
            }
        }
        let Some((text, ends)) = first.or(second).and_then(|stored| page_words(record, stored)) else {
            let what = "both copies are damaged: no event of this segment can be read in full";
            faults.push(Fault::new(Harm::Events, place, what));
            whole = false;
            continue;
        };
        let mut start = 0;
        for (index, end) in ends.into_iter().map(|end| end as usize).enumerate() {
            let word = text.get(start..end)?;
            sorted &= words.len() == 0 || words.get(words.len() - 1).is_some_and(|before| before < word);
            sorted &= index > 0 || word == record.first;
            words.push(word);
            start = end;
        }
    }
    if !sorted {
        faults.push(Fault::new(Harm::Index, "dictionary", "its words are not in order"));
    }
    whole.then_some(words)
}
