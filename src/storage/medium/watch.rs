//! Watching a directory: a test sees each change before it is made, and may keep it from being made.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::Change;

/// What becomes of a change.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is made.
    Made,
    /// It is not made.
    Refused(io::Error),
    /// Of a write, this many bytes are written before it fails; of anything else, all is made and it fails.
    Partly(usize, io::Error),
}

/// Whoever watches. One change of a directory is made after the other, so that their order is known.
pub(crate) trait Watcher: Send + Sync {
    /// A change is about to be made.
    fn before(&self, change: &Change<'_>) -> Verdict;
    /// A change was made, as far as these bytes of it.
    fn after(&self, _change: &Change<'_>, _bytes: usize) {}
}

struct Watched {
    root: PathBuf,
    watcher: Arc<dyn Watcher>,
    /// Held while a change is made.
    making: Mutex<()>,
}

static WATCHED: Mutex<Vec<Weak<Watched>>> = Mutex::new(Vec::new());

/// Watches a directory and all below it until it is dropped.
pub(crate) struct Watch(#[allow(dead_code)] Arc<Watched>);

/// Starts to watch the directory at a path.
pub(crate) fn watch(root: &Path, watcher: Arc<dyn Watcher>) -> Watch {
    let watched = Arc::new(Watched { root: root.to_owned(), watcher, making: Mutex::new(()) });
    let mut all = WATCHED.lock();
    all.retain(|known| known.strong_count() > 0);
    all.push(Arc::downgrade(&watched));
    Watch(watched)
}

fn path_of<'a>(change: &Change<'a>) -> &'a Path {
    match *change {
        Change::CreateDirectory { path }
        | Change::Create { path, .. }
        | Change::Write { path, .. }
        | Change::SetLength { path, .. }
        | Change::Sync { path }
        | Change::SyncDirectory { path }
        | Change::Remove { path } => path,
        Change::Rename { to, .. } => to,
    }
}

/// Makes a change if whoever watches the directory lets it.
pub(super) fn perform<T>(change: Change<'_>, make: impl FnOnce(usize) -> io::Result<T>) -> io::Result<T> {
    let path = path_of(&change);
    let watched = WATCHED.lock().iter().filter_map(Weak::upgrade).find(|watched| path.starts_with(&watched.root));
    let Some(watched) = watched else { return make(change.bytes()) };
    let _making = watched.making.lock();
    match watched.watcher.before(&change) {
        Verdict::Made => {
            let made = make(change.bytes())?;
            watched.watcher.after(&change, change.bytes());
            Ok(made)
        }
        Verdict::Refused(error) => Err(error),
        Verdict::Partly(bytes, error) => {
            let bytes = bytes.min(change.bytes());
            make(bytes)?;
            watched.watcher.after(&change, bytes);
            Err(error)
        }
    }
}
