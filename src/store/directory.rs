//! The data directory: what it is, who writes it, and what is in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::Durability;
use super::pieces::{Pieces, Tail};
use crate::error::StoreError;
use crate::storage::chain::Anchor;
use crate::storage::files::{
    self, FORMAT_FILE, LOCK_FILE, LOG_ENDING, SEGMENT_DIRECTORY, SEGMENT_ENDING, TAIL_DIRECTORY,
};
use crate::storage::medium;
use crate::storage::segment::{SegmentCache, SegmentReader};
use crate::storage::tail::{Frame, LogContents, LogHeader, TailMemory, read_header, read_log};

/// The version of the directory's layout that this crate writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// What stands before the durability in the lock file.
const DURABILITY_LINE: &str = "durability ";
const FORMAT_NAME: &str = "sutra-grid-events";
/// A larger format or lock file is not what it should be, in bytes.
const SMALL_FILE_BYTES_MAX: u64 = 4096;
/// How often the directory is listed again when files vanish while it is read.
const LISTED_AGAIN_MAX: usize = 1000;
/// So many sequence numbers are passed over behind files that cannot be read: more than one file of events has.
pub(crate) const EVENTS_BEYOND_DAMAGE: u64 = 1 << 24;

/// The paths of a store.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) root: PathBuf,
    pub(crate) tail: PathBuf,
    pub(crate) segments: PathBuf,
}

/// What the format file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) version: u32,
    /// A random number that tells this store from every other.
    pub(crate) epoch: u64,
}

/// The lock of the one writer, until it is dropped.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
    path: PathBuf,
    /// What the file says.
    text: String,
    /// Whether the writer before left nothing behind that is not durable, or was never to be.
    pub(crate) left_well: bool,
}

impl WriterLock {
    /// Leaves word that all is durable. Where it cannot be written, the next writer writes the logs anew.
    pub(crate) fn note_left_well(&self) {
        if let Ok(line) = left_well_line(&self.file) {
            let _ = medium::write_at(&self.file, &self.path, line.as_bytes(), self.text.len() as u64);
        }
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // A child process that is just being started shares the open file until it runs its program, so that
        // closing the file here would not release the lock yet.
        let _ = self.file.unlock();
    }
}

/// What stands last in the lock file once its writer left all durable. It names the file itself, since a copy of a
/// directory is as durable as whoever copied it made it.
fn left_well_line(file: &File) -> std::io::Result<String> {
    Ok(format!("left well, file {}\n", file.metadata()?.ino()))
}

/// What was found in a directory.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) pieces: Pieces,
    pub(crate) anchor: Anchor,
    /// What could not be read; everything else can.
    pub(crate) problems: Vec<StoreError>,
    /// Whether the last log ends with its last whole frame, or with a torn one that can be cut off.
    pub(crate) last_log: Option<LastLog>,
    /// The highest id of a file that could not be read, by its name; 0 if there is none.
    pub(crate) last_unread: u64,
    /// The highest id that a segment says it has.
    pub(crate) last_id: u64,
    /// Whether only damage is let pass.
    strict: bool,
    /// Whether a file that vanished makes the directory be listed again.
    lists_again: bool,
}

