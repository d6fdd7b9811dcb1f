//! What the benches share: the events, the questions, the figures and the goals.
//!
//! ```text
//! mix (seeded events) ─► recorder (writes batches, timed) ─► samples ─► goals, table (printed)
//!                    └─► questions (asked of every engine)    ┘
//! ```
//!
//! The benches of the rivals live in a crate of their own (`benches/peers`) and include this folder by its
//! path, so that the same events and the same questions go to every engine.

#![allow(dead_code, reason = "each bench uses its part of this folder")]

pub(crate) mod goals;
pub(crate) mod mix;
pub(crate) mod process;
pub(crate) mod questions;
pub(crate) mod recorder;
pub(crate) mod samples;
pub(crate) mod scale;
pub(crate) mod stalls;
pub(crate) mod table;

/// What a bench returns: it fails on errors only, never on times.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
