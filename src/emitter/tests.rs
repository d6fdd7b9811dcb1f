//! What the emitter promises, against storage that fails, is slow, or is gone.

mod fake_storage;

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use super::config::{BATCH_EVENTS, CLOSE_RETRIES};
use super::queue::Message;
use super::*;
use crate::event::{EventError, GridEvent};
use fake_storage::FakeStorage;

/// An event that carries a number.
fn numbered(number: u64) -> GridEvent {
    GridEvent::AgentDegraded {
        agent_id: "agent-001".into(),
        seconds_since_heartbeat: number,
        timestamp: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(i64::try_from(number).unwrap()),
    }
}

fn number_of(event: &Event) -> u64 {
    match event.grid() {
        Some(GridEvent::AgentDegraded { seconds_since_heartbeat, .. }) => *seconds_since_heartbeat,
        other => panic!("not a numbered event: {other:?}"),
    }
}

/// An event that no store takes: its entity has no name.
fn illegal() -> GridEvent {
    GridEvent::AgentUnregistered { agent_id: String::new(), timestamp: chrono::DateTime::UNIX_EPOCH }
}

/// A queue over fake storage, and the problems that it reports.
fn fixture(ceiling: Option<MemoryCeiling>) -> (Queue, Arc<FakeStorage>, mpsc::Receiver<EmitterProblem>) {
    let storage = Arc::new(FakeStorage::default());
    let (sender, problems) = mpsc::channel();
    let on_error: ProblemCallback = Arc::new(move |problem: &EmitterProblem| drop(sender.send(problem.clone())));
    let config = EmitterConfig { memory_ceiling: ceiling, on_error: Some(on_error), ..EmitterConfig::default() };
    let queue = Queue::start(Arc::<FakeStorage>::clone(&storage), &config).unwrap();
    (queue, storage, problems)
}

impl Queue {
    fn emit_numbered(&self, number: u64) {
        self.emit(numbered(number).into());
    }

    fn flush_blocking(&self) -> Result<(), EmitError> {
        let (reply, wait) = reply_blocking();
        self.flush(reply);
        wait()
    }

    fn close_blocking(&self) -> Result<(), EmitError> {
        let (reply, wait) = reply_blocking();
        self.close(reply);
        wait()
    }

    fn emit_durable_blocking(&self, event: GridEvent) -> Result<ConceptId, EmitError> {
        let (reply, wait) = reply_blocking();
        self.emit_durable(event.into(), reply);
        wait()
    }
}

/// Runs a future without any runtime.
fn run<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = Box::pin(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_message_is_no_larger_than_an_event() {
    assert_eq!(size_of::<Message>(), size_of::<Event>());
}

#[test]
fn every_event_of_every_thread_arrives_once_and_in_its_order() {
    const THREADS: u64 = 4;
    const EVENTS: u64 = 5_000;
    let (queue, storage, _) = fixture(None);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let queue = &queue;
            scope.spawn(move || (0..EVENTS).for_each(|number| queue.emit_numbered(thread * EVENTS + number)));
        }
    });
    queue.flush_blocking().unwrap();
    let numbers = storage.numbers();
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len() as u64, THREADS * EVENTS);
    for thread in 0..THREADS {
        let own: Vec<_> = numbers.iter().filter(|&&number| number / EVENTS == thread).collect();
        assert_eq!(own.len() as u64, EVENTS);
        assert!(own.is_sorted());
    }
    let stats = queue.stats();
    assert_eq!((stats.committed, stats.durable), (THREADS * EVENTS, THREADS * EVENTS));
    assert_eq!((stats.backlog, stats.queued_bytes, stats.lag), (0, 0, std::time::Duration::ZERO));
}

#[test]
fn batches_are_bounded() {
    let (queue, storage, _) = fixture(None);
    storage.shut();
    queue.emit_numbered(0);
    storage.wait_until_reached();
    for number in 1..3_000 {
        queue.emit_numbered(number);
    }
    let stats = queue.stats();
    assert_eq!(stats.backlog, 3_000);
    assert_eq!(stats.queued_bytes, 3_000 * Event::from(numbered(0)).memory_bytes() as u64);
    storage.open();
    queue.flush_blocking().unwrap();
    let sizes: Vec<_> = storage.batches.lock().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, BATCH_EVENTS, BATCH_EVENTS, 2_999 - 2 * BATCH_EVENTS]);
    assert_eq!((queue.stats().batches, queue.stats().largest_batch), (4, BATCH_EVENTS as u64));
}

#[test]
fn waiting_for_durability_does_not_hold_up_commits() {
    let (queue, storage, _) = fixture(None);
    storage.lazy_sync.store(true, Ordering::SeqCst);
    let (reply, first) = reply_async();
    queue.emit_durable(numbered(1).into(), reply);
    let (reply, flushed) = reply_async();
    queue.flush(reply);
    let mut first = Box::pin(first);
    let mut flushed = Box::pin(flushed);
    let mut context = Context::from_waker(Waker::noop());
    // A later event is committed while the earlier ones wait for their fsync.
    queue.emit_numbered(2);
    while storage.numbers() != [1, 2] || storage.waiting.lock().len() < 2 {
        thread::yield_now();
    }
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(flushed.as_mut().poll(&mut context).is_pending());
    assert_eq!(queue.stats().durable, 0);
    storage.make_durable();
    assert_eq!(run(first).unwrap().to_string(), "event-agent_degraded-1");
    run(flushed).unwrap();
}

