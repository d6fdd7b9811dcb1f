//! The bytes of the log of foreign records: its header and its frames.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::{ForeignPlace, ForeignRecord};
use crate::error::StoreError;

/// The length of the header of the log, in bytes.
pub(super) const HEADER_BYTES: u64 = 40;
/// The longest payload of a frame, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 16 << 20;

const MAGIC: &[u8; 8] = b"SGEFOR\r\n";
const VERSION: u32 = 1;
const FRAME_MAGIC: &[u8; 4] = b"SGFR";
const FRAME_HEADER_BYTES: usize = 16;
/// How much is read of the file at once, in bytes.
const READ_BYTES: usize = 64 << 10;

fn checksum(parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3Default::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.digest()
}

/// The header of a log.
pub(super) fn header(epoch: u64, generation: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    bytes.extend_from_slice(&epoch.to_le_bytes());
    bytes.extend_from_slice(&generation.to_le_bytes());
    let sum = checksum(&[&bytes]);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The generation that the header of a log says.
pub(super) fn read_generation(file: &File, path: &Path) -> Result<u64, StoreError> {
    let mut bytes = [0; HEADER_BYTES as usize];
    file.read_exact_at(&mut bytes, 0).map_err(StoreError::io("read", path))?;
    let (body, sum) = bytes.split_at(HEADER_BYTES as usize - 8);
    let number = |part: &[u8]| part.try_into().map(u64::from_le_bytes).unwrap_or_default();
    if !body.starts_with(MAGIC) || number(sum) != checksum(&[body]) {
        return Err(StoreError::damaged(path, "it does not start as a log of foreign concepts does"));
    }
    let version = body[8..12].try_into().map(u32::from_le_bytes).unwrap_or_default();
    if version > VERSION {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: version, supported: VERSION });
    }
    Ok(number(&body[24..32]))
}

/// Appends the frame of a record. Nothing is appended where it is too large.
pub(super) fn put_record(record: &ForeignRecord, out: &mut Vec<u8>) -> io::Result<()> {
    let payload = bincode::serialize(record).map_err(io::Error::other)?;
    if payload.len() > RECORD_BYTES_MAX {
        return Err(io::Error::other(format!("a record takes {} bytes (max: {RECORD_BYTES_MAX})", payload.len())));
    }
    let start = out.len();
    out.extend_from_slice(FRAME_MAGIC);
    #[allow(clippy::cast_possible_truncation)] // It is at most RECORD_BYTES_MAX, as was seen above.
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    let sum = checksum(&[&out[start..], &payload]);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&payload);
    Ok(())
}

/// A stretch of a file, read from one place on without moving the place of others.
struct Stretch<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

fn reader(file: &File, at: u64, end: u64) -> BufReader<Stretch<'_>> {
    let bytes = usize::try_from(end.saturating_sub(at)).unwrap_or(READ_BYTES).clamp(FRAME_HEADER_BYTES, READ_BYTES);
    BufReader::with_capacity(bytes, Stretch { file, at, end })
}

/// The record whose frame starts at the reader, with the length of the frame; nothing if it is not whole.
fn next_record(reader: &mut impl Read, left: u64) -> io::Result<Option<(ForeignRecord, u64)>> {
    let mut header = [0; FRAME_HEADER_BYTES];
    if left < header.len() as u64 {
        return Ok(None);
    }
    reader.read_exact(&mut header)?;
    let length = header[4..8].try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX) as usize;
    let frame_bytes = (FRAME_HEADER_BYTES + length) as u64;
    if !header.starts_with(FRAME_MAGIC) || length > RECORD_BYTES_MAX || frame_bytes > left {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload)?;
    let sum = header[8..16].try_into().map(u64::from_le_bytes).unwrap_or_default();
    if sum != checksum(&[&header[..8], &payload]) {
        return Ok(None);
    }
    Ok(bincode::deserialize(&payload).ok().map(|record| (record, frame_bytes)))
}

/// Where the next whole frame starts at or behind a place, if there is one.
fn find_frame(file: &File, from: u64, end: u64) -> io::Result<Option<u64>> {
    let mut window = Vec::new();
    for (index, byte) in reader(file, from, end).bytes().enumerate() {
        if window.len() == FRAME_MAGIC.len() {
            window.remove(0);
        }
        window.push(byte?);
        if window == FRAME_MAGIC {
            let at = from + index as u64 + 1 - FRAME_MAGIC.len() as u64;
            if next_record(&mut reader(file, at, end), end - at)?.is_some() {
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

/// Visits the records of a stretch of a log that starts with a frame. After damage it goes on at the next whole frame.
pub(super) fn scan(
    file: &File,
    from: ForeignPlace,
    end: u64,
    visitor: &mut dyn FnMut(ForeignPlace, ForeignRecord),
) -> io::Result<Scanned> {
    let mut scanned = Scanned { whole_end: from.offset, damaged_bytes: 0 };
    let mut frames = reader(file, from.offset, end);
    loop {
        let at = scanned.whole_end;
        if at >= end {
            return Ok(scanned);
        }
        if let Some((record, bytes)) = next_record(&mut frames, end - at)? {
            visitor(ForeignPlace { offset: at, ..from }, record);
            scanned.whole_end += bytes;
            continue;
        }
        let Some(next) = find_frame(file, at + 1, end)? else { return Ok(scanned) };
        scanned.damaged_bytes += next - at;
        scanned.whole_end = next;
        frames = reader(file, next, end);
    }
}

/// The record at a place that a scan named.
pub(super) fn read_record(file: &File, offset: u64, end: u64) -> io::Result<Option<ForeignRecord>> {
    let found = next_record(&mut reader(file, offset, end), end.saturating_sub(offset))?;
    Ok(found.map(|(record, _)| record))
}
