//! The longest of many calls, and how much of it was waiting for a core.
//!
//! On a machine with fewer cores than busy threads every thread is kept off its core for some ms now and
//! then. What is left without that time is what the engine itself did.

use super::process::core_wait_ns;

/// The longest call, in ns.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Longest {
    pub(crate) any: u64,
    /// Without the time in which the calling thread waited for a core.
    pub(crate) own: u64,
}

impl Longest {
    /// Makes calls that return the ns of the longest among them, and notes it. The time for a core is taken
    /// of all calls together, so that there should not be many.
    pub(crate) fn note(&mut self, calls: impl FnOnce() -> u64) {
        let before = core_wait_ns();
        let longest = calls();
        let waited = core_wait_ns().saturating_sub(before);
        self.any = self.any.max(longest);
        self.own = self.own.max(longest.saturating_sub(waited));
    }
}
