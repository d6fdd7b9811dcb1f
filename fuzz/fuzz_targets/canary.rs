//! Shows that the harness catches a panic: this one has a panic, and `.ci/fuzz` fails if it is not found.
//!
//! It is behind comparisons of the kind that readers of text are made of, so that only a fuzzer that is led by
//! coverage finds it within seconds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let asks = text.strip_prefix("why");
    assert!(!asks.is_some_and(|rest| rest.contains(|c: char| c.is_ascii_digit())), "the canary was found");
});
