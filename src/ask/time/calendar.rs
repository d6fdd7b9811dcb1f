//! From times as they are said to instants: which Wednesday is meant, and where its day begins in the zone.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::literal::Clock;
use super::words::{Part, Unit};
use crate::ask::options::Zone;

/// A stretch of time in µs, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) since: i64,
    pub(super) until: i64,
    /// The instant that is meant, where it is one; the stretch is then how exactly it was said.
    pub(super) at: Option<i64>,
}

impl Span {
    /// An instant and the stretch of a length that it begins.
    pub(super) fn from(at: i64, length: i64) -> Self {
        Self { since: at, until: at.saturating_add(length), at: Some(at) }
    }

    /// An instant in the middle of a stretch.
    pub(super) fn around(at: i64, tolerance: i64) -> Self {
        Self { since: at.saturating_sub(tolerance), until: at.saturating_add(tolerance), at: Some(at) }
    }
}

/// Which day is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// None was said: the last one on which the time of day has come.
    None,
    Date(NaiveDate),
    Weekday(Weekday),
    MonthDay(u32, u32),
    DayOfMonth(u32),
    Month(u32),
    /// No day, but a stretch that is known already.
    Fixed(Span),
}

/// A time as it was said, before it is known which day it falls on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) base: Base,
    pub(super) part: Option<Part>,
    pub(super) clock: Option<Clock>,
    /// Whether UTC was said after it, whatever the zone.
    pub(super) utc: bool,
}

impl Point {
    pub(super) fn of(base: Base) -> Self {
        Self { base, part: None, clock: None, utc: false }
    }

    /// Whether it lacks a day.
    pub(super) fn is_time_of_day(&self) -> bool {
        self.base == Base::None
    }

    /// Whether it is a day to which a time of day can be added.
    pub(super) fn is_day(&self) -> bool {
        self.clock.is_none() && !matches!(self.base, Base::None | Base::Fixed(_) | Base::Month(_))
    }

    /// Whether it comes again, so that it takes its date from what is said beside it.
    pub(super) fn recurs(&self) -> bool {
        !matches!(self.base, Base::Date(_) | Base::Fixed(_))
    }
}

/// Towards which side of an instant a time that comes again is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Towards {
    /// The last that has begun by then.
    Past(i64),
    /// The first that begins after it.
    Future(i64),
}

/// Now, and the zone in which it is said.
pub(super) struct Calendar<'a> {
    pub(super) now_us: i64,
    pub(super) zone: &'a Zone,
    pub(super) today: NaiveDate,
}

/// Leap days come every eight years at the longest.
const MOST_YEARS: u32 = 8;

impl<'a> Calendar<'a> {
    pub(super) fn new(now_us: i64, zone: &'a Zone) -> Self {
        // The years 1 to 9999 in every zone.
        let now_us = now_us.clamp(-62_000_000_000_000_000, 253_000_000_000_000_000);
        Self { now_us, zone, today: zone.local(now_us).date() }
    }

