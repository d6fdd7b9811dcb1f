//! The pieces of a time: so many units, a time of day, a part of a day.

use super::calendar::{Base, Point, Span};
use super::literal::{self, Clock};
use super::point::{Read, Reader};
use super::words::{NUMBERS, PARTS, Part, UNITS, Unit, VAGUE, look_up};

/// So many units of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount {
    pub(super) count: f64,
    pub(super) unit: Unit,
}

impl Reader<'_> {
    /// "two hours", "90m", "half an hour", "a couple of days".
    pub(super) fn amount(&self, index: usize) -> Read<Amount> {
        let word = self.word(index);
        if self.reads(index, &["half", "an", "hour"]) || self.reads(index, &["half", "hour"]) {
            let end = index + if self.word(index + 1) == "an" { 3 } else { 2 };
            return Ok(Some((Amount { count: 0.5, unit: Unit::Hour }, end)));
        }
        let quarter = self.skip(index, &["a"]);
        for said in [&["quarter", "hour"][..], &["quarter", "of", "an", "hour"]] {
            if self.reads(quarter, said) {
                return Ok(Some((Amount { count: 0.25, unit: Unit::Hour }, quarter + said.len())));
            }
        }
        let couple = self.skip(index, &["a", "the"]);
        if self.word(couple) == "couple" {
            let end = self.skip(couple + 1, &["of"]);
            return Ok(look_up(UNITS, self.word(end)).map(|unit| (Amount { count: 2.0, unit }, end + 1)));
        }
        let vague = self.skip(index, &["a"]);
        if VAGUE.contains(&self.word(vague)) && self.word(vague + 1).len() > 1 {
            return match look_up(UNITS, self.word(vague + 1)) {
                Some(_) => Err(format!("how many {} are “{}”? Say a number", self.word(vague + 1), self.word(vague))),
                None => Ok(None),
            };
        }
        // `90m`, `24-hour`.
        let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
        let (count, unit) = word.split_at_checked(digits).unwrap_or(("", ""));
        let said = look_up(NUMBERS, word).or_else(|| {
            let plain = count.len() <= 12 && count.starts_with(|c: char| c.is_ascii_digit());
            plain.then(|| count.parse::<f64>().ok()).flatten()
        });
        let Some(count) = said else { return Ok(None) };
        if !unit.is_empty() && unit.len() < word.len() {
            let unit = look_up(UNITS, unit.trim_start_matches('-'));
            return Ok(unit.map(|unit| (Amount { count, unit }, index + 1)));
        }
        let unit = look_up(UNITS, self.word(index + 1));
        Ok(unit.map(|unit| (Amount { count, unit }, index + 2)))
    }

    /// "an hour ago": minutes and hours give or take half of one, longer units whole by the calendar.
    pub(super) fn ago(&self, index: usize) -> Read<Point> {
        let Some((amount, end)) = self.amount(index)? else { return Ok(None) };
        if self.word(end) != "ago" {
            return Ok(None);
        }
        let at = self.calendar.before_now(amount.count, amount.unit).ok_or("that long ago nothing is recorded")?;
        let span = match amount.unit {
            Unit::Second | Unit::Minute | Unit::Hour => Span::around(at, amount.unit.micros() / 2),
            unit => Span { at: Some(at), ..self.calendar.unit(unit, at) },
        };
        Ok(Some((Point::of(Base::Fixed(span)), end + 1)))
    }

    /// A time of day, and the part of the day where it was said with it ("3 in the morning").
    pub(super) fn clock(&self, index: usize) -> Read<(Clock, Option<Part>)> {
        let word = self.word(index);
        match word {
            "noon" | "midday" => return Ok(Some(((Clock::NOON, None), index + 1))),
            "midnight" => return Ok(Some(((Clock::MIDNIGHT, None), index + 1))),
            _ => {}
        }
        if let Some(written) = literal::clock(word) {
            let clock = written?;
            return match literal::meridiem(self.word(index + 1)).filter(|_| clock.pm.is_none()) {
                Some(pm) => match clock.with_meridiem(pm) {
                    Some(clock) => Ok(Some(((clock, None), index + 2))),
                    None => Err(format!("“{word} {}” is no time of day", self.word(index + 1))),
                },
                None => Ok(Some(((clock, None), index + 1))),
            };
        }
        // "Half past three", "quarter to four".
        let (minutes, side) = (self.word(index), self.word(index + 1));
        if matches!(minutes, "half" | "quarter") && matches!(side, "past" | "to") {
            let said =
                look_up(NUMBERS, self.word(index + 2)).or_else(|| literal::number(self.word(index + 2)).map(f64::from));
            let Some(hour) = said.filter(|hour| (1.0..=12.0).contains(hour)) else { return Ok(None) };
            let (part, end) = self.part(index + 3).map_or((None, index + 3), |(part, end)| (Some(part), end));
            let pm = part.is_some_and(|part| part != Part::Morning);
            let offset: i64 = match (minutes, side) {
                ("half", _) => 1_800,
                (_, "past") => 900,
                _ => -900,
            };
            #[allow(clippy::cast_possible_truncation)] // At most twelve.
            let seconds = (hour as i64 % 12) * 3_600 + i64::from(pm) * 43_200 + offset;
            let seconds = u32::try_from(seconds.rem_euclid(86_400)).unwrap_or(0);
            return Ok(Some(((Clock { seconds, precision: Unit::Minute, pm: Some(pm) }, part), end)));
        }
        let Some(hour) = literal::number(word) else { return Ok(None) };
        if let Some(pm) = literal::meridiem(self.word(index + 1)) {
            let clock = Clock::of_twelve(hour, pm);
            let clock = clock.ok_or_else(|| format!("“{word} {}” is no time of day", self.word(index + 1)))?;
            return Ok(Some(((clock, None), index + 2)));
        }
        if matches!(self.word(index + 1), "o'clock" | "o’clock" | "oclock") && hour < 24 {
            let clock = Clock { seconds: hour * 3_600, precision: Unit::Hour, pm: None };
            return Ok(Some(((clock, None), index + 2)));
        }
        if matches!(
            self.before(index),
            "at" | "since"
                | "after"
                | "before"
                | "until"
                | "till"
                | "by"
                | "around"
                | "from"
                | "and"
                | "between"
                | "to"
        ) && let Some((part, end)) = self.part(index + 1)
        {
            let pm = part != Part::Morning && !(part == Part::Night && hour < 6);
            return Ok(Clock::of_twelve(hour, pm).map(|clock| ((clock, None), end)));
        }
        // "After 9 today": an hour before its day.
        let leads =
            matches!(self.before(index), "at" | "since" | "after" | "before" | "until" | "till" | "by" | "from");
        if leads && hour < 24 && matches!(self.word(index + 1), "today" | "yesterday") {
            let clock = Clock { seconds: hour * 3_600, precision: Unit::Hour, pm: None };
            return Ok(Some(((clock, None), index + 1)));
        }
        Ok(None)
    }

    /// "[in the] morning".
    pub(super) fn part(&self, index: usize) -> Option<(Part, usize)> {
        let start = if self.reads(index, &["in", "the"]) { index + 2 } else { self.skip(index, &["at", "this"]) };
        look_up(PARTS, self.word(start)).map(|part| (part, start + 1))
    }
}
