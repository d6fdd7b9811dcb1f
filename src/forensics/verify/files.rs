//! The files beside segments and logs: FORMAT, `foreign.log`, `kv.jsonl`, what does not belong here, and permissions.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::coverage::Known;
use super::{Severity, Verification};
use crate::error::StoreError;
use crate::storage::files::{
    self, FOREIGN_FILE, FORMAT_FILE, KEYED_DIRECTORY, LOCK_FILE, LOG_ENDING, SEGMENT_DIRECTORY, SEGMENT_ENDING,
    TAIL_DIRECTORY, TEMPORARY_ENDING,
};
use crate::storage::foreign::ForeignView;
use crate::storage::keyed::PUBLISHED_FILE;
use crate::storage::tail::{TORN_READS, TORN_WAIT};
use crate::store::backup::{MANIFEST_FILE, UNFINISHED_FILE};
use crate::store::directory::Directory;

/// A larger FORMAT is not one, in bytes.
const FORMAT_BYTES_MAX: u64 = 4096;

/// The epoch that FORMAT names. Nothing if it is damaged or missing, which is found here, in a directory that holds
/// segments or logs.
pub(super) fn epoch(directory: &Directory, verification: &mut Verification) -> Result<Option<u64>, StoreError> {
    let holds_events = !files::list_numbered(&directory.segments, SEGMENT_ENDING).unwrap_or_default().is_empty()
        || !files::list_numbered(&directory.tail, LOG_ENDING).unwrap_or_default().is_empty();
    let advice = "The segments and logs name the epoch of the store: put it back, or run `grid-events salvage`.";
    match directory.format() {
        Ok(Some(format)) => {
            let bytes = files::read(&directory.root.join(FORMAT_FILE), FORMAT_BYTES_MAX).unwrap_or_default();
            let expected = format!("sutra-grid-events {}\nepoch {:016x}\n", format.version, format.epoch);
            if bytes != expected.as_bytes() || format.version == 0 {
                let what = format!("it is not what was written. {advice}");
                verification.find(Severity::Error, FORMAT_FILE, "", what);
            }
            Ok(Some(format.epoch))
        }
        Ok(None) if holds_events => {
            verification.find(Severity::Error, FORMAT_FILE, "", format!("it is missing. {advice}"));
            Ok(None)
        }
        Ok(None) => Err(StoreError::Missing { path: directory.root.clone() }),
        Err(StoreError::NotAStore { reason, .. }) if holds_events => {
            verification.find(Severity::Error, FORMAT_FILE, "", format!("{reason}. {advice}"));
            Ok(None)
        }
        Err(error @ (StoreError::Io { .. } | StoreError::Damaged { .. })) if holds_events => {
            verification.find(Severity::Error, FORMAT_FILE, "", format!("{}. {advice}", unreadable(&error)));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// Why a file could not be read, in words that follow on its name.
pub(super) fn unreadable(error: &StoreError) -> String {
    match error {
        StoreError::Io { source, .. } if source.kind() == ErrorKind::InvalidData => {
            format!("{source}, and is not read: put back the file that was here")
        }
        StoreError::Io { source, .. } => format!("it cannot be read ({source}): check permissions and disk"),
        StoreError::Damaged { reason, .. } => reason.clone(),
        other => format!("it cannot be read ({other})"),
    }
}

/// Finds the directories of the store that cannot be listed.
pub(super) fn check_folders(directory: &Directory, verification: &mut Verification) {
    for (folder, path) in [(TAIL_DIRECTORY, &directory.tail), (SEGMENT_DIRECTORY, &directory.segments)] {
        if let Err(StoreError::Io { source, .. }) = files::list_numbered(path, "") {
            let what = format!("it cannot be listed ({source}), and nothing in it was checked.");
            verification.find(Severity::Error, folder, "", what);
        }
    }
}

/// Checks `foreign.log`.
pub(super) fn check_foreign(root: &Path, epoch: u64, verification: &mut Verification) {
    let look = || ForeignView::of_other(root, None).and_then(|view| view.damage());
    let mut damage = look();
    for _ in 0..TORN_READS {
        let Ok(Some((_, _, before @ 1..))) = damage else { break };
        std::thread::sleep(TORN_WAIT);
        damage = look();
        // A torn end stays as it is; this one is being written.
        if let Ok(Some((_, _, torn))) = &mut damage
            && *torn != before
        {
            *torn = 0;
        }
    }
    match damage {
        Ok(None) => {}
        Ok(Some((own, damaged, torn))) => {
            if own != epoch {
                let what = format!("it belongs to another store (epoch {own:016x}).");
                verification.find(Severity::Error, FOREIGN_FILE, "header", what);
            }
            if damaged > 0 {
                let what =
                    format!("{damaged} bytes are not what was written: the concepts and associations there are lost.");
                verification.find(Severity::Error, FOREIGN_FILE, "", what);
            }
            if torn > 0 {
                let what = format!(
                    "the last {torn} bytes are no whole frame: its writer was stopped in the middle of a write, or its \
                     end was damaged."
                );
                verification.find(Severity::Warning, FOREIGN_FILE, "", what);
            }
        }
        Err(StoreError::Damaged { reason, .. }) => {
            let what = format!("{reason}. Concepts and associations that are no events cannot be read.");
            verification.find(Severity::Error, FOREIGN_FILE, "header", what);
        }
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::UnexpectedEof => {
            verification.find(Severity::Error, FOREIGN_FILE, "header", "it ends within its header.");
        }
        Err(other) => {
            let what =
                format!("{}. Concepts and associations that are no events were not checked.", unreadable(&other));
            verification.find(Severity::Error, FOREIGN_FILE, "", what);
        }
    }
}

/// What `kv.jsonl` says is missing.
pub(super) fn known(root: &Path, verification: &mut Verification) -> Known {
    match Known::read(root) {
        Ok(known) => known,
        Err(StoreError::Damaged { reason, .. }) => {
            let what = format!(
                "{reason}. What retention removed and where consumers stand cannot be read; a writer that opens the \
                 store writes it anew from {KEYED_DIRECTORY}/."
            );
            verification.find(Severity::Warning, PUBLISHED_FILE, "", what);
            Known::default()
        }
        Err(other) => {
            let what = format!("{}. What retention removed and what is lost is not known.", unreadable(&other));
            verification.find(Severity::Error, PUBLISHED_FILE, "", what);
            Known::default()
        }
    }
}

/// Says so if `kv.jsonl` is missing and something shows that there was one.
pub(super) fn check_published(directory: &Directory, has_removed: bool, verification: &mut Verification) {
    let is_there = |name: &str| std::fs::symlink_metadata(directory.root.join(name)).is_ok();
    if !is_there(PUBLISHED_FILE) && (has_removed || is_there(KEYED_DIRECTORY)) {
        let what = "it is not there, and it was: notes of what was removed or lost may be missing. A writer makes it \
                    anew from kv/, if that is there.";
        verification.find(Severity::Notice, PUBLISHED_FILE, "", what);
    }
}

/// Looks for what does not belong here, and for permissions that let others in.
pub(super) fn check_entries(directory: &Directory, verification: &mut Verification) -> Result<(), StoreError> {
    if directory.root.join(PUBLISHED_FILE).exists() && !directory.root.join(KEYED_DIRECTORY).exists() {
        let what =
            format!("it is not there. The next writer makes it anew from {PUBLISHED_FILE}; events are not concerned.");
        verification.find(Severity::Notice, KEYED_DIRECTORY, "", what);
    }
    check_permissions(&directory.root, Path::new(""), verification);
    for name in files::entries(&directory.root)? {
        let path = Path::new(&name);
        check_permissions(&directory.root.join(path), path, verification);
        let known = [
            FORMAT_FILE,
            LOCK_FILE,
            FOREIGN_FILE,
            PUBLISHED_FILE,
            KEYED_DIRECTORY,
            TAIL_DIRECTORY,
            SEGMENT_DIRECTORY,
            MANIFEST_FILE,
        ];
        if name == UNFINISHED_FILE {
            let what = "the backup was never finished: make it again, which completes it.";
            verification.find(Severity::Warning, path, "", what);
        } else if !known.iter().any(|known| name == *known) {
            unexpected(path, verification);
        }
    }
    for (folder, ending) in [(TAIL_DIRECTORY, LOG_ENDING), (SEGMENT_DIRECTORY, SEGMENT_ENDING)] {
        // One that cannot be listed was found before.
        let Ok(numbered) = files::list_numbered(&directory.root.join(folder), ending) else { continue };
        for name in files::entries(&directory.root.join(folder))? {
            let path = Path::new(folder).join(&name);
            check_permissions(&directory.root.join(&path), &path, verification);
            if !numbered.iter().any(|&id| files::numbered(Path::new(folder), id, ending) == path) {
                unexpected(&path, verification);
            }
        }
    }
    Ok(())
}

fn unexpected(path: &Path, verification: &mut Verification) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let what = if path.extension().is_some_and(|ending| ending == TEMPORARY_ENDING) {
        "it was never finished; the next writer removes it."
    } else if files::is_moved_aside(path) {
        "a writer could not read it and moved it aside, so that what is in it is not overwritten. Nothing reads it but \
         `grid-events salvage`; it may go once it is not needed any more."
    } else if name == MANIFEST_FILE && path.parent() == Some(Path::new("")) {
        // It says what belongs to a backup; that is for `grid-events restore` to check.
        return;
    } else if name == UNFINISHED_FILE && path.parent() == Some(Path::new("")) {
        "this backup was not finished; make it again."
    } else {
        "no file of a store has this name; nothing reads it."
    };
    verification.find(Severity::Notice, path, "", what);
}

fn check_permissions(full: &Path, path: &Path, verification: &mut Verification) {
    // What vanished meanwhile needs none.
    let Ok(metadata) = std::fs::symlink_metadata(full) else { return };
    if metadata.is_symlink() && !path.as_os_str().is_empty() {
        verification.find(Severity::Warning, path, "", "it is a symbolic link, which no store makes.");
    } else if metadata.mode() & 0o077 != 0 && !metadata.is_symlink() {
        let what = format!("others may use it (mode {:04o}); `chmod go= ` takes that away.", metadata.mode() & 0o7777);
        verification.find(Severity::Notice, path, "", what.replace("go= `", "go=`"));
    }
}
