//! What the targets share that fuzz the files of a store.

use std::ops::ControlFlow;
use std::path::Path;

use sutra_grid_events::query::TimeRange;
use sutra_grid_events::store::ForeignPlace;
use sutra_grid_events::{Filter, Query, Store};
use tempfile::TempDir;

/// An empty directory, in memory where there is one.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

/// A store with nothing in it but one file.
pub fn store_with(path: &str, bytes: &[u8]) -> TempDir {
    let directory = scratch();
    std::fs::write(directory.path().join("FORMAT"), "sutra-grid-events 1\nepoch 0000000000000007\n").expect("writable");
    for name in ["tail", "segments"] {
        std::fs::create_dir(directory.path().join(name)).expect("creatable");
    }
    std::fs::write(directory.path().join(path), bytes).expect("writable");
    directory
}

/// Reads all that a store holds, in every way that reads other parts of its files. Errors are answers; how many events
/// were found.
pub fn read_all(store: &Store) -> usize {
    let (mut events, mut last) = (Vec::new(), None);
    let visit = &mut |stored: sutra_grid_events::StoredEvent| {
        assert!(last.is_none_or(|last| last < stored.sequence), "sequence numbers rise");
        last = Some(stored.sequence);
        events.push(stored);
        if events.len() < 2_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let _ = store.snapshot().scan(0, visit);
    for stored in events.iter().take(20) {
        let _ = store.get(&stored.id);
        let _ = store.count(&Filter::event_type(stored.event.event_type()));
        for entity in stored.event.entities().iter().take(4) {
            let _ = store.count(&Filter::entity_of(&entity.field, &entity.value));
            let _ = store.timeline(&entity.value, TimeRange::default());
            let _ = store.distinct(&Filter::All, &entity.field);
        }
    }
    let _ = store.count(&Filter::All);
    let _ = store.count(&Filter::field("number").at_least(3).and(Filter::field("text").contains("a").not()));
    let _ = store.query(&Query::new(Filter::entity("agent-001")).newest_first().limit(10));
    let _ = store.histogram(&Filter::All, i64::MAX / 4);
    let _ = store.stats();
    events.len()
}

/// Reads the foreign records of a store; how many there are.
pub fn read_foreign(store: &Store) -> usize {
    let mut places = Vec::new();
    let Ok(end) = store.foreign_end() else { return 0 };
    let _ = store.foreign_since(ForeignPlace { offset: 0, ..end }, &mut |place, _| places.push(place));
    for place in places.iter().take(20) {
        assert!(store.foreign_at(*place).is_ok_and(|found| found.is_some()), "what was visited is there");
    }
    places.len()
}
