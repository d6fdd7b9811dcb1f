//! Times written in digits, one word at a time: `03:10`, `3am`, `2026-11-17`, RFC 3339.

use chrono::{DateTime, NaiveDate};

use super::words::Unit;

/// A time of day, as exact as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// Seconds since midnight; 86 400 is the end of the day.
    pub(super) seconds: u32,
    /// What it was written to.
    pub(super) precision: Unit,
    /// Whether `pm` (`true`) or `am` was written.
    pub(super) pm: Option<bool>,
}

impl Clock {
    pub(super) const NOON: Self = Self { seconds: 12 * 3_600, precision: Unit::Minute, pm: Some(true) };
    pub(super) const MIDNIGHT: Self = Self { seconds: 0, precision: Unit::Minute, pm: Some(false) };

    /// An hour by the twelve-hour clock.
    pub(super) fn of_twelve(hour: u32, pm: bool) -> Option<Self> {
        let hours = (1..=12).contains(&hour).then_some(hour % 12 + if pm { 12 } else { 0 })?;
        Some(Self { seconds: hours * 3_600, precision: Unit::Hour, pm: Some(pm) })
    }

    /// The same with `am` or `pm` said after it.
    pub(super) fn with_meridiem(self, pm: bool) -> Option<Self> {
        let twelve = Self::of_twelve(self.seconds / 3_600, pm)?;
        Some(Self { seconds: twelve.seconds + self.seconds % 3_600, precision: self.precision, pm: Some(pm) })
    }
}

/// A date as it was written: a day or a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrittenDate {
    Day(NaiveDate),
    /// By its first day.
    Month(NaiveDate),
}

/// `Some` where a word has the form that is looked for, with the reason where it makes no sense.
pub(super) type Written<T> = Option<Result<T, String>>;

/// A whole number of up to nine digits.
pub(super) fn number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

/// `18th`, `2nd`.
pub(super) fn ordinal(word: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending))?;
    number(digits)
}

/// Whether a word says `am` (`false`) or `pm` (`true`).
pub(super) fn meridiem(word: &str) -> Option<bool> {
    match word {
        "am" | "a.m" | "a.m." => Some(false),
        "pm" | "p.m" | "p.m." => Some(true),
        _ => None,
    }
}

/// `03:10`, `3:10:22`, `3am`, `3:10pm`.
pub(super) fn clock(word: &str) -> Written<Clock> {
    let suffix = ["am", "pm", "a.m", "p.m", "a.m.", "p.m."].iter().find(|suffix| word.ends_with(**suffix));
    let pm = suffix.and_then(|suffix| meridiem(suffix));
    let body = suffix.and_then(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
    let mut parts = body.split(':');
    let hour = parts.next().filter(|part| part.len() <= 2).and_then(number)?;
    let sixty = |part: &str| number(part).filter(|_| part.len() == 2);
    let minute = match parts.next() {
        Some(part) => Some(sixty(part)?),
        None => None,
    };
    let second = match parts.next() {
        Some(part) if part.contains('.') && pm.is_none() => {
            return Some(Err(format!(
                "“{word}” has a fraction of a second; write such a time as 2026-11-24T03:10:00.5Z"
            )));
        }
        Some(part) => Some(sixty(part.split('.').next().unwrap_or(part))?),
        None => None,
    };
    if parts.next().is_some() || (minute.is_none() && pm.is_none()) {
        return None;
    }
    let precision = if second.is_some() {
        Unit::Second
    } else if minute.is_some() {
        Unit::Minute
    } else {
        Unit::Hour
    };
    let (minute, second) = (minute.unwrap_or(0), second.unwrap_or(0));
    let plain = Clock { seconds: hour * 3_600 + minute * 60 + second, precision, pm: None };
    let clock = match pm {
        Some(pm) => plain.with_meridiem(pm),
        None => Some(plain),
    };
    let possible = |clock: &Clock| minute < 60 && second < 60 && clock.seconds <= 86_400;
    Some(clock.filter(possible).ok_or_else(|| format!("“{word}” is no time of day")))
}

/// `2026-11-17`, `2026/11/17`, `2026-11`.
pub(super) fn date(word: &str) -> Written<WrittenDate> {
    let parts: Vec<&str> = word.split(['-', '/']).collect();
    let digits = |part: Option<&&str>, length| part.filter(|part| part.len() == length).and_then(|part| number(part));
    let year = i32::try_from(digits(parts.first(), 4)?).ok()?;
    let month = digits(parts.get(1), 2)?;
    let written = match parts.len() {
        2 if (1900..=2200).contains(&year) => NaiveDate::from_ymd_opt(year, month, 1).map(WrittenDate::Month),
        3 => NaiveDate::from_ymd_opt(year, month, digits(parts.get(2), 2)?).map(WrittenDate::Day),
        _ => return None,
    };
    Some(written.ok_or_else(|| format!("“{word}” is no date: there is no such day")))
}

/// RFC 3339 with a zone, as an instant in µs and what it was written to. The seconds may be missing.
pub(super) fn instant(word: &str) -> Written<(i64, Unit)> {
    let (day, rest) = word.split_once('t')?;
    date(day)?.ok()?;
    let zone_start = rest.find(['z', '+', '-'])?;
    let (time, zone) = rest.split_at_checked(zone_start)?;
    let (time, precision) = match time.matches(':').count() {
        1 => (format!("{time}:00"), Unit::Minute),
        _ => (time.to_owned(), Unit::Second),
    };
    let parsed = DateTime::parse_from_rfc3339(&format!("{day}T{time}{}", zone.to_uppercase()));
    Some(match parsed {
        Ok(instant) => Ok((instant.timestamp_micros(), precision)),
        Err(_) => Err(format!("“{word}” is no time: RFC 3339 is written 2026-11-24T12:00:00Z")),
    })
}

/// A date and a time of day in one word, without a zone: `2026-11-17t14:00`.
pub(super) fn date_and_clock(word: &str) -> Written<(NaiveDate, Clock)> {
    let (day, time) = word.split_once('t')?;
    let Ok(WrittenDate::Day(day)) = date(day)? else { return Some(Err(format!("“{word}” is no time"))) };
    Some(clock(time)?.map(|clock| (day, clock)))
}
