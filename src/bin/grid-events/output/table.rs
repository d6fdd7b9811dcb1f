//! Aligned columns: with colour and to the width of the window on a terminal, plain elsewhere.

use std::borrow::Cow;
use std::io::Write;

use anyhow::Result;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, presets};
use sutra_grid_events::StoredEvent;

use super::{EventPrinter, Output, format_time, printable};

/// Rows that are aligned with each other; a longer table is printed piece by piece.
const ROWS_ALIGNED: usize = 1_000;
/// The longest sentence about an event, in characters; the other forms show the whole event.
const SENTENCE_CHARS_MAX: usize = 400;
/// The window that has room for the ids of events, in characters.
const WIDTH_WITH_IDS: u16 = 140;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// What stands above it. A table whose columns have no titles has no header.
    pub(crate) title: &'static str,
    /// Whether it holds numbers.
    pub(crate) numbers: bool,
}

impl Column {
    pub(crate) const fn text(title: &'static str) -> Self {
        Self { title, numbers: false }
    }

    pub(crate) const fn number(title: &'static str) -> Self {
        Self { title, numbers: true }
    }
}

/// Prints rows under a header.
pub(crate) struct Table<'a> {
    out: &'a mut Output,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    header_printed: bool,
}

impl<'a> Table<'a> {
    pub(crate) fn new(out: &'a mut Output, columns: &[Column]) -> Self {
        Self { out, columns: columns.to_vec(), rows: Vec::new(), header_printed: false }
    }

    /// Adds a row of cells that come from outside: what would steer the terminal is escaped.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<()> {
        self.cells(cells.into_iter().map(|text| Cell::new(printable(text.as_ref()))).collect())
    }

    fn cells(&mut self, cells: Vec<Cell>) -> Result<()> {
        self.rows.push(cells);
        if self.rows.len() >= ROWS_ALIGNED { self.print_rows() } else { Ok(()) }
    }

    /// Prints what is left. A table without rows prints nothing, not even its header.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.rows.is_empty() { Ok(()) } else { self.print_rows() }
    }

    fn print_rows(&mut self) -> Result<()> {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        if self.out.is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        if self.out.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
            if let Some(width) = self.out.width() {
                table.set_width(width);
            }
        }
        let titled = self.columns.iter().any(|column| !column.title.is_empty());
        if !std::mem::replace(&mut self.header_printed, true) && titled {
            table.set_header(self.columns.iter().map(|column| Cell::new(column.title).add_attribute(Attribute::Bold)));
        }
        table.add_rows(self.rows.drain(..));
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(target) = table.column_mut(index) {
                let left = if index == 0 { 0 } else { 1 };
                target.set_padding((left, 1));
                if column.numbers {
                    target.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Events as rows: when, of which type, what happened, and the id where there is room.
pub(crate) struct EventTable<'a> {
    table: Table<'a>,
    with_ids: bool,
}

impl<'a> EventTable<'a> {
    pub(crate) fn new(out: &'a mut Output) -> Self {
        let with_ids = out.width().is_none_or(|width| width >= WIDTH_WITH_IDS);
        let columns = [Column::text("TIME"), Column::text("TYPE"), Column::text("WHAT HAPPENED"), Column::text("ID")];
        let shown = if with_ids { columns.len() } else { columns.len() - 1 };
        Self { table: Table::new(out, &columns[..shown]), with_ids }
    }

    /// Adds a row for several events of a type.
    pub(crate) fn summary(&mut self, first_us: i64, event_type: &str, what: &str) -> Result<()> {
        self.row(first_us, event_type, what, "")
    }

    fn row(&mut self, us: i64, event_type: &str, what: &str, id: &str) -> Result<()> {
        let mut kind = Cell::new(printable(event_type));
        if let Some(colour) = colour_of(event_type) {
            kind = kind.fg(colour);
        }
        let mut cells = vec![Cell::new(format_time(us)), kind, Cell::new(printable(&shorten(what)))];
        if self.with_ids {
            cells.push(Cell::new(id));
        }
        self.table.cells(cells)
    }
}

impl EventPrinter for EventTable<'_> {
    fn event(&mut self, stored: &StoredEvent) -> Result<()> {
        let event = &stored.event;
        self.row(event.timestamp_us(), event.event_type(), &event.to_description(), &stored.id.to_string())
    }

    fn finish(&mut self) -> Result<()> {
        self.table.finish()
    }
}

impl Output {
    /// How many characters a line of the terminal holds; nothing elsewhere.
    fn width(&self) -> Option<u16> {
        if self.terminal { comfy_table::Table::new().width() } else { None }
    }
}

/// The beginning of a text that is too long for a table.
fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SENTENCE_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The colour of a type, by the word that its name ends with: what went wrong stands out.
fn colour_of(event_type: &str) -> Option<Color> {
    match event_type.rsplit('_').next()? {
        "failed" | "crashed" | "offline" | "critical" | "error" => Some(Color::Red),
        "degraded" => Some(Color::Yellow),
        "succeeded" | "recovered" | "restarted" | "healthy" => Some(Color::Green),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_cut_between_characters() {
        let long = "ä".repeat(SENTENCE_CHARS_MAX + 1);
        assert_eq!(shorten(&long).chars().count(), SENTENCE_CHARS_MAX + 1);
        assert!(shorten(&long).ends_with("ä…"));
        assert_eq!(shorten(&long[2..]), long[2..]);
    }

    #[test]
    fn what_went_wrong_stands_out() {
        assert_eq!(colour_of("node_crashed"), Some(Color::Red));
        assert_eq!(colour_of("agent_degraded"), Some(Color::Yellow));
        assert_eq!(colour_of("crashed_once"), None);
        assert_eq!(colour_of(""), None);
    }
}
