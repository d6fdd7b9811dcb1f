//! `retain`: applies a policy of retention once, or says what would go.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytesize::ByteSize;
use chrono::DateTime;
use clap::Args;
use indicatif::HumanBytes;
use sutra_grid_events::store::{Retention, RetentionReport, TypeRetention};
use sutra_grid_events::{Filter, Store};

use super::Outcome;
use crate::args::Global;
use crate::output::{Column, JsonObject, Output, ReportFormat, Table, note};

const AFTER_HELP: &str = "\
Ages: 90m, 12h, 7d, 2w, 1y, '1month 2days'. They count from when the segment of an event was sealed, so what is still in
the tail stays. Sizes: 500MB, 10GB, 2GiB.

Examples:
  grid-events retain --older-than 1y --keep agent_heartbeat=7d --dry-run
  grid-events retain --thin agent_heartbeat=1d --max-bytes 10GB";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RetainArguments {
    /// Remove events that are older than this
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Keep events of this type so long instead, shorter or longer
    #[arg(long, value_name = "TYPE=AGE", value_parser = parse_type_age)]
    keep: Vec<(String, Duration)>,
    /// Thin events of this type that are older than this: of each entity the first and the last, both sides of gaps
    /// and what differs from the one before stay
    #[arg(long, value_name = "TYPE=AGE", value_parser = parse_type_age)]
    thin: Vec<(String, Duration)>,
    /// Remove the oldest segments as long as all take more than this
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_bytes: Option<ByteSize>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

impl RetainArguments {
    /// Whether the store is only read.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    fn policy(&self) -> Result<Retention> {
        let mut types: BTreeMap<String, TypeRetention> = BTreeMap::new();
        for (event_type, age) in &self.keep {
            if types.entry(event_type.clone()).or_default().age_max.replace(*age).is_some() {
                bail!("--keep is given twice for {event_type}; give it once");
            }
        }
        for (event_type, age) in &self.thin {
            if types.entry(event_type.clone()).or_default().thin_after.replace(*age).is_some() {
                bail!("--thin is given twice for {event_type}; give it once");
            }
        }
        Ok(Retention { bytes_max: self.max_bytes.map(|size| size.as_u64()), age_max: self.older_than, types })
    }
}

pub(crate) fn run(global: &Global, arguments: &RetainArguments) -> Result<Outcome> {
    let policy = arguments.policy()?;
    if policy.is_unlimited() {
        bail!("nothing says what shall go; give --older-than, --keep, --thin or --max-bytes");
    }
    let now = DateTime::from_timestamp_micros(global.now_us()).context("--now is no time that a clock can show")?;
    let report = if arguments.dry_run {
        global.open_to_read()?.plan_retention(&policy, now)?
    } else {
        let directory = global.directory()?;
        // A store is not made by a command that only removes.
        Store::open_read_only(&directory)?;
        let store = Store::open(directory)?;
        let report = store.apply_retention(&policy, now)?;
        store.close()?;
        report
    };
    let store = global.open_to_read()?;
    for name in policy.types.keys() {
        let is_there = report.expired.contains_key(name) || report.thinned.contains_key(name);
        if !is_there && store.count(&Filter::event_type(name))? == 0 {
            note(&format!("no event of type {name} is in the store"));
        }
    }
    report.problems.iter().for_each(|problem| note(problem));
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => {
            out.write_exact(&json_of(&report, arguments.dry_run))?;
            writeln!(out)?;
        }
        ReportFormat::Table => print_report(&report, arguments.dry_run, &mut out)?,
    }
    out.flush()?;
    Ok(if report.problems.is_empty() { Outcome::Done } else { Outcome::Partial })
}

/// Reads `10GB`. A number alone would mean bytes, which nobody means.
fn parse_size(text: &str) -> Result<ByteSize, String> {
    if text.trim().ends_with(|last: char| last.is_ascii_digit()) {
        return Err("without a unit; give one, such as 500MB or 10GB (10000B for bytes)".to_owned());
    }
    text.parse().map_err(|_| "no size such as 500MB, 10GB or 2GiB".to_owned())
}

/// Reads `agent_heartbeat=7d`.
fn parse_type_age(text: &str) -> Result<(String, Duration), String> {
    let (event_type, age) = text.split_once('=').ok_or("not of the form TYPE=AGE, such as agent_heartbeat=7d")?;
    let age = humantime::parse_duration(age.trim()).map_err(|error| error.to_string())?;
    Ok((event_type.trim().to_owned(), age))
}

fn print_report(report: &RetentionReport, dry_run: bool, out: &mut Output) -> Result<()> {
    let (went, freed) = if dry_run { ("would go", "would be freed") } else { ("went", "were freed") };
    writeln!(
        out,
        "{} segments {went}, {} {} written anew without some of their events; {} of {} {freed}",
        report.segments_removed,
        report.segments_rewritten,
        if dry_run { "would be" } else { "were" },
        HumanBytes(report.bytes_freed),
        HumanBytes(report.segment_bytes),
    )?;
    if report.expired.is_empty() && report.thinned.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut types = Table::new(out, &[Column::number("EXPIRED"), Column::number("THINNED"), Column::text("TYPE")]);
    let names: std::collections::BTreeSet<&String> = report.expired.keys().chain(report.thinned.keys()).collect();
    for name in names {
        let count = |by_type: &BTreeMap<String, u64>| by_type.get(name).copied().unwrap_or(0).to_string();
        types.row([count(&report.expired).as_str(), count(&report.thinned).as_str(), name])?;
    }
    types.finish()
}

fn json_of(report: &RetentionReport, dry_run: bool) -> String {
    let by_type = |counts: &BTreeMap<String, u64>| {
        counts.iter().fold(JsonObject::default(), |object, (name, count)| object.field(name, *count)).finish()
    };
    JsonObject::default()
        .field("dry_run", dry_run)
        .field("segments_removed", report.segments_removed)
        .field("segments_rewritten", report.segments_rewritten)
        .raw("expired", &by_type(&report.expired))
        .raw("thinned", &by_type(&report.thinned))
        .field("bytes_freed", report.bytes_freed)
        .field("segment_bytes", report.segment_bytes)
        .field("problems", report.problems.len() as u64)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_ages() {
        let week = Duration::from_secs(7 * 86_400);
        assert_eq!(parse_type_age("agent_heartbeat=7d"), Ok(("agent_heartbeat".to_owned(), week)));
        for wrong in ["agent_heartbeat", "a=", "a=7", "a=seven days", "a=-1d"] {
            assert!(parse_type_age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_report_has_a_fixed_form() {
        let report = RetentionReport {
            segments_removed: 1,
            segments_rewritten: 2,
            expired: BTreeMap::from([("a".to_owned(), 3)]),
            thinned: BTreeMap::from([("b".to_owned(), 4)]),
            bytes_freed: 5,
            segment_bytes: 6,
            problems: Vec::new(),
        };
        assert_eq!(
            json_of(&report, true),
            concat!(
                r#"{"dry_run":true,"segments_removed":1,"segments_rewritten":2,"expired":{"a":3},"thinned":{"b":4},"#,
                r#""bytes_freed":5,"segment_bytes":6,"problems":0}"#
            )
        );
    }
}
