//! Comparisons of fields with numbers: "more than 1 GB of memory", "slower than 60 ms", "a limit of 512 MB".

use std::ops::Range;

use super::FoundCondition;
use crate::ask::fields;
use crate::ask::reader::{Reader, Stage};
use crate::event::Value;
use crate::query::{Filter, Test};

/// The words of a comparison, and the test that they mean.
type Comparison = (&'static [&'static str], fn(Value) -> Test);

/// What a comparison is called in front of its number, its words longest first.
const COMPARISONS: &[Comparison] = &[
    (&["greater", "than", "or", "equal", "to"], Test::AtLeast),
    (&["less", "than", "or", "equal", "to"], Test::AtMost),
    (&["no", "more", "than"], Test::AtMost),
    (&["not", "more", "than"], Test::AtMost),
    (&["no", "less", "than"], Test::AtLeast),
    (&["not", "less", "than"], Test::AtLeast),
    (&["more", "than"], Test::Greater),
    (&["greater", "than"], Test::Greater),
    (&["larger", "than"], Test::Greater),
    (&["higher", "than"], Test::Greater),
    (&["bigger", "than"], Test::Greater),
    (&["longer", "than"], Test::Greater),
    (&["slower", "than"], Test::Greater),
    (&["in", "excess", "of"], Test::Greater),
    (&["less", "than"], Test::Less),
    (&["fewer", "than"], Test::Less),
    (&["lower", "than"], Test::Less),
    (&["smaller", "than"], Test::Less),
    (&["shorter", "than"], Test::Less),
    (&["faster", "than"], Test::Less),
    (&["quicker", "than"], Test::Less),
    (&["at", "least"], Test::AtLeast),
    (&["at", "most"], Test::AtMost),
    (&["up", "to"], Test::AtMost),
    (&["above"], Test::Greater),
    (&["over"], Test::Greater),
    (&["exceeding"], Test::Greater),
    (&["exceeds"], Test::Greater),
    (&["exceeded"], Test::Greater),
    (&["exceed"], Test::Greater),
    (&["beyond"], Test::Greater),
    (&["below"], Test::Less),
    (&["under"], Test::Less),
    (&[">="], Test::AtLeast),
    (&["<="], Test::AtMost),
    (&[">"], Test::Greater),
    (&["<"], Test::Less),
    (&["!="], Test::Differs),
    (&["equal", "to"], Test::Equals),
    (&["equals"], Test::Equals),
    (&["exactly"], Test::Equals),
    (&["="], Test::Equals),
    (&["=="], Test::Equals),
];

/// What follows a number: "2048 MB or more".
const BEHIND: &[Comparison] = &[
    (&["or", "more"], Test::AtLeast),
    (&["or", "above"], Test::AtLeast),
    (&["or", "higher"], Test::AtLeast),
    (&["or", "greater"], Test::AtLeast),
    (&["or", "larger"], Test::AtLeast),
    (&["or", "longer"], Test::AtLeast),
    (&["or", "slower"], Test::AtLeast),
    (&["and", "above"], Test::AtLeast),
    (&["and", "up"], Test::AtLeast),
    (&["or", "less"], Test::AtMost),
    (&["or", "fewer"], Test::AtMost),
    (&["or", "lower"], Test::AtMost),
    (&["or", "below"], Test::AtMost),
    (&["or", "smaller"], Test::AtMost),
    (&["or", "shorter"], Test::AtMost),
    (&["or", "faster"], Test::AtMost),
];

/// Words that say that the time is compared that something took.
const LASTING: &[&str] = &[
    "took", "take", "taking", "takes", "taken", "lasted", "lasting", "lasts", "last", "slower", "faster", "longer",
    "shorter", "quicker", "ran", "running",
];

