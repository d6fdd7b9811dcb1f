//! `kill -9` of the real binary: what it acknowledged is there afterwards.

use std::io::{BufRead, BufReader, Write};

use crate::harness::Cli;

/// Ids to wait for before the writer is killed.
const ACKNOWLEDGED: usize = 500;
/// How often it is killed, unless the variable says otherwise.
const KILLS: u32 = 3;
const KILLS_VARIABLE: &str = "GRID_EVENTS_KILLS";

fn kills() -> u32 {
    std::env::var(KILLS_VARIABLE).map_or(KILLS, |text| text.parse().expect("GRID_EVENTS_KILLS is a number"))
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let cli = Cli::new();
    let mut acknowledged = Vec::new();
    for round in 0..kills() {
        let mut writer = cli.start(&["emit", "-"]);
        let mut stdin = writer.stdin.take().expect("a pipe");
        let feeder = std::thread::spawn(move || {
            // It writes until the pipe breaks.
            for number in 0u64.. {
                let line = format!(
                    "{{\"event_type\":\"tick\",\"round\":{round},\"number\":{number},\"timestamp\":\"2026-11-18T08:00:00Z\"}}\n"
                );
                if stdin.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
        let mut lines = BufReader::new(writer.stdout.take().expect("a pipe")).lines();
        acknowledged.extend(lines.by_ref().take(ACKNOWLEDGED).map(|line| line.expect("an id")));
        writer.kill().expect("it runs");
        // A line that the kill cut short is no acknowledgement; the ids before it are.
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        acknowledged.extend(rest);
        writer.wait().expect("it ends");
        feeder.join().expect("the feeder ends");
    }
    let stored = cli.run(&["query", "--format", "ids"]).code(0).stdout;
    let stored: std::collections::HashSet<&str> = stored.lines().collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !stored.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
    let distinct: std::collections::HashSet<&String> = acknowledged.iter().collect();
    assert_eq!(distinct.len(), acknowledged.len(), "an id was given twice");
}
