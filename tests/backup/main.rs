//! Backups, restoring, merging and comparing stores, as whoever has to rely on them sees it.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod diff;
mod harness;
mod incremental;
mod live;
mod merge;
mod refused;
mod restored;
