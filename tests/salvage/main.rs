//! Damaged data directories: they are opened to be read, salvaged, and what is left is exactly what there was of it.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

mod exact;
mod harness;
mod hostile;
mod mutations;
