//! `diff`: what tells two stores apart. Exits with 0 if nothing does, with 1 if something does.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::event::timestamp;
use sutra_grid_events::forensics::{self, DiffCounts, DiffEvent, DiffKind, DiffRange, DiffReport};

use super::Outcome;
use crate::output::{
    Column, JsonObject, Output, ReportFormat, Table, format_time, json_list, note, printable, progress,
};

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// Data directory of the first store
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Data directory of the second store
    #[arg(value_name = "B")]
    b: PathBuf,
    /// List at most this many events, stretches of time and entities
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(arguments: &DiffArguments) -> Result<Outcome> {
    let bar = progress::over_events(0);
    let report = forensics::diff(&arguments.a, &arguments.b, arguments.limit, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    for side in [&report.a, &report.b] {
        side.problems.iter().for_each(|problem| note(&format!("in {}: {problem}", side.path)));
    }
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => {
            out.write_exact(&json_of(&report, arguments.limit))?;
            writeln!(out)?;
        }
        ReportFormat::Table => print_report(&report, arguments.limit, &mut out)?,
    }
    out.flush()?;
    Ok(if report.is_same() { Outcome::Done } else { Outcome::Partial })
}

/// The mark of a difference, as other programs of this name print it.
fn mark(kind: DiffKind) -> &'static str {
    match kind {
        DiffKind::OnlyA => "<",
        DiffKind::OnlyB => ">",
        DiffKind::Changed => "!",
    }
}

fn print_report(report: &DiffReport, limit: usize, out: &mut Output) -> Result<()> {
    for (mark, side) in [("<", &report.a), (">", &report.b)] {
        writeln!(out, "{mark} {}: {} events, {} unreadable", printable(&side.path), side.events, side.unreadable)?;
    }
    let comparison = &report.comparison;
    writeln!(
        out,
        "compared: {} segments by the hash of their {} events; {} and {} events one by one",
        comparison.same_segments, comparison.same_segment_events, comparison.read_a, comparison.read_b
    )?;
    if report.is_same() {
        writeln!(out, "no difference")?;
        return Ok(());
    }
    writeln!(out)?;
    let columns = [Column::number("ONLY <"), Column::number("ONLY >"), Column::number("CHANGED"), Column::text("OF")];
    let mut counts = Table::new(out, &columns);
    let row = |counts: &DiffCounts| [counts.only_a, counts.only_b, counts.changed].map(|number| number.to_string());
    let mut print = |of: &str, figures: &DiffCounts| {
        let [only_a, only_b, changed] = row(figures);
        counts.row([&*only_a, &*only_b, &*changed, of])
    };
    print("all events", &report.total)?;
    print("foreign concepts and associations", &report.foreign)?;
    report.types.iter().try_for_each(|(name, figures)| print(name, figures))?;
    for (entity, figures) in report.entities.iter().take(limit) {
        print(&format!("{} {}", entity.field, entity.value), figures)?;
    }
    counts.finish()?;
    writeln!(out)?;
    for DiffRange { kind, first_us, last_us, events } in report.ranges.iter().take(limit) {
        let (first, last) = (format_time(*first_us), format_time(*last_us));
        writeln!(out, "{} {first} to {last}: {events} events", mark(*kind))?;
    }
    tell_rest(report.ranges.len().saturating_sub(limit), report.more_ranges, "stretches of time", out)?;
    for DiffEvent { kind, id, fields } in &report.events {
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        writeln!(out, "{} {id}{}", mark(*kind), printable(&fields))?;
    }
    let rest = report.total.sum().saturating_sub(report.events.len() as u64);
    tell_rest(usize::try_from(rest).unwrap_or(usize::MAX), false, "events", out)
}

fn tell_rest(rest: usize, or_more: bool, what: &str, out: &mut Output) -> Result<()> {
    if rest > 0 || or_more {
        writeln!(out, "  and {rest}{} more {what}", if or_more { " or" } else { "" })?;
    }
    Ok(())
}

fn json_of(report: &DiffReport, limit: usize) -> String {
    let list = |objects: Vec<String>| format!("[{}]", objects.join(","));
    let counts = |object: JsonObject, counts: &DiffCounts| {
        object.field("only_a", counts.only_a).field("only_b", counts.only_b).field("changed", counts.changed)
    };
    let kind = |kind: DiffKind| match kind {
        DiffKind::OnlyA => "only_a",
        DiffKind::OnlyB => "only_b",
        DiffKind::Changed => "changed",
    };
    let side = |side: &forensics::DiffSide| {
        JsonObject::default()
            .field("path", &*side.path)
            .field("epoch", format!("{:016x}", side.epoch))
            .field("events", side.events)
            .field("unreadable", side.unreadable)
            .raw("problems", &json_list(&side.problems))
            .finish()
    };
    let types = report
        .types
        .iter()
        .map(|(name, figures)| counts(JsonObject::default().field("type", &**name), figures).finish());
    let entities = report.entities.iter().take(limit).map(|(entity, figures)| {
        let object = JsonObject::default().field("field", &*entity.field).field("entity", &*entity.value);
        counts(object, figures).finish()
    });
    let ranges = report.ranges.iter().take(limit).map(|range| {
        JsonObject::default()
            .field("kind", kind(range.kind))
            .field("first", timestamp::format(range.first_us))
            .field("last", timestamp::format(range.last_us))
            .field("events", range.events)
            .finish()
    });
    let events = report.events.iter().map(|event| {
        JsonObject::default()
            .field("kind", kind(event.kind))
            .field("id", event.id.to_string())
            .raw("fields", &json_list(&event.fields))
            .finish()
    });
    let comparison = &report.comparison;
    let compared = JsonObject::default()
        .field("same_segments", comparison.same_segments)
        .field("same_segment_events", comparison.same_segment_events)
        .field("read_a", comparison.read_a)
        .field("read_b", comparison.read_b);
    JsonObject::default()
        .field("same", report.is_same())
        .raw("a", &side(&report.a))
        .raw("b", &side(&report.b))
        .raw("compared", &compared.finish())
        .raw("total", &counts(JsonObject::default(), &report.total).finish())
        .raw("foreign", &counts(JsonObject::default(), &report.foreign).finish())
        .raw("types", &list(types.collect()))
        .raw("entities", &list(entities.collect()))
        .raw("ranges", &list(ranges.collect()))
        .raw("events", &list(events.collect()))
        .finish()
}
