//! How often something must have happened to a thing: "restarted at least 3 times", "with more than 2 crashes".

use super::Found;
use super::counted::small_number;
use crate::ask::question::Times;
use crate::ask::reader::{Reader, Stage};

/// Words before a number of times, and the numbers that they allow.
type Bound = (&'static [&'static str], fn(u64) -> Times);

/// What stands before a number of times, and which numbers it allows, from the number on.
const BEFORE: &[Bound] = &[
    (&["at", "least"], |n| Times { at_least: n, at_most: None }),
    (&["more", "than"], |n| Times { at_least: n.saturating_add(1), at_most: None }),
    (&["over"], |n| Times { at_least: n.saturating_add(1), at_most: None }),
    (&["at", "most"], |n| Times { at_least: 1, at_most: Some(n) }),
    (&["no", "more", "than"], |n| Times { at_least: 1, at_most: Some(n) }),
    (&["less", "than"], |n| Times { at_least: 1, at_most: Some(n.saturating_sub(1)) }),
    (&["fewer", "than"], |n| Times { at_least: 1, at_most: Some(n.saturating_sub(1)) }),
    (&["exactly"], |n| Times { at_least: n, at_most: Some(n) }),
    (&["only"], |n| Times { at_least: n, at_most: Some(n) }),
    (&["just"], |n| Times { at_least: n, at_most: Some(n) }),
];

/// Finds how often, and uses the words that say it.
pub(super) fn find(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Times> {
    if found.kinds.is_empty() {
        return None;
    }
    if reader.cue_unused(&[
        &["multiple", "times"],
        &["several", "times"],
        &["repeatedly"],
        &["multiple"],
        &["many", "times"],
    ]) {
        return Some(Times { at_least: 2, at_most: None });
    }
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let (number, mut end, is_adverb) = match reader.text(place) {
            "once" => (1, place + 1, true),
            "twice" => (2, place + 1, true),
            "thrice" => (3, place + 1, true),
            word => match small_number(word) {
                Some(number) => (number as u64, place + 1, false),
                None => continue,
            },
        };
        let or_more = ["more", "above"].iter().any(|word| reader.text(end) == "or" && reader.text(end + 1) == *word);
        end += 2 * usize::from(or_more);
        let says_times = matches!(reader.text(end), "times" | "time");
        // A number in front of the kind itself: "more than 2 crashes".
        let of_kind = found.kinds.iter().any(|kind| kind.words.start == end && kind.words.end > 0);
        let (start, times) = BEFORE
            .iter()
            .filter_map(|(phrase, times)| {
                let start = place.checked_sub(phrase.len())?;
                let fits = phrase.iter().enumerate().all(|(nth, word)| reader.text(start + nth) == *word);
                fits.then(|| (start, times(number)))
            })
            .min_by_key(|(start, _)| *start)
            .unwrap_or((place, Times { at_least: number, at_most: (!or_more).then_some(number) }));
        let is_said = says_times || is_adverb || of_kind && (start < place || or_more);
        if !is_said {
            continue;
        }
        reader.use_words(start..end + usize::from(says_times), Stage::Intent);
        return Some(times);
    }
    None
}
