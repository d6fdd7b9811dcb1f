//! Verify: a healthy store has no finding, every damage has one, and nothing in the directory changes.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod command;
mod damage;
mod flips;
mod live;
mod retention;
mod salvaged;
mod stores;
mod unreadable;
