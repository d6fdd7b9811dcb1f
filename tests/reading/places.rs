//! Stores in all the places where they are read: as they are, without their keyed part, write-protected, of another
//! user, on a disk that is mounted for reading only, and beside their writer.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::commands::{READERS, read_all, reader};
use crate::store::{StoreOfAll, binary, said};
use crate::trace::{self, assert_same, paths_below, without_access};

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// Runs every reading command and asserts after each that nothing changed.
fn assert_untouched(directory: &Path, prepare: &dyn Fn(&[&str]) -> Command) {
    let trace = trace::before(directory);
    for arguments in READERS {
        let output = prepare(arguments).output().expect("the binary runs");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", said(&output));
        // Only metadata: to list and to read again would be access itself.
        for (path, was) in &trace {
            assert!(trace::is_as_before(path, was), "{arguments:?} left a trace at {}", path.display());
        }
    }
    assert_same(&trace, &trace::after(directory, &trace), "all were read");
}

fn set_modes(directory: &Path, of_directories: u32, of_files: u32) {
    for path in paths_below(directory).into_iter().rev() {
        let mode = if path.is_dir() { of_directories } else { of_files };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[test]
fn reading_leaves_no_trace() {
    let store = StoreOfAll::new();
    let path = store.path();
    assert_untouched(&path, &|arguments| reader(&path, arguments));
}

#[test]
fn reading_is_allowed_where_nothing_may_be_written() {
    let store = StoreOfAll::new();
    let path = store.path();
    assert_untouched(&path, &|arguments| {
        let mut command = binary();
        command.arg("--read-only").arg("--dir").arg(&path).args(arguments);
        command
    });
    read_all(&|arguments| {
        let mut command = reader(&path, arguments);
        command.arg("--read-only");
        command
    });
}

#[test]
fn a_store_without_its_keyed_part_gets_none() {
    let store = StoreOfAll::new();
    let path = store.path();
    fs::remove_dir_all(path.join("kv")).expect("ours");
    assert_untouched(&path, &|arguments| reader(&path, arguments));
    fs::remove_file(path.join("kv.jsonl")).expect("ours");
    fs::remove_file(path.join("LOCK")).expect("ours");
    assert_untouched(&path, &|arguments| reader(&path, arguments));
}

#[test]
fn a_write_protected_store_is_read() {
    let store = StoreOfAll::new();
    let path = store.path();
    set_modes(&path, 0o500, 0o400);
    assert_untouched(&path, &|arguments| reader(&path, arguments));
    // So that it can be removed by those who are not root too.
    set_modes(&path, 0o700, 0o600);
}

#[test]
fn the_store_of_another_user_is_read() {
    if !is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let store = StoreOfAll::new();
    let path = store.path();
    fs::set_permissions(store.around(), fs::Permissions::from_mode(0o755)).expect("ours");
    set_modes(&path, 0o755, 0o644);
    // The binary may stand where others cannot go.
    let copy = store.beside("grid-events");
    fs::copy(env!("CARGO_BIN_EXE_grid-events"), &copy).expect("room for the binary");
    let trace = trace::before(&path);
    read_all(&|arguments| {
        let mut command = Command::new(&copy);
        command.uid(NOBODY).gid(NOBODY).env_clear().arg("--dir").arg(&path).args(arguments);
        command
    });
    // The system lets nobody but the owner read without that being noted as access.
    let (before, after) = (without_access(trace.clone()), without_access(trace::after(&path, &trace)));
    assert_same(&before, &after, "read by another user");
}

/// A mount that ends with it.
struct Mount(PathBuf);

impl Mount {
    /// Mounts a directory in another place, for reading only; nothing if the system does not let us.
    fn of(directory: &Path, place: &Path) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let output = Command::new("mount").args(arguments).arg(directory).arg(place).output();
            output.is_ok_and(|output| output.status.success())
        };
        fs::create_dir(place).expect("writable");
        if !mount(&["--bind"]) {
            return None;
        }
        let mounted = Self(place.to_owned());
        let remounted = Command::new("mount").args(["-o", "remount,ro,bind"]).arg(place).output();
        remounted.is_ok_and(|output| output.status.success()).then_some(mounted)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_is_mounted_for_reading_is_read() {
    let store = StoreOfAll::new();
    let place = store.beside("mounted");
    let Some(mount) = Mount::of(&store.path(), &place) else {
        eprintln!("skipped: nothing can be mounted here");
        return;
    };
    assert!(fs::write(place.join("new"), "").is_err(), "it is mounted for reading only");
    assert_untouched(&store.path(), &|arguments| reader(&place, arguments));
    let output = binary().args(["emit", "x", "--dir"]).arg(&place).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    drop(mount);
}

#[test]
fn readers_beside_a_writer_add_nothing() {
    let store = StoreOfAll::new();
    let path = store.path();
    let mut writer = binary();
    writer.args(["emit", "-", "--dir"]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut writer = writer.spawn().expect("the binary runs");
    let mut input = writer.stdin.take().expect("a pipe");
    let mut ids = BufReader::new(writer.stdout.take().expect("a pipe")).lines();
    for second in 0..3 {
        writeln!(input, r#"{{"event_type":"tick","timestamp":"2026-11-18T11:00:0{second}Z"}}"#).expect("it listens");
        ids.next().expect("an answer").expect("an id");
    }
    let names = paths_below(&path);
    read_all(&|arguments| reader(&path, arguments));
    assert_eq!(paths_below(&path), names, "only the writer makes files");
    drop(input);
    assert!(writer.wait().expect("it ends").success());
}
