//! What is no backup, or not one any more, is not restored, and said so.

use std::path::Path;

use sutra_grid_events::forensics;
use sutra_grid_events::store::{BackupError, BackupOptions};

use crate::harness::{backup, events, store_of, walk, with_ending};

fn restore(from: &Path, to: &Path) -> BackupError {
    forensics::restore(from, to, &forensics::RestoreOptions::default()).expect_err("refused")
}

#[test]
fn a_plain_copy_is_no_backup() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("restored"));
    store_of(&store, &events(0..10));
    let error = restore(&store, &to);
    assert!(matches!(error, BackupError::NotABackup { .. }) && error.to_string().contains("salvage"), "{error}");
    assert!(!to.exists());
    assert!(matches!(restore(&directory.path().join("none"), &to), BackupError::Store(_)));
}

#[test]
fn every_changed_missing_or_cut_file_is_noticed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    store_of(&store, &events(0..250));
    backup(&store, &to);
    let restored = directory.path().join("restored");
    for path in walk(&to).into_iter().filter(|path| path.is_file() && !path.ends_with("LOCK")) {
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for changed in [Some(flipped), Some(whole[..whole.len() - 1].to_vec()), Some(Vec::new()), None] {
            match &changed {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let error = restore(&to, &restored).to_string();
            let named = path.file_name().unwrap().to_str().unwrap();
            assert!(error.contains(named), "{error}");
            assert!(!restored.exists(), "nothing is written before all is checked");
        }
        std::fs::write(&path, whole).unwrap();
    }
    forensics::restore(&to, &restored, &forensics::RestoreOptions::default()).expect("whole again");
}

#[test]
fn an_unfinished_backup_is_told_from_a_damaged_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    store_of(&store, &events(0..250));
    backup(&store, &to);
    let restored = directory.path().join("restored");
    let manifest = std::fs::read(to.join("BACKUP")).unwrap();
    std::fs::remove_file(to.join("BACKUP")).unwrap();
    std::fs::write(to.join("BACKUP.unfinished"), "").unwrap();
    assert!(matches!(restore(&to, &restored), BackupError::Unfinished { .. }));
    // Interrupted while it was brought up to date.
    std::fs::write(to.join("BACKUP"), manifest).unwrap();
    let log = with_ending(&to, "log").remove(0);
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, "longer").unwrap();
    assert!(matches!(restore(&to, &restored), BackupError::Unfinished { .. }));
    // What is whole is whole, although the mark was left.
    std::fs::write(&log, whole).unwrap();
    forensics::restore(&to, &restored, &forensics::RestoreOptions::default()).expect("whole");
}

#[test]
fn a_place_that_holds_something_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, to) = (directory.path().join("store"), directory.path().join("backup"));
    store_of(&store, &events(0..250));
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("notes.txt"), "mine").unwrap();
    let make = |to: &Path| forensics::backup(&store, to, &BackupOptions::default()).expect_err("refused");
    assert!(matches!(make(&other), BackupError::Occupied { .. }));
    assert!(matches!(make(&store), BackupError::Inside { .. }));
    assert!(matches!(make(&store.join("backup")), BackupError::Inside { .. }));
    std::os::unix::fs::symlink(&store, directory.path().join("link")).unwrap();
    assert!(matches!(make(&directory.path().join("link/backup")), BackupError::Inside { .. }));
    backup(&store, &to);
    assert!(matches!(restore(&to, &other), BackupError::Occupied { .. }));
    assert!(matches!(restore(&to, &store), BackupError::Occupied { .. }));
    assert_eq!(walk(&other).len(), 1);
    // A backup that somebody wrote to is a store of its own.
    store_of(&to, &events(250..260));
    assert!(matches!(make(&to), BackupError::Changed { .. }));
}