/// The log that a writer goes on with.
#[derive(Debug)]
pub(crate) struct LastLog {
    pub(crate) id: u64,
    pub(crate) whole_bytes: u64,
    /// How many bytes behind that are torn.
    pub(crate) torn_bytes: u64,
    /// Whether it is whole but for a torn end. A damaged log is left as it is.
    pub(crate) can_resume: bool,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), tail: root.join(TAIL_DIRECTORY), segments: root.join(SEGMENT_DIRECTORY) }
    }

    /// Refuses a directory that holds other things and is no store.
    pub(crate) fn check_free_or_ours(&self) -> Result<(), StoreError> {
        if !self.root.exists() || self.format()?.is_some() {
            return Ok(());
        }
        if self.holds_events() {
            return Err(self.without_format());
        }
        match files::entries(&self.root)?.into_iter().find(|name| !is_ours(name)) {
            Some(name) => {
                let reason = format!("it holds `{}` and no {FORMAT_FILE} file", name.to_string_lossy());
                Err(StoreError::NotAStore { path: self.root.clone(), reason })
            }
            None => Ok(()),
        }
    }

    /// Whether there is a segment or a log.
    fn holds_events(&self) -> bool {
        let holds = |path: &Path, ending: &str| files::list_numbered(path, ending).is_ok_and(|found| !found.is_empty());
        holds(&self.segments, SEGMENT_ENDING) || holds(&self.tail, LOG_ENDING)
    }

    /// A directory that is there and has no format file.
    pub(crate) fn without_format(&self) -> StoreError {
        let path = self.root.clone();
        match self.holds_events() {
            true => StoreError::WithoutFormat { path },
            false => StoreError::NotAStore { path, reason: format!("it has no {FORMAT_FILE} file") },
        }
    }

    /// Makes the directory a store. The caller holds the lock.
    pub(crate) fn create(&self) -> Result<Format, StoreError> {
        self.create_as(random_epoch())
    }

    /// Makes the directory the store with this epoch.
    pub(crate) fn create_as(&self, epoch: u64) -> Result<Format, StoreError> {
        files::create_directory(&self.tail)?;
        files::create_directory(&self.segments)?;
        if let Some(parent) = self.root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The store's own name is durable only once the directory above is; a format file says that it is.
            files::sync_directory(parent)?;
        }
        let text = format!("{FORMAT_NAME} {FORMAT_VERSION}\nepoch {epoch:016x}\n");
        files::write_durably(&self.root.join(FORMAT_FILE), text.as_bytes())?;
        Ok(Format { version: FORMAT_VERSION, epoch })
    }

    /// Reads the format file. Nothing if there is none.
    pub(crate) fn format(&self) -> Result<Option<Format>, StoreError> {
        let path = self.root.join(FORMAT_FILE);
        let not_ours = |reason: &str| StoreError::NotAStore { path: self.root.clone(), reason: reason.to_owned() };
        let bytes = match files::read(&path, SMALL_FILE_BYTES_MAX) {
            // Only a file that is not there says so; one that may not be read is an error.
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| not_ours("its FORMAT file is not text"))?;
        let mut lines = text.lines();
        let version = lines.next().and_then(|line| line.strip_prefix(FORMAT_NAME)).map(str::trim);
        let version = version.ok_or_else(|| not_ours("its FORMAT file names another format"))?;
        let version: u32 = version.parse().map_err(|_| not_ours("its FORMAT file has no version"))?;
        if version > FORMAT_VERSION {
            return Err(StoreError::NewerFormat { path: self.root.clone(), found: version, supported: FORMAT_VERSION });
        }
        let epoch =
            lines.next().and_then(|line| line.strip_prefix("epoch ")).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Ok(Some(Format { version, epoch: epoch.ok_or_else(|| not_ours("its FORMAT file has no epoch"))? }))
    }

    /// Takes the lock of the one writer, held until it is dropped, and leaves word of who it is.
    pub(crate) fn lock(&self, durability: Durability) -> Result<WriterLock, StoreError> {
        let path = self.root.join(LOCK_FILE);
        let file = medium::open_or_create(&path).map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = (&file).take(SMALL_FILE_BYTES_MAX).read_to_string(&mut holder);
                let holder = holder.lines().next().unwrap_or_default().trim();
                let holder = if holder.is_empty() { "another process" } else { holder }.to_owned();
                return Err(StoreError::Locked { path: self.root.clone(), holder });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
        }
        let mut before = String::new();
        // Whatever cannot be read does not say that all was left well.
        let _ = (&file).take(SMALL_FILE_BYTES_MAX).read_to_string(&mut before);
        let left_well = left_well_line(&file).is_ok_and(|line| before.ends_with(&line));
        let since = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let text = format!("process {} since {since}\n{DURABILITY_LINE}{durability}\n", std::process::id());
        let written =
            medium::set_length(&file, &path, 0).and_then(|()| medium::write_at(&file, &path, text.as_bytes(), 0));
        written.map_err(StoreError::io("write", &path))?;
        Ok(WriterLock { file, path, text, left_well })
    }

    /// The durability of the last writer, in words.
    pub(crate) fn last_durability(&self) -> String {
        let bytes = files::read(&self.root.join(LOCK_FILE), SMALL_FILE_BYTES_MAX).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().find_map(|line| line.strip_prefix(DURABILITY_LINE));
        line.unwrap_or("unknown").to_owned()
    }

    /// Reads segments and logs, taking over from `before` what was read already. Files that cannot be read are
    /// problems; for a writer (`strict`) only if they are damaged, as it would give ids again that it does not see.
    pub(crate) fn read(&self, cache: &Arc<SegmentCache>, before: &Pieces, strict: bool) -> Result<Found, StoreError> {
        // The logs are listed first: one that is sealed and removed meanwhile is found as a segment.
        // One that vanishes after it was listed makes everything be listed again.
        let mut tries = 0;
        loop {
            let logs = files::list_numbered(&self.tail, LOG_ENDING)?;
            let segments = files::list_numbered(&self.segments, SEGMENT_ENDING)?;
            tries += 1;
            let mut found = Found::new(strict, tries < LISTED_AGAIN_MAX);
            match self.read_listed(&logs, &segments, cache, before, &mut found) {
                Err(StoreError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && tries < LISTED_AGAIN_MAX => {}
                other => return other.map(|()| found),
            }
        }
    }

    fn read_listed(
        &self,
        logs: &[u64],
        segments: &[u64],
        cache: &Arc<SegmentCache>,
        before: &Pieces,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        let epoch = self.format()?.map(|format| format.epoch);
        let known: HashMap<&Path, _> = before.segments.iter().map(|known| (known.path(), known)).collect();
        let mut opened = Vec::with_capacity(segments.len());
        for &id in segments {
            let path = files::numbered(&self.segments, id, SEGMENT_ENDING);
            // One that was written anew with fewer events meanwhile is opened again.
            let known = known.get(path.as_path()).map(|known| known.is_current().map(|is| is.then_some(*known)));
            match known.transpose()?.flatten() {
                Some(known) => opened.push((id, Arc::clone(known))),
                None => match SegmentReader::open(&path, cache) {
                    Ok(segment) => opened.push((id, Arc::new(segment))),
                    Err(problem) => found.unread(id, problem)?,
                },
            }
        }
        found.take_segments(opened, epoch);
        let last = found.pieces.segments.last();
        found.anchor = last.map_or_else(Anchor::default, |segment| segment.contents().after);
        let mut first_wanted = found.pieces.sealed_sequence() + 1;
        let without_segment = |id: &u64| !found.pieces.segments.iter().any(|segment| segment.contents().id == *id);
        let unread: Vec<u64> =
            segments.iter().copied().filter(without_segment).filter(|id| logs.contains(id)).collect();
        let stand_ins: HashSet<u64> =
            unread.into_iter().filter(|&id| found.stand_in(self, id, epoch, before)).collect();
        for (header, id) in self.unsealed(logs, found)? {
            if stand_ins.contains(&id) {
                continue;
            }
            let path = files::numbered(&self.tail, id, LOG_ENDING);
            if let Some(header) = &header {
                if epoch.is_some_and(|epoch| epoch != header.epoch) {
                    found.unread(id, StoreError::damaged(&path, "it belongs to another store"))?;
                    continue;
                }
                if header.id != id {
                    let reason = format!("its name is that of another: it is log {}", header.id);
                    found.problems.push(StoreError::damaged(&path, reason));
                }
            }
            if let Some(known) = before.tails.iter().find(|known| known.id == id) {
                if let Err(problem) = found.read_on(known, &path) {
                    found.unread(id, problem)?;
                }
                found.pieces.tails.push(Arc::clone(known));
                first_wanted = known.next_sequence();
                continue;
            }
            match read_log(&path, 0) {
                Ok(Some(contents)) => first_wanted = found.add_log(id, contents, first_wanted, &path),
                Ok(None) => {}
                Err(problem) => found.unread(id, problem)?,
            }
        }
        Ok(())
    }

    /// The logs whose events no segment holds, in the order of their events, with what they say of themselves.
    fn unsealed(&self, logs: &[u64], found: &mut Found) -> Result<Vec<(Option<LogHeader>, u64)>, StoreError> {
        let mut unsealed = Vec::new();
        for &id in logs {
            let header = match read_header(&files::numbered(&self.tail, id, LOG_ENDING)) {
                // A log that is being started says nothing yet, and holds nothing.
                Ok(header) => header,
                Err(problem) => {
                    found.unread(id, problem)?;
                    continue;
                }
            };
            // A segment holds all events of the log with its id.
            let log = header.as_ref().map_or(id, |header| header.id);
            if !found.pieces.segments.iter().any(|segment| segment.contents().id == log) {
                unsealed.push((header, id));
            }
        }
        unsealed.sort_by_key(|(header, id)| (header.as_ref().map_or(u64::MAX, |header| header.first_sequence), *id));
        Ok(unsealed)
    }
}

