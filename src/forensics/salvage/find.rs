//! What is in the directory: files are known by their first bytes, whatever their names.
//!
//! Symbolic links, pipes and devices are not followed, and what is below sled's directory is not looked at.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::report::{PieceOutcome, SalvagedPiece};
use crate::error::StoreError;
use crate::storage::files::{self, FORMAT_FILE, KEYED_DIRECTORY, LOG_ENDING, SEGMENT_ENDING};
use crate::storage::segment::{SegmentCache, SegmentReader};
use crate::storage::tail::read_header;
use crate::store::Directory;

/// Directories below the store are looked into down to here.
const DEPTH_MAX: usize = 3;
const SEGMENT_START: &[u8] = b"SGESEG\r\n";
const SEGMENT_END: &[u8] = b"SGESEGND";
const LOG_START: &[u8] = b"SGELOG\r\n";
const FOREIGN_START: &[u8] = b"SGEFOR\r\n";

/// The files that hold the events of one segment, in whatever form.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) segments: Vec<PathBuf>,
    pub(super) logs: Vec<PathBuf>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Finds {
    /// The store, if anything tells.
    pub(super) epoch: Option<u64>,
    /// By id; of each kind of files those first whose names fit.
    pub(super) slots: BTreeMap<u64, Slot>,
    pub(super) foreign: Vec<PathBuf>,
    /// Files that are not read, and why.
    pub(super) skipped: Vec<SalvagedPiece>,
    /// Damage that costs no event.
    pub(super) notes: Vec<String>,
    /// The highest id that a file says or has as its name.
    pub(super) last_id: u64,
    /// The highest sequence number that a file speaks of.
    pub(super) last_sequence: u64,
    /// The sizes of the files.
    pub(super) bytes: BTreeMap<PathBuf, u64>,
    /// Whether there are files of this store that this version does not read.
    pub(super) has_newer: bool,
    /// Whether there is a log that was just being started.
    pub(super) has_started_log: bool,
}

/// What a segment or log says of itself.
struct Said {
    path: PathBuf,
    is_segment: bool,
    /// Nothing if it cannot be read.
    epoch: Option<u64>,
    id: Option<u64>,
    sequence: u64,
}

impl Finds {
    /// Everything below a directory that belongs to the store of this epoch, or to the one that most of it does.
    pub(super) fn below(root: &Path, epoch: Option<u64>) -> Result<Self, StoreError> {
        let mut finds = Self::default();
        let mut said = Vec::new();
        let names = files::entries(root)?;
        let format = Directory::new(root).format();
        let of_format = match &format {
            Ok(Some(format)) => Some(format.epoch),
            Ok(None) => {
                finds.notes.push(format!("{FORMAT_FILE}: it is missing"));
                None
            }
            Err(error) => {
                finds.notes.push(format!("{FORMAT_FILE}: {error}"));
                None
            }
        };
        finds.look_at(root, names, root, 0, &mut said);
        let mut votes: BTreeMap<u64, usize> = BTreeMap::new();
        said.iter().filter_map(|said| said.epoch).for_each(|epoch| *votes.entry(epoch).or_default() += 1);
        let majority = votes.into_iter().max_by_key(|&(_, votes)| votes).map(|(epoch, _)| epoch);
        finds.epoch = epoch.or(of_format).or(majority);
        for said in said {
            finds.place(root, said);
        }
        let fits = |path: &PathBuf, id: u64, ending: &str| {
            path.file_name() == files::numbered(Path::new(""), id, ending).file_name()
        };
        for (&id, slot) in &mut finds.slots {
            slot.segments.sort_by_key(|path| !fits(path, id, SEGMENT_ENDING));
            slot.logs.sort_by_key(|path| !fits(path, id, LOG_ENDING));
        }
        Ok(finds)
    }

