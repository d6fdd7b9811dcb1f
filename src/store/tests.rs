//! The store against a plain list of events, with seals, reopenings, late events and ties among the operations.

use std::collections::HashMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::event::Event;

mod crashes;
mod disk;
mod faults;
mod journal;
mod names;
mod run;
mod stand_ins;
mod waits;

fn config(segment_events: u32) -> StoreConfig {
    StoreConfig { segment_events, durability: Durability::OsBuffered, ..StoreConfig::default() }
}

/// What the store should hold: ids and contents in the order of arrival.
#[derive(Default)]
struct Model {
    events: Vec<(String, String)>,
}

impl Model {
    fn add(&mut self, event: &Event) -> String {
        let stem = format!("event-{}-{}", event.event_type(), event.timestamp_us());
        let taken = |id: &str| self.events.iter().any(|(known, _)| known == id);
        let numbered = (1..).map(|ordinal| format!("{stem}-{ordinal}"));
        let id = std::iter::once(stem.clone()).chain(numbered).find(|id| !taken(id)).expect("endless");
        self.events.push((id.clone(), event.to_json()));
        id
    }

    fn find(&self, event: &Event) -> Option<String> {
        let stem = format!("event-{}-{}", event.event_type(), event.timestamp_us());
        let json = event.to_json();
        let same = |id: &str| id == stem || id.strip_prefix(&stem).is_some_and(|rest| rest.starts_with('-'));
        self.events.iter().find(|(id, content)| *content == json && same(id)).map(|(id, _)| id.clone())
    }
}

fn contents(snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut events = Vec::new();
    snapshot
        .scan(0, &mut |stored| {
            assert_eq!(stored.sequence, events.len() as u64 + 1);
            events.push((stored.id.to_string(), stored.event.to_json()));
            ControlFlow::Continue(())
        })
        .expect("readable");
    events
}

