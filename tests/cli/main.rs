//! The command line as a user meets it: the real binary, its output, its messages and its exit codes.
#![cfg(feature = "cli")]
// The lints know tests by their attribute, which the harness does not have.
#![allow(clippy::expect_used, clippy::panic)]

mod ask;
mod causes;
mod crash;
mod forensics;
mod forms;
mod harness;
mod input;
mod thinned;
mod usage;
