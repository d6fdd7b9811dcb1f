//! The emitting side: many threads put messages in, the one [`Writer`] takes them out.
//!
//! # Why `emit` makes no system call
//! Sending to a receiver that sleeps in `recv` costs a futex call, several µs. So the writer does not
//! sleep there while events come: it looks into the queue every [`POLL_INTERVAL`](super::config::POLL_INTERVAL),
//! parked in between, which also makes batches of what would be single events. Only after
//! [`POLL_FOR`](super::config::POLL_FOR) without an event it blocks in `recv`; the next event pays for one wake-up.
//! Those who wait for an answer (flush, durable, close) unpark the writer, so that they never wait for the poll.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tokio::sync::oneshot;

use super::ceiling::Room;
use super::config::{DROP_WAIT_MAX, EmitterConfig, ProblemCallback};
use super::problem::{EmitError, EmitterProblem};
use super::sink::Sink;
use super::stats::{Counters, EmitterStats};
use super::writer::Writer;
use crate::event::{ConceptId, Event};

/// Called once with the answer. If it is dropped uncalled, the one who waits learns that the writer is gone.
pub(super) type Reply<T> = Box<dyn FnOnce(Result<T, EmitError>) + Send>;

/// What goes through the queue. It is no larger than an event, which nearly all of them are.
pub(super) enum Message {
    Event(Event),
    /// An event whose emitter waits until it is durable.
    Durable(Box<DurableEvent>),
    /// Answered when everything before it is durable.
    Flush(Reply<()>),
    /// Answered when everything before it is durable and the store is closed.
    Close(Reply<()>),
}

pub(super) struct DurableEvent {
    pub(super) event: Event,
    pub(super) reply: Reply<ConceptId>,
}

/// What the emitting threads and the writer share.
pub(super) struct Shared {
    pub(super) room: Room,
    pub(super) counters: Counters,
    /// Set before the last message: a storage that fails is not tried for ever any more.
    pub(super) closing: AtomicBool,
    on_error: Option<ProblemCallback>,
}

impl Shared {
    /// Tells the callback. Its panic stays its own: the writer must live.
    pub(super) fn report(&self, problem: &EmitterProblem) {
        if let Some(callback) = &self.on_error {
            let _ = catch_unwind(AssertUnwindSafe(|| callback(problem)));
        }
    }
}

/// The queue with its writer. Dropping it lets the writer drain and close.
pub(super) struct Queue {
    // NOTE: the order matters: the writer's handle waits for the writer, which ends when the sender is gone.
    sender: Sender<Message>,
    writer: WriterHandle,
    sink: Arc<dyn Sink>,
}

struct WriterHandle {
    thread: Thread,
    /// Disconnected when the thread ends, in whatever way.
    ended: Receiver<()>,
    shared: Arc<Shared>,
}

impl Queue {
    /// Starts the writer.
    pub(super) fn start(sink: Arc<dyn Sink>, config: &EmitterConfig) -> Result<Self, EmitError> {
        let (sender, receiver) = unbounded();
        let (ending, ended) = bounded::<()>(0);
        let shared = Arc::new(Shared {
            room: Room::new(config.memory_ceiling),
            counters: Counters::new(),
            closing: AtomicBool::new(false),
            on_error: config.on_error.clone(),
        });
        let writer = Writer::new(receiver, Arc::clone(&sink), Arc::clone(&shared));
        let run = move || {
            let _ending = ending;
            writer.run();
        };
        let thread = thread::Builder::new()
            .name("grid-events-writer".into())
            .spawn(run)
            .map_err(|error| EmitError::Thread(Arc::new(error)))?
            .thread()
            .clone();
        Ok(Self { sender, writer: WriterHandle { thread, ended, shared }, sink })
    }

    /// Puts an event in.
    #[inline]
    pub(super) fn emit(&self, event: Event) {
        let has_room = self.writer.shared.room.take(|| event.memory_bytes() as u64, || self.may_block());
        if has_room && self.sender.send(Message::Event(event)).is_err() {
            self.lost();
        }
    }

