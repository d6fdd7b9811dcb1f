//! The one thread that takes events from the queue and commits them in batches.
//!
//! It never waits for an fsync: those who want to know when a batch is durable are called back by the
//! store, and the next batch is committed meanwhile.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};

use super::config::{
    BATCH_BYTES, BATCH_EVENTS, CLOSE_RETRIES, POLL_FOR, POLL_INTERVAL, RETRY_PAUSE_MAX, RETRY_PAUSE_MIN,
};
use super::lag::LagMeter;
use super::problem::{EmitError, EmitterProblem};
use super::queue::{Message, Reply, Shared};
use super::sink::Sink;
use crate::error::StoreError;
use crate::event::{ConceptId, Event};
use crate::store::{Appended, Rejections};

pub(super) struct Writer {
    receiver: Receiver<Message>,
    sink: Arc<dyn Sink>,
    shared: Arc<Shared>,
    lag: LagMeter,
    batch: Batch,
    /// Whether the last batch took all that was there.
    emptied: bool,
    /// When the last event came.
    active: Instant,
    /// Events given up, and why.
    unwritten: Option<(u64, Arc<StoreError>)>,
    rejections: Rejections,
}

/// What is committed at once.
#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    bytes: u64,
    /// Those who wait for single events, with the places of these in `events`.
    waiting: Vec<(usize, Reply<ConceptId>)>,
    /// Those who wait for all.
    barriers: Vec<Reply<()>>,
}

/// Why a batch was complete.
enum End {
    /// It is full, or there was no more.
    Gathered,
    /// The emitter is to be closed.
    Close(Reply<()>),
    /// The last handle is gone.
    Disconnected,
}

impl Writer {
    pub(super) fn new(receiver: Receiver<Message>, sink: Arc<dyn Sink>, shared: Arc<Shared>) -> Self {
        let (lag, batch) = (LagMeter::default(), Batch::default());
        let (active, rejections) = (Instant::now(), Rejections::default());
        Self { receiver, sink, shared, lag, batch, emptied: false, active, unwritten: None, rejections }
    }

    /// Works until the last handle is gone.
    pub(super) fn run(mut self) {
        loop {
            let end = self.gather();
            self.commit();
            match end {
                End::Gathered => {}
                End::Close(reply) => {
                    let outcome = self.close();
                    reply(outcome.clone());
                    return self.refuse(&outcome);
                }
                End::Disconnected => {
                    // What was unwritten has been reported with the events themselves.
                    if let Err(error) = self.close()
                        && !matches!(error, EmitError::Unwritten { .. })
                    {
                        self.shared.report(&EmitterProblem::Close { error });
                    }
                    return;
                }
            }
        }
    }

    /// Waits for a message, then takes what is there, up to the limits of a batch.
    fn gather(&mut self) -> End {
        let Some(mut message) = self.next() else { return End::Disconnected };
        let end = loop {
            match message {
                Message::Event(event) => self.batch.add(event),
                Message::Durable(durable) => {
                    self.batch.waiting.push((self.batch.events.len(), durable.reply));
                    self.batch.add(durable.event);
                }
                Message::Flush(reply) => self.batch.barriers.push(reply),
                Message::Close(reply) => break End::Close(reply),
            }
            if self.batch.is_full() {
                break End::Gathered;
            }
            match self.receiver.try_recv() {
                Ok(next) => message = next,
                // A disconnected queue is noticed by the next call.
                Err(_) => {
                    self.emptied = true;
                    break End::Gathered;
                }
            }
        };
        let counters = &self.shared.counters;
        let (count, left) = (self.batch.events.len() as u64, self.receiver.len() as u64);
        counters.in_flight.store(count, Ordering::Relaxed);
        self.shared.room.note_batch(count, self.batch.bytes);
        counters.note_oldest(self.lag.taken(count, left, counters.now()));
        end
    }

