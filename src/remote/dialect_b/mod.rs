//! Dialect B: MessagePack, variants by name (by number, too, when reading), fields by name or in their order.
//!
//! ```text
//! payload ─► value (walked once, where it lies) ─► fields (of a map or a list) ─► request, response
//! request, response ─► writer ─► payload
//! ```

mod fields;
mod parts;
mod request;
mod response;
mod value;
mod writer;

pub(super) use request::{decode_request, encode_request};
pub(super) use response::{decode_response, encode_response};
