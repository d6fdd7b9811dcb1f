//! Files and their in-memory mirrors.
mod source;
pub use source::StoredEvent;
pub(crate) use source::{Rows, Source, Zone};
