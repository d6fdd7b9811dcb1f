//! A restored store is the store that was backed up, and goes on.

use std::path::Path;
use std::process::Command;

use sutra_grid_events::forensics;
use sutra_grid_events::store::Store;

use crate::harness::{backup, config, contents, event, events, store_of};

fn run(arguments: &[&str], directory: &Path) -> (Option<i32>, Vec<u8>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    let output = command.args(arguments).arg("--dir").arg(directory).output().expect("runs");
    (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_export_is_the_same_and_recording_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("store"), &events(0..333));
    let report = backup(&path("store"), &path("backup"));
    assert_eq!((report.manifest.events, report.manifest.last_sequence), (333, 333));
    assert_eq!(report.manifest.first_sequence, Some(1));
    let to = path("backup").display().to_string();
    let (code, stdout, stderr) = run(&["restore", &to, "--format", "json"], &path("restored"));
    assert_eq!(code, Some(0), "{stderr}");
    let told: serde_json::Value = serde_json::from_slice(&stdout).expect("JSON");
    assert_eq!((told["events"].as_u64(), told["last_sequence"].as_u64()), (Some(333), Some(333)));
    assert_eq!(told["first"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(told["last"], "1970-01-01T00:05:32.000000Z");
    assert_eq!(told["head"], report.manifest.head);
    let exports = ["store", "backup", "restored"].map(|name| run(&["export"], &path(name)).1);
    assert!(exports[0] == exports[1] && exports[1] == exports[2]);
    let restored = Store::open_with(path("restored"), config()).expect("opens");
    restored.append(&[event(0, 7)]).expect("written");
    restored.close().expect("closed");
    let mut expected = contents(&path("store"));
    expected.push((334, "event-node_seen-0".to_owned(), event(0, 7).to_json()));
    assert_eq!(contents(&path("restored")), expected);
}

#[test]
fn an_empty_store_is_restored_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("store"), &[]);
    backup(&path("store"), &path("backup"));
    let report = forensics::restore(&path("backup"), &path("restored"), &forensics::RestoreOptions::default())
        .expect("restored");
    assert_eq!((report.events, report.last_sequence, report.first_us), (0, 0, None));
}

#[test]
fn the_command_says_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    store_of(&path("store"), &events(0..3));
    let store = path("store").display().to_string();
    let (code, _, stderr) = run(&["restore", &store], &path("restored"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("no BACKUP file") && stderr.contains("grid-events salvage"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
    let (code, _, stderr) = run(&["backup", &path("copy").display().to_string()], &path("none"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("there is no store"), "{stderr}");
}
