//! Disks without room: what was acknowledged is there, the message says what failed and where, and recording goes on
//! once there is room.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const EVENTS: usize = 40_000;

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn lines(from: usize, count: usize) -> String {
    let line = |number: usize| {
        // Text that does not compress well.
        let text = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(r#"{{"event_type":"tick","number":{number},"text":"{text:x}","timestamp":"2026-11-18T08:00:00Z"}}"#)
            + "\n"
    };
    (from..from + count).map(line).collect()
}

/// Runs the binary by a shell that first does something else.
fn run(before: &str, store: &Path, arguments: &[&str], input: &str) -> Ended {
    use std::io::Write;
    let mut child = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_grid-events"), "--dir"])
        .arg(store)
        .args(arguments)
        .env_remove("EVENT_STORAGE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        // A process that ended closes the pipe.
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().expect("it ends")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn stored(store: &Path) -> HashSet<String> {
    let ended = run("", store, &["query", "--format", "ids"], "");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ids: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
    let distinct: HashSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), distinct.len(), "an id is there twice");
    distinct
}

/// Whether all ids that were printed are there. A line that a signal cut short does not count.
fn check_printed(ended: &Ended, store: &Path) -> usize {
    let whole = ended.stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let there = stored(store);
    let lost: Vec<&str> = whole.lines().filter(|id| !there.contains(*id)).collect();
    assert!(lost.is_empty(), "{} lost: {:?}", lost.len(), lost.first());
    whole.lines().count()
}

fn check_goes_on(store: &Path) {
    let before = stored(store).len();
    let ended = run("", store, &["emit", "-"], &lines(EVENTS, 100));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(check_printed(&ended, store), 100);
    assert_eq!(stored(store).len(), before + 100);
}

#[test]
fn a_file_that_may_not_grow_ends_in_one_clear_line() {
    let around = tempfile::tempdir().expect("a directory");
    let store = around.path().join("store");
    let ended = run("trap '' XFSZ; ulimit -f 300;", &store, &["emit", "-"], &lines(0, EVENTS));
    assert!(ended.code.is_some_and(|code| code != 0), "{:?}", ended.code);
    assert!(ended.stderr.contains(".log") && ended.stderr.contains("File too large"), "{}", ended.stderr);
    assert!(check_printed(&ended, &store) > 0, "nothing was acknowledged before");
    check_goes_on(&store);
}

#[test]
fn a_file_that_may_not_grow_ends_the_process_and_nothing_else() {
    let around = tempfile::tempdir().expect("a directory");
    let store = around.path().join("store");
    let ended = run("ulimit -c 0; ulimit -f 300;", &store, &["emit", "-"], &lines(0, EVENTS));
    assert_ne!(ended.code, Some(0));
    assert!(check_printed(&ended, &store) > 0, "nothing was acknowledged before");
    check_goes_on(&store);
}

/// A file system of its own, until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path, arguments: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(at).expect("creatable");
        let mounted = Command::new("mount").args(arguments).arg(at).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn check_full(root: &Path, ballast_bytes: usize) {
    let store = root.join("store");
    // What can be removed later to make room.
    let ballast = root.join("ballast");
    std::fs::write(&ballast, vec![1; ballast_bytes]).expect("there is room yet");
    let ended = run("", &store, &["emit", "-"], &lines(0, EVENTS));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("No space left on device") && ended.stderr.contains("cannot "), "{}", ended.stderr);
    assert!(ended.stderr.contains(&*store.to_string_lossy()), "{}", ended.stderr);
    assert!(check_printed(&ended, &store) > 0, "nothing was acknowledged before");
    // Reading needs no room, and a second attempt fails as clearly or finds room.
    let again = run("", &store, &["emit", "-"], &lines(0, 2_000));
    assert!(again.code == Some(0) || again.stderr.contains("No space left on device"), "{}", again.stderr);
    check_printed(&again, &store);
    std::fs::remove_file(&ballast).expect("ours");
    check_goes_on(&store);
}

#[test]
fn a_full_memory_file_system_costs_nothing_that_was_acknowledged() {
    let around = tempfile::tempdir().expect("a directory");
    let at = around.path().join("disk");
    match Mounted::new(&at, &["-t", "tmpfs", "-o", "size=1200k,mode=700", "grid-events-test"]) {
        Some(mounted) => check_full(&mounted.0, 600_000),
        None => println!("skipped: nothing can be mounted here"),
    }
}

#[test]
fn a_full_ext4_costs_nothing_that_was_acknowledged() {
    let around = tempfile::tempdir().expect("a directory");
    let (image, at) = (around.path().join("image"), around.path().join("disk"));
    std::fs::File::create(&image).and_then(|file| file.set_len(4 << 20)).expect("an image");
    let made = Command::new("mkfs.ext4").args(["-q", "-F", "-b", "1024"]).arg(&image).stderr(Stdio::null()).status();
    let image = image.to_str().expect("a Unicode path");
    match made.is_ok_and(|status| status.success()).then(|| Mounted::new(&at, &["-o", "loop", image])).flatten() {
        Some(mounted) => check_full(&mounted.0, 2_600_000),
        None => println!("skipped: no ext4 can be made and mounted here"),
    }
}
