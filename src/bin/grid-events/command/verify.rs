//! `verify`: whether a data directory holds what was written, for a person at three in the morning.

mod findings;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use sutra_grid_events::event::{Value, timestamp};
use sutra_grid_events::forensics::{Head, Lost, Severity, Verification, VerifyOptions, verify};

use super::Outcome;
use crate::args::Global;
use crate::output::{JsonObject, Output, ReportFormat, format_time, json_list, printable, progress};

const AFTER_HELP: &str = "\
It reads files only: no lock is taken and nothing is written, so it may run beside a writer, on a read-only medium and
on a copy without kv/.

Exit codes: 0 nothing is wrong (there may be notices), 1 something is, 2 it is no store or cannot be read.";

/// Lines of findings, of losses and of what is known that are printed at most, each.
const LINES_MAX: usize = 40;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct VerifyArguments {
    /// Data directory to check [default: that of --dir]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Head that an earlier run printed and that was noted elsewhere: shows whether anything before it was changed
    #[arg(long, value_name = "HASH@NUMBER")]
    head: Option<Head>,
    /// Threads that check segments [default: one for each core]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
}

pub(crate) fn run(global: &Global, arguments: &VerifyArguments) -> Result<Outcome> {
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => global.directory()?,
    };
    let mut options = VerifyOptions::default();
    options.head = arguments.head;
    options.threads = arguments.threads.map(usize::from);
    let bar = progress::over_bytes(Some(0));
    let found = verify(&directory, &options, &|progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let found = found?;
    let mut out = Output::stdout();
    match arguments.format {
        ReportFormat::Json => {
            out.write_exact(&json_of(&found))?;
            writeln!(out)?;
        }
        ReportFormat::Table => {
            print_report(&directory.display().to_string(), options.head, &found, &mut out)?;
        }
    }
    out.flush()?;
    Ok(if found.is_ok() { Outcome::Done } else { Outcome::Partial })
}

fn print_report(directory: &str, head: Option<Head>, found: &Verification, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{} (epoch {:016x})", printable(directory), found.epoch)?;
    let numbers = match (found.first_sequence, found.last_sequence) {
        (Some(first), Some(last)) => format!(", {}", numbers_of(first, last)),
        _ => String::new(),
    };
    writeln!(out, "{}{numbers}", counted(found.events, "event"))?;
    let (segments, logs) = (counted(found.segments, "segment"), counted(found.logs, "log"));
    writeln!(out, "{segments} and {logs}, {}", HumanBytes(found.file_bytes))?;
    write_some(out, findings::lines(&found.findings).into_iter())?;
    write_some(out, found.lost.iter().map(|lost| format!("lost: {}", words_of(lost))))?;
    write_some(out, found.notes.iter().map(|note| format!("known: {note}")))?;
    if let Some(head) = found.head {
        writeln!(out, "head: {head}")?;
    }
    match (found.head_matches, head) {
        (Some(true), Some(head)) => writeln!(out, "The head that was given is in the chain: {}", behind(head, found))?,
        (None, _) if found.head.is_some() => {
            writeln!(out, "Note the head elsewhere: with --head it shows later that nobody wrote the record anew.")?
        }
        _ => {}
    }
    let of = |severity: Severity| found.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if errors + warnings == 0 {
        writeln!(out, "OK")?;
        return Ok(());
    }
    writeln!(out, "{}, {}; {}", counted(errors, "error"), counted(warnings, "warning"), loss_of(found, errors))?;
    writeln!(
        out,
        "next: keep this directory as it is (stop its writer, or work on a copy); `grid-events salvage {} --output NEW` \
         makes a whole store of all that can be read; what is lost here may be in a backup.",
        printable(directory)
    )?;
    Ok(())
}

