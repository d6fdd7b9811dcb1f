//! Text of events made safe and readable for people.

use std::borrow::Cow;
use std::fmt::Write;

use chrono::SecondsFormat;
use sutra_grid_events::event::timestamp;

/// The text without characters that would steer a terminal or reorder what it shows; each stands there as an escape.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unprintable(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Control characters, line separators, and those that change the direction of text.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Whether a character of JSON text must not reach a terminal. JSON itself escapes those below a space.
pub(super) fn is_unsafe_in_json(character: char) -> bool {
    character != '\n' && is_unprintable(character)
}

/// The JSON text with such characters escaped, which does not change its meaning.
pub(super) fn escape_in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe_in_json(character) {
            // All of them lie in the basic plane. Writing to a string does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// A time in UTC with as many digits as it needs: `2026-11-18T08:00:00Z`, `2026-11-18T08:00:00.250Z`.
pub(crate) fn format_time(us: i64) -> String {
    timestamp::to_datetime(us).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_gets_through() {
        assert_eq!(printable("plain ä 😀"), "plain ä 😀");
        assert_eq!(printable("a\u{1b}[31mb\nc\td\0"), "a\\u{1b}[31mb\\nc\\td\\u{0}");
        assert_eq!(printable("\u{9b}31m\u{202e}x\u{7f}"), "\\u{9b}31m\\u{202e}x\\u{7f}");
        let every: String = ('\0'..='\u{ff}').collect();
        assert!(!printable(&every).contains(char::is_control));
    }

    #[test]
    fn json_keeps_its_meaning_when_escaped() {
        let text = "{\"a\":\"\u{9b}\u{7f}\u{202e}ä\"}\n";
        let escaped = escape_in_json(text);
        assert_eq!(escaped, "{\"a\":\"\\u009b\\u007f\\u202eä\"}\n");
        let meaning = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(meaning(&escaped), meaning(text));
    }

    #[test]
    fn times_show_the_digits_they_need() {
        assert_eq!(format_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_time(250_000), "1970-01-01T00:00:00.250Z");
        assert_eq!(format_time(-1), "1969-12-31T23:59:59.999999Z");
    }
}
