//! A disk that fails to sync while retention notes what it removes: nobody waits for somebody who waits for them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::run::scratch;
use super::{Store, StoreConfig, heartbeat};
use crate::storage::medium::Change;
use crate::storage::medium::watch::{Verdict, Watcher, watch};
use crate::store::{Durability, Retention};

/// Refuses every third sync of a log.
#[derive(Default)]
struct Refuses(AtomicUsize);

impl Watcher for Refuses {
    fn before(&self, change: &Change<'_>) -> Verdict {
        match change {
            Change::Sync { path }
                if path.extension().is_some_and(|ending| ending == "log")
                    && self.0.fetch_add(1, Ordering::Relaxed) % 3 == 2 =>
            {
                Verdict::Refused(io::Error::from_raw_os_error(5))
            }
            _ => Verdict::Made,
        }
    }
}

#[test]
fn retention_and_a_failing_sync_do_not_wait_for_each_other() {
    let directory = scratch();
    let _watch = watch(directory.path(), Arc::new(Refuses::default()));
    let retention = Retention { age_max: Some(Duration::from_nanos(1)), ..Retention::default() };
    let durability = Durability::Interval(Duration::from_millis(1));
    let config = StoreConfig { segment_events: 8, durability, retention, ..StoreConfig::default() };
    let store = Store::open_with(directory.path(), config).expect("new");
    let writer = store.clone();
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for number in 0..400 {
            // A full tail that cannot be sealed yet is refused; that is no waiting.
            let _ = writer.append(&[heartbeat(number, i64::from(number))]);
            std::thread::sleep(Duration::from_millis(1));
        }
        done.send(()).expect("awaited");
    });
    is_done.recv_timeout(Duration::from_secs(100)).expect("nobody waits for ever");
}