    /// Puts an event in and calls back once it is durable.
    pub(super) fn emit_durable(&self, event: Event, reply: Reply<ConceptId>) {
        let shared = &self.writer.shared;
        if shared.room.take(|| event.memory_bytes() as u64, || self.may_block()) {
            // A message that cannot be sent is dropped with its reply, which is an answer too.
            let _ = self.sender.send(Message::Durable(Box::new(DurableEvent { event, reply })));
            self.writer.thread.unpark();
        } else {
            reply(Err(EmitError::Ceiling { bytes: shared.room.ceiling_bytes().unwrap_or_default() }));
        }
    }

    /// Calls back once everything that was put in before is durable.
    pub(super) fn flush(&self, reply: Reply<()>) {
        let _ = self.sender.send(Message::Flush(reply));
        self.writer.thread.unpark();
    }

    /// Calls back once everything that was put in before is durable and the store is closed.
    pub(super) fn close(&self, reply: Reply<()>) {
        self.writer.shared.closing.store(true, Ordering::Release);
        let _ = self.sender.send(Message::Close(reply));
        self.writer.thread.unpark();
    }

    pub(super) fn stats(&self) -> EmitterStats {
        let Shared { room, counters, .. } = &*self.writer.shared;
        // An answer-only message in the queue counts too; it is gone within a millisecond.
        let backlog = self.sender.len() as u64 + counters.in_flight.load(Ordering::Relaxed);
        let ceiling = room.counts();
        let mut stats = counters.stats(backlog);
        // The durable sequence is read first: it only grows, so the difference is never too small.
        let durable_sequence = self.sink.durable_sequence();
        let not_durable = self.sink.sequence().saturating_sub(durable_sequence);
        stats.queued_bytes = room.queued(backlog);
        stats.durable = stats.committed.saturating_sub(not_durable);
        stats.blocked = ceiling.blocked;
        stats.blocked_time = ceiling.blocked_time;
        stats.rejected_by_ceiling = ceiling.rejected;
        stats
    }

    /// The writer's own thread must not wait for itself.
    fn may_block(&self) -> bool {
        thread::current().id() != self.writer.thread.id()
    }

    /// The writer is gone, which is a defect. Still nothing is lost without a trace.
    #[cold]
    fn lost(&self) {
        let counters = &self.writer.shared.counters;
        counters.unwritten.fetch_add(1, Ordering::Relaxed);
        counters.note_error(&EmitError::WriterGone);
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.thread.unpark();
        // Dropped by a callback on the writer's own thread: it drains when the callback returns.
        if thread::current().id() == self.thread.id() {
            return;
        }
        if self.ended.recv_timeout(DROP_WAIT_MAX) == Err(RecvTimeoutError::Timeout) {
            let backlog = self.shared.counters.in_flight.load(Ordering::Relaxed);
            self.shared.report(&EmitterProblem::StillWriting { bytes: self.shared.room.queued(backlog) });
        }
    }
}

/// A reply, and the future that waits for it on any executor.
pub(super) fn reply_async<T: Send + 'static>() -> (Reply<T>, impl Future<Output = Result<T, EmitError>> + Send) {
    let (sender, receiver) = oneshot::channel();
    // Nobody may be waiting any more; the answer is then of no interest.
    let reply: Reply<T> = Box::new(move |answer| drop(sender.send(answer)));
    (reply, async move { receiver.await.unwrap_or(Err(EmitError::WriterGone)) })
}

/// A reply, and the function that waits for it on a plain thread.
pub(super) fn reply_blocking<T: Send + 'static>() -> (Reply<T>, impl FnOnce() -> Result<T, EmitError>) {
    let (sender, receiver) = bounded(1);
    let reply: Reply<T> = Box::new(move |answer| drop(sender.send(answer)));
    (reply, move || receiver.recv().unwrap_or(Err(EmitError::WriterGone)))
}
