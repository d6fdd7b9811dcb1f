//! Readers beside a writer: they never see half a batch, never wait for it, and lose nothing when a tail
//! is sealed under their feet.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sutra_grid_events::query::Filter;
use sutra_grid_events::store::{Cursor, Delivery, Durability, Store, StoreConfig};
use sutra_grid_events::{DynamicEvent, Event};

const BATCH: usize = 7;
const BATCHES: usize = 400;

fn config() -> StoreConfig {
    StoreConfig { segment_events: 100, durability: Durability::OsBuffered, ..StoreConfig::default() }
}

fn batch(number: usize) -> Vec<Event> {
    let event = |place: usize| {
        let time = chrono::DateTime::from_timestamp_micros((number * BATCH + place) as i64).expect("legal");
        let event = DynamicEvent::new("step_done", time).expect("legal").with("batch_id", format!("b{number}"));
        Event::from(event.with("place", place as u64))
    };
    (0..BATCH).map(event).collect()
}

/// Counts the events of a store in the order of arrival, and checks that there is no gap.
fn count_in_order(store: &Store) -> usize {
    let mut count = 0;
    store
        .scan(0, &mut |stored| {
            count += 1;
            assert_eq!(stored.sequence, count as u64);
            assert_eq!(stored.id.timestamp_us(), count as i64 - 1);
            ControlFlow::Continue(())
        })
        .expect("readable");
    count
}

#[test]
fn readers_see_whole_batches_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config()).expect("opens");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..BATCHES {
                store.append(&batch(number)).expect("written");
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            let mut before = 0;
            while !done.load(Ordering::Acquire) {
                let count = count_in_order(&store);
                assert_eq!(count % BATCH, 0);
                assert!(count >= before);
                before = count;
            }
        });
        scope.spawn(|| {
            let mut before = 0;
            let follower = Store::open_read_only(directory.path()).expect("readable");
            while !done.load(Ordering::Acquire) {
                let fresh = Store::open_read_only(directory.path()).expect("readable");
                follower.refresh().expect("readable");
                for reader in [&fresh, &follower] {
                    let count = count_in_order(reader);
                    assert_eq!(reader.problems(), Vec::<String>::new());
                    assert_eq!(count % BATCH, 0);
                    assert!(count >= before, "{count} after {before}");
                    before = count;
                }
            }
        });
    });
    assert_eq!(count_in_order(&store), BATCH * BATCHES);
    store.close().expect("closed");
    let reader = Store::open_read_only(directory.path()).expect("readable");
    assert_eq!(count_in_order(&reader), BATCH * BATCHES);
}

#[test]
fn a_subscription_delivers_each_event_once_over_seals_and_restarts() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config()).expect("opens");
    let odd = Filter::field("place").equals(1).or(Filter::field("place").equals(3));
    let start = Cursor { epoch: store.epoch(), sequence: 0 };
    let mut subscription = store.subscribe(odd.clone(), Some(start)).expect("ours");
    let mut delivered = Vec::new();
    let mut take = |delivery: Delivery| match delivery {
        Delivery::Event(event) => delivered.push(event.sequence),
        Delivery::Missed { count, .. } => panic!("missed {count}"),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..BATCHES / 2 {
                store.append(&batch(number)).expect("written");
            }
            store.flush().expect("durable");
        });
        for _ in 0..BATCHES / 2 {
            take(subscription.next_timeout(Duration::from_secs(60)).expect("readable").expect("in time"));
        }
    });
    let cursor: Cursor = subscription.cursor().to_string().parse().expect("a cursor");
    drop(subscription);
    store.close().expect("closed");

    let store = Store::open_with(directory.path(), config()).expect("opens");
    for number in BATCHES / 2..BATCHES {
        store.append(&batch(number)).expect("written");
    }
    store.flush().expect("durable");
    let mut resumed = store.subscribe(odd, Some(cursor)).expect("ours");
    while let Some(delivery) = resumed.try_next().expect("readable") {
        take(delivery);
    }
    let expected: Vec<u64> =
        (0..BATCHES).flat_map(|number| [1, 3].map(|place| (number * BATCH + place + 1) as u64)).collect();
    assert_eq!(delivered, expected);
}

#[tokio::test]
async fn a_subscription_can_be_awaited() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    let mut subscription = store.subscribe(Filter::All, None).expect("ours");
    let writer = store.clone();
    let writing = tokio::task::spawn_blocking(move || writer.append(&batch(0)).map(|_| ()));
    for place in 1..=BATCH as u64 {
        let delivery = subscription.next().await.expect("readable");
        assert!(matches!(delivery, Some(Delivery::Event(event)) if event.sequence == place));
    }
    writing.await.expect("joined").expect("written");
    let closing = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(20));
        store.close()
    });
    assert_eq!(subscription.next().await.expect("readable"), None, "a closed store delivers no more");
    closing.await.expect("joined").expect("closed");
}
