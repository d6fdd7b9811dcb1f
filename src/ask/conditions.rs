//! Conditions on fields in a question: comparisons, quoted and meant texts, exit codes and signals.

use super::lexicon::SIGNALS;
use super::reader::{Reader, Stage};
use crate::error::StoreError;
use crate::event::Value;
use crate::query::{Filter, GroupKey, Test};
use crate::store::Snapshot;

/// Texts of a field that are compared with the words of a question.
const TEXTS_MAX: usize = 200;
/// The fields that say why.
const REASON_FIELDS: [&str; 3] = ["error", "reason", "message"];
/// Words for texts in general, which are not the words of one.
const GENERAL: &[&str] =
    &["error", "reason", "cause", "message", "common", "frequent", "cluster", "agent", "node", "average", "rate"];
/// Words that introduce a text.
const TEXT_CUES: &[&str] = &[
    "because",
    "saying",
    "says",
    "mentioning",
    "mention",
    "mentions",
    "containing",
    "contains",
    "contain",
    "due",
    "matching",
];

/// A condition that was found, and how it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundCondition {
    pub(crate) filter: Filter,
    pub(crate) reading: String,
}

/// Finds conditions and uses their words.
pub(crate) fn find(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    kinds: &Filter,
) -> Result<Vec<FoundCondition>, StoreError> {
    let mut found = Vec::new();
    signals(reader, &mut found);
    exit_codes(reader, &mut found);
    comparisons(reader, &mut found);
    quoted(reader, &mut found);
    meant_texts(reader, snapshot, kinds, &mut found)?;
    Ok(found)
}

fn exit_code_filter(codes: &[i64]) -> Filter {
    Filter::field("exit_code").one_of(codes.iter().copied())
}

fn signals(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        let text = reader.text(place).to_owned();
        let signal = SIGNALS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
        let out_of_memory = text == "oom" || text == "oomkilled" || text == "oomed";
        let by_number = (text == "signal").then(|| reader.text(place + 1).parse::<i64>().ok()).flatten();
        if reader.used[place].is_some() && !out_of_memory {
            continue;
        }
        if let Some(number) = signal.or(by_number).or(out_of_memory.then_some(9)) {
            let words = if by_number.is_some() { place..place + 2 } else { place..place + 1 };
            if !out_of_memory {
                reader.use_words(words, Stage::Condition);
                if place > 0 && reader.text(place - 1) == "signal" {
                    reader.use_words(place - 1..place, Stage::Condition);
                }
            }
            let reading = format!("with exit code {} or {}", -number, 128 + number);
            found.push(FoundCondition { filter: exit_code_filter(&[-number, 128 + number]), reading });
        }
    }
}

fn exit_codes(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for phrase in [&["exit", "code"][..], &["exit", "status"], &["exitcode"], &["code"], &["exit_code"]] {
        let Some(words) = reader.find_unused(phrase) else { continue };
        let mut next = words.end;
        while matches!(reader.text(next), "of" | "is" | "was" | "=" | "equal" | "to") {
            next += 1;
        }
        if let Ok(code) = reader.text(next).parse::<i64>() {
            reader.use_words(words.start..next + 1, Stage::Condition);
            found.push(FoundCondition { filter: exit_code_filter(&[code]), reading: format!("with exit code {code}") });
        }
    }
}

/// A field by its words, ending before `place`, looking back over words without meaning.
fn field_before(reader: &Reader<'_>, place: usize) -> Option<(String, std::ops::Range<usize>)> {
    let mut end = place;
    while end > 0
        && matches!(
            reader.text(end - 1),
            "is" | "was" | "of" | "are" | "were" | "a" | "an" | "the" | "be" | "has" | "had" | "took"
        )
    {
        end -= 1;
    }
    (1..=3.min(end)).rev().find_map(|length| {
        let words = end - length..end;
        let name = words.clone().map(|place| reader.text(place)).collect::<Vec<_>>().join("_");
        field_named(reader, &name).map(|field| (field, words))
    })
}

/// A field by its words, from `place` on.
pub(crate) fn field_from(reader: &Reader<'_>, place: usize) -> Option<(String, std::ops::Range<usize>)> {
    (1..=3.min(reader.tokens.len().saturating_sub(place))).rev().find_map(|length| {
        let words = place..place + length;
        let name = words.clone().map(|place| reader.text(place)).collect::<Vec<_>>().join("_");
        field_named(reader, &name).map(|field| (field, words))
    })
}

