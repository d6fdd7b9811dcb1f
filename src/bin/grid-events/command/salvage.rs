//! `salvage`: brings all that can be read of a damaged directory into a new store.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::event::timestamp;
use sutra_grid_events::forensics::{PieceOutcome, SalvageOptions, SalvageReport, salvage};
use sutra_grid_events::store::Loss;

use super::Outcome;
use crate::output::{Column, Output, ReportFormat, Table, printable, progress};

#[derive(Debug, Args)]
pub(crate) struct SalvageArguments {
    /// The damaged data directory, which is not changed
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// The new store, at a place that is new or empty
    #[arg(long, value_name = "NEW")]
    output: PathBuf,
    /// Take the parts of the store of this epoch [default: what FORMAT says, else most files]
    #[arg(long, value_name = "HEX", value_parser = parse_epoch)]
    epoch: Option<u64>,
    /// Do not verify the new store at the end
    #[arg(long)]
    no_verify: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(arguments: &SalvageArguments) -> Result<Outcome> {
    let bar = progress::over_bytes(Some(0));
    let options = SalvageOptions { epoch: arguments.epoch, skip_verify: arguments.no_verify };
    let report = salvage(&arguments.from, &arguments.output, &options, &mut |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.done_bytes);
    });
    bar.finish_and_clear();
    let report = report?;
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => {
            out.write_exact(&serde_json::to_string(&report)?)?;
            writeln!(out)?;
        }
        ReportFormat::Table => print_report(&report, &mut out)?,
    }
    out.flush()?;
    Ok(if report.is_complete() { Outcome::Done } else { Outcome::Partial })
}

fn print_report(report: &SalvageReport, out: &mut Output) -> Result<()> {
    let mut pieces = Table::new(
        out,
        &[Column::text("FILE"), Column::text("OUTCOME"), Column::number("EVENTS"), Column::text("DAMAGE")],
    );
    let is_worth_a_line =
        |outcome: PieceOutcome, damage: &[String]| outcome != PieceOutcome::Copied || !damage.is_empty();
    for piece in report.pieces.iter().filter(|piece| is_worth_a_line(piece.outcome, &piece.damage)) {
        let (outcome, events) = (piece.outcome.to_string(), piece.events.to_string());
        pieces.row([piece.path.as_str(), &outcome, &events, &piece.damage.join("; ")])?;
    }
    pieces.finish()?;
    let copied = report.pieces.iter().filter(|piece| piece.outcome == PieceOutcome::Copied).count();
    writeln!(out, "{copied} files were whole and are copied")?;
    for note in &report.notes {
        writeln!(out, "note: {}", printable(note))?;
    }
    for loss in &report.losses {
        writeln!(out, "lost: {}", printable(&line_of(loss)))?;
    }
    for problem in &report.problems {
        writeln!(out, "problem of the new store: {}", printable(problem))?;
    }
    writeln!(
        out,
        "{} events and {} foreign records are in the new store; {report}",
        report.events, report.foreign_records
    )?;
    Ok(())
}

/// What is lost, in one line.
fn line_of(loss: &Loss) -> String {
    let unknown = || "?".to_owned();
    let number = |number: Option<u64>| number.map_or_else(unknown, |number| number.to_string());
    let time = |us: Option<i64>| us.map_or_else(unknown, timestamp::format);
    format!(
        "{} events, numbers {} to {}, time {} to {}: {}",
        number(loss.events),
        number(loss.first_sequence),
        number(loss.last_sequence),
        time(loss.first_us),
        time(loss.last_us),
        loss.detail
    )
}

fn parse_epoch(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|error| error.to_string())
}
