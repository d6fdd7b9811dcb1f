//! The bytes of the Sutra protocol: frames, and messages in both dialects.
//!
//! Messages are encoded and decoded by the crate, by what serde derives (`reference`), as existing programs do it, and
//! against bytes that were written down once (`golden`). What differs is a mistake in one of them.
#![cfg(feature = "remote")]
// The lints know tests by their attribute, which functions that tests call do not have.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod arbitrary;
mod frames;
mod golden;
mod hostile;
mod reference;
mod round_trip;
mod samples;
mod shapes;

/// Bytes as text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
