//! Numbers: functions of a field, rates, frequencies, durations.

use std::ops::ControlFlow;

use super::duration::{self, Matching, Span, seconds};
use super::run::Runner;
use super::{Given, NumberFound};
use crate::ask::filters::{without_time, without_types};
use crate::ask::question::{Function, ValueOf};
use crate::error::StoreError;
use crate::event::{ConceptId, ValueRef};
use crate::query::{Filter, Query, TimeRange};

/// Spans that are told one by one.
const SPANS_TOLD: usize = 5;

/// Fills in the number that was asked for.
pub(super) fn fill(runner: &Runner<'_>, given: &mut Given, value: &ValueOf) -> Result<(), StoreError> {
    given.value = Some(match value {
        ValueOf::Field { function, field } => of_field(runner, given, *function, field)?,
        ValueOf::Rate { attempts, outcomes } => rate(runner, given, attempts, outcomes)?,
        ValueOf::Frequency { unit_us } => frequency(runner, given, *unit_us)?,
        ValueOf::Duration { start_types, end_types, field, function } => {
            // What is down or offline is so until now, if it did not come back; of requests and crashes, the time to
            // an answer is asked, and there is none without one.
            let lasts = start_types.iter().any(|name| name.starts_with("agent_") || name.starts_with("cluster_"));
            let is_state = lasts || start_types.iter().any(|name| name == "node_crashed") && *function == Function::Sum;
            of_spans(runner, given, &Matching { start_types, end_types, field, is_state }, *function)?
        }
    });
    Ok(())
}

fn of_field(
    runner: &Runner<'_>,
    given: &mut Given,
    function: Function,
    field: &str,
) -> Result<NumberFound, StoreError> {
    let mut numbers = Vec::new();
    let mut extreme: Option<(f64, ConceptId)> = None;
    // Asking for the field too leaves out the types that cannot have it.
    let having = runner.filter.clone().and(Filter::field(field).exists());
    runner.snapshot.for_each_row(&Query::new(having), &mut |row| {
        let Some(number) = row.value(field).and_then(ValueRef::as_f64) else { return ControlFlow::Continue(()) };
        numbers.push(number);
        let is_further = |best: f64| match function {
            Function::Maximum => number > best,
            Function::Minimum => number < best,
            _ => false,
        };
        if extreme.as_ref().is_none_or(|(best, _)| is_further(*best)) {
            extreme = Some((number, row.id()));
        }
        ControlFlow::Continue(())
    })?;
    given.count = Some(numbers.len() as u64);
    let lacking = given.matched.saturating_sub(numbers.len() as u64);
    if lacking > 0 {
        given.notes.push(format!("{lacking} of these events have no number in {field} and are left out"));
    }
    if let (Function::Maximum | Function::Minimum, Some((_, id))) = (function, extreme) {
        given.shown.push(id);
    }
    Ok(NumberFound {
        number: compute(function, &mut numbers),
        unit: unit_of(field).to_owned(),
        field: Some(field.to_owned()),
        function: name_of(function),
    })
}

/// Outcomes over attempts. The events are the attempts.
fn rate(
    runner: &Runner<'_>,
    given: &mut Given,
    attempts: &Filter,
    outcomes: &Filter,
) -> Result<NumberFound, StoreError> {
    let all = runner.snapshot.count(attempts)?;
    // An outcome that is no attempt would make more than all of them.
    let found = runner.snapshot.count(&attempts.clone().and(outcomes.clone()))?;
    (given.matched, given.count) = (all, Some(found));
    runner.list_events(given, attempts, None, false)?;
    let number = (all > 0).then(|| as_float(found) / as_float(all));
    Ok(NumberFound { number, unit: "share".to_owned(), field: None, function: "rate".to_owned() })
}

