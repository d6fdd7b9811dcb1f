//! Opening a store, and bringing it back to where it was after a crash.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::append::{self, Writer, new_tail};
use super::config::StoreConfig;
use super::directory::{Directory, EVENTS_BEYOND_DAMAGE, Found};
use super::pieces::{Pieces, Tail};
use super::retention::Retention;
use super::sealer::{self, SealedLog};
use super::shared::Shared;
use super::stand_ins;
use super::{Handle, Loss, LossCause, Store};
use crate::error::StoreError;
use crate::storage::files::{self, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::segment::SegmentCache;
use crate::storage::tail::{LogFile, TailMemory};

impl Store {
    /// Opens a store for writing with the default settings. A directory that is new or empty becomes a store.
    ///
    /// # Errors
    /// If another process writes to it, the directory is something else or was written by a newer
    /// version, or the operating system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, StoreConfig::default())
    }

    /// As [`open`](Self::open), with settings.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, StoreError> {
        Self::open_removing(path, config, u64::MAX)
    }

    /// As [`open_with`](Self::open_with), for a store whose events must reach another place before they may go:
    /// retention removes none until [`allow_removal`](Self::allow_removal) says up to where it may.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[cfg(any(test, feature = "remote"))]
    pub(crate) fn open_spool(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, StoreError> {
        Self::open_removing(path, config, 0)
    }

    fn open_removing(path: impl AsRef<Path>, config: StoreConfig, removable: u64) -> Result<Self, StoreError> {
        let directory = Directory::new(path.as_ref());
        directory.check_free_or_ours()?;
        files::create_directory(&directory.root)?;
        // The lock comes first, so that two processes cannot both make the directory a store.
        let lock = directory.lock(config.durability)?;
        let format = match directory.format()? {
            Some(format) => format,
            None => directory.create()?,
        };
        files::create_directory(&directory.tail)?;
        files::create_directory(&directory.segments)?;
        files::remove_unfinished(&directory.root)?;
        files::remove_unfinished(&directory.segments)?;
        files::remove_unfinished(&directory.tail)?;
        // A writer that died may have made names that are not durable: nothing is built on them before they are.
        files::sync_directory(&directory.segments)?;
        files::sync_directory(&directory.root)?;
        let cache = SegmentCache::new(config.cache_bytes);
        let found = directory.read(&cache, &Pieces::default(), true)?;
        let (known, sequence) = (found.highest_known(), found.highest_sequence());
        let (mut pieces, mut problems) = (found.pieces, found.problems);
        stand_ins::seal_again(&directory, format, &cache, &mut pieces, &mut problems);
        let log_ids = files::list_numbered(&directory.tail, LOG_ENDING)?;
        let segment_ids = files::list_numbered(&directory.segments, SEGMENT_ENDING)?;
        let mut last_id = log_ids.last().copied().max(segment_ids.last().copied()).unwrap_or(0).max(found.last_id);

        if !lock.left_well {
            make_durable(&directory, &pieces)?;
        }
        let resumed = resume_last(&directory, &mut pieces, found.last_log.as_ref(), &log_ids, &mut last_id)?;
        let mut shared = Shared::new(directory, format, config, cache, pieces, sequence, false);
        shared.is_spool = removable == 0;
        // Before the threads are started, so that retention never sees another limit.
        shared.removable.store(removable, Ordering::Release);
        shared.sealing.lock().anchor = found.anchor;
        *shared.problems.lock() = problems;
        // Numbers are passed over behind what could not be read, which a log that goes on does not do; nor may the ids
        // of the logs behind it be those of files that are there.
        let goes_on = |tail: &Arc<Tail>| tail.id == last_id && sequence < tail.next_sequence();
        if !resumed || !shared.pieces().active().is_some_and(goes_on) {
            let tail = new_tail(&shared, last_id + 1, sequence + 1, found.anchor)?;
            shared.change_pieces(|pieces| pieces.tails.push(Arc::new(tail)));
        }
        *shared.writer.lock() = Some(Writer::new(lock));
        let sealed_logs = sealed_logs(&shared, &log_ids);
        let store = Self { handle: Arc::new(start(shared, sealed_logs)?) };
        if let Some(torn_bytes) =
            found.last_log.filter(|_| resumed).map(|log| log.torn_bytes).filter(|&bytes| bytes > 0)
        {
            // A full disk must not keep a store from being opened; then it is a problem that is told.
            let noted = store.note_torn(torn_bytes);
            store.shared().note_problem(noted);
        }
        if sequence > known {
            let noted = store.note_passed_over(known + 1, sequence);
            store.shared().note_problem(noted);
        }
        Ok(store)
    }

    /// Remembers that the end of the last log was torn and cut off: what was being written when the process or the
    /// machine went down, or was acknowledged and not durable yet, is not in the record.
    fn note_torn(&self, bytes: u64) -> Result<(), StoreError> {
        let newest =
            self.snapshot().sources().iter().filter_map(|source| source.time_bounds()).map(|(_, max)| max).max();
        let mut loss = Loss::new(LossCause::Torn, format!("{bytes} bytes at the end of the last log were torn off"));
        (loss.first_us, loss.last_us) = (newest, newest.map(|newest| newest.max(loss.noted_at_us)));
        self.note_loss(&loss)
    }

    /// Remembers that numbers were passed over, since the newest files could not be read.
    fn note_passed_over(&self, first: u64, last: u64) -> Result<(), StoreError> {
        let detail = "the newest files could not be read when the store was opened to be written";
        let (first_sequence, last_sequence) = (Some(first), Some(last));
        self.note_loss(&Loss { first_sequence, last_sequence, ..Loss::new(LossCause::Damaged, detail) })
    }

    /// Opens a store for reading: takes no lock and writes nothing. Works beside a writer, on a copy of the
    /// directory and on a read-only disk.
    ///
    /// # Errors
    /// If there is no store, it was written by a newer version, or the operating system refuses. What is
    /// damaged is no error: see [`problems`](Self::problems).
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = Directory::new(path.as_ref());
        if !directory.root.is_dir() {
            return Err(StoreError::Missing { path: directory.root });
        }
        let Some(format) = directory.format()? else {
            let empty = files::entries(&directory.root).is_ok_and(|entries| entries.is_empty());
            return Err(if empty { StoreError::Missing { path: directory.root } } else { directory.without_format() });
        };
        let config = StoreConfig { retention: Retention::default(), ..StoreConfig::default() };
        let cache = SegmentCache::new(config.cache_bytes);
        let found = directory.read(&cache, &Pieces::default(), false)?;
        let shared = Shared::new(directory, format, config, cache, Pieces::default(), 0, true);
        let store = Self { handle: Arc::new(Handle { shared: Arc::new(shared), threads: Vec::new().into() }) };
        store.take_over(found);
        Ok(store)
    }

    /// Makes a store that was opened for reading see what was written since. No effect on one open for writing.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let shared = self.shared();
        if shared.read_only {
            let found = shared.directory.read(&shared.cache, &shared.pieces(), false)?;
            self.take_over(found);
        }
        Ok(())
    }

    fn take_over(&self, found: super::directory::Found) {
        let shared = self.shared();
        let sequence = found.pieces.tails.last().map_or(0, |tail| tail.next_sequence().saturating_sub(1));
        let sequence = sequence.max(found.pieces.sealed_sequence());
        shared.change_pieces(|pieces| *pieces = found.pieces);
        *shared.problems.lock() = found.problems;
        // A reader cannot tell what is durable; what it can read is what there is.
        shared.durable.note_read(sequence);
    }
}

