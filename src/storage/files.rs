//! Files and directories: names, permissions, reading that leaves no trace, durable creation. Everything that the
//! store reads and writes goes through here.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::medium;
use crate::error::StoreError;

/// The directory of the logs.
pub(crate) const TAIL_DIRECTORY: &str = "tail";
/// The directory of the segments.
pub(crate) const SEGMENT_DIRECTORY: &str = "segments";
/// The directory of the keyed part.
pub(crate) const KEYED_DIRECTORY: &str = "kv";
/// The log of foreign concepts and associations.
pub(crate) const FOREIGN_FILE: &str = "foreign.log";
/// The file that says what the directory is.
pub(crate) const FORMAT_FILE: &str = "FORMAT";
/// The file that the one writer locks.
pub(crate) const LOCK_FILE: &str = "LOCK";
/// The ending of a log.
pub(crate) const LOG_ENDING: &str = "log";
/// The ending of a segment.
pub(crate) const SEGMENT_ENDING: &str = "seg";
/// The ending of a file that is not finished.
pub(crate) const TEMPORARY_ENDING: &str = "tmp";
/// Stands before the time in the name of something that was moved aside.
pub(crate) const ASIDE_MARK: &str = ".damaged-";

/// A file with a higher number as its name is none of ours.
const ID_MAX: u64 = 1 << 62;

/// The path of a log or segment.
pub(crate) fn numbered(directory: &Path, id: u64, ending: &str) -> PathBuf {
    directory.join(format!("{id:020}.{ending}"))
}

/// Opens a file to read it, and leaves no trace of that: its time of access stays, where the system allows it.
///
/// A directory may come from anywhere, so nothing in it is trusted: a symbolic link is not followed, and what is no
/// regular file is refused without waiting for it (as opening a pipe would).
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    let file = open_untraced(path, OFlags::NOFOLLOW | OFlags::NONBLOCK)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"))
}

/// Opens something to read it, without changing its time of access if it is ours.
fn open_untraced(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    match rustix::fs::open(path, flags | OFlags::NOATIME, Mode::empty()) {
        // Only the owner of a file may ask for it.
        Err(rustix::io::Errno::PERM) => {}
        other => return named(other.map(File::from)),
    }
    named(rustix::fs::open(path, flags, Mode::empty()).map(File::from))
}

/// Says in words what opening a symbolic link without following it gives.
fn named(opened: rustix::io::Result<File>) -> io::Result<File> {
    opened.map_err(|error| match error {
        rustix::io::Errno::LOOP => io::Error::new(io::ErrorKind::InvalidData, "it is a symbolic link"),
        other => other.into(),
    })
}

/// The names of the entries of a directory, sorted. A directory that is not there has none.
///
/// `path` itself may be a symbolic link: whoever names a directory means what it stands for. Directories below a
/// store are listed by [`list_numbered`].
pub(crate) fn entries(path: &Path) -> Result<Vec<OsString>, StoreError> {
    names_in(path, OFlags::DIRECTORY)
}

fn names_in(path: &Path, flags: OFlags) -> Result<Vec<OsString>, StoreError> {
    let listed = open_untraced(path, flags).and_then(|directory| {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    });
    let mut names = match listed {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", path)(error)),
    };
    names.sort_unstable();
    Ok(names)
}

/// The ids of the files with this ending in a directory of a store, ascending. A directory that is not there holds
/// none; one that is a symbolic link is refused.
pub(crate) fn list_numbered(directory: &Path, ending: &str) -> Result<Vec<u64>, StoreError> {
    let names = names_in(directory, OFlags::DIRECTORY | OFlags::NOFOLLOW)?;
    let id_of = |name: &OsString| {
        let path = Path::new(name);
        let has_ending = path.extension().is_some_and(|found| found == ending);
        // Only the full name is ours, so that no two files have one id.
        let id = path.file_stem()?.to_str().filter(|stem| has_ending && stem.len() == 20)?;
        let id = id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse::<u64>().ok()).flatten();
        // Counting on from an id cannot overflow.
        id.filter(|&id| id <= ID_MAX)
    };
    // The names have one length, so that they were sorted as numbers.
    Ok(names.iter().filter_map(id_of).collect())
}

