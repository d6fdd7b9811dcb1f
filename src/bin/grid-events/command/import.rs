//! `import`: reads files of JSON lines into the store, in bounded memory.
//!
//! A line that is no event is named on stderr as `FILE:LINE: reason (field)` and the rest is stored.
//! Events that are there already are skipped, so that an interrupted import is simply run again.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use sutra_grid_events::store::Appended;
use sutra_grid_events::{Event, Store};

use super::Outcome;
use crate::args::Global;
use crate::lines::{LineReader, rejection};
use crate::output::{JsonObject, Output, ReportFormat, note, progress, report};
use crate::rejected::{Rejected, time_in};

/// The most events in one batch.
const BATCH_EVENTS: usize = 1_024;
/// The most JSON text in one batch, in bytes, so that large events do not pile up.
const BATCH_BYTES: usize = 8 << 20;
/// The name of stdin, as an argument and in messages.
const STDIN: &str = "-";

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files of JSON lines; `-` reads stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Stop at the first line that is rejected, keeping what came before
    #[arg(long)]
    strict: bool,
    /// Store events again that are in the store already
    #[arg(long)]
    keep_duplicates: bool,
    /// Form of the summary
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &ImportArguments) -> Result<Outcome> {
    let bar = progress::over_bytes(size_of(&arguments.files));
    let mut failed = false;
    let mut fail = |file: &Path, action: &str, error: io::Error| {
        let error = anyhow::Error::new(error).context(format!("cannot {action} {}", file.display()));
        bar.suspend(|| report(&error));
        failed = true;
    };
    let mut import = None;
    for file in &arguments.files {
        let input = match open(file) {
            Ok(input) => input,
            Err(error) => {
                fail(file, "open", error);
                continue;
            }
        };
        // The store is opened at the first file that is there, so that a misspelt name creates none.
        let import = match &mut import {
            Some(import) => import,
            None => import.insert(Import::begin(global.open_to_write()?, arguments, &bar)),
        };
        if let Err(error) = import.file(file, input)? {
            fail(file, "read", error);
        }
        if import.stopped {
            break;
        }
    }
    let tally = import.map(Import::finish).transpose()?.unwrap_or_default();
    bar.finish_and_clear();
    tally.print(arguments.format)?;
    Ok(match tally.rejected {
        _ if failed => Outcome::Failed,
        0 => Outcome::Done,
        _ => Outcome::Partial,
    })
}

/// The size of all files in bytes, if every one is a file.
fn size_of(files: &[PathBuf]) -> Option<u64> {
    files.iter().map(|file| file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len())).sum()
}

fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    if file == Path::new(STDIN) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(file)?))
}

/// What became of the lines that were not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    read: u64,
    stored: u64,
    duplicates: u64,
    rejected: u64,
}

impl Tally {
    fn print(self, format: ReportFormat) -> Result<()> {
        let mut out = Output::stdout();
        writeln!(out, "{}", self.summary(format))?;
        Ok(out.flush()?)
    }

    fn summary(self, format: ReportFormat) -> String {
        let Self { read, stored, duplicates, rejected } = self;
        match format {
            ReportFormat::Json => JsonObject::default()
                .field("read", read)
                .field("stored", stored)
                .field("duplicates", duplicates)
                .field("rejected", rejected)
                .finish(),
            ReportFormat::Table => {
                format!("{read} events read: {stored} stored, {duplicates} duplicates, {rejected} rejected")
            }
        }
    }
}

/// An import under way.
struct Import<'a> {
    store: Store,
    arguments: &'a ImportArguments,
    bar: &'a ProgressBar,
    tally: Tally,
    /// What was rejected of the file that is being imported.
    rejected: Rejected,
    /// Bytes of the files before this one.
    bytes_before: u64,
    /// Whether a line was rejected that must not be.
    stopped: bool,
}

impl<'a> Import<'a> {
    fn begin(store: Store, arguments: &'a ImportArguments, bar: &'a ProgressBar) -> Self {
        Self {
            store,
            arguments,
            bar,
            tally: Tally::default(),
            rejected: Rejected::default(),
            bytes_before: 0,
            stopped: false,
        }
    }

    /// Imports one file. The outer error is one of the store, which ends the import; the inner one is
    /// one of the file, whose lines before it are stored.
    fn file(&mut self, file: &Path, input: impl Read) -> Result<io::Result<()>> {
        let mut lines = LineReader::new(input);
        let mut batch = Batch::default();
        let end = loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            self.tally.read += 1;
            let event = match line.text {
                Ok(text) => Event::from_json(text).map_err(|error| (time_in(text), rejection(&error))),
                Err(error) => Err((None, error.to_string())),
            };
            match event {
                Ok(event) => batch.push(line.number, line.bytes, event),
                Err((time_us, reason)) => self.reject(file, line.number, time_us, &reason),
            }
            if self.stopped {
                break Ok(());
            }
            if batch.is_full() {
                self.commit(file, &mut batch)?;
                self.bar.set_position(self.bytes_before + lines.bytes());
            }
        };
        self.commit(file, &mut batch)?;
        self.bytes_before += lines.bytes();
        if let Some(loss) = std::mem::take(&mut self.rejected).loss(file) {
            self.store.note_loss(&loss)?;
        }
        Ok(end)
    }

    fn commit(&mut self, file: &Path, batch: &mut Batch) -> Result<()> {
        if batch.events.is_empty() {
            return Ok(());
        }
        let answers = if self.arguments.keep_duplicates {
            self.store.append(&batch.events)
        } else {
            self.store.append_new(&batch.events)
        };
        let answers = answers.with_context(|| {
            format!("the import stopped in {} after {} events were stored", file.display(), self.tally.stored)
        })?;
        for ((&line, event), answer) in batch.lines.iter().zip(&batch.events).zip(answers) {
            match answer {
                Appended::Stored(_) => self.tally.stored += 1,
                Appended::Duplicate(_) => self.tally.duplicates += 1,
                Appended::Rejected(error) => {
                    self.reject(file, line, Some(event.timestamp_us()), &rejection(&error));
                }
            }
        }
        *batch = Batch::default();
        Ok(())
    }

    fn reject(&mut self, file: &Path, line: u64, time_us: Option<i64>, reason: &str) {
        self.rejected.add(line, time_us, reason);
        self.tally.rejected += 1;
        self.stopped = self.stopped || self.arguments.strict;
        self.bar.suspend(|| note(&format!("{}:{line}: {reason}", file.display())));
    }

    /// Makes everything durable.
    fn finish(self) -> Result<Tally> {
        self.store.flush()?;
        self.store.close()?;
        Ok(self.tally)
    }
}

/// Events that are appended together, each with the number of its line.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Event>,
    lines: Vec<u64>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, line: u64, bytes: usize, event: Event) {
        self.events.push(event);
        self.lines.push(line);
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_a_fixed_form() {
        let tally = Tally { read: 6, stored: 3, duplicates: 2, rejected: 1 };
        assert_eq!(tally.summary(ReportFormat::Json), r#"{"read":6,"stored":3,"duplicates":2,"rejected":1}"#);
        assert_eq!(tally.summary(ReportFormat::Table), "6 events read: 3 stored, 2 duplicates, 1 rejected");
    }

    #[test]
    fn the_size_is_known_only_if_all_are_files() {
        assert_eq!(size_of(&[PathBuf::from("-")]), None);
        assert_eq!(size_of(&[PathBuf::from(env!("CARGO_MANIFEST_DIR"))]), None);
        assert!(size_of(&[PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))]).is_some());
    }
}
