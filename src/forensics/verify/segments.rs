//! Checks all segments, several at a time, and says what their faults mean.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::files::unreadable;
use super::{Lost, Progress, Severity, Verification, VerifyOptions};
use crate::error::StoreError;
use crate::storage::files::{self, SEGMENT_DIRECTORY, SEGMENT_ENDING};
use crate::storage::segment::Contents;
use crate::storage::segment::check::{self, Harm, SegmentFacts};
use crate::store::directory::Directory;

/// A larger segment is not read, in bytes.
const SEGMENT_BYTES_MAX: u64 = 4 << 30;
/// How often the directory is listed again because segments went meanwhile.
const LISTINGS_MAX: usize = 10;

/// A segment that was checked.
pub(super) struct Checked {
    pub(super) id: u64,
    pub(super) file_bytes: u64,
    pub(super) facts: SegmentFacts,
    /// Why the file could not be read.
    pub(super) unread: Option<String>,
}

impl Checked {
    pub(super) fn file(&self) -> PathBuf {
        file_of(self.id)
    }

    /// The id that it says it has; that of its name if it cannot be read.
    pub(super) fn own_id(&self) -> u64 {
        self.contents().map_or(self.id, |contents| contents.id)
    }

    pub(super) fn contents(&self) -> Option<&Contents> {
        self.facts.contents.as_ref()
    }
}

/// The path of a segment from the data directory on.
pub(super) fn file_of(id: u64) -> PathBuf {
    files::numbered(SEGMENT_DIRECTORY.as_ref(), id, SEGMENT_ENDING)
}

/// Checks every segment, in the order of their ids. Those that retention removes meanwhile are passed over.
pub(super) fn check_all(
    directory: &Directory,
    options: &VerifyOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Checked> {
    let mut checked: Vec<Checked> = Vec::new();
    let mut gone: BTreeSet<u64> = BTreeSet::new();
    for _ in 0..LISTINGS_MAX {
        // A directory that cannot be listed is found beside the segments.
        let listed = files::list_numbered(&directory.segments, SEGMENT_ENDING).unwrap_or_default();
        let is_new = |id: &u64| !gone.contains(id) && !checked.iter().any(|known| known.id == *id);
        let new: Vec<u64> = listed.into_iter().filter(is_new).collect();
        if new.is_empty() {
            break;
        }
        let found = check_some(directory, &new, options, progress);
        let missed = found.len() < new.len();
        gone.extend(new.iter().filter(|id| !found.iter().any(|known| known.id == **id)));
        checked.extend(found);
        if !missed {
            break;
        }
    }
    checked.sort_by_key(|known| known.id);
    checked
}

fn check_some(
    directory: &Directory,
    ids: &[u64],
    options: &VerifyOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Checked> {
    let path_of = |id: u64| files::numbered(&directory.segments, id, SEGMENT_ENDING);
    let size = |id: &u64| std::fs::symlink_metadata(path_of(*id)).map_or(0, |metadata| metadata.len());
    let total_bytes = ids.iter().map(size).sum();
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let results: Mutex<Vec<Checked>> = Mutex::new(Vec::new());
    let work = || {
        while let Some(&id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = match files::read(&path_of(id), SEGMENT_BYTES_MAX) {
                Ok(file) => {
                    let facts = check::check(&file);
                    let file_bytes = file.len() as u64;
                    let bytes = bytes.fetch_add(file_bytes, Ordering::Relaxed) + file_bytes;
                    progress(Progress { bytes, total_bytes });
                    Checked { id, file_bytes, facts: slim(facts), unread: None }
                }
                // Retention removed it meanwhile.
                Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    let unread = Some(unreadable(&error));
                    Checked { id, file_bytes: 0, facts: SegmentFacts::default(), unread }
                }
            };
            if let Ok(mut results) = results.lock() {
                results.push(found);
            }
        }
    };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = options.threads.unwrap_or_else(cores).clamp(1, ids.len().max(1));
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    results.into_inner().unwrap_or_default()
}

/// The facts without what is not asked for again, since there may be many segments.
fn slim(mut facts: SegmentFacts) -> SegmentFacts {
    if let Some(contents) = &mut facts.contents {
        contents.dictionary = Vec::new();
        contents.postings = Vec::new();
        contents.shapes = Vec::new();
    }
    facts
}

/// Says what was found in each segment.
pub(super) fn report(checked: &[Checked], epoch: u64, verification: &mut Verification) {
    for found in checked {
        verification.segments += 1;
        verification.events += found.facts.events;
        verification.raw_bytes += found.facts.json_bytes;
        verification.file_bytes += found.file_bytes;
        if let Some(reason) = &found.unread {
            let what = format!("{reason}. None of its events was checked.");
            verification.find(Severity::Error, found.file(), "", what);
        }
        for fault in &found.facts.faults {
            let (severity, advice) = match fault.harm {
                Harm::Copy => (Severity::Warning, "Nothing is lost: there is another copy."),
                Harm::Index => (Severity::Warning, "Searches may miss events; the events are there."),
                Harm::Events => (Severity::Error, "A backup may have them."),
                Harm::Record => {
                    (Severity::Error, "It was changed after it was sealed, or written wrongly: compare with a backup.")
                }
            };
            let what = match fault.what.strip_prefix("1 events ") {
                Some(rest) => format!("1 event {rest}. {advice}"),
                None => format!("{}. {advice}", fault.what),
            };
            verification.find(severity, found.file(), &*fault.place, what);
        }
        let Some(contents) = found.contents() else { continue };
        if contents.epoch != epoch {
            let what = format!(
                "it belongs to another store (epoch {:016x}). Take it out, if it was put here by mistake.",
                contents.epoch
            );
            verification.find(Severity::Error, found.file(), "contents", what);
        }
        if contents.id != found.id {
            let what =
                format!("it is segment {}, and was renamed. Its events are there; give it back its name.", contents.id);
            verification.find(Severity::Warning, found.file(), "contents", what);
        }
        verification.lost.extend(found.facts.lost.iter().map(|rows| Lost {
            first_sequence: Some(contents.first_sequence),
            last_sequence: Some(contents.last_sequence),
            first_us: Some(rows.first_us),
            last_us: Some(rows.last_us),
            events: Some(rows.events),
        }));
    }
}
