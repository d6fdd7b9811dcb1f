//! How much memory the events that wait take, and the ceiling over it, if there is one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::config::{CeilingPolicy, MemoryCeiling};

/// Knows the bytes that wait: counts them under a ceiling, and without one takes them to be like the events
/// of the last batch, so that `emit` pays for no counter.
// NOTE: aligned to two cache lines, since every emitting thread writes here and the rest is only read.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Room {
    /// Counted under a ceiling only.
    queued: AtomicU64,
    /// Bytes an event had on average in the last batch.
    average: AtomicU64,
    ceiling: Option<Ceiling>,
}

#[derive(Debug)]
struct Ceiling {
    limit: MemoryCeiling,
    /// Held between looking for room and waiting for it, so that no release is missed.
    waiting: Mutex<()>,
    released: Condvar,
    blocked: AtomicU64,
    blocked_ns: AtomicU64,
    rejected: AtomicU64,
}

/// What the ceiling did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CeilingCounts {
    pub(super) blocked: u64,
    pub(super) blocked_time: Duration,
    pub(super) rejected: u64,
}

impl Room {
    pub(super) fn new(limit: Option<MemoryCeiling>) -> Self {
        let ceiling = limit.map(|limit| Ceiling {
            limit,
            waiting: Mutex::new(()),
            released: Condvar::new(),
            blocked: AtomicU64::new(0),
            blocked_ns: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        });
        Self { queued: AtomicU64::new(0), average: AtomicU64::new(0), ceiling }
    }

    /// The bytes that wait, where this many events do.
    pub(super) fn queued(&self, backlog: u64) -> u64 {
        match self.ceiling {
            Some(_) => self.queued.load(Ordering::Relaxed),
            None => backlog.saturating_mul(self.average.load(Ordering::Relaxed)),
        }
    }

    /// Notes what a batch holds.
    pub(super) fn note_batch(&self, events: u64, bytes: u64) {
        if let Some(average) = bytes.checked_div(events) {
            self.average.store(average, Ordering::Relaxed);
        }
    }

    /// The ceiling in bytes, if there is one.
    pub(super) fn ceiling_bytes(&self) -> Option<u64> {
        self.ceiling.as_ref().map(|ceiling| ceiling.limit.bytes)
    }

    /// Takes room for an event. False if the policy is to reject it. `may_block` is false on the thread
    /// that makes room, which would wait for itself: there the event passes above the ceiling.
    #[inline]
    pub(super) fn take(&self, bytes: impl FnOnce() -> u64, may_block: impl FnOnce() -> bool) -> bool {
        let Some(ceiling) = &self.ceiling else { return true };
        let bytes = bytes();
        let before = self.queued.fetch_add(bytes, Ordering::Relaxed);
        ceiling.admits(before, bytes) || self.take_at_ceiling(ceiling, bytes, may_block())
    }

    #[cold]
    fn take_at_ceiling(&self, ceiling: &Ceiling, bytes: u64, may_block: bool) -> bool {
        match ceiling.limit.policy {
            CeilingPolicy::RejectNewest => {
                self.release(bytes);
                ceiling.rejected.fetch_add(1, Ordering::Relaxed);
                false
            }
            CeilingPolicy::Block if may_block => {
                self.release(bytes);
                ceiling.blocked.fetch_add(1, Ordering::Relaxed);
                let since = Instant::now();
                let mut waiting = ceiling.waiting.lock();
                loop {
                    let before = self.queued.load(Ordering::Relaxed);
                    if ceiling.admits(before, bytes) {
                        break;
                    }
                    ceiling.released.wait(&mut waiting);
                }
                // Those who wait take one after the other; only a thread on its quick way can slip in.
                self.queued.fetch_add(bytes, Ordering::Relaxed);
                drop(waiting);
                let waited = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
                ceiling.blocked_ns.fetch_add(waited, Ordering::Relaxed);
                true
            }
            CeilingPolicy::Block => true,
        }
    }

    /// Gives room back and lets those go on who wait for it.
    pub(super) fn release(&self, bytes: u64) {
        if let Some(ceiling) = &self.ceiling {
            self.queued.fetch_sub(bytes, Ordering::Relaxed);
            let _waiting = ceiling.waiting.lock();
            ceiling.released.notify_all();
        }
    }

    /// What the ceiling did so far.
    pub(super) fn counts(&self) -> CeilingCounts {
        self.ceiling.as_ref().map_or_else(CeilingCounts::default, |ceiling| CeilingCounts {
            blocked: ceiling.blocked.load(Ordering::Relaxed),
            blocked_time: Duration::from_nanos(ceiling.blocked_ns.load(Ordering::Relaxed)),
            rejected: ceiling.rejected.load(Ordering::Relaxed),
        })
    }
}

impl Ceiling {
    /// Whether there is room. An event larger than the ceiling passes when nothing else waits.
    fn admits(&self, queued: u64, bytes: u64) -> bool {
        queued == 0 || queued.saturating_add(bytes) <= self.limit.bytes
    }
}
