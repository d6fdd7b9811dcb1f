//! How far a forwarder is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::store::Store;

/// How far a forwarder is, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ForwardStats {
    /// Events of the store that the remote one has not acknowledged as durable.
    pub depth: u64,
    /// An upper bound of how long the oldest of these has been waiting, in this process; zero if none waits.
    pub lag: Duration,
    /// Events that were acknowledged, in this process.
    pub forwarded: u64,
    /// Events that no server would take, since they are longer than a content may be. They were left out.
    pub refused: u64,
    /// Events that retention removed from the store before they were forwarded.
    pub missed: u64,
    /// Whether there is a connection.
    pub connected: bool,
    /// Connections opened after the first.
    pub reconnects: u64,
    /// What failed the last time. It stays after it went well again.
    pub last_error: Option<String>,
}

/// Shows how far a forwarder is, from any thread. It keeps the store open.
#[derive(Debug, Clone)]
pub struct ForwardWatch {
    store: Store,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    acknowledged: u64,
    forwarded: u64,
    refused: u64,
    missed: u64,
    connected: bool,
    connects: u64,
    last_error: Option<String>,
    /// Whether everything durable was acknowledged and the next event is waited for.
    idle: bool,
    /// The last event that was in the store at the mark, and when that was.
    mark_sequence: u64,
    mark_time: Instant,
    /// The oldest event that waits came to the store after this time, or before this process.
    oldest_after: Instant,
}

impl ForwardWatch {
    pub(super) fn new(store: Store, acknowledged: u64) -> Self {
        let now = Instant::now();
        let state = State {
            acknowledged,
            forwarded: 0,
            refused: 0,
            missed: 0,
            connected: false,
            connects: 0,
            last_error: None,
            idle: false,
            mark_sequence: store.sequence(),
            mark_time: now,
            oldest_after: now,
        };
        Self { store, state: Arc::new(Mutex::new(state)) }
    }

    /// How far it is now.
    #[must_use]
    pub fn stats(&self) -> ForwardStats {
        let written = self.store.sequence();
        let state = self.state.lock();
        let depth = written.saturating_sub(state.acknowledged);
        ForwardStats {
            depth,
            lag: if depth == 0 || state.idle { Duration::ZERO } else { state.oldest_after.elapsed() },
            forwarded: state.forwarded,
            refused: state.refused,
            missed: state.missed,
            connected: state.connected,
            reconnects: state.connects.saturating_sub(1),
            last_error: state.last_error.clone(),
        }
    }

    pub(super) fn note_acknowledged(&self, sequence: u64, events: usize) {
        let written = self.store.sequence();
        let mut state = self.state.lock();
        state.acknowledged = sequence;
        state.forwarded += events as u64;
        // Events behind the mark came after it.
        if sequence >= state.mark_sequence {
            state.oldest_after = state.mark_time;
            (state.mark_sequence, state.mark_time) = (written, Instant::now());
        }
    }

    pub(super) fn note_idle(&self, idle: bool) {
        let written = self.store.sequence();
        let mut state = self.state.lock();
        let was_idle = std::mem::replace(&mut state.idle, idle);
        if was_idle && !idle {
            let now = Instant::now();
            state.oldest_after = now;
            (state.mark_sequence, state.mark_time) = (written, now);
        }
    }

    pub(super) fn note_connected(&self, connected: bool) {
        let mut state = self.state.lock();
        state.connected = connected;
        state.connects += u64::from(connected);
    }

    pub(super) fn note_error(&self, error: String) {
        self.state.lock().last_error = Some(error);
    }

    pub(super) fn note_refused(&self, reason: String) {
        let mut state = self.state.lock();
        state.refused += 1;
        state.last_error = Some(reason);
    }

    pub(super) fn note_missed(&self, count: u64) {
        self.state.lock().missed += count;
    }
}
