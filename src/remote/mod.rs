//! The Sutra protocol: frames and dialects, the client of a remote store, and the server that stands in for one.
//!
//! ```text
//! client (a ConceptStore) ─► message ─► dialect B ─► frame ─► socket
//! socket ─► frame ─► dialect A or B ─► message ─► server ─► embedded concepts
//! store ─► forwarder (windows, then a Flush) ─► client
//! ```

pub mod client;
mod codec;
mod dialect_a;
mod dialect_b;
mod endpoint;
pub mod forward;
mod frame;
#[doc(hidden)]
#[allow(missing_docs)] // The fields are those of the protocol, and named by it.
pub mod message;
pub mod server;

pub use client::{ClientOptions, RemoteConcepts, TlsOptions};
pub use codec::{CodecError, Dialect, decode_request, decode_response, encode_request, encode_response};
pub use endpoint::{PORT_DEFAULT, RemoteEndpoint, RemoteEndpointError};
pub use forward::{ForwardOptions, ForwardStats, ForwardWatch, Forwarder};
pub use frame::{FrameError, read_frame, write_frame};