/// What all of it means for the events, in a few words.
fn loss_of(found: &Verification, errors: u64) -> String {
    let lost: u64 = found.lost.iter().filter_map(|lost| lost.events).sum();
    match (lost, errors) {
        (0, 0) => "no event is known to be lost".to_owned(),
        (0, _) => "how many events are concerned is not known".to_owned(),
        (lost, _) => format!("{} lost", counted(lost, "event")),
    }
}

/// Writes the first of some lines, and how many more there are.
fn write_some(out: &mut impl Write, lines: impl ExactSizeIterator<Item = String>) -> Result<()> {
    let more = lines.len().saturating_sub(LINES_MAX);
    for line in lines.take(LINES_MAX) {
        writeln!(out, "{}", printable(&line))?;
    }
    if more > 0 {
        writeln!(out, "and {more} more; --format json lists all")?;
    }
    Ok(())
}

/// What it proves that the head that was given is in the chain.
fn behind(head: Head, found: &Verification) -> String {
    let is_before = |lost: &&Lost| lost.first_sequence.is_none_or(|first| first <= head.sequence);
    let lost: Vec<_> = found.lost.iter().filter(is_before).map(|lost| lost.events).collect();
    let events: Option<u64> = lost.iter().copied().sum();
    let there = "what is there before it was not changed";
    if !lost.is_empty() {
        return match events {
            Some(1) => format!("{there}; 1 event before it is missing."),
            Some(events) => format!("{there}; {events} events before it are missing."),
            None => format!("{there}; events before it are missing."),
        };
    }
    if found.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return "but for what the errors say, nothing before it was changed.".to_owned();
    }
    match found.notes.is_empty() {
        true => "nothing before it was changed.".to_owned(),
        false => format!("{there}."),
    }
}

/// A number of things, in words.
fn counted(count: u64, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}

fn numbers_of(first: u64, last: u64) -> String {
    if first == last { format!("number {first}") } else { format!("numbers {first} to {last}") }
}

fn words_of(lost: &Lost) -> String {
    let mut words = match lost.events {
        Some(events) => counted(events, "event"),
        None => "an unknown number of events".to_owned(),
    };
    if let (Some(first), Some(last)) = (lost.first_sequence, lost.last_sequence) {
        let within = if first == last { "" } else { "within " };
        words = format!("{words}, {within}{}", numbers_of(first, last));
    }
    let times = (lost.first_us.map(format_time), lost.last_us.map(format_time));
    match times {
        (Some(first), Some(last)) => format!("{words}, between {first} and {last}"),
        (Some(first), None) => format!("{words}, after {first}"),
        (None, Some(last)) => format!("{words}, before {last}"),
        (None, None) => words,
    }
}

fn json_of(found: &Verification) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    let number = |number: Option<u64>| Value::from(number);
    let time = |us: Option<i64>| Value::from(us.map(timestamp::format));
    let findings = found.findings.iter().map(|finding| {
        JsonObject::default()
            .field("severity", finding.severity.to_string())
            .field("file", finding.file.to_string_lossy().into_owned())
            .field("place", &*finding.place)
            .field("what", &*finding.what)
            .finish()
    });
    let lost = found.lost.iter().map(|lost| {
        JsonObject::default()
            .field("events", number(lost.events))
            .field("first_sequence", number(lost.first_sequence))
            .field("last_sequence", number(lost.last_sequence))
            .field("first", time(lost.first_us))
            .field("last", time(lost.last_us))
            .finish()
    });
    JsonObject::default()
        .field("ok", found.is_ok())
        .field("epoch", format!("{:016x}", found.epoch))
        .field("segments", found.segments)
        .field("logs", found.logs)
        .field("events", found.events)
        .field("raw_bytes", found.raw_bytes)
        .field("file_bytes", found.file_bytes)
        .field("first_sequence", number(found.first_sequence))
        .field("last_sequence", number(found.last_sequence))
        .field("head", Value::from(found.head.map(|head| head.to_string())))
        .field("head_matches", found.head_matches.map_or(Value::Null, Value::from))
        .raw("findings", &list(findings.collect()))
        .raw("lost", &list(lost.collect()))
        .raw("known", &json_list(&found.notes))
        .finish()
}