#[test]
fn rejected_events_are_counted_reported_and_returned() {
    let (queue, _storage, problems) = fixture(None);
    queue.emit_numbered(1);
    queue.emit(illegal().into());
    queue.emit_numbered(2);
    let refused = queue.emit_durable_blocking(illegal());
    assert!(matches!(refused, Err(EmitError::Rejected(EventError::EntityName { .. }))), "{refused:?}");
    assert_eq!(queue.emit_durable_blocking(numbered(3)).unwrap().timestamp_us(), 3);
    let stats = queue.stats();
    assert_eq!((stats.committed, stats.rejected), (3, 2));
    assert!(stats.last_rejection.unwrap().contains("agent_id"));
    for _ in 0..2 {
        let EmitterProblem::Rejected { event, .. } = problems.recv().unwrap() else { panic!("another problem") };
        assert_eq!(*event, illegal().into());
    }
}

#[test]
fn a_storage_that_recovers_loses_nothing() {
    let (queue, storage, problems) = fixture(None);
    storage.failures.store(3, Ordering::SeqCst);
    (0..100).for_each(|number| queue.emit_numbered(number));
    queue.flush_blocking().unwrap();
    assert_eq!(storage.numbers(), (0..100).collect::<Vec<_>>());
    let stats = queue.stats();
    assert_eq!((stats.failed_attempts, stats.retrying, stats.unwritten), (3, false, 0));
    assert!(stats.last_error.unwrap().contains("cannot write fake"));
    let mut pauses = Vec::new();
    for expected in 1..=3 {
        let EmitterProblem::StorageFailed { attempts, retry_in, .. } = problems.recv().unwrap() else { panic!() };
        assert_eq!(attempts, expected);
        pauses.push(retry_in);
    }
    assert!(pauses.is_sorted_by(|a, b| a < b), "{pauses:?}");
}

#[test]
fn a_failing_storage_shows_in_the_stats() {
    let (queue, storage, problems) = fixture(None);
    storage.failures.store(u64::MAX, Ordering::SeqCst);
    queue.emit_numbered(1);
    problems.recv().unwrap();
    let stats = queue.stats();
    assert!(stats.retrying && stats.failed_attempts >= 1);
    assert_eq!((stats.backlog, stats.committed), (1, 0));
    storage.failures.store(0, Ordering::SeqCst);
    queue.flush_blocking().unwrap();
    assert_eq!(storage.numbers(), [1]);
}

