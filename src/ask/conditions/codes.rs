//! Exit codes and signals: "exit code 137", "exited with 1", "SIGSEGV", "OOM kills".

use std::ops::Range;

use super::FoundCondition;
use crate::ask::lexicon::SIGNALS;
use crate::ask::reader::{Reader, Stage};
use crate::query::Filter;

/// The field of exit codes.
const EXIT_CODE: &str = "exit_code";
/// Ends by a signal, in words: the phrase, the signal, and whether the words also say that it crashed.
const ENDS: &[(&[&str], i64)] = &[
    (&["ran", "out", "of", "memory"], 9),
    (&["running", "out", "of", "memory"], 9),
    (&["out", "of", "memory"], 9),
    (&["out-of-memory"], 9),
    (&["oom"], 9),
    (&["ooms"], 9),
    (&["oomed"], 9),
    (&["oomkilled"], 9),
    (&["oom-killed"], 9),
    (&["segmentation", "fault"], 11),
    (&["segmentation", "faults"], 11),
    (&["seg", "fault"], 11),
    (&["seg", "faults"], 11),
    (&["segfault"], 11),
    (&["segfaults"], 11),
    (&["segfaulted"], 11),
    (&["segfaulting"], 11),
    (&["segv"], 11),
];
/// What introduces an exit code.
const CUES: &[&[&str]] = &[
    &["exit", "codes"],
    &["exit", "code"],
    &["exit", "status"],
    &["exitcode"],
    &["exit_code"],
    &["exited", "with"],
    &["exiting", "with"],
    &["exits", "with"],
    &["returned"],
    &["code"],
    &["exit"],
];

pub(super) fn find(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    signals(reader, found);
    ends(reader, found);
    exit_codes(reader, found);
}

fn codes_of(signal: i64) -> [i64; 2] {
    [-signal, 128 + signal]
}

fn push(found: &mut Vec<FoundCondition>, codes: &[i64], negated: bool) {
    let filter = Filter::field(EXIT_CODE).one_of(codes.iter().copied());
    let said: Vec<String> = codes.iter().map(ToString::to_string).collect();
    let (filter, with) = if negated {
        // A crash without a code is none with another code.
        (Filter::field(EXIT_CODE).at_least(i64::MIN).and(filter.not()), "with an exit code other than")
    } else {
        (filter, "with exit code")
    };
    found.push(FoundCondition::of(EXIT_CODE, filter, format!("{with} {}", said.join(" or "))));
}

fn signals(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let text = reader.text(place).to_owned();
        // "SIGKILLs", "sigkilled", "SIGSEGV'd".
        let inflected = SIGNALS.iter().find(|(name, _)| {
            text.strip_prefix(name).is_some_and(|end| matches!(end, "s" | "ed" | "led" | "'d" | "'ed" | "d"))
        });
        let text = inflected.map_or(text, |(name, _)| (*name).to_owned());
        let named = SIGNALS.iter().find(|(name, _)| {
            *name == text || name.strip_prefix("sig") == Some(&text) && reader.text(place.wrapping_sub(1)) == "signal"
        });
        let numbered = (text == "signal").then(|| reader.text(place + 1).parse::<i64>().ok()).flatten();
        let Some(number) = named.map(|(_, number)| *number).or(numbered).filter(|number| (1..=64).contains(number))
        else {
            continue;
        };
        let before = place.checked_sub(1).map_or("", |before| reader.text(before)).to_owned();
        let start = if matches!(before.as_str(), "signal" | "by") && named.is_some() { place - 1 } else { place };
        let end = place + 1 + usize::from(numbered.is_some());
        let negated = negated(reader, start);
        reader.use_words(start..end, Stage::Condition);
        push(found, &codes_of(number), negated);
    }
}

/// Words such as "segfaults", which also are a kind: its stage has used them, and they still are a condition.
fn ends(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    let mut taken: Option<Range<usize>> = None;
    for (phrase, signal) in ENDS {
        let Some(words) = reader.find(phrase) else { continue };
        let overlaps = taken.as_ref().is_some_and(|taken| words.start < taken.end && taken.start < words.end);
        let is_quoted = words.clone().any(|place| reader.tokens[place].quoted);
        if overlaps || is_quoted || !reader.names.has_field(EXIT_CODE) {
            continue;
        }
        let negated = negated(reader, words.start);
        words.clone().filter(|&place| reader.used[place].is_none()).collect::<Vec<_>>().into_iter().for_each(|place| {
            reader.use_words(place..place + 1, Stage::Condition);
        });
        taken = Some(words);
        push(found, &codes_of(*signal), negated);
    }
}

fn negated(reader: &mut Reader<'_>, place: usize) -> bool {
    let Some((_, words)) = reader.negation_before(place).filter(|(_, words)| reader.used[words.start].is_none()) else {
        return false;
    };
    reader.use_words(words, Stage::Condition);
    true
}

fn exit_codes(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for phrase in CUES {
        // "Exited" is a kind by now, and "with" is nobody's.
        let Some(words) = reader.find(phrase) else { continue };
        let is_free = words.clone().all(|place| reader.used[place].is_none() || phrase[0].starts_with("exit"));
        let mut next = words.end;
        let mut negated = false;
        loop {
            match reader.text(next) {
                "of" | "is" | "was" | "=" | "==" | "equal" | "to" | "with" | "status" | "code" | "being" | "either" => {
                }
                "not" | "other" | "than" | "different" | "from" | "!=" | "but" | "wasn't" | "except" => negated = true,
                _ => break,
            }
            next += 1;
        }
        let mut codes = Vec::new();
        let mut end = next;
        while let Ok(code) = reader.text(next).trim_start_matches('#').parse::<i64>() {
            codes.push(code);
            end = next + 1;
            next = end + usize::from(matches!(reader.text(end), "or" | "and" | "nor"));
        }
        if codes.is_empty() || !is_free {
            continue;
        }
        if !negated {
            negated = self::negated(reader, words.start);
        }
        reader.use_words(words.start..end, Stage::Condition);
        push(found, &codes, negated);
    }
}
