//! The table of contents of a segment: what it covers, and where everything stands.
//!
//! ```text
//! start    "SGESEG\r\n" · version u32 · ContentsFrame
//! body     blocks · dictionary · postings · counts · filter · dictionary again
//! end      contents again · ContentsFrame · body offset u32 · "SGESEGND"
//!
//! ContentsFrame   stored length u32 · raw length u32 · xxh3 u64 [· the compressed contents, at the start]
//! ```
//!
//! Offsets in the contents count from the start of the body. Numbers are little-endian.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::storage::chain::{Anchor, Hash, segment_root};
use crate::storage::checksum;
use crate::storage::compression;
use crate::storage::shape::ShapeRecord;

pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"SGESEG\r\n";
pub(crate) const SEGMENT_END_MAGIC: &[u8; 8] = b"SGESEGND";
/// The newest version that is read.
pub(crate) const SEGMENT_VERSION: u32 = 2;
/// The version of a segment that has all events with which it was sealed.
pub(super) const VERSION_WHOLE: u32 = 1;
/// The version of a segment that was written anew without some of them: its contents end with `removed`.
pub(super) const VERSION_REDUCED: u32 = 2;
/// Magic, version and the frame of the contents.
pub(crate) const START_BYTES: usize = 8 + 4 + FRAME_BYTES;
/// The frame of the contents, the body offset and the magic.
pub(crate) const END_BYTES: usize = FRAME_BYTES + 4 + 8;
const FRAME_BYTES: usize = 4 + 4 + 8;
/// Larger contents are not read, in bytes.
const CONTENTS_BYTES_MAX: usize = 256 << 20;

/// What a segment covers and where everything stands in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// The store.
    pub(crate) epoch: u64,
    /// The id of the segment.
    pub(crate) id: u64,
    /// The sequence number of the first event.
    pub(crate) first_sequence: u64,
    /// The sequence number of the last event.
    pub(crate) last_sequence: u64,
    /// How many events there are.
    pub(crate) count: u32,
    /// When it was sealed, in µs.
    pub(crate) sealed_at_us: i64,
    /// The chain before the segment.
    pub(crate) before: Anchor,
    /// The chain after the segment.
    pub(crate) after: Anchor,
    /// Names of fields.
    pub(crate) fields: Vec<String>,
    /// Shapes of events.
    pub(crate) shapes: Vec<ShapeRecord>,
    /// Types, in the order of their names and positions.
    pub(crate) types: Vec<TypeRecord>,
    /// Blocks, in the order of their positions.
    pub(crate) blocks: Vec<BlockRecord>,
    /// Pages of the dictionary.
    pub(crate) dictionary: Vec<PageRecord>,
    /// Where the pages of the dictionary start, both times.
    pub(crate) dictionary_offsets: [u64; 2],
    /// Pages of postings.
    pub(crate) postings: Vec<PostingsPageRecord>,
    /// Counts by type and entity.
    pub(crate) counts: SectionRecord,
    /// The filter over the entities.
    pub(crate) filter: SectionRecord,
    /// What the segment had when it was sealed and has no more, in the order of the names of types. Stands in the file
    /// only if there is any.
    #[serde(skip)]
    pub(crate) removed: Vec<RemovedRecord>,
}

impl Contents {
    /// The root of the segment as it was sealed: what the chain is made of.
    pub(crate) fn chain_root(&self) -> Hash {
        let whole = self.types.iter().filter(|found| !self.removed.iter().any(|gone| gone.event_type == found.name));
        let whole = whole.map(|found| (found.name.as_str(), found.root));
        let reduced = self.removed.iter().map(|gone| (gone.event_type.as_str(), gone.root));
        let mut roots: Vec<(&str, Hash)> = whole.chain(reduced).collect();
        roots.sort_unstable();
        segment_root(roots.into_iter())
    }
}

/// The type of the events in which a store says what retention removed from it. That these themselves are removed is
/// said in `kv.jsonl` only.
pub(crate) const EVENTS_REMOVED: &str = "events_removed";

/// Events of one type that a segment had when it was sealed and has no more: a tombstone in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedRecord {
    pub(crate) event_type: String,
    /// The root of the type as it was sealed.
    pub(crate) root: Hash,
    /// How many events went.
    pub(crate) events: u32,
    /// The earliest time that went, in µs.
    pub(crate) first_us: i64,
    /// The latest time that went, in µs.
    pub(crate) last_us: i64,
    pub(crate) cause: RemovalCause,
}

/// Why events are no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// They were older, or more, than retention keeps.
    #[default]
    Expired,
    /// Events that say nothing new were taken out between others of their kind.
    Thinned,
    /// They could not be read any more when the store was salvaged.
    Lost,
}

/// The events of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TypeRecord {
    pub(crate) name: String,
    /// The position of the first event.
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// The latest time, in µs.
    pub(crate) max_us: i64,
    /// The highest ordinal at the latest time.
    pub(crate) ordinal_at_max: u32,
    pub(crate) root: Hash,
}

/// Where a block stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BlockRecord {
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
    pub(crate) count: u32,
    pub(crate) min_us: i64,
    pub(crate) max_us: i64,
}

