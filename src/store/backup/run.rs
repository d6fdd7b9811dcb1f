//! The course of a backup, from listing what there is to writing the manifest.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::BackupError;
use super::manifest::{BackupFile, BackupManifest, UNFINISHED_FILE, log_name, segment_name};
use super::{BackupOptions, BackupReport, FileCount, copy, place};
use crate::error::StoreError;
use crate::storage::chain::hex;
use crate::storage::files::{self, FOREIGN_FILE, FORMAT_FILE, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::foreign::ForeignView;
use crate::storage::keyed::PUBLISHED_FILE;
use crate::storage::segment::SegmentCache;
use crate::storage::tail::{LOG_BYTES_MAX, parse_log_or_none, read_settled};
use crate::store::config::Durability;
use crate::store::directory::Directory;
use crate::store::pieces::Pieces;

/// How often the store is listed again when files vanish while it is read. What is still not there then is gone for
/// another reason, as the place of the backup may be.
const LISTED_AGAIN_MAX: usize = 1000;
/// Memory for reading the finished backup, in bytes.
const CACHE_BYTES: u64 = 1 << 20;

/// Where a file of the backup came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Copied,
    Linked,
    Kept,
    OnlyHere,
}

/// A backup that is being made.
pub(super) struct Run<'a> {
    pub(super) source: &'a Directory,
    pub(super) place: Directory,
    pub(super) options: &'a BackupOptions<'a>,
    /// The backup that was finished last in the same place.
    pub(super) earlier: Option<BackupManifest>,
    /// Another older backup.
    pub(super) previous: Option<(PathBuf, BackupManifest)>,
    /// Files that lie beside their places until everything is there.
    pub(super) staged: BTreeMap<String, BackupFile>,
    /// Segments that were copied to their places.
    pub(super) fresh: HashMap<String, BackupFile>,
    /// All that is in the backup beside those.
    taken: BTreeMap<String, (BackupFile, Part)>,
    pub(super) problems: Vec<String>,
    keyed_published_us: Option<i64>,
    done_bytes: u64,
    total_bytes: u64,
}

/// Makes a backup of a directory that is known to hold everything up to `sequence`.
pub(super) fn run(
    source: &Directory,
    epoch: u64,
    sequence: u64,
    to: &Path,
    options: &BackupOptions<'_>,
    publish: &dyn Fn() -> Result<(), StoreError>,
) -> Result<BackupReport, BackupError> {
    place::check_apart(&source.root, to)?;
    let previous = options.previous.map(|path| previous_backup(path, to, epoch)).transpose()?;
    let earlier = place::look(to, epoch)?;
    if let Some(manifest) = earlier.as_ref().filter(|earlier| earlier.last_sequence > sequence)
        && !options.mirror
    {
        let reason = format!("events up to number {}, the store ends at {sequence}", manifest.last_sequence);
        return Err(BackupError::OtherHistory { path: to.to_owned(), reason });
    }
    let place = Directory::new(to);
    files::create_directory(&place.root)?;
    // Two backups at once, or a writer in the backup, would disturb each other.
    let _lock = place.lock(Durability::OsBuffered)?;
    files::create_directory(&place.tail)?;
    files::create_directory(&place.segments)?;
    for directory in [&place.root, &place.tail, &place.segments] {
        files::remove_unfinished(directory)?;
    }
    if earlier.is_none() {
        mark_unfinished(to)?;
    }
    let total_bytes = files::bytes_below(&source.segments) + files::bytes_below(&source.tail);
    let mut run = Run {
        source,
        place,
        options,
        earlier,
        previous,
        staged: BTreeMap::new(),
        fresh: HashMap::new(),
        taken: BTreeMap::new(),
        problems: Vec::new(),
        keyed_published_us: None,
        done_bytes: 0,
        total_bytes,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        match run.collect(publish) {
            // Sealing or retention removed what was listed: what took its place is found now.
            Err(BackupError::Store(StoreError::Io { source, .. }))
                if source.kind() == std::io::ErrorKind::NotFound && tries < LISTED_AGAIN_MAX => {}
            other => break other?,
        }
    }
    run.finish(epoch)
}

