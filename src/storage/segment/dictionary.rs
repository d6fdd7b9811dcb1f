//! The sorted words of a segment, in compressed pages.
//!
//! A page holds up to [`PAGE_WORDS`] words, each as the length of what it shares with the word before,
//! the length of the rest, and the rest; the whole page is compressed. Pages stand twice in a segment.

use super::contents::PageRecord;
use crate::storage::compression;
use crate::storage::varint;

/// Words in a page.
const PAGE_WORDS: usize = 1024;
/// A page ends early when its entries take this many bytes.
const PAGE_BYTES: usize = 64 << 10;
/// A page ends early when its words in full take this many bytes.
const PAGE_TEXT_BYTES: usize = 4 << 20;

/// A page of more bytes, as entries or in full, is not read: one word of the largest size on top of a full page.
const PAGE_BYTES_MAX: usize = PAGE_TEXT_BYTES + crate::event::EVENT_BYTES_MAX;

/// The words of a segment, in memory.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    text: String,
    ends: Vec<usize>,
}

impl Dictionary {
    /// The word with a number.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..end)
    }

    /// The number of a word.
    pub(crate) fn find(&self, word: &str) -> Option<usize> {
        let (mut from, mut to) = (0, self.ends.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle)?.cmp(word) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        None
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Adds the words of a page. Nothing if the page is not one of this many words.
    pub(crate) fn add_page(&mut self, record: &PageRecord, stored: &[u8]) -> Option<()> {
        let raw = compression::decompress(stored, record.raw_bytes as usize, PAGE_BYTES_MAX)?;
        let mut input = raw.as_slice();
        let (mut word, mut text) = (Vec::new(), Vec::with_capacity(4 * raw.len()));
        for _ in 0..record.count {
            let shared = usize::try_from(varint::take(&mut input)?).ok()?;
            let rest = varint::take_length(&mut input)?;
            let rest = varint::take_bytes(&mut input, rest)?;
            if shared > word.len() || text.len() > PAGE_BYTES_MAX {
                return None;
            }
            word.truncate(shared);
            word.extend_from_slice(rest);
            text.extend_from_slice(&word);
            self.ends.push(self.text.len() + text.len());
        }
        self.text.push_str(std::str::from_utf8(&text).ok()?);
        Some(())
    }
}

/// Cuts sorted words into pages; gives their records and bytes.
pub(crate) fn build_pages(words: &[&str]) -> std::io::Result<(Vec<PageRecord>, Vec<u8>)> {
    let (mut records, mut bytes) = (Vec::new(), Vec::new());
    let mut rest = words;
    while !rest.is_empty() {
        let mut raw = Vec::new();
        let mut before: &[u8] = &[];
        let (mut count, mut text_bytes) = (0, 0);
        for word in rest.iter().take(PAGE_WORDS) {
            let word = word.as_bytes();
            let shared = before.iter().zip(word).take_while(|(a, b)| a == b).count();
            varint::put(shared as u64, &mut raw);
            varint::put((word.len() - shared) as u64, &mut raw);
            raw.extend_from_slice(&word[shared..]);
            before = word;
            count += 1;
            text_bytes += word.len();
            if raw.len() >= PAGE_BYTES || text_bytes >= PAGE_TEXT_BYTES {
                break;
            }
        }
        let stored = compression::compress(&raw)?;
        records.push(PageRecord::of(&stored, raw.len(), count));
        bytes.extend_from_slice(&stored);
        rest = &rest[count..];
    }
    Ok((records, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_number_and_by_text() {
        let words: Vec<String> = (0..5_000).map(|number| format!("wörd-{number:05}")).collect();
        let borrowed: Vec<&str> = words.iter().map(String::as_str).collect();
        let (records, bytes) = build_pages(&borrowed).expect("compressible");
        assert!(records.len() > 1);
        let mut dictionary = Dictionary::default();
        let mut at = 0;
        for record in &records {
            let end = at + record.stored_bytes as usize;
            dictionary.add_page(record, &bytes[at..end]).expect("whole page");
            at = end;
        }
        for (number, word) in words.iter().enumerate() {
            assert_eq!(dictionary.get(number), Some(word.as_str()));
            assert_eq!(dictionary.find(word), Some(number));
        }
        assert_eq!(dictionary.find("other"), None);
        assert_eq!(dictionary.get(5_000), None);
    }
}
