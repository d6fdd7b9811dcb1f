//! Finds the times in a question: what stands alone, what a word makes a side of ("since", "until"), ranges of
//! two times, stretches beside an event, and words about the future.

use std::ops::Range;

use super::calendar::{Base, Point, Span, Towards};
use super::literal;
use super::pieces::Amount;
use super::point::{Read, Reader};
use super::words::{DOUBTFUL, FILLERS, FUTURE, MONTHS, PREPOSITIONS, UNITS, Unit, WEEKDAYS, look_up};
use super::{EventWindow, WindowKind};

/// What is said of one or two times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Whole(Point),
    Around(Point),
    Since(Point),
    After(Point),
    Before(Point),
    Until(Point),
    Between(Ends),
}

/// The two ends of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ends {
    pub(super) from: Point,
    /// Whether the first is left out.
    pub(super) after: bool,
    pub(super) to: Point,
    /// Whether the second is left out.
    pub(super) before: bool,
}

/// A time expression and its words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) shape: Shape,
    pub(super) words: Range<usize>,
}

/// The time expressions of a question.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) items: Vec<Item>,
    /// The stretch beside an event, with its words.
    pub(super) window: Option<(EventWindow, Range<usize>)>,
}

/// Words that set two times against each other.
const COMPARING: &[&str] = &["difference", "compare", "comparison", "compared", "differ"];

/// Words that join the two ends of a range.
const JOINING: &[&str] = &["to", "until", "till", "through", "thru", "-", "–", "—"];