fn previous_backup(path: &Path, to: &Path, epoch: u64) -> Result<(PathBuf, BackupManifest), BackupError> {
    place::check_apart(path, to)?;
    let manifest = BackupManifest::read(path)?.ok_or_else(|| BackupError::NotABackup { path: path.to_owned() })?;
    let expected = format!("{epoch:016x}");
    if manifest.epoch != expected {
        return Err(BackupError::OtherStore { path: path.to_owned(), found: manifest.epoch, expected });
    }
    Ok((path.to_owned(), manifest))
}

fn mark_unfinished(to: &Path) -> Result<(), StoreError> {
    files::write_durably(&to.join(UNFINISHED_FILE), b"A backup is being written here. Make it again.\n")
}

impl Run<'_> {
    pub(super) fn done(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        self.tell();
    }

    fn tell(&self) {
        if let Some(progress) = self.options.progress {
            progress(self.done_bytes, self.total_bytes.max(self.done_bytes));
        }
    }

    pub(super) fn note(&mut self, record: BackupFile, part: Part) {
        self.taken.insert(record.name.clone(), (record, part));
    }

    pub(super) fn hash(&mut self, name: &str, path: &Path) -> Result<BackupFile, StoreError> {
        let record = copy::hash(name, path, &mut |bytes| self.done_bytes += bytes)?;
        self.tell();
        Ok(record)
    }

    /// Copies a file beside its place.
    pub(super) fn stage(&mut self, name: &str, from: &mut impl Read) -> Result<BackupFile, StoreError> {
        let temporary = copy::temporary(&self.place.root.join(name));
        let (progress, before, total) = (self.options.progress, self.done_bytes, self.total_bytes);
        let mut done = before;
        let record = copy::copy(name, from, &temporary, &mut |bytes| {
            done += bytes;
            if let Some(progress) = progress {
                progress(done, total.max(done));
            }
        })?;
        self.done_bytes = done;
        self.staged.insert(name.to_owned(), record.clone());
        Ok(record)
    }

    /// Takes over everything that the store has.
    fn collect(&mut self, publish: &dyn Fn() -> Result<(), StoreError>) -> Result<(), BackupError> {
        self.staged.clear();
        self.taken.clear();
        self.problems.clear();
        // The logs are listed first: one that is sealed and removed meanwhile is found as a segment.
        let logs = files::list_numbered(&self.source.tail, LOG_ENDING)?;
        let segments = files::list_numbered(&self.source.segments, SEGMENT_ENDING)?;
        for &id in logs.iter().filter(|id| !segments.contains(id)) {
            self.take_log(id)?;
        }
        for &id in &segments {
            self.take_segment(id)?;
        }
        if !self.options.mirror {
            self.keep_what_is_only_here(&logs, &segments)?;
        }
        self.take_foreign()?;
        // Last, so that what was removed of the above meanwhile is known to be.
        publish()?;
        self.take_published()?;
        let path = self.source.root.join(FORMAT_FILE);
        self.stage(FORMAT_FILE, &mut open(&path)?)?;
        Ok(())
    }

    /// Takes over the whole frames of a log. One that cannot be read is copied as it is, and so is a torn end that
    /// nobody is writing: whoever reads the backup is told of it as whoever reads the store is.
    fn take_log(&mut self, id: u64) -> Result<(), BackupError> {
        let name = log_name(id);
        let path = self.source.root.join(&name);
        let (bytes, torn) = match read_settled(&path) {
            // It was being started.
            Ok(None) => return Ok(()),
            Ok(Some((bytes, contents))) => (bytes, contents.torn_bytes),
            Err(StoreError::Io { action, path, source }) => return Err(StoreError::Io { action, path, source }.into()),
            Err(_) => (files::read(&path, LOG_BYTES_MAX)?, 0),
        };
        if torn > 0 {
            let reason = format!("{torn} bytes at its end are torn off, and are in the backup as they are");
            self.problems.push(StoreError::damaged(&path, reason).to_string());
        }
        let mut whole = bytes.as_slice();
        let here = self.place.root.join(&name);
        if !self.options.mirror && self.earlier.as_ref().is_some_and(|earlier| earlier.file(&name).is_some()) {
            match files::read(&here, LOG_BYTES_MAX) {
                // A torn end is cut off by the next writer.
                Ok(before) if !whole.starts_with(whole_of(&before, &here)) => {
                    let reason = format!("log {id} goes on in another way there");
                    return Err(BackupError::OtherHistory { path: self.place.root.clone(), reason });
                }
                _ => {}
            }
        }
        self.stage(&name, &mut whole)?;
        Ok(())
    }

    fn take_foreign(&mut self) -> Result<(), BackupError> {
        let path = self.source.root.join(FOREIGN_FILE);
        let whole = match ForeignView::of_other(&self.source.root, None) {
            Ok(view) => view.whole_prefix()?,
            Err(StoreError::Damaged { reason, .. }) => {
                self.problems.push(StoreError::damaged(&path, reason).to_string());
                Some((open(&path)?.into(), u64::MAX))
            }
            Err(other) => return Err(other.into()),
        };
        if let Some((file, bytes)) = whole {
            self.stage(FOREIGN_FILE, &mut (&*file).take(bytes))?;
        }
        Ok(())
    }

    fn take_published(&mut self) -> Result<(), BackupError> {
        let path = self.source.root.join(PUBLISHED_FILE);
        let mut file = match files::open_to_read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(StoreError::io("open", &path))?,
        };
        let metadata = file.metadata().map_err(StoreError::io("read", &path))?;
        self.keyed_published_us =
            Some(metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1_000));
        self.stage(PUBLISHED_FILE, &mut file)?;
        Ok(())
    }

    /// Retention removes from the store, and not from its backups.
    fn keep_what_is_only_here(&mut self, logs: &[u64], segments: &[u64]) -> Result<(), BackupError> {
        for id in files::list_numbered(&self.place.segments, SEGMENT_ENDING)? {
            if !segments.contains(&id) {
                self.keep_only_here(&segment_name(id))?;
            }
        }
        for id in files::list_numbered(&self.place.tail, LOG_ENDING)? {
            let has_segment = segments.contains(&id) || self.taken.contains_key(&segment_name(id));
            if !has_segment && !logs.contains(&id) {
                self.keep_only_here(&log_name(id))?;
            }
        }
        Ok(())
    }

    fn keep_only_here(&mut self, name: &str) -> Result<(), BackupError> {
        let path = self.place.root.join(name);
        let record = self.hash(name, &path)?;
        if self.earlier.as_ref().and_then(|earlier| earlier.file(name)).is_some_and(|known| *known != record) {
            self.problems
                .push(format!("{} was changed since it was copied, and the store has it no more", path.display()));
        }
        self.note(record, Part::OnlyHere);
        Ok(())
    }

    /// Gives everything its place, checks it and writes the manifest.
    fn finish(mut self, epoch: u64) -> Result<BackupReport, BackupError> {
        let root = self.place.root.clone();
        for (name, record) in std::mem::take(&mut self.fresh) {
            self.taken.entry(name).and_modify(|(_, part)| *part = Part::Copied).or_insert((record, Part::Copied));
        }
        let staged = std::mem::take(&mut self.staged);
        if self.earlier.is_some() {
            mark_unfinished(&root)?;
        }
        for (name, record) in staged {
            let path = root.join(&name);
            copy::rename(&copy::temporary(&path), &path)?;
            self.note(record, Part::Copied);
        }
        let removed = self.remove_outdated()?;
        for directory in [&self.place.tail, &self.place.segments, &root] {
            files::sync_directory(directory)?;
        }
        for (record, _) in self.taken.values().filter(|(_, part)| *part == Part::Copied) {
            let path = root.join(&record.name);
            if copy::hash(&record.name, &path, &mut |_| {})? != *record {
                return Err(BackupError::Changed { path, reason: "it does not read as it was written".to_owned() });
            }
        }
        let manifest = BackupManifest::of(epoch, self.taken.values().map(|(record, _)| record.clone()).collect());
        let (manifest, problems) = describe(&self.place, manifest)?;
        manifest.write(&root)?;
        files::remove(&root.join(UNFINISHED_FILE))?;
        files::sync_directory(&root)?;
        self.problems.extend(problems);
        Ok(self.report(manifest, removed))
    }

    fn report(self, manifest: BackupManifest, removed: FileCount) -> BackupReport {
        let count = |wanted: Part| {
            let mut count = FileCount::default();
            self.taken.values().filter(|(_, part)| *part == wanted).for_each(|(record, _)| count.add(record.bytes));
            count
        };
        BackupReport {
            copied: count(Part::Copied),
            linked: count(Part::Linked),
            kept: count(Part::Kept),
            only_here: count(Part::OnlyHere),
            removed,
            keyed_published_us: self.keyed_published_us,
            problems: self.problems,
            path: self.place.root,
            manifest,
        }
    }

    /// Removes what is not in the backup any more.
    fn remove_outdated(&self) -> Result<FileCount, StoreError> {
        let mut removed = FileCount::default();
        let logs = files::list_numbered(&self.place.tail, LOG_ENDING)?.into_iter().map(log_name);
        let segments = files::list_numbered(&self.place.segments, SEGMENT_ENDING)?.into_iter().map(segment_name);
        let others = [FOREIGN_FILE, PUBLISHED_FILE].map(str::to_owned);
        for name in logs.chain(segments).chain(others).filter(|name| !self.taken.contains_key(name)) {
            let path = self.place.root.join(&name);
            if let Ok(metadata) = std::fs::symlink_metadata(&path) {
                removed.add(metadata.len());
                files::remove(&path)?;
            }
        }
        Ok(removed)
    }
}

