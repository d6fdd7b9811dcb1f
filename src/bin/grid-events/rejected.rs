//! Lines of an input that were rejected: what the store is told of them, so that its answers can say that something was
//! offered and is not there.

use std::path::Path;

use sutra_grid_events::event::timestamp;
use sutra_grid_events::store::{Loss, LossCause};

/// Lines whose numbers are told.
const LINES_TOLD: usize = 5;

/// The rejected lines of one input.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    lines: Vec<u64>,
    first_reason: String,
    count: u64,
    /// The first and the last time of all; nothing if one of them has none that can be read.
    times_us: Option<(i64, i64)>,
}

impl Rejected {
    /// Counts a line. `time_us` is when it says that it happened, as far as that can be read.
    pub(crate) fn add(&mut self, line: u64, time_us: Option<i64>, reason: &str) {
        let times = time_us.map(|time| (time, time));
        if self.count == 0 {
            self.first_reason = reason.to_owned();
            self.times_us = times;
        } else {
            self.times_us = self.times_us.zip(times).map(|(all, new)| (all.0.min(new.0), all.1.max(new.1)));
        }
        self.count += 1;
        if self.lines.len() < LINES_TOLD {
            self.lines.push(line);
        }
    }

    /// What the store is to remember of it, if there was any. Of the input only the name of the file is kept.
    pub(crate) fn loss(&self, input: &Path) -> Option<Loss> {
        let (first, last) = self.times_us.unzip();
        let lines: Vec<String> = self.lines.iter().map(ToString::to_string).collect();
        let more = match self.count - self.lines.len() as u64 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let name = match input.file_name().map(Path::new) {
            Some(name) if name != Path::new("-") => name.display().to_string(),
            _ => "standard input".to_owned(),
        };
        let plural = if self.count == 1 { "" } else { "s" };
        let detail = format!("line{plural} {}{more} of {name}; the first: {}", lines.join(", "), self.first_reason);
        let loss =
            Loss { events: Some(self.count), first_us: first, last_us: last, ..Loss::new(LossCause::Rejected, detail) };
        (self.count > 0).then_some(loss)
    }
}

/// The time in a line that is no event, if it has one.
pub(crate) fn time_in(text: &str) -> Option<i64> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    timestamp::parse(value.get("timestamp")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_names_the_first_lines_and_no_directory() {
        let mut rejected = Rejected::default();
        assert!(rejected.loss(Path::new("x")).is_none());
        for line in 1..=7 {
            rejected.add(line * 10, Some(-(line as i64)), &format!("reason {line}"));
        }
        let loss = rejected.loss(Path::new("/secret/events.jsonl")).expect("lines");
        assert_eq!(loss.detail, "lines 10, 20, 30, 40, 50 and 2 more of events.jsonl; the first: reason 1");
        assert_eq!((loss.events, loss.first_us, loss.last_us), (Some(7), Some(-7), Some(-1)));
        rejected.add(80, None, "no time");
        let loss = rejected.loss(Path::new("-")).expect("lines");
        assert!(loss.detail.ends_with("of standard input; the first: reason 1"), "{}", loss.detail);
        assert_eq!((loss.first_us, loss.last_us), (None, None));
    }

    #[test]
    fn a_line_that_is_no_event_may_have_a_time() {
        assert_eq!(time_in(r#"{"event_type":"Bad-Type","timestamp":"1970-01-01T00:00:01Z"}"#), Some(1_000_000));
        for text in ["", "{}", "[1]", r#"{"timestamp":7}"#, r#"{"timestamp":"noon"}"#] {
            assert_eq!(time_in(text), None, "{text}");
        }
    }
}
