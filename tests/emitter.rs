//! The emitter over a real store: what was acknowledged is there, in this process and after reopening.

#![allow(clippy::unwrap_used)] // In a test a panic is the report.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use sutra_grid_events::emitter::{CeilingPolicy, EmitterProblem, MemoryCeiling};
use sutra_grid_events::event::EventError;
use sutra_grid_events::store::{Durability, StoreConfig};
use sutra_grid_events::{
    ConceptId, DynamicEvent, EmitError, EmitterConfig, Event, EventEmitter, Filter, GridEvent, Store, StoredEvent,
    init_events,
};

fn at(us: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(us)
}

fn crash(node: u64, us: i64) -> GridEvent {
    GridEvent::NodeCrashed {
        node_id: format!("node-{node}"),
        agent_id: "agent-001".into(),
        exit_code: Some(137),
        timestamp: at(us),
    }
}

/// A store with small segments, so that events are sealed while they come.
fn small_segments() -> StoreConfig {
    StoreConfig { segment_events: 256, ..StoreConfig::default() }
}

fn events_of(path: &Path) -> Vec<StoredEvent> {
    let store = Store::open_read_only(path).unwrap();
    let mut events = Vec::new();
    let mut collect = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    store.scan(0, &mut collect).unwrap();
    events
}

