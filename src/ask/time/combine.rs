//! Puts together what was said of time in different places ("yesterday … between 14:00 and 16:00"), and checks
//! that it can be answered.

use std::ops::Range;

use chrono::NaiveDate;

use super::calendar::{Base, Calendar, Point, Span, Towards};
use super::grammar::{Ends, Item, Shape};
use super::literal::Clock;
use super::words::Unit;
use super::{FoundKind, FoundRange};
use crate::query::TimeRange;

/// How far "around" a time of day reaches to both sides.
const AROUND_US: i64 = 30 * 60 * 1_000_000;

/// How far the end of a range is looked for in the future: half a year, in µs.
const FAR_US: i64 = 183 * 86_400 * 1_000_000;

/// How many times a question may name: days and times of day are combined each with each.
const MOST_ITEMS: usize = 16;

/// A range before it is put together with others.
#[derive(Debug, Clone)]
struct Piece {
    range: TimeRange,
    at: Option<i64>,
    words: Range<usize>,
}

impl Piece {
    fn is_open(&self) -> bool {
        self.range.since_us.is_none() || self.range.until_us.is_none()
    }
}

/// The ranges that the items of a question mean together.
pub(super) fn ranges(items: &[Item], calendar: &Calendar<'_>) -> Result<Vec<FoundRange>, String> {
    if items.len() > MOST_ITEMS {
        return Err(format!("more than {MOST_ITEMS} times in one question are too many"));
    }
    let items = share_clock(items);
    let days: Vec<(&Item, &Point)> = items.iter().filter_map(|item| day(item).map(|point| (item, point))).collect();
    let (times, others): (Vec<&Item>, Vec<&Item>) =
        items.iter().filter(|item| day(item).is_none()).partition(|item| is_time_of_day(&item.shape));
    let mut pieces = Vec::new();
    for item in others {
        pieces.push(piece(item, None, calendar)?);
    }
    if days.is_empty() {
        for item in times {
            pieces.push(piece(item, None, calendar)?);
        }
    } else {
        for (item, point) in days {
            if times.is_empty() {
                pieces.push(piece(item, None, calendar)?);
                continue;
            }
            let date = calendar.date_of(point)?;
            let whole = calendar.on(date, point);
            let mut on_day = Vec::new();
            for time in &times {
                let mut found = piece(time, Some((date, point)), calendar)?;
                if found.is_open() {
                    found.range.since_us = found.range.since_us.or(Some(whole.since));
                    found.range.until_us = found.range.until_us.or(Some(whole.until));
                }
                found.words = joined(&item.words, &found.words);
                on_day.push(found);
            }
            pieces.extend(on_day);
        }
    }
    let pieces = intersect(pieces);
    pieces.into_iter().map(|piece| finish(piece, calendar)).collect()
}

/// "today and yesterday at 03:10": one time of day is meant on all days, wherever it stands.
fn share_clock(items: &[Item]) -> Vec<Item> {
    let mut items = items.to_vec();
    let clocks = items.iter().filter_map(|item| match item.shape {
        Shape::Whole(Point { clock: Some(clock), base, .. }) if !matches!(base, Base::None | Base::Fixed(_)) => {
            Some(clock)
        }
        _ => None,
    });
    let clocks: Vec<Clock> = clocks.collect();
    let [clock] = clocks[..] else { return items };
    for item in &mut items {
        if let Shape::Whole(point) = &mut item.shape
            && point.is_day()
        {
            point.clock = Some(clock);
        }
    }
    items
}

fn day(item: &Item) -> Option<&Point> {
    match &item.shape {
        Shape::Whole(point) if point.is_day() => Some(point),
        _ => None,
    }
}

fn is_time_of_day(shape: &Shape) -> bool {
    match shape {
        Shape::Whole(point)
        | Shape::Around(point)
        | Shape::Since(point)
        | Shape::After(point)
        | Shape::Before(point)
        | Shape::Until(point) => point.is_time_of_day(),
        Shape::Between(ends) => ends.from.is_time_of_day() && ends.to.is_time_of_day(),
    }
}

/// Both ranges of words as one where they touch, else the second.
fn joined(first: &Range<usize>, second: &Range<usize>) -> Range<usize> {
    if first.end == second.start || second.end == first.start {
        first.start.min(second.start)..first.end.max(second.end)
    } else {
        second.clone()
    }
}

/// What an item means, on a day where it lacks one and one was said elsewhere.
fn piece(item: &Item, day: Option<(NaiveDate, &Point)>, calendar: &Calendar<'_>) -> Result<Piece, String> {
    let resolve = |point: &Point| match day {
        // With the part of the day, so that 02:00 of a night falls on the right date.
        Some((date, day)) if !point.utc => Ok(calendar.on(date, &Point { part: point.part.or(day.part), ..*point })),
        Some((date, _)) => {
            calendar.resolve(&Point { base: Base::Date(date), ..*point }, Towards::Past(calendar.now_us))
        }
        None => calendar.resolve(point, Towards::Past(calendar.now_us)),
    };
    let closed = |since, until, at| Piece {
        range: TimeRange { since_us: Some(since), until_us: Some(until) },
        at,
        words: item.words.clone(),
    };
    let open =
        |since_us, until_us| Piece { range: TimeRange { since_us, until_us }, at: None, words: item.words.clone() };
    Ok(match &item.shape {
        Shape::Whole(point) => {
            let span = resolve(point)?;
            closed(span.since, span.until, span.at)
        }
        Shape::Around(point) => {
            let span = around(resolve(point)?, point);
            closed(span.since, span.until, span.at)
        }
        Shape::Since(point) => open(Some(start(&resolve(point)?)), None),
        Shape::After(point) => open(Some(end(&resolve(point)?)), None),
        Shape::Before(point) => open(None, Some(start(&resolve(point)?))),
        Shape::Until(point) => open(None, Some(end(&resolve(point)?))),
        Shape::Between(ends) => {
            let (from, to) = match day {
                Some(_) => {
                    let from = resolve(&ends.from)?;
                    (from, calendar.resolve(&ends.to, Towards::Future(from.since))?)
                }
                None => both(ends, calendar)?,
            };
            let since = if ends.after { end(&from) } else { start(&from) };
            let until = if ends.before { start(&to) } else { end(&to) };
            closed(since, until, None)
        }
    })
}

