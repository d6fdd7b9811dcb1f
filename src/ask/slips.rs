//! Typing slips: words that are nearly those of the lexicon or of the store's types. Ids are never touched.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::fields::singular;
use super::lexicon::{FIELD_NAMES, KIND_PHRASES, WORDS_TO_CORRECT, is_function_word, is_stop_word};
use super::reader::Reader;

/// The shortest word that is corrected, and the shortest of which two letters may be wrong.
const CORRECTED_MIN: usize = 4;
const TWICE_MIN: usize = 8;

/// The words of the lexicon that a slip can mean.
static KNOWN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let of_kinds = KIND_PHRASES.iter().flat_map(|phrase| phrase.words.iter().copied());
    of_kinds
        .filter(|word| word.len() >= CORRECTED_MIN && !word.ends_with('*'))
        .chain(WORDS_TO_CORRECT.iter().copied())
        .collect()
});

/// The beginnings of words that stand for all words that begin so.
static STEMS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let words = KIND_PHRASES.iter().flat_map(|phrase| phrase.words.iter());
    words.filter_map(|word| word.strip_suffix('*')).filter(|stem| stem.len() >= CORRECTED_MIN).collect()
});

/// Corrects slips among the words that nothing has used, and says whether there were any.
///
/// To be tried when a question was not understood: a word that has a meaning as it stands is no slip.
pub(crate) fn correct(reader: &mut Reader<'_>) -> bool {
    let places: Vec<usize> = (0..reader.tokens.len()).filter(|&place| may_be_slip(reader, place)).collect();
    if places.is_empty() {
        return false;
    }
    let before = reader.corrected.len();
    let of_store: BTreeSet<String> = reader
        .names
        .types()
        .flat_map(|name| name.split('_'))
        .filter(|part| part.len() >= CORRECTED_MIN)
        .map(str::to_owned)
        .collect();
    for place in places {
        let word = reader.text(place).to_owned();
        let is_name = of_store.contains(&word)
            || of_store.contains(&singular(&word))
            || reader.names.has_field(&word)
            || reader.names.has_field(&singular(&word))
            || reader.names.has_field(&format!("{}_id", singular(&word)))
            || FIELD_NAMES.iter().any(|(name, _)| *name == word);
        if is_name {
            continue;
        }
        let allowed = if word.len() >= TWICE_MIN { 2 } else { 1 };
        let common = [
            "many", "show", "list", "when", "what", "which", "where", "between", "since", "last", "most", "count",
            "with", "have", "today", "restart",
        ];
        let candidates = KNOWN.iter().copied().chain(common).chain(of_store.iter().map(String::as_str));
        let closest = candidates
            .filter(|candidate| {
                candidate.as_bytes().first() == word.as_bytes().first()
                    && candidate.len().abs_diff(word.len()) <= allowed
            })
            .map(|candidate| (strsim::osa_distance(candidate, &word), candidate))
            .filter(|(distance, _)| *distance <= allowed)
            .min()
            .map(|(_, candidate)| candidate.to_owned())
            // One letter for another in a short word makes another word: "slow" is no "show".
            .filter(|candidate| {
                word.len() > CORRECTED_MIN || candidate.len() != word.len() || same_letters(candidate, &word)
            });
        if let Some(correction) = closest {
            reader.corrected.push((word, correction.clone()));
            reader.tokens[place].text.clone_from(&correction);
            reader.tokens[place].original = correction;
        }
    }
    reader.corrected.len() > before
}

fn same_letters(left: &str, right: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters = word.as_bytes().to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(left) == sorted(right)
}

fn may_be_slip(reader: &Reader<'_>, place: usize) -> bool {
    let word = reader.text(place);
    word.len() >= CORRECTED_MIN
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && reader.is_unused(place)
        && !is_stop_word(word)
        && !is_function_word(word)
        && !KNOWN.contains(word)
        && !STEMS.iter().any(|stem| word.starts_with(stem))
}
