//! Reading a segment file: its contents at once, everything else when it is needed.
//!
//! Files are read with positioned reads, not mapped, so that a file that is cut off or lies on a
//! failing disk gives an error and not a signal. What was decoded is kept in one cache for all segments.
//!
//! A segment may be replaced by one of the same id that was written anew without some of its events. Each reader
//! therefore has a number of its own in the cache, and knows its file again by the start of it.

use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use xxhash_rust::xxh3::xxh3_64;

use super::builder::shapes_of;
use super::contents::{self, Contents, END_BYTES, SEGMENT_VERSION, START_BYTES, SectionRecord, Start};
use super::dictionary::Dictionary;
use super::filter::Filter;
use super::missing::Missing;
use super::rows::SegmentRows;
use super::{block, counts, filter};
use crate::error::StoreError;
use crate::storage::chain::SEQUENCE_MAX;
use crate::storage::checksum;
use crate::storage::files;
use crate::storage::shape::Shape;
use crate::storage::source::{ValueCounts, Zone};

/// Segment files held open at once.
const OPEN_FILES_MAX: usize = 256;
/// Read at once at the start of a segment, in bytes: enough for the contents of nearly every one.
const FIRST_READ_BYTES: usize = 16 << 10;

/// What was decoded of any segment, within a limit of memory. The first part of a key is the number of the reader.
pub(crate) struct SegmentCache {
    parts: quick_cache::sync::Cache<(u64, Part), Decoded, ByBytes>,
    files: quick_cache::sync::Cache<u64, Arc<File>>,
    next_number: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Filter,
    Dictionary,
    Counts(u32, u32),
    PostingsPage(u32),
    Block(u32),
}

#[derive(Clone)]
enum Decoded {
    Filter(Arc<Filter>),
    Dictionary(Arc<Dictionary>),
    Counts(ValueCounts),
    PostingsPage(Arc<[u8]>),
    Block(Arc<SegmentRows>),
}

#[derive(Clone)]
struct ByBytes;

impl quick_cache::Weighter<(u64, Part), Decoded> for ByBytes {
    fn weight(&self, _: &(u64, Part), decoded: &Decoded) -> u64 {
        let bytes = match decoded {
            Decoded::Filter(filter) => filter.bytes(),
            Decoded::Dictionary(dictionary) => dictionary.bytes(),
            Decoded::Counts(counts) => counts.len() * 48,
            Decoded::PostingsPage(page) => page.len(),
            Decoded::Block(rows) => rows.bytes(),
        };
        bytes as u64 + 64
    }
}

impl SegmentCache {
    /// A cache for this many bytes.
    pub(crate) fn new(bytes: u64) -> Arc<Self> {
        let entries = usize::try_from(bytes / 16_384).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Arc::new(Self {
            parts: quick_cache::sync::Cache::with_weighter(entries, bytes, ByBytes),
            files: quick_cache::sync::Cache::new(OPEN_FILES_MAX),
            next_number: AtomicU64::new(0),
        })
    }
}

impl std::fmt::Debug for SegmentCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentCache").field("bytes", &self.parts.weight()).finish()
    }
}

/// An open segment.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    path: PathBuf,
    contents: Contents,
    zones: Vec<Zone>,
    time_bounds: Option<(i64, i64)>,
    types: Vec<Arc<str>>,
    fields: Vec<Arc<str>>,
    shapes: Vec<Arc<Shape>>,
    shapes_digest: u64,
    body_offset: u64,
    file_bytes: u64,
    cache: Arc<SegmentCache>,
    /// What tells this reader from every other in the cache.
    number: u64,
    /// The file, as long as the reader lives, once another took its name.
    pinned: OnceLock<Arc<File>>,
    /// The start of the file, with the checksum of its contents.
    start: [u8; START_BYTES],
    identity: FileIdentity,
    remove: AtomicBool,
    pub(super) missing: Missing,
}

/// What tells a file from another of its name without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// A digest of the types and names of fields, whatever their order.
fn digest_of(shapes: &[Arc<Shape>]) -> u64 {
    let digests = shapes.iter().map(|shape| {
        let mut hasher = DefaultHasher::new();
        shape.event_type.hash(&mut hasher);
        shape.fields.iter().for_each(|field| field.name.hash(&mut hasher));
        hasher.finish()
    });
    let mut digests: Vec<u64> = digests.collect();
    digests.sort_unstable();
    digests.dedup();
    let mut hasher = DefaultHasher::new();
    digests.hash(&mut hasher);
    hasher.finish()
}