/// Where a time begins as an end of a range.
fn start(span: &Span) -> i64 {
    span.at.unwrap_or(span.since)
}

/// Where a time ends as an end of a range: an instant where it is, a day after its last hour.
fn end(span: &Span) -> i64 {
    span.at.unwrap_or(span.until)
}

fn around(span: Span, point: &Point) -> Span {
    match span.at {
        // "about an hour ago" has its tolerance already.
        Some(at) if at == span.since => Span::around(at, AROUND_US),
        Some(_) => span,
        None if point.is_day() && point.part.is_none() => Span {
            since: span.since.saturating_sub(Unit::Day.micros()),
            until: span.until.saturating_add(Unit::Day.micros()),
            at: None,
        },
        None => span,
    }
}

/// Both ends of a range; where one says no date or year, it is the nearest that fits the other.
fn both(ends: &Ends, calendar: &Calendar<'_>) -> Result<(Span, Span), String> {
    let past = Towards::Past(calendar.now_us);
    let Ends { from, mut to, .. } = *ends;
    if from == to && from.is_day() {
        let span = calendar.resolve(&from, past)?;
        return Ok((span, span));
    }
    if from.is_time_of_day() && to.clock == Some(Clock::MIDNIGHT) && !to.is_time_of_day() {
        // "between noon and midnight yesterday" ends with that day.
        to.clock = Some(Clock { seconds: 86_400, ..Clock::MIDNIGHT });
    }
    if !to.recurs() || (from.is_time_of_day() && !to.is_time_of_day()) {
        let last = calendar.resolve(&to, past)?;
        // A time of day before a date ("from 22:00 to 02:00 on Nov 18") is the last one before the end.
        let towards = Towards::Past(start(&last).saturating_sub(1).min(calendar.now_us));
        return Ok((calendar.resolve(&from, towards)?, last));
    }
    let first = calendar.resolve(&from, past)?;
    let of_today = to.is_time_of_day() && first.at.is_none();
    let towards = if of_today { past } else { Towards::Future(first.since) };
    let last = calendar.resolve(&to, towards)?;
    // "After Nov 20 and before Nov 18" does not mean the Nov 18 of next year.
    if to.is_day() && last.since > calendar.now_us && last.since.saturating_sub(first.since) > FAR_US {
        return Err("the range ends before it begins".to_owned());
    }
    Ok((first, last))
}

/// Ranges open on one side limit the others; several closed ones stand for themselves.
fn intersect(pieces: Vec<Piece>) -> Vec<Piece> {
    let (open, closed): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(Piece::is_open);
    let limit = |mut piece: Piece, by: &Piece| {
        piece.range.since_us = piece.range.since_us.max(by.range.since_us);
        piece.range.until_us = match (piece.range.until_us, by.range.until_us) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        piece.words = joined(&by.words, &piece.words);
        piece
    };
    if closed.is_empty() {
        let mut rest = open.into_iter();
        return rest.next().map(|first| rest.fold(first, |piece, by| limit(piece, &by))).into_iter().collect();
    }
    let mut closed: Vec<Piece> = closed.into_iter().map(|piece| open.iter().fold(piece, limit)).collect();
    closed.sort_by_key(|piece| piece.words.start);
    closed
}

/// Checks a range and says it in words.
fn finish(piece: Piece, calendar: &Calendar<'_>) -> Result<FoundRange, String> {
    let zone = calendar.zone;
    let say = |at_us| zone.format(at_us);
    let Piece { range, at, words } = piece;
    if let Some(since) = at.or(range.since_us)
        && since > calendar.now_us
    {
        return Err(format!("{} is in the future, and only what has happened is recorded", say(since)));
    }
    if range.is_empty() {
        return Err(match (range.since_us, range.until_us) {
            (Some(since), Some(until)) => {
                format!("the range ends before it begins: from {} up to {}", say(since), say(until))
            }
            _ => "no time is in that range".to_owned(),
        });
    }
    let phrase = match (range.since_us, range.until_us) {
        (Some(since), Some(until)) => match at {
            Some(at) if at == since => format!("at {} (up to {})", say(at), say(until)),
            Some(at) => format!("around {} (from {} up to {})", say(at), say(since), say(until)),
            None => format!("from {} up to {}", say(since), say(until)),
        },
        (Some(since), None) => format!("since {}", say(since)),
        (None, Some(until)) => format!("before {}", say(until)),
        (None, None) => "at any time".to_owned(),
    };
    let kind = if at.is_some() { FoundKind::Instant } else { FoundKind::Range };
    Ok(FoundRange { range, kind, at_us: at, words, phrase })
}
