//! A store with a part of every kind: segments, logs, what was learned, the keyed part, the lock.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sutra_grid_events::graph::{Concept, EmbeddedConcepts};
use sutra_grid_events::store::{Cursor, Loss, LossCause};
use sutra_grid_events::{Event, Store, StoreConfig};
use tempfile::TempDir;

/// The reference for relative times in every test.
pub(crate) const NOW: &str = "2026-11-18T12:00:00Z";
/// An event of the store.
pub(crate) const CRASH: &str = "event-node_crashed-1794988800000000";

/// A store in a directory that goes away with it.
pub(crate) struct StoreOfAll {
    directory: TempDir,
}

impl StoreOfAll {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("store");
        let config = StoreConfig { segment_events: 64, ..StoreConfig::default() };
        let store = Store::open_with(&path, config).expect("a new store");
        let mut events = vec![event("node_crashed", r#""node_id":"node-a","agent_id":"agent-1","exit_code":137"#, 0)];
        events.extend(
            (1..200).map(|second| event("agent_heartbeat", r#""agent_id":"agent-1","storage_node_count":1"#, second)),
        );
        for some in events.chunks(20) {
            store.append(some).expect("written");
        }
        store.save_cursor("console", Cursor { epoch: store.epoch(), sequence: 3 }).expect("kept");
        store.note_loss(&Loss::new(LossCause::Rejected, "a test says so")).expect("noted");
        let concepts = EmbeddedConcepts::new(store.clone());
        concepts.learn_concept_blocking(Concept::new("runbook", "Restart the node.")).expect("learned");
        drop(concepts);
        store.close().expect("closed");
        for part in ["FORMAT", "LOCK", "foreign.log", "kv", "kv.jsonl", "segments", "tail"] {
            assert!(path.join(part).exists(), "the store has no {part}");
        }
        assert!(path.join("segments").read_dir().expect("readable").count() > 1);
        assert!(path.join("tail").read_dir().expect("readable").count() > 0);
        Self { directory }
    }

    /// The data directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// A place beside the store.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory around the store.
    pub(crate) fn around(&self) -> &Path {
        self.directory.path()
    }
}

/// An event of eight o'clock and so many seconds.
pub(crate) fn event(event_type: &str, fields: &str, second: u32) -> Event {
    let time = format!("2026-11-18T08:{:02}:{:02}Z", second / 60, second % 60);
    Event::from_json(&format!(r#"{{"event_type":"{event_type}",{fields},"timestamp":"{time}"}}"#)).expect("an event")
}

/// The binary, untouched by the variables of whoever runs the tests.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    for variable in ["EVENT_STORAGE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// What a command said, for messages of tests.
pub(crate) fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
