//! The stand-in server over real sockets: golden bytes of both dialects, hostile clients, tokens, TLS, signals.
#![cfg(feature = "cli")]
// The lints know tests by their attribute, which clients and servers of the tests do not have.
#![allow(clippy::expect_used, clippy::panic)]

mod dialects;
mod ending;
mod harness;
mod hostile;
mod killed;
mod other_store;
mod questions;
mod soak;
mod tls;
mod tokens;
mod wire;
