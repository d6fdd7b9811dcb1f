//! The segments of a backup: which are there already, which can be linked, which are copied.

use std::path::Path;

use super::copy;
use super::error::BackupError;
use super::manifest::{BackupFile, segment_name};
use super::run::{Part, Run};
use crate::error::StoreError;
use crate::storage::files;
use crate::storage::segment::{Contents, SegmentCache, SegmentReader};

/// What the cache of a reader takes whose contents alone are asked for, in bytes.
const CACHE_BYTES: u64 = 1 << 10;

/// What a segment says it covers, and how long its file is.
#[derive(PartialEq)]
struct Covers {
    contents: Contents,
    bytes: u64,
}

impl Covers {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let reader = SegmentReader::open(path, &SegmentCache::new(CACHE_BYTES))?;
        Ok(Self { contents: reader.contents().clone(), bytes: reader.file_bytes() })
    }

    /// Whether both were sealed as one and the same segment, whatever was removed since.
    fn is_of_one_with(&self, other: &Self) -> bool {
        let sealed_as =
            |c: &Contents| (c.epoch, c.id, c.first_sequence, c.last_sequence, c.sealed_at_us, c.before, c.after);
        sealed_as(&self.contents) == sealed_as(&other.contents)
    }
}

/// What the backup does with a segment of the store.
enum Decision {
    Copy,
    Keep(BackupFile),
    /// The backup has more events of it than the store.
    KeepWhole(BackupFile),
}

impl Run<'_> {
    /// Takes over a segment of the store.
    pub(super) fn take_segment(&mut self, id: u64) -> Result<(), BackupError> {
        let name = segment_name(id);
        let (from, to) = (self.source.root.join(&name), self.place.root.join(&name));
        if to.exists() {
            match self.decide(&name, &from, &to)? {
                Decision::Keep(record) => return self.keep(record, false),
                Decision::KeepWhole(record) => return self.keep(record, true),
                Decision::Copy => {}
            }
        } else if let Some(record) = self.link_to_previous(&name, &from, &to) {
            self.done(record.bytes);
            self.note(record, Part::Linked);
            return Ok(());
        }
        let record = self.stage(&name, &mut files::open_to_read(&from).map_err(StoreError::io("open", &from))?)?;
        if !to.exists() {
            // It disturbs nothing that is there, and an interrupted backup goes on behind it.
            copy::rename(&copy::temporary(&to), &to)?;
            self.staged.remove(&name);
        }
        self.fresh.insert(name, record);
        Ok(())
    }

    fn keep(&mut self, record: BackupFile, only_here: bool) -> Result<(), BackupError> {
        self.note(record, if only_here { Part::OnlyHere } else { Part::Kept });
        Ok(())
    }

    fn decide(&mut self, name: &str, from: &Path, to: &Path) -> Result<Decision, BackupError> {
        if let Some(record) = self.fresh.get(name) {
            // It was copied just now, before everything was listed again; it may have been written anew since.
            let record = record.clone();
            if matches!((Covers::of(from), Covers::of(to)), (Ok(there), Ok(here)) if there == here) {
                return Ok(Decision::Keep(record));
            }
        }
        let here = self.hash(name, to)?;
        let known = self.earlier.as_ref().and_then(|earlier| earlier.file(name));
        let is_whole = match known {
            Some(known) => *known == here,
            // An interrupted backup left it: only its bytes tell.
            None => copy::hash(name, from, &mut |_| {})? == here,
        };
        let (Ok(covers), true) = (Covers::of(to), is_whole) else { return Ok(Decision::Copy) };
        let there = match Covers::of(from) {
            Ok(there) => there,
            Err(StoreError::Damaged { .. }) => {
                let path = from.display();
                self.problems.push(format!("{path} is damaged; the backup keeps the copy that it has"));
                return Ok(Decision::KeepWhole(here));
            }
            Err(other) => return Err(other.into()),
        };
        if there == covers {
            return Ok(Decision::Keep(here));
        }
        if self.options.mirror {
            return Ok(Decision::Copy);
        }
        if !there.is_of_one_with(&covers) {
            let reason = format!("segment {id} is another one there", id = covers.contents.id);
            return Err(BackupError::OtherHistory { path: self.place.root.clone(), reason });
        }
        let has_more = covers.contents.count > there.contents.count;
        Ok(if has_more { Decision::KeepWhole(here) } else { Decision::Copy })
    }

    /// Links a segment that an older backup has too. Nothing if it has not, or files cannot be linked there.
    fn link_to_previous(&self, name: &str, from: &Path, to: &Path) -> Option<BackupFile> {
        let (directory, manifest) = self.previous.as_ref()?;
        let record = manifest.file(name)?;
        let old = directory.join(name);
        let (there, here) = (Covers::of(from).ok()?, Covers::of(&old).ok()?);
        if there != here || here.bytes != record.bytes {
            return None;
        }
        // What is linked is checked by its hash first, as damage would be shared.
        let same = copy::hash(name, &old, &mut |_| {}).ok()? == *record;
        (same && std::fs::hard_link(&old, to).is_ok()).then(|| record.clone())
    }
}