const UNITS: &[&str] = &[
    "mb",
    "gb",
    "tb",
    "kb",
    "mib",
    "gib",
    "megabytes",
    "gigabytes",
    "megabyte",
    "gigabyte",
    "ms",
    "millis",
    "milliseconds",
    "millisecond",
    "s",
    "seconds",
    "second",
    "sec",
    "secs",
    "minutes",
    "minute",
    "min",
    "mins",
    "hours",
    "hour",
    "h",
    "percent",
    "us",
    "microseconds",
    "cores",
    "cpus",
    "%",
];

const TIME_UNITS: &[&str] = &["second", "minute", "hour", "millisecond"];

pub(super) fn find(reader: &mut Reader<'_>, types: &[String], found: &mut Vec<FoundCondition>) {
    between(reader, types, found);
    for (phrase, test) in COMPARISONS {
        while let Some(words) = reader.find_unused(phrase) {
            let before = found.len();
            compared(reader, types, phrase, *test, words, found);
            if found.len() == before {
                break;
            }
        }
    }
    bare(reader, types, found);
}

/// "Latency between 10 and 50 ms", where the time stage did not take it for a time.
fn between(reader: &mut Reader<'_>, types: &[String], found: &mut Vec<FoundCondition>) {
    let Some(words) = reader.find_unused(&["between"]) else { return };
    let Some((low, low_unit, low_words)) = number_at(reader, words.end) else { return };
    if reader.text(low_words.end) != "and" {
        return;
    }
    let Some((high, high_unit, high_words)) = number_at(reader, low_words.end + 1) else { return };
    let Some((field, field_words)) = field_of(reader, types, &words, &high_words, "between") else { return };
    let unit = if low_unit.is_empty() { high_unit.clone() } else { low_unit };
    let (low, high) = (whole(scale(low, &unit, &field)), whole(scale(high, &high_unit, &field)));
    let reading = format!("with {field} from {low} to {high}");
    let filter = Filter::field(field.as_str()).at_least(low).and(Filter::field(field.as_str()).at_most(high));
    reader.use_words(words.start..high_words.end, Stage::Condition);
    reader.use_words(field_words, Stage::Condition);
    found.push(FoundCondition::of(&field, filter, reading));
}

fn compared(
    reader: &mut Reader<'_>,
    types: &[String],
    phrase: &[&str],
    test: fn(Value) -> Test,
    words: Range<usize>,
    found: &mut Vec<FoundCondition>,
) {
    let Some((number, unit, used)) = number_at(reader, words.end) else {
        equals_text(reader, types, phrase, &words, found);
        return;
    };
    let Some((field, field_words)) = field_of(reader, types, &words, &used, phrase[0]) else { return };
    use_leading(reader, words.start.min(if field_words.is_empty() { words.start } else { field_words.start }));
    reader.use_words(words.start..used.end, Stage::Condition);
    reader.use_words(field_words, Stage::Condition);
    push(found, &field, test, number, &unit, &phrase.join(" "));
}

/// Uses what leads to a condition and means nothing beside it: "after a downtime of", "asking for".
fn use_leading(reader: &mut Reader<'_>, place: usize) {
    for before in (place.saturating_sub(2)..place).rev() {
        let leads = matches!(
            reader.text(before),
            "after"
                | "a"
                | "an"
                | "the"
                | "with"
                | "for"
                | "asking"
                | "needing"
                | "returning"
                | "having"
                | "using"
                | "requesting"
                | "reporting"
        );
        if !leads || reader.used[before].is_some() {
            break;
        }
        reader.use_words(before..before + 1, Stage::Condition);
    }
}

fn push(found: &mut Vec<FoundCondition>, field: &str, test: fn(Value) -> Test, number: f64, unit: &str, said: &str) {
    let value = whole(scale(number, unit, field));
    let reading = format!("with {field} {said} {value}");
    found.push(FoundCondition::of(field, Filter::Field { name: field.to_owned(), test: test(value) }, reading));
}