/// Events per unit of the time asked about: from its beginning, or the first event, until its end, or now.
fn frequency(runner: &Runner<'_>, given: &mut Given, unit_us: i64) -> Result<NumberFound, StoreError> {
    let (range, now_us) = (given.question.range, runner.options.now_us);
    let first = || runner.snapshot.ids(&Query::new(runner.filter.clone()).limit(1));
    let since_us = match range.since_us {
        Some(since) => Some(since),
        None => first()?.first().map(ConceptId::timestamp_us),
    };
    let until_us = range.until_us.map_or(now_us, |until| until.min(now_us));
    let length_us = since_us.map_or(0, |since| until_us.saturating_sub(since));
    given.count = Some(given.matched);
    let number = (length_us > 0).then(|| as_float(given.matched) / (seconds(length_us) / seconds(unit_us.max(1))));
    let unit = match unit_us {
        1_000_000 => "per second".to_owned(),
        60_000_000 => "per minute".to_owned(),
        3_600_000_000 => "per hour".to_owned(),
        86_400_000_000 => "per day".to_owned(),
        604_800_000_000 => "per week".to_owned(),
        other => format!("per {} s", seconds(other)),
    };
    Ok(NumberFound { number, unit, field: None, function: "rate".to_owned() })
}

fn of_spans(
    runner: &Runner<'_>,
    given: &mut Given,
    matching: &Matching<'_>,
    function: Function,
) -> Result<NumberFound, StoreError> {
    let (range, now_us) = (given.question.range, runner.options.now_us);
    // A start in the range can have its end behind it, and a state that lasts in the range can have begun before.
    let clipped = matching.is_state && matches!(function, Function::Sum | Function::Duration);
    let since_us = if clipped { None } else { range.since_us };
    let about = without_types(&without_time(runner.filter)).and(Filter::between(since_us, now_us.saturating_add(1)));
    let mut spans = duration::spans(runner.snapshot, &about, matching)?;
    let within = |span: &Span| {
        if clipped { span.overlaps(range) } else { range.contains(span.start.event.timestamp_us()) }
    };
    spans.retain(within);
    let counted_in = if clipped { range } else { TimeRange::default() };
    // What lasts still counts until now; a request without an answer took no time that is known.
    let counts = |span: &&Span| matching.is_state || span.end_us.is_some();
    let mut lengths: Vec<(f64, &Span)> =
        spans.iter().filter(counts).map(|span| (span.seconds_in(counted_in, now_us), span)).collect();
    let open = spans.iter().filter(|span| span.end_us.is_none()).count();
    if open > 0 {
        let what =
            if matching.is_state { "not ended yet and counted until now" } else { "without an end and left out" };
        given.notes.push(format!("{open} of {} {what}", spans.len()));
    }
    given.matched = spans.len() as u64;
    given.count = Some(given.matched);
    let mut numbers: Vec<f64> = lengths.iter().map(|(length, _)| *length).collect();
    match function {
        Function::Maximum => lengths.sort_by(|a, b| b.0.total_cmp(&a.0)),
        Function::Minimum => lengths.sort_by(|a, b| a.0.total_cmp(&b.0)),
        _ => {}
    }
    let told = |(length, span): &(f64, &Span)| {
        let open = if span.end_us.is_none() { ", not ended" } else { "" };
        let start = runner.options.zone.format(span.start.event.timestamp_us());
        format!("{} from {start}: {}{open}", span.entity, super::text::length(*length))
    };
    given.lines.extend(lengths.iter().take(SPANS_TOLD).map(told));
    if matches!(function, Function::Maximum | Function::Minimum) {
        given.events = lengths.iter().take(1).map(|(_, span)| span.start.id.to_string()).collect();
        given.entities = lengths.iter().take(1).map(|(_, span)| span.entity.clone()).collect();
    } else {
        given.events = spans.iter().take(runner.limit).map(|span| span.start.id.to_string()).collect();
        given.entities = spans.iter().map(|span| span.entity.clone()).collect();
        given.entities.sort();
        given.entities.dedup();
    }
    Ok(NumberFound {
        number: compute(function, &mut numbers),
        unit: "seconds".to_owned(),
        field: None,
        function: "duration".to_owned(),
    })
}

