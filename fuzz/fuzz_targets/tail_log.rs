//! Any bytes are a log or a damaged one: what a reader finds in it, a writer finds too, keeps, and goes on behind.

#![no_main]

#[path = "../common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::{Event, Store};

const EVENT: &str = r#"{"event_type":"zz_fresh","timestamp":"2026-11-24T08:00:00Z"}"#;

fuzz_target!(init: sutra_grid_events::bench::lay_bare(), |bytes: &[u8]| {
    let directory = common::store_of("tail/00000000000000000001.log", bytes);
    let Ok(reader) = Store::open_read_only(directory.path()) else { return };
    let read = common::ask_everything(&reader);
    drop(reader);
    let Ok(store) = Store::open(directory.path()) else { return };
    assert_eq!(common::ask_everything(&store), read, "a writer finds what a reader does");
    store.append(&[Event::from_json(EVENT).expect("legal")]).expect("written");
    store.seal().expect("sealed");
    store.close().expect("closed");
    let reader = Store::open_read_only(directory.path()).expect("a store");
    let after = common::ask_everything(&reader);
    assert_eq!(after.len(), read.len() + 1, "all is kept, and one came");
});
