//! What each command prints, in each of its forms.

use crate::harness::{Cli, data_file, json};

#[test]
fn events_in_every_form() {
    let cli = Cli::with_grid();
    cli.run(&["query"]).code(0).golden("query.table");
    cli.run(&["query", "--format", "ids"]).code(0).golden("query.ids");
    cli.run(&["query", "--format", "jsonl"]).code(0).golden("query.jsonl");
    cli.run(&["query", "--format", "json", "--type", "spawn_failed"]).code(0).golden("query.json");
    cli.run(&["query", "--format", "csv"]).code(0).golden("query.csv");
}

#[test]
fn selections_choose_events() {
    let cli = Cli::with_grid();
    let hits = |arguments: &[&str]| {
        let line = [&["query", "--format", "ids"], arguments].concat();
        cli.run(&line).stdout.lines().count()
    };
    assert_eq!(hits(&[]), 16);
    assert_eq!(hits(&["--type", "spawn_failed"]), 2);
    assert_eq!(hits(&["--type", "spawn_failed", "--type", "node_crashed"]), 3);
    assert_eq!(hits(&["--type", "spawn_failed,node_crashed"]), 3);
    assert_eq!(hits(&["--entity", "node-a"]), 4);
    assert_eq!(hits(&["--entity", "node-a", "--entity", "node-b"]), 7);
    assert_eq!(hits(&["--entity", "host-2"]), 2);
    assert_eq!(hits(&["--where", "error~port"]), 1);
    assert_eq!(hits(&["--where", "memory_limit_mb>1000"]), 1);
    assert_eq!(hits(&["--where", "memory_limit_mb>100", "--where", "agent_id=agent-002"]), 1);
    assert_eq!(hits(&["--since", "1h"]), 6);
    assert_eq!(hits(&["--since", "2026-11-18"]), 15);
    assert_eq!(hits(&["--until", "2026-11-18"]), 1);
    assert_eq!(hits(&["--since", "yesterday", "--until", "today"]), 1);
    assert_eq!(hits(&["--since", "2026-11-18T09:00:00Z", "--until", "2026-11-18T09:01:00Z"]), 2);
    assert_eq!(hits(&["--since", "3d", "--type", "agent_heartbeat"]), 3);
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let cli = Cli::with_grid();
    for order in [&[][..], &["--newest"]] {
        for format in ["ids", "jsonl"] {
            let whole = cli.run(&[&["query", "--format", format], order].concat()).code(0).stdout;
            let (mut pages, mut cursor) = (String::new(), None::<String>);
            loop {
                let after = cursor.as_ref().map(|cursor| format!("--after={cursor}"));
                let mut line = [&["query", "--format", format, "--limit", "3"], order].concat();
                line.extend(after.as_deref());
                let page = cli.run(&line).code(0);
                pages.push_str(&page.stdout);
                cursor = page.stderr.trim().strip_prefix("more: --after ").map(str::to_owned);
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(pages, whole);
        }
    }
    let reversed: Vec<String> =
        cli.run(&["query", "--format", "ids", "--newest"]).stdout.lines().map(str::to_owned).collect();
    let mut ids: Vec<String> = cli.run(&["query", "--format", "ids"]).stdout.lines().map(str::to_owned).collect();
    ids.reverse();
    assert_eq!(reversed, ids);
    cli.run(&["query", "--limit", "16"]).code(0).golden("query.table");
    assert_eq!(cli.run(&["query", "--limit", "16"]).stderr, "");
    cli.run(&["query", "--limit", "0"]).code(1);
}

#[test]
fn counts_in_every_form() {
    let cli = Cli::with_grid();
    let stdout = |arguments: &[&str]| cli.run(&[&["count"], arguments].concat()).code(0).stdout;
    assert_eq!(stdout(&[]), "16\n");
    assert_eq!(stdout(&["--format", "json"]), "{\"count\":16,\"gaps\":[]}\n");
    assert_eq!(stdout(&["--format", "csv"]), "count\n16\n");
    assert_eq!(stdout(&["--distinct", "agent_id"]), "2\n");
    assert_eq!(stdout(&["--distinct", "agent_id", "--format", "json"]), "{\"count\":2,\"gaps\":[]}\n");
    cli.run(&["count", "--by", "type"]).code(0).golden("count.table");
    cli.run(&["count", "--by", "type", "--format", "json"]).code(0).golden("count.json");
    cli.run(&["count", "--by", "type", "--format", "csv"]).code(0).golden("count.csv");
    cli.run(&["count", "--by", "hour", "--format", "jsonl"]).code(0).golden("count.jsonl");
    assert_eq!(
        stdout(&["--by", "agent", "--format", "json"]),
        "{\"count\":16,\"groups\":[{\"key\":\"agent-001\",\"count\":8},{\"key\":\"agent-002\",\"count\":5}],\"ungrouped\":3,\"gaps\":[]}\n"
    );
    assert_eq!(stdout(&["--by", "node", "--top", "1", "--format", "csv"]), "key,count\nnode-a,4\n");
}

#[test]
fn days_begin_where_the_offset_says() {
    let cli = Cli::with_grid();
    let days = |offset: &str| {
        let ended = cli.run(&["count", "--by", "day", "--utc-offset", offset, "--format", "csv"]).code(0);
        ended.stdout
    };
    assert_eq!(days("Z"), "key,count\n2026-11-18,15\n2026-11-17,1\n");
    assert_eq!(days("+02:00"), "key,count\n2026-11-18,16\n");
    assert_eq!(days("-09:00"), "key,count\n2026-11-18,11\n2026-11-17,5\n");
}

#[test]
fn a_count_of_nothing_is_printed() {
    let ended = Cli::with_grid().run(&["count", "--type", "no_such_type", "--format", "json"]).code(1);
    assert_eq!(ended.stdout, "{\"count\":0,\"gaps\":[]}\n");
}

#[test]
fn a_history_folds_heartbeats_for_people_only() {
    let cli = Cli::with_grid();
    cli.run(&["history", "agent-001"]).code(0).golden("history.table");
    cli.run(&["history", "agent-001", "--format", "ids"]).code(0).golden("history.ids");
    let ended = cli.run(&["history", "agent-001", "--since", "1h", "--format", "ids"]).code(0);
    assert_eq!(ended.stdout.lines().count(), 3);
    let ended = cli.run(&["history", "nobody"]).code(1);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", "no event names `nobody`\n"));
}

#[test]
fn an_event_is_given_back_as_it_came() {
    let cli = Cli::with_grid();
    let lines = std::fs::read_to_string(data_file("grid.jsonl")).expect("the data");
    let crash = lines.lines().find(|line| line.contains("node_crashed\",\"node_id")).expect("a crash");
    let ended = cli.run(&["get", "event-node_crashed-1795001400000001"]).code(0);
    assert_eq!(ended.stdout, format!("{crash}\n"));
    let second = lines.lines().find(|line| line.contains("web-2")).expect("a tie");
    let ended = cli.run(&["get", "event-pod_scheduled-1795002300000000-1", "--format", "jsonl"]).code(0);
    assert_eq!(ended.stdout, format!("{second}\n"));
    cli.run(&["get", "event-pod_scheduled-1795002300000000-1", "--format", "csv"]).code(0).golden("get.csv");
    let ended = cli.run(&["get", "event-node_crashed-1"]).code(1);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", "there is no event event-node_crashed-1\n"));
    let ended = cli.run(&["get", "event-node_crashed-1", "event-node_crashed-1795001400000001"]).code(1);
    assert_eq!(ended.stdout.lines().count(), 1);
    cli.run(&["get", "node-a"]).code(2);
}

#[test]
fn an_export_is_the_import_again() {
    let cli = Cli::with_grid();
    let lines = std::fs::read_to_string(data_file("grid.jsonl")).expect("the data");
    // The events are compared value by value: the escapes of a string are not part of it.
    let exported = cli.run(&["export"]).code(0).stdout;
    assert_eq!(exported.lines().map(json).collect::<Vec<_>>(), lines.lines().map(json).collect::<Vec<_>>());
    let path = cli.store().with_extension("jsonl");
    let ended = cli.run(&["export", "--output", path.to_str().expect("Unicode")]).code(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(std::fs::read_to_string(&path).expect("the export"), exported);
    let copy = Cli::new();
    copy.run_with_input(&["import", "-"], &exported).code(0);
    assert_eq!(copy.run(&["export"]).code(0).stdout, exported);
    let ids = |cli: &Cli| cli.run(&["query", "--format", "ids"]).code(0).stdout;
    assert_eq!(ids(&copy), ids(&cli));
}

#[test]
fn statistics_have_their_fields() {
    let cli = Cli::with_grid();
    let stats = json(&cli.run(&["stats", "--format", "json"]).code(0).stdout);
    assert_eq!(stats["events"], 16);
    assert_eq!(stats["types"]["agent_heartbeat"], 3);
    assert_eq!(stats["first"], "2026-11-17T22:30:00.000000Z");
    assert_eq!(stats["last"], "2026-11-18T11:50:00.000000Z");
    for field in ["tail", "segments", "entities", "bytes_on_disk", "bytes_per_event", "format_version"] {
        assert!(stats[field].is_number(), "{field}");
    }
    assert!(stats["durability"].is_string());
    let table = cli.run(&["stats"]).code(0).stdout;
    assert!(table.contains("events") && table.contains("agent_heartbeat"), "{table}");
}

#[test]
fn a_plan_is_explained() {
    let ended = Cli::with_grid().run(&["query", "--type", "node_crashed", "--explain"]).code(0);
    assert!(!ended.stdout.is_empty());
}

#[test]
fn events_are_emitted_from_arguments() {
    let cli = Cli::new();
    let ended = cli.run(&["emit", "node_crashed", "exit_code=137", "agent_id=1", "node_id=node-a"]).code(0);
    assert_eq!(ended.stdout, "event-node_crashed-1795003200000000\n");
    let ended = cli.run(&["get", "event-node_crashed-1795003200000000"]).code(0);
    assert_eq!(
        ended.stdout,
        concat!(
            r#"{"event_type":"node_crashed","node_id":"node-a","agent_id":"1","exit_code":137,"#,
            r#""timestamp":"2026-11-18T12:00:00.000000Z"}"#,
            "\n"
        )
    );
    let pod = r#"{"event_type":"pod_scheduled","pod_id":"web-1","cpu":0.50,"timestamp":"2026-11-18T08:00:00Z"}"#;
    let ended = cli.run(&["emit", "--json", pod]).code(0);
    assert_eq!(cli.run(&["get", ended.stdout.trim()]).stdout, format!("{pod}\n"));
    let ended = cli.run(&["emit", "node_crashed", "node_id=n"]).code(2);
    assert_eq!(ended.stderr, "error: the event was not recorded: missing field `agent_id` (agent_id)\n");
    cli.run(&["emit", "node_crashed", "node_id"]).code(2);
    assert_eq!(cli.run(&["count"]).stdout, "2\n");
}