/// Both counts, their difference and their ratio.
pub(super) fn compare(runner: &Runner<'_>, given: &mut Given, sides: [&(String, Filter); 2]) -> Result<(), StoreError> {
    let mut counts = [0; 2];
    for (count, (name, filter)) in counts.iter_mut().zip(sides) {
        *count = runner.snapshot.count(filter)?;
        given.groups.push(super::GroupCount { key: name.clone(), count: *count });
    }
    // An event can be on both sides.
    let either = sides[0].1.clone().or(sides[1].1.clone());
    given.matched = runner.snapshot.count(&either)?;
    given.count = Some(given.matched);
    runner.list_events(given, &either, None, false)?;
    let [first, second] = counts;
    let number = as_float(first) - as_float(second);
    given.value = Some(NumberFound {
        number: Some(number),
        unit: "events".to_owned(),
        field: None,
        function: "difference".to_owned(),
    });
    let (more, less) = (first.max(second), first.min(second));
    given.lines.push(match (more - less, less) {
        (0, _) => "the same number on both sides".to_owned(),
        (difference, 0) => format!("{difference} more for {}", sides[usize::from(second > first)].0),
        (difference, less) => format!(
            "{difference} more for {}, {:.2} times as many",
            sides[usize::from(second > first)].0,
            as_float(more) / as_float(less)
        ),
    });
    given.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(())
}

#[allow(clippy::cast_precision_loss)] // Counts of events stay far below 2^53.
fn as_float(count: u64) -> f64 {
    count as f64
}

fn compute(function: Function, numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    match function {
        Function::Maximum => numbers.last().copied(),
        Function::Minimum => numbers.first().copied(),
        Function::Sum | Function::Duration => (!numbers.is_empty()).then_some(sum),
        Function::Percentile(percent) => nearest_rank(numbers, percent),
        Function::Average | Function::Rate => (!numbers.is_empty()).then(|| sum / as_float(numbers.len() as u64)),
    }
}

/// The smallest of sorted values that at least this share of all does not exceed.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A rank is within the number of values.
fn nearest_rank(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent / 100.0 * as_float(sorted.len() as u64)).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

fn name_of(function: Function) -> String {
    match function {
        Function::Average => "average".to_owned(),
        Function::Maximum => "max".to_owned(),
        Function::Minimum => "min".to_owned(),
        Function::Sum => "sum".to_owned(),
        Function::Percentile(percent) => format!("p{percent}"),
        Function::Rate => "rate".to_owned(),
        Function::Duration => "duration".to_owned(),
    }
}

/// The unit that the name of a field ends with.
fn unit_of(field: &str) -> &'static str {
    const UNITS: [(&str, &str); 14] = [
        ("_ms", "ms"),
        ("_us", "µs"),
        ("_ns", "ns"),
        ("_seconds", "seconds"),
        ("_secs", "seconds"),
        ("_minutes", "minutes"),
        ("_hours", "hours"),
        ("_bytes", "bytes"),
        ("_kb", "kB"),
        ("_mb", "MB"),
        ("_gb", "GB"),
        ("_percent", "%"),
        ("_pct", "%"),
        ("_rate", "share"),
    ];
    if field.starts_with("seconds_") {
        return "seconds";
    }
    UNITS.iter().find(|(ending, _)| field.ends_with(ending)).map_or("", |(_, unit)| unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_numbers() {
        let of = |function, numbers: &[f64]| compute(function, &mut numbers.to_vec());
        assert_eq!(of(Function::Average, &[1.0, 2.0, 6.0]), Some(3.0));
        assert_eq!(of(Function::Percentile(50.0), &[4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(of(Function::Percentile(95.0), &[1.0, 2.0]), Some(2.0));
        assert_eq!(of(Function::Percentile(0.0), &[1.0, 2.0]), Some(1.0));
        for function in [Function::Average, Function::Maximum, Function::Sum, Function::Percentile(99.0)] {
            assert_eq!(of(function, &[]), None);
        }
    }

    #[test]
    fn units_come_from_names() {
        for (field, unit) in [
            ("latency_ms", "ms"),
            ("downtime_seconds", "seconds"),
            ("seconds_since_heartbeat", "seconds"),
            ("port", ""),
        ] {
            assert_eq!(unit_of(field), unit);
        }
    }
}
