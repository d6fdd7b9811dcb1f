//! Blocks: up to [`BLOCK_EVENTS`] events of one type in columns, compressed, checksummed, self-describing.
//!
//! ```text
//! head      "SGEB" · length of the head u16 · head (bincode) · stored length u32 · xxh3 u64 of all before and behind
//! payload   (compressed) shapes · times · sequences · ordinals · columns · texts
//! shapes    count varint · shape varint… [· for each row the place in this list: column, if there are several]
//! columns   count varint · for each: field varint · kinds · numbers (column)
//! kinds     one kind for all rows u8, or 255 and a kind for each row
//! texts     count varint · lengths (column) · bytes
//! ```

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::column;
use crate::storage::checksum;
use crate::storage::compression;
use crate::storage::shape::value_kind;
use crate::storage::varint;

/// Events in a block.
pub(crate) const BLOCK_EVENTS: usize = 512;
/// A block of more events is not read, so that a later version may write larger ones up to here.
const BLOCK_EVENTS_MAX: usize = 1 << 16;
/// A larger payload is not read, in bytes: this many events of the largest size.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;
const BLOCK_MAGIC: &[u8; 4] = b"SGEB";
/// A longer head is not read, in bytes.
const HEAD_BYTES_MAX: usize = 4096;
const MIXED_KINDS: u8 = 255;

/// What a block says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockHead {
    pub(crate) event_type: String,
    /// The position of the first event in its segment.
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) raw_bytes: u32,
}

/// The values of one field in a block: a kind and a number for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) field: u32,
    pub(crate) kinds: Kinds,
    pub(crate) numbers: Vec<u64>,
}

/// The kinds of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kinds {
    Same(u8),
    Mixed(Vec<u8>),
}

impl Kinds {
    pub(crate) fn of_row(&self, row: usize) -> u8 {
        match self {
            Kinds::Same(kind) => *kind,
            Kinds::Mixed(kinds) => kinds.get(row).copied().unwrap_or(value_kind::ABSENT),
        }
    }
}

/// The events of a block in columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockColumns {
    /// The shapes of the events, by their numbers in the segment.
    pub(crate) shapes: Vec<u32>,
    /// For each row its place in `shapes`; empty where there is one shape only.
    pub(crate) shape_places: Vec<u64>,
    pub(crate) times: Vec<i64>,
    pub(crate) sequences: Vec<u64>,
    pub(crate) ordinals: Vec<u64>,
    pub(crate) columns: Vec<Column>,
    /// Texts that stand in no dictionary, one behind the other.
    pub(crate) texts: String,
    /// Where each of them ends.
    pub(crate) text_ends: Vec<u64>,
}

impl BlockColumns {
    /// The compressed block.
    pub(crate) fn encode(&self, event_type: &str, first: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
        let payload = self.payload();
        let stored = compression::compress(&payload)?;
        let head = BlockHead {
            event_type: event_type.to_owned(),
            first,
            count: self.times.len() as u32,
            first_sequence: self.sequences.iter().copied().min().unwrap_or(0),
            last_sequence: self.sequences.iter().copied().max().unwrap_or(0),
            raw_bytes: payload.len() as u32,
        };
        let head = bincode::serialize(&head).map_err(std::io::Error::other)?;
        let start = out.len();
        out.extend_from_slice(BLOCK_MAGIC);
        out.extend_from_slice(&(head.len() as u16).to_le_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        let checksum = checksum(&out[start..], &stored);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&stored);
        Ok(())
    }

    fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 * self.times.len());
        varint::put(self.shapes.len() as u64, &mut out);
        self.shapes.iter().for_each(|&shape| varint::put(u64::from(shape), &mut out));
        if self.shapes.len() > 1 {
            column::put(&self.shape_places, &mut out);
        }
        let times: Vec<u64> = self.times.iter().map(|&time| column::ordered(time)).collect();
        column::put(&times, &mut out);
        column::put(&self.sequences, &mut out);
        column::put(&self.ordinals, &mut out);
        varint::put(self.columns.len() as u64, &mut out);
        for Column { field, kinds, numbers } in &self.columns {
            varint::put(u64::from(*field), &mut out);
            match kinds {
                Kinds::Same(kind) => out.push(*kind),
                Kinds::Mixed(kinds) => {
                    out.push(MIXED_KINDS);
                    out.extend_from_slice(kinds);
                }
            }
            column::put(numbers, &mut out);
        }
        varint::put(self.text_ends.len() as u64, &mut out);
        let starts = std::iter::once(0).chain(self.text_ends.iter().copied());
        let lengths: Vec<u64> = self.text_ends.iter().zip(starts).map(|(end, start)| end - start).collect();
        column::put(&lengths, &mut out);
        out.extend_from_slice(self.texts.as_bytes());
        out
    }

    fn parse(head: &BlockHead, payload: &[u8]) -> Option<Self> {
        let (mut input, count) = (payload, head.count as usize);
        let mut block = Self::default();
        for _ in 0..varint::take_length(&mut input)? {
            block.shapes.push(varint::take_u32(&mut input)?);
        }
        if block.shapes.len() > 1 {
            block.shape_places = column::take(&mut input, count)?;
        }
        block.times = column::take(&mut input, count)?.into_iter().map(column::unordered).collect();
        block.sequences = column::take(&mut input, count)?;
        block.ordinals = column::take(&mut input, count)?;
        for _ in 0..varint::take_length(&mut input)? {
            let field = varint::take_u32(&mut input)?;
            let kinds = match *varint::take_bytes(&mut input, 1)?.first()? {
                MIXED_KINDS => Kinds::Mixed(varint::take_bytes(&mut input, count)?.to_vec()),
                kind => Kinds::Same(kind),
            };
            block.columns.push(Column { field, kinds, numbers: column::take(&mut input, count)? });
        }
        let texts = usize::try_from(varint::take(&mut input)?).ok()?;
        if texts > count.checked_mul(block.columns.len())? {
            return None;
        }
        let mut end = 0u64;
        for length in column::take(&mut input, texts)? {
            end = end.checked_add(length)?;
            block.text_ends.push(end);
        }
        block.texts = std::str::from_utf8(input).ok()?.to_owned();
        (end == block.texts.len() as u64).then_some(block)
    }
}