    fn look_at(&mut self, at: &Path, names: Vec<std::ffi::OsString>, root: &Path, depth: usize, said: &mut Vec<Said>) {
        for name in names {
            let path = at.join(&name);
            let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                let is_sled = name.to_string_lossy().starts_with(KEYED_DIRECTORY);
                if !is_sled && depth < DEPTH_MAX {
                    match files::entries(&path) {
                        Ok(names) => self.look_at(&path, names, root, depth + 1, said),
                        Err(error) => self.skip(root, &path, error.to_string()),
                    }
                }
                continue;
            }
            if !metadata.is_file() {
                self.skip(root, &path, "it is no regular file".to_owned());
                continue;
            }
            match first_and_last(&path) {
                Ok((first, last)) => self.look_into(root, path, metadata.len(), &first, &last, said),
                Err(error) => {
                    self.note_id(&path);
                    self.skip(root, &path, error.to_string());
                }
            }
        }
    }

    fn look_into(&mut self, root: &Path, path: PathBuf, bytes: u64, first: &[u8], last: &[u8], said: &mut Vec<Said>) {
        let named = named_id(&path);
        let is_named = |ending: &str| named.is_some() && path.extension().is_some_and(|found| found == ending);
        self.note_id(&path);
        let is_log = first == LOG_START || (is_named(LOG_ENDING) && first != SEGMENT_START);
        if first == FOREIGN_START || (path.file_name().is_some_and(|name| name == files::FOREIGN_FILE) && !is_log) {
            self.bytes.insert(path.clone(), bytes);
            self.foreign.push(path);
        } else if is_log {
            let header = read_header(&path);
            match header {
                Err(newer @ StoreError::NewerFormat { .. }) => return self.skip_newer(root, &path, &newer),
                // A log that was being started holds nothing.
                Ok(None) if bytes < 64 => {
                    self.has_started_log = true;
                    return;
                }
                _ => {}
            }
            let header = header.ok().flatten();
            self.bytes.insert(path.clone(), bytes);
            let sequence = header.as_ref().map_or(0, |header| header.first_sequence.saturating_sub(1));
            let (epoch, id) = (header.as_ref().map(|header| header.epoch), header.as_ref().map(|header| header.id));
            said.push(Said { path, is_segment: false, epoch, id, sequence });
        } else if first == SEGMENT_START || last == SEGMENT_END || is_named(SEGMENT_ENDING) {
            let reader = SegmentReader::open(&path, &SegmentCache::new(0));
            if let Err(newer @ StoreError::NewerFormat { .. }) = &reader {
                return self.skip_newer(root, &path, newer);
            }
            self.bytes.insert(path.clone(), bytes);
            let contents = reader.as_ref().ok().map(SegmentReader::contents);
            let sequence = contents.map_or(0, |contents| contents.last_sequence);
            let (epoch, id) = (contents.map(|contents| contents.epoch), contents.map(|contents| contents.id));
            said.push(Said { path, is_segment: true, epoch, id, sequence });
        }
    }

    fn place(&mut self, root: &Path, said: Said) {
        if said.epoch.is_some() && said.epoch != self.epoch {
            return self.skip(root, &said.path, "it belongs to another store".to_owned());
        }
        let Some(id) = said.id.or_else(|| named_id(&said.path)) else {
            let damage = vec!["it cannot be read, and its name does not tell which it is".to_owned()];
            let path = relative(root, &said.path);
            self.skipped.push(SalvagedPiece { path, outcome: PieceOutcome::Lost, events: 0, damage });
            return;
        };
        self.last_id = self.last_id.max(id);
        self.last_sequence = self.last_sequence.max(said.sequence);
        let slot = self.slots.entry(id).or_default();
        if said.is_segment { slot.segments.push(said.path) } else { slot.logs.push(said.path) }
    }

    /// No new file may have the name of one that is there.
    fn note_id(&mut self, path: &Path) {
        self.last_id = self.last_id.max(named_id(path).unwrap_or(0));
    }

    fn skip(&mut self, root: &Path, path: &Path, reason: String) {
        let path = relative(root, path);
        self.skipped.push(SalvagedPiece { path, outcome: PieceOutcome::Skipped, events: 0, damage: vec![reason] });
    }

    fn skip_newer(&mut self, root: &Path, path: &Path, newer: &StoreError) {
        self.has_newer = true;
        self.skip(root, path, newer.to_string());
    }
}

/// The id that the name of a file tells.
fn named_id(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let (digits, rest) = name.split_at_checked(20)?;
    let numbered = rest.starts_with('.') && digits.bytes().all(|byte| byte.is_ascii_digit());
    // The next id must still be one.
    digits.parse().ok().filter(|&id: &u64| numbered && id < u64::MAX / 2)
}

/// A path below the directory, for people.
pub(super) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// The first and the last eight bytes of a file.
fn first_and_last(path: &Path) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = files::open_to_read(path)?;
    let mut read = |from: SeekFrom| {
        let mut bytes = Vec::with_capacity(8);
        file.seek(from)?;
        file.by_ref().take(8).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let first = read(SeekFrom::Start(0))?;
    // A shorter file has no end of its own.
    let last = read(SeekFrom::End(-8)).unwrap_or_default();
    Ok((first, last))
}
