//! Where the store is looked for, what is said when something is wrong, and how commands end.

use std::io::{BufRead, BufReader, Read};

use crate::harness::{Cli, binary, data_file, finish};

#[test]
fn the_directory_can_stand_before_or_after_the_command() {
    let cli = Cli::with_grid();
    let store = cli.store();
    for line in [&["--dir", "STORE", "count"], &["count", "--dir", "STORE"]] {
        let mut command = binary();
        command.args(line.iter().map(|&word| if word == "STORE" { store.as_os_str() } else { word.as_ref() }));
        assert_eq!(finish(command, b"").code(0).stdout, "16\n");
    }
}

#[test]
fn the_variable_names_the_store() {
    let cli = Cli::with_grid();
    let store = cli.store();
    let path = store.to_str().expect("Unicode");
    for endpoint in [path.to_owned(), format!("embedded:{path}")] {
        let mut command = binary();
        command.arg("count").env("EVENT_STORAGE", endpoint);
        assert_eq!(finish(command, b"").code(0).stdout, "16\n");
    }
    let mut command = binary();
    command.arg("count").env("EVENT_STORAGE", "http://localhost:50052");
    let error = finish(command, b"").code(2).stderr;
    assert!(error.starts_with("error: ") && error.contains("embedded:PATH"), "{error}");
    let mut command = binary();
    command.args(["count", "--dir", path]).env("EVENT_STORAGE", "http://localhost:50052");
    finish(command, b"").code(0);
}

#[test]
fn a_remote_store_is_no_directory() {
    let cli = Cli::new();
    let here = cli.store().parent().expect("a parent").to_owned();
    for endpoint in ["localhost:50052", "[::1]:50052", "tcp://localhost", "https://localhost:50052"] {
        for line in [&["emit", "x", "--dir", endpoint][..], &["query", "--dir", endpoint], &["demo", "--dir", endpoint]]
        {
            let mut command = binary();
            command.args(line).current_dir(&here);
            let error = finish(command, b"").code(2).stderr;
            assert!(error.starts_with("error: --dir ") && error.contains("embedded:PATH"), "{error}");
        }
        let mut command = binary();
        command.args(["emit", "x"]).current_dir(&here).env("EVENT_STORAGE", endpoint);
        let error = finish(command, b"").code(2).stderr;
        assert!(error.starts_with("error: EVENT_STORAGE ") && error.contains("embedded:PATH"), "{error}");
    }
    assert_eq!(here.read_dir().expect("readable").count(), 0, "nothing is created");
    for directory in ["embedded:localhost:50052", "./localhost:50053"] {
        let mut command = binary();
        command.args(["emit", "x", "--dir", directory]).current_dir(&here);
        finish(command, b"").code(0);
    }
    assert!(here.join("localhost:50052").is_dir() && here.join("localhost:50053").is_dir());
}

#[test]
fn without_a_directory_the_current_one_holds_the_store() {
    let cli = Cli::new();
    let here = cli.store().parent().expect("a parent").to_owned();
    let mut command = binary();
    command.args(["emit", "x"]).current_dir(&here);
    finish(command, b"").code(0);
    assert!(here.join("grid-events").is_dir());
}

