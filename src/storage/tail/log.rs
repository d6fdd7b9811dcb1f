//! The log: an append-only file of checksummed frames, one file for each future segment.
//!
//! ```text
//! header  "SGELOG\r\n" · version u32 · length u32 · LogHeader (bincode) · xxh3 u64
//! frame   "SGEF" · kind u8 · 3 × 0 · stored length u32 · raw length u32 · xxh3 u64 · payload
//! ```
//!
//! Numbers are little-endian. The checksum of a frame covers its header before the checksum, and the
//! payload. A log that ends in the middle of a frame is a valid prefix. After damage, reading goes on
//! at the next frame that is whole.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3Default;

use super::batch::{BATCH_BYTES_MAX, BatchRecord};
use crate::error::StoreError;
use crate::storage::chain::{Anchor, SEQUENCE_MAX};
use crate::storage::checksum;
use crate::storage::compression;
use crate::storage::{files, medium};

const LOG_MAGIC: &[u8; 8] = b"SGELOG\r\n";
const LOG_VERSION: u32 = 1;
const FRAME_MAGIC: &[u8; 4] = b"SGEF";
const FRAME_HEADER_BYTES: usize = 24;
/// A header that is longer is damaged.
const LOG_HEADER_BYTES_MAX: usize = 4096;
/// A log that is longer is not read.
pub(crate) const LOG_BYTES_MAX: u64 = 4 << 30;
/// Payloads below this size are stored as they are.
const COMPRESS_FROM_BYTES: usize = 256;

/// How many times its own length is read of a damaged log at most, in search of frames.
const SEARCH_BYTES_FACTOR: usize = 8;

const KIND_BATCH: u8 = 1;
const KIND_BATCH_COMPRESSED: u8 = 2;
const KIND_ANCHOR: u8 = 3;

/// What a log is and where it continues from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct LogHeader {
    /// The store.
    pub(crate) epoch: u64,
    /// The id of the log and of its future segment.
    pub(crate) id: u64,
    /// The sequence number of its first event.
    pub(crate) first_sequence: u64,
    /// The last link of the chain that was known when the log was started.
    pub(crate) anchor: Anchor,
}

/// A frame that was read whole.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A batch of events.
    Batch(BatchRecord),
    /// A segment was sealed: the chain after it.
    Anchor(Anchor),
}

/// A stretch of a log that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DamagedStretch {
    /// Where it starts, in bytes.
    pub(crate) offset: u64,
    /// How long it is, in bytes.
    pub(crate) bytes: u64,
}

/// What was read of a log.
#[derive(Debug)]
pub(crate) struct LogContents {
    pub(crate) header: LogHeader,
    pub(crate) frames: Vec<Frame>,
    /// Stretches between whole frames.
    pub(crate) damaged: Vec<DamagedStretch>,
    /// The length up to the end of the last whole frame, in bytes. What follows is torn.
    pub(crate) whole_bytes: u64,
    /// How many bytes follow the last whole frame.
    pub(crate) torn_bytes: u64,
}

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    bytes: u64,
    /// Whether its name is durable.
    named: bool,
    /// Whether a sync failed. The system may have given up what was not durable then, and a later sync that
    /// succeeds says nothing of it.
    failed: bool,
}

impl LogState {
    fn new(bytes: u64) -> Self {
        Self { bytes, named: false, failed: false }
    }
}

impl LogFile {
    /// Starts a log. Its name becomes durable with the first [`sync`](Self::sync).
    pub(crate) fn create(directory: &Path, header: &LogHeader) -> Result<Self, StoreError> {
        let path = files::numbered(directory, header.id, files::LOG_ENDING);
        let file = medium::create(&path).map_err(StoreError::io("create", &path))?;
        let bytes = encode_header(header).map_err(|error| StoreError::damaged(&path, error.to_string()))?;
        if let Err(error) = medium::write_at(&file, &path, &bytes, 0) {
            // The first error says what went wrong; a log that stays behind holds no event.
            let _ = files::remove(&path);
            return Err(StoreError::io("write", &path)(error));
        }
        Ok(Self { path, file, state: Mutex::new(LogState::new(bytes.len() as u64)) })
    }