#[test]
fn closing_over_a_failing_storage_ends_and_says_what_was_not_written() {
    let (queue, storage, problems) = fixture(None);
    storage.failures.store(u64::MAX, Ordering::SeqCst);
    (0..2_500).for_each(|number| queue.emit_numbered(number));
    let (reply, answer) = reply_blocking();
    queue.emit_durable(numbered(2_500).into(), reply);
    let error = queue.close_blocking().unwrap_err();
    assert!(matches!(error, EmitError::Unwritten { events: 2_501, .. }), "{error}");
    assert!(error.to_string().starts_with("2501 events were not written"));
    assert!(matches!(answer(), Err(EmitError::Unwritten { .. })));
    assert!(matches!(queue.close_blocking(), Err(EmitError::Unwritten { events: 2_501, .. })), "the same again");
    assert!(storage.closed.load(Ordering::SeqCst));
    let (mut returned, mut failures) = (Vec::new(), 0);
    for problem in problems.try_iter() {
        match problem {
            EmitterProblem::Unwritten { events, .. } => returned.extend(events.iter().map(number_of)),
            EmitterProblem::StorageFailed { .. } => failures += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(returned, (0..=2_500).collect::<Vec<_>>());
    assert!(failures >= CLOSE_RETRIES);
    assert_eq!((queue.stats().unwritten, queue.stats().queued_bytes), (2_501, 0));
}

#[test]
fn a_store_closed_by_others_is_not_tried_for_ever() {
    let (queue, storage, problems) = fixture(None);
    storage.closed_by_others.store(true, Ordering::SeqCst);
    queue.emit_numbered(1);
    assert!(matches!(queue.flush_blocking(), Err(EmitError::Unwritten { events: 1, .. })));
    assert!(matches!(problems.recv(), Ok(EmitterProblem::Unwritten { events, .. }) if events.len() == 1));
}

#[test]
fn the_ceiling_can_reject() {
    let event_bytes = Event::from(numbered(0)).memory_bytes() as u64;
    let ceiling = MemoryCeiling { bytes: 3 * event_bytes, policy: CeilingPolicy::RejectNewest };
    let (queue, storage, _) = fixture(Some(ceiling));
    storage.shut();
    (0..5).for_each(|number| queue.emit_numbered(number));
    assert!(
        matches!(queue.emit_durable_blocking(numbered(5)), Err(EmitError::Ceiling { bytes }) if bytes == ceiling.bytes)
    );
    assert_eq!(queue.stats().rejected_by_ceiling, 3);
    assert_eq!(queue.stats().queued_bytes, ceiling.bytes);
    storage.open();
    queue.flush_blocking().unwrap();
    assert_eq!(storage.numbers(), [0, 1, 2]);
    queue.emit_durable_blocking(numbered(6)).unwrap();
}

#[test]
fn the_ceiling_can_block() {
    let event_bytes = Event::from(numbered(0)).memory_bytes() as u64;
    let ceiling = MemoryCeiling { bytes: 2 * event_bytes, policy: CeilingPolicy::Block };
    let (queue, storage, _) = fixture(Some(ceiling));
    storage.shut();
    thread::scope(|scope| {
        for thread in 0..3 {
            let queue = &queue;
            scope.spawn(move || (0..100).for_each(|number| queue.emit_numbered(thread * 100 + number)));
        }
        while queue.stats().blocked < 3 {
            thread::yield_now();
        }
        assert!(queue.stats().backlog <= 2);
        storage.open();
    });
    queue.flush_blocking().unwrap();
    assert_eq!(storage.numbers().len(), 300);
    assert_eq!((queue.stats().rejected_by_ceiling, queue.stats().queued_bytes), (0, 0));
    assert!(!queue.stats().blocked_time.is_zero());
}

#[test]
fn an_event_above_the_ceiling_passes_alone() {
    for policy in [CeilingPolicy::Block, CeilingPolicy::RejectNewest] {
        let (queue, storage, _) = fixture(Some(MemoryCeiling { bytes: 1, policy }));
        queue.emit_durable_blocking(numbered(1)).unwrap();
        assert_eq!(storage.numbers(), [1]);
    }
}

#[test]
fn after_closing_nothing_is_stored_and_nothing_is_silent() {
    let (queue, storage, problems) = fixture(None);
    queue.emit_numbered(1);
    queue.close_blocking().unwrap();
    queue.emit_numbered(2);
    assert!(matches!(queue.flush_blocking(), Err(EmitError::Closed)));
    assert!(matches!(queue.emit_durable_blocking(numbered(3)), Err(EmitError::Closed)));
    queue.close_blocking().unwrap();
    assert_eq!(storage.numbers(), [1]);
    assert_eq!((queue.stats().after_close, queue.stats().queued_bytes), (2, 0));
    assert!(matches!(problems.try_recv(), Ok(EmitterProblem::AfterClose { event }) if number_of(&event) == 2));
}

#[test]
fn events_emitted_while_another_thread_closes_are_stored_or_counted() {
    for _ in 0..20 {
        let (queue, storage, _) = fixture(None);
        thread::scope(|scope| {
            scope.spawn(|| (0..2_000).for_each(|number| queue.emit_numbered(number)));
            scope.spawn(|| queue.close_blocking().unwrap());
        });
        queue.close_blocking().unwrap();
        let stored = storage.numbers();
        assert_eq!(stored.len() as u64 + queue.stats().after_close, 2_000);
        assert_eq!(stored, (0..stored.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn dropping_drains_and_closes() {
    let (queue, storage, _) = fixture(None);
    (0..10_000).for_each(|number| queue.emit_numbered(number));
    drop(queue);
    assert_eq!(storage.numbers().len(), 10_000);
    assert!(storage.closed.load(Ordering::SeqCst));
}

#[test]
fn dropping_reports_what_was_not_written() {
    let (queue, storage, problems) = fixture(None);
    storage.failures.store(u64::MAX, Ordering::SeqCst);
    queue.emit_numbered(1);
    drop(queue);
    assert!(
        problems.iter().any(|problem| matches!(problem, EmitterProblem::Unwritten { events, .. } if events.len() == 1))
    );
}

#[test]
fn a_callback_may_drop_the_last_handle_and_may_panic() {
    let storage = Arc::new(FakeStorage::default());
    let slot = Arc::new(Mutex::new(None::<Queue>));
    let callback_slot = Arc::clone(&slot);
    let on_error: ProblemCallback = Arc::new(move |_: &EmitterProblem| {
        drop(callback_slot.lock().take());
        panic!("a callback that panics");
    });
    let config = EmitterConfig { on_error: Some(on_error), ..EmitterConfig::default() };
    let mut held = slot.lock();
    let queue = held.insert(Queue::start(Arc::<FakeStorage>::clone(&storage), &config).unwrap());
    queue.emit(illegal().into());
    queue.emit_numbered(1);
    drop(held);
    while !storage.closed.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    let legal = |event: &&Event| event.validate().is_ok();
    assert_eq!(storage.batches.lock().iter().flatten().filter(legal).map(number_of).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_sleeping_writer_wakes_up() {
    let (queue, storage, _) = fixture(None);
    thread::sleep(config::POLL_FOR + 50 * config::POLL_INTERVAL);
    queue.emit_numbered(1);
    while storage.numbers() != [1] {
        thread::yield_now();
    }
}