impl SegmentReader {
    /// Opens a segment file and reads its contents, from the second copy if the first is damaged.
    pub(crate) fn open(path: &Path, cache: &Arc<SegmentCache>) -> Result<Self, StoreError> {
        let file = files::open_to_read(path).map_err(StoreError::io("open", path))?;
        let metadata = file.metadata().map_err(StoreError::io("read", path))?;
        let file_bytes = metadata.len();
        let start = start_of(&file).map_err(StoreError::io("read", path))?;
        let (contents, body_offset) = read_contents(&file, file_bytes, path)?;
        let shapes =
            shapes_of(&contents).ok_or_else(|| StoreError::damaged(path, "it holds a shape that no event can have"))?;
        let zones = zones_of(&contents).ok_or_else(|| StoreError::damaged(path, "its blocks do not add up"))?;
        let types = contents.types.iter().map(|found| crate::event::intern_name(&found.name)).collect();
        let fields = contents.fields.iter().map(|name| crate::event::intern_name(name)).collect();
        let reader = Self {
            path: path.to_owned(),
            time_bounds: zones
                .iter()
                .map(|zone| (zone.min_us, zone.max_us))
                .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))),
            zones,
            types,
            fields,
            shapes_digest: digest_of(&shapes),
            shapes,
            body_offset,
            file_bytes,
            cache: Arc::clone(cache),
            number: cache.next_number.fetch_add(1, Ordering::Relaxed),
            pinned: OnceLock::new(),
            start,
            identity: FileIdentity::of(&metadata),
            remove: AtomicBool::new(false),
            missing: Missing::default(),
            contents,
        };
        reader.cache.files.insert(reader.number, Arc::new(file));
        Ok(reader)
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    pub(super) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    pub(super) fn time_bounds(&self) -> Option<(i64, i64)> {
        self.time_bounds
    }

    pub(super) fn shapes_digest(&self) -> u64 {
        self.shapes_digest
    }

    pub(super) fn shapes(&self) -> &[Arc<Shape>] {
        &self.shapes
    }

    pub(super) fn type_names(&self) -> &[Arc<str>] {
        &self.types
    }

    pub(super) fn field_names(&self) -> &[Arc<str>] {
        &self.fields
    }

    /// Removes the file once nobody reads the segment any more.
    pub(crate) fn remove_when_unused(&self) {
        self.remove.store(true, Ordering::Relaxed);
    }

    /// Keeps the file open as long as the reader lives, so that it can be read when another takes its name.
    pub(crate) fn pin(&self) -> Result<(), StoreError> {
        let file = self.file()?;
        self.pinned.get_or_init(|| file);
        Ok(())
    }

    /// Whether the file of this name is still the one that the reader was opened on, as far as can be told without
    /// opening it.
    ///
    /// # Errors
    /// If there is no such file any more.
    pub(crate) fn is_current(&self) -> Result<bool, StoreError> {
        let metadata = fs::symlink_metadata(&self.path).map_err(StoreError::io("read", &self.path))?;
        Ok(FileIdentity::of(&metadata) == self.identity)
    }

    /// The place in the contents of the type of a block.
    pub(super) fn type_of_block(&self, block: usize) -> Option<usize> {
        let first = self.zones.get(block)?.first;
        self.contents.types.partition_point(|found| found.first <= first).checked_sub(1)
    }

    pub(super) fn rows(&self, index: usize) -> Result<Arc<SegmentRows>, StoreError> {
        let key = (self.number, Part::Block(index as u32));
        if let Some(Decoded::Block(rows)) = self.cache.parts.get(&key) {
            return Ok(rows);
        }
        let damaged = || StoreError::damaged(&self.path, format!("block {index} is not what was written"));
        let record = self.contents.blocks.get(index).ok_or_else(damaged)?;
        let bytes = self.read(record.offset, record.bytes)?;
        let (head, columns) = block::decode(&bytes).ok_or_else(damaged)?;
        let event_type = self.type_of_block(index).map(|place| Arc::clone(&self.types[place])).ok_or_else(damaged)?;
        if *head.event_type != *event_type || head.count != record.count {
            return Err(damaged());
        }
        let rows = SegmentRows::new(event_type, columns, &self.shapes, &self.fields, self.dictionary()?)
            .ok_or_else(damaged)?;
        let rows = Arc::new(rows);
        self.cache.parts.insert(key, Decoded::Block(Arc::clone(&rows)));
        Ok(rows)
    }

    /// Whether the segment may name this word as an entity.
    pub(super) fn may_name(&self, word: &str) -> Result<bool, StoreError> {
        let key = (self.number, Part::Filter);
        if let Some(Decoded::Filter(found)) = self.cache.parts.get(&key) {
            return Ok(found.may_contain(filter::hash_of(word)));
        }
        let bytes = self.section(&self.contents.filter, "filter")?;
        let found =
            Filter::from_bytes(&bytes).ok_or_else(|| StoreError::damaged(&self.path, "its filter is not whole"))?;
        let found = Arc::new(found);
        self.cache.parts.insert(key, Decoded::Filter(Arc::clone(&found)));
        Ok(found.may_contain(filter::hash_of(word)))
    }

    pub(super) fn dictionary(&self) -> Result<Arc<Dictionary>, StoreError> {
        let key = (self.number, Part::Dictionary);
        if let Some(Decoded::Dictionary(dictionary)) = self.cache.parts.get(&key) {
            return Ok(dictionary);
        }
        let dictionary = Arc::new(self.read_dictionary()?);
        self.cache.parts.insert(key, Decoded::Dictionary(Arc::clone(&dictionary)));
        Ok(dictionary)
    }

    fn read_dictionary(&self) -> Result<Dictionary, StoreError> {
        let total: u64 = self.contents.dictionary.iter().map(|page| u64::from(page.stored_bytes)).sum();
        let total = u32::try_from(total).map_err(|_| StoreError::damaged(&self.path, "its dictionary is too large"))?;
        let [first, second] = self.contents.dictionary_offsets;
        let mut pages = self.read(first, total)?;
        let mut at = 0usize;
        for (number, record) in self.contents.dictionary.iter().enumerate() {
            let place = at..at + record.stored_bytes as usize;
            if !checksum::fits(xxh3_64(&pages[place.clone()]), record.checksum) {
                let again = self.read(second + at as u64, record.stored_bytes)?;
                if !checksum::fits(xxh3_64(&again), record.checksum) {
                    let reason = format!("both copies of page {number} of its dictionary are");
                    return Err(StoreError::damaged(&self.path, reason));
                }
                pages[place.clone()].copy_from_slice(&again);
            }
            at = place.end;
        }
        Ok(Dictionary::new(&self.contents.dictionary, pages))
    }

    /// The stored counts of a type and field, by their places.
    pub(super) fn counts(&self, type_place: u32, field: u32) -> Result<Option<ValueCounts>, StoreError> {
        let key = (self.number, Part::Counts(type_place, field));
        if let Some(Decoded::Counts(counts)) = self.cache.parts.get(&key) {
            return Ok(Some(counts));
        }
        let table = self.section(&self.contents.counts, "table of counts")?;
        let damaged = || StoreError::damaged(&self.path, "its table of counts is not whole");
        let Some(list) = counts::find(&table, type_place, field).ok_or_else(damaged)? else { return Ok(None) };
        let counts = counts::parse(list, &*self.dictionary()?).ok_or_else(damaged)?;
        self.cache.parts.insert(key, Decoded::Counts(Arc::clone(&counts)));
        Ok(Some(counts))
    }

    pub(super) fn postings_page(&self, index: usize) -> Result<Arc<[u8]>, StoreError> {
        let key = (self.number, Part::PostingsPage(index as u32));
        if let Some(Decoded::PostingsPage(page)) = self.cache.parts.get(&key) {
            return Ok(page);
        }
        let record = self
            .contents
            .postings
            .get(index)
            .ok_or_else(|| StoreError::damaged(&self.path, "a page of postings is not there"))?;
        let page: Arc<[u8]> = self.section(&record.section, "postings")?.into();
        self.cache.parts.insert(key, Decoded::PostingsPage(Arc::clone(&page)));
        Ok(page)
    }

    fn section(&self, record: &SectionRecord, name: &str) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read(record.offset, record.bytes)?;
        if !checksum::fits(xxh3_64(&bytes), record.checksum) {
            return Err(StoreError::damaged(&self.path, format!("the checksum of its {name} does not fit")));
        }
        Ok(bytes)
    }

    /// Reads a stretch of the body. Never allocates more than the file is long.
    fn read(&self, offset: u64, bytes: u32) -> Result<Vec<u8>, StoreError> {
        let start = self.body_offset.saturating_add(offset);
        if start.saturating_add(u64::from(bytes)) > self.file_bytes {
            return Err(StoreError::damaged(&self.path, "it is cut off"));
        }
        let file = self.file()?;
        let mut buffer = vec![0; bytes as usize];
        file.read_exact_at(&mut buffer, start).map_err(StoreError::io("read", &self.path))?;
        Ok(buffer)
    }

    /// The open file.
    fn file(&self) -> Result<Arc<File>, StoreError> {
        if let Some(file) = self.pinned.get().cloned().or_else(|| self.cache.files.get(&self.number)) {
            return Ok(file);
        }
        let failed = || StoreError::io("open", &self.path);
        let file = files::open_to_read(&self.path).map_err(failed())?;
        if start_of(&file).map_err(failed())? != self.start {
            // As with a segment that was removed: whoever holds an old view is told that it is gone.
            let reason = "it was replaced by one with fewer events; open the store again";
            return Err(failed()(std::io::Error::new(std::io::ErrorKind::NotFound, reason)));
        }
        let file = Arc::new(file);
        self.cache.files.insert(self.number, Arc::clone(&file));
        Ok(file)
    }
}

