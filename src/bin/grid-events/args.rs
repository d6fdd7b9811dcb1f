//! What can be asked on the command line: global arguments and the groups that commands share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use chrono::Utc;
use clap::{Args, Parser};
use sutra_grid_events::Store;
use sutra_grid_events::emitter::{ENDPOINT_VARIABLE, Endpoint};
use sutra_grid_events::query::{Bucket, Filter, GroupKey, PageCursor, TimeRange};

use crate::command::Command;
use crate::time::{TimePoint, parse_now};

/// The data directory where nothing names another.
const STORAGE_DEFAULT: &str = "./grid-events";

const AFTER_HELP: &str = "\
Times: 2026-11-18T08:00:00Z, 2026-11-18 (its start in UTC), 45s, 30m, 2h, 3d, 1w (ago), now, today, yesterday.
Tests: FIELD=VALUE, FIELD!=VALUE, FIELD<VALUE, FIELD>VALUE, FIELD~TEXT (contains, in any case).

Exit codes: 0 found or done, 1 nothing found, some input rejected or some of the store unreadable, 2 error.

Examples:
  grid-events import events.jsonl
  grid-events query --type spawn_failed --since 1h --where 'error~port'
  grid-events count --type node_crashed --by agent
  grid-events history node-abc";

/// Record, import, query and export the events of a grid.
#[derive(Debug, Parser)]
#[command(name = "grid-events", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Arguments of every command, accepted before and after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Data directory of the store [default: $EVENT_STORAGE, else ./grid-events]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Reference for relative times such as `2h` [default: the clock]
    #[arg(long, global = true, value_name = "RFC3339", value_parser = parse_now)]
    now: Option<i64>,
    /// Refuse every command that would write to a store, other than to a new copy of one
    #[arg(long, global = true)]
    read_only: bool,
}

impl Global {
    /// Refuses a command that writes to a store, if nothing may be written.
    pub(crate) fn check_may_write(&self, command: &str) -> Result<()> {
        if self.read_only {
            bail!("`{command}` writes to a store, which --read-only forbids; leave --read-only out to let it");
        }
        Ok(())
    }

    /// The data directory of the store.
    pub(crate) fn directory(&self) -> Result<PathBuf> {
        if let Some(directory) = self.explicit_directory()? {
            return Ok(directory);
        }
        match std::env::var_os(ENDPOINT_VARIABLE) {
            Some(endpoint) if !endpoint.is_empty() => directory_of(Path::new(&endpoint), ENDPOINT_VARIABLE),
            _ => Ok(PathBuf::from(STORAGE_DEFAULT)),
        }
    }

    /// The data directory, if `--dir` names one.
    pub(crate) fn explicit_directory(&self) -> Result<Option<PathBuf>> {
        self.dir.as_deref().map(|directory| directory_of(directory, "--dir")).transpose()
    }

    /// The reference for relative times, in µs since 1970.
    pub(crate) fn now_us(&self) -> i64 {
        self.now.unwrap_or_else(|| Utc::now().timestamp_micros())
    }

    /// The store, open for reading: it takes no lock and works beside a writer.
    pub(crate) fn open_to_read(&self) -> Result<Store> {
        Ok(Store::open_read_only(self.directory()?)?)
    }

    /// The store, open for writing; created where there is none.
    pub(crate) fn open_to_write(&self) -> Result<Store> {
        self.check_may_write("this command")?;
        Ok(Store::open(self.directory()?)?)
    }
}

/// The data directory that `--dir` or `EVENT_STORAGE` names: a path, or `embedded:PATH`. A remote store is refused, as
/// a command would otherwise work on a new directory of that name.
fn directory_of(endpoint: &Path, named_by: &str) -> Result<PathBuf> {
    // What is not Unicode can only be a path.
    let Some(text) = endpoint.to_str() else { return Ok(endpoint.to_owned()) };
    let endpoint: Endpoint =
        text.parse().with_context(|| format!("{named_by} names no store; use --dir with a directory"))?;
    endpoint.path().map(Path::to_owned).with_context(|| {
        format!("{named_by} is the remote store {text}, and commands work on directories; use --dir with a path or embedded:PATH")
    })
}

/// The time that events must lie in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Range {
    /// Only events of this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<TimePoint>,
    /// Only events before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimePoint>,
}

impl Range {
    /// The range `[since, until)`.
    pub(crate) fn resolve(&self, now_us: i64) -> Result<TimeRange> {
        let range = TimeRange {
            since_us: self.since.map(|point| point.resolve(now_us)),
            until_us: self.until.map(|point| point.resolve(now_us)),
        };
        if range.is_empty() {
            bail!("no time lies from --since up to --until; give an --until that is later (`2h` is before `1h`)");
        }
        Ok(range)
    }
}

/// Which events.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct Selection {
    /// Only events of this type, or of one of several
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Only events that name this entity, or one of several, under any field
    #[arg(long = "entity", value_name = "NAME")]
    entities: Vec<String>,
    /// Only events that pass this test, such as 'error~port' or 'memory_limit_mb>1000', and every further one
    #[arg(long = "where", value_name = "TEST", value_parser = parse_test)]
    tests: Vec<Filter>,
    #[command(flatten)]
    range: Range,
}

impl Selection {
    /// The set of events: values of one argument are alternatives, the arguments must all hold.
    pub(crate) fn filter(&self, now_us: i64) -> Result<Filter> {
        let mut parts = Vec::new();
        parts.extend(any_of(self.types.iter().map(|name| Filter::Type(name.clone()))));
        parts.extend(any_of(self.entities.iter().map(|value| Filter::Entity { field: None, value: value.clone() })));
        parts.extend(self.tests.iter().cloned());
        let range = self.range.resolve(now_us)?;
        if range != TimeRange::default() {
            parts.push(Filter::Time(range));
        }
        Ok(match parts.len() {
            0 => Filter::All,
            1 => parts.remove(0),
            _ => Filter::And(parts),
        })
    }
}

