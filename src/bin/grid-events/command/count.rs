//! `count`: how many events a selection holds, in all, by a key, or how many values a field takes.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::query::{Gap, Group, Groups};

use super::Outcome;
use crate::args::{Global, Key, Selection};
use crate::output::{Column, CountFormat, JsonObject, Output, Table, gaps_json, note, tell_gaps, write_csv};
use crate::time::parse_utc_offset;

#[derive(Debug, Args)]
pub(crate) struct CountArguments {
    #[command(flatten)]
    selection: Selection,
    /// Count by type, any field, minute, hour or day, largest first; `agent` and `node` stand for their ids
    #[arg(long, value_name = "KEY")]
    by: Option<Key>,
    /// Only the K largest groups
    #[arg(long, value_name = "K", requires = "by")]
    top: Option<usize>,
    /// Begin minutes, hours and days at this offset from UTC, such as +02:00
    #[arg(
        long,
        value_name = "OFFSET",
        requires = "by",
        value_parser = parse_utc_offset,
        default_value = "Z",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    utc_offset: i32,
    /// Count the distinct values of this field instead of the events
    #[arg(long, value_name = "FIELD", conflicts_with = "by")]
    distinct: Option<String>,
    /// Form of the counts
    #[arg(long, value_enum, default_value_t = CountFormat::Table)]
    format: CountFormat,
}

pub(crate) fn run(global: &Global, arguments: &CountArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    let filter = arguments.selection.filter(global.now_us())?;
    let count = match &arguments.distinct {
        Some(field) => snapshot.distinct(&filter, field)?,
        None => snapshot.count(&filter)?,
    };
    let mut out = Output::stdout();
    let by = arguments.by.as_ref();
    let groups = by.map(|by| {
        let key = by.resolve(arguments.utc_offset);
        snapshot.top(&filter, &key, arguments.top.unwrap_or(usize::MAX))
    });
    let groups = groups.transpose()?;
    // After the counting, so that what was found damaged meanwhile is among them.
    let gaps = store.gaps_in(&snapshot, &filter)?;
    match &groups {
        None => print_count(count, &gaps, arguments.format, &mut out)?,
        Some(groups) => print_groups(count, groups, &gaps, arguments.format, &mut out)?,
    }
    out.flush()?;
    if arguments.format != CountFormat::Json {
        tell_gaps(&gaps, count);
    }
    Ok(Outcome::of_hits(count).unless_damaged(&snapshot))
}

fn print_count(count: u64, gaps: &[Gap], format: CountFormat, out: &mut Output) -> Result<()> {
    match format {
        CountFormat::Table => writeln!(out, "{count}")?,
        CountFormat::Json => {
            let object = JsonObject::default().field("count", count).raw("gaps", &gaps_json(gaps)?);
            out.write_exact(&object.finish())?;
            writeln!(out)?;
        }
        CountFormat::Jsonl => {
            writeln!(out, "{}", JsonObject::default().field("count", count).finish())?;
        }
        CountFormat::Csv => {
            write_csv(out, &["count"])?;
            write_csv(out, &[count.to_string()])?;
        }
    }
    Ok(())
}

fn print_groups(count: u64, groups: &Groups, gaps: &[Gap], format: CountFormat, out: &mut Output) -> Result<()> {
    match format {
        CountFormat::Table => {
            let mut table = Table::new(out, &[Column::number("COUNT"), Column::text("KEY")]);
            for group in &groups.groups {
                table.row([group.count.to_string().as_str(), &group.key])?;
            }
            table.finish()?;
            if groups.ungrouped > 0 {
                note(&format!("{} of {count} events have no such key", groups.ungrouped));
            }
        }
        CountFormat::Json => {
            let list: Vec<String> = groups.groups.iter().map(json_of).collect();
            let object = JsonObject::default()
                .field("count", count)
                .raw("groups", &format!("[{}]", list.join(",")))
                .field("ungrouped", groups.ungrouped)
                .raw("gaps", &gaps_json(gaps)?);
            out.write_exact(&object.finish())?;
            writeln!(out)?;
        }
        CountFormat::Jsonl => {
            for group in &groups.groups {
                out.write_exact(&json_of(group))?;
                writeln!(out)?;
            }
        }
        CountFormat::Csv => {
            write_csv(out, &["key", "count"])?;
            for group in &groups.groups {
                write_csv(out, &[&group.key, &group.count.to_string()])?;
            }
        }
    }
    Ok(())
}

fn json_of(group: &Group) -> String {
    JsonObject::default().field("key", group.key.as_str()).field("count", group.count).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_a_fixed_form() {
        let group = Group { key: "agent \"1\"".into(), count: 7 };
        assert_eq!(json_of(&group), r#"{"key":"agent \"1\"","count":7}"#);
    }
}