/// What a block says of itself, not checked against its checksum.
pub(super) fn read_head(bytes: &[u8]) -> Option<BlockHead> {
    let head_bytes = usize::from(u16::from_le_bytes(bytes.get(4..6)?.try_into().ok()?)).min(HEAD_BYTES_MAX);
    bincode::deserialize(bytes.get(6..6 + head_bytes)?).ok()
}

/// Reads the block that these bytes are, and checks it.
pub(crate) fn decode(bytes: &[u8]) -> Option<(BlockHead, BlockColumns)> {
    let head_bytes = usize::from(u16::from_le_bytes(bytes.get(4..6)?.try_into().ok()?));
    if !bytes.starts_with(BLOCK_MAGIC) || head_bytes > HEAD_BYTES_MAX {
        return None;
    }
    let (head, rest) = bytes.get(6..)?.split_at_checked(head_bytes)?;
    let stored_bytes = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    let expected = u64::from_le_bytes(rest.get(4..12)?.try_into().ok()?);
    let stored = rest.get(12..12usize.checked_add(stored_bytes)?)?;
    if !checksum::fits(checksum(&bytes[..6 + head_bytes + 4], stored), expected) {
        return None;
    }
    let head: BlockHead = bincode::deserialize(head).ok()?;
    if head.count as usize > BLOCK_EVENTS_MAX {
        return None;
    }
    let payload = compression::decompress(stored, head.raw_bytes as usize, PAYLOAD_BYTES_MAX)?;
    let columns = BlockColumns::parse(&head, &payload)?;
    Some((head, columns))
}

fn checksum(head: &[u8], stored: &[u8]) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(head);
    hasher.update(stored);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example(count: usize) -> BlockColumns {
        let kinds = (0..count).map(|row| if row % 2 == 0 { value_kind::TEXT } else { value_kind::NULL }).collect();
        BlockColumns {
            shapes: vec![3, 1],
            shape_places: (0..count).map(|row| (row % 2) as u64).collect(),
            times: (0..count).map(|row| row as i64 * 7 - 100).collect(),
            sequences: (0..count).map(|row| 50 + row as u64).collect(),
            ordinals: vec![0; count],
            columns: vec![
                Column { field: 0, kinds: Kinds::Same(value_kind::WORD), numbers: (0..count as u64).collect() },
                Column { field: 9, kinds: Kinds::Mixed(kinds), numbers: vec![0; count] },
            ],
            texts: "äb".repeat(count),
            text_ends: (1..=count as u64).map(|end| 3 * end).collect(),
        }
    }

    fn encoded(block: &BlockColumns) -> Vec<u8> {
        let mut bytes = Vec::new();
        block.encode("some_type", 7, &mut bytes).expect("compressible");
        bytes
    }

    #[test]
    fn blocks_round_trip() {
        let block = example(100);
        let (head, read) = decode(&encoded(&block)).expect("whole");
        assert_eq!(read, block);
        assert_eq!((head.first, head.count, head.first_sequence, head.last_sequence), (7, 100, 50, 149));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_noticed(bit in 0usize..2_000) {
            let mut bytes = encoded(&example(60));
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&bytes).is_none());
        }

        #[test]
        fn any_payload_is_read_without_panic(payload: Vec<u8>, count in 0u32..50) {
            let event_type = String::new();
            let head = BlockHead { event_type, first: 0, count, first_sequence: 0, last_sequence: 0, raw_bytes: 0 };
            let _ = BlockColumns::parse(&head, &payload);
        }
    }
}
