//! `restore`: makes a store of a backup.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use sutra_grid_events::event::{Value, timestamp};
use sutra_grid_events::forensics::{self, RestoreOptions, RestoreReport};

use super::Outcome;
use crate::args::Global;
use crate::output::{Column, JsonObject, Output, ReportFormat, Table, format_time, json_list, note, progress};

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// Directory of the backup
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
    /// Do not verify what was made at the end
    #[arg(long)]
    no_verify: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &RestoreArguments) -> Result<Outcome> {
    let bar = progress::over_bytes(Some(0));
    let tell = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let mut options = RestoreOptions::default();
    options.skip_verify = arguments.no_verify;
    options.progress = Some(&tell);
    let report = forensics::restore(&arguments.from, &global.directory()?, &options)?;
    bar.finish_and_clear();
    report.problems.iter().for_each(|problem| note(&format!("problem: {problem}")));
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => writeln!(out, "{}", json_of(&report))?,
        ReportFormat::Table => print_report(&report, &mut out)?,
    }
    out.flush()?;
    Ok(if report.problems.is_empty() { Outcome::Done } else { Outcome::Partial })
}

fn print_report(report: &RestoreReport, out: &mut Output) -> Result<()> {
    let time = |us: Option<i64>| us.map_or_else(|| "none".to_owned(), format_time);
    let mut table = Table::new(out, &[Column::text(""), Column::text("")]);
    for (name, value) in [
        ("store", report.path.display().to_string()),
        ("backup of", report.manifest.made_at.clone()),
        ("events", report.events.to_string()),
        ("last number", report.last_sequence.to_string()),
        ("first", time(report.first_us)),
        ("last", time(report.last_us)),
        ("head", report.manifest.head.clone()),
        ("copied", format!("{} files, {}", report.manifest.files.len(), HumanBytes(report.bytes))),
    ] {
        table.row([name, &value])?;
    }
    table.finish()
}

fn json_of(report: &RestoreReport) -> String {
    let time = |us: Option<i64>| Value::from(us.map(timestamp::format));
    JsonObject::default()
        .field("path", report.path.display().to_string())
        .field("epoch", &*report.manifest.epoch)
        .field("made_at", &*report.manifest.made_at)
        .field("events", report.events)
        .field("last_sequence", report.last_sequence)
        .field("first", time(report.first_us))
        .field("last", time(report.last_us))
        .field("head", &*report.manifest.head)
        .field("bytes", report.bytes)
        .raw("problems", &json_list(&report.problems))
        .finish()
}
