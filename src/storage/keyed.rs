//! The keyed part of the store: what is small and changes, in sled. The only file that knows sled.
//!
//! sled takes an exclusive lock and opens no read-only directory, so the writer also publishes
//! everything as one checksummed file of JSON lines ([`PUBLISHED_FILE`]), which readers use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::StoreError;
use crate::storage::files;

/// Keys and values a leaf of the tree holds; few, since values may be large.
const FANOUT: usize = 4;
/// Memory for sled, in bytes.
const CACHE_BYTES: usize = 4 << 20;
/// The file that readers use.
pub(crate) const PUBLISHED_FILE: &str = "kv.jsonl";
/// Where the keyed part is made anew.
const UNFINISHED_DIRECTORY: &str = "kv.new";
/// A larger published file is not read, in bytes.
const PUBLISHED_BYTES_MAX: u64 = 1 << 30;

/// The trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tree {
    /// Named places in the stream of events, where consumers go on.
    Cursors,
    /// What retention removed.
    Retention,
    /// What else is known to be missing from the record.
    Losses,
    /// Where events came from that were taken over from other stores.
    Origins,
}

impl Tree {
    fn name(self) -> &'static str {
        match self {
            Tree::Cursors => "cursors",
            Tree::Retention => "retention",
            Tree::Losses => "losses",
            Tree::Origins => "origins",
        }
    }

    const ALL: [Tree; 4] = [Tree::Cursors, Tree::Retention, Tree::Losses, Tree::Origins];
}

/// One entry in the published file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PublishedEntry {
    pub(crate) tree: Tree,
    pub(crate) key: String,
    pub(crate) value: serde_json::Value,
}

/// The keyed part, open for writing.
pub(crate) struct Keyed {
    directory: PathBuf,
    database: sled::Db<FANOUT>,
}

impl Keyed {
    /// Opens or creates the keyed part of the store in this directory. What was published and is not there is put back.
    /// If all is missing or damaged, it is made anew from what was published last, and the second part of the answer
    /// says so; what is damaged is moved aside.
    pub(crate) fn open(store: &Path) -> Result<(Self, Option<StoreError>), StoreError> {
        let path = store.join(files::KEYED_DIRECTORY);
        if !path.exists() {
            return Self::make_anew(store, store.join(PUBLISHED_FILE).exists().then(|| "it was missing".to_owned()));
        }
        match Self::open_there(store, &path) {
            Ok(keyed) => match keyed.take_over_published() {
                // A damaged published file is made anew from what is here.
                Ok(()) | Err(StoreError::Damaged { .. }) => Ok((keyed, None)),
                Err(other) => Err(other),
            },
            Err(StoreError::Io { source, .. }) if is_damage(&source) => {
                let aside = store.join(format!(
                    "{}{}{}",
                    files::KEYED_DIRECTORY,
                    files::ASIDE_MARK,
                    Utc::now().timestamp_micros()
                ));
                std::fs::rename(&path, &aside).map_err(StoreError::io("move aside", &path))?;
                let name = aside.file_name().unwrap_or_default().display().to_string();
                Self::make_anew(store, Some(format!("{source}; it was moved to {name}")))
            }
            Err(other) => Err(other),
        }
    }

