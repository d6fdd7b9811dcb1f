//! A file that cannot be read is a finding about that file, and all others are checked.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sutra_grid_events::forensics::Severity;

use crate::stores::{SEGMENT_EVENTS, SEGMENTS, TAIL_EVENTS, expect, healthy, lines, log, segment, try_check};

/// Where a file is in a store.
type Place = fn(&Path) -> PathBuf;

/// Puts something in the place of a file that is none.
fn replace(path: &Path, kind: &str) {
    let elsewhere = path.with_extension("elsewhere");
    match kind {
        "mode 000" => return fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("ours"),
        "symlink" => fs::rename(path, &elsewhere).expect("ours"),
        _ => fs::remove_file(path).expect("ours"),
    }
    match kind {
        "symlink" => symlink(&elsewhere, path).expect("made"),
        "directory" => fs::create_dir(path).expect("made"),
        _ => assert!(Command::new("mkfifo").arg(path).status().expect("it runs").success()),
    }
}

#[test]
fn what_is_no_file_or_may_not_be_read_is_a_finding() {
    let all = SEGMENTS * SEGMENT_EVENTS + TAIL_EVENTS;
    for kind in ["symlink", "pipe", "directory", "mode 000"] {
        let places: [(Place, u64); 5] = [
            (|store| segment(store, 2), all - SEGMENT_EVENTS),
            (log, all - TAIL_EVENTS),
            (|store| store.join("FORMAT"), all),
            (|store| store.join("kv.jsonl"), all),
            (|store| store.join("foreign.log"), all),
        ];
        for (place, events) in places {
            let store = healthy();
            let path = place(store.path());
            replace(&path, kind);
            if kind == "mode 000" && fs::File::open(&path).is_ok() {
                // Root may read everything.
                continue;
            }
            let found = try_check(store.path()).expect("the rest is checked");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            expect(&found, Severity::Error, &name, "");
            assert_eq!(found.events, events, "{kind} {name}: {:?}", lines(&found));
            assert_ne!(found.epoch, 0);
        }
    }
}

#[test]
fn a_directory_that_cannot_be_listed_is_a_finding() {
    for (folder, events) in [("tail", SEGMENTS * SEGMENT_EVENTS), ("segments", TAIL_EVENTS)] {
        let store = healthy();
        let (path, elsewhere) = (store.path().join(folder), store.path().join("elsewhere"));
        fs::rename(&path, &elsewhere).expect("ours");
        symlink(&elsewhere, &path).expect("made");
        let found = try_check(store.path()).expect("the rest is checked");
        expect(&found, Severity::Error, folder, "cannot be listed");
        assert_eq!(found.events, events, "{folder}: {:?}", lines(&found));
    }
}
