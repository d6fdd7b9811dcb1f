//! Where a forwarder remembers how far it is: in the store, or in a file where the store belongs to another process.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::remote::endpoint::RemoteEndpoint;
use crate::store::{Cursor, Store};

/// The longest file that is read as a cursor.
const CURSOR_BYTES_MAX: u64 = 64;

/// The place of one forwarder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its name among the cursors of the store.
    name: String,
    /// Where it is kept instead, if the store is open for reading only.
    file: Option<PathBuf>,
}

impl Place {
    pub(super) fn new(endpoint: &RemoteEndpoint, file: Option<PathBuf>) -> Self {
        Self { name: format!("forward:{}", endpoint.address()), file }
    }

    /// Where to go on; before the first event if nothing was saved for this store.
    pub(super) fn load(&self, store: &Store) -> Result<Cursor, StoreError> {
        let in_store = store.cursor(&self.name)?;
        let in_file = self.file.as_deref().map(read).transpose()?.flatten();
        let start = Cursor { epoch: store.epoch(), sequence: 0 };
        let saved = in_store.into_iter().chain(in_file).filter(|cursor| cursor.epoch == start.epoch);
        // Both may be there, if the writer forwarded before; the one that is further ahead is right.
        Ok(saved.max_by_key(|cursor| cursor.sequence).unwrap_or(start))
    }

    pub(super) fn save(&self, store: &Store, cursor: Cursor) -> Result<(), StoreError> {
        match &self.file {
            None => store.save_cursor(&self.name, cursor),
            Some(file) => write(file, cursor),
        }
    }
}

/// The cursor in a file. Nothing if there is no file, or none that holds a cursor.
fn read(path: &Path) -> Result<Option<Cursor>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() <= CURSOR_BYTES_MAX => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", path)(error)),
    }
    let text = fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    Ok(text.trim().parse().ok())
}

/// Replaces the file durably, as a whole.
fn write(path: &Path, cursor: Cursor) -> Result<(), StoreError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unfinished = path.with_extension("tmp");
    let replace = || {
        fs::create_dir_all(directory)?;
        let mut file = File::create(&unfinished)?;
        writeln!(file, "{cursor}")?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(directory)?.sync_all()
    };
    replace().map_err(StoreError::io("write", path))
}

/// The directory for what this user's programs keep beside their data, with what this crate keeps in it:
/// `$XDG_STATE_HOME/grid-events`, else `~/.local/state/grid-events`. Nothing if the environment names neither.
pub(crate) fn state_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").filter(|state| state.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local").join("state")))?;
    Some(state.join("grid-events"))
}

/// The file where a forwarder of this user keeps its place for a store that another process writes to. Nothing if
/// the environment names no directory for it.
#[must_use]
pub fn cursor_file(store: &Store, endpoint: &RemoteEndpoint) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let name = format!("{:016x}-{}.cursor", store.epoch(), endpoint.file_name());
    Some(state_directory(variable)?.join("forward").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_in_a_file_reads_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a").join("b.cursor");
        assert_eq!(read(&path).unwrap(), None);
        for sequence in [0, 7, u64::MAX] {
            let cursor = Cursor { epoch: 5, sequence };
            write(&path, cursor).unwrap();
            assert_eq!(read(&path).unwrap(), Some(cursor));
        }
        for text in ["", "x", &"1".repeat(1000)] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap(), None, "{text}");
        }
        assert!(read(&path.join("below a file")).is_err());
    }

    #[test]
    fn the_cursor_that_is_further_ahead_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let endpoint: RemoteEndpoint = "h:1".parse().unwrap();
        let file = directory.path().join("cursor");
        let place = Place::new(&endpoint, Some(file.clone()));
        let at = |sequence| Cursor { epoch: store.epoch(), sequence };
        assert_eq!(place.load(&store).unwrap(), at(0));
        place.save(&store, at(5)).unwrap();
        Place::new(&endpoint, None).save(&store, at(7)).unwrap();
        assert_eq!(place.load(&store).unwrap(), at(7));
        place.save(&store, at(9)).unwrap();
        assert_eq!(place.load(&store).unwrap(), at(9));
        write(&file, Cursor { epoch: store.epoch() ^ 1, sequence: 99 }).unwrap();
        assert_eq!(place.load(&store).unwrap(), at(7), "a cursor of another store is none of this");
    }
}
