//! What the demo shows of the events that it recorded, by the queries that the other commands make.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use sutra_grid_events::Store;
use sutra_grid_events::ask::{AskOptions, ask};
use sutra_grid_events::query::{Filter, GroupKey, TimeRange};
use sutra_grid_events::store::Snapshot;

use super::super::{history, stats};
use super::{CRASHING_NODE, FILLED_NODE};
use crate::output::{Column, Output, Table, printable};

/// What counts as a failure, with the titles of the columns.
const FAILURES: [(&str, &str); 4] = [
    ("spawn_failed", "SPAWNS FAILED"),
    ("node_crashed", "CRASHES"),
    ("agent_degraded", "TIMES DEGRADED"),
    ("agent_offline", "TIMES OFFLINE"),
];

/// Prints what was recorded since a time.
pub(super) fn print(directory: &Path, since_us: i64, out: &mut Output) -> Result<()> {
    let store = Store::open_read_only(directory)?;
    let snapshot = store.snapshot();
    let range = TimeRange { since_us: Some(since_us), until_us: None };

    writeln!(out, "\nThe timeline of {CRASHING_NODE}\n")?;
    history::print_timeline(&snapshot, CRASHING_NODE, range, out)?;

    writeln!(out, "\nFailures by agent\n")?;
    print_failures(&snapshot, range, out)?;

    writeln!(out, "\nQuestions in plain words")?;
    for question in questions() {
        writeln!(out, "\n> {question}")?;
        for line in ask(&store, &question, &AskOptions::default())?.text().lines() {
            writeln!(out, "{}", printable(line))?;
        }
    }

    writeln!(out, "\nThe store\n")?;
    stats::print_report(&directory.display().to_string(), &store.stats()?, out)?;

    let program = shell_word(&std::env::args().next().unwrap_or_else(|| "grid-events".to_owned()));
    let dir = shell_word(&directory.display().to_string());
    writeln!(out, "\nThe events stay in {}. Try next:\n", directory.display())?;
    for arguments in [
        "ask 'how long was agent-002 offline?'".to_owned(),
        format!("history {CRASHING_NODE}"),
        "query --type spawn_failed --where 'error~in use'".to_owned(),
        "count --by type".to_owned(),
        "export".to_owned(),
    ] {
        writeln!(out, "  {program} --dir {dir} {arguments}")?;
    }
    Ok(())
}

/// One of each sort: what, who, how many, why.
fn questions() -> [String; 4] {
    [
        "Show me all spawn failures in the last hour".to_owned(),
        "Which agents went offline in the last hour?".to_owned(),
        "How many crashes per node in the last hour?".to_owned(),
        format!("Why did {FILLED_NODE} crash?"),
    ]
}

/// Agents down, kinds of failure across.
fn print_failures(snapshot: &Snapshot, range: TimeRange, out: &mut Output) -> Result<()> {
    let mut agents: BTreeMap<String, [u64; FAILURES.len()]> = BTreeMap::new();
    for (column, (event_type, _)) in FAILURES.iter().enumerate() {
        let filter = Filter::And(vec![Filter::Type((*event_type).to_owned()), Filter::Time(range)]);
        for group in snapshot.group_by(&filter, &GroupKey::Field("agent_id".to_owned()))?.groups {
            // The column is an index into the array whose length the row has.
            agents.entry(group.key).or_default()[column] = group.count;
        }
    }
    let titles = FAILURES.iter().map(|(_, title)| Column::number(title));
    let columns: Vec<_> = std::iter::once(Column::text("AGENT")).chain(titles).collect();
    let mut table = Table::new(out, &columns);
    for (agent_id, counts) in agents {
        table.row(std::iter::once(agent_id).chain(counts.iter().map(u64::to_string)))?;
    }
    table.finish()
}

/// The text as one word of a shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(shell_word("/tmp/demo-1/events"), "/tmp/demo-1/events");
        assert_eq!(shell_word("/my files/x"), "'/my files/x'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
