//! How much a bench does.

/// Sets the number of events in the stores that are measured.
pub(crate) const EVENTS_VARIABLE: &str = "GRID_EVENTS_BENCH_EVENTS";
/// Events in one batch.
pub(crate) const BATCH: usize = 1_024;
/// Where every stream of events starts from.
pub(crate) const SEED: u64 = 20_261_124;

/// Whether figures are wanted: `cargo bench` says so to the bench. Otherwise (`cargo test --benches`) a
/// bench only shows that it runs.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The number of events to use: as the variable says, else the usual one; little if nothing is measured.
/// A whole number of batches.
pub(crate) fn events(usual: usize) -> usize {
    let wanted = std::env::var(EVENTS_VARIABLE).ok().and_then(|text| text.replace('_', "").parse().ok());
    let events = if is_measured() { wanted.unwrap_or(usual) } else { 16 * BATCH };
    events.div_ceil(BATCH) * BATCH
}

/// How often to repeat; less if nothing is measured.
pub(crate) fn repeats(usual: usize) -> usize {
    if is_measured() { usual } else { usual.min(2) }
}
