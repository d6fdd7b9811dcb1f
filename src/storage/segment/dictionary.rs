//! The sorted words of a segment, in compressed pages.
//!
//! A page holds up to [`PAGE_WORDS`] words, each as the length of what it shares with the word before,
//! the length of the rest, and the rest; the whole page is compressed. Pages stand twice in a segment.

use std::sync::OnceLock;

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

/// The words of a segment; each page is decompressed when a word of it is first needed.
#[derive(Debug)]
pub(crate) struct Dictionary {
    /// The pages, compressed and checked, one behind the other.
    stored: Vec<u8>,
    pages: Vec<DictionaryPage>,
    len: usize,
}

#[derive(Debug)]
struct DictionaryPage {
    /// The number of its first word.
    first_number: usize,
    record: PageRecord,
    stored: std::ops::Range<usize>,
    words: OnceLock<PageWords>,
}

/// The words of one page. Empty if the page is not what its record says.
#[derive(Debug, Default)]
struct PageWords {
    text: String,
    ends: Vec<u32>,
}

impl Dictionary {
    /// The dictionary of these pages, whose checksums were compared.
    pub(crate) fn new(records: &[PageRecord], stored: Vec<u8>) -> Self {
        let (mut pages, mut number, mut start) = (Vec::with_capacity(records.len()), 0, 0);
        for record in records {
            let end = start + record.stored_bytes as usize;
            let words = OnceLock::new();
            pages.push(DictionaryPage { first_number: number, record: record.clone(), stored: start..end, words });
            (number, start) = (number + record.count as usize, end);
        }
        Self { stored, pages, len: number }
    }

    /// The word with a number.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let place = self.pages.partition_point(|page| page.first_number <= number).checked_sub(1)?;
        self.words(place).get(number - self.pages[place].first_number)
    }

    /// The number of a word.
    pub(crate) fn find(&self, word: &str) -> Option<usize> {
        let place = self.pages.partition_point(|page| page.record.first.as_str() <= word).checked_sub(1)?;
        Some(self.pages[place].first_number + self.words(place).find(word)?)
    }

    fn words(&self, place: usize) -> &PageWords {
        let page = &self.pages[place];
        page.words.get_or_init(|| {
            let stored = self.stored.get(page.stored.clone()).unwrap_or_default();
            PageWords::decode(&page.record, stored).unwrap_or_default()
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How much memory it takes once every page was needed, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.stored.len()
            + self.pages.iter().map(|page| 2 * page.record.raw_bytes as usize + 128).sum::<usize>()
            + 4 * self.len
    }
}

/// The words of one page, whose checksum was compared. Nothing if it is not what its record says.
pub(super) fn page_words(record: &PageRecord, stored: &[u8]) -> Option<(String, Vec<u32>)> {
    let PageWords { text, ends } = PageWords::decode(record, stored)?;
    Some((text, ends))
}

/// The number of a word among `len` words that are sorted. Nothing if it is not among them, or one cannot be had.
pub(super) fn find_sorted<'a>(len: usize, get: impl Fn(usize) -> Option<&'a str>, word: &str) -> Option<usize> {
    let (mut from, mut to) = (0, len);
    while from < to {
        let middle = from.midpoint(to);
        match get(middle)?.cmp(word) {
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    None
}

impl PageWords {
    fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&start| start as usize);
        self.text.get(start..end)
    }

    fn find(&self, word: &str) -> Option<usize> {
        find_sorted(self.ends.len(), |number| self.get(number), word)
    }

    /// The words of a page. Nothing if it is not one of this many words.
    fn decode(record: &PageRecord, stored: &[u8]) -> Option<Self> {
        let raw = compression::decompress(stored, record.raw_bytes as usize, PAGE_BYTES_MAX)?;
        let mut input = raw.as_slice();
        let (mut word, mut text) = (Vec::new(), Vec::with_capacity(2 * raw.len()));
        let mut ends = Vec::with_capacity((record.count as usize).min(raw.len()));
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
            ends.push(u32::try_from(text.len()).ok()?);
        }
        Some(Self { text: String::from_utf8(text).ok()?, ends })
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
        records.push(PageRecord::of(rest[0], &stored, raw.len(), count));
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
        let dictionary = Dictionary::new(&records, bytes);
        for (number, word) in words.iter().enumerate() {
            assert_eq!(dictionary.get(number), Some(word.as_str()));
            assert_eq!(dictionary.find(word), Some(number));
        }
        assert_eq!(dictionary.find("other"), None);
        assert_eq!(dictionary.get(5_000), None);
    }
}
