//! Files and their in-memory mirrors.
pub(crate) mod chain;
pub(crate) mod checksum;
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
pub(crate) use segment::EVENTS_REMOVED;
pub use segment::RemovalCause;
pub use source::StoredEvent;
pub(crate) use source::{Hole, Rows, Source, Zone};