/// What of a log is whole; all of one that cannot be read.
fn whole_of<'a>(bytes: &'a [u8], path: &Path) -> &'a [u8] {
    let contents = parse_log_or_none(bytes, 0, path).ok().flatten();
    let whole = contents.and_then(|contents| usize::try_from(contents.whole_bytes).ok());
    whole.and_then(|whole| bytes.get(..whole)).unwrap_or(bytes)
}

fn open(path: &Path) -> Result<File, StoreError> {
    files::open_to_read(path).map_err(StoreError::io("open", path))
}

/// Opens the finished files as a store, and adds to the manifest what is in them; with what is damaged.
fn describe(place: &Directory, manifest: BackupManifest) -> Result<(BackupManifest, Vec<String>), StoreError> {
    let found = place.read(&SegmentCache::new(CACHE_BYTES), &Pieces::default(), false)?;
    let snapshot = found.pieces.snapshot();
    let in_tails = found.pieces.tails.last().map_or(0, |tail| tail.next_sequence().saturating_sub(1));
    let anchor = found.anchor;
    let head = hex(&anchor.chain);
    let manifest = BackupManifest {
        first_sequence: snapshot.first_sequence(),
        last_sequence: in_tails.max(found.pieces.sealed_sequence()).max(anchor.sequence),
        events: snapshot.sources().iter().map(|source| u64::from(source.len())).sum(),
        head: format!("{head}@{}", anchor.sequence),
        ..manifest
    };
    Ok((manifest, found.problems.iter().map(ToString::to_string).collect()))
}
