//! Kinds of events in a question: by the lexicon for typed kinds, by their own words for dynamic ones.

use std::ops::Range;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::lexicon::{About, FAILURES, KIND_PHRASES, KindPhrase, OPPOSITES};
use super::names::Names;
use super::reader::{Negation, Reader, Stage};
use super::subject::Subject;
use crate::event::kind_index_of;

/// Words of one dynamic type may stand this far apart.
const SPREAD_MAX: usize = 4;

/// The phrases, those with the most words first.
static PHRASES_BY_LENGTH: LazyLock<Vec<&KindPhrase>> = LazyLock::new(|| {
    let mut phrases: Vec<&KindPhrase> = KIND_PHRASES.iter().collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.len()));
    phrases
});

/// What a question is about, as far as its nouns and entities tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AboutWhat {
    pub(crate) agent: bool,
    pub(crate) node: bool,
    pub(crate) cluster: bool,
}

impl AboutWhat {
    fn fits(self, about: About) -> bool {
        match about {
            About::Any => true,
            About::Agent => self.agent || !self.node && !self.cluster,
            About::Node => self.node || !self.agent && !self.cluster,
            About::Cluster => self.cluster,
        }
    }
}

/// A kind that was found: its types, where, and whether it was negated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundKind {
    pub(crate) types: Vec<String>,
    /// What the noun alone could mean too: "spawns" are those that went well, unless something else is said of them.
    pub(crate) wider: Vec<String>,
    pub(crate) words: Range<usize>,
    pub(crate) negated: bool,
    /// Whether it is denied of things, which then are those without it: "never crashed", "without crashes".
    pub(crate) lacking: bool,
}

impl FoundKind {
    /// Whether nothing denies it.
    fn is_plain(&self) -> bool {
        !self.negated && !self.lacking
    }

    /// Whether it means failures in general.
    fn is_any_failure(&self) -> bool {
        FAILURES.iter().all(|name| self.types.iter().any(|own| own == name))
    }
}

/// Finds kinds among the words that nothing has used yet, and uses them.
pub(crate) fn find(reader: &mut Reader<'_>, about: AboutWhat, subject: Option<&Subject>) -> Vec<FoundKind> {
    let mut found = exact_types(reader);
    dynamic(reader, &mut found);
    let of_own_things = subject.is_some_and(|subject| !subject.is_of_grid());
    // A cluster question means the cluster's own kinds where a word has both senses.
    let cluster_only = about.cluster && !about.agent && !about.node;
    for phrase in PHRASES_BY_LENGTH.iter().copied() {
        if !about.fits(phrase.about) || (cluster_only && phrase.about == About::Agent) {
            continue;
        }
        // In a store of other things "killed" may be the text of a reason, no crash of a node.
        let is_recorded = phrase.types.iter().any(|name| reader.names.has_type(name));
        let grid_found = found.iter().any(|kind| kind.types.iter().any(|name| kind_index_of(name).is_some()));
        if !is_recorded && !grid_found && (of_own_things || !found.is_empty()) {
            continue;
        }
        while let Some(words) = reader.find_unused(phrase.words) {
            // "Broken down by agent" says how to group, "leave out" what to leave out.
            let is_verb = matches!(reader.text(words.end), "down" | "out")
                && matches!(phrase.words, ["broken"] | ["broke"] | ["leave"] | ["left"]);
            if reader.is_after_reason(words.start) || is_verb {
                break;
            }
            let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let mut types: Vec<String> =
                if phrase.types == FAILURES { failures(&reader.names) } else { own(phrase.types) };
            if phrase.about != About::Any && about == AboutWhat::default() {
                // Nothing says whether an agent or a node "went down": both may have.
                let same = PHRASES_BY_LENGTH
                    .iter()
                    .filter(|other| other.words == phrase.words && other.about != About::Cluster);
                types = same.flat_map(|other| own(other.types)).collect();
            }
            add(reader, &mut found, types, own(phrase.wider), words);
        }
    }
    combine(&mut found);
    refuse_union(reader, &mut found);
    partial(reader, &mut found);
    found.sort_by_key(|kind| kind.words.start);
    found
}

