//! Crashes and full disks for real: processes that are killed, and file systems without room.
//!
//! What power cuts and failing disks leave is simulated by the unit tests of the store.
// The lints know tests by their attribute, which what they share does not have.
#![allow(clippy::expect_used, clippy::panic)]

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

mod full;
mod killed;
