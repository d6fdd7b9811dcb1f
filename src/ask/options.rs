//! What a question cannot say of itself: when it is asked, in which time zone, and after which other question.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Duration, FixedOffset, MappedLocalTime, NaiveDateTime, Offset, SecondsFormat, TimeZone,
};

use super::question::Question;

/// How a question is to be read and answered.
#[derive(Debug, Clone, PartialEq)]
pub struct AskOptions {
    /// What "now" is, in µs since 1970: "today" and "an hour ago" count from it, and nothing after it can be
    /// asked about.
    pub now_us: i64,
    /// The zone in which days begin and clock times are meant.
    pub zone: Zone,
    /// How many events an answer lists at most; [`EVENTS_IN_ANSWER`](super::EVENTS_IN_ANSWER) without.
    pub limit: Option<usize>,
    /// The question asked before, for those that continue it ("and on agent-002?").
    pub previous: Option<Question>,
}

impl Default for AskOptions {
    /// Now by the clock of this machine, in UTC, without a limit or a previous question.
    fn default() -> Self {
        Self { now_us: chrono::Utc::now().timestamp_micros(), zone: Zone::default(), limit: None, previous: None }
    }
}

/// A time zone: a constant offset from UTC, or a place with its rules of summer time.
///
/// ```
/// use sutra_grid_events::ask::Zone;
/// let zone: Zone = "Europe/Zurich".parse()?;
/// assert_eq!(zone.to_string(), "Europe/Zurich");
/// assert_eq!("+02:00".parse::<Zone>()?.to_string(), "+02:00");
/// assert_eq!("UTC".parse::<Zone>()?, Zone::default());
/// # Ok::<(), sutra_grid_events::ask::ZoneError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A constant offset.
    Offset(FixedOffset),
    /// A zone of the IANA database.
    Named(chrono_tz::Tz),
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone: use UTC, an offset such as +02:00, or a name such as Europe/Zurich")]
pub struct ZoneError(String);

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self::Offset(chrono::Utc.fix())
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if ["utc", "gmt", "z"].iter().any(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(Self::default());
        }
        if text.starts_with(['+', '-']) {
            return FixedOffset::from_str(text).map(Self::Offset).map_err(|_| ZoneError(text.to_owned()));
        }
        chrono_tz::Tz::from_str(text).map(Self::Named).map_err(|_| ZoneError(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) if offset.local_minus_utc() == 0 => f.write_str("UTC"),
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

impl Zone {
    /// The offset from UTC at an instant in µs, in seconds east.
    #[must_use]
    pub fn offset_seconds(&self, at_us: i64) -> i32 {
        let utc = utc(at_us);
        match self {
            Self::Offset(offset) => offset.local_minus_utc(),
            Self::Named(zone) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
        }
    }

    /// What clocks in the zone show at an instant in µs.
    #[must_use]
    pub fn local(&self, at_us: i64) -> NaiveDateTime {
        let utc = utc(at_us);
        utc.checked_add_signed(Duration::seconds(self.offset_seconds(at_us).into())).unwrap_or(utc)
    }

    /// The instant in µs at which clocks in the zone show a time. The first of two where clocks are set back;
    /// where they skip the time, as much after the skip as the time lies after its beginning.
    #[must_use]
    pub fn instant_us(&self, local: NaiveDateTime) -> i64 {
        let wall_us = local.and_utc().timestamp_micros();
        let found = match self {
            Self::Offset(offset) => Some(offset.local_minus_utc()),
            Self::Named(zone) => match zone.offset_from_local_datetime(&local) {
                MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
                    Some(offset.fix().local_minus_utc())
                }
                MappedLocalTime::None => None,
            },
        };
        // Zones jump by a few hours at most, so a day earlier the offset is the one before the jump.
        const DAY_US: i64 = 86_400_000_000;
        let offset_seconds = found.unwrap_or_else(|| self.offset_seconds(wall_us.saturating_sub(DAY_US)));
        wall_us.saturating_sub(i64::from(offset_seconds) * 1_000_000)
    }

    /// An instant in µs as RFC 3339 with the zone's offset, to the second where it is whole.
    #[must_use]
    pub fn format(&self, at_us: i64) -> String {
        let utc = utc(at_us).and_utc();
        match FixedOffset::east_opt(self.offset_seconds(at_us)) {
            Some(offset) => utc.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::AutoSi, true),
            None => utc.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        }
    }
}

/// The instant as a date and time in UTC, held within the years that every zone can be computed for.
fn utc(at_us: i64) -> NaiveDateTime {
    match DateTime::from_timestamp_micros(at_us) {
        Some(instant) if (-9999..=9999).contains(&instant.year()) => instant.naive_utc(),
        _ => DateTime::UNIX_EPOCH.naive_utc(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in ["", "Mars/Olympus", "+99:00", "2"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }

    #[test]
    fn skipped_and_repeated_times_have_one_instant() {
        let zone: Zone = "Europe/Zurich".parse().unwrap();
        let instant = |text: &str| zone.instant_us(text.parse().unwrap());
        assert_eq!(instant("2026-03-29T02:30:00"), us("2026-03-29T03:30:00+02:00"));
        assert_eq!(instant("2026-10-25T02:30:00"), us("2026-10-25T02:30:00+02:00"));
        assert_eq!(instant("2026-11-24T13:00:00"), us("2026-11-24T12:00:00Z"));
        assert_eq!(zone.format(us("2026-11-24T12:00:00Z")), "2026-11-24T13:00:00+01:00");
        assert_eq!(Zone::default().format(us("2026-11-24T12:00:00.5Z")), "2026-11-24T12:00:00.500Z");
    }

    #[test]
    fn no_instant_is_too_far() {
        for at_us in [i64::MIN, -1, 0, i64::MAX] {
            for zone in ["UTC", "-11:00", "Asia/Kolkata"] {
                let zone: Zone = zone.parse().unwrap();
                let _ = zone.instant_us(zone.local(at_us));
                let _ = zone.format(at_us);
            }
        }
    }
}