/// "Launches that failed", "stops that were requested": a noun that can mean several types, and a word for failures
/// or requests in general, mean those among the types.
fn combine(found: &mut Vec<FoundKind>) {
    let Some(noun) = found.iter().position(|kind| !kind.wider.is_empty() && kind.is_plain()) else { return };
    let is_request =
        |kind: &FoundKind| kind.wider.is_empty() && kind.types == ["spawn_requested"] && kind.words.len() == 1;
    let Some(general) = found.iter().position(|kind| kind.is_plain() && (kind.is_any_failure() || is_request(kind)))
    else {
        return;
    };
    let asks_requests = is_request(&found[general]);
    let fits = |name: &&String| {
        if asks_requests { name.ends_with("_requested") } else { FAILURES.contains(&name.as_str()) }
    };
    let meant: Vec<String> = found[noun].wider.iter().filter(fits).cloned().collect();
    if !meant.is_empty() {
        (found[noun].types, found[noun].wider) = (meant, Vec::new());
        found.remove(general);
    }
}

/// "Failed logins", where no type says that a login failed: logins and failures together are no answer. The word for
/// failures is nobody's then.
fn refuse_union(reader: &mut Reader<'_>, found: &mut Vec<FoundKind>) {
    let of_own = |kind: &FoundKind| kind.types.iter().all(|name| kind_index_of(name).is_none());
    let Some(general) = found.iter().position(|kind| kind.is_plain() && kind.is_any_failure()) else { return };
    if found.iter().any(|kind| kind.is_plain() && of_own(kind)) {
        let removed = found.remove(general);
        removed.words.for_each(|place| reader.used[place] = None);
    }
}

/// The types that say that something failed: those of a grid, and the store's own.
pub(crate) fn failures(names: &Names<'_>) -> Vec<String> {
    let says_so = |name: &&str| {
        name.split('_').any(|part| matches!(part, "failed" | "failure" | "error" | "crashed" | "aborted"))
    };
    FAILURES.iter().copied().chain(dynamic_types(names).filter(says_so)).map(str::to_owned).collect()
}

/// Adds a kind, with what denies it.
fn add(
    reader: &mut Reader<'_>,
    found: &mut Vec<FoundKind>,
    types: Vec<String>,
    wider: Vec<String>,
    words: Range<usize>,
) {
    let mut kind = FoundKind { types, wider, words: words.clone(), negated: false, lacking: false };
    if let Some((negation, denying)) = reader.negation_before(words.start) {
        let opposite = OPPOSITES.iter().find(|(done, _)| kind.types == [*done]).map(|(_, failed)| *failed);
        // Why a node did not come back is why its spawn failed.
        let of_restart = (kind.types == ["node_restarted"] && reader.has("why")).then_some("spawn_failed");
        let opposite = opposite.or(of_restart);
        match (negation, opposite) {
            // "Did not start" is a start that failed.
            (Negation::Not, Some(failed)) if reader.is_of_verb(&denying) && reader.text(denying.start) == "not" => {
                kind.types = vec![failed.to_owned()]
            }
            (Negation::Not, _) => kind.lacking = true,
            (Negation::Without, _) => (kind.lacking, kind.negated) = (true, true),
            (Negation::Except, _) => kind.negated = true,
        }
        reader.use_words(denying, Stage::Kind);
    } else if let Some(other) =
        found.iter().find(|other| (other.negated || other.lacking) && joined(reader, other.words.end, words.start))
    {
        // "Except heartbeats and restarts".
        (kind.negated, kind.lacking) = (other.negated, other.lacking);
    }
    reader.use_words(words, Stage::Kind);
    found.push(kind);
}

fn joined(reader: &Reader<'_>, end: usize, start: usize) -> bool {
    start == end + 1 && matches!(reader.text(end), "and" | "or" | "nor")
}

/// Names of types as they are: `node_crashed`.
fn exact_types(reader: &mut Reader<'_>) -> Vec<FoundKind> {
    let mut found = Vec::new();
    for place in 0..reader.tokens.len() {
        let text = reader.tokens[place].text.clone();
        let known = kind_index_of(&text).is_some() || reader.names.has_type(&text);
        if known && reader.is_unused(place) {
            add(reader, &mut found, vec![text], Vec::new(), place..place + 1);
        }
    }
    found
}

/// A word in the form that its inflections share. "Failure" and "failed" share more than their stems.
pub(crate) fn stem(word: &str) -> String {
    let stemmed = Stemmer::create(Algorithm::English).stem(word).into_owned();
    match stemmed.as_str() {
        "failur" => "fail".to_owned(),
        "submiss" => "submit".to_owned(),
        "complet" | "completion" => "complet".to_owned(),
        "remov" | "removal" => "remov".to_owned(),
        "delet" | "delete" => "delet".to_owned(),
        "creat" | "creation" => "creat".to_owned(),
        _ => stemmed,
    }
}

