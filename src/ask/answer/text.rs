//! The answer for a person: first the answer, then the evidence, then what is uncertain.

use super::{Given, NumberFound};
use crate::ask::options::AskOptions;
use crate::ask::question::{Absence, Counted, Intent};
use crate::error::StoreError;
use crate::event::{ConceptId, timestamp};
use crate::query::{Filter, Query};
use crate::store::{Snapshot, StoredEvent};

/// Events that are told in full.
const EVENTS_TOLD: usize = 12;
/// Names, groups and gaps that are told.
const NAMES_TOLD: usize = 20;
const GAPS_TOLD: usize = 5;

pub(super) fn of(given: &Given, snapshot: &Snapshot, options: &AskOptions) -> Result<String, StoreError> {
    let teller = Teller { given, snapshot, options };
    let mut lines = vec![teller.headline()];
    lines.extend(teller.unknown());
    lines.extend(teller.evidence()?);
    lines.extend(given.notes.iter().map(|note| format!("Note: {note}.")));
    lines.extend(teller.gaps());
    lines.push(format!("(Read as: {}.)", given.question.reading));
    Ok(lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n"))
}

struct Teller<'a> {
    given: &'a Given,
    snapshot: &'a Snapshot,
    options: &'a AskOptions,
}

impl Teller<'_> {
    fn headline(&self) -> String {
        let given = self.given;
        if let Some(yes) = given.yes {
            let detail = if given.status.is_empty() { events(given.matched) } else { self.states() };
            return format!("{}: {detail}.", if yes { "Yes" } else { "No" });
        }
        match &given.question.intent {
            Intent::List { .. } | Intent::Timeline { .. } | Intent::Groups { .. } if given.matched == 0 => {
                "No such event is recorded.".to_owned()
            }
            Intent::List { limit: Some(_), .. } => {
                let shown = given.count.unwrap_or(given.matched);
                if shown < given.matched {
                    format!("{shown} of {}.", events(given.matched))
                } else {
                    format!("{}.", events(shown))
                }
            }
            Intent::Count(Counted::Distinct(field)) => {
                format!("{} different {field} ({}).", given.count.unwrap_or(0), events(given.matched))
            }
            Intent::Entities { .. } | Intent::Absence(_) if given.entities.is_empty() => "None.".to_owned(),
            Intent::Entities { .. } => format!("{} ({}).", names(&given.entities), events(given.matched)),
            Intent::Absence(Absence::Unanswered { .. }) => {
                format!("{} without an answer: {}.", events(given.matched), names(&given.entities))
            }
            Intent::Absence(_) => format!("{}.", names(&given.entities)),
            Intent::Top { .. } => match given.groups.first() {
                Some(first) => format!("{}: {} of {}.", first.key, first.count, events(given.matched)),
                None => "No such event is recorded.".to_owned(),
            },
            Intent::Status { .. } if given.status.is_empty() => "None.".to_owned(),
            Intent::Status { .. } => format!("{}.", self.states()),
            Intent::Why { .. } => match given.chain.len() {
                0 => "There is no such event in the record.".to_owned(),
                1 => "Nothing that led to it or came of it is recorded.".to_owned(),
                _ => "From the root on:".to_owned(),
            },
            Intent::Value(_) => match &given.value {
                Some(NumberFound { number: Some(number), unit, .. }) => self.number(*number, unit),
                _ => "There is nothing to compute it from.".to_owned(),
            },
            Intent::Compare(_) => {
                let sides: Vec<String> =
                    given.groups.iter().map(|group| format!("{} for {}", group.count, group.key)).collect();
                let verdict = given.lines.first().map_or("", String::as_str);
                format!("{}: {verdict}.", sides.join(", "))
            }
            _ => format!("{}.", events(given.matched)),
        }
    }

    fn number(&self, number: f64, unit: &str) -> String {
        let given = self.given;
        match (&given.question.intent, unit) {
            (Intent::Value(crate::ask::question::ValueOf::Rate { .. }), _) => {
                format!("{} % ({} of {}).", rounded(number * 100.0), given.count.unwrap_or(0), given.matched)
            }
            (_, "seconds") => format!("{} ({}).", length(number), events(given.matched)),
            (_, "") => format!("{} ({}).", rounded(number), events(given.matched)),
            (_, unit) => format!("{} {unit} ({}).", rounded(number), events(given.matched)),
        }
    }

    fn states(&self) -> String {
        let told = self.given.status.iter().take(NAMES_TOLD).map(|state| match &state.since {
            Some(since) => format!("{} is {} since {}", state.entity, state.state, self.when(since)),
            None => format!("the record says nothing of the state of {}", state.entity),
        });
        let mut text = told.collect::<Vec<_>>().join("; ");
        if self.given.status.len() > NAMES_TOLD {
            text.push_str(&format!("; and {} more", self.given.status.len() - NAMES_TOLD));
        }
        text
    }

    /// A time of an answer in the zone of the question.
    fn when(&self, since: &str) -> String {
        timestamp::parse(since).map_or_else(|_| since.to_owned(), |us| self.options.zone.format(us))
    }

    fn unknown(&self) -> Vec<String> {
        let names = self.given.question.unknown.iter();
        let told = names.map(|(name, close)| match close.as_slice() {
            [] => format!("The record has nothing named {name}."),
            close => format!("The record has nothing named {name}; did you mean {}?", close.join(" or ")),
        });
        told.collect()
    }

    fn evidence(&self) -> Result<Vec<String>, StoreError> {
        let given = self.given;
        let mut lines = Vec::new();
        match &given.question.intent {
            Intent::Why { .. } => {
                for link in &given.chain {
                    let when = link.id.parse::<ConceptId>().map(|id| self.options.zone.format(id.timestamp_us()));
                    lines.push(format!(
                        "  {}  {} [{}: {}]",
                        when.unwrap_or_default(),
                        link.text,
                        link.grade,
                        link.role
                    ));
                }
            }
            Intent::Groups { .. } | Intent::Top { .. } => {
                lines.extend(
                    given.groups.iter().take(NAMES_TOLD).map(|group| format!("{:>8}  {}", group.count, group.key)),
                );
                if given.groups.len() > NAMES_TOLD {
                    lines.push(format!("  … and {} more groups", given.groups.len() - NAMES_TOLD));
                }
                if given.ungrouped > 0 {
                    lines.push(format!("{:>8}  (without it)", given.ungrouped));
                }
            }
            Intent::Compare(_) => {}
            Intent::Value(_) if !given.lines.is_empty() => {
                lines.extend(given.lines.iter().map(|line| format!("  {line}")));
            }
            Intent::Timeline { .. } => lines = self.timeline()?,
            _ => {
                let told = if given.shown.is_empty() {
                    given.events.iter().take(EVENTS_TOLD).filter_map(|id| id.parse().ok()).collect()
                } else {
                    given.shown.clone()
                };
                for id in &told {
                    lines.extend(self.snapshot.get(id)?.map(|stored| self.event(&stored)));
                }
                let left = given.matched.saturating_sub(told.len() as u64);
                let all_asked = matches!(given.question.intent, Intent::List { limit: None, .. } | Intent::Count(_));
                if left > 0 && all_asked {
                    lines.push(format!("  … and {left} more"));
                }
            }
        }
        Ok(lines)
    }

    /// The events of an entity without its heartbeats, which are told as a number.
    fn timeline(&self) -> Result<Vec<String>, StoreError> {
        let filter = &self.given.question.filter;
        let beat = Filter::event_type("agent_heartbeat");
        let beats = self.snapshot.count(&filter.clone().and(beat.clone()))?;
        let others = Query::new(filter.clone().and(beat.not())).limit(EVENTS_TOLD);
        let told = self.snapshot.query(&others)?.events;
        let mut lines: Vec<String> = told.iter().map(|stored| self.event(stored)).collect();
        let left = self.given.matched.saturating_sub(beats).saturating_sub(told.len() as u64);
        if left > 0 {
            lines.push(format!("  … and {left} more"));
        }
        if beats > 0 {
            lines.push(format!("  beside {beats} heartbeats"));
        }
        Ok(lines)
    }

    fn event(&self, stored: &StoredEvent) -> String {
        let when = self.options.zone.format(stored.event.timestamp_us());
        format!("  {when}  {}", stored.event.to_description())
    }

    fn gaps(&self) -> Vec<String> {
        let gaps = &self.given.gaps;
        let at = |time_us: i64| self.options.zone.format(time_us);
        let told = gaps.iter().take(GAPS_TOLD).map(|gap| {
            let when = match (gap.since_us, gap.until_us) {
                (Some(since), Some(until)) => format!(" from {} until {}", at(since), at(until)),
                (Some(since), None) => format!(" from {} on", at(since)),
                (None, Some(until)) => format!(" before {}", at(until)),
                (None, None) => String::new(),
            };
            format!("Incomplete{when}: {}.", gap.reason)
        });
        let mut lines: Vec<String> = told.collect();
        if gaps.len() > GAPS_TOLD {
            lines.push(format!("… and {} more gaps.", gaps.len() - GAPS_TOLD));
        }
        lines
    }
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

fn names(names: &[String]) -> String {
    let mut text = names.iter().take(NAMES_TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_TOLD {
        text.push_str(&format!(" and {} more", names.len() - NAMES_TOLD));
    }
    text
}

/// At most three digits behind the point, none that are zero.
fn rounded(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A length of time in seconds, and in larger units where it has any.
pub(super) fn length(seconds: f64) -> String {
    let exact = format!("{} s", rounded(seconds));
    if !(60.0..1e12).contains(&seconds) {
        return exact;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between a minute and 1e12 s.
    let whole = seconds.round() as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")];
    let told: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    format!("{exact}, that is {}", told.join(" "))
}

/// The text with every character that would steer a terminal, or reorder what it shows, as an escape.
fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
    };
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\u{202e}ä\n"), "a\\u{1b}[31m\\u{202e}ä\\n");
    }

    #[test]
    fn lengths_read_well() {
        assert_eq!(length(12.5), "12.5 s");
        assert_eq!(length(1_200.0), "1200 s, that is 20 min");
        assert_eq!(length(90_061.0), "90061 s, that is 1 d 1 h 1 min 1 s");
    }
}
