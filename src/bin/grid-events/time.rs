//! Points in time as people write them on a command line: `2026-11-18`, `2h`, `yesterday`.

use std::str::FromStr;

use sutra_grid_events::event::timestamp;

/// µs in each unit of an age, by its letter.
const UNITS_US: [(char, i64); 5] = [
    ('s', 1_000_000),
    ('m', 60 * 1_000_000),
    ('h', 3_600 * 1_000_000),
    ('d', 86_400 * 1_000_000),
    ('w', 7 * 86_400 * 1_000_000),
];
const DAY_US: i64 = 86_400 * 1_000_000;

/// A point in time, absolute or relative to a *now* that is known later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimePoint {
    /// This µs since 1970.
    At(i64),
    /// This many µs before now.
    Ago(i64),
    /// The start (in UTC) of the day this many days before today.
    StartOfDay {
        /// 0 for today, 1 for yesterday.
        days_ago: i64,
    },
}

impl TimePoint {
    /// The point in µs since 1970, within the years that an event can carry.
    pub(crate) fn resolve(self, now_us: i64) -> i64 {
        let us = match self {
            TimePoint::At(us) => us,
            TimePoint::Ago(us) => now_us.saturating_sub(us),
            TimePoint::StartOfDay { days_ago } => now_us.div_euclid(DAY_US).saturating_sub(days_ago) * DAY_US,
        };
        us.clamp(timestamp::MICROS_MIN, timestamp::MICROS_MAX)
    }
}

impl FromStr for TimePoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "now" => return Ok(TimePoint::Ago(0)),
            "today" => return Ok(TimePoint::StartOfDay { days_ago: 0 }),
            "yesterday" => return Ok(TimePoint::StartOfDay { days_ago: 1 }),
            _ => {}
        }
        if let Some(us) = parse_age(text) {
            return Ok(TimePoint::Ago(us));
        }
        // A bare date is its start in UTC.
        let date = text.len() == "2026-11-18".len() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let instant = if date { timestamp::parse(&format!("{text}T00:00:00Z")) } else { timestamp::parse(text) };
        instant.map(TimePoint::At).map_err(|_| {
            "not a time; give RFC 3339 (2026-11-18T08:00:00Z), a date (2026-11-18), an age (45s, 30m, 2h, 3d, 1w), \
             now, today or yesterday"
                .to_owned()
        })
    }
}

/// Reads an age such as `2h` or `1h30m`, in µs.
fn parse_age(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let letter = rest[digits..].chars().next()?;
        let (_, unit_us) = UNITS_US.into_iter().find(|(unit, _)| *unit == letter)?;
        total = total.checked_add(number.checked_mul(unit_us)?)?;
        rest = &rest[digits + letter.len_utf8()..];
    }
    (!text.is_empty()).then_some(total)
}

/// Reads the reference for relative times, which must be absolute itself.
pub(crate) fn parse_now(text: &str) -> Result<i64, String> {
    timestamp::parse(text).map_err(|_| "not an RFC 3339 time such as 2026-11-18T08:00:00Z".to_owned())
}

/// Reads an offset from UTC such as `+02:00`, `-05:30`, `+2` or `Z`, in seconds.
pub(crate) fn parse_utc_offset(text: &str) -> Result<i32, String> {
    let seconds = || {
        if matches!(text, "Z" | "z") {
            return Some(0);
        }
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
        let number = |digits: &str, max: i32| {
            let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i32>().ok().filter(|number| plain && *number <= max)
        };
        Some(sign * (number(hours, 23)? * 3_600 + number(minutes, 59)? * 60))
    };
    seconds().ok_or_else(|| "not an offset from UTC such as +02:00, -05:30 or Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-18T12:34:56.000001Z
    const NOW_US: i64 = 1_795_005_296_000_001;

    fn resolve(text: &str) -> String {
        timestamp::format(text.parse::<TimePoint>().expect(text).resolve(NOW_US))
    }

    #[test]
    fn every_form_of_the_manual_is_read() {
        for (text, expected) in [
            ("now", "2026-11-18T12:34:56.000001Z"),
            ("today", "2026-11-18T00:00:00.000000Z"),
            ("yesterday", "2026-11-17T00:00:00.000000Z"),
            ("45s", "2026-11-18T12:34:11.000001Z"),
            ("30m", "2026-11-18T12:04:56.000001Z"),
            ("2h", "2026-11-18T10:34:56.000001Z"),
            ("3d", "2026-11-15T12:34:56.000001Z"),
            ("1w", "2026-11-11T12:34:56.000001Z"),
            ("1h30m", "2026-11-18T11:04:56.000001Z"),
            ("0s", "2026-11-18T12:34:56.000001Z"),
            ("2026-11-18", "2026-11-18T00:00:00.000000Z"),
            ("2026-11-18T08:00:00Z", "2026-11-18T08:00:00.000000Z"),
            ("2026-11-18T08:00:00.5+02:00", "2026-11-18T06:00:00.500000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }

    #[test]
    fn days_before_1970_start_where_they_should() {
        let noon = TimePoint::StartOfDay { days_ago: 0 }.resolve(-DAY_US / 2);
        assert_eq!(timestamp::format(noon), "1969-12-31T00:00:00.000000Z");
    }

    #[test]
    fn an_age_never_leaves_the_calendar() {
        assert_eq!(resolve("9000000d"), "0001-01-01T00:00:00.000000Z");
        assert!("9223372036854775807w".parse::<TimePoint>().is_err());
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "2",
            "h",
            "2x",
            "-2h",
            "2h3",
            "1.5h",
            "tomorrow",
            "2026-13-01",
            "2026-11-18T08:00",
            "0000-01-01",
            "２h",
            "20261118ab",
        ] {
            assert!(text.parse::<TimePoint>().is_err(), "{text}");
        }
        assert!(parse_now("2h").is_err());
    }

    #[test]
    fn offsets_are_read_in_their_usual_forms() {
        for (text, seconds) in
            [("Z", 0), ("+02:00", 7_200), ("-05:30", -19_800), ("+2", 7_200), ("0", 0), ("-00:30", -1_800)]
        {
            assert_eq!(parse_utc_offset(text), Ok(seconds), "{text}");
        }
        for text in ["", "+", "24:00", "+02:60", "+2:", "++2", "+2:-1", "CET"] {
            assert!(parse_utc_offset(text).is_err(), "{text}");
        }
    }
}
