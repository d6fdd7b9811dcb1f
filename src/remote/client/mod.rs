//! The client of a remote store, over dialect B.

pub(crate) mod names;
mod options;

pub use names::hashed_id;
pub use options::{
    ANSWER_TIMEOUT, CONNECT_TIMEOUT, ClientOptions, NAMES_MAX, RECONNECT_PAUSE_MAX, RECONNECT_PAUSE_MIN,
    REQUESTS_IN_FLIGHT_MAX, TOKEN_BYTES_MAX, TlsOptions,
};