impl Found {
    fn new(strict: bool, lists_again: bool) -> Self {
        Self {
            pieces: Pieces::default(),
            anchor: Anchor::default(),
            problems: Vec::new(),
            last_log: None,
            last_unread: 0,
            last_id: 0,
            strict,
            lists_again,
        }
    }

    /// Keeps what could not be read as a problem; in a strict reading, only damage is none.
    fn unread(&mut self, id: u64, problem: StoreError) -> Result<(), StoreError> {
        let vanished = matches!(&problem, StoreError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::NotFound);
        let passes = matches!(problem, StoreError::Damaged { .. }) || !self.strict;
        if !passes || (vanished && self.lists_again) {
            return Err(problem);
        }
        self.problems.push(problem);
        self.last_unread = self.last_unread.max(id);
        Ok(())
    }

    /// Takes segments that were opened, each with the id that its name says. What a segment says itself counts, but
    /// one whose name fits comes first, and no two may hold the same.
    fn take_segments(&mut self, mut opened: Vec<(u64, Arc<SegmentReader>)>, epoch: Option<u64>) {
        let mut ranges: BTreeMap<u64, u64> = BTreeMap::new();
        let mut ids = HashSet::new();
        opened.sort_by_key(|(id, segment)| (*id != segment.contents().id, *id));
        for (id, segment) in opened {
            let contents = segment.contents();
            let (first, last) = (contents.first_sequence, contents.last_sequence);
            let before = ranges.range(..=last).next_back();
            let refused = if epoch.is_some_and(|epoch| epoch != contents.epoch) {
                Some("it belongs to another store, and is not read".to_owned())
            } else if ids.contains(&contents.id) || before.is_some_and(|(_, &end)| end >= first) {
                Some(format!(
                    "it says that it is segment {}, whose events another file holds; it is not read",
                    contents.id
                ))
            } else {
                None
            };
            if let Some(reason) = refused {
                self.problems.push(StoreError::damaged(segment.path(), reason));
                self.last_unread = self.last_unread.max(id);
                continue;
            }
            if contents.id != id {
                let reason = format!("its name is that of another: it is segment {}, and read as that", contents.id);
                self.problems.push(StoreError::damaged(segment.path(), reason));
            }
            ranges.insert(first, last);
            ids.insert(contents.id);
            self.last_id = self.last_id.max(contents.id);
            self.pieces.segments.push(segment);
        }
        self.pieces.segments.sort_by_key(|segment| segment.contents().first_sequence);
    }

