//! Kinds of events in a question: by the lexicon for typed kinds, by their own words for dynamic ones.

use rust_stemmers::{Algorithm, Stemmer};

use super::lexicon::{About, KIND_PHRASES, KindPhrase};
use super::names::Names;
use super::reader::{Reader, Stage};
use crate::event::KINDS;

/// Words of one dynamic type may stand this far apart.
const SPREAD_MAX: usize = 4;

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
    pub(crate) words: std::ops::Range<usize>,
    pub(crate) negated: bool,
}

/// Finds kinds among the words that nothing has used yet, and uses them.
pub(crate) fn find(reader: &mut Reader<'_>, about: AboutWhat) -> Vec<FoundKind> {
    let mut found = exact_types(reader);
    found.extend(dynamic(reader));
    // A cluster question means the cluster's own kinds where a word has both senses.
    let cluster_only = about.cluster && !about.agent && !about.node;
    let mut phrases: Vec<&KindPhrase> = KIND_PHRASES.iter().collect();
    phrases.sort_by_key(|phrase| (std::cmp::Reverse(phrase.words.len()), cluster_only && phrase.about == About::Agent));
    for phrase in phrases {
        if !about.fits(phrase.about) || (cluster_only && phrase.about == About::Agent) {
            continue;
        }
        while let Some(words) = reader.find_unused(phrase.words) {
            let negated = reader.is_excluded(words.start);
            reader.use_words(words.clone(), Stage::Kind);
            found.push(FoundKind { types: phrase.types.iter().map(|t| (*t).to_owned()).collect(), words, negated });
        }
    }
    found.sort_by_key(|kind| kind.words.start);
    found
}

/// Names of types as they are: `node_crashed`.
fn exact_types(reader: &mut Reader<'_>) -> Vec<FoundKind> {
    let mut found = Vec::new();
    for place in 0..reader.tokens.len() {
        let text = &reader.tokens[place].text;
        let known = KINDS.iter().any(|kind| kind.name == text) || reader.names.types().any(|name| name == text);
        if known && reader.is_unused(place) {
            let types = vec![text.clone()];
            let negated = reader.is_excluded(place);
            reader.use_words(place..place + 1, Stage::Kind);
            found.push(FoundKind { types, words: place..place + 1, negated });
        }
    }
    found
}

/// Dynamic types of the store by the words of their names, in any inflection and order.
fn dynamic(reader: &mut Reader<'_>) -> Vec<FoundKind> {
    let stemmer = Stemmer::create(Algorithm::English);
    let stem = |word: &str| stemmer.stem(word).into_owned();
    let mut types: Vec<(String, Vec<String>)> = dynamic_types(&reader.names)
        .map(|name| (name.to_owned(), name.split('_').filter(|part| !part.is_empty()).map(stem).collect()))
        .collect();
    types.sort_by_key(|(_, parts)| std::cmp::Reverse(parts.len()));
    let stems: Vec<String> = reader.tokens.iter().map(|token| stem(&token.text)).collect();
    let mut found = Vec::new();
    for (name, parts) in &types {
        while let Some(places) = places_of(reader, &stems, parts) {
            let (Some(&first), Some(&last)) = (places.iter().min(), places.iter().max()) else { break };
            let negated = reader.is_excluded(first);
            places.iter().for_each(|&place| reader.use_words(place..place + 1, Stage::Kind));
            found.push(FoundKind { types: vec![name.clone()], words: first..last + 1, negated });
        }
    }
    found
}

pub(crate) fn dynamic_types<'a>(names: &'a Names<'_>) -> impl Iterator<Item = &'a str> {
    names.types().filter(|name| !KINDS.iter().any(|kind| kind.name == *name))
}

/// Places near each other where all parts of a name stand.
fn places_of(reader: &Reader<'_>, stems: &[String], parts: &[String]) -> Option<Vec<usize>> {
    let first = parts.first()?;
    for start in (0..stems.len()).filter(|&place| reader.is_unused(place) && stems[place] == *first) {
        let mut places = vec![start];
        for part in &parts[1..] {
            let near = start.saturating_sub(SPREAD_MAX)..(start + SPREAD_MAX + 1).min(stems.len());
            let next = near
                .clone()
                .find(|&place| reader.is_unused(place) && !places.contains(&place) && stems[place] == *part);
            places.extend(next);
        }
        if places.len() == parts.len() {
            return Some(places);
        }
    }
    None
}
