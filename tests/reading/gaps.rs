//! Answers say where the record is incomplete: with a file that is gone or damaged, a torn log, and rejected input.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value as Json;

use crate::commands::reader;
use crate::store::{StoreOfAll, binary, said};

/// The second segment: events number 61 to 120, of the second minute.
const SECOND_MINUTE: [&str; 4] = ["--since", "2026-11-18T08:01:10Z", "--until", "2026-11-18T08:01:50Z"];
const FOURTH_MINUTE: [&str; 4] = ["--since", "2026-11-18T08:03:05Z", "--until", "2026-11-18T08:03:15Z"];
/// What is said where nothing was found.
const NO_PROOF: &str = "so 0 does not mean that nothing happened";

/// A store of which the logs of sealed segments are gone, as they are after a minute.
fn settled() -> StoreOfAll {
    let store = StoreOfAll::new();
    for id in 1..=3 {
        fs::remove_file(log(&store.path(), id)).expect("a sealed log");
    }
    store
}

fn segment(path: &Path, id: u64) -> PathBuf {
    path.join("segments").join(format!("{id:020}.seg"))
}

fn log(path: &Path, id: u64) -> PathBuf {
    path.join("tail").join(format!("{id:020}.log"))
}

/// Changes bytes of a file in place.
fn overwrite(path: &Path, from: usize, count: usize) {
    let mut bytes = fs::read(path).expect("readable");
    bytes[from..from + count].iter_mut().for_each(|byte| *byte = !*byte);
    fs::write(path, bytes).expect("writable");
}

/// Damages the first block of a segment.
fn damage_block(path: &Path) {
    let bytes = fs::read(path).expect("readable");
    let contents = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes"));
    overwrite(path, 28 + contents as usize + 30, 4);
}

fn run(store: &StoreOfAll, arguments: &[&str]) -> Output {
    reader(&store.path(), arguments).output().expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The answer of `count` as JSON.
fn count(store: &StoreOfAll, arguments: &[&str]) -> (u64, Vec<Json>) {
    let output = run(store, &[&["count", "--format", "json"], arguments].concat());
    let json: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    (json["count"].as_u64().expect("a number"), json["gaps"].as_array().expect("gaps").clone())
}

/// The gaps but for the loss that the store was made with, which says nothing of its time.
fn gaps(store: &StoreOfAll, arguments: &[&str]) -> Vec<Json> {
    let mut gaps = count(store, arguments).1;
    gaps.retain(|gap| gap["cause"] != "rejected");
    gaps
}

#[test]
fn a_store_without_gaps_says_nothing() {
    let store = settled();
    assert_eq!(gaps(&store, &[]), Vec::<Json>::new());
    assert_eq!(gaps(&store, &SECOND_MINUTE), Vec::<Json>::new());
}

#[test]
fn a_segment_that_is_gone_is_a_gap_where_it_was() {
    let store = settled();
    fs::remove_file(segment(&store.path(), 2)).expect("there");
    let (found, _) = count(&store, &SECOND_MINUTE);
    let all = gaps(&store, &SECOND_MINUTE);
    assert_eq!((found, all.len()), (0, 1), "{all:?}");
    let gap = &all[0];
    assert_eq!(
        (&gap["cause"], &gap["first_sequence"], &gap["last_sequence"]),
        (&"lost".into(), &61.into(), &120.into())
    );
    assert_eq!(gap["since"], "2026-11-18T08:00:59.000000Z");
    assert_eq!(gap["until"], "2026-11-18T08:02:00.000000Z");
    assert_eq!(gap["events"], 60);
    assert!(gaps(&store, &FOURTH_MINUTE).is_empty());
    for command in [&["count"][..], &["query"], &["query", "--format", "ids"], &["count", "--by", "agent"]] {
        let output = run(&store, &[command, &SECOND_MINUTE].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).contains("numbers 61 to 120") && stderr(&output).contains(NO_PROOF),
            "{}",
            said(&output)
        );
    }
    let output = run(&store, &[&["history", "agent-1"][..], &SECOND_MINUTE].concat());
    assert!(stderr(&output).contains("missing from the record"), "{}", said(&output));
    let output = run(&store, &["ask", "how many crashes since 2026-11-18T08:01:10Z until 2026-11-18T08:01:50Z?"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("missing from the record"), "{}", said(&output));
    let found = run(&store, &[&["count"][..], &FOURTH_MINUTE].concat());
    assert!(!stderr(&found).contains("numbers"), "{}", said(&found));
}

#[test]
fn a_damaged_segment_lies_between_its_neighbours() {
    let store = settled();
    let path = segment(&store.path(), 2);
    fs::write(&path, [0x5a; 5_000]).expect("writable");
    let all = gaps(&store, &SECOND_MINUTE);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["cause"], &all[0]["first_sequence"]), (&"damaged".into(), &61.into()));
    assert!(all[0]["reason"].as_str().expect("text").contains("00000000000000000002.seg"));
    assert!(gaps(&store, &FOURTH_MINUTE).is_empty());
    // The last minute of the store ends before tomorrow, where nothing is known to be missing.
    assert!(gaps(&store, &["--since", "2026-11-19T08:00:00Z"]).is_empty());
}