    /// Makes the keyed part from what was published, under another name until it is whole: whoever dies meanwhile
    /// leaves none behind that lacks something. `reason` says why, if something was there before.
    fn make_anew(store: &Path, reason: Option<String>) -> Result<(Self, Option<StoreError>), StoreError> {
        let path = store.join(files::KEYED_DIRECTORY);
        let unfinished = store.join(UNFINISHED_DIRECTORY);
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).map_err(StoreError::io("remove", &unfinished))?;
        }
        let keyed = Self::open_there(store, &unfinished)?;
        let mut told = reason.map(|reason| format!("{reason}, and is made anew from {PUBLISHED_FILE}"));
        if let Err(problem) = keyed.take_over_published() {
            if !matches!(problem, StoreError::Damaged { .. }) {
                return Err(problem);
            }
            // What can be read of it may be what is needed one day.
            files::move_aside(&store.join(PUBLISHED_FILE))?;
            told = told.map(|told| format!("{told}, which cannot be read and was moved aside: {problem}"));
        }
        drop(keyed);
        std::fs::rename(&unfinished, &path).map_err(StoreError::io("rename to", &path))?;
        files::sync_directory(store)?;
        Ok((Self::open_there(store, &path)?, told.map(|told| StoreError::damaged(&path, told))))
    }

    fn open_there(store: &Path, path: &Path) -> Result<Self, StoreError> {
        files::create_directory(path)?;
        // Every change is flushed by whoever makes it. With a thread of sled's own that flushes at any moment, what a
        // killed process left was seen to lack what had been flushed, and to panic when it was opened again.
        let config = sled::Config {
            path: path.to_owned(),
            cache_capacity_bytes: CACHE_BYTES,
            flush_every_ms: None,
            ..sled::Config::default()
        };
        let database = open_database(&config).map_err(StoreError::io("open", path))?;
        let keyed = Self { directory: store.to_owned(), database };
        // What is damaged shows only when it is read.
        for tree in Tree::ALL {
            keyed.last_key(tree)?;
        }
        Ok(keyed)
    }

    /// Puts back what was published and is not there: all of it in a database that was made anew, and what sled lost
    /// when its process was killed. Nothing of it, if it is damaged.
    fn take_over_published(&self) -> Result<(), StoreError> {
        for PublishedEntry { tree, key, value } in published_entries(&self.directory)? {
            if self.get::<serde_json::Value>(tree, &key)?.is_none() {
                self.put(tree, &key, &value)?;
            }
        }
        Ok(())
    }

    /// The largest key of a tree.
    pub(crate) fn last_key(&self, tree: Tree) -> Result<Option<String>, StoreError> {
        let last = self.tree(tree)?.last().map_err(StoreError::io("read", &self.path()))?;
        Ok(last.map(|(key, _)| String::from_utf8_lossy(&key).into_owned()))
    }

    fn tree(&self, tree: Tree) -> Result<sled::Tree<FANOUT>, StoreError> {
        self.database.open_tree(tree.name()).map_err(StoreError::io("open a tree of", &self.path()))
    }

    fn path(&self) -> PathBuf {
        self.directory.join(files::KEYED_DIRECTORY)
    }

    /// Sets the value of a key, durably.
    pub(crate) fn put(&self, tree: Tree, key: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let value = serde_json::to_vec(value).map_err(|error| StoreError::damaged(&self.path(), error.to_string()))?;
        self.tree(tree)?.insert(key, value).map_err(StoreError::io("write", &self.path()))?;
        self.database.flush().map_err(StoreError::io("sync", &self.path()))?;
        Ok(())
    }

    /// The value of a key.
    pub(crate) fn get<T: for<'de> Deserialize<'de>>(&self, tree: Tree, key: &str) -> Result<Option<T>, StoreError> {
        let found = self.tree(tree)?.get(key).map_err(StoreError::io("read", &self.path()))?;
        found
            .map(|value| serde_json::from_slice(&value))
            .transpose()
            .map_err(|error| StoreError::damaged(&self.path(), error.to_string()))
    }

    /// Removes the entries with the smallest keys until no more than this many are left.
    pub(crate) fn keep_newest(&self, tree: Tree, count: usize) -> Result<(), StoreError> {
        let tree = self.tree(tree)?;
        let mut excess = tree.iter().count().saturating_sub(count);
        while excess > 0 {
            tree.pop_first().map_err(StoreError::io("write", &self.path()))?;
            excess -= 1;
        }
        Ok(())
    }

    /// Writes everything to the file that readers use.
    pub(crate) fn publish(&self) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for tree in Tree::ALL {
            for entry in &self.tree(tree)? {
                let (key, value) = entry.map_err(StoreError::io("read", &self.path()))?;
                entries.push(PublishedEntry {
                    tree,
                    key: String::from_utf8_lossy(&key).into_owned(),
                    value: serde_json::from_slice(&value).unwrap_or(serde_json::Value::Null),
                });
            }
        }
        publish_entries(&self.directory, &entries)
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyed").field("directory", &self.directory).finish()
    }
}

