//! `stats`: what the store holds and what it costs.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use sutra_grid_events::event::{Value, timestamp};
use sutra_grid_events::store::StoreStats;

use super::Outcome;
use crate::args::Global;
use crate::output::{Column, JsonObject, Output, ReportFormat, Table, format_time};

#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &StatsArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let stats = store.stats()?;
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => {
            out.write_exact(&json_of(&stats))?;
            writeln!(out)?;
        }
        ReportFormat::Table => print_report(&store.path().display().to_string(), &stats, &mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Prints the figures for people.
pub(super) fn print_report(path: &str, stats: &StoreStats, out: &mut Output) -> Result<()> {
    let time = |us: Option<i64>| us.map_or_else(|| "none".to_owned(), format_time);
    let tail_note = match stats.sequence - stats.durable_sequence.min(stats.sequence) {
        0 => String::new(),
        waiting => format!(", {waiting} not durable yet"),
    };
    let mut report = Table::new(out, &[Column::text(""), Column::text("")]);
    for (name, value) in [
        ("store", path.to_owned()),
        ("events", stats.events.to_string()),
        ("in the tail", format!("{}{tail_note}", stats.tail_events)),
        ("segments", stats.segments.to_string()),
        ("entities", stats.entities.to_string()),
        ("on disk", format!("{}, {:.1} bytes an event", HumanBytes(stats.bytes_on_disk), bytes_per_event(stats))),
        ("first", time(stats.first_us)),
        ("last", time(stats.last_us)),
        ("durability", stats.durability.clone()),
        ("format", format!("version {}", stats.format_version)),
    ] {
        report.row([name, &value])?;
    }
    report.finish()?;
    if !stats.types.is_empty() {
        writeln!(out)?;
        let mut types = Table::new(out, &[Column::number("COUNT"), Column::text("TYPE")]);
        for (name, count) in &stats.types {
            types.row([count.to_string().as_str(), name])?;
        }
        types.finish()?;
    }
    Ok(())
}

fn json_of(stats: &StoreStats) -> String {
    let time = |us: Option<i64>| Value::from(us.map(timestamp::format));
    let types = stats.types.iter().fold(JsonObject::default(), |object, (name, count)| object.field(name, *count));
    JsonObject::default()
        .field("events", stats.events)
        .field("tail", stats.tail_events)
        .field("segments", stats.segments)
        .raw("types", &types.finish())
        .field("entities", stats.entities)
        .field("bytes_on_disk", stats.bytes_on_disk)
        .field("bytes_per_event", (bytes_per_event(stats) * 100.0).round() / 100.0)
        .field("first", time(stats.first_us))
        .field("last", time(stats.last_us))
        .field("durability", &*stats.durability)
        .field("format_version", stats.format_version)
        .field("sequence", stats.sequence)
        .field("durable_sequence", stats.durable_sequence)
        .field("epoch", format!("{:016x}", stats.epoch))
        .finish()
}

#[allow(clippy::cast_precision_loss)] // A ratio for people.
fn bytes_per_event(stats: &StoreStats) -> f64 {
    if stats.events == 0 { 0.0 } else { stats.bytes_on_disk as f64 / stats.events as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_a_fixed_form() {
        let stats = StoreStats {
            events: 3,
            tail_events: 1,
            segments: 2,
            types: vec![("b".into(), 2), ("a".into(), 1)],
            entities: 4,
            bytes_on_disk: 100,
            first_us: Some(0),
            last_us: None,
            sequence: 3,
            durable_sequence: 2,
            format_version: 1,
            epoch: 255,
            durability: "always".into(),
            ..StoreStats::default()
        };
        assert_eq!(
            json_of(&stats),
            concat!(
                r#"{"events":3,"tail":1,"segments":2,"types":{"b":2,"a":1},"entities":4,"bytes_on_disk":100,"#,
                r#""bytes_per_event":33.33,"first":"1970-01-01T00:00:00.000000Z","last":null,"durability":"always","#,
                r#""format_version":1,"sequence":3,"durable_sequence":2,"epoch":"00000000000000ff"}"#
            )
        );
    }

    #[test]
    fn an_empty_store_costs_nothing_an_event() {
        assert_eq!(bytes_per_event(&StoreStats { bytes_on_disk: 9, ..StoreStats::default() }).to_string(), "0");
    }
}