/// The field that a name stands for: itself, or with the unit that it leaves out.
pub(crate) fn field_named(reader: &Reader<'_>, name: &str) -> Option<String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let singular = name.strip_suffix('s').unwrap_or(name);
    let alias = match name {
        "memory" | "ram" | "limit" | "memory_limits" => Some("memory_limit_mb"),
        "downtime" => Some("downtime_seconds"),
        "restarts" | "restart_number" => Some("restart_count"),
        "storage_nodes" | "node_count" => Some("storage_node_count"),
        "error_message" | "error_text" => Some("error"),
        "latency" => Some("latency_ms"),
        _ => None,
    };
    let spelled = [name, singular].into_iter().flat_map(|base| {
        ["", "_ms", "_us", "_mb", "_seconds", "_percent", "_count", "_id"].map(|unit| format!("{base}{unit}"))
    });
    alias.map(str::to_owned).into_iter().chain(spelled).find(|field| reader.names.has_field(field))
}

/// The words of a comparison, and the test that they mean.
type Comparison = (&'static [&'static str], fn(Value) -> Test);

/// What a comparison is called, its words longest first.
const COMPARISONS: &[Comparison] = &[
    (&["greater", "than", "or", "equal", "to"], Test::AtLeast),
    (&["more", "than"], Test::Greater),
    (&["greater", "than"], Test::Greater),
    (&["larger", "than"], Test::Greater),
    (&["higher", "than"], Test::Greater),
    (&["bigger", "than"], Test::Greater),
    (&["longer", "than"], Test::Greater),
    (&["less", "than"], Test::Less),
    (&["fewer", "than"], Test::Less),
    (&["lower", "than"], Test::Less),
    (&["smaller", "than"], Test::Less),
    (&["shorter", "than"], Test::Less),
    (&["at", "least"], Test::AtLeast),
    (&["at", "most"], Test::AtMost),
    (&["up", "to"], Test::AtMost),
    (&["above"], Test::Greater),
    (&["over"], Test::Greater),
    (&["exceeding"], Test::Greater),
    (&["exceeds"], Test::Greater),
    (&["exceeded"], Test::Greater),
    (&["below"], Test::Less),
    (&["under"], Test::Less),
    (&[">="], Test::AtLeast),
    (&["<="], Test::AtMost),
    (&[">"], Test::Greater),
    (&["<"], Test::Less),
    (&["equal", "to"], Test::Equals),
    (&["equals"], Test::Equals),
    (&["="], Test::Equals),
    (&["=="], Test::Equals),
];

fn comparisons(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for (phrase, test) in COMPARISONS {
        let Some(words) = reader.find_unused(phrase) else { continue };
        let Some((number, unit, used)) = number_at(reader, words.end) else {
            equals_text(reader, phrase, &words, found);
            continue;
        };
        let before = field_before(reader, words.start);
        let behind = (0..3).find_map(|skip| {
            let place = used.end + skip;
            let only_small = (used.end..place).all(|p| matches!(reader.text(p), "of" | "the" | "a"));
            if only_small { field_from(reader, place) } else { None }
        });
        let Some((field, field_words)) = behind.or(before) else { continue };
        let scaled = scale(number, unit, &field);
        reader.use_words(words.start..used.end, Stage::Condition);
        reader.use_words(field_words, Stage::Condition);
        let value = whole(scaled);
        let reading = format!("with {} {} {value}", field, phrase.join(" "));
        found.push(FoundCondition { filter: Filter::Field { name: field, test: test(value) }, reading });
    }
}

/// `platform = kubernetes`, and `port 9000` where a field is followed by its value.
fn equals_text(
    reader: &mut Reader<'_>,
    phrase: &[&str],
    words: &std::ops::Range<usize>,
    found: &mut Vec<FoundCondition>,
) {
    let is_equals = matches!(phrase, ["="] | ["=="] | ["equals"] | ["equal", "to"]);
    let Some(value) = reader.tokens.get(words.end).map(|token| token.original.clone()).filter(|_| is_equals) else {
        return;
    };
    if let Some((field, field_words)) = field_before(reader, words.start) {
        reader.use_words(field_words.start..words.end + 1, Stage::Condition);
        found.push(FoundCondition {
            reading: format!("with {field} {value}"),
            filter: Filter::field(field).equals(value),
        });
    }
}

fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { Value::from(number as i64) } else { Value::from(number) }
}

/// A number with its unit at a place, and the words that it takes.
pub(crate) fn number_at(reader: &Reader<'_>, place: usize) -> Option<(f64, String, std::ops::Range<usize>)> {
    let text = reader.text(place);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let number: f64 = digits.parse().ok().filter(|_| !digits.is_empty())?;
    let unit = &text[digits.len()..];
    if !unit.is_empty() {
        return Some((number, unit.to_owned(), place..place + 1));
    }
    let next = reader.text(place + 1);
    let is_unit = matches!(
        next,
        "mb" | "gb"
            | "tb"
            | "kb"
            | "megabytes"
            | "gigabytes"
            | "ms"
            | "milliseconds"
            | "s"
            | "seconds"
            | "second"
            | "sec"
            | "minutes"
            | "minute"
            | "min"
            | "hours"
            | "hour"
            | "percent"
            | "us"
    );
    Some((number, if is_unit { next.to_owned() } else { String::new() }, place..place + 1 + usize::from(is_unit)))
}