fn type_check_of_the_surface_that_existing_callers_use() {
    fn is_emitter<T: Clone + Send + Sync + 'static>() {}
    is_emitter::<sutra_grid_events::emitter::EventEmitter>();
    async fn use_it() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let emitter = sutra_grid_events::emitter::EventEmitter::new(String::from("x")).await?;
        let event: sutra_grid_events::events::GridEvent = crash(1, 1);
        let () = emitter.emit(event.clone());
        let () = emitter.emit_batch(vec![event]);
        Ok(())
    }
    fn is_send<T: Send>(_: T) {}
    is_send(use_it());
    is_send(init_events(String::from("x")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tasks_and_threads_emit_is_there_after_a_flush_and_after_reopening() {
    type_check_of_the_surface_that_existing_callers_use();
    let directory = tempfile::tempdir().unwrap();
    let config = EmitterConfig { store: small_segments(), ..EmitterConfig::default() };
    let emitter = EventEmitter::open(directory.path(), config).unwrap();
    let tasks: Vec<_> = (0..4_u64)
        .map(|task| {
            let emitter = emitter.clone();
            tokio::spawn(async move {
                for number in 0..500 {
                    emitter.emit(crash(task, i64::try_from(task * 1_000 + number).unwrap()));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let other = emitter.clone();
    thread::spawn(move || other.emit_batch((0..500).map(|number| crash(9, 9_000 + number)).collect())).join().unwrap();
    emitter.flush().await.unwrap();
    assert_eq!(emitter.store().count(&Filter::All).unwrap(), 2_500);
    let stats = emitter.stats();
    assert_eq!((stats.committed, stats.durable, stats.backlog), (2_500, 2_500, 0));
    emitter.close().await.unwrap();
    let events = events_of(directory.path());
    assert_eq!(events.iter().map(|event| &event.id).collect::<HashSet<_>>().len(), 2_500);
    for task in 0..4 {
        let entity = format!("node-{task}");
        let own = events.iter().filter(|event| event.event.primary_id() == entity);
        let times: Vec<_> = own.map(|event| event.event.timestamp_us()).collect();
        assert_eq!(times.len(), 500);
        assert!(times.is_sorted(), "the order of one task is kept");
    }
}

#[tokio::test]
async fn a_durable_event_has_its_id_and_ties_have_different_ones() {
    let directory = tempfile::tempdir().unwrap();
    let emitter = init_events(format!("embedded:{}", directory.path().display())).await.unwrap();
    let (first, second) = tokio::join!(emitter.emit_durable(crash(1, 5)), emitter.emit_durable(crash(2, 5)));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.to_string(), "event-node_crashed-5");
    assert_eq!(second.to_string(), "event-node_crashed-5-1");
    let restart = GridEvent::NodeRestarted {
        node_id: "node-1".into(),
        agent_id: "agent-001".into(),
        restart_count: 1,
        new_pid: 7,
        timestamp: at(6),
    };
    let caused = Event::from(restart).caused_by(&first);
    let id = emitter.emit_durable(caused.clone()).await.unwrap();
    assert_eq!(emitter.store().get(&id).unwrap().unwrap().event, caused);
    emitter.close().await.unwrap();
}

#[test]
fn plain_threads_need_no_runtime() {
    let directory = tempfile::tempdir().unwrap();
    for durability in [Durability::Always, Durability::default(), Durability::OsBuffered] {
        let path = directory.path().join(format!("{durability:?}").split('(').next().unwrap());
        let store = StoreConfig { durability, ..StoreConfig::default() };
        let emitter = EventEmitter::open(&path, EmitterConfig { store, ..EmitterConfig::default() }).unwrap();
        emitter.emit(crash(1, 1));
        assert_eq!(emitter.emit_durable_blocking(crash(2, 2)).unwrap().timestamp_us(), 2);
        emitter.emit(DynamicEvent::new("pod_scheduled", at(3)).unwrap().with("pod_id", "web-1"));
        emitter.flush_blocking().unwrap();
        assert_eq!(emitter.stats().durable, 3);
        emitter.close_blocking().unwrap();
        assert_eq!(events_of(&path).len(), 3);
    }
}

#[test]
fn dropping_the_last_handle_stores_all_and_frees_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let emitter = EventEmitter::open(directory.path(), EmitterConfig::default()).unwrap();
    assert!(EventEmitter::open(directory.path(), EmitterConfig::default()).is_err(), "one writer at a time");
    let clone = emitter.clone();
    clone.emit_batch((0..3_000).map(|number| crash(1, number)).collect());
    drop(clone);
    drop(emitter);
    let again = EventEmitter::open(directory.path(), EmitterConfig::default()).unwrap();
    assert_eq!(again.store().count(&Filter::All).unwrap(), 3_000);
}

#[test]
fn events_that_cannot_be_stored_are_reported_and_the_rest_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let problems = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&problems);
    let config = EmitterConfig {
        on_error: Some(Arc::new(move |problem: &EmitterProblem| seen.lock().unwrap().push(problem.to_string()))),
        ..EmitterConfig::default()
    };
    let emitter = EventEmitter::open(directory.path(), config).unwrap();
    let nameless = GridEvent::AgentUnregistered { agent_id: String::new(), timestamp: at(1) };
    emitter.emit(crash(1, 1));
    emitter.emit(nameless.clone());
    emitter.emit(crash(2, 2));
    let error = emitter.emit_durable_blocking(nameless).unwrap_err();
    assert!(matches!(error, EmitError::Rejected(EventError::EntityName { .. })), "{error}");
    emitter.close_blocking().unwrap();
    assert_eq!((emitter.stats().committed, emitter.stats().rejected), (2, 2));
    assert_eq!(problems.lock().unwrap().len(), 2);
    assert_eq!(events_of(directory.path()).len(), 2);
}

#[test]
fn closing_makes_later_events_visible_as_refused() {
    let directory = tempfile::tempdir().unwrap();
    let emitter = EventEmitter::open(directory.path(), EmitterConfig::default()).unwrap();
    emitter.emit(crash(1, 1));
    emitter.close_blocking().unwrap();
    emitter.emit(crash(2, 2));
    assert!(matches!(emitter.flush_blocking(), Err(EmitError::Closed)));
    emitter.close_blocking().unwrap();
    assert_eq!(emitter.stats().after_close, 1);
    assert_eq!(events_of(directory.path()).len(), 1);
}

#[test]
fn a_blocking_ceiling_bounds_memory_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let memory_ceiling = Some(MemoryCeiling { bytes: 64 << 10, policy: CeilingPolicy::Block });
    let config = EmitterConfig { memory_ceiling, ..EmitterConfig::default() };
    let emitter = EventEmitter::open(directory.path(), config).unwrap();
    for number in 0..20_000 {
        emitter.emit(crash(1, number));
        assert!(emitter.stats().queued_bytes <= 64 << 10);
    }
    emitter.close_blocking().unwrap();
    assert_eq!(events_of(directory.path()).len(), 20_000);
}

#[tokio::test]
async fn wrong_endpoints_say_what_is_supported() {
    for (endpoint, said) in [
        ("redis://localhost", "a path or embedded:PATH"),
        ("host:0", "write HOST:PORT, tcp://HOST:PORT"),
        ("", "a path or embedded:PATH"),
    ] {
        let error = EventEmitter::new(endpoint).await.unwrap_err();
        assert!(matches!(error, EmitError::Endpoint(_)), "{endpoint}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a store").unwrap();
    assert!(matches!(EventEmitter::new(file.display().to_string()).await, Err(EmitError::Store(_))));
}

#[test]
fn ids_given_are_the_ids_stored() {
    let directory = tempfile::tempdir().unwrap();
    let config = EmitterConfig { store: small_segments(), ..EmitterConfig::default() };
    let emitter = EventEmitter::open(directory.path(), config).unwrap();
    let given: HashSet<ConceptId> = thread::scope(|scope| {
        let emit = |thread: u64| {
            let emitter = &emitter;
            // Few microseconds for many events, so that nearly all of them tie.
            scope.spawn(move || {
                (0..50)
                    .map(|number| emitter.emit_durable_blocking(crash(thread, number / 25)).unwrap())
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..4).map(emit).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    emitter.close_blocking().unwrap();
    assert_eq!(given.len(), 200);
    assert_eq!(given, events_of(directory.path()).into_iter().map(|event| event.id).collect());
}