#[cfg(test)]
mod tests {
    use sutra_grid_events::forensics::Finding;

    use super::*;

    fn report(head: Option<Head>, found: &Verification) -> String {
        let mut out = Vec::new();
        print_report("store", head, found, &mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_head_proves_what_is_there() {
        let mut found = example();
        let head = found.head;
        found.head_matches = Some(true);
        let text = report(head, &found);
        assert!(text.contains("what is there before it was not changed; 2 events before it are missing."), "{text}");
        found.lost[0].first_sequence = Some(6);
        assert!(report(head, &found).contains("but for what the errors say, nothing before it was changed."));
        (found.findings, found.lost, found.notes) = Default::default();
        assert!(report(head, &found).contains("in the chain: nothing before it was changed."));
    }

    #[test]
    fn one_is_no_plural_and_the_head_is_noted_where_there_is_one() {
        let mut found = Verification::default();
        (found.segments, found.logs, found.events) = (1, 1, 1);
        (found.first_sequence, found.last_sequence) = (Some(22), Some(22));
        let text = report(None, &found);
        assert!(text.contains("\n1 event, number 22\n1 segment and 1 log, 0 B\nOK\n"), "{text}");
    }

    #[test]
    fn many_lines_are_cut_short() {
        let mut found = example();
        let finding = found.findings.remove(0);
        found.findings = (0..100).map(|at| Finding { file: format!("{at}").into(), ..finding.clone() }).collect();
        let text = report(None, &found);
        assert_eq!(text.lines().filter(|line| line.starts_with("error")).count(), LINES_MAX);
        assert!(text.contains("\nand 60 more; --format json lists all\n"), "{text}");
    }

    fn example() -> Verification {
        let mut found = Verification::default();
        (found.epoch, found.segments, found.logs, found.events) = (255, 1, 1, 3);
        (found.raw_bytes, found.file_bytes) = (300, 200);
        (found.first_sequence, found.last_sequence) = (Some(1), Some(5));
        found.head = Some(Head { chain: [0xab; 32], sequence: 5 });
        found.findings.push(Finding {
            severity: Severity::Error,
            file: "segments/\u{1b}x".into(),
            place: "block 2".into(),
            what: "gone.".into(),
        });
        found.lost.push(Lost {
            first_sequence: Some(2),
            last_sequence: Some(3),
            first_us: Some(0),
            last_us: None,
            events: Some(2),
        });
        found.notes.push("a loss".into());
        found
    }

    #[test]
    fn the_json_has_a_fixed_form() {
        let expected = concat!(
            r#"{"ok":false,"epoch":"00000000000000ff","segments":1,"logs":1,"events":3,"raw_bytes":300,"file_bytes":200,"#,
            r#""first_sequence":1,"last_sequence":5,"head":"HEAD@5","head_matches":null,"findings":[{"severity":"error","#,
            r#""file":"segments/\u001bx","place":"block 2","what":"gone."}],"lost":[{"events":2,"first_sequence":2,"#,
            r#""last_sequence":3,"first":"1970-01-01T00:00:00.000000Z","last":null}],"known":["a loss"]}"#
        );
        assert_eq!(json_of(&example()), expected.replace("HEAD", &"ab".repeat(32)));
    }

    #[test]
    fn the_report_says_what_is_wrong_and_lost_and_steers_no_terminal() {
        let mut out = Vec::new();
        print_report("store", None, &example(), &mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("error: segments/\\u{1b}x, block 2: gone.\n"), "{text}");
        assert!(text.contains("lost: 2 events, within numbers 2 to 3, after 1970-01-01T00:00:00Z\n"), "{text}");
        assert!(text.contains("\n1 error, 0 warnings; 2 events lost\n"), "{text}");
        assert!(text.contains("next: ") && text.contains("`grid-events salvage store --output NEW`"), "{text}");
    }
}