impl Drop for SegmentReader {
    fn drop(&mut self) {
        self.cache.files.remove(&self.number);
        if self.remove.load(Ordering::Relaxed) {
            // A file that stays is removed at the next retention.
            let _ = files::remove(&self.path);
        }
    }
}

/// The first bytes of a file; zeros where it is shorter.
fn start_of(file: &File) -> std::io::Result<[u8; START_BYTES]> {
    let mut start = [0; START_BYTES];
    let mut read = 0;
    while read < START_BYTES {
        match file.read_at(&mut start[read..], read as u64)? {
            0 => break,
            bytes => read += bytes,
        }
    }
    Ok(start)
}

fn read_contents(file: &File, file_bytes: u64, path: &Path) -> Result<(Contents, u64), StoreError> {
    let mut first = vec![0; FIRST_READ_BYTES.min(usize::try_from(file_bytes).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut first, 0).map_err(StoreError::io("read", path))?;
    let read = |offset: u64, bytes: u64| -> Result<Vec<u8>, StoreError> {
        if offset.saturating_add(bytes) > file_bytes {
            return Ok(Vec::new());
        }
        let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(0)];
        file.read_exact_at(&mut buffer, offset).map_err(StoreError::io("read", path))?;
        Ok(buffer)
    };
    match contents::parse_start(&first) {
        Start::Newer(found) => {
            return Err(StoreError::NewerFormat { path: path.to_owned(), found, supported: SEGMENT_VERSION });
        }
        Start::Frame(frame) => {
            let end = START_BYTES + frame.stored_bytes as usize;
            let stored = match first.get(START_BYTES..end) {
                Some(stored) => stored.to_vec(),
                None => read(START_BYTES as u64, u64::from(frame.stored_bytes))?,
            };
            if let Some(contents) = contents::decode(frame, &stored) {
                return Ok((contents, end as u64));
            }
        }
        Start::Damaged => {}
    }
    let end = read(file_bytes.saturating_sub(END_BYTES as u64), END_BYTES as u64)?;
    contents::parse_end(&end)
        .and_then(|(frame, body_offset)| {
            let start = file_bytes.checked_sub(END_BYTES as u64 + u64::from(frame.stored_bytes))?;
            let stored = read(start, u64::from(frame.stored_bytes)).ok()?;
            contents::decode(frame, &stored).map(|contents| (contents, body_offset))
        })
        .ok_or_else(|| StoreError::damaged(path, "both copies of its contents are"))
}

pub(super) fn zones_of(contents: &Contents) -> Option<Vec<Zone>> {
    let mut first = 0u32;
    let mut zones = Vec::with_capacity(contents.blocks.len());
    for block in &contents.blocks {
        let (count, min_us, max_us) = (block.count, block.min_us, block.max_us);
        zones.push(Zone { first, count, min_us, max_us });
        first = first.checked_add(count).filter(|_| count > 0)?;
    }
    let mut type_first = 0u32;
    for found in &contents.types {
        // Each type starts where the one before ends, and with a block of its own.
        if found.first != type_first || zones.binary_search_by_key(&type_first, |zone| zone.first).is_err() {
            return None;
        }
        type_first = type_first.checked_add(found.count)?;
    }
    let highest = contents.last_sequence.max(contents.before.sequence).max(contents.after.sequence);
    let sequences_fit = contents.first_sequence <= contents.last_sequence.saturating_add(1) && highest <= SEQUENCE_MAX;
    (sequences_fit && first == contents.count && type_first == contents.count).then_some(zones)
}
