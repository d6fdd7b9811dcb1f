//! Any bytes are a segment or a damaged one: nothing that can be asked of the store panics, hangs or takes memory that
//! the file does not justify, and verify comes to an end with it.

#![no_main]

#[path = "../common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::Store;
use sutra_grid_events::forensics::{VerifyOptions, verify};

fuzz_target!(init: sutra_grid_events::bench::lay_bare(), |bytes: &[u8]| {
    let directory = common::store_of("segments/00000000000000000001.seg", bytes);
    if let Ok(store) = Store::open_read_only(directory.path()) {
        common::ask_everything(&store);
    }
    // One thread: that of a fuzzer is seen by its sanitizers, and starting more takes longer than the work.
    let options = VerifyOptions::default().with_threads(1);
    match verify(directory.path(), &options, &|_| {}) {
        Ok(found) => assert!(found.findings.iter().all(|finding| !finding.what.is_empty())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
