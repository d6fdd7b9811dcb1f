//! `backup`: a copy of the store that is a store, made while it is written to; a second run copies what is new.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use sutra_grid_events::event::{Value, timestamp};
use sutra_grid_events::forensics;
use sutra_grid_events::store::{BackupOptions, BackupReport, FileCount};

use super::Outcome;
use crate::args::Global;
use crate::output::{Column, JsonObject, Output, ReportFormat, Table, format_time, json_list, note, progress};

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// Directory of the backup: a new one, or that of an earlier backup, which is brought up to date
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Link segments that this older backup has too, so that they take no space
    #[arg(long, value_name = "OLD")]
    previous: Option<PathBuf>,
    /// Let go of what the backup has and the store has no more
    #[arg(long)]
    mirror: bool,
    /// Do not verify what was made at the end
    #[arg(long)]
    no_verify: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &BackupArguments) -> Result<Outcome> {
    let bar = progress::over_bytes(Some(0));
    let tell = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let mut options = BackupOptions::default();
    options.previous = arguments.previous.as_deref();
    options.mirror = arguments.mirror;
    options.skip_verify = arguments.no_verify;
    options.progress = Some(&tell);
    let report = forensics::backup(&global.directory()?, &arguments.to, &options)?;
    bar.finish_and_clear();
    report.problems.iter().for_each(|problem| note(&format!("problem: {problem}")));
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => writeln!(out, "{}", json_of(&report))?,
        ReportFormat::Table => print_report(&report, global.now_us(), &mut out)?,
    }
    out.flush()?;
    Ok(if report.problems.is_empty() { Outcome::Done } else { Outcome::Partial })
}

fn print_report(report: &BackupReport, now_us: i64, out: &mut Output) -> Result<()> {
    let files = |count: FileCount| format!("{} files, {}", count.files, HumanBytes(count.bytes));
    let first = report.manifest.first_sequence.unwrap_or(0);
    let keyed = report.keyed_published_us.map_or_else(
        || "none published".to_owned(),
        |us| format!("as published {}, {} s before", format_time(us), (now_us - us).max(0) / 1_000_000),
    );
    let mut table = Table::new(out, &[Column::text(""), Column::text("")]);
    for (name, value) in [
        ("backup", report.path.display().to_string()),
        ("events", report.manifest.events.to_string()),
        ("numbers", format!("{first} to {}", report.manifest.last_sequence)),
        ("head", report.manifest.head.clone()),
        ("copied", files(report.copied)),
        ("linked", files(report.linked)),
        ("there before", files(report.kept)),
        ("only in the backup", files(report.only_here)),
        ("removed", files(report.removed)),
        ("cursors and notes", keyed),
    ] {
        table.row([name, &value])?;
    }
    table.finish()
}

fn json_of(report: &BackupReport) -> String {
    let files =
        |count: FileCount| JsonObject::default().field("files", count.files).field("bytes", count.bytes).finish();
    JsonObject::default()
        .field("path", report.path.display().to_string())
        .field("epoch", &*report.manifest.epoch)
        .field("events", report.manifest.events)
        .field("first_sequence", Value::from(report.manifest.first_sequence))
        .field("last_sequence", report.manifest.last_sequence)
        .field("head", &*report.manifest.head)
        .raw("copied", &files(report.copied))
        .raw("linked", &files(report.linked))
        .raw("kept", &files(report.kept))
        .raw("only_here", &files(report.only_here))
        .raw("removed", &files(report.removed))
        .field("keyed_published", Value::from(report.keyed_published_us.map(timestamp::format)))
        .raw("problems", &json_list(&report.problems))
        .finish()
}