    /// Adds the tail that a log holds; gives the next sequence number.
    fn add_log(&mut self, id: u64, contents: LogContents, first_wanted: u64, path: &Path) -> u64 {
        let first_wanted = first_wanted.max(contents.header.first_sequence);
        let named = contents.header.id == id;
        self.note_anchor(contents.header.anchor);
        let mut memory = TailMemory::new(first_wanted);
        let whole = self.replay(&mut memory, &contents, first_wanted, path);
        let (whole_bytes, torn_bytes) = (contents.whole_bytes, contents.torn_bytes);
        self.last_log = Some(LastLog { id, whole_bytes, torn_bytes, can_resume: whole && named });
        let tail = Arc::new(Tail::new(id, memory, None));
        tail.note_read(whole_bytes, torn_bytes);
        let next = tail.next_sequence();
        self.pieces.tails.push(tail);
        next
    }

    /// Reads what was appended to the log of a tail since it was read last.
    fn read_on(&mut self, tail: &Arc<Tail>, path: &Path) -> Result<(), StoreError> {
        use std::sync::atomic::Ordering;
        if let Some(contents) = read_log(path, tail.read_bytes.load(Ordering::Relaxed))? {
            let mut memory = tail.memory.write();
            let first_wanted = memory.sequence(memory.len());
            self.replay(&mut memory, &contents, first_wanted, path);
            tail.note_read(contents.whole_bytes, contents.torn_bytes);
        }
        Ok(())
    }

    /// Adds the batches of a log to a tail. Whether all of it, but for a torn end, could be read.
    pub(super) fn replay(
        &mut self,
        memory: &mut TailMemory,
        contents: &LogContents,
        first_wanted: u64,
        path: &Path,
    ) -> bool {
        let mut whole = contents.damaged.is_empty();
        for stretch in &contents.damaged {
            let reason = format!("{} bytes from byte {} on are not what was written", stretch.bytes, stretch.offset);
            self.problems.push(StoreError::damaged(path, reason));
        }
        for frame in &contents.frames {
            match frame {
                Frame::Anchor(anchor) => self.note_anchor(*anchor),
                Frame::Batch(batch) if batch.last_sequence() < first_wanted => {}
                Frame::Batch(batch) => {
                    if let Err(reason) = memory.replay(batch, first_wanted) {
                        whole = false;
                        self.problems.push(StoreError::damaged(path, reason));
                    }
                }
            }
        }
        whole
    }

    fn note_anchor(&mut self, anchor: Anchor) {
        if anchor.sequence > self.anchor.sequence {
            self.anchor = anchor;
        }
    }
}

/// Whether a directory entry is one that a store makes before its format file is durable.
fn is_ours(name: &std::ffi::OsStr) -> bool {
    [TAIL_DIRECTORY, SEGMENT_DIRECTORY, LOCK_FILE, "FORMAT.tmp"].iter().any(|ours| name == *ours)
}

/// A number that no other store has, as far as the clock, the process and the hasher's random seed tell.
fn random_epoch() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_i64(chrono::Utc::now().timestamp_micros());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_although_a_child_still_shares_its_file() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = Directory::new(root.path());
        let lock = directory.lock(Durability::Always).expect("free");
        let shared_with_a_child = lock.file.try_clone().expect("a second handle");
        assert!(matches!(directory.lock(Durability::Always), Err(StoreError::Locked { .. })));
        drop(lock);
        directory.lock(Durability::Always).expect("free again");
        drop(shared_with_a_child);
    }
}
