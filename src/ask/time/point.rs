//! Reads one time in a question: a day, a time of day, both, a stretch of the calendar, "two hours ago".

use chrono::{Datelike, Month, NaiveDate, Weekday};

use super::Word;
use super::calendar::{Base, Calendar, Point, Span};
use super::literal::{self, WrittenDate};
use super::words::{DOUBTFUL, LEADING, MONTHS, PARTS, Part, UNITS, Unit, WEEKDAYS, look_up};

/// What was read and the index of the word after it; an error where the words are a time that makes no sense.
pub(super) type Read<T> = Result<Option<(T, usize)>, String>;

/// The words of a question, with what now is.
pub(super) struct Reader<'w> {
    pub(super) words: &'w [Word<'w>],
    pub(super) calendar: Calendar<'w>,
}

impl Reader<'_> {
    /// The word at an index without a possessive ending; empty beyond the end.
    pub(super) fn word(&self, index: usize) -> &str {
        let text = self.words.get(index).map_or("", |word| word.text);
        text.strip_suffix("'s").or_else(|| text.strip_suffix("’s")).unwrap_or(text).trim_end_matches(['\'', '’', ','])
    }

    /// The word before an index.
    pub(super) fn before(&self, index: usize) -> &str {
        index.checked_sub(1).map_or("", |index| self.word(index))
    }

    pub(super) fn skip(&self, index: usize, words: &[&str]) -> usize {
        if words.contains(&self.word(index)) { index + 1 } else { index }
    }

    /// Whether words follow one another from an index.
    pub(super) fn reads(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(nth, word)| self.word(index + nth) == *word)
    }

    /// A time, at the end of a range where "now" is one too.
    pub(super) fn edge(&self, index: usize) -> Read<Point> {
        let now = self.skip(index, &["right"]);
        if self.word(now) == "now" {
            let span =
                Span { since: self.calendar.now_us, until: self.calendar.now_us, at: Some(self.calendar.now_us) };
            return Ok(Some((Point::of(Base::Fixed(span)), now + 1)));
        }
        self.point(index)
    }

    /// A time that starts at a word.
    pub(super) fn point(&self, index: usize) -> Read<Point> {
        let word = self.word(index);
        if word.is_empty() {
            return Ok(None);
        }
        if let Some(written) = literal::instant(word) {
            let (at, precision) = written?;
            return Ok(Some((Point::of(Base::Fixed(Span::from(at, precision.micros()))), index + 1)));
        }
        if let Some(written) = literal::date_and_clock(word) {
            let (date, clock) = written?;
            return Ok(Some(self.zoned(Point { clock: Some(clock), ..Point::of(Base::Date(date)) }, index + 1)));
        }
        if let Some(found) = self.ago(index)? {
            return Ok(Some(found));
        }
        if let Some(((clock, part), end)) = self.clock(index)? {
            let (point, end) = self.zoned(Point { part, clock: Some(clock), ..Point::of(Base::None) }, end);
            let day = self.skip(end, &["on", "of"]);
            return Ok(Some(match self.day(day)? {
                Some((found, end)) if found.is_day() => {
                    (Point { base: found.base, part: found.part.or(part), ..point }, end)
                }
                _ => (point, end),
            }));
        }
        let Some((mut point, mut end)) = self.day(index)? else { return self.part_alone(index) };
        if point.is_day() {
            if point.part.is_none()
                && let Some((part, after)) = self.part(end)
            {
                (point.part, end) = (Some(part), after);
            }
            if let Some(((clock, part), after)) = self.clock(self.skip(end, &["at"]))? {
                let part = point.part.or(part);
                return Ok(Some(self.zoned(Point { part, clock: Some(clock), ..point }, after)));
            }
        }
        Ok(Some((point, end)))
    }

    fn zoned(&self, point: Point, end: usize) -> (Point, usize) {
        let utc = matches!(self.word(end), "utc" | "gmt");
        (Point { utc, ..point }, if utc { end + 1 } else { end })
    }

    /// "in the morning", of a day that is said elsewhere, or the last.
    fn part_alone(&self, index: usize) -> Read<Point> {
        let said = self.before(index) == "the" || (self.before(index) == "at" && self.word(index) == "night");
        let part = look_up(PARTS, self.word(index)).filter(|_| said);
        // "The evening of 20 November".
        if part.is_some()
            && self.word(index + 1) == "of"
            && let Some((day, end)) = self.day(index + 2)?
            && day.is_day()
        {
            return Ok(Some((Point { part, ..day }, end)));
        }
        Ok(part.map(|part| (Point { part: Some(part), ..Point::of(Base::None) }, index + 1)))
    }

    /// A day, or a stretch of the calendar.
    fn day(&self, index: usize) -> Read<Point> {
        let today = self.calendar.today;
        let yesterday = Calendar::shift(today, -1);
        let on = |date, part| Point { part, ..Point::of(Base::Date(date)) };
        // Until six the night that goes on is the one that began yesterday.
        let night = if self.calendar.now_us < self.calendar.instant(today, 6 * 3_600) { yesterday } else { today };
        let word = self.word(index);
        let found = match word {
            "today" => Some((on(today, None), index + 1)),
            "yesterday" => Some((on(yesterday, None), index + 1)),
            "tonight" => Some((on(night, Some(Part::Night)), index + 1)),
            "weekend" if matches!(self.before(index), "the" | "on" | "over" | "at" | "during") => {
                let saturday = Calendar::shift(Calendar::monday(today), -2);
                let span = self.calendar.days(saturday, Calendar::shift(saturday, 2));
                return Ok(Some((Point::of(Base::Fixed(span)), index + 1)));
            }
            "day" if self.reads(index, &["day", "before", "yesterday"]) => {
                Some((on(Calendar::shift(today, -2), None), index + 3))
            }
            "the" => return if self.word(index + 1) == "the" { Ok(None) } else { self.day(index + 1) },
            "this" | "current" | "last" | "past" | "previous" => {
                let this = matches!(word, "this" | "current");
                let next = self.word(index + 1);
                match look_up(PARTS, next) {
                    Some(Part::Night) => Some((on(if this { night } else { yesterday }, Some(Part::Night)), index + 2)),
                    Some(part) => Some((on(if this { today } else { yesterday }, Some(part)), index + 2)),
                    None => return self.qualified(index, this),
                }
            }
            _ => None,
        };
        match found {
            Some(found) => Ok(Some(found)),
            None => match self.weekday(index) {
                Some(found) => Ok(Some(found)),
                None => self.date(index),
            },
        }
    }

    /// "this week", "last 3 hours", "last Monday", "last November", "last weekend".
    fn qualified(&self, index: usize, this: bool) -> Read<Point> {
        let calendar = &self.calendar;
        let (word, next) = (self.word(index), self.word(index + 1));
        let fixed = |span| Point::of(Base::Fixed(span));
        if !this && let Some((amount, end)) = self.amount(index + 1)? {
            let since = calendar.before_now(amount.count, amount.unit).ok_or("nothing is recorded that far back")?;
            if since >= calendar.now_us {
                return Err(format!("“{word} {next} {}” is no time at all", self.word(index + 2)));
            }
            return Ok(Some((fixed(Span { since, until: calendar.now_us, at: None }), end)));
        }
        if let Some(weekday) = look_up(WEEKDAYS, next) {
            let base = if this { self.in_week(0, weekday) } else { Base::Weekday(weekday) };
            return Ok(Some((Point::of(base), index + 2)));
        }
        if let Some(month) = look_up(MONTHS, next) {
            let first = calendar.today.with_day(1).and_then(|first| first.with_month(month.number_from_month()));
            let Some(first) = first else { return Ok(None) };
            let passed = this || month.number_from_month() < calendar.today.month();
            let first = if passed { Some(first) } else { first.with_year(first.year() - 1) };
            return Ok(first.map(|first| (fixed(calendar.month(first)), index + 2)));
        }
        if next == "weekend" {
            let saturday = Calendar::shift(Calendar::monday(calendar.today), if this { 5 } else { -2 });
            return Ok(Some((fixed(calendar.days(saturday, Calendar::shift(saturday, 2))), index + 2)));
        }
        let Some(unit) = look_up(UNITS, next).filter(|unit| *unit != Unit::Second && next.len() > 2) else {
            return Ok(None);
        };
        if next.ends_with('s') {
            return Ok(None);
        }
        let current = calendar.unit(unit, calendar.now_us);
        let rolling = word == "past" || (word == "last" && unit <= Unit::Day);
        let span = if this {
            current
        } else if rolling {
            let since = calendar.before_now(1.0, unit).ok_or("nothing is recorded that far back")?;
            Span { since, until: calendar.now_us, at: None }
        } else {
            calendar.unit(unit, current.since - 1)
        };
        let after = index + 2;
        // "last week on Monday".
        if unit == Unit::Week
            && let Some(weekday) = look_up(WEEKDAYS, self.word(self.skip(after, &["on"])))
        {
            let weeks = if this { 0 } else { -1 };
            return Ok(Some((Point::of(self.in_week(weeks, weekday)), self.skip(after, &["on"]) + 1)));
        }
        Ok(Some((fixed(span), after)))
    }

    /// A weekday of the week so many weeks from this one.
    fn in_week(&self, weeks: i64, weekday: Weekday) -> Base {
        let monday = Calendar::monday(self.calendar.today);
        Base::Date(Calendar::shift(monday, weeks * 7 + i64::from(weekday.num_days_from_monday())))
    }

    /// "Wednesday", "Monday of last week".
    fn weekday(&self, index: usize) -> Option<(Point, usize)> {
        let word = self.word(index);
        let weekday = look_up(WEEKDAYS, word)?;
        if DOUBTFUL.contains(&word)
            && !LEADING.contains(&self.before(index))
            && !matches!(self.clock(self.skip(index + 1, &["at"])), Ok(Some(_)))
        {
            return None;
        }
        let week = self.skip(index + 1, &["of"]);
        let base = match (self.word(week), self.word(week + 1)) {
            ("last" | "previous", "week") => self.in_week(-1, weekday),
            ("this", "week") => self.in_week(0, weekday),
            _ => return Some((Point::of(Base::Weekday(weekday)), index + 1)),
        };
        Some((Point::of(base), week + 2))
    }

    /// "November 18th 2026", "18 Nov", "in November", "2026-11-17", "on the 18th", "in 2025".
    fn date(&self, index: usize) -> Read<Point> {
        let word = self.word(index);
        if let Some(written) = literal::date(word) {
            let base = match written? {
                WrittenDate::Day(date) => Base::Date(date),
                WrittenDate::Month(first) => Base::Fixed(self.calendar.month(first)),
            };
            return Ok(Some((Point::of(base), index + 1)));
        }
        let leading = LEADING.contains(&self.before(index));
        if let Some(month) = look_up(MONTHS, word) {
            let day_index = self.skip(index + 1, &["the"]);
            if let Some(day) = self.day_number(day_index) {
                return self.month_day(month, day, day_index + 1);
            }
            if let Some(year) = self.year(index + 1) {
                let first = NaiveDate::from_ymd_opt(year, month.number_from_month(), 1);
                return Ok(first.map(|first| (Point::of(Base::Fixed(self.calendar.month(first))), index + 2)));
            }
            let month = Point::of(Base::Month(month.number_from_month()));
            return Ok((leading || !DOUBTFUL.contains(&word)).then_some((month, index + 1)));
        }
        if let Some(day) = self.day_number(index) {
            let month_index = self.skip(index + 1, &["of"]);
            if let Some(month) = look_up(MONTHS, self.word(month_index)) {
                return self.month_day(month, day, month_index + 1);
            }
        }
        let after_article = self.before(index) == "the" && index >= 2 && LEADING.contains(&self.before(index - 1));
        let followed = matches!(self.word(index + 1), "" | "at" | "to" | "and" | "until" | "till" | "between" | "from");
        if let Some(day) = literal::ordinal(word).filter(|_| after_article && (followed || self.is_clock(index + 1))) {
            return match day {
                1..=31 => Ok(Some((Point::of(Base::DayOfMonth(day)), index + 1))),
                _ => Err(format!("“{word}” is no day of a month")),
            };
        }
        let in_year = matches!(self.before(index), "in" | "since" | "during" | "throughout" | "of");
        let first = self.year(index).filter(|_| in_year).and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1));
        Ok(first.map(|first| {
            let next = first.with_year(first.year() + 1).unwrap_or(first);
            (Point::of(Base::Fixed(self.calendar.days(first, next))), index + 1)
        }))
    }

    fn is_clock(&self, index: usize) -> bool {
        matches!(self.clock(index), Ok(Some(_)))
    }

    /// `18`, `18th`: a number that can be a day, but is no time of day ("Nov 3 pm" is none).
    fn day_number(&self, index: usize) -> Option<u32> {
        let word = self.word(index);
        let number = literal::number(word).filter(|_| word.len() <= 2 && !self.is_clock(index));
        number.or_else(|| literal::ordinal(word))
    }

    fn year(&self, index: usize) -> Option<i32> {
        let word = self.word(index);
        // "A limit of 2048 MB" is no year.
        let is_size = matches!(self.word(index + 1), "mb" | "gb" | "kb" | "tb" | "ms" | "megabytes" | "mib" | "or");
        let year = literal::number(word).filter(|_| word.len() == 4 && !is_size)?;
        (1970..=2199).contains(&year).then(|| i32::try_from(year).ok()).flatten()
    }

    pub(super) fn month_day(&self, month: Month, day: u32, end: usize) -> Read<Point> {
        let number = month.number_from_month();
        let nonsense = || format!("there is no {} {day}", month.name());
        if let Some(year) = self.year(end) {
            let date = NaiveDate::from_ymd_opt(year, number, day).ok_or_else(nonsense)?;
            return Ok(Some((Point::of(Base::Date(date)), end + 1)));
        }
        // A leap year, so that February 29 is one of its days.
        NaiveDate::from_ymd_opt(2024, number, day).ok_or_else(nonsense)?;
        Ok(Some((Point::of(Base::MonthDay(number, day)), end)))
    }
}
