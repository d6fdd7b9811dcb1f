//! All commands: those that read, with what to run of each, and those that write.

use std::collections::BTreeSet;
use std::process::Command;

use crate::store::{CRASH, NOW, StoreOfAll, binary, said};
use crate::trace;

/// Every form in which a store can be read. A new reading command is added here.
pub(crate) const READERS: [&[&str]; 27] = [
    &["query"],
    &["query", "--format", "json"],
    &["query", "--format", "jsonl"],
    &["query", "--format", "csv"],
    &["query", "--format", "ids", "--newest", "--limit", "5"],
    &["query", "--explain", "--where", "exit_code>1"],
    &["count"],
    &["count", "--type", "node_crashed", "--format", "json"],
    &["count", "--by", "agent"],
    &["count", "--by", "hour", "--format", "csv"],
    &["count", "--distinct", "agent_id"],
    &["history", "agent-1"],
    &["history", "node-a", "--format", "jsonl"],
    &["get", CRASH],
    &["get", "event-node_crashed-1"],
    &["ask", "how many crashes?"],
    &["ask", "which agents stopped sending heartbeats today?", "--format", "json"],
    &["ask", "why did node-a crash?", "--explain"],
    &["why", "node-a"],
    &["why", CRASH, "--format", "json"],
    &["effects", CRASH],
    &["export"],
    &["stats"],
    &["stats", "--format", "json"],
    &["completions", "bash"],
    &["completions", "zsh"],
    &["man"],
];

/// Every command that writes to a store, with enough arguments to be understood. A new writing command is added here.
const WRITERS: [&[&str]; 7] = [
    &["demo"],
    &["emit", "x"],
    &["import", "-"],
    &["forward", "--to", "127.0.0.1:1"],
    &["restore", "backup"],
    &["retain", "--older-than", "1y"],
    &["serve-storage", "--port", "0"],
];

/// Every command that reads stores which its own arguments name, and writes a directory of its own or nothing.
const READERS_OF_NAMED: [&str; 4] = ["backup", "diff", "merge", "verify"];

/// Runs every reading command. `prepare` makes a command of its arguments.
pub(crate) fn read_all(prepare: &dyn Fn(&[&str]) -> Command) {
    for arguments in READERS {
        let output = prepare(arguments).output().expect("the binary runs");
        // Nothing found is 1; that nothing can be read would be 2.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", said(&output));
    }
}

/// A reading command on a directory.
pub(crate) fn reader(directory: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.arg("--dir").arg(directory).args(["--now", NOW]).args(arguments);
    command
}

#[test]
fn every_command_is_known_to_read_or_to_write() {
    let help = binary().arg("--help").output().expect("the binary runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let shown: BTreeSet<&str> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    let listed = READERS.iter().chain(&WRITERS).map(|arguments| arguments[0]);
    let known: BTreeSet<&str> = listed.chain(READERS_OF_NAMED).collect();
    assert!(shown.contains("query") && shown.contains("emit"), "{help}");
    assert_eq!(shown, known);
}

#[test]
fn what_writes_is_refused_where_only_reading_is_allowed() {
    let store = StoreOfAll::new();
    let trace = trace::before(store.around());
    for arguments in WRITERS {
        for before in [true, false] {
            let mut command = binary();
            if before {
                command.arg("--read-only");
            }
            command.arg("--dir").arg(store.path()).args(arguments).env("HOME", store.around());
            if !before {
                command.arg("--read-only");
            }
            let output = command.output().expect("the binary runs");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.contains(arguments[0]) && error.contains("--read-only"), "{error}");
        }
    }
    trace::assert_same(&trace, &trace::after(store.around(), &trace), "refused");
    let nowhere = store.beside("nowhere");
    let output = binary().args(["emit", "x", "--read-only", "--dir"]).arg(&nowhere).output().expect("runs");
    assert!(output.status.code() == Some(2) && !nowhere.exists());
}

#[test]
fn stores_that_arguments_name_stay_as_they_are() {
    let store = StoreOfAll::new();
    let before = trace::before(&store.path());
    for command in READERS_OF_NAMED {
        let output = store.beside(command);
        let mut run = binary();
        run.args([command, "--read-only"]);
        match command {
            "backup" => run.arg("--dir").arg(store.path()).arg(&output),
            "diff" => run.arg(store.path()).arg(store.path()),
            "verify" => run.arg(store.path()),
            _ => run.arg(store.path()).arg("--output").arg(&output),
        };
        let ended = run.output().expect("the binary runs");
        assert!(ended.status.success(), "{command}: {}", said(&ended));
        assert!(matches!(command, "diff" | "verify") || output.join("FORMAT").is_file(), "{command} wrote nothing");
    }
    trace::assert_same(&before, &trace::after(&store.path(), &before), "read");
}
