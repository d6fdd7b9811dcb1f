//! A small filter that tells which entities a segment surely does not name.
//!
//! A split-block Bloom filter as in Apache Parquet: a word's hash picks one block of 256 bits and one
//! bit in each of its eight lanes, so that a look-up touches one cache line. At 12 bits a word about
//! one look-up in 150 finds a word that is not there.

use xxhash_rust::xxh3::xxh3_64;

const LANES: usize = 8;
const BLOCK_BYTES: usize = LANES * 4;
const BITS_A_WORD: usize = 12;
/// The salts of the Parquet format, one a lane.
const SALTS: [u32; LANES] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// A set of words that may hold a few more than were put in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<[u32; LANES]>,
}

impl Filter {
    pub(crate) fn of<'a>(words: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let blocks = (words.len() * BITS_A_WORD).div_ceil(BLOCK_BYTES * 8).max(1);
        let mut filter = Self { blocks: vec![[0; LANES]; blocks] };
        for word in words {
            let hash = xxh3_64(word.as_bytes());
            let block = filter.block_of(hash);
            for (lane, bit) in filter.blocks[block].iter_mut().zip(bits_of(hash)) {
                *lane |= bit;
            }
        }
        filter
    }

    /// False if the word is surely not in the set.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        self.blocks
            .get(self.block_of(hash))
            .is_some_and(|block| block.iter().zip(bits_of(hash)).all(|(lane, bit)| lane & bit != 0))
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    fn block_of(&self, hash: u64) -> usize {
        (((hash >> 32) * self.blocks.len() as u64) >> 32) as usize
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let lane = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or(0);
        let block = |bytes: &[u8]| std::array::from_fn(|index| lane(&bytes[4 * index..4 * index + 4]));
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_BYTES))
            .then(|| Self { blocks: bytes.chunks_exact(BLOCK_BYTES).map(block).collect() })
    }
}

/// The hash that [`Filter::may_contain`] asks for.
pub(crate) fn hash_of(word: &str) -> u64 {
    xxh3_64(word.as_bytes())
}

fn bits_of(hash: u64) -> impl Iterator<Item = u32> {
    SALTS.iter().map(move |salt| 1 << ((hash as u32).wrapping_mul(*salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let words: Vec<String> = (0..10_000).map(|number| format!("node-{number}")).collect();
        let filter = Filter::of(words.iter().map(String::as_str));
        let filter = Filter::from_bytes(&filter.to_bytes()).expect("whole blocks");
        assert!(words.iter().all(|word| filter.may_contain(hash_of(word))));
        let others = (0..10_000).filter(|number| filter.may_contain(hash_of(&format!("agent-{number}")))).count();
        assert!(others < 200, "{others} of 10,000 found by mistake");
    }

    #[test]
    fn no_words_are_no_trouble() {
        assert!(!Filter::of(std::iter::empty()).may_contain(hash_of("a")));
        assert_eq!(Filter::from_bytes(&[0; 31]), None);
    }
}
