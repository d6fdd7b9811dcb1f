//! Any bytes are read as a log, by a reader and by a writer, who goes on with it, seals it and finds the same events.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::{Event, Store};
use sutra_grid_events_fuzz::{read_all, store_with};

fuzz_target!(|bytes: &[u8]| {
    let directory = store_with("tail/00000000000000000001.log", bytes);
    let read = Store::open_read_only(directory.path()).map(|store| read_all(&store));
    let Ok(store) = Store::open(directory.path()) else { return };
    let found = read_all(&store);
    assert_eq!(read.ok(), Some(found), "a writer finds what a reader found");
    let event = r#"{"event_type":"after","timestamp":"2026-11-18T08:00:00Z"}"#;
    // Sequence numbers may have come to an end, which is an error and no panic.
    if store.append(&[Event::from_json(event).expect("well-formed")]).is_ok() && store.seal().is_ok() && found < 2_000 {
        assert_eq!(read_all(&store), found + 1, "sealing keeps what there is");
    }
});
