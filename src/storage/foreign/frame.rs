//! The bytes of the log of foreign records: its header and its frames.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::ForeignRecord;
use crate::error::StoreError;
use crate::storage::checksum;

/// The length of the header of the log, in bytes.
pub(super) const HEADER_BYTES: u64 = 40;
/// The longest payload of a frame, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 16 << 20;

const MAGIC: &[u8; 8] = b"SGEFOR\r\n";
const VERSION: u32 = 1;
const FRAME_MAGIC: &[u8; 4] = b"SGFR";
const FRAME_HEADER_BYTES: usize = 24;
/// How much is read of the file at once, in bytes.
const READ_BYTES: usize = 64 << 10;

fn checksum(parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3Default::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.digest()
}

/// What the header of a log says: which store it belongs to, and how often it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogIdentity {
    pub(super) epoch: u64,
    pub(super) generation: u64,
}

/// The header of a log.
pub(super) fn header(LogIdentity { epoch, generation }: LogIdentity) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    bytes.extend_from_slice(&epoch.to_le_bytes());
    bytes.extend_from_slice(&generation.to_le_bytes());
    let sum = checksum(&[&bytes]);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// What the header of a log says.
pub(super) fn read_header(file: &File, path: &Path) -> Result<LogIdentity, StoreError> {
    let mut bytes = [0; HEADER_BYTES as usize];
    file.read_exact_at(&mut bytes, 0).map_err(StoreError::io("read", path))?;
    let (body, sum) = bytes.split_at(HEADER_BYTES as usize - 8);
    let number = |part: &[u8]| part.try_into().map(u64::from_le_bytes).unwrap_or_default();
    if !body.starts_with(MAGIC) || !checksum::fits(checksum(&[body]), number(sum)) {
        return Err(StoreError::damaged(path, "it does not start as a log of foreign concepts does"));
    }
    let version = body[8..12].try_into().map(u32::from_le_bytes).unwrap_or_default();
    if version > VERSION {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: version, supported: VERSION });
    }
    Ok(LogIdentity { epoch: number(&body[16..24]), generation: number(&body[24..32]) })
}

/// The checksum of the header of a frame. It knows the store and the place, so that what looks like a frame inside
/// of a content is none.
fn header_checksum(epoch: u64, offset: u64, front: &[u8]) -> u64 {
    checksum(&[&epoch.to_le_bytes(), &offset.to_le_bytes(), front])
}

/// Appends the frame of a record to bytes that will stand at an offset of the log. Nothing is appended where it is
/// too large.
pub(super) fn put_record(record: &ForeignRecord, epoch: u64, offset: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let payload = bincode::serialize(record).map_err(io::Error::other)?;
    if payload.len() > RECORD_BYTES_MAX {
        return Err(io::Error::other(format!("a record takes {} bytes (max: {RECORD_BYTES_MAX})", payload.len())));
    }
    let start = out.len();
    out.extend_from_slice(FRAME_MAGIC);
    #[allow(clippy::cast_possible_truncation)] // It is at most RECORD_BYTES_MAX, as was seen above.
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    let sum = header_checksum(epoch, offset + start as u64, &out[start..]);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&checksum(&[&payload]).to_le_bytes());
    out.extend_from_slice(&payload);
    Ok(())
}

/// A stretch of a log, read from one place on without moving the place of others.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) file: &'a File,
    pub(super) epoch: u64,
    pub(super) at: u64,
    pub(super) end: u64,
}

impl<'a> Stretch<'a> {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    fn reader(self) -> BufReader<Stretch<'a>> {
        let bytes = usize::try_from(self.left()).unwrap_or(READ_BYTES).clamp(FRAME_HEADER_BYTES, READ_BYTES);
        BufReader::with_capacity(bytes, self)
    }
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The record whose frame starts the stretch, with the length of the frame; nothing if it is not whole. The reader
/// is at the start of the stretch.
fn next_record(stretch: Stretch<'_>, reader: &mut impl Read) -> io::Result<Option<(ForeignRecord, u64)>> {
    let mut header = [0; FRAME_HEADER_BYTES];
    if stretch.left() < header.len() as u64 {
        return Ok(None);
    }
    reader.read_exact(&mut header)?;
    let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
    let length = header[4..8].try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX) as usize;
    let frame_bytes = (FRAME_HEADER_BYTES + length) as u64;
    let fits = header.starts_with(FRAME_MAGIC) && length <= RECORD_BYTES_MAX && frame_bytes <= stretch.left();
    if !fits || !checksum::fits(header_checksum(stretch.epoch, stretch.at, &header[..8]), number(8)) {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload)?;
    if !checksum::fits(checksum(&[&payload]), number(16)) {
        return Ok(None);
    }
    Ok(bincode::deserialize(&payload).ok().map(|record| (record, frame_bytes)))
}