/// The field that a comparison at `words` with a number at `used` is about, and the words that name it.
fn field_of(
    reader: &Reader<'_>,
    types: &[String],
    words: &Range<usize>,
    used: &Range<usize>,
    first: &str,
) -> Option<(String, Range<usize>)> {
    let behind = (0..3).find_map(|skip| {
        let place = used.end + skip;
        let only_small = (used.end..place).all(|at| matches!(reader.text(at), "of" | "the" | "a" | "in"));
        let field = fields::from(reader, place, types).filter(|(field, _)| only_small && is_number_field(field))?;
        // "More than 60 ms on node-x": what stands behind must be nobody else's.
        field.1.clone().all(|at| matches!(reader.used[at], None | Some(Stage::Field))).then_some(field)
    });
    let before = || fields::before(reader, words.start, types).filter(|(field, _)| is_number_field(field));
    let lasting = || {
        let cue = words.start.checked_sub(1).map_or("", |place| reader.text(place));
        let (said, cued) = (LASTING.contains(&first), LASTING.contains(&cue));
        let field = fields::of_duration(reader, types).filter(|_| said || cued)?;
        Some((field, if cued { words.start - 1..words.start } else { words.start..words.start }))
    };
    // "For more than 2 GB": only memory is measured so.
    let sized = || {
        let unit = number_at(reader, used.start).map(|(_, unit, _)| unit)?;
        let fields = reader.names.fields_of(types);
        let mut of_size = fields.iter().filter(|field| field.ends_with("_mb"));
        let (first, second) = (of_size.next(), of_size.next());
        let field = first.filter(|_| second.is_none() || fields.contains("memory_limit_mb"))?;
        let field = if second.is_none() { *field } else { "memory_limit_mb" };
        is_size(&unit).then(|| (field.to_owned(), words.start..words.start))
    };
    behind.or_else(before).or_else(lasting).or_else(sized)
}

/// Whether a field can hold a number: no id and no text of an error does.
fn is_number_field(field: &str) -> bool {
    !field.ends_with("_id") && !matches!(field, "error" | "reason" | "message" | "timestamp" | "last_seen")
}

/// "512 MB memory limit", "a limit of 512 MB", "port 9002", "2048 MB or more".
fn bare(reader: &mut Reader<'_>, types: &[String], found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        if !reader.is_unused(place) {
            continue;
        }
        let Some((number, unit, used)) = number_at(reader, place) else { continue };
        let behind = BEHIND
            .iter()
            .find(|(phrase, _)| phrase.iter().enumerate().all(|(nth, word)| reader.text(used.end + nth) == *word));
        let (test, said, end): (fn(Value) -> Test, _, _) = match behind {
            Some((phrase, test)) => (*test, phrase.join(" "), used.end + phrase.len()),
            None => (Test::Equals, "equal to".to_owned(), used.end),
        };
        let number_alone = place..used.end;
        // "The last 5 spawns" counts things; a number without a unit must stand beside the name of its field.
        let beside_only = unit.is_empty() && behind.is_none();
        let before = fields::before(reader, place, types).filter(|(field, _)| is_number_field(field));
        let field = match before {
            Some((field, words)) if words.clone().all(|at| matches!(reader.used[at], None | Some(Stage::Field))) => {
                Some((field, words))
            }
            _ if beside_only => None,
            _ => field_of(reader, types, &number_alone, &(place..end), LASTING[0]),
        };
        let Some((field, words)) = field else { continue };
        use_leading(reader, place.min(if words.is_empty() { place } else { words.start }));
        reader.use_words(place..end, Stage::Condition);
        reader.use_words(words, Stage::Condition);
        push(found, &field, test, number, &unit, &said);
    }
}

fn is_size(unit: &str) -> bool {
    ["mb", "gb", "mib", "gib", "megabyte", "gigabyte"].iter().any(|size| unit.starts_with(size))
}

