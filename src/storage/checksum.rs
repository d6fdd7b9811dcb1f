//! The comparison of checksums, in one place.
//!
//! Nearly every change of a byte ends at a checksum, so a fuzzer that must pass them sees little of the decoders
//! behind. In a build for fuzzing, and nowhere else, a target can let every checksum fit.

/// Whether a checksum is the one that was stored.
#[cfg(not(fuzzing))]
pub(crate) fn fits(computed: u64, stored: u64) -> bool {
    computed == stored
}

/// Whether a checksum is the one that was stored, or nobody cares.
#[cfg(fuzzing)]
pub(crate) fn fits(computed: u64, stored: u64) -> bool {
    computed == stored || IGNORED.load(std::sync::atomic::Ordering::Relaxed)
}

#[cfg(fuzzing)]
static IGNORED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Lets every checksum fit from now on, in this process.
#[cfg(fuzzing)]
pub(crate) fn ignore() {
    IGNORED.store(true, std::sync::atomic::Ordering::Relaxed);
}
