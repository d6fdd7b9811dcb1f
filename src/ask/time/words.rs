//! The words of time, as data.

use chrono::{Month, Weekday};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// Its length in µs; of months and years the usual one, for where only a length is asked for.
    pub(super) fn micros(self) -> i64 {
        const SECOND: i64 = 1_000_000;
        match self {
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => 86_400 * SECOND,
            Self::Week => 7 * 86_400 * SECOND,
            Self::Month => 30 * 86_400 * SECOND,
            Self::Year => 365 * 86_400 * SECOND,
        }
    }
}

/// A part of a day, by the hours at which it begins and ends; above 24 on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
    Night,
}

impl Part {
    pub(super) fn hours(self) -> (u32, u32) {
        match self {
            Self::Morning => (6, 12),
            Self::Afternoon => (12, 18),
            Self::Evening => (18, 24),
            Self::Night => (18, 30),
        }
    }
}

pub(super) const UNITS: &[(&str, Unit)] = &[
    ("second", Unit::Second),
    ("seconds", Unit::Second),
    ("sec", Unit::Second),
    ("secs", Unit::Second),
    ("s", Unit::Second),
    ("minute", Unit::Minute),
    ("minutes", Unit::Minute),
    ("min", Unit::Minute),
    ("mins", Unit::Minute),
    ("m", Unit::Minute),
    ("hour", Unit::Hour),
    ("hours", Unit::Hour),
    ("hr", Unit::Hour),
    ("hrs", Unit::Hour),
    ("h", Unit::Hour),
    ("day", Unit::Day),
    ("days", Unit::Day),
    ("d", Unit::Day),
    ("week", Unit::Week),
    ("weeks", Unit::Week),
    ("wk", Unit::Week),
    ("wks", Unit::Week),
    ("w", Unit::Week),
    ("month", Unit::Month),
    ("months", Unit::Month),
    ("year", Unit::Year),
    ("years", Unit::Year),
    ("yr", Unit::Year),
    ("yrs", Unit::Year),
];

pub(super) const NUMBERS: &[(&str, f64)] = &[
    ("a", 1.0),
    ("an", 1.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("fifteen", 15.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("sixty", 60.0),
    ("ninety", 90.0),
];

/// Amounts that are none.
pub(super) const VAGUE: &[&str] = &["few", "several"];

pub(super) const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Mon),
    ("mon", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("tue", Weekday::Tue),
    ("tues", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("wed", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("thu", Weekday::Thu),
    ("thur", Weekday::Thu),
    ("thurs", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("fri", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sat", Weekday::Sat),
    ("sunday", Weekday::Sun),
    ("sun", Weekday::Sun),
];

pub(super) const MONTHS: &[(&str, Month)] = &[
    ("january", Month::January),
    ("jan", Month::January),
    ("february", Month::February),
    ("feb", Month::February),
    ("march", Month::March),
    ("mar", Month::March),
    ("april", Month::April),
    ("apr", Month::April),
    ("may", Month::May),
    ("june", Month::June),
    ("jun", Month::June),
    ("july", Month::July),
    ("jul", Month::July),
    ("august", Month::August),
    ("aug", Month::August),
    ("september", Month::September),
    ("sept", Month::September),
    ("sep", Month::September),
    ("october", Month::October),
    ("oct", Month::October),
    ("november", Month::November),
    ("nov", Month::November),
    ("december", Month::December),
    ("dec", Month::December),
];

pub(super) const PARTS: &[(&str, Part)] =
    &[("morning", Part::Morning), ("afternoon", Part::Afternoon), ("evening", Part::Evening), ("night", Part::Night)];

/// Names that are also other words: they are times only after a word of [`LEADING`], or beside a number or a clock.
pub(super) const DOUBTFUL: &[&str] =
    &["may", "march", "mar", "jan", "jun", "dec", "sep", "mon", "wed", "fri", "sat", "sun"];

/// Words that a time can follow.
pub(super) const LEADING: &[&str] = &[
    "in",
    "on",
    "since",
    "during",
    "until",
    "till",
    "before",
    "after",
    "by",
    "from",
    "to",
    "between",
    "and",
    "of",
    "for",
    "last",
    "this",
    "over",
    "through",
    "throughout",
    "vs",
    "versus",
    "than",
];

/// Prepositions that belong to the time they stand before.
pub(super) const PREPOSITIONS: &[&str] =
    &["in", "on", "at", "during", "within", "over", "for", "from", "of", "throughout", "as", "across"];

/// Words between a preposition and its time that add nothing.
pub(super) const FILLERS: &[&str] = &["the", "all", "whole", "entire", "exactly", "earlier", "these"];

/// Words that ask about the future, alone.
pub(super) const FUTURE: &[&str] = &["tomorrow", "tomorrow's", "will", "won't", "shall", "gonna", "upcoming"];

/// Finds a word in a table.
pub(super) fn look_up<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|&(_, meaning)| meaning)
}
