//! Postings: for each entity of a segment the positions of its events, in pages.
//!
//! ```text
//! entry   distance to the number of the word before varint · field varint · count varint
//!         · form u8 · length varint · positions
//! ```
//!
//! Positions are varints of the distances between them, or a roaring bitmap in its portable format,
//! whichever is smaller. Entries are in the order of (word, field).

use roaring::RoaringBitmap;

use super::contents::{PostingsPageRecord, SectionRecord};
use crate::storage::varint;

const FORM_DISTANCES: u8 = 0;
const FORM_ROARING: u8 = 1;
/// A page ends with the entry that brings it to this size, in bytes.
const PAGE_BYTES: usize = 4096;

/// The events that name one entity.
pub(crate) struct Posting {
    pub(crate) word: u32,
    pub(crate) field: u32,
    /// Ascending.
    pub(crate) positions: Vec<u32>,
}

/// Appends all postings, sorted by (word, field), to the body.
pub(crate) fn put(postings: &[Posting], body: &mut Vec<u8>) -> Vec<PostingsPageRecord> {
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let (mut first_word, mut word_before) = (0, 0);
    for (index, posting) in postings.iter().enumerate() {
        if page.is_empty() {
            (first_word, word_before) = (posting.word, posting.word);
        }
        varint::put(u64::from(posting.word - word_before), &mut page);
        word_before = posting.word;
        varint::put(u64::from(posting.field), &mut page);
        varint::put(posting.positions.len() as u64, &mut page);
        put_positions(&posting.positions, &mut page);
        // The entries of one word stay together, so that one page answers for it.
        let word_ends = postings.get(index + 1).is_none_or(|next| next.word != posting.word);
        if word_ends && (page.len() >= PAGE_BYTES || index + 1 == postings.len()) {
            pages.push(PostingsPageRecord { first_word, section: SectionRecord::put(&page, body) });
            page.clear();
        }
    }
    pages
}

fn put_positions(positions: &[u32], out: &mut Vec<u8>) {
    let mut distances = Vec::with_capacity(positions.len() * 2);
    let mut before = 0;
    for &position in positions {
        varint::put(u64::from(position - before), &mut distances);
        before = position;
    }
    // A bitmap needs at least two bytes for each 16 positions of its span, so it is tried for dense sets only.
    let bitmap =
        (positions.len() >= 4096).then(|| RoaringBitmap::from_sorted_iter(positions.iter().copied()).ok()).flatten();
    match bitmap {
        Some(bitmap) if bitmap.serialized_size() < distances.len() => {
            out.push(FORM_ROARING);
            varint::put(bitmap.serialized_size() as u64, out);
            // Writing to memory does not fail.
            let _ = bitmap.serialize_into(&mut *out);
        }
        _ => {
            out.push(FORM_DISTANCES);
            varint::put(distances.len() as u64, out);
            out.extend_from_slice(&distances);
        }
    }
}

/// One entry of a page, its positions not yet decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostingEntry<'a> {
    pub(crate) word: u32,
    pub(crate) field: u32,
    pub(crate) count: u32,
    form: u8,
    bytes: &'a [u8],
}

impl PostingEntry<'_> {
    /// The positions, all of them below `len`, or nothing if the bytes are not positions.
    pub(crate) fn positions(&self, len: u32) -> Option<RoaringBitmap> {
        let bitmap = if self.form == FORM_ROARING {
            RoaringBitmap::deserialize_from(self.bytes).ok()?
        } else {
            let mut input = self.bytes;
            let mut positions = Vec::with_capacity((self.count as usize).min(self.bytes.len()));
            let mut position = 0u32;
            while !input.is_empty() {
                position = position.checked_add(varint::take_u32(&mut input)?)?;
                positions.push(position);
            }
            RoaringBitmap::from_sorted_iter(positions).ok()?
        };
        (bitmap.len() == u64::from(self.count) && bitmap.max().is_none_or(|max| max < len)).then_some(bitmap)
    }
}

/// The entries of a page. Stops at the first that is not whole.
pub(crate) fn entries(first_word: u32, page: &[u8]) -> impl Iterator<Item = PostingEntry<'_>> {
    let (mut word, mut input) = (first_word, page);
    std::iter::from_fn(move || {
        word = word.checked_add(varint::take_u32(&mut input)?)?;
        let field = varint::take_u32(&mut input)?;
        let count = varint::take_u32(&mut input)?;
        let form = *varint::take_bytes(&mut input, 1)?.first()?;
        let length = varint::take_length(&mut input)?;
        Some(PostingEntry { word, field, count, form, bytes: varint::take_bytes(&mut input, length)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn postings_round_trip(
            sets in prop::collection::vec((0u32..3, prop::collection::btree_set(0u32..20_000, 1..60)), 1..80),
            dense in 0u32..9_000,
        ) {
            let mut postings: Vec<Posting> = sets.iter().enumerate().map(|(index, (field, set))| Posting {
                word: index as u32 / 2 * 3,
                field: field + 3 * (index as u32 % 2),
                positions: set.iter().copied().collect(),
            }).collect();
            postings.push(Posting { word: 1_000, field: 0, positions: (0..=dense).collect() });
            let mut body = vec![1, 2, 3];
            let pages = put(&postings, &mut body);
            let mut found = Vec::new();
            for page in &pages {
                let section = &body[page.section.offset as usize..][..page.section.bytes as usize];
                for entry in entries(page.first_word, section) {
                    found.push((entry.word, entry.field, entry.positions(20_000).expect("whole")));
                }
            }
            let positions = |posting: &Posting| posting.positions.iter().copied().collect::<RoaringBitmap>();
            let expected: Vec<_> = postings.iter().map(|p| (p.word, p.field, positions(p))).collect();
            prop_assert_eq!(found, expected);
            let starts: BTreeSet<u32> = pages.iter().map(|page| page.first_word).collect();
            prop_assert_eq!(starts.len(), pages.len(), "the entries of a word stay on one page");
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            for entry in entries(0, &bytes) {
                let _ = entry.positions(1_000);
            }
        }
    }
}
