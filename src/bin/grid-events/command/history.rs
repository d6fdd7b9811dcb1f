//! `history`: everything that names an entity, oldest first. For people, heartbeats in a row are one line.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::Filter;
use sutra_grid_events::query::{Query, TimeRange, TimelineEntry};
use sutra_grid_events::store::Snapshot;

use super::Outcome;
use crate::args::{Global, Range};
use crate::output::{EventFormat, EventPrinter, EventTable, Output, format_time, note, print_events, tell_gaps};

/// The type of the events that are folded.
const HEARTBEAT: &str = "agent_heartbeat";

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The agent, node or other entity, under any field
    #[arg(value_name = "ENTITY")]
    entity: String,
    #[command(flatten)]
    range: Range,
    /// Form of the events; all but the table list every heartbeat
    #[arg(long, value_enum, default_value_t = EventFormat::Table)]
    format: EventFormat,
}

pub(crate) fn run(global: &Global, arguments: &HistoryArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    let range = arguments.range.resolve(global.now_us())?;
    let mut out = Output::stdout();
    let entity = Filter::Entity { field: None, value: arguments.entity.clone() };
    let filter = if range == TimeRange::default() { entity } else { Filter::And(vec![entity, Filter::Time(range)]) };
    let events = if arguments.format == EventFormat::Table {
        print_timeline(&snapshot, &arguments.entity, range, &mut out)?
    } else {
        let query = Query { filter: filter.clone(), ..Query::default() };
        print_events(&snapshot, &query, arguments.format, &mut out)?.events
    };
    out.flush()?;
    if events == 0 && arguments.format == EventFormat::Table {
        note(&format!("no event names `{}`", arguments.entity));
    }
    tell_gaps(&store.gaps_in(&snapshot, &filter)?, events);
    Ok(Outcome::of_hits(events).unless_damaged(&snapshot))
}

/// Prints the timeline and answers how many events it stands for.
pub(super) fn print_timeline(snapshot: &Snapshot, entity: &str, range: TimeRange, out: &mut Output) -> Result<u64> {
    let mut table = EventTable::new(out);
    let mut events = 0;
    for entry in snapshot.timeline(entity, range)? {
        match entry {
            TimelineEntry::Event(event) => {
                table.event(&event)?;
                events += 1;
            }
            TimelineEntry::Heartbeats { count, first_us, last_us } => {
                table.summary(first_us, HEARTBEAT, &heartbeats(count, last_us))?;
                events += count;
            }
        }
    }
    table.finish()?;
    Ok(events)
}

fn heartbeats(count: u64, last_us: i64) -> String {
    match count {
        1 => "1 heartbeat".to_owned(),
        _ => format!("{count} heartbeats, the last at {}", format_time(last_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_one_line() {
        assert_eq!(heartbeats(1, 0), "1 heartbeat");
        assert_eq!(heartbeats(3, 0), "3 heartbeats, the last at 1970-01-01T00:00:00Z");
    }
}
