//! `query`: lists the events of a selection, in the order of their times, page by page if wished.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::query::{Order, Query};

use super::Outcome;
use crate::args::{Cursor, Global, Selection};
use crate::output::{EventFormat, Output, note, print_events, printable, tell_gaps};

#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// From the latest event back, instead of from the earliest on
    #[arg(long)]
    newest: bool,
    /// At most this many events, the first of the order
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Only events behind this cursor, which a limited query prints on stderr
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    after: Option<Cursor>,
    /// Form of the events
    #[arg(long, value_enum, default_value_t = EventFormat::Table)]
    format: EventFormat,
    /// Show how the query is answered, instead of its events
    #[arg(long, conflicts_with = "format")]
    explain: bool,
}

impl QueryArguments {
    fn query(&self, now_us: i64) -> Result<Query> {
        Ok(Query {
            filter: self.selection.filter(now_us)?,
            order: if self.newest { Order::NewestFirst } else { Order::OldestFirst },
            limit: self.limit,
            after: self.after.map(|cursor| cursor.0),
        })
    }
}

pub(crate) fn run(global: &Global, arguments: &QueryArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    let query = arguments.query(global.now_us())?;
    let mut out = Output::stdout();
    if arguments.explain {
        for line in snapshot.explain(&query)?.to_string().lines() {
            writeln!(out, "{}", printable(line))?;
        }
        out.flush()?;
        return Ok(Outcome::Done);
    }
    let page = print_events(&snapshot, &query, arguments.format, &mut out)?;
    out.flush()?;
    if let Some(next) = page.next {
        note(&format!("more: --after {}", Cursor(next)));
    } else if page.events == 0 && arguments.format == EventFormat::Table {
        note("no event found");
    }
    tell_gaps(&store.gaps_in(&snapshot, &query.filter)?, page.events);
    Ok(Outcome::of_hits(page.events).unless_damaged(&snapshot))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use sutra_grid_events::Filter;
    use sutra_grid_events::query::PageCursor;

    use super::*;
    use crate::args::Arguments;
    use crate::command::Command;

    #[test]
    fn arguments_become_a_query() {
        let line = ["grid-events", "query", "--type", "x", "--newest", "--limit", "5", "--after", "-7:9"];
        let Command::Query(arguments) = Arguments::try_parse_from(line).expect("legal arguments").command else {
            panic!("not a query");
        };
        assert_eq!(
            arguments.query(0).expect("a range"),
            Query {
                filter: Filter::Type("x".into()),
                order: Order::NewestFirst,
                limit: Some(5),
                after: Some(PageCursor { timestamp_us: -7, sequence: 9 }),
            }
        );
    }
}