/// Dynamic types of the store by the words of their names, in any inflection and order.
fn dynamic(reader: &mut Reader<'_>, found: &mut Vec<FoundKind>) {
    let mut types: Vec<(String, Vec<String>)> = dynamic_types(&reader.names)
        .map(|name| (name.to_owned(), name.split('_').filter(|part| !part.is_empty()).map(stem).collect()))
        .collect();
    if types.is_empty() {
        return;
    }
    types.sort_by_key(|(_, parts)| std::cmp::Reverse(parts.len()));
    let stems: Vec<String> = reader.tokens.iter().map(|token| stem(&token.text)).collect();
    for (name, parts) in &types {
        while let Some(places) = places_of(reader, &stems, parts) {
            let (Some(&first), Some(&last)) = (places.iter().min(), places.iter().max()) else { break };
            let denied = places.iter().copied().find(|&place| reader.negation_before(place).is_some()).unwrap_or(first);
            add(reader, found, vec![name.clone()], Vec::new(), denied..denied + 1);
            places.iter().for_each(|&place| reader.use_words(place..place + 1, Stage::Kind));
            if let Some(kind) = found.last_mut() {
                kind.words = first..last + 1;
            }
        }
    }
}

/// Types by a part of their names that no other type shares the sense of: "evicted" where there is `pod_evicted`.
fn partial(reader: &mut Reader<'_>, found: &mut Vec<FoundKind>) {
    let left = reader.left_over();
    if left.is_empty() {
        return;
    }
    let grid = ["agent", "node", "spawn", "stop", "cluster"];
    let types: Vec<(String, Vec<String>)> = reader
        .names
        .types()
        .filter(|name| name.split('_').next().is_none_or(|first| !grid.contains(&first)))
        .map(|name| (name.to_owned(), name.split('_').filter(|part| part.len() > 2).map(stem).collect()))
        .collect();
    for place in left {
        if !reader.is_unused(place) {
            continue;
        }
        let text = reader.text(place).to_owned();
        let word = stem(&text);
        // A noun that things are named by is what is asked for, no kind; nor is the name of a field.
        let noun = format!("{}_id", super::fields::singular(&text));
        if reader.names.has_field(&noun) || reader.names.has_field(&text) {
            continue;
        }
        let having = || types.iter().filter(|(_, parts)| parts.contains(&word));
        // "Tasks failed" asks for tasks that failed, "failed logins" for logins that did: where no type says that, both
        // together are no answer.
        let is_noun = having().any(|(_, parts)| parts.first() == Some(&word));
        let is_joint = |at: usize| matches!(reader.text(at), "and" | "or");
        let is_joined = place > 0 && is_joint(place - 1) || is_joint(place + 1);
        if !found.is_empty() && (is_noun || !is_joined) {
            continue;
        }
        let having: Vec<String> = having().map(|(name, _)| name.clone()).collect();
        if !having.is_empty() {
            add(reader, found, having, Vec::new(), place..place + 1);
        }
    }
}

pub(crate) fn dynamic_types<'a>(names: &'a Names<'_>) -> impl Iterator<Item = &'a str> {
    names.types().filter(|name| kind_index_of(name).is_none())
}

/// Places near each other where all parts of a name stand: the closest together, and the first of such.
fn places_of(reader: &Reader<'_>, stems: &[String], parts: &[String]) -> Option<Vec<usize>> {
    let first = parts.first()?;
    let mut best: Option<(usize, Vec<usize>)> = None;
    for start in (0..stems.len()).filter(|&place| reader.is_unused(place) && stems[place] == *first) {
        let mut places = vec![start];
        for part in &parts[1..] {
            let near = start.saturating_sub(SPREAD_MAX)..(start + SPREAD_MAX + 1).min(stems.len());
            let fits = |place: &usize| reader.is_unused(*place) && !places.contains(place) && stems[*place] == *part;
            let next = near.filter(fits).min_by_key(|place| place.abs_diff(start));
            places.extend(next);
        }
        let spread = places.iter().max()? - places.iter().min()?;
        if places.len() == parts.len() && best.as_ref().is_none_or(|(least, _)| spread < *least) {
            best = Some((spread, places));
        }
    }
    best.map(|(_, places)| places)
}
