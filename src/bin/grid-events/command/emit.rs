//! `emit`: records events and prints the id of each as soon as it is durable.
//!
//! What was printed survives a power cut. Lines on stdin are taken as they come: those that wait
//! already share one commit, so that a busy pipe does not cost an fsync a line.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::value::RawValue;
use sutra_grid_events::event::{KINDS, Kind, timestamp};
use sutra_grid_events::store::Appended;
use sutra_grid_events::{Event, EventError, Store};

use super::Outcome;
use crate::args::Global;
use crate::lines::{LineReader, rejection};
use crate::output::{Output, note};
use crate::rejected::{Rejected, time_in};

/// The most events in one commit.
const BATCH_EVENTS: usize = 1_024;
/// The name of stdin, as an argument and in messages.
const STDIN: &str = "-";

const EXAMPLES: &str = "\
Examples:
  grid-events emit agent_heartbeat agent_id=agent-001 storage_node_count=3
  grid-events emit pod_scheduled pod_id=web-1 cpu=0.5
  grid-events emit --json '{\"event_type\":\"pod_scheduled\",\"pod_id\":\"web-1\",\"timestamp\":\"2026-11-18T08:00:00Z\"}'
  tail -f events.jsonl | grid-events emit -";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EmitArguments {
    /// Type of the event, or `-` to read events from stdin, one JSON object a line
    #[arg(value_name = "TYPE", required_unless_present = "json", conflicts_with = "json")]
    event_type: Option<String>,
    /// Fields of the event: numbers, true, false, null and "quoted strings" as in JSON, anything else a string
    #[arg(value_name = "KEY=VALUE", requires = "event_type")]
    fields: Vec<String>,
    /// The event as a JSON object
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
}

pub(crate) fn run(global: &Global, arguments: &EmitArguments) -> Result<Outcome> {
    let event = match (&arguments.json, arguments.event_type.as_deref()) {
        (Some(json), _) => Event::from_json(json),
        (None, Some(STDIN)) => {
            if let Some(field) = arguments.fields.first() {
                bail!("`{field}` cannot be given with `-`: the fields are read from stdin");
            }
            return emit_lines(global.open_to_write()?, io::stdin().lock());
        }
        (None, event_type) => event_of(event_type.unwrap_or_default(), &arguments.fields, global.now_us())?,
    };
    let event = match event {
        Ok(event) => event,
        Err(error) => bail!("the event was not recorded: {}", rejection(&error)),
    };
    let store = global.open_to_write()?;
    let mut batch = Batch::default();
    batch.push(1, event);
    let rejected = batch.commit(&store, &mut Output::stdout())?;
    store.close()?;
    match rejected.first() {
        Some((.., error)) => bail!("the event was not recorded: {}", rejection(error)),
        None => Ok(Outcome::Done),
    }
}

/// Records the events of stdin.
fn emit_lines(store: Store, input: impl io::Read) -> Result<Outcome> {
    let mut out = Output::stdout();
    let mut lines = LineReader::new(input);
    let mut batch = Batch::default();
    let mut rejected = Rejected::default();
    let mut reject = |line: u64, time_us: Option<i64>, reason: &str| {
        note(&format!("{STDIN}:{line}: {reason}"));
        rejected.add(line, time_us, reason);
    };
    loop {
        if !lines.has_line_ready() || batch.events.len() >= BATCH_EVENTS {
            for (line, time_us, error) in batch.commit(&store, &mut out)? {
                reject(line, Some(time_us), &rejection(&error));
            }
        }
        let Some(line) = lines.next_line()? else { break };
        match line.text {
            Ok(text) => match Event::from_json(text) {
                Ok(event) => batch.push(line.number, event),
                Err(error) => reject(line.number, time_in(text), &rejection(&error)),
            },
            Err(error) => reject(line.number, None, &error.to_string()),
        }
    }
    for (line, time_us, error) in batch.commit(&store, &mut out)? {
        reject(line, Some(time_us), &rejection(&error));
    }
    let loss = rejected.loss(Path::new(STDIN));
    if let Some(loss) = &loss {
        store.note_loss(loss)?;
    }
    store.close()?;
    Ok(if loss.is_none() { Outcome::Done } else { Outcome::Partial })
}

/// Events that are committed together, each with the number of its line.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Event>,
    lines: Vec<u64>,
}

impl Batch {
    fn push(&mut self, line: u64, event: Event) {
        self.events.push(event);
        self.lines.push(line);
    }