    /// A date so many days away, or as far as dates go.
    pub(super) fn shift(date: NaiveDate, days: i64) -> NaiveDate {
        let distance = Days::new(days.unsigned_abs());
        let moved = if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) };
        moved.unwrap_or(date)
    }

    /// The instant of a time of day, whose hours may run on into the next day.
    pub(super) fn instant(&self, date: NaiveDate, seconds: u32) -> i64 {
        let date = Self::shift(date, (seconds / 86_400).into());
        let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds % 86_400, 0).unwrap_or(NaiveTime::MIN);
        self.zone.instant_us(NaiveDateTime::new(date, time))
    }

    /// Whole days, from a date up to before another.
    pub(super) fn days(&self, since: NaiveDate, until: NaiveDate) -> Span {
        Span { since: self.instant(since, 0), until: self.instant(until, 0), at: None }
    }

    /// The Monday of a date's ISO week.
    pub(super) fn monday(date: NaiveDate) -> NaiveDate {
        Self::shift(date, -i64::from(date.weekday().num_days_from_monday()))
    }

    /// The month that begins at a date.
    pub(super) fn month(&self, first: NaiveDate) -> Span {
        self.days(first, first.checked_add_months(Months::new(1)).unwrap_or(first))
    }

    /// The unit of the calendar that holds an instant.
    pub(super) fn unit(&self, unit: Unit, holds: i64) -> Span {
        let local = self.zone.local(holds);
        let date = local.date();
        match unit {
            Unit::Second | Unit::Minute | Unit::Hour => {
                // By the clock of the zone: offsets of half an hour shift the hours.
                let length = unit.micros();
                let since = holds - local.and_utc().timestamp_micros().rem_euclid(length);
                Span { since, until: since.saturating_add(length), at: None }
            }
            Unit::Day => self.days(date, Self::shift(date, 1)),
            Unit::Week => self.days(Self::monday(date), Self::shift(Self::monday(date), 7)),
            Unit::Month => self.month(date.with_day(1).unwrap_or(date)),
            Unit::Year => {
                let first = date.with_ordinal(1).unwrap_or(date);
                self.days(first, first.checked_add_months(Months::new(12)).unwrap_or(first))
            }
        }
    }

    /// The instant so many units before now; months and years by the calendar.
    pub(super) fn before_now(&self, count: f64, unit: Unit) -> Option<i64> {
        if matches!(unit, Unit::Month | Unit::Year) {
            let months = count * if unit == Unit::Year { 12.0 } else { 1.0 };
            // A fraction of a month has no meaning; the range is checked before the conversion, which is then exact.
            let whole = (months.fract() == 0.0 && (0.0..100_000.0).contains(&months)).then_some(months as u32)?;
            let local = self.zone.local(self.now_us).checked_sub_months(Months::new(whole))?;
            return (local.year() >= 1).then(|| self.zone.instant_us(local));
        }
        let micros = count * unit.micros() as f64;
        let earliest = -62_000_000_000_000_000;
        // Beyond 2^53 µs (285 years) the conversion would round, and nothing is recorded so far back.
        let moved = (0.0..9e15).contains(&micros).then_some(self.now_us - micros as i64)?;
        (moved >= earliest).then_some(moved)
    }

    /// What a point means, and the reason where there is no such time.
    pub(super) fn resolve(&self, point: &Point, towards: Towards) -> Result<Span, String> {
        if point.utc && *self.zone != Zone::default() {
            let zone = Zone::default();
            return Calendar::new(self.now_us, &zone).resolve(&Point { utc: false, ..*point }, towards);
        }
        match point.base {
            Base::Fixed(span) => Ok(span),
            Base::Date(date) => Ok(self.on(date, point)),
            Base::Month(month) => {
                let months = |date: NaiveDate| date.day() == 1 && date.month() == month;
                self.nearest(months, towards, |date| self.month(date))
            }
            Base::None => self.nearest(|_| true, towards, |date| self.on(date, point)),
            Base::Weekday(weekday) => {
                // Who means today says so, or says "this".
                let days = |date: NaiveDate| date.weekday() == weekday && !(is_past(towards) && date == self.today);
                self.nearest(days, towards, |date| self.on(date, point))
            }
            Base::MonthDay(month, day) => {
                let days = |date: NaiveDate| date.month() == month && date.day() == day;
                self.nearest(days, towards, |date| self.on(date, point))
            }
            Base::DayOfMonth(day) => self.nearest(|date| date.day() == day, towards, |date| self.on(date, point)),
        }
    }

    /// The date of a day that was said.
    pub(super) fn date_of(&self, point: &Point) -> Result<NaiveDate, String> {
        if let Base::Date(date) = point.base {
            return Ok(date);
        }
        let span = self.resolve(&Point { part: None, clock: None, ..*point }, Towards::Past(self.now_us))?;
        Ok(self.zone.local(span.since).date())
    }

    /// The time of day of a point on a date.
    pub(super) fn on(&self, date: NaiveDate, point: &Point) -> Span {
        match (point.clock, point.part) {
            (Some(clock), part) => {
                // The hours after midnight of a night belong to the next date.
                let after_midnight = part == Some(Part::Night) && clock.seconds < 12 * 3_600;
                let date = if after_midnight { Self::shift(date, 1) } else { date };
                Span::from(self.instant(date, clock.seconds), clock.precision.micros())
            }
            (None, Some(part)) => {
                let (since, until) = part.hours();
                Span { since: self.instant(date, since * 3_600), until: self.instant(date, until * 3_600), at: None }
            }
            (None, None) => self.days(date, Self::shift(date, 1)),
        }
    }

    /// The nearest date on one side whose span begins there.
    fn nearest(
        &self,
        accepts: impl Fn(NaiveDate) -> bool,
        towards: Towards,
        span: impl Fn(NaiveDate) -> Span,
    ) -> Result<Span, String> {
        let (anchor, step) = match towards {
            Towards::Past(anchor) => (anchor, -1),
            Towards::Future(anchor) => (anchor, 1),
        };
        let start = Self::shift(self.zone.local(anchor).date(), -step);
        (0..i64::from(MOST_YEARS) * 366 + 2)
            .map(|days| Self::shift(start, step * days))
            .filter(|date| accepts(*date))
            .map(span)
            .find(|span| if step < 0 { span.since <= anchor } else { span.since > anchor })
            .ok_or_else(|| "there is no such day".to_owned())
    }
}

fn is_past(towards: Towards) -> bool {
    matches!(towards, Towards::Past(_))
}
