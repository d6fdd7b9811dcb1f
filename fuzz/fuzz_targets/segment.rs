//! Any bytes are a segment or a damaged one: nothing that can be asked of the store panics, hangs or takes memory that
//! the file does not justify.

#![no_main]

#[path = "../common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::Store;

fuzz_target!(init: sutra_grid_events::bench::lay_bare(), |bytes: &[u8]| {
    let directory = common::store_of("segments/00000000000000000001.seg", bytes);
    if let Ok(store) = Store::open_read_only(directory.path()) {
        common::ask_everything(&store);
    }
});
