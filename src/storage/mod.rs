//! Files and their in-memory mirrors.
pub(crate) mod chain;
pub(crate) mod compression;
pub(crate) mod files;
pub(crate) mod foreign;
pub(crate) mod keyed;
pub(crate) mod medium;
pub(crate) mod segment;
pub(crate) mod shape;
mod source;
pub(crate) mod tail;
pub(crate) mod varint;
pub use foreign::{ForeignAssociation, ForeignConcept, ForeignPlace, ForeignRecord};
pub use segment::RemovalCause;
pub use source::StoredEvent;
pub(crate) use source::{Rows, Source, Zone};

/// Whether bytes have the checksum that was stored with them.
///
/// Fuzzing takes any for the right one: what a checksum keeps out of the decoders on a disk is what they are to be
/// fuzzed with.
pub(crate) fn checksum_fits(found: u64, stored: u64) -> bool {
    cfg!(fuzzing) || found == stored
}
