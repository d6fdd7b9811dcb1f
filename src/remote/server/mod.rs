//! The server that stands in for a Sutra storage: both dialects on one port, in front of a store of concepts.
//!
//! ```text
//! listener ─► TLS ─► token ─► connection: input ─► frames ─► requests ─► group ─► ConceptStore
//!                                         output ◄─ frames ◄─ responses ◄─ answer ◄──┘
//! ```
//!
//! Each connection is a task. Its requests are answered in order; requests to learn that came together are learned in
//! one write. What a client can make the server hold is bounded ([`config`](ServerConfig)), whoever it is.

mod answer;
mod auth;
mod config;
mod connection;
mod desk;
mod error;
mod group;
mod handshake;
mod input;
mod listen;
mod memory;
mod semantic;
mod tls;

pub use auth::{Claims, Role, SECRET_BYTES_MIN, TOKEN_BYTES_MAX, TokenError, TokenSecret};
pub use config::{
    BYTES_PER_SECOND_MIN, CONNECTION_BYTES, CONNECTIONS_MAX, DRAIN_TIMEOUT, FRAME_TIMEOUT, GROUP_BYTES_MAX, GROUP_MAX,
    HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, MEMORY_BYTES_MAX, MEMORY_TIMEOUT, NEIGHBORS_MAX, PORT, QUESTIONS_MAX,
    ServerConfig, TlsFiles,
};
pub use error::ServerError;
pub use listen::Server;
