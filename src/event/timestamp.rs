//! Timestamps: µs since 1970 inside, RFC 3339 text outside.
//!
//! The canonical text has six digits of fraction and `Z`. It is the only form that `parse_canonical`
//! accepts, so that a time stored as µs prints back to the very text that it came from.

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::error::EventError;

/// The first year an event can carry.
pub const YEAR_MIN: i32 = 1;
/// The last year an event can carry.
pub const YEAR_MAX: i32 = 9999;
/// 0001-01-01T00:00:00Z in µs since 1970.
pub const MICROS_MIN: i64 = -62_135_596_800_000_000;
/// The last µs of the year 9999, in µs since 1970.
pub const MICROS_MAX: i64 = 253_402_300_799_999_999;

/// The length of the canonical text in bytes.
pub(crate) const CANONICAL_LENGTH: usize = "2026-11-24T08:00:00.000000Z".len();

/// Writes µs since 1970 in the canonical form. Values outside the legal years are clamped to them.
pub fn write(micros: i64, out: &mut String) {
    let micros = micros.clamp(MICROS_MIN, MICROS_MAX);
    let Some(time) = DateTime::<Utc>::from_timestamp_micros(micros) else { return };
    let year = u32::try_from(time.year()).unwrap_or(0);
    digits(year, 4, out);
    out.push('-');
    digits(time.month(), 2, out);
    out.push('-');
    digits(time.day(), 2, out);
    out.push('T');
    digits(time.hour(), 2, out);
    out.push(':');
    digits(time.minute(), 2, out);
    out.push(':');
    digits(time.second(), 2, out);
    out.push('.');
    digits(time.nanosecond() / 1_000, 6, out);
    out.push('Z');
}

fn digits(number: u32, width: usize, out: &mut String) {
    let mut buffer = [b'0'; 6];
    let mut rest = number;
    for slot in buffer[..width].iter_mut().rev() {
        #[allow(clippy::cast_possible_truncation)] // A remainder of ten fits a byte.
        {
            *slot = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
    }
    out.extend(buffer[..width].iter().map(|&digit| char::from(digit)));
}

/// µs since 1970 in the canonical form.
///
/// ```
/// use sutra_grid_events::event::timestamp;
/// assert_eq!(timestamp::format(0), "1970-01-01T00:00:00.000000Z");
/// ```
#[must_use]
pub fn format(micros: i64) -> String {
    let mut out = String::with_capacity(CANONICAL_LENGTH);
    write(micros, &mut out);
    out
}

/// Reads any RFC 3339 text; digits beyond the µs are cut off (towards the past).
///
/// # Errors
/// If the text is not RFC 3339 or its year in UTC is outside 1-9999.
pub fn parse(text: &str) -> Result<i64, EventError> {
    // A quick refusal, since this is asked of every string that is compared.
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return Err(EventError::Timestamp { text: shorten(text) });
    }
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| EventError::Timestamp { text: shorten(text) })?;
    let micros = time.timestamp_micros();
    if !(MICROS_MIN..=MICROS_MAX).contains(&micros) {
        return Err(EventError::Year { text: shorten(text) });
    }
    Ok(micros)
}

/// The µs of a text that is exactly in the canonical form.
#[must_use]
pub(crate) fn parse_canonical(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != CANONICAL_LENGTH || bytes[10] != b'T' || bytes[19] != b'.' || bytes[26] != b'Z' {
        return None;
    }
    let micros = parse(text).ok()?;
    let mut canonical = String::with_capacity(CANONICAL_LENGTH);
    write(micros, &mut canonical);
    (canonical == text).then_some(micros)
}

/// The time of µs since 1970, clamped to the legal years.
#[must_use]
pub fn to_datetime(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros.clamp(MICROS_MIN, MICROS_MAX)).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The serde form of a [`DateTime`]: the canonical text; any RFC 3339 on input.
pub(crate) mod serde_form {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format(time.timestamp_micros()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Ok(time.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_the_years_they_name() {
        assert_eq!(format(MICROS_MIN), "0001-01-01T00:00:00.000000Z");
        assert_eq!(format(MICROS_MAX), "9999-12-31T23:59:59.999999Z");
        assert!(parse("0000-12-31T23:59:59Z").is_err());
        assert!(parse("9999-12-31T23:59:59-01:00").is_err());
    }

    #[test]
    fn only_the_canonical_text_is_canonical() {
        assert_eq!(parse_canonical("2026-11-24T08:00:00.000001Z"), Some(1_795_507_200_000_001));
        for other in [
            "2026-11-24T08:00:00.00000Z",
            "2026-11-24t08:00:00.000000Z",
            "2026-11-24T08:00:60.000000Z",
            "2026-11-24 08:00:00.000000Z",
            "2026-11-24T08:00:00.000000z",
        ] {
            assert_eq!(parse_canonical(other), None, "{other}");
        }
    }

    #[test]
    fn digits_beyond_the_microsecond_are_cut_towards_the_past() {
        assert_eq!(parse("1969-12-31T23:59:59.9999999Z").ok(), Some(-1));
        assert_eq!(parse("1970-01-01T00:00:00.0000009Z").ok(), Some(0));
    }
}
