//! The client of a remote store, over dialect B.
//!
//! ```text
//! RemoteConcepts (a ConceptStore) ─► session (reconnects) ─► connection (pipelines) ─► socket, TLS
//!        └─ names (hashed ids back to names)
//! ```

mod concepts;
pub(crate) mod connection;
mod names;
mod options;
mod session;
mod tls;

pub use concepts::RemoteConcepts;
pub use names::hashed_id;
pub use options::{
    ANSWER_TIMEOUT, CA_FILE_VARIABLE, CONNECT_TIMEOUT, ClientOptions, NAMES_MAX, RECONNECT_PAUSE_MAX,
    RECONNECT_PAUSE_MIN, REQUESTS_IN_FLIGHT_MAX, TOKEN_BYTES_MAX, TOKEN_VARIABLE, TlsOptions,
};