/// Where the next whole frame starts, if there is one.
fn find_frame(stretch: Stretch<'_>) -> io::Result<Option<u64>> {
    let mut window = [0; FRAME_MAGIC.len()];
    for (index, byte) in stretch.reader().bytes().enumerate() {
        window.rotate_left(1);
        window[FRAME_MAGIC.len() - 1] = byte?;
        if &window == FRAME_MAGIC {
            let at = stretch.at + index as u64 + 1 - FRAME_MAGIC.len() as u64;
            let behind = Stretch { at, ..stretch };
            if next_record(behind, &mut behind.reader())?.is_some() {
                return Ok(Some(at));
            }
        }
    }
    Ok(None)
}

/// What was read of a log.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Where the last whole frame ends. What follows is torn, or is being written.
    pub(super) whole_end: u64,
    /// Bytes between whole frames that could not be read.
    pub(super) damaged_bytes: u64,
}

/// Visits the records of a stretch that starts with a frame, with their offsets. After damage it goes on at the next
/// whole frame.
pub(super) fn scan(stretch: Stretch<'_>, visitor: &mut dyn FnMut(u64, ForeignRecord)) -> io::Result<Scanned> {
    let mut scanned = Scanned { whole_end: stretch.at, damaged_bytes: 0 };
    let mut frames = stretch.reader();
    while scanned.whole_end < stretch.end {
        let at = scanned.whole_end;
        if let Some((record, bytes)) = next_record(Stretch { at, ..stretch }, &mut frames)? {
            visitor(at, record);
            scanned.whole_end += bytes;
            continue;
        }
        let Some(next) = find_frame(Stretch { at: at + 1, ..stretch })? else { break };
        scanned.damaged_bytes += next - at;
        scanned.whole_end = next;
        frames = Stretch { at: next, ..stretch }.reader();
    }
    Ok(scanned)
}

/// The record whose frame starts a stretch.
pub(super) fn read_record(stretch: Stretch<'_>) -> io::Result<Option<ForeignRecord>> {
    Ok(next_record(stretch, &mut stretch.reader())?.map(|(record, _)| record))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::super::{ForeignAssociation, ForeignConcept};
    use super::*;

    const EPOCH: u64 = 7;

    fn record() -> impl Strategy<Value = ForeignRecord> {
        let concept = (".{0,9}", any::<i64>(), any::<bool>(), ".{0,30}|(SGFR){1,9}", prop::option::of(".{0,9}"));
        let embedding = prop::collection::vec(-1.0f32..1.0, 0..4);
        let association = (".{0,9}", ".{0,9}", any::<u32>(), any::<i64>());
        prop_oneof![
            (concept, embedding).prop_map(|((id, learned_us, of_event, content, metadata_json), embedding)| {
                let (strength, confidence) = (1.0, 0.5);
                ForeignRecord::Concept(ForeignConcept {
                    id,
                    learned_us,
                    of_event,
                    content,
                    embedding,
                    strength,
                    confidence,
                    metadata_json,
                })
            }),
            association.prop_map(|(source, target, code, learned_us)| {
                ForeignRecord::Association(ForeignAssociation { source, target, code, confidence: 1.0, learned_us })
            }),
        ]
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file
    }

    fn scan_all(bytes: &[u8]) -> (Vec<ForeignRecord>, Scanned) {
        let file = file_of(bytes);
        let mut records = Vec::new();
        let stretch = Stretch { file: &file, epoch: EPOCH, at: 0, end: bytes.len() as u64 };
        let scanned = scan(stretch, &mut |_, record| records.push(record)).expect("readable");
        (records, scanned)
    }

    proptest! {
        #[test]
        fn records_come_back_but_for_those_that_are_damaged(
            records in prop::collection::vec(record(), 1..6),
            damage in prop::option::of((any::<prop::sample::Index>(), 1u8..)),
            torn in 0usize..30,
        ) {
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for record in &records {
                put_record(record, EPOCH, 0, &mut bytes).expect("small");
                ends.push(bytes.len());
            }
            let whole = bytes.len();
            bytes.extend_from_within(..torn.min(whole - 1));
            let mut expected = records.clone();
            if let Some((index, flip)) = damage {
                let at = index.index(whole);
                bytes[at] ^= flip;
                expected.remove(ends.iter().position(|end| at < *end).expect("inside"));
            }
            let (found, scanned) = scan_all(&bytes);
            prop_assert_eq!(found, expected);
            prop_assert!(scanned.whole_end as usize <= whole);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (found, scanned) = scan_all(&bytes);
            prop_assert!(found.is_empty() && scanned.whole_end == 0);
            let _ = read_header(&file_of(&bytes), Path::new("foreign.log"));
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let content = "x".repeat(RECORD_BYTES_MAX);
        let record = ForeignRecord::Association(ForeignAssociation {
            source: content,
            target: String::new(),
            code: 0,
            confidence: 1.0,
            learned_us: 0,
        });
        let mut bytes = Vec::new();
        assert!(put_record(&record, EPOCH, 0, &mut bytes).is_err());
        assert!(bytes.is_empty());
    }
}