impl Reader<'_> {
    /// Reads the whole question. What was found before an error stays in `found`.
    pub(super) fn items(&self, found: &mut Items) -> Result<(), String> {
        let mut index = 0;
        let mut read_to = 0;
        while index < self.words.len() {
            self.refuse_future(index)?;
            // "the last 10 minutes before …": beside an event or a time, not back from now.
            let counted = self.skip(self.skip(index, &["the"]), &["last", "first", "final", "just"]);
            if let Some((target, end)) = self.window(counted)? {
                let start = self.absorb(index, read_to, PREPOSITIONS);
                match target {
                    Target::Event(window) => found.window = Some((window, start..end)),
                    Target::Span(span) => {
                        found.items.push(Item { shape: Shape::Whole(Point::of(Base::Fixed(span))), words: start..end });
                    }
                }
                (index, read_to) = (end, end);
                continue;
            }
            let Some((shape, end)) = self.shape(index)? else {
                index += 1;
                continue;
            };
            let absorbed = match shape {
                Shape::Whole(_) | Shape::Around(_) => PREPOSITIONS,
                _ => &["in"],
            };
            let start = self.absorb(index, read_to, absorbed);
            let end = if self.reads(end, &["so", "far"]) { end + 2 } else { self.skip(end, &["onwards", "onward"]) };
            found.items.push(Item { shape, words: start..end });
            (index, read_to) = (end, end);
        }
        Ok(())
    }

    /// Where the prepositions and articles begin that stand before a time.
    fn absorb(&self, index: usize, read_to: usize, prepositions: &[&str]) -> usize {
        let mut start = index;
        while start > read_to && index - start < 4 {
            let before = self.before(start);
            if !FILLERS.contains(&before) && !prepositions.contains(&before) {
                break;
            }
            start -= 1;
        }
        start
    }

    fn shape(&self, index: usize) -> Read<Shape> {
        let word = self.word(index);
        match word {
            // "The difference between yesterday and today" names two times, no range.
            "between" if self.words.iter().any(|word| COMPARING.contains(&word.text)) => return Ok(None),
            "between" => {
                return match self.ends(index + 1, &["and", "to", "-", "–"])? {
                    Some(found) => Ok(Some(found)),
                    None => Ok(None),
                };
            }
            "from" => {
                if let Some(found) = self.ends(index + 1, JOINING)? {
                    return Ok(Some(found));
                }
                return Ok(self.point(index + 1)?.map(|(point, end)| {
                    let on = matches!(self.word(end), "on" | "onward" | "onwards" | "forward");
                    if on { (Shape::Since(point), end + 1) } else { (Shape::Whole(point), end) }
                }));
            }
            "since" | "after" | "starting" | "beginning" | "past" | "later" | "newer" => {
                let start = self.skip(index + 1, &["from", "at", "on", "than"]);
                if matches!(word, "later" | "newer") && self.word(index + 1) != "than" {
                    return Ok(None);
                }
                let after = matches!(word, "after" | "past" | "later" | "newer");
                if let Some(found) = self.open_ends(start, after)? {
                    return Ok(Some(found));
                }
                let found = self.edge(start)?;
                if let Some((point, end)) = found {
                    return Ok(Some((if after { Shape::After(point) } else { Shape::Since(point) }, end)));
                }
            }
            "before" | "prior" | "until" | "till" | "up" | "upto" | "by" | "through" | "older" | "earlier" => {
                let start = match word {
                    "prior" | "up" => self.skip(index + 1, &["to"]),
                    _ => self.skip(index + 1, &["than"]),
                };
                if matches!(word, "prior" | "up" | "older" | "earlier") && start == index + 1 {
                    return Ok(None);
                }
                let start = if self.reads(start, &["and", "including"]) { start + 2 } else { start };
                let start = self.skip(start, &["until", "at", "on"]);
                let before = matches!(word, "before" | "prior" | "older" | "earlier");
                if let Some((point, end)) = self.edge(start)? {
                    return Ok(Some((if before { Shape::Before(point) } else { Shape::Until(point) }, end)));
                }
            }
            "around" | "about" | "approximately" | "roughly" | "circa" | "near" => {
                let found = self.point(self.skip(index + 1, &["at"]))?;
                return Ok(found.map(|(point, end)| (Shape::Around(point), end)));
            }
            _ => {}
        }
        if let Some(found) = self.dashed(index)? {
            return Ok(Some(found));
        }
        if let Some(span) = self.bare_amount(index)? {
            return Ok(Some((Shape::Whole(Point::of(Base::Fixed(span))), index + 1)));
        }
        let Some((point, end)) = self.point(index)? else { return Ok(None) };
        // "Monday to Wednesday".
        if JOINING.contains(&self.word(end))
            && let Some((to, after)) = self.edge(end + 1)?
        {
            return Ok(Some((Shape::Between(Ends { from: point, after: false, to, before: false }), after)));
        }
        Ok(Some((Shape::Whole(point), end)))
    }

    /// "crashes agent-001 24h": a stretch in one word that nothing else is said of counts back from now.
    fn bare_amount(&self, index: usize) -> Result<Option<Span>, String> {
        let word = self.word(index);
        let is_one_word = word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['h', 'd', 'w']);
        let measures = ["than", "least", "most", "over", "under", "above", "below", "for", "of", "took", "exactly"];
        if !is_one_word || measures.contains(&self.before(index)) {
            return Ok(None);
        }
        let Some((amount, _)) = self.amount(index)?.filter(|(_, end)| *end == index + 1) else { return Ok(None) };
        let next = self.word(index + 1);
        if matches!(next, "ago" | "before" | "after" | "around" | "window" | "bucket" | "buckets" | "prior") {
            return Ok(None);
        }
        let since = self.calendar.before_now(amount.count, amount.unit).ok_or("nothing is recorded that far back")?;
        Ok(Some(Span { since, until: self.calendar.now_us, at: None }))
    }

    /// "since Monday until Wednesday", "after 14:00 and before 16:00".
    fn open_ends(&self, index: usize, after: bool) -> Read<Shape> {
        let Some((from, end)) = self.edge(index)? else { return Ok(None) };
        let joint = self.skip(end, &["and", "but"]);
        let before = self.word(joint) == "before";
        if !before && !JOINING.contains(&self.word(joint)) {
            return Ok(None);
        }
        let to = self.edge(joint + 1)?;
        Ok(to.map(|(to, end)| (Shape::Between(Ends { from, after, to, before }), end)))
    }

    /// Two times with a joining word between; either may lack what the other says ("2 and 4 pm", "Nov 18 to 20").
    fn ends(&self, index: usize, joining: &[&str]) -> Read<Shape> {
        let between = |from, to| Shape::Between(Ends { from, after: false, to, before: false });
        if let Some((from, joint)) = self.edge(index)? {
            if !joining.contains(&self.word(joint)) {
                return Ok(None);
            }
            let second = self.skip(joint + 1, &["the"]);
            if let Some((to, end)) = self.edge(joint + 1)? {
                return Ok(Some((between(from, to), end)));
            }
            let day = literal::number(self.word(second)).or_else(|| literal::ordinal(self.word(second)));
            let to = match (from.base, day) {
                (Base::MonthDay(month, _), Some(day @ 1..=31)) => Base::MonthDay(month, day),
                _ => return Ok(None),
            };
            return Ok(Some((between(from, Point::of(to)), second + 1)));
        }
        let first = self.skip(index, &["the"]);
        let number = literal::number(self.word(first)).or_else(|| literal::ordinal(self.word(first)));
        let Some(number) = number.filter(|_| joining.contains(&self.word(first + 1))) else { return Ok(None) };
        let Some((to, end)) = self.edge(self.skip(first + 2, &["the"]))? else { return Ok(None) };
        if let Some(clock) = to.clock {
            let Some(pm) = clock.pm else { return Ok(None) };
            let same = literal::Clock::of_twelve(number, pm);
            // "11 to 1 pm" begins in the morning.
            let from = match same {
                Some(start) if start.seconds >= clock.seconds => literal::Clock::of_twelve(number, !pm),
                start => start,
            };
            let from = from.map(|clock| Point { clock: Some(clock), ..to });
            return Ok(from.map(|from| (between(from, to), end)));
        }
        let from = match to.base {
            Base::MonthDay(month, _) => Base::MonthDay(month, number),
            Base::Date(date) => match chrono::Datelike::with_day(&date, number) {
                Some(date) => Base::Date(date),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok((1..=31).contains(&number).then_some((between(Point::of(from), to), end)))
    }

    /// `14:00-16:00` in one word.
    fn dashed(&self, index: usize) -> Read<Shape> {
        let Some((from, to)) = self.word(index).split_once(['-', '–']) else { return Ok(None) };
        let (Some(from), Some(to)) = (literal::clock(from), literal::clock(to)) else { return Ok(None) };
        let point = |clock| Point { clock: Some(clock), ..Point::of(Base::None) };
        let ends = Ends { from: point(from?), after: false, to: point(to?), before: false };
        Ok(Some((Shape::Between(ends), index + 1)))
    }

    /// "10 minutes before node-x crashed", "within an hour of 03:10", "the hour after …".
    fn window(&self, index: usize) -> Read<Target> {
        let bare = look_up(UNITS, self.word(index)).filter(|unit| {
            *unit != Unit::Second
                && self.word(index).len() > 2
                && matches!(self.before(index), "the" | "last" | "first")
        });
        let read = match bare {
            Some(unit) => Some((Amount { count: 1.0, unit }, index + 1)),
            None => self.amount(index)?,
        };
        let Some((amount, end)) = read else { return Ok(None) };
        let end = self.skip(end, &["window", "period", "interval", "stretch"]);
        let (kind, target) = match self.word(end) {
            "before" | "preceding" => (WindowKind::Before, end + 1),
            "prior" => (WindowKind::Before, self.skip(end + 1, &["to"])),
            "leading" if self.reads(end, &["leading", "up", "to"]) => (WindowKind::Before, end + 3),
            "after" | "following" => (WindowKind::After, end + 1),
            // "in the last hour around agent-001" names a place, not a centre.
            "around" if self.before(index) != "last" => (WindowKind::Around, end + 1),
            "of" if self.before(index) == "within" => (WindowKind::Around, end + 1),
            _ => return Ok(None),
        };
        if target >= self.words.len() || self.before(index) == "than" {
            return Ok(None);
        }
        let amount_us = (amount.count * amount.unit.micros() as f64).clamp(0.0, 9e15) as i64;
        let Some((point, end)) = self.edge(target)? else {
            return Ok(Some((Target::Event(EventWindow { kind, amount_us, event: target }), target)));
        };
        let span = self.calendar.resolve(&point, Towards::Past(self.calendar.now_us))?;
        let (start, finish) = (span.at.unwrap_or(span.since), span.at.unwrap_or(span.until));
        let (since, until) = match kind {
            WindowKind::Before => (start.saturating_sub(amount_us), start),
            WindowKind::After => (finish, finish.saturating_add(amount_us)),
            WindowKind::Around => (start.saturating_sub(amount_us), finish.saturating_add(amount_us)),
        };
        Ok(Some((Target::Span(Span { since, until, at: None }), end)))
    }

    /// Nothing is recorded of the future, so what asks about it has no answer.
    fn refuse_future(&self, index: usize) -> Result<(), String> {
        let refuse =
            |words: String| Err(format!("“{words}” is about the future, and only what has happened is recorded"));
        let (word, next) = (self.word(index), self.word(index + 1));
        if FUTURE.contains(&word) {
            return refuse(word.to_owned());
        }
        let unit = look_up(UNITS, next).is_some_and(|unit| unit != Unit::Second) && next.len() > 2;
        let named = look_up(WEEKDAYS, next).is_some() || look_up(MONTHS, next).is_some();
        let ahead = matches!(word, "next" | "coming");
        if ahead && (unit || next == "weekend" || (named && !DOUBTFUL.contains(&next))) {
            return refuse(format!("{word} {next}"));
        }
        if word == "going" && next == "to" && self.word(index + 2).len() > 1 {
            return refuse("going to".to_owned());
        }
        if (ahead || word == "in")
            && let Some((amount, end)) = self.amount(index + 1)?
        {
            // "in a second attempt", "in 5 minute buckets", "in the 10 minutes before" are of the past.
            let ordinal = amount.unit == Unit::Second && next == "a";
            let goes_on =
                ["bucket", "bin", "interval", "step", "window", "chunk", "before", "after", "around", "prior"];
            let past = ["leading", "following", "preceding", "of"];
            let after = self.word(end);
            if !ordinal && !goes_on.iter().any(|word| after.starts_with(word)) && !past.contains(&after) {
                let said: Vec<&str> = (index..end).map(|index| self.word(index)).collect();
                return refuse(said.join(" "));
            }
        }
        Ok(())
    }
}

/// What a stretch of time stands beside.
pub(super) enum Target {
    /// An event, which the caller looks for.
    Event(EventWindow),
    /// A time, and then it is known.
    Span(Span),
}
