//! Durability: one thread that fsyncs the logs, so that no writer waits for the disk.
//!
//! Whoever needs to know asks to be called back ([`Durable::when`]); one fsync answers everything that
//! was written before it started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::config::Durability;
use super::pieces::Tail;
use crate::error::StoreError;

/// How long the thread waits after an fsync that failed before it tries again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

type Callback = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What those who await the durable sequence number are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) durable: u64,
    /// Whether the store was closed, so that nothing more becomes durable.
    pub(crate) stopped: bool,
}

/// What is written and what is durable.
pub(crate) struct Durable {
    state: Mutex<State>,
    /// Wakes the thread.
    work: Condvar,
    /// Wakes those who wait for the durable sequence number to rise.
    risen: Condvar,
    progress: tokio::sync::watch::Sender<Progress>,
}

#[derive(Default)]
struct State {
    written: u64,
    durable: u64,
    /// When the oldest event that is not durable was written.
    dirty_since: Option<Instant>,
    /// When the oldest foreign record that is not durable was written.
    foreign_since: Option<Instant>,
    /// The sequence number that somebody waits for.
    wanted: u64,
    waiters: Vec<(u64, Callback)>,
    /// Tails with a log that is not durable to its end, oldest first.
    tails: Vec<Arc<Tail>>,
    stop: bool,
}

impl Durable {
    pub(crate) fn new(sequence: u64) -> Self {
        Self {
            state: Mutex::new(State { written: sequence, durable: sequence, ..State::default() }),
            work: Condvar::new(),
            risen: Condvar::new(),
            progress: tokio::sync::watch::Sender::new(Progress { durable: sequence, stopped: false }),
        }
    }

    /// Notes that everything up to a sequence number is written, the last of it to the log of this tail.
    pub(crate) fn note_written(&self, sequence: u64, tail: &Arc<Tail>) {
        let mut state = self.state.lock();
        state.written = state.written.max(sequence);
        if state.tails.last().is_none_or(|last| last.id != tail.id) {
            state.tails.push(Arc::clone(tail));
        }
        if state.dirty_since.is_none() {
            state.dirty_since = Some(Instant::now());
            self.work.notify_one();
        }
    }

    /// Notes that foreign records were written.
    pub(crate) fn note_foreign(&self) {
        let mut state = self.state.lock();
        if state.foreign_since.is_none() {
            state.foreign_since = Some(Instant::now());
            self.work.notify_one();
        }
    }

    /// Notes what a reader found, which is all it can know of.
    pub(crate) fn note_read(&self, sequence: u64) {
        let mut state = self.state.lock();
        state.written = state.written.max(sequence);
        self.rise(state, sequence);
    }

    /// Notes that a segment holds everything up to a sequence number durably.
    pub(crate) fn note_sealed(&self, sequence: u64, tail_id: u64) {
        let mut state = self.state.lock();
        state.tails.retain(|tail| tail.id != tail_id);
        self.rise(state, sequence);
    }

    pub(crate) fn written(&self) -> u64 {
        self.state.lock().written
    }

    pub(crate) fn durable(&self) -> u64 {
        self.state.lock().durable
    }

    /// A receiver of the progress.
    pub(crate) fn progress(&self) -> tokio::sync::watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Waits until something after this sequence number is durable, or the time is over.
    pub(crate) fn wait_above(&self, sequence: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock();
        while state.durable <= sequence && !state.stop {
            if self.risen.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.durable > sequence
    }

    /// Calls back once everything up to a sequence number is durable; at once if it is.
    pub(crate) fn when(&self, sequence: u64, callback: Callback) {
        let mut state = self.state.lock();
        if state.durable >= sequence {
            drop(state);
            callback(Ok(()));
        } else if state.stop {
            drop(state);
            callback(Err(StoreError::Closed));
        } else {
            state.wanted = state.wanted.max(sequence);
            state.waiters.push((sequence, callback));
            self.work.notify_one();
        }
    }

    /// Waits until everything written so far is durable.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        // The receiver is waiting right below, so that the answer always finds room.
        self.when(self.written(), Box::new(move |result| drop(answer.send(result))));
        answered.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Ends the thread. What is not durable stays with the operating system.
    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.work.notify_all();
        self.risen.notify_all();
        self.progress.send_modify(|progress| progress.stopped = true);
    }

    /// The thread: waits for work, syncs the logs of the tails and what else there is, answers.
    pub(crate) fn run(&self, durability: Durability, sync: &dyn Fn(&[Arc<Tail>]) -> Result<(), StoreError>) {
        while let Some((tails, target)) = self.next_work(durability) {
            let synced = sync(&tails);
            let mut state = self.state.lock();
            match synced {
                Ok(()) => {
                    // All but the last of these logs have ended, so nothing is written to them any more.
                    if let Some((last, ended)) = tails.split_last() {
                        state.tails.retain(|tail| !ended.iter().any(|ended| ended.id == tail.id));
                        if state.written == target && state.tails.last().is_some_and(|tail| tail.id == last.id) {
                            state.tails.clear();
                        }
                    }
                    state.dirty_since = (state.written > target).then(Instant::now);
                    self.rise(state, target);
                }
                Err(error) => {
                    let failed = std::mem::take(&mut state.waiters);
                    state.wanted = state.durable;
                    state.dirty_since = Some(Instant::now() + RETRY_AFTER);
                    drop(state);
                    let reason = error.to_string();
                    for (_, callback) in failed {
                        callback(Err(StoreError::NotDurable { reason: reason.clone() }));
                    }
                    std::thread::sleep(RETRY_AFTER);
                }
            }
        }
        let waiters = std::mem::take(&mut self.state.lock().waiters);
        waiters.into_iter().for_each(|(_, callback)| callback(Err(StoreError::Closed)));
    }

    /// The logs to sync and what is durable then. Nothing once the thread shall end.
    fn next_work(&self, durability: Durability) -> Option<(Vec<Arc<Tail>>, u64)> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            let asked = state.wanted > state.durable;
            let since = state.dirty_since.into_iter().chain(state.foreign_since).min();
            let due = match (durability, since) {
                (_, None) | (Durability::OsBuffered, _) => None,
                (Durability::Always, Some(since)) => Some(since),
                (Durability::Interval(interval), Some(since)) => Some(since + interval),
            };
            if asked || due.is_some_and(|due| due <= Instant::now()) {
                state.foreign_since = None;
                return Some((state.tails.clone(), state.written));
            }
            match due {
                Some(due) => drop(self.work.wait_until(&mut state, due)),
                None => self.work.wait(&mut state),
            }
        }
    }

    fn rise(&self, mut state: parking_lot::MutexGuard<'_, State>, sequence: u64) {
        if sequence <= state.durable {
            return;
        }
        state.durable = sequence;
        let (ready, waiting) =
            std::mem::take(&mut state.waiters).into_iter().partition(|(wanted, _)| *wanted <= sequence);
        state.waiters = waiting;
        self.risen.notify_all();
        drop(state);
        self.progress.send_modify(|progress| progress.durable = progress.durable.max(sequence));
        let ready: Vec<(u64, Callback)> = ready;
        ready.into_iter().for_each(|(_, callback)| callback(Ok(())));
    }
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Durable").field("written", &state.written).field("durable", &state.durable).finish()
    }
}
