//! What was learned and is no event: concepts and associations of others, in one append-only log.
//!
//! sled holds what is put into it in memory for up to 200 ms, so that it would not survive the death of the
//! process, and no other process can read it. Hence a log of its own, in the manner of that of the tail:
//!
//! ```text
//! header  "SGEFOR\r\n" · version u32 · 0 u32 · epoch u64 · generation u64 · xxh3 u64 of these
//! frame   "SGFR" · payload length u32 · xxh3 u64 · xxh3 u64 of the payload · payload (a record, bincode)
//! ```
//!
//! Numbers are little-endian. The first checksum of a frame is that of the epoch, the offset of the frame (u64
//! each) and the eight bytes before it. The last record of an id (of an association: of its ends and its kind)
//! holds. Opening rewrites a log of which most is outdated, under the next generation, so that places in the old
//! one are not mixed up with new ones.

mod frame;
mod log;

use serde::{Deserialize, Serialize};

pub(crate) use log::{ForeignLog, ForeignView, salvage};

/// A record of the log of foreign concepts and associations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ForeignRecord {
    /// A concept, in place of one of the same id.
    Concept(ForeignConcept),
    /// An association, in place of one of the same ends and kind.
    Association(ForeignAssociation),
}

/// A concept that is no event, or what was said about an event beside its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignConcept {
    /// Its id.
    pub id: String,
    /// When it was learned, in µs since 1970.
    pub learned_us: i64,
    /// Whether this is said about an event of the store. The content is the event's then, and empty here.
    pub of_event: bool,
    /// What it says.
    pub content: String,
    /// Its place in a space of meanings; empty where it has none.
    pub embedding: Vec<f32>,
    /// How strong it is, from 0 to 1.
    pub strength: f32,
    /// How sure it is, from 0 to 1.
    pub confidence: f32,
    /// What else is known of it, as JSON.
    pub metadata_json: Option<String>,
}

/// An association that does not follow from an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignAssociation {
    /// Where it starts.
    pub source: String,
    /// Where it ends.
    pub target: String,
    /// The code of what it says.
    pub code: u32,
    /// How sure it is, from 0 to 1.
    pub confidence: f32,
    /// When it was learned, in µs since 1970.
    pub learned_us: i64,
}

/// A place in the log of foreign concepts and associations. The default is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ForeignPlace {
    /// Counts how often the log was rewritten; 0 where there is no log.
    pub generation: u64,
    /// Where in the log, in bytes.
    pub offset: u64,
}