#[test]
fn a_store_that_is_not_there_is_an_error_and_stays_so() {
    let cli = Cli::new();
    for command in [&["query"][..], &["count"], &["history", "x"], &["get", "event-x-1"], &["export"], &["stats"]] {
        let ended = cli.run(command).code(2);
        assert_eq!(ended.stdout, "", "{command:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(cli.store().to_str().expect("Unicode")), "{}", ended.stderr);
    }
    assert!(!cli.store().exists(), "reading creates nothing");
}

#[test]
fn nothing_found_is_one() {
    let cli = Cli::with_grid();
    let nothing = |format: &str| cli.run(&["query", "--type", "nothing", "--format", format]).code(1);
    assert_eq!(nothing("json").stdout, "[]\n");
    assert_eq!(nothing("csv").stdout, "id,event_type,timestamp\n");
    for format in ["jsonl", "ids", "table"] {
        assert_eq!(nothing(format).stdout, "");
    }
    assert_eq!(nothing("table").stderr, "no event found\n");
    assert_eq!(nothing("ids").stderr, "");
}

#[test]
fn wrong_arguments_are_two() {
    let cli = Cli::with_grid();
    for line in [
        &["frobnicate"][..],
        &["query", "--since", "tomorrow"],
        &["query", "--where", "~port"],
        &["query", "--format", "xml"],
        &["query", "--after", "x"],
        &["query", "--limit", "-1"],
        &["count", "--top", "3"],
        &["count", "--by", "type", "--distinct", "type"],
        &["count", "--by", "day", "--utc-offset", "CET"],
        &["import"],
        &["emit"],
        &["emit", "-", "a=1"],
        &["emit", "--json", "{}"],
        &["completions", "tcsh"],
        &["man", "nothing"],
        &["stats", "--now", "2h"],
    ] {
        let ended = cli.run(line).code(2);
        assert_eq!(ended.stdout, "", "{line:?}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[test]
fn a_second_writer_is_refused_but_readers_are_not() {
    let cli = Cli::with_grid();
    let mut writer = cli.start(&["emit", "-"]);
    let mut stdin = writer.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(writer.stdout.take().expect("a pipe"));
    std::io::Write::write_all(&mut stdin, b"{\"event_type\":\"x\",\"timestamp\":\"2026-11-18T08:00:00Z\"}\n")
        .expect("it reads");
    let mut id = String::new();
    stdout.read_line(&mut id).expect("it answers");
    assert_eq!(id, "event-x-1794988800000000\n", "acknowledged while the input is still open");
    assert_eq!(cli.run(&["count"]).code(0).stdout, "17\n");
    let refused = cli.run(&["emit", "x"]).code(2);
    assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    let refused = cli.run(&["import", &data_file("grid.jsonl")]).code(2);
    assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    drop(stdin);
    assert_eq!(writer.wait().expect("it ends").code(), Some(0));
    cli.run(&["emit", "x"]).code(0);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let cli = Cli::new();
    let lines: String = (0..20_000)
        .map(|number| {
            format!("{{\"event_type\":\"tick\",\"number\":{number},\"timestamp\":\"2026-11-18T08:00:00Z\"}}\n")
        })
        .collect();
    cli.run_with_input(&["import", "-", "--keep-duplicates"], &lines).code(0);
    for line in [
        &["export"][..],
        &["query"],
        &["query", "--format", "jsonl"],
        &["query", "--format", "json"],
        &["query", "--format", "csv"],
        &["query", "--format", "ids"],
        &["count", "--by", "number"],
    ] {
        let mut child = cli.start(line);
        let mut first = [0];
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut first).expect("it prints");
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), errors.as_ref()), (Some(0), ""), "{line:?}");
    }
}

#[test]
fn output_that_is_no_terminal_has_neither_colour_nor_control_characters() {
    let cli = Cli::with_grid();
    for line in [&["query"][..], &["history", "agent-001"], &["count", "--by", "text"], &["stats"]] {
        let ended = cli.run(line).code(0);
        assert!(!ended.stdout.contains(|character: char| character.is_control() && character != '\n'), "{line:?}");
    }
    let mut command = cli.command(&["query", "--type", "node_crashed"]);
    command.env("CLICOLOR_FORCE", "1");
    assert!(finish(command, b"").code(0).stdout.contains('\u{1b}'), "unless it is asked for");
    let mut command = cli.command(&["query", "--type", "node_crashed"]);
    command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!finish(command, b"").code(0).stdout.contains('\u{1b}'), "and not refused");
}

#[test]
fn help_completions_and_manual_need_no_store() {
    let cli = Cli::new();
    for line in [&["--help"][..], &["--version"], &["query", "--help"], &["man"], &["man", "query"]] {
        assert!(!cli.run(line).code(0).stdout.is_empty(), "{line:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(cli.run(&["completions", shell]).code(0).stdout.contains("grid-events"), "{shell}");
    }
    assert!(!cli.store().exists());
}