    /// Continues a log behind its last whole frame, cutting off what is torn.
    pub(crate) fn resume(path: &Path, whole_bytes: u64) -> Result<Self, StoreError> {
        let file = files::private().read(true).create(false).open(path).map_err(StoreError::io("open", path))?;
        medium::set_length(&file, path, whole_bytes).map_err(StoreError::io("truncate", path))?;
        Ok(Self { path: path.to_owned(), file, state: Mutex::new(LogState::new(whole_bytes)) })
    }

    /// Opens a log that nothing is appended to any more, to make it durable if need be.
    pub(crate) fn open_ended(path: &Path) -> Result<Self, StoreError> {
        let file = files::open_to_read(path).map_err(StoreError::io("open", path))?;
        Ok(Self { path: path.to_owned(), file, state: Mutex::new(LogState::new(u64::MAX)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends frames with one write. If it fails, the log is as it was before.
    pub(crate) fn append(&self, frames: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        match medium::write_at(&self.file, &self.path, frames, state.bytes) {
            Ok(()) => {
                state.bytes += frames.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What was written of it is not whole and would be overwritten by the next append; a
                // reader takes it for a torn end either way.
                let _ = medium::set_length(&self.file, &self.path, state.bytes);
                Err(StoreError::io("write", &self.path)(error))
            }
        }
    }

    /// Makes everything appended so far durable, and the first time the name of the file too. Once it failed, only
    /// a segment makes durable what the log holds: see [`has_failed`](Self::has_failed).
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let synced = medium::sync(&self.file, &self.path).map_err(StoreError::io("sync", &self.path));
        let named = self.state.lock().named;
        let synced = synced.and_then(|()| match self.path.parent() {
            Some(directory) if !named => files::sync_directory(directory),
            _ => Ok(()),
        });
        let mut state = self.state.lock();
        state.failed |= synced.is_err();
        state.named |= synced.is_ok();
        synced
    }

    /// Whether a sync failed, so that a later one would not mean anything.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.lock().failed
    }
}

fn encode_header(header: &LogHeader) -> Result<Vec<u8>, bincode::Error> {
    let record = bincode::serialize(header)?;
    let mut bytes = LOG_MAGIC.to_vec();
    bytes.extend_from_slice(&LOG_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&record);
    let checksum = checksum(&[&bytes]);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

fn checksum(parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3Default::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.digest()
}

/// Appends the frame of a batch.
pub(crate) fn put_batch(batch: &BatchRecord, out: &mut Vec<u8>) -> std::io::Result<()> {
    let raw = batch.encode().map_err(std::io::Error::other)?;
    if raw.len() >= COMPRESS_FROM_BYTES {
        let compressed = compression::compress(&raw)?;
        if compressed.len() < raw.len() {
            put_frame(KIND_BATCH_COMPRESSED, &compressed, raw.len(), out);
            return Ok(());
        }
    }
    put_frame(KIND_BATCH, &raw, raw.len(), out);
    Ok(())
}

/// The frame of an anchor.
pub(crate) fn anchor_frame(anchor: &Anchor) -> Result<Vec<u8>, bincode::Error> {
    let raw = bincode::serialize(anchor)?;
    let mut out = Vec::new();
    put_frame(KIND_ANCHOR, &raw, raw.len(), &mut out);
    Ok(out)
}

fn put_frame(kind: u8, stored: &[u8], raw_bytes: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(FRAME_MAGIC);
    out.extend_from_slice(&[kind, 0, 0, 0]);
    out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
    out.extend_from_slice(&(raw_bytes as u32).to_le_bytes());
    let checksum = checksum(&[&out[start..], stored]);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(stored);
}

/// Reads a log from a byte on; the header is read in any case. Nothing if the log ends within its header or
/// is all zeros: it was being started when the process died, the power went or the disk was full, and holds
/// no event.
pub(crate) fn read_log(path: &Path, from: u64) -> Result<Option<LogContents>, StoreError> {
    parse_log_or_none(&files::read(path, LOG_BYTES_MAX)?, from, path)
}

/// As [`read_log`], from bytes in memory.
pub(crate) fn parse_log_or_none(bytes: &[u8], from: u64, path: &Path) -> Result<Option<LogContents>, StoreError> {
    if ends_within_header(bytes) || bytes.iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    parse_log(bytes, from, path).map(Some)
}

/// Reads the header of a log alone. Nothing if the log ends within it or starts with zeros.
pub(crate) fn read_header(path: &Path) -> Result<Option<LogHeader>, StoreError> {
    let file = files::open_to_read(path).map_err(StoreError::io("open", path))?;
    let mut bytes = Vec::new();
    let most = (16 + LOG_HEADER_BYTES_MAX + 8) as u64;
    file.take(most).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if ends_within_header(&bytes) || bytes.iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    parse_header(&bytes, path).map(|(header, _)| Some(header))
}

/// Whether these bytes are the start of a log and end before its header does.
fn ends_within_header(bytes: &[u8]) -> bool {
    let length = bytes.get(12..16).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let starts = bytes.iter().zip(LOG_MAGIC).all(|(found, expected)| found == expected);
    starts
        && length.is_none_or(|length| length as usize <= LOG_HEADER_BYTES_MAX && bytes.len() < 16 + length as usize + 8)
}

/// As [`read_log`], from bytes in memory.
pub(crate) fn parse_log(bytes: &[u8], from: u64, path: &Path) -> Result<LogContents, StoreError> {
    let (header, header_bytes) = parse_header(bytes, path)?;
    let offset = header_bytes.max(usize::try_from(from).unwrap_or(usize::MAX)).min(bytes.len());
    Ok(frames_of(bytes, offset, header))
}

/// The frames from a byte on.
fn frames_of(bytes: &[u8], mut offset: usize, header: LogHeader) -> LogContents {
    let mut contents =
        LogContents { header, frames: Vec::new(), damaged: Vec::new(), whole_bytes: offset as u64, torn_bytes: 0 };
    let mut hashed = 0;
    while offset < bytes.len() {
        if let Some((frame, length)) = parse_frame(&bytes[offset..]) {
            contents.frames.push(frame);
            offset += length;
        } else {
            // Either the torn end, or damage with whole frames behind it.
            let Some(next) = find_frame(bytes, offset, &mut hashed) else { break };
            contents.damaged.push(DamagedStretch { offset: offset as u64, bytes: (next - offset) as u64 });
            offset = next;
        }
        contents.whole_bytes = offset as u64;
    }
    contents.torn_bytes = (bytes.len() - offset) as u64;
    contents
}

/// Reads every whole frame of a log, whatever else of it is damaged. A header that cannot be read is that of `named`,
/// and starts with the first batch. The second part of the answer is whether the header was read.
pub(crate) fn read_damaged(path: &Path, named: &LogHeader) -> Result<(LogContents, bool), StoreError> {
    let bytes = files::read(path, LOG_BYTES_MAX)?;
    let (contents, has_header) = match parse_log(&bytes, 0, path) {
        Ok(contents) => (contents, true),
        Err(StoreError::Damaged { .. }) => (frames_of(&bytes, 0, named.clone()), false),
        Err(other) => return Err(other),
    };
    Ok((contents, has_header))
}

/// Where the next whole frame behind the damaged one at `offset` starts.
///
/// What the damaged frame says of its length is tried first: what looks like a frame inside of it may be a text of an
/// event. All searches in a log together take time in proportion to its length, whatever is in it: `hashed` is how much
/// was read for them. Where that is too much, the answer is the end of the log, so that what is left of it is damaged,
/// and not a torn end that a writer cuts off.
fn find_frame(bytes: &[u8], offset: usize, hashed: &mut usize) -> Option<usize> {
    let is_whole = |at: &usize| bytes.get(*at..).is_some_and(|rest| parse_frame(rest).is_some());
    let behind = stored_length(&bytes[offset..]).and_then(|length| offset.checked_add(FRAME_HEADER_BYTES + length));
    if let Some(next) = behind.filter(is_whole) {
        return Some(next);
    }
    for at in offset + 1..bytes.len().saturating_sub(FRAME_HEADER_BYTES) {
        let Some(length) = stored_length(&bytes[at..]) else { continue };
        if is_whole(&at) {
            return Some(at);
        }
        *hashed = hashed.saturating_add(length);
        if *hashed / SEARCH_BYTES_FACTOR > bytes.len() {
            return Some(bytes.len());
        }
    }
    None
}

/// The length of the payload of what may be a frame at the front of `bytes`; nothing if it is none or does not end.
fn stored_length(bytes: &[u8]) -> Option<usize> {
    let number = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let is_kind = |kind: u8| (KIND_BATCH..=KIND_ANCHOR).contains(&kind);
    let starts = bytes.starts_with(FRAME_MAGIC) && bytes.get(4).copied().is_some_and(is_kind);
    let (stored, raw) = (number(8)? as usize, number(12)? as usize);
    let fits = stored <= raw && raw <= BATCH_BYTES_MAX && stored <= bytes.len().saturating_sub(FRAME_HEADER_BYTES);
    (starts && fits).then_some(stored)
}

fn parse_header(bytes: &[u8], path: &Path) -> Result<(LogHeader, usize), StoreError> {
    let damaged = |reason: &str| StoreError::damaged(path, reason);
    let number = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    if !bytes.starts_with(LOG_MAGIC) {
        return Err(damaged("it does not start as a log does"));
    }
    let version = number(8).ok_or_else(|| damaged("its header is torn"))?;
    if version > LOG_VERSION {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: version, supported: LOG_VERSION });
    }
    let length = number(12).ok_or_else(|| damaged("its header is torn"))? as usize;
    let end = 16 + length;
    let stored = bytes.get(end..end + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    if length > LOG_HEADER_BYTES_MAX || stored.is_none() {
        return Err(damaged("its header is torn"));
    }
    if !stored.is_some_and(|stored| checksum::fits(checksum(&[&bytes[..end]]), stored)) {
        return Err(damaged("the checksum of its header does not fit"));
    }
    let header: LogHeader = bincode::deserialize(&bytes[16..end]).map_err(|error| damaged(&error.to_string()))?;
    if header.id > SEQUENCE_MAX || header.first_sequence > SEQUENCE_MAX || header.anchor.sequence > SEQUENCE_MAX {
        return Err(damaged("its sequence numbers are none that a store gives"));
    }
    Ok((header, end + 8))
}

/// The frame at the front of `bytes` and its length, if it is whole.
fn parse_frame(bytes: &[u8]) -> Option<(Frame, usize)> {
    let header = bytes.get(..FRAME_HEADER_BYTES)?;
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    if !header.starts_with(FRAME_MAGIC) {
        return None;
    }
    let (stored_bytes, raw_bytes) = (number(8)? as usize, number(12)? as usize);
    let stored = bytes.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES.checked_add(stored_bytes)?)?;
    let expected = u64::from_le_bytes(header.get(16..24)?.try_into().ok()?);
    if !checksum::fits(checksum(&[&header[..16], stored]), expected) {
        return None;
    }
    let frame = match header[4] {
        KIND_BATCH => Frame::Batch(BatchRecord::decode(stored).ok()?),
        KIND_BATCH_COMPRESSED => {
            Frame::Batch(BatchRecord::decode(&compression::decompress(stored, raw_bytes, BATCH_BYTES_MAX)?).ok()?)
        }
        KIND_ANCHOR => Frame::Anchor(bincode::deserialize(stored).ok()?),
        _ => return None,
    };
    let last_sequence = match &frame {
        Frame::Batch(batch) => batch.last_sequence(),
        Frame::Anchor(anchor) => anchor.sequence,
    };
    if last_sequence > SEQUENCE_MAX {
        return None;
    }
    Some((frame, FRAME_HEADER_BYTES + stored_bytes))
}
