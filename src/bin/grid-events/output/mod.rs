//! What commands print, and where.
//!
//! ```text
//! page (events in order, up to a limit) ─► table | json | jsonl | csv | ids ─► Output ─► stdout
//! notes, rejected lines, errors, progress ─────────────────────────────────────────────► stderr
//! ```
//!
//! On a terminal no control character of an event gets through as it is: tables escape it everywhere,
//! the exact forms (JSON, CSV) only there.

mod csv;
mod gaps;
mod json;
mod page;
pub(crate) mod progress;
mod table;
mod text;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anyhow::Result;
use clap::ValueEnum;
use sutra_grid_events::StoredEvent;

pub(crate) use csv::write_csv;
pub(crate) use gaps::{gaps_json, tell_gaps};
pub(crate) use json::{JsonObject, json_list};
pub(crate) use page::{print_event, print_events, visit};
pub(crate) use table::{Column, EventTable, Table};
pub(crate) use text::{format_time, printable};

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 64 << 10;

/// The forms of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// Aligned columns for people
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values under a header
    Csv,
    /// One concept id a line
    Ids,
}

/// The forms of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CountFormat {
    /// A number, or aligned columns for people
    Table,
    /// One JSON object
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values under a header
    Csv,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Lines for people
    Table,
    /// One JSON object
    Json,
}

/// Standard output, buffered, with what is known about who reads it.
#[derive(Debug)]
pub(crate) struct Output {
    writer: BufWriter<StdoutLock<'static>>,
    terminal: bool,
    colour: bool,
}

impl Output {
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        Self {
            terminal: stdout.is_terminal(),
            // Knows NO_COLOR, CLICOLOR_FORCE and terminals without colour.
            colour: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            writer: BufWriter::with_capacity(WRITE_BYTES, stdout.lock()),
        }
    }

    /// Whether a person reads.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes text in an exact form. On a terminal its control characters other than newlines are escaped
    /// as in JSON, whose strings are the only place where a JSON text can hold them.
    pub(crate) fn write_exact(&mut self, text: &str) -> io::Result<()> {
        if self.terminal && text.contains(text::is_unsafe_in_json) {
            return self.writer.write_all(text::escape_in_json(text).as_bytes());
        }
        self.writer.write_all(text.as_bytes())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Takes the events of a result, one by one, and prints them in one form.
pub(crate) trait EventPrinter {
    /// Prints an event.
    fn event(&mut self, event: &StoredEvent) -> Result<()>;
    /// Prints what comes behind the last event.
    fn finish(&mut self) -> Result<()>;
}

/// Prints a line for people on stderr. A closed stderr is nobody's error.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// Prints an error on stderr, with its causes, on one line.
pub(crate) fn report(error: &anyhow::Error) {
    note(&format!("error: {}", in_one_line(error)));
}

/// An error and its causes. One that says its cause itself does not say it twice.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line
}

/// Whether whoever reads the output went away, which ends a command but is no error.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use sutra_grid_events::StoreError;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let source = io::Error::other("no space left");
        let error = StoreError::Io { action: "write", path: "x.log".into(), source };
        let error = anyhow::Error::new(error).context("the import stopped");
        assert_eq!(in_one_line(&error), "the import stopped: cannot write x.log: no space left");
        let error = anyhow::Error::new(io::Error::other("denied")).context("cannot open x");
        assert_eq!(in_one_line(&error), "cannot open x: denied");
    }

    #[test]
    fn a_closed_pipe_is_known_below_its_context() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_closed_pipe(&closed().into()));
        assert!(is_closed_pipe(&Err::<(), _>(closed()).context("cannot print").expect_err("an error")));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
