//! Imports: what is stored, what is rejected and how that is said.

use crate::harness::{Cli, data_file};

const GOOD: &str = r#"{"event_type":"pod_started","pod_id":"web-1","timestamp":"2026-11-18T08:00:00Z"}"#;

/// The summary in its fixed form.
fn summary(read: u64, stored: u64, duplicates: u64, rejected: u64) -> String {
    format!("{{\"read\":{read},\"stored\":{stored},\"duplicates\":{duplicates},\"rejected\":{rejected}}}\n")
}

/// Every kind of bad line, with what is said of it.
fn bad_lines() -> Vec<(Vec<u8>, &'static str)> {
    let crash = |fields: &str| format!("{{\"event_type\":\"node_crashed\",{fields}}}").into_bytes();
    let dynamic = |rest: &str| format!("{{\"event_type\":\"x\",{rest}}}").into_bytes();
    vec![
        (b"{\"event_type\":\"x\",".to_vec(), "not valid JSON: EOF while parsing a value at column 18"),
        (b"not json".to_vec(), "not valid JSON: expected ident at column 2"),
        (b"[1]".to_vec(), "not valid JSON: invalid type: sequence, expected an object"),
        (b"{} {}".to_vec(), "not valid JSON: trailing characters at column 4"),
        (
            crash(r#""node_id":"n","exit_code":1,"timestamp":"2026-11-18T08:00:00Z""#),
            "missing field `agent_id` (agent_id)",
        ),
        (
            crash(r#""node_id":7,"agent_id":"a","timestamp":"2026-11-18T08:00:00Z""#),
            "field `node_id` must be a string, found 7 (node_id)",
        ),
        (
            crash(r#""node_id":"n","agent_id":"a","exit_code":"1","timestamp":"2026-11-18T08:00:00Z""#),
            "field `exit_code` must be a whole number of 32 bits, found 1 (exit_code)",
        ),
        (
            crash(r#""node_id":"","agent_id":"a","timestamp":"2026-11-18T08:00:00Z""#),
            "field `node_id` must be a name: it is empty or holds a NUL (node_id)",
        ),
        (
            crash(r#""node_id":"a\u0000b","agent_id":"a","timestamp":"2026-11-18T08:00:00Z""#),
            "field `node_id` must be a name: it is empty or holds a NUL (node_id)",
        ),
        (dynamic(r#""a":1"#), "missing field `timestamp` (timestamp)"),
        (dynamic(r#""timestamp":"soon""#), "field `timestamp` is not an RFC 3339 time: `soon` (timestamp)"),
        (dynamic(r#""timestamp":17"#), "field `timestamp` must be a string, found 17 (timestamp)"),
        (
            dynamic(r#""timestamp":"0000-01-01T00:00:00Z""#),
            "field `timestamp` lies outside the years 1 to 9999: `0000-01-01T00:00:00Z` (timestamp)",
        ),
        (dynamic(r#""a":1,"a":2,"timestamp":"2026-11-18T08:00:00Z""#), "duplicate key `a` (a)"),
        (br#"{"a":1,"timestamp":"2026-11-18T08:00:00Z"}"#.to_vec(), "missing field `event_type` (event_type)"),
        (br#"{"event_type":"Bad-Type","timestamp":"2026-11-18T08:00:00Z"}"#.to_vec(), "`Bad-Type` (event_type)"),
        (dynamic(&format!("\"big\":\"{}\"", "x".repeat(10 << 20))), "bytes (big)"),
        (dynamic(&format!("\"huge\":\"{}\"", "x".repeat(17 << 20))), "the line is longer than 16777216 bytes"),
        (dynamic(&format!("\"deep\":{}{}", "[".repeat(10_000), "]".repeat(10_000))), "in field `deep`"),
        (dynamic("\"a\":\"\u{0}\""), "not valid JSON: control character"),
        (b"\xff\xfe{\0".to_vec(), "not valid UTF-8 at byte 1"),
        (b"{\"event_type\":\"\xc3\"}".to_vec(), "not valid UTF-8 at byte 16"),
    ]
}

#[test]
fn every_bad_line_is_named_and_the_rest_is_stored() {
    let cli = Cli::new();
    let bad = bad_lines();
    let mut input = Vec::new();
    for (index, (line, _)) in bad.iter().enumerate() {
        input.extend_from_slice(line);
        input.extend_from_slice(format!("\n{}\n", GOOD.replace("web-1", &format!("web-{index}"))).as_bytes());
    }
    let file = cli.file("bad.jsonl", input);
    let count = bad.len() as u64;
    let ended = cli.run(&["import", &file, "--format", "json"]).code(1);
    assert_eq!(ended.stdout, summary(2 * count, count, 0, count));
    let messages: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(messages.len(), bad.len(), "{}", ended.stderr);
    for (index, ((_, expected), message)) in bad.iter().zip(messages).enumerate() {
        let place = format!("{file}:{}: ", 2 * index + 1);
        assert!(message.starts_with(&place), "{message}");
        assert!(message.contains(expected), "{message}\nshould say: {expected}");
        assert!(message.len() < place.len() + 400, "{message}");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
    assert_eq!(cli.run(&["count"]).code(0).stdout, format!("{count}\n"));
}

#[test]
fn what_looks_strange_but_is_sound_is_stored() {
    let cli = Cli::new();
    let input = [
        "\u{feff}".to_owned() + GOOD + "\r",
        "\r".to_owned(),
        "   ".to_owned(),
        "  { \"event_type\" : \"spaced\", \"timestamp\" : \"2026-11-18T08:00:00Z\" }  ".to_owned(),
        r#"{"event_type":"absurd","timestamp":"0001-01-01T00:00:00Z"}"#.to_owned(),
        r#"{"event_type":"absurd","timestamp":"9999-12-31T23:59:59.999999Z"}"#.to_owned(),
        r#"{"event_type":"early","timestamp":"1969-07-20T20:17:40Z"}"#.to_owned(),
        r#"{"event_type":"nul","text":"a\u0000b","empty_id":"","timestamp":"2026-11-18T08:00:00Z"}"#.to_owned(),
        r#"{"event_type":"node_crashed","node_id":"n","agent_id":"a","newer":[1.50],"timestamp":"2026-11-18T08:00:00Z"}"#
            .to_owned(),
    ];
    let ended = cli.run_with_input(&["import", "-", "--format", "json"], input.join("\n")).code(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (summary(7, 7, 0, 0).as_str(), ""));
    let exported = cli.run(&["export"]).code(0).stdout;
    assert!(exported.contains(r#""newer":[1.50]"#) && exported.contains(r#""text":"a\u0000b""#), "{exported}");
}

#[test]
fn duplicates_are_skipped_unless_they_are_kept() {
    let cli = Cli::new();
    let file = data_file("grid.jsonl");
    let import = |arguments: &[&str]| {
        let line = [&["import", "--format", "json"], arguments].concat();
        cli.run(&line).code(0).stdout
    };
    assert_eq!(import(&[&file]), summary(16, 16, 0, 0));
    assert_eq!(import(&[&file]), summary(16, 0, 16, 0));
    assert_eq!(import(&[&file, &file, "--keep-duplicates"]), summary(32, 32, 0, 0));
    assert_eq!(cli.run(&["count"]).stdout, "48\n");
    let twice = cli.file("twice.jsonl", format!("{}\n{}\n", GOOD, GOOD));
    assert_eq!(import(&[&twice]), summary(2, 1, 1, 0));
}

#[test]
fn strict_stops_at_the_first_and_keeps_what_came_before() {
    let cli = Cli::new();
    let other = GOOD.replace("web-1", "web-2");
    let file = cli.file("mixed.jsonl", format!("{GOOD}\nbad\n{other}\nworse\n"));
    let ended = cli.run(&["import", "--strict", "--format", "json", &file, &file]).code(1);
    assert_eq!(ended.stdout, summary(2, 1, 0, 1));
    assert_eq!(ended.stderr.lines().count(), 1);
    assert!(ended.stderr.starts_with(&format!("{file}:2: ")), "{}", ended.stderr);
    assert_eq!(cli.run(&["export"]).stdout, format!("{GOOD}\n"));
}

#[test]
fn a_file_that_is_not_there_does_not_stop_the_others() {
    let cli = Cli::new();
    let good = cli.file("good.jsonl", GOOD);
    let directory = cli.store().parent().expect("a parent").to_str().expect("Unicode").to_owned();
    let ended = cli.run(&["import", "--format", "json", "missing.jsonl", &directory, &good]).code(2);
    assert_eq!(ended.stdout, summary(1, 1, 0, 0));
    assert!(ended.stderr.contains("error: cannot open missing.jsonl: "), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("error: cannot read {directory}: ")), "{}", ended.stderr);
}

#[test]
fn a_misspelt_file_creates_no_store() {
    let cli = Cli::new();
    cli.run(&["import", "missing.jsonl"]).code(2);
    assert!(!cli.store().exists());
}

#[test]
fn the_summary_for_people_is_a_sentence() {
    let ended = Cli::new().run_with_input(&["import", "-"], "bad\n").code(1);
    assert_eq!(ended.stdout, "1 events read: 0 stored, 0 duplicates, 1 rejected\n");
    assert_eq!(ended.stderr, "-:1: not valid JSON: expected value at column 1\n");
}

#[test]
fn lines_that_are_emitted_are_acknowledged_one_by_one() {
    let cli = Cli::new();
    let input = format!("{GOOD}\n\nbad\n{GOOD}");
    let ended = cli.run_with_input(&["emit", "-"], input).code(1);
    assert_eq!(ended.stdout, "event-pod_started-1794988800000000\nevent-pod_started-1794988800000000-1\n");
    assert_eq!(ended.stderr, "-:3: not valid JSON: expected value at column 1\n");
}

#[test]
fn many_batches_keep_their_order() {
    let cli = Cli::new();
    let lines: String = (0..5_000)
        .map(|number| {
            format!(
                "{{\"event_type\":\"tick\",\"number\":{number},\"timestamp\":\"2026-11-18T08:00:00.{number:06}Z\"}}\n"
            )
        })
        .collect();
    cli.run_with_input(&["import", "-"], &lines).code(0);
    assert_eq!(cli.run(&["export"]).code(0).stdout, lines);
    let ids = cli.run(&["query", "--format", "ids"]).code(0).stdout;
    assert_eq!(ids.lines().count(), 5_000);
    assert!(ids.lines().is_sorted(), "oldest first");
}