/// A number in the unit that the name of its field ends with.
fn scale(number: f64, unit: String, field: &str) -> f64 {
    let seconds = match unit.as_str() {
        "us" => 1e-6,
        "ms" | "milliseconds" => 1e-3,
        "s" | "seconds" | "second" | "sec" => 1.0,
        "minutes" | "minute" | "min" => 60.0,
        "hours" | "hour" => 3600.0,
        _ => 0.0,
    };
    let megabytes = match unit.as_str() {
        "kb" => 1.0 / 1024.0,
        "mb" | "megabytes" => 1.0,
        "gb" | "gigabytes" => 1024.0,
        "tb" => 1024.0 * 1024.0,
        _ => 0.0,
    };
    if seconds > 0.0 {
        let field_unit = if field.ends_with("_ms") {
            1e-3
        } else if field.ends_with("_us") {
            1e-6
        } else {
            1.0
        };
        number * seconds / field_unit
    } else if megabytes > 0.0 && field.ends_with("_mb") {
        number * megabytes
    } else {
        number
    }
}

/// A quoted text is contained in one of the fields that say why.
fn quoted(reader: &mut Reader<'_>, found: &mut Vec<FoundCondition>) {
    for place in 0..reader.tokens.len() {
        if reader.tokens[place].quoted && reader.used[place].is_none() {
            let text = reader.tokens[place].original.clone();
            reader.use_words(place..place + 1, Stage::Condition);
            for cue in place.saturating_sub(4)..place {
                let word = reader.text(cue);
                if reader.used[cue].is_none()
                    && (TEXT_CUES.contains(&word)
                        || matches!(word, "error" | "errors" | "message" | "text" | "reason" | "with"))
                {
                    reader.use_words(cue..cue + 1, Stage::Condition);
                }
            }
            let reading = format!("saying “{text}”");
            found.push(FoundCondition { filter: says(&text), reading });
        }
    }
}

fn says(text: &str) -> Filter {
    Filter::Or(REASON_FIELDS.iter().map(|field| Filter::field(*field).contains(text)).collect())
}

/// Words that belong to the texts of the store: "because the port was already in use", "that timed out".
fn meant_texts(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    kinds: &Filter,
    found: &mut Vec<FoundCondition>,
) -> Result<(), StoreError> {
    // The words of a field's name belong to that, and words for texts in general to no text.
    let of_fields: Vec<usize> = (0..reader.tokens.len())
        .filter_map(|place| field_from(reader, place))
        .filter(|(_, words)| words.len() > 1)
        .flat_map(|(_, words)| words)
        .collect();
    let left: Vec<usize> = reader
        .left_over()
        .into_iter()
        .filter(|place| !of_fields.contains(place))
        .filter(|&place| {
            !reader.tokens[place].quoted && !GENERAL.iter().any(|word| reader.text(place).starts_with(word))
        })
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let stemmer = rust_stemmers::Stemmer::create(rust_stemmers::Algorithm::English);
    let stems = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| stemmer.stem(&word.to_lowercase()).into_owned()).collect()
    };
    for field in REASON_FIELDS {
        if !reader.names.has_field(field) {
            continue;
        }
        let values = snapshot.top(kinds, &GroupKey::Field(field.to_owned()), TEXTS_MAX)?;
        let texts: Vec<(String, Vec<String>)> =
            values.groups.into_iter().map(|g| (stems(&g.key), g.key)).map(|(s, k)| (k, s)).collect();
        let meant: Vec<usize> = left
            .iter()
            .copied()
            .filter(|&place| {
                let stem = stemmer.stem(reader.text(place)).into_owned();
                reader.used[place].is_none() && !stem.is_empty() && texts.iter().any(|(_, words)| words.contains(&stem))
            })
            .collect();
        if meant.is_empty() {
            continue;
        }
        let wanted: Vec<String> = meant.iter().map(|&place| stemmer.stem(reader.text(place)).into_owned()).collect();
        let fitting: Vec<String> = texts
            .into_iter()
            .filter(|(_, words)| wanted.iter().all(|stem| words.contains(stem)))
            .map(|(text, _)| text)
            .collect();
        if fitting.is_empty() {
            continue;
        }
        let said: Vec<&str> = meant.iter().map(|&place| reader.text(place)).collect();
        let reading = format!("whose {field} says {}", said.join(" "));
        for &place in &meant {
            reader.used[place] = Some(Stage::Condition);
        }
        found.push(FoundCondition { filter: Filter::field(field).one_of(fitting), reading });
        return Ok(());
    }
    Ok(())
}