    /// Makes the events durable, then prints their ids. Answers which lines were rejected, their times, and why.
    fn commit(&mut self, store: &Store, out: &mut Output) -> Result<Vec<(u64, i64, EventError)>> {
        let mut rejected = Vec::new();
        if self.events.is_empty() {
            return Ok(rejected);
        }
        let answers = store.append(&self.events)?;
        store.flush()?;
        for ((&line, event), answer) in self.lines.iter().zip(&self.events).zip(answers) {
            match answer {
                Appended::Stored(id) | Appended::Duplicate(id) => writeln!(out, "{id}")?,
                Appended::Rejected(error) => rejected.push((line, event.timestamp_us(), error)),
            }
        }
        out.flush()?;
        *self = Self::default();
        Ok(rejected)
    }
}

/// The event of a type and `KEY=VALUE` arguments.
fn event_of(event_type: &str, arguments: &[String], now_us: i64) -> Result<Result<Event, EventError>> {
    let kind = KINDS.iter().find(|kind| kind.name == event_type);
    let mut fields = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match argument.split_once('=') {
            Some((name, value)) if !name.is_empty() => fields.push((name, value)),
            _ => bail!("`{argument}` is not a field; give KEY=VALUE"),
        }
    }
    if let Some(kind) = kind {
        // The order of the listed fields costs nothing to store; extras follow in the order given.
        let place = |name: &str| kind.fields.iter().position(|field| field.name == name).unwrap_or(usize::MAX);
        fields.sort_by_key(|(name, _)| place(name));
    }
    let now = timestamp::format(now_us);
    if !fields.iter().any(|(name, _)| *name == "timestamp") {
        fields.push(("timestamp", &now));
    }
    let mut json = format!("{{\"event_type\":{}", quoted(event_type));
    for (name, value) in fields {
        let value = if is_text(kind, name) { quoted(value) } else { scalar(value) };
        json.push_str(&format!(",{}:{value}", quoted(name)));
    }
    json.push('}');
    Ok(Event::from_json(&json))
}

/// Whether a field can only hold a string, so that `node_id=7` needs no quotes.
fn is_text(kind: Option<&Kind>, name: &str) -> bool {
    let listed = kind.and_then(|kind| kind.fields.iter().find(|field| field.name == name));
    name == "timestamp" || listed.is_some_and(|field| matches!(field.expected, "a string" | "an RFC 3339 time"))
}

/// The value as JSON text: as it stands if it is a JSON scalar, else as a string.
fn scalar(value: &str) -> String {
    let nested = value.trim_start().starts_with(['{', '[']);
    match serde_json::from_str::<&RawValue>(value) {
        Ok(raw) if !nested => raw.get().to_owned(),
        _ => quoted(value),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(event_type: &str, fields: &[&str]) -> String {
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        event_of(event_type, &fields, 0).expect("well-formed arguments").expect("an event").to_json()
    }

    #[test]
    fn values_are_json_scalars_where_they_parse() {
        assert_eq!(
            json_of("x", &["a=1.50", "b=true", "c=null", "d=\"7\"", "e=7 up", "f=[1]", "g=", "h=k=v", "i=tru"]),
            r#"{"event_type":"x","a":1.50,"b":true,"c":null,"d":"7","e":"7 up","f":"[1]","g":"","h":"k=v","i":"tru","timestamp":"1970-01-01T00:00:00.000000Z"}"#
        );
    }

    #[test]
    fn fields_of_a_typed_kind_find_their_place_and_type() {
        assert_eq!(
            json_of("node_crashed", &["note=x", "exit_code=137", "agent_id=1", "node_id=7"]),
            r#"{"event_type":"node_crashed","node_id":"7","agent_id":"1","exit_code":137,"note":"x","timestamp":"1970-01-01T00:00:00.000000Z"}"#
        );
    }

    #[test]
    fn a_time_that_is_given_is_kept() {
        assert_eq!(
            json_of("x", &["timestamp=2026-11-18T08:00:00+01:00"]),
            r#"{"event_type":"x","timestamp":"2026-11-18T08:00:00+01:00"}"#
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |event_type: &str, field: &str| event_of(event_type, &[field.to_owned()], 0);
        assert!(error("x", "novalue").is_err());
        assert!(error("x", "=value").is_err());
        let field_of = |result: Result<Result<Event, EventError>>| {
            result.expect("well-formed arguments").expect_err("not an event").field().map(str::to_owned)
        };
        assert_eq!(field_of(error("node_crashed", "agent_id=a")).as_deref(), Some("node_id"));
        assert_eq!(field_of(error("agent_heartbeat", "agent_id=")).as_deref(), Some("storage_node_count"));
        assert_eq!(field_of(error("Bad-Type", "a=1")).as_deref(), Some("event_type"));
        assert_eq!(field_of(error("x", "event_type=y")).as_deref(), Some("event_type"));
        assert_eq!(field_of(error("x", "timestamp=2h")).as_deref(), Some("timestamp"));
    }
}
