//! A small store of several segments, logs and all that stands beside, and ways to damage it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sutra_grid_events::forensics::{SalvageOptions, SalvageReport, salvage};
use sutra_grid_events::store::{Cursor, Durability, ForeignConcept, ForeignRecord, StoreConfig};
use sutra_grid_events::{Event, Store, StoredEvent};

/// Events in each of the three segments.
pub(crate) const SEGMENT_EVENTS: u32 = 40;
/// Events in all: three segments and a tail of 15.
pub(crate) const EVENTS: u64 = 135;
const BATCH: u64 = 5;

pub(crate) struct Example {
    pub(crate) root: tempfile::TempDir,
    /// Every event, by its sequence number.
    pub(crate) events: BTreeMap<u64, StoredEvent>,
}

fn event(number: u64) -> Event {
    let event_type = ["node_started", "step_done", "node_crashed"][(number % 3) as usize];
    let json = format!(
        r#"{{"event_type":"{event_type}","node_id":"node-{}","agent_id":"a-{number}","exit_code":{number},"note":"text {number}","timestamp":"2026-11-24T08:00:{:02}.{number:06}Z"}}"#,
        number % 5,
        number % 60,
    );
    Event::from_json(&json).expect("legal")
}

fn foreign(number: u64) -> ForeignRecord {
    ForeignRecord::Concept(ForeignConcept {
        id: format!("concept-{number}"),
        learned_us: 1,
        of_event: false,
        content: format!("content {number}"),
        embedding: Vec::new(),
        strength: 1.0,
        confidence: 1.0,
        metadata_json: None,
    })
}

impl Example {
    /// A store whose sealed logs are there still, or not.
    pub(crate) fn new(with_logs: bool) -> Self {
        // In memory, where there is such: this is not about what a disk keeps, and syncing takes most of the time.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let root = root.expect("a directory");
        let config = StoreConfig {
            segment_events: SEGMENT_EVENTS,
            durability: Durability::OsBuffered,
            sealed_log_grace: Duration::from_secs(3600),
            ..StoreConfig::default()
        };
        let store = Store::open_with(root.path().join("store"), config).expect("opens");
        for first in (1..=EVENTS).step_by(BATCH as usize) {
            let batch: Vec<Event> = (first..first + BATCH).map(event).collect();
            store.append(&batch).expect("written");
            if (first + BATCH - 1).is_multiple_of(u64::from(SEGMENT_EVENTS)) {
                store.seal().expect("sealed");
            }
        }
        if !with_logs {
            store.remove_sealed_logs().expect("removed");
        }
        store.learn_foreign(&(0..10).map(foreign).collect::<Vec<_>>()).expect("learned");
        store.save_cursor("console", Cursor { epoch: store.epoch(), sequence: 17 }).expect("saved");
        let events = scan(&store);
        assert_eq!(events.len() as u64, EVENTS);
        store.close().expect("closed");
        Self { root, events }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    pub(crate) fn segment(&self, id: u64) -> PathBuf {
        self.store().join(format!("segments/{id:020}.seg"))
    }

    pub(crate) fn log(&self, id: u64) -> PathBuf {
        self.store().join(format!("tail/{id:020}.log"))
    }

    /// Salvages; checks that nothing of the directory changed, that what is there is what was there, and that what is
    /// not is said.
    pub(crate) fn salvage(&self) -> (SalvageReport, Store) {
        let target = self.root.path().join("healthy");
        let before = contents(&self.store());
        age(before.keys());
        let times_before = times(before.keys());
        let report = salvage(&self.store(), &target, &SalvageOptions::default(), &mut |_| {}).expect("salvaged");
        assert_eq!(times(before.keys()), times_before, "the directory was touched");
        assert_eq!(contents(&self.store()), before, "the directory was changed");
        let store = Store::open_read_only(&target).expect("a store");
        assert_eq!(store.problems(), Vec::<String>::new());
        let there = scan(&store);
        for (sequence, stored) in &there {
            assert_eq!(Some(stored), self.events.get(sequence));
        }
        assert_eq!(report.events, there.len() as u64);
        assert_eq!(report.problems, Vec::<String>::new(), "verify finds nothing wrong with what was made");
        assert_eq!(report.is_complete(), report.losses.is_empty());
        assert!(report.is_complete() || !store.losses().expect("readable").is_empty());
        if report.losses.iter().all(|loss| loss.events.is_some()) {
            assert_eq!(report.events + report.events_lost(), EVENTS, "{report:?}");
        }
        private(&target);
        (report, store)
    }
}

/// Every event, by its sequence number.
pub(crate) fn scan(store: &Store) -> BTreeMap<u64, StoredEvent> {
    let mut events = BTreeMap::new();
    store
        .scan(0, &mut |stored| {
            events.insert(stored.sequence, stored.clone());
            ControlFlow::Continue(())
        })
        .expect("readable");
    events
}

/// The bytes of every file; a directory has none.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let read = |path: PathBuf| {
        let bytes = if is_file(&path) { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        (path, bytes)
    };
    walk(root).into_iter().map(read).collect()
}

/// Every time that the file system keeps of some files and directories.
fn times<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<[i64; 6]> {
    let of = |path: &PathBuf| {
        let m = fs::symlink_metadata(path).expect("there");
        [m.atime(), m.atime_nsec(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()]
    };
    paths.map(of).collect()
}

/// Lets files and directories have been read long ago, so that reading them shows.
fn age<'a>(paths: impl Iterator<Item = &'a PathBuf>) {
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    for path in paths.filter(|path| fs::symlink_metadata(path).is_ok_and(|m| m.is_file() || m.is_dir())) {
        let file = fs::File::open(path).expect("ours");
        file.set_times(fs::FileTimes::new().set_accessed(long_ago)).expect("ours");
    }
}

fn walk(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for entry in fs::read_dir(root).expect("readable") {
        let path = entry.expect("readable").path();
        if fs::symlink_metadata(&path).expect("there").is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

/// Checks that only the owner can read what was made.
pub(crate) fn private(root: &Path) {
    for path in walk(root) {
        let metadata = fs::symlink_metadata(&path).expect("there");
        // sled sets the modes of what it makes; nobody else can enter its directory.
        let is_sled = path.ancestors().skip(1).any(|above| above.ends_with("kv"));
        let most = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert!(is_sled || metadata.mode() & 0o777 == most, "{}: {:o}", path.display(), metadata.mode());
    }
}

/// Changes a file's bytes.
pub(crate) fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("readable");
    change(&mut bytes);
    fs::write(path, bytes).expect("writable");
}
