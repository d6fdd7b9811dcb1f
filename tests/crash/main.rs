//! Crashes and full disks for real: processes that are killed, and file systems without room.
//!
//! What power cuts and failing disks leave is simulated by the unit tests of the store.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

mod full;
mod killed;
