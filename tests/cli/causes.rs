//! `why` and `effects`: their forms, targets, rules and exit codes.

use crate::harness::{Cli, json};

const CRASHES: &str = r#"{"event_type":"spawn_requested","node_id":"n","agent_id":"a","port":9000,"storage_path":"/d","memory_limit_mb":512,"timestamp":"2026-11-18T08:00:00Z"}
{"event_type":"spawn_succeeded","node_id":"n","agent_id":"a","pid":1,"port":9000,"timestamp":"2026-11-18T08:00:01Z"}
{"event_type":"node_crashed","node_id":"n","agent_id":"a","exit_code":-9,"timestamp":"2026-11-18T09:00:00Z"}
{"event_type":"pod_evicted","host":"h","timestamp":"2026-11-18T09:00:00Z"}
{"event_type":"disk_full","host":"h","timestamp":"2026-11-18T08:59:50Z"}
"#;
const CRASH: &str = "event-node_crashed-1794992400000000";

fn crashes() -> Cli {
    let cli = Cli::new();
    cli.run_with_input(&["import", "-"], CRASHES).code(0);
    cli
}

#[test]
fn a_why_is_asked_of_an_event_or_of_an_entity() {
    let cli = crashes();
    let by_entity = cli.run(&["why", "n"]).code(0).golden("why.text");
    assert_eq!(cli.run(&["why", CRASH]).code(0).stdout, by_entity.stdout);
    let tree = json(&cli.run(&["why", "n", "--format", "json"]).code(0).stdout);
    assert_eq!(tree["id"], CRASH);
    assert_eq!(tree["links"][0]["tree"]["links"][0]["rule"], "spawn_outcome");
    assert!(cli.run(&["why", "n", "--format", "dot"]).code(0).stdout.starts_with("digraph"));
    assert!(cli.run(&["why", "n", "--format", "mermaid"]).code(0).stdout.starts_with("flowchart"));
    let led = json(&cli.run(&["effects", "event-spawn_requested-1794988800000000", "--format", "json"]).code(0).stdout);
    assert_eq!(led["links"][0]["tree"]["links"][0]["tree"]["id"], CRASH);
}

#[test]
fn what_is_not_there_is_said() {
    let cli = crashes();
    let ended = cli.run(&["why", "stranger"]).code(1);
    assert!(ended.stderr.contains("no failure of `stranger`"), "{}", ended.stderr);
    assert!(cli.run(&["why", "event-node_crashed-1"]).code(1).stderr.contains("there is no event"));
    let ended = cli.run(&["effects", CRASH]).code(1);
    assert!(ended.stdout.contains("no effect is known"), "{}", ended.stdout);
}

#[test]
fn rules_come_from_a_file() {
    let cli = crashes();
    let rule = r#"
        failures = ["pod_evicted"]
        [[rule]]
        name = "eviction"
        effects = ["pod_evicted"]
        causes = ["disk_full"]
        fields = ["host"]
        window_seconds = 60
        grade = "inferred"
        role = "its host had no room"
    "#;
    let file = cli.file("rules.toml", rule);
    cli.run(&["why", "h"]).code(1);
    assert!(cli.run(&["why", "h", "--rules", &file]).code(0).stdout.contains("eviction: its host had no room"));
    let wrong = cli.file("wrong.toml", rule.replace("60", "0"));
    let ended = cli.run(&["why", "h", "--rules", &wrong]).code(2);
    assert!(ended.stderr.contains("rule `eviction`: `window_seconds`"), "{}", ended.stderr);
    cli.run(&["why", "h", "--rules", "no-such-file"]).code(2);
}
