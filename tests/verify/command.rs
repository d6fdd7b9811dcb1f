//! The command: its exit codes and what it prints.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::stores::{healthy, segment};

fn run(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    command.env_remove("EVENT_STORAGE").arg("verify").arg(directory).args(arguments);
    command.output().expect("it runs")
}

#[test]
fn the_exit_code_says_how_it_went() {
    let store = healthy();
    let ended = run(&[], store.path());
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{text}");
    assert!(text.ends_with("\nOK\n"), "{text}");
    let head = text.lines().find_map(|line| line.strip_prefix("head: ")).expect("a head");
    let again = run(&["--head", head], store.path());
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing before it was changed"));
    for wrong in ["x", "abc@120", &head[1..]] {
        let ended = run(&["--head", wrong], store.path());
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2));
        assert!(text.contains("64 hexadecimal digits and @NUMBER are needed"), "{text}");
    }

    fs::remove_file(segment(store.path(), 2)).expect("ours");
    let ended = run(&["--head", head], store.path());
    let said = "in the chain: what is there before it was not changed; 40 events before it are missing.";
    assert!(String::from_utf8_lossy(&ended.stdout).contains(said), "{:?}", String::from_utf8_lossy(&ended.stdout));
    let ended = run(&["--format", "json", "--threads", "1"], store.path());
    let json: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!((&json["ok"], &json["lost"][0]["events"]), (&false.into(), &40.into()));
    assert_eq!(run(&[], &store.path().join("missing")).status.code(), Some(2));
}

#[test]
fn the_directory_may_be_that_of_the_global_option() {
    let store = healthy();
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    let ended = command.arg("--dir").arg(store.path()).arg("verify").output().expect("it runs");
    assert_eq!(ended.status.code(), Some(0));
}
