//! Saving, copying, uniting and comparing stores: what the commands print, how they end, and where they send a person
//! whose store is damaged.

use std::path::{Path, PathBuf};

use crate::harness::{Cli, Ended, json};

/// The only file of a directory with this ending.
fn only(directory: &Path, ending: &str) -> PathBuf {
    let entries = directory.read_dir().expect("readable").map(|entry| entry.expect("readable").path());
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|has| has == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Destroys the middle of the only log: one batch of events, as the log is one of several.
fn damage(cli: &Cli) {
    let log = only(&cli.store().join("tail"), "log");
    let mut bytes = std::fs::read(&log).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&log, bytes).expect("writable");
}

/// A store of sixteen events in as many batches.
fn in_batches() -> Cli {
    let cli = Cli::new();
    for minute in 0..16 {
        let line =
            format!("{{\"event_type\":\"tick\",\"number\":{minute},\"timestamp\":\"2026-11-18T08:{minute:02}:00Z\"}}");
        cli.run_with_input(&["emit", "-"], line).code(0);
    }
    cli
}

fn beside(cli: &Cli, name: &str) -> String {
    cli.store().with_file_name(name).to_str().expect("Unicode").to_owned()
}

fn store(cli: &Cli) -> String {
    beside(cli, "store")
}

