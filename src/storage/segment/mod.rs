//! Segments: immutable, self-describing, checksummed files of events with their indices.
//!
//! ```text
//! builder ─► block (column), dictionary, postings, counts, filter, roots ─► contents ─► file
//! file ─► check (all of it, for verify)
//! file ─► reader ─► source (for queries) ─► rows
//! ```

mod block;
mod body;
mod builder;
pub(crate) mod check;
mod column;
mod contents;
mod counts;
mod dictionary;
mod filter;
mod missing;
mod postings;
mod reader;
mod recover;
pub(crate) mod roots;
mod rows;
mod source;
mod text;

pub(crate) use builder::{Sealing, build, rebuild};
pub use contents::RemovalCause;
pub(crate) use contents::{Contents, EVENTS_REMOVED, RemovedRecord};
pub(crate) use reader::{SegmentCache, SegmentReader};
pub(crate) use recover::{Recovered, Recovery, rebuild_lossy, recover};
