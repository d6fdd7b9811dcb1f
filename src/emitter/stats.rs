//! What an emitter did and how far behind it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The state of an emitter at one moment. Reading it costs a few dozen loads and stops nobody, so the
/// figures are not from the very same instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EmitterStats {
    /// Events that were emitted and are not committed yet.
    pub backlog: u64,
    /// About how many bytes of memory these take: counted under a memory ceiling, else as many as the events of
    /// the last batch took.
    pub queued_bytes: u64,
    /// Events committed, that is, written to the store.
    pub committed: u64,
    /// Events of these that are durable, that is, survive a power cut. Where others append to the same
    /// store beside the emitter, it is a lower bound.
    pub durable: u64,
    /// Batches committed.
    pub batches: u64,
    /// Events in the largest of them.
    pub largest_batch: u64,
    /// An upper bound of the age of the oldest event that is not committed, at most about twice the true
    /// age; zero if none waits. (The time since the writer noted which events are in the queue and since
    /// when it has not come to the end of these; no event carries a clock reading for it.)
    pub lag: Duration,
    /// Events that the store did not accept.
    pub rejected: u64,
    /// What was wrong with the last of them.
    pub last_rejection: Option<String>,
    /// Whether the storage is failing and events are being tried again.
    pub retrying: bool,
    /// How often the storage failed, in all.
    pub failed_attempts: u64,
    /// How it failed the last time. It stays after the storage recovered.
    pub last_error: Option<String>,
    /// Events given up because the emitter was closed while the storage failed.
    pub unwritten: u64,
    /// Events emitted after the emitter was closed.
    pub after_close: u64,
    /// How often `emit` blocked at the memory ceiling.
    pub blocked: u64,
    /// For how long, all threads together.
    pub blocked_time: Duration,
    /// Events not taken because of the memory ceiling.
    pub rejected_by_ceiling: u64,
    /// How far forwarding is, where the endpoint is a remote store.
    pub spool: Option<SpoolStats>,
}

/// How far a remote store is behind the spool, which is the store on this machine that events go into first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpoolStats {
    /// Events in the spool that the remote store has not acknowledged as durable, those of earlier runs included.
    pub depth: u64,
    /// An upper bound of how long the oldest of these has been waiting, in this process; zero if none waits.
    pub lag: Duration,
    /// Events that the remote store acknowledged as durable, in this process.
    pub forwarded: u64,
    /// Whether there is a connection.
    pub connected: bool,
    /// Connections opened after the first.
    pub reconnects: u64,
    /// What failed the last time. It stays after it went well again.
    pub last_error: Option<String>,
}

/// What the writer counts. It alone writes here, so that emitting threads share no counter with it.
#[derive(Debug)]
pub(super) struct Counters {
    started: Instant,
    /// Events in the batch that is being committed.
    pub(super) in_flight: AtomicU64,
    pub(super) committed: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) largest_batch: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) failed_attempts: AtomicU64,
    pub(super) retrying: AtomicBool,
    pub(super) unwritten: AtomicU64,
    pub(super) after_close: AtomicU64,
    /// A time (ns since `started`) after which the oldest event that waits was emitted.
    oldest_after_ns: AtomicU64,
    texts: Mutex<LastTexts>,
}

#[derive(Debug, Default)]
struct LastTexts {
    rejection: Option<String>,
    error: Option<String>,
}

/// Value of `oldest_after_ns` while the writer sleeps, when any event wakes it.
const ASLEEP: u64 = u64::MAX;

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            in_flight: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            largest_batch: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            failed_attempts: AtomicU64::new(0),
            retrying: AtomicBool::new(false),
            unwritten: AtomicU64::new(0),
            after_close: AtomicU64::new(0),
            oldest_after_ns: AtomicU64::new(0),
            texts: Mutex::new(LastTexts::default()),
        }
    }

    /// The clock of the lag.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn note_oldest(&self, after: Duration) {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(ASLEEP - 1);
        self.oldest_after_ns.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn note_asleep(&self) {
        self.oldest_after_ns.store(ASLEEP, Ordering::Relaxed);
    }

    pub(super) fn note_rejection(&self, error: &impl ToString) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        self.texts.lock().rejection = Some(error.to_string());
    }

    pub(super) fn note_error(&self, error: &impl ToString) {
        self.texts.lock().error = Some(error.to_string());
    }

    /// The writer's share of the stats. `backlog` is what the caller found to be waiting.
    pub(super) fn stats(&self, backlog: u64) -> EmitterStats {
        let texts = self.texts.lock();
        let lag = match self.oldest_after_ns.load(Ordering::Relaxed) {
            _ if backlog == 0 => Duration::ZERO,
            ASLEEP => Duration::ZERO,
            nanos => self.now().saturating_sub(Duration::from_nanos(nanos)),
        };
        EmitterStats {
            backlog,
            lag,
            committed: self.committed.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            largest_batch: self.largest_batch.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            last_rejection: texts.rejection.clone(),
            retrying: self.retrying.load(Ordering::Relaxed),
            failed_attempts: self.failed_attempts.load(Ordering::Relaxed),
            last_error: texts.error.clone(),
            unwritten: self.unwritten.load(Ordering::Relaxed),
            after_close: self.after_close.load(Ordering::Relaxed),
            ..EmitterStats::default()
        }
    }
}
