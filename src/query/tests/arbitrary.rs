//! Random stores, filters and queries: few names and times, so that everything collides.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::event::{ConceptId, Event, Value, timestamp};
use crate::query::model_source::{Layout, ModelSource};
use crate::query::{Filter, Order, Query, Test, TimeRange};
use crate::storage::{Source, StoredEvent};
use crate::store::Snapshot;

/// A snapshot, and the same events in a plain vector, in order of arrival.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) snapshot: Snapshot,
    pub(super) events: Vec<StoredEvent>,
}

const ENTITIES: [&str; 4] = ["a", "b", "B", "agent-7"];
const TIME_TEXT: &str = "1970-01-01T00:00:00.000003Z";

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => 0..8i64,
        5 => (-40..40i64).prop_map(|hours| hours * 3_600_000_000),
        2 => (-3..3i64).prop_map(|minutes| minutes * 60_000_000 - 1),
        1 => prop_oneof![Just(timestamp::MICROS_MIN), Just(timestamp::MICROS_MAX)],
    ]
}

/// A JSON value of a free field.
fn any_json() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        (-2..3i64).prop_map(|number| number.to_string()),
        Just("1.50".to_owned()),
        Just("[1,\"A\"]".to_owned()),
        prop::sample::select(vec!["a", "b", "Port 80", "", "1", TIME_TEXT, "1970-01-01T01:00:00.000003+01:00"])
            .prop_map(|text| format!("{text:?}")),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let entity = || prop::sample::select(ENTITIES.to_vec());
    let body = prop_oneof![
        5 => entity().prop_map(|agent| ("agent_heartbeat", format!(r#""agent_id":"{agent}","storage_node_count":2"#))),
        3 => (entity(), entity(), 0..3)
            .prop_map(|(node, agent, code)| ("node_crashed", format!(r#""node_id":"{node}","agent_id":"{agent}","exit_code":{code}"#))),
        2 => (entity(), prop::sample::select(vec!["Port in use", "no space", "töÖ"]))
            .prop_map(|(node, error)| ("spawn_failed", format!(r#""node_id":"{node}","agent_id":"a","error":"{error}""#))),
        1 => Just(("cluster_critical", r#""total_agents":3,"healthy_agents":1,"reason":"Port""#.to_owned())),
        1 => Just(("cluster_critical", r#""total_agents":3,"healthy_agents":1,"reason":"x","cluster":"b""#.to_owned())),
        1 => entity().prop_map(|node| ("pathfinding_metrics", format!(
            r#""node_id":"{node}","source_id":"a","target_id":"b","path_length":1,"paths_explored":2,"latency_ms":3,"strategy":"s""#
        ))),
        4 => (any_json(), any_json())
            .prop_map(|(agent, port)| ("pod_moved", format!(r#""agent_id":{agent},"port":{port}"#))),
        2 => any_json().prop_map(|source| ("pod_moved", format!(r#""source_id":{source},"host":"a""#))),
    ];
    let time_text = (any_time(), any::<bool>()).prop_map(|(us, canonical)| {
        let text = timestamp::format(us);
        // Another spelling of the same time.
        if canonical { text } else { text.replace('Z', "0+00:00") }
    });
    (body, time_text).prop_map(|((event_type, fields), time)| {
        let text = format!(r#"{{"event_type":"{event_type}",{fields},"timestamp":"{time}"}}"#);
        Event::from_json(&text).expect("well-formed")
    })
}

pub(super) fn any_world() -> impl Strategy<Value = World> {
    let source = (
        prop::collection::vec(any_event(), 0..24),
        prop::sample::select(vec![Layout::Segment, Layout::Tail]),
        1..9usize,
    );
    prop::collection::vec(source, 0..5).prop_map(|sources| {
        let (mut sequence, mut ordinals, mut all) = (0, HashMap::new(), Vec::new());
        let sources = sources.into_iter().map(|(events, layout, block_events)| {
            let mut stored = Vec::new();
            for event in events {
                // Now and then an event was removed.
                sequence += if sequence % 7 == 3 { 2 } else { 1 };
                let (event_type, us) = (event.event_type().to_owned(), event.timestamp_us());
                let ordinal: &mut u32 = ordinals.entry((event_type.clone(), us)).or_default();
                let id = ConceptId::new(&event_type, us, *ordinal).expect("a legal type");
                *ordinal += 1;
                stored.push(StoredEvent { id, sequence, event });
            }
            all.extend(stored.iter().cloned());
            Arc::new(ModelSource::new(layout, stored, block_events)) as Arc<dyn Source>
        });
        let snapshot = Snapshot::new(sources.collect());
        World { snapshot, events: all }
    })
}

fn any_literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "B", "agent-7", "node_crashed", "pod_moved", "1", "", "Port in use", "x"])
            .prop_map(Value::from),
        2 => any_time().prop_map(|us| Value::from(timestamp::format(us))),
        1 => Just(Value::from("1970-01-01T00:00:00.0000039Z")),
        2 => (-2..4i64).prop_map(Value::from),
        1 => Just(Value::from(1.5)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    prop_oneof![
        3 => any_literal().prop_map(Test::Equals),
        2 => any_literal().prop_map(Test::Differs),
        1 => any_literal().prop_map(Test::Less),
        1 => any_literal().prop_map(Test::AtMost),
        1 => any_literal().prop_map(Test::Greater),
        1 => any_literal().prop_map(Test::AtLeast),
        2 => prop::sample::select(vec!["port", "A", "Ö", "0", "node", "", "z"])
            .prop_map(|text| Test::Contains(text.to_owned())),
        2 => prop::collection::vec(any_literal(), 0..3).prop_map(Test::OneOf),
        1 => Just(Test::Exists),
    ]
}

pub(super) fn any_range() -> impl Strategy<Value = TimeRange> {
    let end = || {
        prop_oneof![
            2 => Just(None),
            6 => any_time().prop_map(Some),
            1 => Just(Some(i64::MIN)),
            1 => Just(Some(i64::MAX)),
        ]
    };
    (end(), end()).prop_map(|(since_us, until_us)| TimeRange { since_us, until_us })
}

pub(super) fn any_filter() -> impl Strategy<Value = Filter> {
    const TYPES: [&str; 5] = ["agent_heartbeat", "node_crashed", "spawn_failed", "pod_moved", "missing"];
    const FIELDS: [&str; 10] =
        ["event_type", "timestamp", "agent_id", "node_id", "source_id", "host", "port", "error", "cluster", "missing"];
    let field = || prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned);
    let entity = prop::sample::select(vec!["a", "b", "agent-7", "cluster", "none", "", TIME_TEXT]);
    let leaf = prop_oneof![
        1 => Just(Filter::All),
        4 => prop::sample::select(TYPES.to_vec()).prop_map(Filter::event_type),
        4 => (prop::option::of(field()), entity)
            .prop_map(|(field, value)| Filter::Entity { field, value: value.to_owned() }),
        4 => any_range().prop_map(Filter::Time),
        6 => (field(), any_test()).prop_map(|(name, test)| Filter::Field { name, test }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            1 => inner.prop_map(Filter::not),
        ]
    })
}

pub(super) fn any_query() -> impl Strategy<Value = Query> {
    let order = prop::sample::select(vec![Order::OldestFirst, Order::NewestFirst]);
    (any_filter(), order, prop::option::of(0..9usize)).prop_map(|(filter, order, limit)| Query {
        filter,
        order,
        limit,
        after: None,
    })
}
