//! Copies of a store that is being written: whenever a directory is copied, file by file, the copy is a whole store
//! with everything that was acknowledged before the copying began.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sutra_grid_events::store::{Appended, StoreConfig};
use sutra_grid_events::{ConceptId, Store};
use tempfile::TempDir;

use crate::store::{event, said};

/// How many copies are made, if not [`COPIES_DEFAULT`].
const COPIES_VARIABLE: &str = "GRID_EVENTS_COPIES";
const COPIES_DEFAULT: usize = 5;
/// Small, so that segments are sealed all the time.
const SEGMENT_EVENTS: u32 = 200;
const BATCH_EVENTS: u32 = 7;
/// Between two batches, so that fifty copies stay small.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes until told to stop. Ids are told once they are acknowledged.
fn write(store: &Store, acknowledged: &Mutex<Vec<ConceptId>>, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        let events: Vec<_> = (0..BATCH_EVENTS)
            .map(|index| {
                let fields = format!(r#""agent_id":"agent-{}","number":{}"#, index % 3, number + index);
                event(["tick", "tock"][index as usize % 2], &fields, (number + index) / 100)
            })
            .collect();
        number += BATCH_EVENTS;
        let ids = store.append(&events).expect("written").into_iter().map(|answer| match answer {
            Appended::Stored(id) => id,
            other => panic!("{other:?}"),
        });
        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        std::thread::sleep(PAUSE);
    }
}

/// Asserts that a copy holds what was acknowledged, in order, and nothing that is out of order or damaged.
fn assert_whole(copy: &Path, acknowledged: &[ConceptId]) {
    let store = Store::open_read_only(copy).expect("a copy opens");
    assert_eq!(store.problems(), Vec::<String>::new());
    let (mut ids, mut sequence) = (Vec::new(), 0);
    let scanned = store.scan(0, &mut |stored| {
        assert_eq!(stored.sequence, sequence + 1, "after {} events", ids.len());
        sequence = stored.sequence;
        ids.push(stored.id);
        ControlFlow::Continue(())
    });
    scanned.expect("all of it can be read");
    assert!(ids.len() >= acknowledged.len(), "{} of {} events", ids.len(), acknowledged.len());
    assert!(ids.starts_with(acknowledged), "other events than those acknowledged");
}

#[test]
fn a_copy_of_a_store_that_is_written_is_whole() {
    let copies = std::env::var(COPIES_VARIABLE).map_or(COPIES_DEFAULT, |text| text.parse().expect("a number"));
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("store");
    let config = StoreConfig { segment_events: SEGMENT_EVENTS, ..StoreConfig::default() };
    let store = Store::open_with(&path, config).expect("a new store");
    let (acknowledged, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| write(&store, &acknowledged, &stop));
        let told = || acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever fails here, the writer must end, or the test would never.
        let outcome = std::panic::catch_unwind(|| {
            for number in 0..copies {
                let copy = directory.path().join(format!("copy-{number}"));
                // So that segments are sealed and logs begun between two copies, and while they are made.
                while told().len() < (number + 1) * SEGMENT_EVENTS as usize {
                    std::thread::sleep(PAUSE);
                }
                let before = told().clone();
                let output = Command::new("cp").arg("-r").args([&path, &copy]).output().expect("cp runs");
                // A file that went while it was copied is no failure: what it held is in another.
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                let gone = |line: &str| line.contains("No such file");
                assert!(errors.lines().all(gone), "{}", said(&output));
                assert_whole(&copy, &before);
                std::fs::remove_dir_all(&copy).expect("ours");
            }
        });
        stop.store(true, Ordering::Release);
        if let Err(failure) = outcome {
            std::panic::resume_unwind(failure);
        }
    });
    assert!(store.stats().expect("readable").segments > 0, "nothing was sealed meanwhile");
    store.close().expect("closed");
}
