//! Any bytes are read as a segment, or said to be damaged; none make a reader panic or take memory without end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::Store;
use sutra_grid_events_fuzz::{read_all, store_with};

fuzz_target!(|bytes: &[u8]| {
    let directory = store_with("segments/00000000000000000001.seg", bytes);
    if let Ok(store) = Store::open_read_only(directory.path()) {
        read_all(&store);
    }
});
