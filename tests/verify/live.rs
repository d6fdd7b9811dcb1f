//! Beside a writer, verify finds nothing that is not there.

use std::sync::atomic::{AtomicBool, Ordering};

use sutra_grid_events::Store;
use sutra_grid_events::store::{Retention, StoreConfig};

use crate::stores::{check, config, event, lines};

fn beside_a_writer(config: StoreConfig) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config).expect("opens");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..60u64 {
                let batch: Vec<_> = (0..20).map(|at| event(20 * number + at)).collect();
                store.append(&batch).expect("written");
                if number % 4 == 3 {
                    store.seal().expect("sealed");
                }
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let found = check(directory.path());
            assert!(found.is_ok(), "{:?}", lines(&found));
        }
    });
    let found = check(directory.path());
    assert!(found.is_ok(), "{:?}", lines(&found));
    assert!(found.events > 0);
}

#[test]
fn a_log_that_grows_all_the_time_is_not_torn() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config()).expect("opens");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Acquire) {
                let batch: Vec<_> = (number..number + 50).map(event).collect();
                number += 50;
                store.append(&batch).expect("written");
            }
        });
        let found: Vec<_> = (0..15).flat_map(|_| lines(&check(directory.path()))).collect();
        done.store(true, Ordering::Release);
        let wrong: Vec<_> = found.iter().filter(|line| !line.starts_with("Notice")).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    });
}

#[test]
fn logs_that_are_sealed_and_removed_meanwhile_are_no_finding() {
    beside_a_writer(StoreConfig { segment_events: 50, ..config() });
}

#[test]
fn segments_that_retention_removes_meanwhile_are_no_finding() {
    let retention = Retention { bytes_max: Some(20_000), ..Retention::default() };
    beside_a_writer(StoreConfig { segment_events: 50, retention, ..config() });
}