/// Creates a directory that only its owner can enter, and those above it.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    medium::create_directory(path).map_err(StoreError::io("create directory", path))
}

/// How a file that only its owner can read is created.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    // A link in its place is not written through.
    options.write(true).create(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    medium::sync_directory(path).map_err(StoreError::io("sync directory", path))
}

/// Writes a file durably under its final name, or not at all: temporary name, fsync, rename, fsync of the directory.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension(TEMPORARY_ENDING);
    let written = medium::create(&temporary).and_then(|file| {
        medium::write_at(&file, &temporary, bytes, 0)?;
        medium::sync(&file, &temporary)
    });
    if let Err(error) = written.and_then(|()| medium::rename(&temporary, path)) {
        // The first error says what went wrong; a left-over is removed at the next open.
        let _ = medium::remove(&temporary);
        return Err(StoreError::io("write", path)(error));
    }
    path.parent().map_or(Ok(()), sync_directory)
}

/// Removes files that were never finished.
pub(crate) fn remove_unfinished(directory: &Path) -> Result<(), StoreError> {
    for name in entries(directory)? {
        let path = directory.join(name);
        if path.extension().is_some_and(|found| found == TEMPORARY_ENDING) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Gives a file that may not be overwritten another name, if it is there.
pub(crate) fn move_aside(path: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    fs::rename(path, aside(path)).map_err(StoreError::io("move aside", path))
}

/// Gives a damaged file a second name beside its own, so that one that is written in its place does not end it and
/// there is a file of its name at any time.
pub(crate) fn keep_aside(path: &Path) -> Result<(), StoreError> {
    fs::hard_link(path, aside(path)).map_err(StoreError::io("keep a second name of", path))
}

fn aside(path: &Path) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!("{ASIDE_MARK}{}", chrono::Utc::now().timestamp_micros()));
    aside.into()
}

/// Whether this is the name of something that was moved aside: `.damaged-` and a time in µs.
pub(crate) fn is_moved_aside(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let time = name.rsplit_once(ASIDE_MARK).map(|(_, time)| time);
    time.is_some_and(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Removes a file; one that is gone already is no error.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match medium::remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, StoreError> {
    let file = open_to_read(path).map_err(StoreError::io("open", path))?;
    let mut bytes = Vec::new();
    // One byte more than allowed shows that there is more.
    file.take(max + 1).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if bytes.len() as u64 > max {
        return Err(StoreError::damaged(path, format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// The size of all files below a directory, in bytes. What vanishes meanwhile counts nothing; symbolic links are not
/// followed.
pub(crate) fn bytes_below(directory: &Path) -> u64 {
    let size_of = |name: OsString| {
        let path = directory.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => bytes_below(&path),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        }
    };
    entries(directory).unwrap_or_default().into_iter().map(size_of).sum()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "text").expect("writable");
        symlink(path("file"), path("link")).expect("writable");
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).expect("made");
        assert_eq!(read(&path("file"), 100).expect("readable"), b"text");
        for name in ["link", "pipe"] {
            let error = read(&path(name), 100).expect_err(name).to_string();
            assert!(error.contains("symbolic link") || error.contains("no regular file"), "{error}");
        }
        fs::create_dir(path("real")).expect("made");
        symlink(path("real"), path("linked")).expect("writable");
        assert!(list_numbered(&path("real"), "log").expect("readable").is_empty());
        list_numbered(&path("linked"), "log").expect_err("a link");
    }

    #[test]
    fn reading_leaves_the_time_of_access() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "text").expect("writable");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let times = fs::FileTimes::new().set_accessed(long_ago);
        File::options().write(true).open(&path).and_then(|file| file.set_times(times)).expect("ours");
        read(&path, 100).expect("readable");
        assert_eq!(fs::metadata(&path).expect("there").atime(), 1);
    }

    #[test]
    fn ids_are_full_names() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in
            ["00000000000000000010.log", "00000000000000000009.log", "9.log", "+0000000000000000009.log", "x.log"]
        {
            fs::write(directory.path().join(name), "").expect("writable");
        }
        assert_eq!(list_numbered(directory.path(), "log").expect("readable"), [9, 10]);
    }
}
