//! What the targets that read files share: a directory that is a store but for one file, and everything that can be
//! asked of a store.

// Each target uses a part of it.
#![allow(dead_code)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sutra_grid_events::query::{Bucket, Filter, GroupKey, Query, TimeRange};
use sutra_grid_events::{ConceptId, Store, StoreError};

/// A directory in memory, if the system has such.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

/// The directory of a store whose only other file is this one, under this name.
pub fn store_of(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let directory = scratch();
    let path = |name: &str| -> PathBuf { directory.path().join(name) };
    for name in ["tail", "segments"] {
        std::fs::create_dir(path(name)).expect("made");
    }
    std::fs::write(path("FORMAT"), "sutra-grid-events 1\nepoch 0123456789abcdef\n").expect("written");
    std::fs::write(path(name), bytes).expect("written");
    directory
}

/// Asks a store everything. Damage may be an error; the answer is the ids of what could be read in order.
pub fn ask_everything(store: &Store) -> Vec<ConceptId> {
    let mut ids = Vec::new();
    let scanned = store.scan(0, &mut |stored| {
        ids.push(stored.id);
        ControlFlow::Continue(())
    });
    let _ = scanned.map_err(named);
    let snapshot = store.snapshot();
    let _ = store.stats().map_err(named);
    let _ = snapshot.query(&Query::new(Filter::All).newest_first().limit(10)).map_err(named);
    let by_field = Filter::field("agent_id").equals("agent-001");
    for filter in [Filter::All, Filter::entity("agent-001"), Filter::event_type("node_crashed"), by_field] {
        let _ = snapshot.count(&filter).map_err(named);
        for key in [GroupKey::Type, GroupKey::Field("agent_id".to_owned())] {
            let _ = snapshot.group_by(&filter, &key).map_err(named);
        }
        let hours = GroupKey::Time { bucket: Bucket::Hour, offset_seconds: 0 };
        let _ = snapshot.group_by(&filter, &hours).map_err(named);
    }
    let _ = snapshot.timeline("node-abc", TimeRange::default()).map_err(named);
    for id in ids.iter().take(20) {
        let _ = snapshot.get(id).map_err(named);
    }
    ids
}

/// An error must be able to say what it is.
fn named(error: StoreError) {
    assert!(!error.to_string().is_empty());
}
