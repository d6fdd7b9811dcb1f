//! `merge`: the stores of several masters become one.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::forensics::{self, MergeReport};

use super::Outcome;
use crate::output::{Column, JsonObject, Output, ReportFormat, Table, json_list, note, progress};

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// Data directories of the stores
    #[arg(value_name = "DIR", required = true)]
    sources: Vec<PathBuf>,
    /// Data directory of the merged store: a new one, or one that a merge has made, which gets what is new
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(arguments: &MergeArguments) -> Result<Outcome> {
    let bar = progress::over_events(0);
    let report = forensics::merge(&arguments.sources, &arguments.output, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    for source in &report.sources {
        source.problems.iter().for_each(|problem| note(&format!("in {}: {problem}", source.label)));
    }
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => writeln!(out, "{}", json_of(&report))?,
        ReportFormat::Table => print_report(&report, &mut out)?,
    }
    out.flush()?;
    let is_whole = report.sources.iter().all(|source| source.problems.is_empty() && source.rejected == 0);
    Ok(if is_whole { Outcome::Done } else { Outcome::Partial })
}

fn print_report(report: &MergeReport, out: &mut Output) -> Result<()> {
    let columns = [
        Column::number("READ"),
        Column::number("STORED"),
        Column::number("THERE BEFORE"),
        Column::number("OTHER ID"),
        Column::number("UNREADABLE"),
        Column::number("FOREIGN"),
        Column::text("STORE"),
    ];
    let mut table = Table::new(out, &columns);
    for source in &report.sources {
        let numbers =
            [source.read, source.stored, source.duplicates, source.renamed, source.unreadable, source.foreign];
        let mut row = numbers.map(|number| number.to_string()).to_vec();
        row.push(source.label.clone());
        table.row([&*row[0], &*row[1], &*row[2], &*row[3], &*row[4], &*row[5], &*row[6]])?;
    }
    table.finish()?;
    writeln!(out, "{} events, {} losses noted", report.events, report.losses)?;
    Ok(())
}

fn json_of(report: &MergeReport) -> String {
    let sources = report.sources.iter().map(|source| {
        JsonObject::default()
            .field("store", &*source.label)
            .field("epoch", format!("{:016x}", source.epoch))
            .field("read", source.read)
            .field("stored", source.stored)
            .field("duplicates", source.duplicates)
            .field("renamed", source.renamed)
            .field("unreadable", source.unreadable)
            .field("rejected", source.rejected)
            .field("foreign", source.foreign)
            .raw("problems", &json_list(&source.problems))
            .finish()
    });
    let sources: Vec<String> = sources.collect();
    JsonObject::default()
        .field("events", report.events)
        .field("losses", report.losses)
        .raw("sources", &format!("[{}]", sources.join(",")))
        .finish()
}