/// Opens a database. Some damage makes sled panic; to the store it is damage like any other.
fn open_database(config: &sled::Config) -> std::io::Result<sled::Db<FANOUT>> {
    let open = std::panic::AssertUnwindSafe(|| sled::Db::open_with_config(config));
    std::panic::catch_unwind(open).unwrap_or_else(|_| {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it cannot be opened after a change that was cut off"))
    })
}

/// Whether an error tells of bytes that are not what was written.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}

/// Writes the file that readers use.
pub(crate) fn publish_entries(store: &Path, entries: &[PublishedEntry]) -> Result<(), StoreError> {
    let path = store.join(PUBLISHED_FILE);
    let mut lines = String::new();
    for entry in entries {
        let line = serde_json::to_string(entry).map_err(|error| StoreError::damaged(&path, error.to_string()))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    let checksum = format!("{{\"xxh3\":\"{:016x}\"}}\n", xxh3_64(lines.as_bytes()));
    files::write_durably(&path, (lines + &checksum).as_bytes())
}

/// What can be read of a published file, line by line, and how many lines cannot. Where its checksum does not fit, a
/// line may be changed and still be one, so that the third part of the answer says whether it does.
pub(crate) fn read_damaged(path: &Path) -> Result<(Vec<PublishedEntry>, usize, bool), StoreError> {
    let bytes = files::read(path, PUBLISHED_BYTES_MAX)?;
    let (mut entries, mut lost, mut fits) = (Vec::new(), 0, false);
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let start = at;
        at += line.len();
        let is_checksum = || format!("{{\"xxh3\":\"{:016x}\"}}\n", xxh3_64(&bytes[..start])).as_bytes() == line;
        if at == bytes.len() && is_checksum() {
            fits = true;
        } else if let Ok(entry) = serde_json::from_slice(line) {
            entries.push(entry);
        } else if !line.starts_with(b"{\"xxh3\"") {
            lost += 1;
        }
    }
    Ok((entries, lost, fits))
}

/// The entries of one tree in the published file of a store; none if there is no such file.
pub(crate) fn read_published(store: &Path, tree: Tree) -> Result<BTreeMap<String, serde_json::Value>, StoreError> {
    let entries = published_entries(store)?.into_iter().filter(|entry| entry.tree == tree);
    Ok(entries.map(|entry| (entry.key, entry.value)).collect())
}