/// Checks the indices of every source against its events.
pub(super) fn check_indices(snapshot: &Snapshot) {
    for source in snapshot.sources() {
        let mut by_type: HashMap<String, Vec<u32>> = HashMap::new();
        let mut by_entity: HashMap<(String, String), Vec<u32>> = HashMap::new();
        let mut by_type_entity: HashMap<(String, String, String), u64> = HashMap::new();
        for (block, zone) in source.zones().iter().enumerate() {
            let rows = source.rows(block).expect("readable");
            for row in 0..zone.count {
                let stored = rows.stored_event(row);
                let position = zone.first + row;
                assert!((zone.min_us..=zone.max_us).contains(&stored.event.timestamp_us()));
                assert_eq!(source.position_of(&stored.id).expect("readable"), Some(position));
                by_type.entry(stored.event.event_type().to_owned()).or_default().push(position);
                for entity in stored.event.entities() {
                    let key = (stored.event.event_type().to_owned(), entity.field.clone(), entity.value.clone());
                    *by_type_entity.entry(key).or_default() += 1;
                    by_entity.entry((entity.field, entity.value)).or_default().push(position);
                }
                stored.event.visit(|name, value| {
                    assert_eq!(rows.value(row, name).map(|v| v.to_string()), Some(value.to_string()));
                    assert!(source.may_have_field(name).contains(position));
                });
            }
        }
        for (name, positions) in &by_type {
            assert_eq!(source.of_type(name).iter().collect::<Vec<_>>(), *positions);
        }
        assert_eq!(source.types().len(), by_type.len());
        let mut listed = 0;
        source
            .entities(&mut |field, value, count| {
                listed += 1;
                assert_eq!(by_entity[&(field.to_owned(), value.to_owned())].len() as u64, count);
            })
            .expect("readable");
        assert_eq!(listed, by_entity.len());
        for ((field, value), positions) in &by_entity {
            let found = source.of_entity(Some(field), value).expect("readable");
            assert_eq!(found.iter().collect::<Vec<_>>(), *positions, "{field}={value}");
            let under_any = source.of_entity(None, value).expect("readable");
            assert!(found.is_subset(&under_any));
            assert!(source.of_entity(Some("nowhere"), value).expect("readable").is_empty());
        }
        for (name, field) in by_type_entity.keys().map(|(name, field, _)| (name, field)) {
            if let Some(counts) = source.stored_counts(name, field).expect("readable") {
                let mut counted: Vec<_> = counts.iter().map(|(value, count)| (value.to_string(), *count)).collect();
                let mut expected: Vec<_> = by_type_entity
                    .iter()
                    .filter(|((n, f, _), _)| n == name && f == field)
                    .map(|((_, _, value), count)| (value.clone(), *count))
                    .collect();
                counted.sort();
                expected.sort();
                assert_eq!(counted, expected);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Append(Vec<Event>),
    AppendNew(Vec<Event>),
    Seal,
    Reopen,
    /// Reopening after the process was killed: nothing was flushed, sealed or closed.
    Abandon,
}

fn event() -> impl Strategy<Value = Event> {
    let time =
        prop_oneof![4 => 0i64..60, 1 => -5_000_000i64..5_000_000, 1 => Just(crate::event::timestamp::MICROS_MAX)];
    let time = time.prop_map(crate::event::timestamp::format);
    (time, 0u8..9, 0u8..4, any::<i32>(), "[a-c\"\\\\é]{0,3}").prop_map(|(time, form, agent, number, text)| {
        let text = serde_json::to_string(&text).expect("a string");
        let json = match form {
            0 => format!(r#"{{"event_type":"agent_heartbeat","agent_id":"a{agent}","storage_node_count":{agent},"timestamp":"{time}"}}"#),
            1 => format!(r#"{{"event_type":"node_crashed","node_id":"n{agent}","agent_id":"a{agent}","exit_code":{number},"timestamp":"{time}"}}"#),
            2 => format!(r#"{{"event_type":"node_crashed","node_id":"a{agent}","agent_id":"a{agent}","timestamp":"{time}"}}"#),
            3 => format!(r#"{{"event_type":"spawn_failed","node_id":"n{agent}","agent_id":"a1","error":{text},"caused_by":"event-x-{number}","timestamp":"{time}"}}"#),
            4 => format!(r#"{{"event_type":"cluster_degraded","total_agents":4,"healthy_agents":{agent},"reason":{text},"timestamp":"{time}"}}"#),
            5 => format!(r#"{{"timestamp":"{time}","event_type":"span","trace_id":{text},"load":{number}.50,"more":[{text},{{"k":null}}]}}"#),
            6 => format!(r#"{{"event_type":"span","trace_id":"n{agent}","span_id":"n{agent}","ok":true,"at":"{time}","timestamp":"{time}"}}"#),
            7 => format!(r#"{{"event_type":"agent_offline","agent_id":"a{agent}","last_seen":"1970-01-01T00:00:0{agent}Z","timestamp":"{time}"}}"#),
            _ => format!(r#"{{"event_type":"mixed","v":{},"timestamp":"{time}"}}"#, ["1", "1.0", "null", &text][agent as usize]),
        };
        Event::from_json(&json).expect(&json)
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => prop::collection::vec(event(), 0..12).prop_map(Operation::Append),
        3 => prop::collection::vec(event(), 0..12).prop_map(Operation::AppendNew),
        1 => Just(Operation::Seal),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::Abandon),
    ]
}

proptest! {
    // A share of what PROPTEST_CASES says (256 unless set), since each case opens several stores.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 8))]

    #[test]
    fn a_store_holds_what_a_list_holds(
        operations in prop::collection::vec(operation(), 1..25),
        segment_events in 1u32..40,
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut copies = Vec::new();
        let mut path = directory.path().to_owned();
        let mut store = Store::open_with(&path, config(segment_events)).expect("opens");
        let mut model = Model::default();
        for operation in operations {
            match operation {
                Operation::Append(events) => {
                    let appended = store.append(&events).expect("written");
                    for (event, appended) in events.iter().zip(appended) {
                        prop_assert_eq!(appended, Appended::Stored(model.add(event).parse().expect("an id")));
                    }
                }
                Operation::AppendNew(events) => {
                    let appended = store.append_new(&events).expect("written");
                    for (event, appended) in events.iter().zip(appended) {
                        let expected = match model.find(event) {
                            Some(id) => Appended::Duplicate(id.parse().expect("an id")),
                            None => Appended::Stored(model.add(event).parse().expect("an id")),
                        };
                        // Which of several identical events is named does not matter.
                        match (&appended, &expected) {
                            (Appended::Duplicate(_), Appended::Duplicate(_)) => {}
                            _ => prop_assert_eq!(appended, expected),
                        }
                    }
                }
                Operation::Seal => store.seal().expect("sealed"),
                Operation::Reopen => {
                    store.close().expect("closed");
                    store = Store::open_with(&path, config(segment_events)).expect("opens again");
                }
                Operation::Abandon => {
                    // A copy of the files is what a killed process leaves behind.
                    let copy = tempfile::tempdir().expect("a directory");
                    copy_directory(&path, copy.path());
                    path = copy.path().to_owned();
                    copies.push(copy);
                    store = Store::open_with(&path, config(segment_events)).expect("opens the copy");
                }
            }
            prop_assert_eq!(store.problems(), Vec::<String>::new());
        }
        let snapshot = store.snapshot();
        prop_assert_eq!(&contents(&snapshot), &model.events);
        check_indices(&snapshot);
        let reader = Store::open_read_only(&path).expect("readable beside the writer");
        prop_assert_eq!(&contents(&reader.snapshot()), &model.events);
        store.seal().expect("sealed");
        reader.refresh().expect("readable");
        check_indices(&reader.snapshot());
        prop_assert_eq!(&contents(&reader.snapshot()), &model.events);
    }
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creatable");
    for entry in std::fs::read_dir(from).expect("listable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            // A temporary file may be renamed meanwhile, as it may be for any copy.
            let _ = std::fs::copy(entry.path(), target);
        }
    }
}

fn heartbeat(agent: u32, micros: i64) -> Event {
    let time = crate::event::timestamp::format(micros);
    Event::from_json(&format!(
        r#"{{"event_type":"agent_heartbeat","agent_id":"a{agent}","storage_node_count":1,"timestamp":"{time}"}}"#
    ))
    .expect("well-formed")
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    let error = Store::open(directory.path()).expect_err("locked").to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    store.close().expect("closed");
    Store::open(directory.path()).expect("the lock is free again");
}

#[test]
fn other_directories_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(matches!(Store::open_read_only(directory.path()), Err(StoreError::Missing { .. })));
    assert!(matches!(Store::open_read_only(directory.path().join("no")), Err(StoreError::Missing { .. })));
    std::fs::write(directory.path().join("notes.txt"), "mine").expect("writable");
    assert!(matches!(Store::open(directory.path()), Err(StoreError::NotAStore { .. })));
    assert!(matches!(Store::open_read_only(directory.path()), Err(StoreError::NotAStore { .. })));
    std::fs::write(directory.path().join("FORMAT"), "sutra-grid-events 99\nepoch 0000000000000001\n")
        .expect("writable");
    assert!(matches!(Store::open(directory.path()), Err(StoreError::NewerFormat { found: 99, .. })));
    assert!(matches!(Store::open_read_only(directory.path()), Err(StoreError::NewerFormat { found: 99, .. })));
}

#[test]
fn a_torn_end_is_cut_off_and_nothing_else_is_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(100)).expect("opens");
    for second in 0..10 {
        store.append(&[heartbeat(1, second * 1_000_000)]).expect("written");
    }
    store.close().expect("closed");
    let log = directory.path().join("tail/00000000000000000001.log");
    let bytes = std::fs::read(&log).expect("readable");
    for cut in 1..200 {
        std::fs::write(&log, &bytes[..bytes.len() - cut]).expect("writable");
        let reader = Store::open_read_only(directory.path()).expect("readable");
        let there = contents(&reader.snapshot()).len();
        assert!((5..10).contains(&there), "{there} events after cutting {cut} bytes");
        let store = Store::open_with(directory.path(), config(100)).expect("opens");
        store.append(&[heartbeat(2, 99_000_000)]).expect("written");
        assert_eq!(contents(&store.snapshot()).len(), there + 1);
        store.close().expect("closed");
    }
}

#[test]
fn a_log_that_was_never_started_is_no_damage() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(100)).expect("opens");
    store.append(&[heartbeat(1, 0)]).expect("written");
    store.close().expect("closed");
    let whole = std::fs::read(directory.path().join("tail/00000000000000000001.log")).expect("readable");
    for bytes in [&b""[..], b"SGEL", &whole[..13], &whole[..60], &[0; 4096]] {
        std::fs::write(directory.path().join("tail/00000000000000000002.log"), bytes).expect("writable");
        assert_eq!(Store::open_read_only(directory.path()).expect("readable").problems(), Vec::<String>::new());
    }
    let store = Store::open_with(directory.path(), config(100)).expect("opens");
    store.append(&[heartbeat(1, 1)]).expect("written");
    assert_eq!(store.problems(), Vec::<String>::new());
    assert_eq!(contents(&store.snapshot()).len(), 2);
    store.close().expect("closed");
    assert_eq!(contents(&Store::open_read_only(directory.path()).expect("readable").snapshot()).len(), 2);
}

#[test]
fn a_damaged_batch_costs_its_own_events_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config(100)).expect("opens");
    let mut ends = Vec::new();
    let log = directory.path().join("tail/00000000000000000001.log");
    for second in 0..10 {
        store.append(&[heartbeat(second as u32, second * 1_000_000)]).expect("written");
        ends.push(std::fs::metadata(&log).expect("there").len() as usize);
    }
    store.close().expect("closed");
    let mut bytes = std::fs::read(&log).expect("readable");
    bytes[ends[3] + 30] ^= 0xff;
    std::fs::write(&log, &bytes).expect("writable");
    for store in [
        Store::open_read_only(directory.path()).expect("readable"),
        Store::open_with(directory.path(), config(100)).expect("opens"),
    ] {
        assert_eq!(store.problems().len(), 1);
        let mut sequences = Vec::new();
        let snapshot = store.snapshot();
        let collect = &mut |stored: StoredEvent| {
            sequences.push(stored.sequence);
            ControlFlow::Continue(())
        };
        snapshot.scan(0, collect).expect("readable");
        assert_eq!(sequences, [1, 2, 3, 4, 6, 7, 8, 9, 10]);
        assert_eq!(store.sequence(), 10);
    }
}

#[test]
fn retention_removes_whole_segments_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let retention = Retention { bytes_max: Some(0), ..Retention::default() };
    let store = Store::open_with(directory.path(), config(10)).expect("opens");
    let mut subscription =
        store.subscribe(crate::query::Filter::All, Some(Cursor { epoch: store.epoch(), sequence: 0 })).expect("ours");
    for second in 0..25 {
        store.append(&[heartbeat(1, second * 1_000_000)]).expect("written");
    }
    store.flush().expect("durable");
    assert!(matches!(subscription.try_next().expect("readable"), Some(Delivery::Event(event)) if event.sequence == 1));
    store.seal().expect("sealed");
    let snapshot = store.snapshot();
    let cursor = Cursor { epoch: store.epoch(), sequence: 1 };
    store.close().expect("closed");
    let store = Store::open_with(directory.path(), StoreConfig { retention, ..config(10) }).expect("opens");
    let beats = crate::query::Filter::event_type("agent_heartbeat");
    for _ in 0..200 {
        if store.count(&beats).expect("readable") == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(store.count(&beats).expect("readable"), 0);
    assert_eq!(contents(&snapshot).len(), 25, "a snapshot that is held stays readable");
    let removals = store.removals().expect("readable");
    assert_eq!(removals.iter().map(|removal| removal.events).sum::<u64>(), 25);
    // One event for each of three segments.
    assert_eq!(store.count(&crate::query::Filter::event_type("events_removed")).expect("readable"), 3);
    store.append(&[heartbeat(1, 30_000_000)]).expect("written");
    store.flush().expect("durable");
    let mut resumed = store.subscribe(crate::query::Filter::All, Some(cursor)).expect("ours");
    assert!(matches!(resumed.try_next().expect("readable"), Some(Delivery::Missed { count: 24, .. })));
    for sequence in 26..=29 {
        assert!(matches!(resumed.try_next(), Ok(Some(Delivery::Event(event))) if event.sequence == sequence));
    }
    store.close().expect("closed");
    let store = Store::open_with(directory.path(), config(10)).expect("opens");
    let mut left = 0;
    let count = &mut |_| {
        left += 1;
        ControlFlow::Continue(())
    };
    store.snapshot().scan(0, count).expect("readable");
    assert_eq!(left, 4, "what was removed does not come back");
}

#[test]
fn cursors_are_kept_for_their_owners() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("opens");
    let cursor = Cursor { epoch: store.epoch(), sequence: 5 };
    store.save_cursor("console", cursor).expect("durable");
    assert_eq!(store.cursor("console").expect("readable"), Some(cursor));
    store.close().expect("closed");
    let reader = Store::open_read_only(directory.path()).expect("readable");
    assert_eq!(reader.cursor("console").expect("readable"), Some(cursor));
    assert_eq!(reader.cursor("other").expect("readable"), None);
    let foreign = Cursor { epoch: 1, sequence: 0 };
    assert!(matches!(
        reader.subscribe(crate::query::Filter::All, Some(foreign)),
        Err(StoreError::ForeignCursor { .. })
    ));
    assert!(matches!(reader.save_cursor("x", cursor), Err(StoreError::ReadOnly { .. })));
}
