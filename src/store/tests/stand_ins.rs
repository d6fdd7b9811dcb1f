//! A segment that cannot be read while its log is still there, with other segments behind it.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Store, StoreConfig, config, heartbeat};
use crate::query::Filter;
use crate::store::Appended;

/// Three segments of ten events whose logs are still there, and five events behind them.
fn sealed(directory: &Path) -> Vec<String> {
    let store = Store::open_with(directory, keeping_logs()).expect("opens");
    for part in 0..3 {
        for second in 0..10 {
            store.append(&[heartbeat(part, i64::from(part * 10 + second) * 1_000_000)]).expect("written");
        }
        store.seal().expect("sealed");
    }
    store.append(&(0..5).map(|second| heartbeat(9, second + 90_000_000)).collect::<Vec<_>>()).expect("written");
    let all = lines(&store);
    store.close().expect("closed");
    std::fs::write(segment(directory), "something else").expect("writable");
    all
}

fn keeping_logs() -> StoreConfig {
    StoreConfig { sealed_log_grace: std::time::Duration::from_secs(1_000_000), ..config(1_000) }
}

fn segment(directory: &Path) -> std::path::PathBuf {
    directory.join("segments/00000000000000000002.seg")
}

fn lines(store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    let visit = &mut |stored: crate::storage::StoredEvent| {
        found.push(format!("{} {} {}", stored.sequence, stored.id, stored.event.to_json()));
        ControlFlow::Continue(())
    };
    store.snapshot().scan(0, visit).expect("readable");
    found
}

#[test]
fn a_reader_reads_the_log_and_a_writer_seals_it_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let all = sealed(directory.path());
    let reader = Store::open_read_only(directory.path()).expect("readable");
    assert_eq!(reader.problems().len(), 1, "{:?}", reader.problems());
    assert_eq!(lines(&reader), all);
    reader.refresh().expect("readable");
    assert_eq!(lines(&reader), all);
    assert_eq!(reader.gaps(&Filter::All).expect("readable"), [], "nothing is missing");
    let writer = Store::open_with(directory.path(), keeping_logs()).expect("opens");
    assert_eq!(writer.problems(), Vec::<String>::new());
    let pieces = writer.shared().pieces();
    assert!(pieces.stand_ins.is_empty());
    let links: Vec<_> = pieces.segments.iter().map(|segment| segment.contents()).collect();
    assert_eq!(links.iter().map(|contents| contents.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(links.windows(2).all(|two| two[0].after == two[1].before), "the chain holds");
    assert_eq!(lines(&writer), all);
    reader.refresh().expect("readable");
    assert_eq!((lines(&reader), reader.problems()), (all, vec![]));
    let names = std::fs::read_dir(directory.path().join("segments")).expect("readable");
    let names = names.map(|entry| entry.expect("readable").file_name().into_string().expect("Unicode"));
    assert_eq!(names.filter(|name| name.contains(".damaged-")).count(), 1, "the damaged file is kept");
}

#[test]
fn a_log_that_is_not_what_was_sealed_goes_on_standing_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let all = sealed(directory.path());
    let log = directory.path().join("tail/00000000000000000002.log");
    let mut bytes = std::fs::read(&log).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&log, bytes).expect("writable");
    let damaged = std::fs::read(segment(directory.path())).expect("there");
    let writer = Store::open_with(directory.path(), keeping_logs()).expect("opens");
    let found = lines(&writer);
    assert_eq!(found.len(), all.len() - 1, "one batch is lost");
    assert!(
        found.iter().all(|line| all.contains(line))
            && found.is_sorted_by_key(|line| all.iter().position(|l| l == line))
    );
    assert_eq!(writer.gaps(&Filter::All).expect("readable").iter().filter_map(|gap| gap.events).sum::<u64>(), 1);
    assert_eq!(std::fs::read(segment(directory.path())).expect("there"), damaged);
    // An id of an event that stands in is not given again.
    let again = writer.append(&[heartbeat(1, 10_000_000)]).expect("written");
    assert!(matches!(&again[0], Appended::Stored(id) if !found.iter().any(|line| line.contains(&format!(" {id} ")))));
    let known = writer.append_new(&[heartbeat(1, 10_000_000)]).expect("written");
    assert!(matches!(&known[0], Appended::Duplicate(_)), "its content is known");
}
