//! Events of a query in one of the forms, streamed, and the cursor behind the last of them.

use std::io::Write;
use std::ops::ControlFlow;

use anyhow::Result;
use sutra_grid_events::query::{PageCursor, Query};
use sutra_grid_events::store::Snapshot;
use sutra_grid_events::{StoreError, StoredEvent};

use super::csv::{Columns, CsvRows};
use super::json::{JsonArray, JsonLines};
use super::{EventFormat, EventPrinter, EventTable, Output};

/// What was printed of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Page {
    /// How many events.
    pub(crate) events: u64,
    /// Where the next page begins, if the limit left something for it.
    pub(crate) next: Option<PageCursor>,
}

/// Prints the events of a query, without holding them all.
pub(crate) fn print_events(snapshot: &Snapshot, query: &Query, format: EventFormat, out: &mut Output) -> Result<Page> {
    if format == EventFormat::Ids {
        return print_ids(snapshot, query, out);
    }
    let mut columns = Columns::new();
    if format == EventFormat::Csv {
        // A snapshot does not change, so the second reading gives the same events.
        for_each_of_page(snapshot, query, |event| {
            columns.see(event);
            Ok(())
        })?;
    }
    let mut printer = printer(format, columns, out)?;
    let page = for_each_of_page(snapshot, query, |event| printer.event(event))?;
    printer.finish()?;
    Ok(page)
}

/// Prints one event.
pub(crate) fn print_event(event: &StoredEvent, format: EventFormat, out: &mut Output) -> Result<()> {
    let mut columns = Columns::new();
    columns.see(event);
    let mut printer = printer(format, columns, out)?;
    printer.event(event)?;
    printer.finish()
}

fn printer<'a>(format: EventFormat, columns: Columns, out: &'a mut Output) -> Result<Box<dyn EventPrinter + 'a>> {
    Ok(match format {
        EventFormat::Table => Box::new(EventTable::new(out)),
        EventFormat::Json => Box::new(JsonArray::new(out)),
        EventFormat::Jsonl => Box::new(JsonLines::new(out)),
        EventFormat::Csv => Box::new(CsvRows::new(out, columns)?),
        EventFormat::Ids => Box::new(Ids { out }),
    })
}

/// Visits the events of a query up to its limit.
fn for_each_of_page(
    snapshot: &Snapshot,
    query: &Query,
    mut visitor: impl FnMut(&StoredEvent) -> Result<()>,
) -> Result<Page> {
    let limit = query.limit.map_or(u64::MAX, |limit| limit as u64);
    let mut page = Page::default();
    let mut last = None;
    visit(
        |each| snapshot.for_each(&one_more(query), each),
        |event| {
            if page.events == limit {
                page.next = last;
            } else {
                visitor(&event)?;
                page.events += 1;
                last = Some(PageCursor { timestamp_us: event.id.timestamp_us(), sequence: event.sequence });
            }
            Ok(())
        },
    )?;
    Ok(page)
}

/// Prints the ids of a query, for which no event is built.
fn print_ids(snapshot: &Snapshot, query: &Query, out: &mut Output) -> Result<Page> {
    let mut ids = snapshot.ids(&one_more(query))?;
    let more = query.limit.is_some_and(|limit| ids.len() > limit);
    if more {
        ids.pop();
    }
    for id in &ids {
        writeln!(out, "{id}")?;
    }
    let last = if more { ids.last() } else { None };
    let next = match last {
        Some(id) => {
            snapshot.get(id)?.map(|event| PageCursor { timestamp_us: id.timestamp_us(), sequence: event.sequence })
        }
        None => None,
    };
    Ok(Page { events: ids.len() as u64, next })
}

/// The query with room for one event more, which tells whether there is a next page.
fn one_more(query: &Query) -> Query {
    Query { limit: query.limit.map(|limit| limit.saturating_add(1)), ..query.clone() }
}

/// Runs a visitor that can fail over events, and gives its first failure back.
pub(crate) fn visit(
    events: impl FnOnce(&mut dyn FnMut(StoredEvent) -> ControlFlow<()>) -> Result<(), StoreError>,
    mut visitor: impl FnMut(StoredEvent) -> Result<()>,
) -> Result<()> {
    let mut failure = None;
    events(&mut |event| match visitor(event) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// One id a line.
struct Ids<'a> {
    out: &'a mut Output,
}

impl EventPrinter for Ids<'_> {
    fn event(&mut self, event: &StoredEvent) -> Result<()> {
        Ok(writeln!(self.out, "{}", event.id)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