/// `platform = kubernetes`.
fn equals_text(
    reader: &mut Reader<'_>,
    types: &[String],
    phrase: &[&str],
    words: &Range<usize>,
    found: &mut Vec<FoundCondition>,
) {
    let differs = phrase == ["!="];
    if !differs && !matches!(phrase, ["="] | ["=="] | ["equals"] | ["equal", "to"]) {
        return;
    }
    let Some(value) = reader.tokens.get(words.end).map(|token| token.original.clone()) else { return };
    if let Some((field, field_words)) = fields::before(reader, words.start, types) {
        reader.use_words(field_words.start..words.end + 1, Stage::Condition);
        let of = Filter::field(field.as_str());
        let meant = match value.as_str() {
            "true" => Value::from(true),
            "false" => Value::from(false),
            text => Value::from(text),
        };
        let (filter, is) = if differs { (of.differs(meant), "other than ") } else { (of.equals(meant), "") };
        found.push(FoundCondition::of(&field, filter, format!("with {field} {is}{value}")));
    }
}

#[allow(clippy::cast_possible_truncation)] // Below 10^15, which is exact.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { Value::from(number as i64) } else { Value::from(number) }
}

/// A number that is written as a word.
#[allow(clippy::cast_precision_loss)] // Up to ten.
pub(crate) fn spelled_number(word: &str) -> Option<f64> {
    const WORDS: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    WORDS.iter().position(|spelled| *spelled == word).map(|number| number as f64)
}

/// A number with its unit at a place, and the words that it takes.
fn number_at(reader: &Reader<'_>, place: usize) -> Option<(f64, String, Range<usize>)> {
    if reader.tokens.get(place).is_none_or(|token| token.quoted) {
        return None;
    }
    let text = reader.text(place);
    // "Longer than a second".
    if matches!(text, "a" | "an") && TIME_UNITS.contains(&reader.text(place + 1)) {
        return Some((1.0, reader.text(place + 1).to_owned(), place..place + 2));
    }
    let (number, unit) = match spelled_number(text) {
        Some(number) => (number, ""),
        None => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
            let number: f64 = digits.replace(',', "").parse().ok().filter(|_| !digits.is_empty())?;
            (number, &text[digits.len()..])
        }
    };
    if !unit.is_empty() {
        return UNITS.contains(&unit).then(|| (number, unit.to_owned(), place..place + 1));
    }
    let next = reader.text(place + 1);
    let is_unit = UNITS.contains(&next);
    Some((number, if is_unit { next.to_owned() } else { String::new() }, place..place + 1 + usize::from(is_unit)))
}

/// A number in the unit that the name of its field ends with.
fn scale(number: f64, unit: &str, field: &str) -> f64 {
    let seconds = match unit {
        "us" | "microseconds" => Some(1e-6),
        "ms" | "milliseconds" | "millisecond" | "millis" => Some(1e-3),
        "s" | "seconds" | "second" | "sec" | "secs" => Some(1.0),
        "minutes" | "minute" | "min" | "mins" => Some(60.0),
        "hours" | "hour" | "h" => Some(3600.0),
        _ => None,
    };
    let megabytes = match unit {
        "kb" => Some(1.0 / 1024.0),
        "mb" | "mib" | "megabytes" | "megabyte" => Some(1.0),
        "gb" | "gib" | "gigabytes" | "gigabyte" => Some(1024.0),
        "tb" => Some(1024.0 * 1024.0),
        _ => None,
    };
    if let Some(seconds) = seconds {
        let field_unit = match field {
            field if field.ends_with("_ms") => 1e-3,
            field if field.ends_with("_us") => 1e-6,
            _ => 1.0,
        };
        // Whole units stay whole: 60 ms are 60, not 60.000000000000007.
        (number * seconds / field_unit * 1e6).round() / 1e6
    } else if let Some(megabytes) = megabytes.filter(|_| field.ends_with("_mb")) {
        number * megabytes
    } else {
        number
    }
}