impl Found {
    /// The highest sequence number that something says was given.
    pub(crate) fn highest_known(&self) -> u64 {
        let in_tails = self.pieces.tails.last().map_or(0, |tail| tail.next_sequence().saturating_sub(1));
        in_tails.max(self.pieces.sealed_sequence()).max(self.anchor.sequence)
    }

    /// The highest sequence number that is given already, as far as can be known: behind what could be read there
    /// may be more in files that could not.
    pub(crate) fn highest_sequence(&self) -> u64 {
        let known = self.highest_known();
        let last_read = self.pieces.tails.iter().map(|tail| tail.id).max().unwrap_or(0).max(self.last_id);
        if self.last_unread > last_read { known + EVENTS_BEYOND_DAMAGE } else { known }
    }
}

/// Makes durable what a writer left that died or could not. What was found counts as durable, so it has to be; and
/// since a sync may have failed before, one that succeeds now says nothing of what was written by then. So the files
/// are written anew.
fn make_durable(directory: &Directory, pieces: &Pieces) -> Result<(), StoreError> {
    let logs = pieces.tails.iter().map(|tail| files::numbered(&directory.tail, tail.id, LOG_ENDING));
    for path in logs.chain([directory.root.join(files::FOREIGN_FILE)]) {
        // What is no regular file is said to whoever asks for concepts; events are not concerned.
        if std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            match files::write_durably(&path, &files::read(&path, u64::MAX - 1)?) {
                // Without room for a second copy the store would open for nobody who could make room. A sync in place
                // is all that is left then.
                Err(StoreError::Io { source, .. })
                    if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
                {
                    let synced = files::open_to_read(&path).and_then(|file| file.sync_all());
                    synced.map_err(StoreError::io("sync", &path))?;
                }
                other => other?,
            }
        }
    }
    Ok(())
}

