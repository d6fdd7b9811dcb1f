//! Everything about a directory that reading could change: names, bytes, modes, owners, inodes and times.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What is kept of one file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    bytes: Option<Vec<u8>>,
    mode: u32,
    owner: (u32, u32),
    inode: u64,
    links: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    accessed: (i64, i64),
}

/// A directory at one moment.
pub(crate) type Trace = BTreeMap<PathBuf, Entry>;

/// Takes the trace before something is read. The times of access are set long back first, before those of the last
/// change, since systems commonly bring only such a time up to date.
pub(crate) fn before(root: &Path) -> Trace {
    let paths = paths_below(root);
    let bytes: Vec<Option<Vec<u8>>> = paths.iter().map(|path| bytes_of(path)).collect();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for path in &paths {
        let times = FileTimes::new().set_accessed(long_ago);
        // On a disk that is only read the times cannot change, neither for us nor for those who read.
        let _ = File::open(path).and_then(|file| file.set_times(times));
    }
    // Nothing is opened or listed from here on, which would count as access.
    let traced = paths.iter().zip(bytes).map(|(path, bytes)| (path.clone(), entry(path, bytes)));
    traced.collect()
}

/// Takes the trace after something was read.
pub(crate) fn after(root: &Path, before: &Trace) -> Trace {
    let mut trace: Trace = before.keys().filter(|path| path.exists()).map(|p| (p.clone(), entry(p, None))).collect();
    for path in paths_below(root) {
        let bytes = bytes_of(&path);
        trace.entry(path.clone()).or_insert_with(|| entry(&path, None)).bytes = bytes;
    }
    trace
}

/// Whether the metadata of a path is what it was. Looks at nothing else, so that it can be asked again.
pub(crate) fn is_as_before(path: &Path, was: &Entry) -> bool {
    path.exists() && Entry { bytes: was.bytes.clone(), ..entry(path, None) } == *was
}

/// The trace without the times of access.
pub(crate) fn without_access(mut trace: Trace) -> Trace {
    trace.values_mut().for_each(|entry| entry.accessed = (0, 0));
    trace
}

/// Asserts that nothing changed, and names what did.
#[track_caller]
pub(crate) fn assert_same(before: &Trace, after: &Trace, what: &str) {
    for (path, entry) in after {
        match before.get(path) {
            None => panic!("{what}: {} appeared", path.display()),
            Some(was) if was != entry => {
                let without = |entry: &Entry| Entry { bytes: None, ..entry.clone() };
                let bytes = if was.bytes == entry.bytes { "the same" } else { "other" };
                panic!(
                    "{what}: {} is\n{:?}\nand was\n{:?}\nwith {bytes} bytes",
                    path.display(),
                    without(entry),
                    without(was)
                );
            }
            Some(_) => {}
        }
    }
    let gone: Vec<&PathBuf> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(gone.is_empty(), "{what}: {gone:?} are gone");
}

fn entry(path: &Path, bytes: Option<Vec<u8>>) -> Entry {
    let data = fs::symlink_metadata(path).expect("it is there");
    Entry {
        bytes,
        mode: data.mode(),
        owner: (data.uid(), data.gid()),
        inode: data.ino(),
        links: data.nlink(),
        size: data.size(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
        accessed: (data.atime(), data.atime_nsec()),
    }
}

fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    path.is_file().then(|| fs::read(path).expect("readable"))
}

/// A directory and everything below it.
pub(crate) fn paths_below(root: &Path) -> Vec<PathBuf> {
    let mut paths = vec![root.to_owned()];
    if root.is_dir() {
        for entry in fs::read_dir(root).expect("readable") {
            paths.extend(paths_below(&entry.expect("readable").path()));
        }
    }
    paths.sort();
    paths
}

#[test]
fn a_trace_shows_every_change() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    type Change<'a> = (&'a str, &'a dyn Fn());
    let changes: [Change<'_>; 4] = [
        ("a byte", &|| fs::write(&file, "text!").expect("writable")),
        ("a name", &|| fs::write(directory.path().join("new"), "").expect("writable")),
        ("a mode", &|| {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).expect("ours");
        }),
        ("a time", &|| {
            let times = FileTimes::new().set_accessed(SystemTime::UNIX_EPOCH);
            File::open(&file).and_then(|file| file.set_times(times)).expect("ours");
        }),
    ];
    fs::write(&file, "text").expect("writable");
    for (what, change) in changes {
        let trace = before(directory.path());
        assert_same(&trace, &after(directory.path(), &trace), "nothing was done");
        let trace = before(directory.path());
        change();
        assert_ne!(trace, after(directory.path(), &trace), "{what}");
    }
}