    /// The next message: by polling while events come, by sleeping after a while without any.
    fn next(&mut self) -> Option<Message> {
        if mem::take(&mut self.emptied) {
            // The queue was empty a commit ago: what came meanwhile is little. Let more come, for a batch that is
            // worth its write. Whoever waits for an answer has unparked this thread.
            thread::park_timeout(POLL_INTERVAL);
        }
        loop {
            match self.receiver.try_recv() {
                Ok(message) => {
                    self.active = Instant::now();
                    return Some(message);
                }
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            let counters = &self.shared.counters;
            let now = counters.now();
            self.lag.empty(now);
            counters.note_oldest(now);
            if self.active.elapsed() < POLL_FOR {
                thread::park_timeout(POLL_INTERVAL);
                continue;
            }
            counters.note_asleep();
            let message = self.receiver.recv().ok();
            self.lag.empty(counters.now());
            self.active = Instant::now();
            return message;
        }
    }

    /// Writes the batch, however often it takes, and sees to those who wait.
    fn commit(&mut self) {
        let mut batch = mem::take(&mut self.batch);
        if !batch.events.is_empty() {
            match self.append(&batch.events) {
                Ok(answers) => self.settle(&mut batch, answers),
                Err(error) => return self.give_up(batch, error),
            }
        }
        if let Some((events, error)) = &self.unwritten {
            let error = EmitError::Unwritten { events: *events, error: Arc::clone(error) };
            batch.barriers.drain(..).for_each(|reply| reply(Err(error.clone())));
        } else if !batch.barriers.is_empty() {
            let barriers = mem::take(&mut batch.barriers);
            self.when_durable(move |outcome| barriers.into_iter().for_each(|reply| reply(outcome.clone())));
        }
        // Back to where it came from, for its allocations.
        self.batch = batch;
    }

    /// Appends until the storage takes it. An error is the last one, with which the events are given up.
    fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let counters = &self.shared.counters;
        let (mut attempts, mut attempts_while_closing) = (0_u32, 0);
        let mut pause = RETRY_PAUSE_MIN;
        loop {
            let error = match self.sink.append(events) {
                Ok(answers) => {
                    counters.retrying.store(false, Ordering::Relaxed);
                    return Ok(answers);
                }
                Err(error) => error,
            };
            attempts = attempts.saturating_add(1);
            counters.failed_attempts.fetch_add(1, Ordering::Relaxed);
            counters.note_error(&error);
            let closing = self.shared.closing.load(Ordering::Acquire);
            if closing {
                attempts_while_closing += 1;
            }
            // Once events were given up, the rest gets one try each: closing takes a bounded time.
            let retries = if self.unwritten.is_some() { 0 } else { CLOSE_RETRIES };
            let hopeless = matches!(error, StoreError::Closed | StoreError::ReadOnly { .. });
            if hopeless || attempts_while_closing > retries {
                counters.retrying.store(false, Ordering::Relaxed);
                return Err(error);
            }
            counters.retrying.store(true, Ordering::Relaxed);
            if closing && attempts_while_closing == 1 {
                pause = RETRY_PAUSE_MIN;
            }
            self.shared.report(&EmitterProblem::StorageFailed { attempts, retry_in: pause, error: Arc::new(error) });
            self.pause(pause, closing);
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    /// Waits before the next try; an emitter that is being closed cuts a pause short once.
    fn pause(&self, pause: Duration, was_closing: bool) {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || (!was_closing && self.shared.closing.load(Ordering::Acquire)) {
                return;
            }
            thread::park_timeout(left);
        }
    }

    /// Counts a batch that was written, answers those who wait for rejected events at once and the others
    /// when it is durable.
    fn settle(&mut self, batch: &mut Batch, answers: Vec<Appended>) {
        let counters = &self.shared.counters;
        let mut waiting = batch.waiting.drain(..).peekable();
        let mut durable = Vec::new();
        let mut stored = 0;
        for (index, (event, answer)) in batch.events.drain(..).zip(answers).enumerate() {
            let reply = waiting.next_if(|(place, _)| *place == index).map(|(_, reply)| reply);
            match answer {
                Appended::Stored(id) | Appended::Duplicate(id) => {
                    stored += 1;
                    durable.extend(reply.map(|reply| (reply, id)));
                }
                Appended::Rejected(error) => {
                    counters.note_rejection(&error);
                    self.rejections.add(event.timestamp_us(), &error);
                    if let Some(reply) = reply {
                        reply(Err(error.clone().into()));
                    }
                    self.shared.report(&EmitterProblem::Rejected { event: Box::new(event), error });
                }
            }
        }
        drop(waiting);
        // A note that cannot be made is no reason to stop: the rejection itself was reported.
        let _ = self.rejections.take_due().map(|loss| self.sink.note_loss(&loss));
        counters.committed.fetch_add(stored, Ordering::Relaxed);
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.largest_batch.fetch_max(stored, Ordering::Relaxed);
        self.release(batch);
        if !durable.is_empty() {
            self.when_durable(move |outcome| {
                durable.into_iter().for_each(|(reply, id)| reply(outcome.clone().map(|()| id)));
            });
        }
    }

    /// Gives a batch up, with a count and with an answer to everyone.
    fn give_up(&mut self, mut batch: Batch, error: StoreError) {
        let (count, error) = (batch.events.len() as u64, Arc::new(error));
        self.shared.counters.unwritten.fetch_add(count, Ordering::Relaxed);
        self.release(&mut batch);
        let total = self.unwritten.as_ref().map_or(0, |(events, _)| *events) + count;
        self.unwritten = Some((total, Arc::clone(&error)));
        let answer = EmitError::Unwritten { events: total, error: Arc::clone(&error) };
        batch.waiting.into_iter().for_each(|(_, reply)| reply(Err(answer.clone())));
        batch.barriers.into_iter().for_each(|reply| reply(Err(answer.clone())));
        self.shared.report(&EmitterProblem::Unwritten { events: batch.events, error });
    }

    /// The events of the batch wait no longer.
    fn release(&self, batch: &mut Batch) {
        self.shared.counters.in_flight.store(0, Ordering::Relaxed);
        self.shared.room.release(mem::take(&mut batch.bytes));
    }

    /// Has the store call back once everything written so far is durable.
    fn when_durable(&self, callback: impl FnOnce(Result<(), EmitError>) + Send + 'static) {
        let callback = Box::new(move |outcome: Result<(), StoreError>| callback(outcome.map_err(EmitError::from)));
        self.sink.when_durable(self.sink.sequence(), callback);
    }

    /// Closes the store; everything before is committed or given up.
    fn close(&mut self) -> Result<(), EmitError> {
        let _ = self.rejections.take().map(|loss| self.sink.note_loss(&loss));
        let closed = self.sink.close();
        match &self.unwritten {
            Some((events, error)) => Err(EmitError::Unwritten { events: *events, error: Arc::clone(error) }),
            None => Ok(closed?),
        }
    }

    /// After closing: answers what still comes, until the last handle is gone. So an event that is emitted
    /// while another thread closes is either stored or reported; none is forgotten in the queue.
    fn refuse(&self, outcome: &Result<(), EmitError>) {
        let refuse_event = |event: &Event| {
            self.shared.counters.after_close.fetch_add(1, Ordering::Relaxed);
            self.shared.room.release(event.memory_bytes() as u64);
        };
        for message in &self.receiver {
            match message {
                Message::Event(event) => {
                    refuse_event(&event);
                    self.shared.report(&EmitterProblem::AfterClose { event: Box::new(event) });
                }
                Message::Durable(durable) => {
                    refuse_event(&durable.event);
                    (durable.reply)(Err(EmitError::Closed));
                }
                Message::Flush(reply) => reply(Err(EmitError::Closed)),
                Message::Close(reply) => reply(outcome.clone()),
            }
        }
    }
}

impl Batch {
    fn add(&mut self, event: Event) {
        self.bytes += event.memory_bytes() as u64;
        self.events.push(event);
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES as u64 || self.barriers.len() >= BATCH_EVENTS
    }
}
