//! Reading a store changes nothing in it, wherever it lies and whoever reads; and a copy that was made while a store
//! was being written is a whole store.
//!
//! ```text
//! store ─► trace before ─► every reading command ─► trace after: the same bytes, times, modes, inodes and names
//! ```
#![cfg(feature = "cli")]
// The lints know tests by their attribute, which the harness does not have.
#![allow(clippy::expect_used, clippy::panic)]

mod commands;
mod copies;
mod gaps;
mod places;
mod store;
mod trace;
