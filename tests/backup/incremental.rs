//! A backup that is made again takes what is new and nothing else.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sutra_grid_events::store::{BackupError, BackupOptions, BackupReport, Retention, Store, StoreConfig};
use sutra_grid_events::{Filter, forensics};

use crate::harness::{backup, config, contents, event, events, store_of, with_ending};

fn mirror(from: &Path, to: &Path) -> BackupReport {
    let mut options = BackupOptions::default();
    options.mirror = true;
    forensics::backup(from, to, &options).expect("made")
}

/// A store with three segments and a tail, and a backup of it.
fn store_and_backup(directory: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (store, to) = (directory.join("store"), directory.join("backup"));
    store_of(&store, &events(0..350));
    assert_eq!(with_ending(&store, "seg").len(), 3);
    backup(&store, &to);
    (store, to)
}

#[test]
fn segments_stay_and_logs_that_became_segments_go() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    let inodes = || with_ending(&to, "seg").iter().map(|path| path.metadata().unwrap().ino()).collect::<Vec<_>>();
    let before = inodes();
    let again = backup(&store, &to);
    assert_eq!((again.kept.files, again.copied.files, again.removed.files), (3, 2, 0), "a log and FORMAT");
    store_of(&store, &events(350..450));
    let (new, logs) = (with_ending(&store, "seg").len(), with_ending(&to, "log").len());
    assert!(new > 3 && logs == 1);
    let report = backup(&store, &to);
    assert_eq!(report.kept.files, 3);
    assert_eq!(report.copied.files as usize, new - 3 + with_ending(&store, "log").len() + 1 + kv(&store));
    assert_eq!(report.removed.files, 1, "the log that became a segment");
    assert_eq!(inodes()[..3], before);
    assert_eq!(contents(&to), contents(&store));
}

fn kv(store: &Path) -> usize {
    usize::from(store.join("kv.jsonl").exists())
}

#[test]
fn generations_share_their_segments() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    store_of(&store, &events(350..420));
    let next = directory.path().join("next");
    let mut options = BackupOptions::default();
    options.previous = Some(&to);
    let report = forensics::backup(&store, &next, &options).expect("made");
    assert_eq!(report.linked.files, 3);
    for old in with_ending(&to, "seg") {
        let new = next.join("segments").join(old.file_name().unwrap());
        assert_eq!(old.metadata().unwrap().ino(), new.metadata().unwrap().ino());
    }
    assert_eq!(contents(&next), contents(&store));
    assert_eq!(contents(&to).len(), 350, "the older one is as it was");
    // What is damaged in the older one is not shared.
    let damaged = with_ending(&to, "seg").remove(1);
    std::fs::remove_file(next.join("segments").join(damaged.file_name().unwrap())).unwrap();
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let third = directory.path().join("third");
    let report = forensics::backup(&store, &third, &options).expect("made");
    assert_eq!(report.linked.files, 2);
    assert_eq!(contents(&third), contents(&store));
}

#[test]
fn damage_in_the_backup_is_healed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    let segments = with_ending(&to, "seg");
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segments[0], bytes).unwrap();
    std::fs::write(&segments[1], "").unwrap();
    std::fs::remove_file(&segments[2]).unwrap();
    let report = backup(&store, &to);
    assert_eq!((report.kept.files, report.copied.files), (0, 5));
    assert_eq!(contents(&to), contents(&store));
    forensics::restore(&to, &directory.path().join("restored"), &forensics::RestoreOptions::default()).expect("healed");
}

#[test]
fn what_retention_removed_stays_unless_the_store_is_mirrored() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    let all = contents(&store);
    let retention = Retention { bytes_max: Some(1), ..Retention::default() };
    let open = Store::open_with(&store, StoreConfig { retention, ..config() }).expect("opens");
    open.append(&events(350..360)).expect("written");
    open.seal().expect("sealed");
    open.close().expect("closed");
    let left = contents(&store);
    assert!(left.len() < all.len());
    let report = backup(&store, &to);
    assert!(report.only_here.files >= 3, "{report:?}");
    let kept = contents(&to);
    assert!(kept.starts_with(&all[..300]), "all that was sealed stays");
    let report = mirror(&store, &to);
    assert_eq!(report.only_here.files, 0);
    assert_eq!(contents(&to), left);
}

#[test]
fn another_store_or_history_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    let other = directory.path().join("other");
    store_of(&other, &events(0..10));
    let error = forensics::backup(&other, &to, &BackupOptions::default()).expect_err("refused");
    assert!(matches!(error, BackupError::OtherStore { .. }), "{error}");
    // Two stores that were one: each goes on in its way.
    let restored = directory.path().join("restored");
    forensics::restore(&to, &restored, &forensics::RestoreOptions::default()).expect("restored");
    store_of(&restored, &[event(1, 1)]);
    store_of(&store, &[event(2, 2)]);
    backup(&store, &to);
    let before = contents(&to);
    let error = forensics::backup(&restored, &to, &BackupOptions::default()).expect_err("refused");
    assert!(matches!(error, BackupError::OtherHistory { .. }), "{error}");
    assert_eq!(contents(&to), before, "it is as it was");
    mirror(&restored, &to);
    assert_eq!(contents(&to), contents(&restored));
    // One that is behind.
    store_of(&store, &events(900..950));
    backup(&store, &directory.path().join("ahead"));
    let error = forensics::backup(&restored, &directory.path().join("ahead"), &BackupOptions::default());
    let error = error.expect_err("refused");
    assert!(error.to_string().contains("the store ends at 351"), "{error}");
}

#[test]
fn an_interrupted_backup_is_made_to_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = store_and_backup(directory.path());
    // As it is left if the power goes in the middle: some segments, one file that was not finished.
    std::fs::rename(to.join("BACKUP"), directory.path().join("manifest")).unwrap();
    std::fs::write(to.join("BACKUP.unfinished"), "").unwrap();
    std::fs::remove_file(to.join("FORMAT")).unwrap();
    let segments = with_ending(&to, "seg");
    std::fs::remove_file(&segments[2]).unwrap();
    std::fs::write(segments[2].with_extension("tmp"), "half").unwrap();
    let report = backup(&store, &to);
    assert_eq!(report.kept.files, 2);
    assert!(!to.join("BACKUP.unfinished").exists() && with_ending(&to, "tmp").is_empty());
    assert_eq!(contents(&to), contents(&store));
}

#[test]
fn a_torn_end_is_told_of_in_the_backup_as_in_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    store_of(&store, &events(0..150));
    let log = with_ending(&store.join("tail"), "log").pop().expect("a log");
    let whole = std::fs::read(&log).expect("readable");
    std::fs::write(&log, &whole[..whole.len() - 7]).expect("writable");
    let none = Filter::event_type("never_happened");
    let gaps = |path: &Path| Store::open_read_only(path).expect("readable").gaps(&none).expect("known");
    assert_eq!(gaps(&store).len(), 1);
    let report = backup(&store, &to);
    assert!(report.problems.iter().any(|problem| problem.contains("torn off")), "{:?}", report.problems);
    assert_eq!(gaps(&to).len(), 1);
    // The next writer cuts it off, and the next backup follows.
    Store::open(&store).expect("opens").append(&events(200..203)).expect("written");
    backup(&store, &to);
    assert_eq!(Store::open_read_only(&to).expect("readable").count(&Filter::All).expect("readable"), {
        Store::open_read_only(&store).expect("readable").count(&Filter::All).expect("readable")
    });
}