#[test]
fn a_damaged_block_ends_no_query() {
    let store = settled();
    damage_block(&segment(&store.path(), 2));
    let output = run(&store, &["query", "--format", "jsonl", "--type", "agent_heartbeat"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 139);
    assert!(stderr(&output).contains("block 0 is not what was written"), "{}", said(&output));
    let output = run(&store, &["export"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 140);
    // Only what is about the block is concerned.
    let output = run(&store, &[&["query"][..], &FOURTH_MINUTE].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let (found, all) = count(&store, &["--where", "storage_node_count=1"]);
    let damaged: Vec<&Json> = all.iter().filter(|gap| gap["cause"] == "damaged").collect();
    assert_eq!((found, damaged.len()), (139, 1));
    assert_eq!((&damaged[0]["event_type"], &damaged[0]["events"]), (&"agent_heartbeat".into(), &60.into()));
    assert_eq!(run(&store, &["get", "event-agent_heartbeat-1794988880000000"]).status.code(), Some(2));
    // The indices know of the events whose block is damaged.
    assert_eq!(count(&store, &["--type", "agent_heartbeat"]).0, 199);
}

#[test]
fn a_damaged_stretch_of_a_log_lies_between_the_batches_around_it() {
    let store = StoreOfAll::new();
    let path = store.path();
    (1..=3).for_each(|id| {
        fs::remove_file(segment(&path, id)).expect("there");
    });
    let length = fs::metadata(log(&path, 2)).expect("there").len() as usize;
    // Three batches of twenty: the second is about in the middle.
    overwrite(&log(&path, 2), length / 2, 4);
    let all = gaps(&store, &SECOND_MINUTE);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["cause"], &all[0]["events"]), (&"damaged".into(), &20.into()));
    assert_eq!((&all[0]["first_sequence"], &all[0]["last_sequence"]), (&81.into(), &100.into()));
    assert_eq!(all[0]["since"], "2026-11-18T08:01:19.000000Z");
    assert!(gaps(&store, &FOURTH_MINUTE).is_empty());
}

#[test]
fn a_torn_end_is_a_gap_before_and_after_it_is_cut_off() {
    let store = settled();
    let mut file = OpenOptions::new().append(true).open(log(&store.path(), 4)).expect("the last log");
    file.write_all(b"SGEF\x01 torn").expect("writable");
    drop(file);
    let all = gaps(&store, &[]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["cause"], &all[0]["until"]), (&"torn".into(), &Json::Null));
    assert_eq!(all[0]["since"], "2026-11-18T08:03:19.000000Z");
    assert!(gaps(&store, &SECOND_MINUTE).is_empty());
    let emitted = binary().args(["emit", "tick", "timestamp=2026-11-18T09:00:00Z", "--dir"]).arg(store.path()).output();
    assert!(emitted.expect("runs").status.success());
    let all = gaps(&store, &[]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["cause"], &all[0]["since"]), (&"torn".into(), &"2026-11-18T08:03:19.000000Z".into()));
    assert!(all[0]["until"].is_string());
}

#[test]
fn rejected_input_is_remembered_once() {
    let store = settled();
    let file = store.beside("events.jsonl");
    let line = |kind: &str| format!(r#"{{"event_type":"{kind}","timestamp":"2026-11-18T10:00:00Z"}}"#);
    fs::write(&file, [line("fine"), line("Not-Fine"), line("Nor-This")].join("\n")).expect("writable");
    let rejected = |store: &StoreOfAll, range: &[&str]| -> Vec<Json> {
        let all = count(store, range).1.into_iter();
        all.filter(|gap| gap["cause"] == "rejected" && gap["since"].is_string()).collect()
    };
    for _ in 0..3 {
        let output = binary().arg("import").arg(&file).arg("--dir").arg(store.path()).output().expect("runs");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let all = rejected(&store, &[]);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((&all[0]["events"], &all[0]["since"]), (&2.into(), &"2026-11-18T10:00:00.000000Z".into()));
        let reason = all[0]["reason"].as_str().expect("text");
        assert!(reason.contains("lines 2, 3 of events.jsonl") && !reason.contains('/'), "{reason}");
    }
    assert!(rejected(&store, &SECOND_MINUTE).is_empty());
    let mut emit = binary();
    emit.args(["emit", "-", "--dir"])
        .arg(store.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut emit = emit.spawn().expect("runs");
    let mut input = emit.stdin.take().expect("a pipe");
    writeln!(input, "{}", line("Not-Fine")).expect("it listens");
    drop(input);
    assert_eq!(emit.wait().expect("ends").code(), Some(1));
    assert_eq!(rejected(&store, &[]).len(), 2);
}

#[test]
fn a_why_says_what_is_missing_around_it() {
    let store = settled();
    fs::remove_file(segment(&store.path(), 2)).expect("there");
    let output = run(&store, &["why", "node-a"]);
    assert!(stderr(&output).contains("numbers 61 to 120"), "{}", said(&output));
    let output = run(&store, &["why", "node-a", "--format", "json"]);
    let json: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(json["gaps"].as_array().expect("gaps").iter().any(|gap| gap["cause"] == "lost"), "{json}");
    assert_eq!(json["id"], crate::store::CRASH);
}

#[test]
fn a_store_without_its_newest_log_says_so() {
    let store = settled();
    fs::remove_dir_all(store.path().join("tail")).expect("there");
    let all = gaps(&store, &[]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["cause"], &all[0]["until"]), (&"torn".into(), &Json::Null));
    assert!(gaps(&store, &SECOND_MINUTE).is_empty(), "what is sealed is all there");
}
