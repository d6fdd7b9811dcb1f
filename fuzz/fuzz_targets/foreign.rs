//! Any bytes are a log of foreign concepts or a damaged one: what a reader finds in it, a writer keeps, and goes on
//! behind.

#![no_main]

#[path = "../common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::Store;
use sutra_grid_events::store::{ForeignAssociation, ForeignPlace, ForeignRecord};

fuzz_target!(init: sutra_grid_events::bench::lay_bare(), |bytes: &[u8]| {
    let directory = common::store_of("foreign.log", bytes);
    let reader = Store::open_read_only(directory.path()).expect("a store");
    let Ok(before) = count(&reader) else { return };
    drop(reader);
    let store = Store::open(directory.path()).expect("a store");
    let record = ForeignRecord::Association(ForeignAssociation {
        source: "a".to_owned(),
        target: "b".to_owned(),
        code: 1,
        confidence: 0.5,
        learned_us: 0,
    });
    store.learn_foreign(&[record]).expect("written");
    store.close().expect("closed");
    let reader = Store::open_read_only(directory.path()).expect("a store");
    assert_eq!(count(&reader).expect("readable"), before + 1, "all is kept, and one came");
});

/// How many records can be read.
fn count(store: &Store) -> Result<usize, sutra_grid_events::StoreError> {
    let mut count = 0;
    let end = store.foreign_end()?;
    store.foreign_since(ForeignPlace { offset: 0, ..end }, &mut |_, _| count += 1)?;
    Ok(count)
}
