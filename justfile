# Short names for the commands of this project. `just --list` shows them; .ci/run runs all that must hold.

# Show this list
default:
    @just --list

# Run real processes, crash and restart them, and show what was recorded
demo:
    cargo run --release -- demo

# All tests, as in the README
test:
    cargo test

# Format everything
fmt:
    cargo fmt

# What a change must pass, without the tests
lint:
    cargo fmt --check
    cargo clippy --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features
    cargo check --no-default-features

# The library's documentation, in a browser
doc:
    cargo doc --no-deps --all-features --open

# The benchmarks (minutes)
bench *ARGS:
    cargo bench {{ARGS}}

# The benchmarks against other engines, which are no dependency of this project (minutes)
bench-peers:
    cargo bench --manifest-path benches/peers/Cargo.toml

# Licences, bans, sources and advisories of the dependencies
deny:
    cargo deny --all-features check

# Feed generated text to every reader of text, for some seconds each
fuzz SECONDS="60":
    .ci/fuzz {{SECONDS}}

# Cut the power under a writer (needs root and loop devices)
power-cut ROUNDS="5":
    .ci/power-cut {{ROUNDS}}

# Write the golden output of the command line anew, to be read in the diff
golden:
    UPDATE_GOLDEN=1 cargo test --test cli

# Everything that must hold before a change is merged
ci:
    .ci/run

# The same with the counts that a release wants (about half an hour)
long:
    .ci/long
