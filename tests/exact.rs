//! Whatever JSON an event came in as, the store gives back: value for value, digit for digit, in key order.

// A failed expectation is how a test fails.
#![allow(clippy::expect_used)]

use std::ops::ControlFlow;

use proptest::prelude::*;
use sutra_grid_events::store::{Durability, Store, StoreConfig};
use sutra_grid_events::{Event, EventError};

/// A scalar or nested value as compact JSON text, with numbers in every form that JSON knows.
fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        any::<f64>()
            .prop_filter("JSON has finite numbers only", |number| number.is_finite())
            .prop_map(|number| { serde_json::to_string(&number).expect("finite") }),
    ];
    let text = any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a string"));
    let time = prop_oneof![
        (-60_000_000_000_000i64..250_000_000_000_000_000).prop_map(sutra_grid_events::event::timestamp::format),
        Just("2026-11-24T08:00:00Z".to_owned()),
        Just("2026-11-24T08:00:00.123456789+05:30".to_owned()),
    ];
    let time = time.prop_map(|time| format!("\"{time}\""));
    let leaf =
        prop_oneof![number, text, time, Just("null".to_owned()), Just("true".to_owned()), Just("false".to_owned())];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|items| {
                let fields: Vec<String> =
                    items.iter().enumerate().map(|(n, item)| format!("\"k{n}\":{item}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// An event of any kind as compact JSON text, its keys in any order.
fn event() -> impl Strategy<Value = String> {
    let dynamic = Just(vec![("event_type", "\"made_up\"".to_owned())]);
    let typed = (value(), any::<bool>()).prop_map(|(error, with_exit_code)| {
        let mut fields = vec![
            ("event_type", "\"node_crashed\"".to_owned()),
            ("node_id", "\"n\"".to_owned()),
            ("agent_id", "\"a\"".to_owned()),
            ("note", error),
        ];
        if with_exit_code {
            fields.push(("exit_code", "137".to_owned()));
        }
        fields
    });
    let times = prop::sample::select(vec![
        "2026-11-24T08:00:00.000001Z",
        "2026-11-24T08:00:00Z",
        "2026-11-24T08:00:00.1+01:00",
        "0001-01-01T00:00:00.000000Z",
        "9999-12-31T23:59:59.999999999Z",
    ]);
    let names = prop::collection::vec(prop::sample::select(vec!["a", "b_id", "host", "ü \"x\"", ""]), 0..5);
    (prop_oneof![dynamic, typed], times, names, prop::collection::vec(value(), 5))
        .prop_map(|(mut fields, time, mut names, values)| {
            fields.push(("timestamp", format!("\"{time}\"")));
            names.sort_unstable();
            names.dedup();
            fields.extend(names.into_iter().zip(values));
            fields
        })
        .prop_shuffle()
        .prop_map(|fields| {
            let field =
                |(name, value): &(&str, String)| format!("{}:{value}", serde_json::to_string(name).expect("a string"));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        })
}

proptest! {
    // By what PROPTEST_CASES says (256 unless set).
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_come_back_as_they_came(texts in prop::collection::vec(event(), 1..12), seal in any::<bool>()) {
        let events: Vec<Event> = texts.iter().map(|text| Event::from_json(text).expect(text)).collect();
        for (event, text) in events.iter().zip(&texts) {
            prop_assert_eq!(&event.to_json(), text);
        }
        let directory = tempfile::tempdir().expect("a directory");
        let config = StoreConfig { segment_events: 5, durability: Durability::OsBuffered, ..StoreConfig::default() };
        let store = Store::open_with(directory.path(), config).expect("opens");
        store.append(&events).expect("written");
        if seal {
            store.seal().expect("sealed");
        }
        let reader = Store::open_read_only(directory.path()).expect("readable");
        for store in [&store, &reader] {
            let mut read = Vec::new();
            let collect = &mut |stored: sutra_grid_events::StoredEvent| {
                read.push(stored.event);
                ControlFlow::Continue(())
            };
            store.scan(0, collect).expect("readable");
            prop_assert_eq!(read.iter().map(Event::to_json).collect::<Vec<_>>(), texts.clone());
            prop_assert_eq!(&read, &events);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _: Result<Event, EventError> = Event::from_json(&text);
    }
}
