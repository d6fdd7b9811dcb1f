//! What every event promises: it prints as it was read, and its typed view agrees with its fields.

use super::*;

const CRASH: &str = r#"{"event_type":"node_crashed","node_id":"n","agent_id":"a","exit_code":137,"timestamp":"2026-11-24T08:00:00.000000Z"}"#;

#[test]
fn a_canonical_event_is_plain() {
    let event = Event::from_json(CRASH).expect("well-formed");
    assert!(matches!(event, Event::Grid(GridEvent::NodeCrashed { .. })));
    assert_eq!(event.to_json(), CRASH);
    let Event::Grid(grid) = &event else { unreachable!("matched above") };
    assert_eq!(serde_json::to_string(grid).expect("serializable"), CRASH);
}

#[test]
fn any_other_form_is_kept() {
    for text in [
        CRASH.replace("\"exit_code\":137,", ""),
        CRASH.replace("137", "null"),
        CRASH.replace("000000Z", "000Z"),
        CRASH.replace("000000Z", "000000+02:00"),
        CRASH.replace("\"n\",", "\"n\",\"caused_by\":\"event-x-1\","),
        r#"{"timestamp":"2026-11-24T08:00:00Z","agent_id":"a","event_type":"agent_unregistered","more":[1,2.50]}"#.to_owned(),
        r#"{"event_type":"agent_offline","agent_id":"a","last_seen":"2026-11-24T08:00:00Z","timestamp":"2026-11-24T08:00:00.000000Z"}"#.to_owned(),
        r#"{"event_type":"x","a":1.10,"b":null,"c":{"k":[]},"timestamp":"0001-01-01T00:00:00Z"}"#.to_owned(),
    ] {
        let event = Event::from_json(&text).expect(&text);
        assert_eq!(event.to_json(), text);
    }
    let null = Event::from_json(&CRASH.replace("137", "null")).expect("well-formed");
    assert!(matches!(null, Event::Grid(_)), "`null` is the canonical form of an absent option");
}

#[test]
fn errors_name_the_field() {
    for (text, field) in [
        (CRASH.replace("\"node_id\":\"n\",", ""), "node_id"),
        (CRASH.replace("\"n\"", "7"), "node_id"),
        (CRASH.replace("\"n\"", "\"\""), "node_id"),
        (CRASH.replace("\"n\"", "\"\\u0000\""), "node_id"),
        (CRASH.replace("137", "1.5"), "exit_code"),
        (CRASH.replace("137", "9999999999"), "exit_code"),
        (CRASH.replace("2026-", "12026-"), "timestamp"),
        (CRASH.replace("2026-", "0000-"), "timestamp"),
        (CRASH.replace("node_crashed", "Node-Crashed"), "event_type"),
        (r#"{"event_type":"x"}"#.to_owned(), "timestamp"),
        (r#"{"timestamp":"2026-11-24T08:00:00Z"}"#.to_owned(), "event_type"),
        (
            format!(r#"{{"event_type":"x","big":"{}","timestamp":"2026-11-24T08:00:00Z"}}"#, "x".repeat(10_000_000)),
            "big",
        ),
    ] {
        let error = Event::from_json(&text).expect_err(&text[..text.len().min(200)]);
        assert_eq!(error.field(), Some(field), "{error}");
    }
}

#[test]
fn entities_stand_under_their_fields() {
    let crash = Event::from_json(CRASH).expect("well-formed");
    let names: Vec<_> = crash.entities().into_iter().map(|entity| (entity.field, entity.value)).collect();
    assert_eq!(names, [("node_id".to_owned(), "n".to_owned()), ("agent_id".to_owned(), "a".to_owned())]);
    let cluster = Event::from_json(
        r#"{"event_type":"cluster_critical","total_agents":3,"healthy_agents":1,"reason":"r","timestamp":"2026-11-24T08:00:00Z"}"#,
    )
    .expect("well-formed");
    assert_eq!(cluster.entities(), [Entity { field: "cluster".into(), value: "cluster".into() }]);
    assert_eq!(cluster.primary_id(), "cluster");
    let dynamic = Event::from_json(
        r#"{"event_type":"x","trace_id":"t","number_id":7,"host":"h","empty_id":"","note":"n","timestamp":"2026-11-24T08:00:00Z"}"#,
    )
    .expect("well-formed");
    let names: Vec<_> = dynamic.entities().into_iter().map(|entity| entity.value).collect();
    assert_eq!(names, ["t", "h"]);
}

#[test]
fn every_kind_has_a_distinct_name_and_a_primary_field() {
    let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 26);
    for kind in KINDS {
        assert!(kind.primary == CLUSTER || kind.fields.iter().any(|field| field.name == kind.primary), "{}", kind.name);
    }
}

#[test]
fn floats_of_the_api_print_their_shortest_digits() {
    let event = GridEvent::EmbeddingServiceHealthy {
        instance_id: "i".into(),
        endpoint: "e".into(),
        success_rate: 0.95,
        cache_hit_rate: f32::NAN,
        timestamp: timestamp::to_datetime(0),
    };
    let text = Event::from(event.clone()).to_json();
    assert_eq!(text, serde_json::to_string(&event).expect("serializable"));
    assert!(text.contains(r#""success_rate":0.95,"cache_hit_rate":null"#), "{text}");
    let read = Event::from_json(&text).expect("reads back");
    assert_eq!(read.to_json(), text);
}

#[test]
fn extras_stand_before_the_timestamp() {
    let cause = ConceptId::new("node_crashed", 5, 0).expect("legal");
    let event = Event::from_json(CRASH).expect("well-formed").caused_by(&cause).with("node_id", "other");
    assert_eq!(
        event.to_json(),
        CRASH.replace(",\"timestamp\"", ",\"caused_by\":\"event-node_crashed-5\",\"timestamp\"")
    );
    assert_eq!(event.causes(), [cause]);
}