/// All entries in the published file of a store; none if there is no such file.
fn published_entries(store: &Path) -> Result<Vec<PublishedEntry>, StoreError> {
    let path = store.join(PUBLISHED_FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = String::from_utf8(files::read(&path, PUBLISHED_BYTES_MAX)?)
        .map_err(|_| StoreError::damaged(&path, "it is not text"))?;
    let body = text.trim_end_matches('\n');
    let (lines, last) = body.rsplit_once('\n').map_or(("", body), |(lines, last)| (lines, last));
    let lines = if lines.is_empty() { String::new() } else { format!("{lines}\n") };
    if last != format!("{{\"xxh3\":\"{:016x}\"}}", xxh3_64(lines.as_bytes())) {
        return Err(StoreError::damaged(&path, "its checksum does not fit"));
    }
    let entry = |line| serde_json::from_str(line).map_err(|error| StoreError::damaged(&path, error.to_string()));
    lines.lines().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_published() {
        let directory = tempfile::tempdir().expect("a directory");
        {
            let (keyed, problem) = Keyed::open(directory.path()).expect("opens");
            assert!(problem.is_none());
            keyed.put(Tree::Cursors, "console", &7).expect("written");
            keyed.put(Tree::Cursors, "console", &8).expect("written");
            keyed.put(Tree::Retention, "1", &"x").expect("written");
            keyed.publish().expect("published");
        }
        let published = read_published(directory.path(), Tree::Cursors).expect("readable");
        assert_eq!(published.into_iter().collect::<Vec<_>>(), [("console".to_owned(), 8.into())]);
        let (keyed, _) = Keyed::open(directory.path()).expect("opens again");
        assert_eq!(keyed.get::<u64>(Tree::Cursors, "console").expect("readable"), Some(8));
        assert_eq!(keyed.get::<u64>(Tree::Cursors, "other").expect("readable"), None);
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let directory = tempfile::tempdir().expect("a directory");
        Keyed::open(directory.path())
            .and_then(|(keyed, _)| keyed.put(Tree::Cursors, "a", &1).and_then(|()| keyed.publish()))
            .expect("published");
        let path = directory.path().join(PUBLISHED_FILE);
        let text = std::fs::read_to_string(&path).expect("readable").replace("\"value\":1", "\"value\":2");
        std::fs::write(&path, text).expect("writable");
        assert!(matches!(read_published(directory.path(), Tree::Cursors), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn what_is_missing_or_damaged_is_made_anew_from_what_was_published() {
        let directory = tempfile::tempdir().expect("a directory");
        let (keyed, _) = Keyed::open(directory.path()).expect("opens");
        keyed.put(Tree::Losses, "1", &7).and_then(|()| keyed.publish()).expect("published");
        drop(keyed);
        let path = directory.path().join(files::KEYED_DIRECTORY);
        std::fs::remove_dir_all(&path).expect("ours");
        let (keyed, problem) = Keyed::open(directory.path()).expect("opens");
        assert!(problem.expect("said").to_string().contains("missing"));
        assert_eq!(keyed.get::<u64>(Tree::Losses, "1").expect("readable"), Some(7));
        drop(keyed);
        for entry in walk(&path) {
            std::fs::write(entry, [0xa5; 300]).expect("writable");
        }
        let (keyed, problem) = Keyed::open(directory.path()).expect("opens");
        assert!(problem.expect("said").to_string().contains("damaged-"));
        assert_eq!(keyed.get::<u64>(Tree::Losses, "1").expect("readable"), Some(7));
    }

    #[test]
    fn a_keyed_part_that_was_not_finished_is_made_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let (keyed, _) = Keyed::open(directory.path()).expect("opens");
        keyed.put(Tree::Cursors, "a", &7).and_then(|()| keyed.publish()).expect("published");
        drop(keyed);
        // As a process leaves it that dies before it put back anything.
        std::fs::remove_dir_all(directory.path().join(files::KEYED_DIRECTORY)).expect("ours");
        drop(Keyed::open_there(directory.path(), &directory.path().join(UNFINISHED_DIRECTORY)).expect("opens"));
        let (keyed, _) = Keyed::open(directory.path()).expect("opens");
        assert_eq!(keyed.get::<u64>(Tree::Cursors, "a").expect("readable"), Some(7));
        assert!(!directory.path().join(UNFINISHED_DIRECTORY).exists());
    }

    #[test]
    fn a_published_file_that_is_damaged_is_not_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(PUBLISHED_FILE);
        std::fs::write(&path, "damaged").expect("writable");
        let (keyed, problem) = Keyed::open(directory.path()).expect("opens");
        assert!(problem.expect("said").to_string().contains("moved aside"));
        keyed.publish().expect("published");
        let names = files::entries(directory.path()).expect("listed");
        let aside = names.iter().find(|name| name.to_string_lossy().contains(".damaged-")).expect("kept");
        assert_eq!(std::fs::read(directory.path().join(aside)).expect("readable"), b"damaged");
    }

    fn walk(directory: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
        }
        found
    }
}
