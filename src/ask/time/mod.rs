//! Times in English questions: which words say when, and which instants they mean.
//!
//! ```text
//! words ─► literal (03:10, 2026-11-17) ─► pieces, point (one time) ─► grammar (since, between, 10 minutes before)
//!       ─► calendar (the last Wednesday, in the zone) ─► combine (day here, hour there; checks) ─► TimeFound
//! ```
//!
//! What is taken where English leaves a choice:
//!
//! - A time of day, weekday, or date without a year is the last one; today's weekday is today only with "this".
//! - The morning is 06-12, the afternoon 12-18, the evening 18-24, the night 18-06; until six "tonight" is the
//!   night that goes on. "Last night" began yesterday.
//! - "Last hour" and "last day" count back from now, "last week", "month" and "year" are those of the calendar
//!   (ISO weeks), "past" always counts back from now, "previous" is always the calendar's.
//! - "Between" and "from … to" include a day, week or month named as the end, as do "until" and "by"; "before"
//!   does not. A time of day as an end is that instant.
//! - "At 03:10" is that minute, "at 3am" that hour, "around 3am" half an hour to both sides. "Two hours ago" is
//!   one unit around that instant, of days and longer units the calendar's.

use std::ops::Range;

use crate::ask::options::Zone;
use crate::query::TimeRange;

mod calendar;
mod combine;
mod grammar;
mod literal;
mod pieces;
mod point;
mod words;

#[cfg(test)]
mod tests;

/// A word of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// In lower case, without punctuation around it.
    pub(crate) text: &'a str,
    /// Where it starts in the question, in bytes.
    pub(crate) start: usize,
}

/// What a question says about time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TimeFound {
    /// When; more than one where periods are compared, in the order of the question.
    pub(crate) ranges: Vec<FoundRange>,
    /// For each word whether it belongs to a time, with its prepositions.
    pub(crate) used: Vec<bool>,
    /// Why the time cannot be answered for: impossible, in the future, not understood.
    pub(crate) error: Option<String>,
    /// A stretch beside an event, which is to be found first.
    pub(crate) event_window: Option<EventWindow>,
}

/// A range that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundRange {
    pub(crate) range: TimeRange,
    pub(crate) kind: FoundKind,
    /// The instant that is meant, for [`FoundKind::Instant`]; inside the range, not always its start.
    pub(crate) at_us: Option<i64>,
    /// The words that say it, as far as they stand together.
    pub(crate) words: Range<usize>,
    /// The same with absolute times, in the zone.
    pub(crate) phrase: String,
}

/// Whether an instant was named or a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundKind {
    /// An instant, of which states are asked; for events its range says how exactly it was named.
    Instant,
    /// A stretch.
    Range,
}

/// "10 minutes before node-x crashed".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventWindow {
    pub(crate) kind: WindowKind,
    /// How long, in µs, on each side that the kind names.
    pub(crate) amount_us: i64,
    /// The index of the first word that says which event.
    pub(crate) event: usize,
}

/// On which side of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowKind {
    Before,
    After,
    Around,
}

/// Finds what a question says about time. Takes time in proportion to the number of words.
pub(crate) fn find(words: &[Word<'_>], now_us: i64, zone: &Zone) -> TimeFound {
    let reader = point::Reader { words, calendar: calendar::Calendar::new(now_us, zone) };
    let mut items = grammar::Items::default();
    let outcome = reader.items(&mut items).and_then(|()| combine::ranges(&items.items, &reader.calendar));
    let mut used = vec![false; words.len()];
    let spans = items.items.iter().map(|item| &item.words).chain(items.window.iter().map(|(_, words)| words));
    for span in spans {
        used.iter_mut().take(span.end).skip(span.start).for_each(|word| *word = true);
    }
    let (ranges, error) = match outcome {
        Ok(ranges) => (ranges, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    TimeFound { ranges, used, error, event_window: items.window.map(|(window, _)| window) }
}
