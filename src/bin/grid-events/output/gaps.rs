//! What is known to be missing from the record, beside an answer: notes for people, an array for programs.

use anyhow::Result;
use sutra_grid_events::query::Gap;

use super::{format_time, note};

/// Gaps that are told one by one.
const GAPS_TOLD: usize = 5;

/// Tells people, on stderr, where the record is incomplete, and what that means if nothing was found.
pub(crate) fn tell_gaps(gaps: &[Gap], hits: u64) {
    for line in lines(gaps, hits) {
        note(&line);
    }
}

/// The gaps as a JSON array.
pub(crate) fn gaps_json(gaps: &[Gap]) -> Result<String> {
    Ok(serde_json::to_string(gaps)?)
}

fn lines(gaps: &[Gap], hits: u64) -> Vec<String> {
    let line = |gap: &Gap| {
        let when = match (gap.since_us, gap.until_us) {
            (Some(since), Some(until)) => format!(" from {} until {}", format_time(since), format_time(until)),
            (Some(since), None) => format!(" from {} on", format_time(since)),
            (None, Some(until)) => format!(" before {}", format_time(until)),
            (None, None) => String::new(),
        };
        format!("the record is incomplete{when}: {}", gap.reason)
    };
    let mut lines: Vec<String> = gaps.iter().take(GAPS_TOLD).map(line).collect();
    if gaps.len() > GAPS_TOLD {
        lines.push(format!("the record is incomplete: {} further gaps", gaps.len() - GAPS_TOLD));
    }
    if let Some(last) = lines.last_mut().filter(|_| hits == 0) {
        last.push_str("; so 0 does not mean that nothing happened");
    }
    lines
}

#[cfg(test)]
mod tests {
    use sutra_grid_events::query::GapCause;

    use super::*;

    #[test]
    fn gaps_are_told_with_their_times_and_what_they_mean() {
        let gap = |since_us, until_us| Gap::new(since_us, until_us, GapCause::Lost, "x");
        assert_eq!(
            lines(&[gap(Some(0), Some(1_000_000)), gap(None, None)], 1),
            [
                "the record is incomplete from 1970-01-01T00:00:00Z until 1970-01-01T00:00:01Z: x",
                "the record is incomplete: x"
            ]
        );
        let one = lines(&[gap(Some(0), None)], 0);
        assert_eq!(
            one,
            ["the record is incomplete from 1970-01-01T00:00:00Z on: x; so 0 does not mean that nothing happened"]
        );
        let many = lines(&vec![gap(None, Some(0)); 7], 1);
        assert_eq!((many.len(), many[5].as_str()), (6, "the record is incomplete: 2 further gaps"));
        assert!(lines(&[], 0).is_empty());
    }

    #[test]
    fn gaps_have_a_fixed_form() {
        let gap = Gap { events: Some(3), ..Gap::new(Some(0), None, GapCause::Thinned, "x") };
        assert_eq!(
            gaps_json(&[gap]).expect("JSON"),
            concat!(
                r#"[{"since":"1970-01-01T00:00:00.000000Z","until":null,"events":3,"first_sequence":null,"#,
                r#""last_sequence":null,"event_type":null,"cause":"thinned","reason":"x"}]"#
            )
        );
    }
}
