//! The strict check of a whole segment file: every byte of it is accounted for, and everything that follows from the
//! events is made anew from them and compared.
//!
//! ```text
//! bytes ─► frame (both copies of the contents, no byte unused) ─► words (both copies of the dictionary)
//!       ─► index (postings, counts, filter: what they say) ◄─ compared ─ events (order, ids, roots) ─► SegmentFacts
//! ```
//!
//! This gives plain facts; what they mean for a store is judged in `forensics::verify`.

mod arrival;
mod events;
mod frame;
mod index;
mod row;
#[cfg(test)]
mod tests;
mod texts;
mod words;

use super::body::slice;
use super::builder::shapes_of;
use super::contents::Contents;
use super::reader::zones_of;

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// One of two copies is damaged; the other one is whole.
    Copy,
    /// Searches may miss events, or find too many; the events are there.
    Index,
    /// Events cannot be read.
    Events,
    /// It can be read, and is not what was sealed or contradicts itself.
    Record,
}

/// Something that is not as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) harm: Harm,
    /// Where in the file.
    pub(crate) place: String,
    pub(crate) what: String,
}

impl Fault {
    fn new(harm: Harm, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { harm, place: place.into(), what: what.into() }
    }
}

/// Events that cannot be read, as far as is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LostRows {
    pub(crate) events: u64,
    pub(crate) first_us: i64,
    pub(crate) last_us: i64,
}

/// What was found in a segment file.
#[derive(Debug, Default)]
pub(crate) struct SegmentFacts {
    /// Nothing if both copies are damaged.
    pub(crate) contents: Option<Contents>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) lost: Vec<LostRows>,
    /// How many events could be read.
    pub(crate) events: u64,
    /// How long the JSON of these is, in bytes.
    pub(crate) json_bytes: u64,
    /// The sequence numbers that are there, as runs (first, last) in their order.
    pub(crate) runs: Vec<(u64, u64)>,
    /// The JSON of the events that say what was removed.
    pub(crate) removals: Vec<String>,
}

/// Checks the bytes of a segment file. Takes time and memory in proportion to them and to the JSON of the events.
pub(crate) fn check(file: &[u8]) -> SegmentFacts {
    let mut facts = SegmentFacts::default();
    let Some((contents, body)) = frame::check(file, &mut facts.faults) else { return facts };
    let (shapes, zones) = (shapes_of(&contents), zones_of(&contents));
    match (shapes, zones) {
        (Some(shapes), Some(_)) => {
            let words = words::check(&contents, body, &mut facts.faults);
            events::check(&contents, body, &shapes, words.as_ref(), &mut facts);
        }
        (shapes, _) => {
            let what = if shapes.is_none() { "a shape that no event can have" } else { "blocks that do not add up" };
            facts.faults.push(Fault::new(Harm::Events, "contents", format!("the contents hold {what}")));
            facts.lost.extend(contents.blocks.iter().map(|block| LostRows {
                events: u64::from(block.count),
                first_us: block.min_us,
                last_us: block.max_us,
            }));
        }
    }
    facts.contents = Some(contents);
    facts
}

/// The concept ids of a type between two times: the time and ordinal of each event. Blocks that cannot be read are
/// passed over, as the check has named them.
pub(crate) fn ids_between(file: &[u8], event_type: &str, first_us: i64, last_us: i64) -> Vec<(i64, u64)> {
    let Some((contents, body)) = frame::check(file, &mut Vec::new()) else { return Vec::new() };
    let Some(found) = contents.types.iter().find(|found| found.name == event_type) else { return Vec::new() };
    let (mut position, mut ids) = (0u32, Vec::new());
    for block in &contents.blocks {
        let is_of_type = position >= found.first && position - found.first < found.count;
        position = position.saturating_add(block.count);
        if !is_of_type || block.max_us < first_us || block.min_us > last_us {
            continue;
        }
        let Some((_, columns)) = slice(body, block.offset, block.bytes).and_then(super::block::decode) else {
            continue;
        };
        let pairs = columns.times.iter().copied().zip(columns.ordinals.iter().copied());
        ids.extend(pairs.filter(|(time, _)| (first_us..=last_us).contains(time)));
    }
    ids
}