/// One line, which is an error.
#[track_caller]
fn refused(ended: Ended) -> String {
    let ended = ended.code(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("error: ") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    ended.stderr
}

/// JSON with what differs from run to run set to null.
fn stable(text: &str, changing: &[&str]) -> serde_json::Value {
    fn clear(value: &mut serde_json::Value, changing: &[&str]) {
        match value {
            serde_json::Value::Object(object) => {
                for (name, value) in object {
                    match changing.contains(&name.as_str()) {
                        true => *value = serde_json::Value::Null,
                        false => clear(value, changing),
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(|value| clear(value, changing)),
            _ => {}
        }
    }
    let mut value = json(text);
    clear(&mut value, changing);
    value
}

#[test]
fn the_help_lists_them() {
    let cli = Cli::new();
    let help = cli.run(&["--help"]).code(0).stdout;
    for name in ["verify", "salvage", "backup", "restore", "merge", "diff"] {
        assert!(help.lines().any(|line| line.starts_with(&format!("  {name} "))), "{name} is not in\n{help}");
        let own = cli.run(&[name, "--help"]).code(0).stdout;
        assert!(own.contains("--format"), "{own}");
    }
}

#[test]
fn salvage_of_a_whole_store_loses_nothing() {
    let cli = Cli::with_grid();
    let (from, to) = (store(&cli), beside(&cli, "new"));
    let ended = cli.run(&["salvage", &from, "--output", &to]).code(0);
    assert!(ended.stdout.ends_with("16 events and 0 foreign records are in the new store; nothing was lost\n"));
    assert_eq!(ended.stderr, "");
    cli.run(&["verify", &to]).code(0);
    cli.run(&["diff", &from, &to]).code(0);
    let error = refused(cli.run(&["salvage", &from, "--output", &to]));
    assert!(error.contains("not empty") && error.contains(&to), "{error}");
    refused(cli.run(&["salvage", &from, "--output", &format!("{from}/inside")]));
    let error = refused(cli.run(&["salvage", &beside(&cli, "none"), "--output", &beside(&cli, "other")]));
    assert!(error.contains("there is no store"), "{error}");
}

#[test]
fn salvage_says_what_is_lost() {
    let cli = in_batches();
    damage(&cli);
    let (from, to) = (store(&cli), beside(&cli, "new"));
    let ended = cli.run(&["salvage", &from, "--output", &to, "--format", "json"]).code(1);
    let told = json(&ended.stdout);
    assert_eq!(told["events"], 15);
    assert_eq!(told["losses"].as_array().map(Vec::len), Some(1));
    assert_eq!((&told["losses"][0]["events"], &told["losses"][0]["cause"]), (&1.into(), &"salvaged".into()));
    assert_eq!(told["problems"], serde_json::json!([]), "the new store is whole");
    let ended = cli.run(&["salvage", &from, "--output", &beside(&cli, "again"), "--no-verify"]).code(1);
    assert!(ended.stdout.contains("\nlost: 1 events, numbers "), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("; 1 event in 1 place lost\n"), "{}", ended.stdout);
    // The loss is known in the new store, and nothing is wrong with it.
    let ended = cli.run(&["verify", &to]).code(0);
    assert!(ended.stdout.contains("known: "), "{}", ended.stdout);
}

#[test]
fn what_is_damaged_names_the_next_step() {
    let cli = in_batches();
    damage(&cli);
    let ended = cli.run(&["count"]);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("`grid-events verify`") && said.contains("`grid-events salvage`"), "{said}");
    std::fs::remove_file(cli.store().join("FORMAT")).expect("there");
    for line in [&["count"][..], &["emit", "x"]] {
        let error = refused(cli.run(line));
        assert!(error.contains("no FORMAT file") && error.contains("`grid-events salvage`"), "{error}");
    }
    assert!(!cli.store().join("FORMAT").exists(), "another store was begun over it");
}

#[test]
fn backups_and_what_is_restored_of_them_are_verified() {
    let cli = Cli::with_grid();
    let (backup, restored) = (beside(&cli, "backup"), beside(&cli, "restored"));
    let changing = ["path", "epoch", "head", "keyed_published", "bytes", "made_at"];
    let ended = cli.run(&["backup", &backup, "--format", "json"]).code(0);
    let expected = serde_json::json!({
        "path": null, "epoch": null, "events": 16, "first_sequence": 1, "last_sequence": 16, "head": null,
        "copied": {"files": 2, "bytes": null}, "linked": {"files": 0, "bytes": null},
        "kept": {"files": 0, "bytes": null}, "only_here": {"files": 0, "bytes": null},
        "removed": {"files": 0, "bytes": null}, "keyed_published": null, "problems": [],
    });
    assert_eq!(stable(&ended.stdout, &changing), expected);
    assert_eq!(ended.stderr, "");
    let restore = |to: &str| {
        let mut command = crate::harness::binary();
        command.args(["restore", &backup, "--format", "json", "--dir", to]);
        crate::harness::finish(command, b"")
    };
    let expected = serde_json::json!({
        "path": null, "epoch": null, "made_at": null, "events": 16, "last_sequence": 16,
        "first": "2026-11-17T22:30:00.000000Z", "last": "2026-11-18T11:50:00.000000Z", "head": null, "bytes": null,
        "problems": [],
    });
    assert_eq!(stable(&restore(&restored).code(0).stdout, &changing), expected);
    cli.run(&["verify", &restored]).code(0);
    let error = refused(restore(&restored));
    assert!(error.contains("holds `"), "{error}");
    let error = refused(cli.run(&["restore", &backup]));
    assert!(error.contains(&store(&cli)), "{error}");
}

#[test]
fn a_damaged_store_is_backed_up_and_that_is_said() {
    let cli = in_batches();
    damage(&cli);
    let ended = cli.run(&["backup", &beside(&cli, "backup")]).code(1);
    assert!(ended.stderr.lines().all(|line| line.starts_with("problem: ")), "{}", ended.stderr);
    assert!(ended.stderr.contains("problem: error: "), "verify says it too: {}", ended.stderr);
    let ended = cli.run(&["backup", &beside(&cli, "quick"), "--no-verify"]).code(1);
    assert!(ended.stderr.contains("problem: ") && !ended.stderr.contains("problem: error: "), "{}", ended.stderr);
}

#[test]
fn stores_become_one() {
    let (cli, other) = (Cli::with_grid(), in_batches());
    let all = beside(&cli, "all");
    let ended = cli.run(&["merge", &store(&cli), &store(&other), "--output", &all, "--format", "json"]).code(0);
    let source = |events: u64| {
        serde_json::json!({
            "store": null, "epoch": null, "read": events, "stored": events, "duplicates": 0, "renamed": 0,
            "unreadable": 0, "rejected": 0, "foreign": 0, "problems": [],
        })
    };
    let expected = serde_json::json!({"events": 32, "losses": 0, "sources": [source(16), source(16)]});
    assert_eq!(stable(&ended.stdout, &["store", "epoch"]), expected);
    cli.run(&["verify", &all]).code(0);
    // Once more, nothing is new; a damaged store gives what can be read.
    damage(&other);
    let ended = cli.run(&["merge", &store(&cli), &store(&other), "--output", &all]).code(1);
    assert!(ended.stderr.starts_with("in ") && ended.stdout.contains("32 events, "), "{}", ended.stderr);
    let error = refused(cli.run(&["merge", &store(&cli), "--output", &store(&other)]));
    assert!(error.contains("no merge has made"), "{error}");
    refused(cli.run(&["merge", &beside(&cli, "none"), "--output", &beside(&cli, "new")]));
    refused(cli.run(&["merge", &store(&cli), "--output", &format!("{}/inside", store(&cli))]));
}

#[test]
fn differences_are_told() {
    let cli = Cli::with_grid();
    let (a, b) = (store(&cli), beside(&cli, "b"));
    cli.run(&["backup", &b]).code(0);
    let same = cli.run(&["diff", &a, &b]).code(0);
    assert!(same.stdout.ends_with("no difference\n"), "{}", same.stdout);
    let line = "{\"event_type\":\"tick\",\"timestamp\":\"2026-11-18T08:00:00Z\"}";
    cli.run_with_input(&["emit", "-"], line).code(0);
    let ended = cli.run(&["diff", &a, &b, "--format", "json"]).code(1);
    let told = json(&ended.stdout);
    assert_eq!(told["total"], serde_json::json!({"only_a": 1, "only_b": 0, "changed": 0}));
    assert_eq!(
        told["events"],
        serde_json::json!([{"kind": "only_a", "id": "event-tick-1794988800000000", "fields": []}])
    );
    let error = refused(cli.run(&["diff", &a, &beside(&cli, "none")]));
    assert!(error.contains("there is no store"), "{error}");
}
