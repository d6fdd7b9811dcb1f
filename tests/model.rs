//! Store and query together against a plain list: whatever was appended, sealed, reopened and asked,
//! the answers are those of a loop over all events.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value as Json;
use sutra_grid_events::query::{Bucket, Filter, GroupKey, Order, Query, TimeRange};
use sutra_grid_events::store::{Appended, Durability, Store, StoreConfig};
use sutra_grid_events::{Event, Value};

/// An event as the model keeps it.
#[derive(Debug, Clone)]
struct Kept {
    id: String,
    sequence: u64,
    timestamp_us: i64,
    json: Json,
}

/// A question that the model can answer by itself.
#[derive(Debug, Clone)]
enum Asked {
    Type(u8),
    Entity(u8),
    EntityOf(&'static str, u8),
    Between(Option<i64>, Option<i64>),
    Equals(u8),
    NumberAbove(i64),
    Contains(&'static str),
    Exists(&'static str),
    Both(Box<Asked>, Box<Asked>),
    Either(Box<Asked>, Box<Asked>),
    Not(Box<Asked>),
}

const TYPES: [&str; 3] = ["agent_heartbeat", "spawn_failed", "span"];

fn name(number: u8) -> String {
    format!("x{number}")
}

impl Asked {
    fn filter(&self) -> Filter {
        match self {
            Asked::Type(number) => Filter::event_type(TYPES[*number as usize]),
            Asked::Entity(number) => Filter::entity(name(*number)),
            Asked::EntityOf(field, number) => Filter::entity_of(*field, name(*number)),
            Asked::Between(since_us, until_us) => Filter::Time(TimeRange { since_us: *since_us, until_us: *until_us }),
            Asked::Equals(number) => Filter::field("error").equals(name(*number)),
            Asked::NumberAbove(number) => Filter::field("count").greater(Value::from(*number)),
            Asked::Contains(text) => Filter::field("error").contains(*text),
            Asked::Exists(field) => Filter::field(*field).exists(),
            Asked::Both(a, b) => a.filter().and(b.filter()),
            Asked::Either(a, b) => a.filter().or(b.filter()),
            Asked::Not(a) => Filter::Not(Box::new(a.filter())),
        }
    }

    fn holds(&self, event: &Kept) -> bool {
        let text = |field: &str| event.json.get(field).and_then(Json::as_str).unwrap_or_default();
        match self {
            Asked::Type(number) => text("event_type") == TYPES[*number as usize],
            Asked::Entity(number) => {
                ["node_id", "agent_id", "trace_id"].iter().any(|field| text(field) == name(*number))
            }
            Asked::EntityOf(field, number) => text(field) == name(*number),
            Asked::Between(since_us, until_us) => {
                since_us.is_none_or(|since| event.timestamp_us >= since)
                    && until_us.is_none_or(|until| event.timestamp_us < until)
            }
            Asked::Equals(number) => text("error") == name(*number),
            Asked::NumberAbove(number) => {
                event.json.get("count").and_then(Json::as_i64).is_some_and(|count| count > *number)
            }
            Asked::Contains(part) => event.json.get("error").is_some_and(|error| {
                let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
                text.to_lowercase().contains(&part.to_lowercase())
            }),
            Asked::Exists(field) => event.json.get(*field).is_some(),
            Asked::Both(a, b) => a.holds(event) && b.holds(event),
            Asked::Either(a, b) => a.holds(event) || b.holds(event),
            Asked::Not(a) => !a.holds(event),
        }
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let bound = || prop::option::of(-3_000_000i64..3_000_000);
    let leaf = prop_oneof![
        (0u8..3).prop_map(Asked::Type),
        (0u8..5).prop_map(Asked::Entity),
        (prop::sample::select(vec!["node_id", "agent_id", "trace_id", "error"]), 0u8..5)
            .prop_filter("`error` is no entity field", |(field, _)| *field != "error")
            .prop_map(|(field, number)| Asked::EntityOf(field, number)),
        (bound(), bound()).prop_map(|(since, until)| Asked::Between(since, until)),
        (0u8..5).prop_map(Asked::Equals),
        (-2i64..12).prop_map(Asked::NumberAbove),
        prop::sample::select(vec!["x", "X1", "2", ""]).prop_map(Asked::Contains),
        prop::sample::select(vec!["error", "count", "agent_id", "trace_id", "timestamp", "none"])
            .prop_map(Asked::Exists),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Asked::Both(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Asked::Either(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Asked::Not(Box::new(a))),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let time = prop_oneof![3 => 0i64..40, 1 => -3_000_000i64..3_000_000];
    (time, 0u8..4, 0u8..5, 0u8..5, 0i64..12).prop_map(|(micros, form, a, b, count)| {
        let time = sutra_grid_events::event::timestamp::format(micros);
        let (a, b) = (name(a), name(b));
        let json = match form {
            0 => format!(r#"{{"event_type":"agent_heartbeat","agent_id":"{a}","storage_node_count":1,"timestamp":"{time}"}}"#),
            1 => format!(r#"{{"event_type":"spawn_failed","node_id":"{a}","agent_id":"{b}","error":"{b}","timestamp":"{time}"}}"#),
            2 => format!(r#"{{"event_type":"spawn_failed","node_id":"{a}","agent_id":"{b}","error":"{a}","count":{count},"timestamp":"{time}"}}"#),
            _ => format!(r#"{{"event_type":"span","trace_id":"{a}","count":{count},"error":null,"timestamp":"{time}"}}"#),
        };
        Event::from_json(&json).expect("well-formed")
    })
}

#[derive(Debug, Clone)]
enum Operation {
    Append(Vec<Event>),
    Seal,
    Reopen,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        6 => prop::collection::vec(event(), 1..20).prop_map(Operation::Append),
        1 => Just(Operation::Seal),
        1 => Just(Operation::Reopen),
    ];
    prop::collection::vec(operation, 1..12)
}

fn build(path: &std::path::Path, operations: &[Operation], segment_events: u32) -> (Store, Vec<Kept>) {
    let config = StoreConfig { segment_events, durability: Durability::OsBuffered, ..StoreConfig::default() };
    let mut store = Store::open_with(path, config.clone()).expect("opens");
    let mut kept = Vec::new();
    for operation in operations {
        match operation {
            Operation::Append(events) => {
                for (event, appended) in events.iter().zip(store.append(events).expect("written")) {
                    let Appended::Stored(id) = appended else { panic!("{appended:?}") };
                    kept.push(Kept {
                        id: id.to_string(),
                        sequence: kept.len() as u64 + 1,
                        timestamp_us: event.timestamp_us(),
                        json: serde_json::from_str(&event.to_json()).expect("JSON"),
                    });
                }
            }
            Operation::Seal => store.seal().expect("sealed"),
            Operation::Reopen => {
                store.close().expect("closed");
                store = Store::open_with(path, config.clone()).expect("opens");
            }
        }
    }
    (store, kept)
}

fn grouped(events: &[&Kept], key: impl Fn(&Kept) -> Option<String>) -> (Vec<(String, u64)>, u64) {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    let mut ungrouped = 0;
    for event in events {
        match key(event) {
            Some(key) => *counts.entry(key).or_default() += 1,
            None => ungrouped += 1,
        }
    }
    let mut groups: Vec<_> = counts.into_iter().collect();
    groups.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    (groups, ungrouped)
}

proptest! {
    // A share of what PROPTEST_CASES says (256 unless set), since each case opens a store.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 2,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_are_those_of_a_loop_over_all_events(
        operations in operations(),
        segment_events in 1u32..50,
        questions in prop::collection::vec((asked(), any::<bool>(), 1usize..9), 1..8),
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, kept) = build(directory.path(), &operations, segment_events);
        for event in &kept {
            let found = store.get(&event.id.parse().expect("an id")).expect("readable").expect("there");
            prop_assert_eq!(found.sequence, event.sequence);
        }
        for (asked, newest_first, limit) in questions {
            let filter = asked.filter();
            let mut expected: Vec<&Kept> = kept.iter().filter(|event| asked.holds(event)).collect();
            expected.sort_by_key(|event| (event.timestamp_us, event.sequence));
            prop_assert_eq!(store.count(&filter).expect("readable"), expected.len() as u64);

            let field = |name: &'static str| move |event: &Kept| event.json.get(name).filter(|v| !v.is_null()).map(|v| {
                v.as_str().map_or_else(|| v.to_string(), str::to_owned)
            });
            for (key, groups) in [
                (GroupKey::Type, grouped(&expected, field("event_type"))),
                (GroupKey::Field("agent_id".into()), grouped(&expected, field("agent_id"))),
                (GroupKey::Field("count".into()), grouped(&expected, field("count"))),
                (GroupKey::Time { bucket: Bucket::Day, offset_seconds: 0 }, grouped(&expected, |event| {
                    Some(if event.timestamp_us < 0 { "1969-12-31" } else { "1970-01-01" }.to_owned())
                })),
            ] {
                let found = store.group_by(&filter, &key).expect("readable");
                let pairs = found.groups.into_iter().map(|group| (group.key, group.count));
                let found = (pairs.collect::<Vec<_>>(), found.ungrouped);
                prop_assert_eq!(found, groups, "{:?}", key);
            }
            let distinct = grouped(&expected, field("agent_id")).0.len() as u64;
            prop_assert_eq!(store.distinct(&filter, "agent_id").expect("readable"), distinct);

            if newest_first {
                expected.reverse();
            }
            let order = if newest_first { Order::NewestFirst } else { Order::OldestFirst };
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let query = Query { filter: filter.clone(), order, limit: Some(limit), after };
                let result = store.query(&query).expect("readable");
                prop_assert!(result.events.len() <= limit);
                pages.extend(result.events.iter().map(|stored| stored.id.to_string()));
                match result.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            prop_assert_eq!(pages, expected.iter().map(|event| event.id.clone()).collect::<Vec<_>>());
        }
    }
}
