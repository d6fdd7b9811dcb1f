//! `ask`: its forms, its exit codes, its stages, and questions line by line.

use crate::harness::{Cli, json};

#[test]
fn a_question_is_answered_in_text_and_as_an_object() {
    let cli = Cli::with_grid();
    let text = cli.run(&["ask", "Which nodes crashed today?"]).code(0).stdout;
    assert!(text.starts_with("node-a (1 event)."), "{text}");
    assert!(text.contains("(Read as: the different values of node_id among the events, of node_crashed"), "{text}");
    let answer = json(&cli.run(&["ask", "which nodes crashed today?", "--format", "json"]).code(0).stdout);
    assert_eq!(answer["understood"], true);
    assert_eq!(answer["intent"], "entities");
    assert_eq!(answer["entities"], serde_json::json!(["node-a"]));
    assert_eq!(answer["events"], serde_json::json!(["event-node_crashed-1795001400000001"]));
    let limited = json(&cli.run(&["ask", "events today", "--limit", "2", "--format", "json"]).code(0).stdout);
    assert_eq!(limited["events"].as_array().map(Vec::len), Some(2));
    assert!(limited["matched"].as_u64() > Some(2));
}

#[test]
fn days_begin_where_the_zone_says() {
    let cli = Cli::with_grid();
    let count = |zone: &str| {
        let question = ["ask", "how many degraded agents events yesterday", "--tz", zone, "--format", "json"];
        json(&cli.run(&question).code(0).stdout)["matched"].clone()
    };
    // It happened at 22:30 UTC, which is half past midnight of the next day in Helsinki.
    assert_eq!(count("UTC"), 1);
    let moved = cli.run(&["ask", "agent degraded events yesterday", "--tz", "Europe/Helsinki"]).code(1);
    assert!(moved.stdout.contains("No such event"), "{}", moved.stdout);
    assert!(cli.run(&["ask", "crashes", "--tz", "Mars"]).code(2).stderr.contains("no time zone"));
}

#[test]
fn the_exit_code_says_what_came_of_it() {
    let cli = Cli::with_grid();
    cli.run(&["ask", "did node-a crash today"]).code(0);
    let nothing = cli.run(&["ask", "crashes of node-zzz"]).code(1);
    assert!(nothing.stdout.contains("node-zzz"), "{}", nothing.stdout);
    let refused = cli.run(&["ask", "how many unicorns crashed"]).code(2);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("“unicorns” is not understood"), "{said}");
    let object = json(&cli.run(&["ask", "delete all events", "--format", "json"]).code(2).stdout);
    assert_eq!(object["understood"], false);
    assert!(object["reason"].is_string() && object["suggestions"].is_array());
}

#[test]
fn every_stage_is_told() {
    let ended = Cli::with_grid().run(&["ask", "how many crashes on agent-001 today", "--explain"]).code(0);
    for line in
        ["time       today", "entity     agent-001", "kind       crashes", "intent     how many", "reading ", "query "]
    {
        assert!(ended.stderr.contains(line), "{line} is not in\n{}", ended.stderr);
    }
}

#[test]
fn lines_are_questions_and_continue_one_another() {
    let cli = Cli::with_grid();
    let ended =
        cli.run_with_input(&["ask", "--format", "json"], "spawn failures today\nhow many?\nonly agent-002\nwhy?\n");
    let answers: Vec<_> = ended.code(0).stdout.lines().map(json).collect();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0]["intent"], "list");
    assert_eq!((&answers[1]["intent"], &answers[1]["count"]), (&"count".into(), &2.into()));
    assert_eq!(answers[2]["count"], 2);
    assert_eq!(answers[3]["intent"], "why");
}

#[test]
fn rules_of_ones_own_answer_a_why() {
    let cli = Cli::with_grid();
    let rules = cli.file(
        "rules.toml",
        r#"
[[rule]]
name = "evicted_after_note"
effects = ["note_taken"]
causes = ["pod_scheduled"]
fields = []
window_seconds = 600
grade = "inferred"
role = "a pod was scheduled before"
"#,
    );
    let with = json(&cli.run(&["ask", "why note taken", "--format", "json", "--rules", &rules]).code(0).stdout);
    assert!(with["chain"].to_string().contains("a pod was scheduled before"), "{with}");
    let broken = cli.file("broken.toml", "[[rule]]\nname = 1\n");
    assert!(cli.run(&["ask", "why note taken", "--rules", &broken]).code(2).stderr.contains("broken.toml"));
}
