//! Any bytes are read as the log of foreign records, by a reader and by a writer, who goes on with it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::Store;
use sutra_grid_events::store::{ForeignAssociation, ForeignRecord};
use sutra_grid_events_fuzz::{read_foreign, store_with};

fuzz_target!(|bytes: &[u8]| {
    let directory = store_with("foreign.log", bytes);
    let found = Store::open_read_only(directory.path()).map_or(0, |store| read_foreign(&store));
    let Ok(store) = Store::open(directory.path()) else { return };
    assert_eq!(read_foreign(&store), found, "a writer finds what a reader found");
    let record = ForeignAssociation { source: "a".into(), target: "b".into(), code: 1, confidence: 1.0, learned_us: 0 };
    if store.learn_foreign(&[ForeignRecord::Association(record)]).is_ok() {
        assert_eq!(read_foreign(&store), found + 1, "learning keeps what there is");
    }
});