/// A page of the dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PageRecord {
    /// The first word of the page.
    pub(crate) first: String,
    pub(crate) stored_bytes: u32,
    pub(crate) raw_bytes: u32,
    pub(crate) count: u32,
    pub(crate) checksum: u64,
}

impl PageRecord {
    pub(crate) fn of(first: &str, stored: &[u8], raw_bytes: usize, count: usize) -> Self {
        Self {
            first: first.to_owned(),
            stored_bytes: stored.len() as u32,
            raw_bytes: raw_bytes as u32,
            count: count as u32,
            checksum: xxh3_64(stored),
        }
    }
}

/// A page of postings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PostingsPageRecord {
    /// The number of the first word in it.
    pub(crate) first_word: u32,
    pub(crate) section: SectionRecord,
}

/// A stretch of the body.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SectionRecord {
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
    pub(crate) checksum: u64,
}

impl SectionRecord {
    /// Appends a section to the body.
    pub(crate) fn put(section: &[u8], body: &mut Vec<u8>) -> Self {
        let record = Self { offset: body.len() as u64, bytes: section.len() as u32, checksum: xxh3_64(section) };
        body.extend_from_slice(section);
        record
    }
}

/// How the contents stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentsFrame {
    pub(crate) stored_bytes: u32,
    raw_bytes: u32,
    checksum: u64,
}

impl ContentsFrame {
    fn to_bytes(self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        bytes[..4].copy_from_slice(&self.stored_bytes.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.raw_bytes.to_le_bytes());
        bytes[8..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            stored_bytes: u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?),
            raw_bytes: u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?),
            checksum: u64::from_le_bytes(bytes.get(8..FRAME_BYTES)?.try_into().ok()?),
        })
    }
}

/// Puts the file together from its contents and its body.
pub(crate) fn assemble(contents: &Contents, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut raw = bincode::serialize(contents).map_err(std::io::Error::other)?;
    let version = if contents.removed.is_empty() { VERSION_WHOLE } else { VERSION_REDUCED };
    if version == VERSION_REDUCED {
        bincode::serialize_into(&mut raw, &contents.removed).map_err(std::io::Error::other)?;
    }
    let stored = compression::compress(&raw)?;
    let frame =
        ContentsFrame { stored_bytes: stored.len() as u32, raw_bytes: raw.len() as u32, checksum: xxh3_64(&stored) };
    let mut file = Vec::with_capacity(START_BYTES + END_BYTES + 2 * stored.len() + body.len());
    file.extend_from_slice(SEGMENT_MAGIC);
    file.extend_from_slice(&version.to_le_bytes());
    file.extend_from_slice(&frame.to_bytes());
    file.extend_from_slice(&stored);
    let body_offset = file.len() as u32;
    file.extend_from_slice(body);
    file.extend_from_slice(&stored);
    file.extend_from_slice(&frame.to_bytes());
    file.extend_from_slice(&body_offset.to_le_bytes());
    file.extend_from_slice(SEGMENT_END_MAGIC);
    Ok(file)
}

/// What the start of a segment file says.
pub(crate) enum Start {
    /// Where the contents stand: behind the start.
    Frame(ContentsFrame),
    /// It was written by a newer version.
    Newer(u32),
    /// It is not the start of a segment.
    Damaged,
}

/// Reads the start of a segment file.
pub(crate) fn parse_start(bytes: &[u8]) -> Start {
    let version = bytes.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    match (bytes.starts_with(SEGMENT_MAGIC), version, bytes.get(12..).and_then(ContentsFrame::from_bytes)) {
        (true, Some(version), _) if version > SEGMENT_VERSION => Start::Newer(version),
        (true, Some(_), Some(frame)) => Start::Frame(frame),
        _ => Start::Damaged,
    }
}

/// Reads the end of a segment file: the frame of the contents that stand before it, and the body offset.
pub(crate) fn parse_end(bytes: &[u8]) -> Option<(ContentsFrame, u64)> {
    if bytes.len() != END_BYTES || !bytes.ends_with(SEGMENT_END_MAGIC) {
        return None;
    }
    let offset = u32::from_le_bytes(bytes[FRAME_BYTES..FRAME_BYTES + 4].try_into().ok()?);
    Some((ContentsFrame::from_bytes(bytes)?, u64::from(offset)))
}

/// Reads the contents from their compressed bytes.
pub(crate) fn decode(frame: ContentsFrame, stored: &[u8]) -> Option<Contents> {
    let whole = stored.len() == frame.stored_bytes as usize && checksum::fits(xxh3_64(stored), frame.checksum);
    if !whole {
        return None;
    }
    let raw = compression::decompress(stored, frame.raw_bytes as usize, CONTENTS_BYTES_MAX)?;
    let contents: Contents = bincode::deserialize(&raw).ok()?;
    // Whether there is more is asked of the contents themselves, since the second copy stands where no version does.
    let rest = raw.get(usize::try_from(bincode::serialized_size(&contents).ok()?).ok()?..)?;
    let removed = if rest.is_empty() { Vec::new() } else { bincode::deserialize(rest).ok()? };
    Some(Contents { removed, ..contents })
}