/// The union of some sets, or nothing if there are none.
fn any_of(filters: impl Iterator<Item = Filter>) -> Option<Filter> {
    let mut filters: Vec<Filter> = filters.collect();
    if filters.len() > 1 { Some(Filter::Or(filters)) } else { filters.pop() }
}

fn parse_test(text: &str) -> Result<Filter, String> {
    Filter::parse_predicate(text).map_err(|error| error.to_string())
}

/// What events are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Their type.
    Type,
    /// The value of a field.
    Field(String),
    /// A span of time.
    Time(Bucket),
}

impl Key {
    /// The key of a query; spans of time begin at this offset from UTC.
    pub(crate) fn resolve(&self, offset_seconds: i32) -> GroupKey {
        match self {
            Key::Type => GroupKey::Type,
            Key::Field(name) => GroupKey::Field(name.clone()),
            Key::Time(bucket) => GroupKey::Time { bucket: *bucket, offset_seconds },
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" => return Err("give type, a field, minute, hour, day, agent or node".to_owned()),
            "type" | "event_type" => Key::Type,
            "agent" => Key::Field("agent_id".to_owned()),
            "node" => Key::Field("node_id".to_owned()),
            "minute" => Key::Time(Bucket::Minute),
            "hour" => Key::Time(Bucket::Hour),
            "day" => Key::Time(Bucket::Day),
            field => Key::Field(field.to_owned()),
        })
    }
}

/// Where a page of a result ended, as `<µs>:<sequence>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) PageCursor);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.timestamp_us, self.0.sequence)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor = || {
            let (timestamp_us, sequence) = text.split_once(':')?;
            Some(Cursor(PageCursor { timestamp_us: timestamp_us.parse().ok()?, sequence: sequence.parse().ok()? }))
        };
        cursor().ok_or_else(|| "not a cursor; give the one that the page before ended with".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn selection(arguments: &[&str]) -> Selection {
        let line = ["grid-events", "query"].iter().chain(arguments);
        match Arguments::try_parse_from(line).expect("legal arguments").command {
            Command::Query(query) => query.selection,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_arguments_stand_before_or_after_the_command() {
        for line in [["grid-events", "--dir", "d", "stats"], ["grid-events", "stats", "--dir", "d"]] {
            let arguments = Arguments::try_parse_from(line).expect("legal arguments");
            assert_eq!(arguments.global.directory().expect("given"), Path::new("d"));
        }
        for line in [["grid-events", "--read-only", "emit"], ["grid-events", "emit", "--read-only"]] {
            let arguments = Arguments::try_parse_from(line.iter().chain(&["x"])).expect("legal arguments");
            assert!(arguments.global.check_may_write("emit").is_err());
        }
        let arguments = Arguments::try_parse_from(["grid-events", "stats", "--now", "1970-01-01T00:00:01Z"]);
        assert_eq!(arguments.expect("legal arguments").global.now_us(), 1_000_000);
    }

    #[test]
    fn the_variable_names_a_path_or_an_embedded_store() {
        for (endpoint, path) in [
            ("/var/x", "/var/x"),
            ("embedded:/var/x", "/var/x"),
            ("embedded:x", "x"),
            ("./a:b", "./a:b"),
            ("C:\\x", "C:\\x"),
        ] {
            assert_eq!(directory_of(Path::new(endpoint), "--dir").expect(endpoint), Path::new(path));
        }
        for endpoint in ["http://host:1", "localhost:50052", "127.0.0.1:50052", "tcp://h:1", "embedded:"] {
            let error = directory_of(Path::new(endpoint), ENDPOINT_VARIABLE).expect_err(endpoint);
            assert!(format!("{error:#}").contains("embedded:PATH"), "{error:#}");
        }
    }

    #[test]
    fn values_of_one_argument_are_alternatives_and_arguments_must_all_hold() {
        assert_eq!(selection(&[]).filter(0).expect("a range"), Filter::All);
        assert_eq!(selection(&["--type", "a"]).filter(0).expect("a range"), Filter::Type("a".into()));
        let entity = |value: &str| Filter::Entity { field: None, value: value.to_owned() };
        assert_eq!(
            selection(&["--type", "a,b", "--entity", "x", "--entity", "y,z", "--since", "1s"])
                .filter(3_000_000)
                .expect("a range"),
            Filter::And(vec![
                Filter::Or(vec![Filter::Type("a".into()), Filter::Type("b".into())]),
                Filter::Or(vec![entity("x"), entity("y,z")]),
                Filter::Time(TimeRange { since_us: Some(2_000_000), until_us: None }),
            ])
        );
    }

    #[test]
    fn keys_have_short_names() {
        for (text, key) in [
            ("type", Key::Type),
            ("agent", Key::Field("agent_id".into())),
            ("node", Key::Field("node_id".into())),
            ("platform", Key::Field("platform".into())),
            ("day", Key::Time(Bucket::Day)),
        ] {
            assert_eq!(text.parse(), Ok(key));
        }
        let hour = GroupKey::Time { bucket: Bucket::Hour, offset_seconds: 3_600 };
        assert_eq!(Key::Time(Bucket::Hour).resolve(3_600), hour);
    }

    #[test]
    fn a_cursor_reads_as_it_prints() {
        let cursor = Cursor(PageCursor { timestamp_us: -5, sequence: 7 });
        assert_eq!(cursor.to_string(), "-5:7");
        assert_eq!("-5:7".parse(), Ok(cursor));
        for text in ["", "5", "5:", ":5", "5:-1", "a:b"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