/// Gives the tails their logs, so that the last can be appended to. Whether there is one to go on with.
///
/// A log may have the name of another, of which there is a segment: what it holds becomes a segment under an id that
/// nothing has.
fn resume_last(
    directory: &Directory,
    pieces: &mut Pieces,
    last_log: Option<&super::directory::LastLog>,
    log_ids: &[u64],
    last_id: &mut u64,
) -> Result<bool, StoreError> {
    let mut resumed = false;
    let count = pieces.tails.len();
    let is_taken = |id: u64| {
        let path = files::numbered(&directory.segments, id, SEGMENT_ENDING);
        pieces.segments.iter().any(|segment| segment.contents().id == id || segment.path() == path)
    };
    for (index, tail) in pieces.tails.iter_mut().enumerate() {
        let is_last = index + 1 == count && log_ids.last() == Some(&tail.id);
        let resume = last_log.filter(|last| is_last && last.id == tail.id && last.can_resume);
        let path = files::numbered(&directory.tail, tail.id, LOG_ENDING);
        let log = match resume {
            Some(last) => LogFile::resume(&path, last.whole_bytes)?,
            None => LogFile::open_ended(&path)?,
        };
        resumed |= resume.is_some();
        let memory = std::mem::replace(&mut *tail.memory.write(), TailMemory::new(1));
        let is_free = !is_taken(tail.id);
        *last_id += u64::from(!is_free);
        *tail = Arc::new(Tail::new(if is_free { tail.id } else { *last_id }, memory, Some(log)));
    }
    Ok(resumed)
}

/// The logs whose segments are durable, left over from before.
fn sealed_logs(shared: &Shared, log_ids: &[u64]) -> Vec<SealedLog> {
    let pieces = shared.pieces();
    let holds = |id: u64| {
        // One that has the name of another may hold events that no segment has.
        let path = files::numbered(&shared.directory.tail, id, LOG_ENDING);
        let is_it = |tail: &&Arc<Tail>| tail.log.as_ref().is_some_and(|log| log.path() == path);
        pieces.tails.iter().find(is_it).is_some_and(|tail| tail.memory.read().len() > 0)
    };
    let sealed = |id: &&u64| pieces.segments.iter().any(|segment| segment.contents().id == **id) && !holds(**id);
    let log = |id: &u64| {
        let path = files::numbered(&shared.directory.tail, *id, LOG_ENDING);
        let age =
            std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
        let since = age.and_then(|age| Instant::now().checked_sub(age)).unwrap_or_else(Instant::now);
        SealedLog { id: *id, path, since }
    };
    log_ids.iter().filter(sealed).map(log).collect()
}

/// Starts the threads of a store that is open for writing.
fn start(shared: Shared, sealed_logs: Vec<SealedLog>) -> Result<Handle, StoreError> {
    let shared = Arc::new(shared);
    let root = shared.directory.root.clone();
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(StoreError::io("start a thread for", &root))
    };
    let (for_sync, for_sealing) = (Arc::clone(&shared), Arc::clone(&shared));
    let durability = shared.config.durability;
    let sync = move || for_sync.durable.run(durability, &|tails| append::sync(&for_sync, tails));
    let sync = spawn("grid-events-sync", Box::new(sync))?;
    let sealer = spawn("grid-events-seal", Box::new(move || sealer::run(&for_sealing, sealed_logs)))?;
    Ok(Handle { shared, threads: vec![sync, sealer].into() })
}
