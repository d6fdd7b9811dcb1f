//! The spool of an emitter: nothing is lost while the remote store is away, and all arrives in order.

use std::path::Path;
use std::time::Duration;

use sutra_grid_events::emitter::SpoolStats;
use sutra_grid_events::graph::{ConceptStore, NeighborPage};
use sutra_grid_events::remote::{ForwardOptions, Forwarder, RemoteConcepts};
use sutra_grid_events::store::{Retention, StoreConfig};
use sutra_grid_events::{EmitterConfig, EventEmitter, Store};

use crate::stand_in::{Faults, StandIn};
use crate::{assert_ids, crash, ids, quick, until};

fn open(server: &StandIn, spool: &Path) -> EventEmitter {
    EventEmitter::open_remote(server.endpoint().parse().unwrap(), spool, EmitterConfig::default(), quick()).unwrap()
}

fn spool_stats(emitter: &EventEmitter) -> SpoolStats {
    emitter.stats().spool.unwrap()
}

/// Waits until the stats are as wanted.
async fn wait_for(emitter: &EventEmitter, wanted: impl Fn(&SpoolStats) -> bool) -> SpoolStats {
    until(|| {
        let stats = spool_stats(emitter);
        if emitter.stats().backlog == 0 && wanted(&stats) { Ok(stats) } else { Err(format!("{stats:?}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_store_that_is_killed_ten_times_gets_every_event_once_and_in_order() {
    const ROUNDS: i64 = 10;
    const EVENTS: i64 = 500;
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let emitter = open(&server, directory.path());
    for round in 0..ROUNDS {
        (round * EVENTS..(round + 1) * EVENTS).for_each(|number| emitter.emit(crash(number)));
        emitter.flush().await.unwrap();
        // Killed at once, or after some of it arrived: at whatever moment, nothing may be lost.
        let forwarded = spool_stats(&emitter).forwarded;
        if round % 2 == 0 {
            wait_for(&emitter, |stats| stats.forwarded > forwarded || stats.depth == 0).await;
        }
        server.kill().await;
        server.restart().await;
    }
    let stats = wait_for(&emitter, |stats| stats.depth == 0).await;
    assert!(stats.reconnects > 0 && stats.connected && stats.lag.is_zero(), "{stats:?}");
    let contents = server.durable();
    assert_ids(&contents.events(), ROUNDS * EVENTS);
    for stored in emitter.store().query(&sutra_grid_events::Query::default()).unwrap().events {
        assert_eq!(contents.content(&stored.id.to_string()).unwrap(), stored.event.to_json());
    }
    emitter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_after_a_few_requests_lose_nothing() {
    let (server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    for close_after in [0, 1, 50, 333] {
        server.set_faults(Faults { close_after: Some(close_after), ..Faults::default() });
        let emitter = open(&server, &directory.path().join(close_after.to_string()));
        (0..100).for_each(|number| emitter.emit(crash(number)));
        let failed = wait_for(&emitter, |stats| stats.last_error.is_some()).await;
        assert!(failed.depth > 0 && failed.lag > Duration::ZERO, "{failed:?}");
        server.set_faults(Faults::default());
        wait_for(&emitter, |stats| stats.depth == 0).await;
        assert_ids(&server.durable().events(), 100);
        emitter.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forwarding_goes_on_where_it_stood_when_the_emitter_is_opened_again() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let emitter = open(&server, directory.path());
    (0..50).for_each(|number| emitter.emit(crash(number)));
    wait_for(&emitter, |stats| stats.depth == 0).await;
    server.kill().await;
    (50..120).for_each(|number| emitter.emit(crash(number)));
    wait_for(&emitter, |stats| stats.last_error.is_some() && stats.depth == 70).await;
    emitter.close().await.unwrap();

    server.restart().await;
    let before = server.events_learned();
    let emitter = open(&server, directory.path());
    (120..150).for_each(|number| emitter.emit(crash(number)));
    wait_for(&emitter, |stats| stats.depth == 0).await;
    assert_ids(&server.durable().events(), 150);
    assert_eq!(server.events_learned() - before, 100, "what was acknowledged is not sent again");
    emitter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_flush_acknowledges() {
    let (server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    for faults in [Faults { no_flush: true, ..Faults::default() }, Faults { refuse_flush: true, ..Faults::default() }] {
        server.set_faults(faults);
        let spool = tempfile::tempdir_in(directory.path()).unwrap();
        let emitter = open(&server, spool.path());
        let learned = server.events_learned();
        (0..10).for_each(|number| emitter.emit(crash(number)));
        wait_for(&emitter, |stats| stats.last_error.is_some() && server.events_learned() > learned).await;
        let stats = spool_stats(&emitter);
        assert_eq!((stats.depth, stats.forwarded), (10, 0), "{stats:?}");
        assert_eq!(emitter.store().cursor(&format!("forward:{}", server.endpoint())).unwrap(), None);
        server.set_faults(Faults::default());
        wait_for(&emitter, |stats| stats.depth == 0 && stats.forwarded == 10).await;
        assert_ids(&server.durable().events(), 10);
        emitter.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_forwards_what_is_left_and_does_not_wait_for_a_store_that_is_away() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let emitter = open(&server, directory.path());
    (0..300).for_each(|number| emitter.emit(crash(number)));
    emitter.close().await.unwrap();
    assert_ids(&server.durable().events(), 300);

    server.kill().await;
    let emitter = open(&server, directory.path());
    emitter.emit(crash(300));
    emitter.close().await.unwrap();
    drop(emitter);
    server.restart().await;
    let store = Store::open(directory.path()).unwrap();
    let endpoint = server.endpoint().parse().unwrap();
    let options = ForwardOptions { client: quick(), attempts_max: Some(1) };
    let mut forwarder = Forwarder::new(store, endpoint, options).unwrap();
    assert_eq!(forwarder.watch().stats().depth, 1);
    forwarder.forward_all().await.unwrap();
    assert_ids(&server.durable().events(), 301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entities_and_seconds_have_their_neighbours_at_the_other_end() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    // Twice, since another run must not learn entities again: the existing server drops associations then.
    for run in 0..2 {
        let emitter = open(&server, directory.path());
        (run * 10..run * 10 + 10).for_each(|number| emitter.emit(crash(number)));
        wait_for(&emitter, |stats| stats.depth == 0).await;
        emitter.close().await.unwrap();
        server.kill().await;
        server.restart().await;
    }
    let client = RemoteConcepts::connect(server.endpoint().parse().unwrap(), quick()).await.unwrap();
    for id in ids(20) {
        assert!(client.query_concept(&id).await.unwrap().is_some());
    }
    let page = NeighborPage { newest_first: false, ..NeighborPage::default() };
    assert_eq!(client.get_neighbors("agent-001", page).await.unwrap().ids, ids(20));
    assert_eq!(client.get_neighbors("ts-0", page).await.unwrap().ids, ids(20));
    let of_node = client.get_neighbors("node-3", page).await.unwrap().ids;
    assert_eq!(of_node, [3, 10, 17].map(|number| format!("event-node_crashed-{}", number * 1000)));
    for name in ["agent-001", "node-3", "ts-0"] {
        client.query_concept(name).await.unwrap();
    }
    let of_event = client.get_neighbors(&ids(4)[3], page).await.unwrap().ids;
    assert_eq!(of_event, ["node-3", "agent-001", "ts-0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_everything_gets_the_entities_again() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let emitter = open(&server, directory.path());
    emitter.emit(crash(0));
    wait_for(&emitter, |stats| stats.forwarded == 1).await;
    server.kill().await;
    server.wipe();
    server.restart().await;
    emitter.emit(crash(1));
    wait_for(&emitter, |stats| stats.forwarded == 2).await;
    let client = RemoteConcepts::connect(server.endpoint().parse().unwrap(), quick()).await.unwrap();
    client.query_concept(&ids(2)[1]).await.unwrap();
    for entity in ["agent-001", "node-1", "ts-0"] {
        let neighbors = client.get_neighbors(entity, NeighborPage::default()).await.unwrap();
        assert_eq!(neighbors.ids, ids(2)[1..], "{entity}");
    }
    emitter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_removes_of_a_spool_only_what_was_forwarded() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    server.kill().await;
    let retention = Retention { bytes_max: Some(1), ..Retention::default() };
    let store = StoreConfig { segment_events: 16, retention, ..StoreConfig::default() };
    let config = EmitterConfig { store, ..EmitterConfig::default() };
    let endpoint = server.endpoint().parse().unwrap();
    let emitter = EventEmitter::open_remote(endpoint, directory.path(), config, quick()).unwrap();
    (0..200).for_each(|number| emitter.emit(crash(number)));
    emitter.flush().await.unwrap();
    emitter.store().seal().unwrap();
    assert_eq!(emitter.store().count(&sutra_grid_events::Filter::All).unwrap(), 200);
    assert!(emitter.store().removals().unwrap().is_empty());
    server.restart().await;
    wait_for(&emitter, |stats| stats.depth == 0).await;
    emitter.emit(crash(200));
    emitter.flush().await.unwrap();
    emitter.store().seal().unwrap();
    wait_for(&emitter, |stats| stats.depth == 0).await;
    until(|| if emitter.store().removals().unwrap().is_empty() { Err("nothing was removed".into()) } else { Ok(()) })
        .await;
    assert_ids(&server.durable().events(), 201);
    emitter.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarder_with_few_attempts_says_what_failed() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    server.kill().await;
    let store = Store::open(directory.path()).unwrap();
    store.append(&[crash(1).into()]).unwrap();
    store.flush().unwrap();
    let options = ForwardOptions { client: quick(), attempts_max: Some(3) };
    let mut forwarder = Forwarder::new(store, server.endpoint().parse().unwrap(), options).unwrap();
    let error = forwarder.forward_all().await.unwrap_err().to_string();
    assert!(error.contains(&server.endpoint()) && error.contains("cannot connect"), "{error}");
}
