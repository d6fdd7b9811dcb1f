//! The shapes that dialect B is read in, and those that the Python client reads.

use serde_json::{Value as Json, json};
use sutra_grid_events::remote::message::{Request, Response, Stats};
use sutra_grid_events::remote::{
    CodecError, Dialect, decode_request, decode_response, encode_request, encode_response,
};

use crate::samples::{metadata, requests, responses, stats};

fn pack(message: &Json) -> Vec<u8> {
    rmp_serde::to_vec(message).unwrap()
}

fn request(message: &Json) -> Result<Request, CodecError> {
    decode_request(Dialect::B, &pack(message))
}

fn response(message: &Json) -> Result<Response, CodecError> {
    decode_response(Dialect::B, &pack(message))
}

/// What a reader without types makes of an answer, as Python does.
fn seen(response: &Response) -> Json {
    rmp_serde::from_slice(&encode_response(Dialect::B, response).unwrap()).unwrap()
}

#[test]
fn requests_without_fields_have_three_forms() {
    for (name, number, expected) in
        [("GetStats", 13, Request::GetStats), ("Flush", 14, Request::Flush), ("HealthCheck", 15, Request::HealthCheck)]
    {
        for message in [json!(name), json!(number), json!({name: null}), json!({name: {}}), json!({name: []})] {
            assert_eq!(request(&message), Ok(expected.clone()), "{message}");
            assert_eq!(Dialect::of_first_byte(pack(&message)[0]), Some(Dialect::B), "{message}");
        }
        // A number as a key, which JSON does not have.
        assert_eq!(decode_request(Dialect::B, &[0x81, number, 0xc0]), Ok(expected));
    }
    assert_eq!(response(&json!({"FlushOk": null})), Ok(Response::FlushOk));
    assert_eq!(response(&json!(14)), Ok(Response::FlushOk));
}

/// The numbers of variants, in the order of the protocol.
#[test]
fn variants_are_read_by_number() {
    let numbered = |payload: &[u8], name: &str, number: u8| {
        let bare = payload.strip_prefix(&pack(&json!(name))[..]);
        let fields = payload.get(1..).and_then(|entry| entry.strip_prefix(&pack(&json!(name))[..]));
        match (bare, fields) {
            (Some(_), _) => vec![number],
            (_, Some(fields)) => [&[0x81, number], fields].concat(),
            _ => panic!("{name} is not the name of the message"),
        }
    };
    let names = [
        "LearnConceptV2",
        "LearnBatch",
        "LearnConcept",
        "LearnAssociation",
        "QueryConcept",
        "GetNeighbors",
        "FindPath",
        "VectorSearch",
        "FindPathSemantic",
        "FindTemporalChain",
        "FindCausalChain",
        "FindContradictions",
        "QueryBySemantic",
        "GetStats",
        "Flush",
        "HealthCheck",
    ];
    let mut found = 0;
    for request in requests() {
        let payload = encode_request(Dialect::B, &request).unwrap();
        let name = name_of(&payload);
        let Some(number) = names.iter().position(|known| *known == name) else {
            assert_eq!(name, "QueryByMetadata");
            continue;
        };
        found += 1;
        assert_eq!(decode_request(Dialect::B, &numbered(&payload, &name, number as u8)), Ok(request));
    }
    assert_eq!(found, 18);
    assert!(decode_request(Dialect::B, &[0x81, 16, 0x80]).is_err(), "an extension has no number");

    let names = [
        "LearnConceptV2Ok",
        "LearnBatchOk",
        "LearnConceptOk",
        "LearnAssociationOk",
        "QueryConceptOk",
        "GetNeighborsOk",
        "FindPathOk",
        "VectorSearchOk",
        "FindPathSemanticOk",
        "FindTemporalChainOk",
        "FindCausalChainOk",
        "FindContradictionsOk",
        "QueryBySemanticOk",
        "StatsOk",
        "FlushOk",
        "HealthCheckOk",
        "Error",
    ];
    let mut found = 0;
    for response in responses() {
        let payload = encode_response(Dialect::B, &response).unwrap();
        let name = name_of(&payload);
        let Some(number) = names.iter().position(|known| *known == name) else {
            assert_eq!(name, "QueryByMetadataOk");
            continue;
        };
        found += 1;
        assert_eq!(decode_response(Dialect::B, &numbered(&payload, &name, number as u8)), Ok(response));
    }
    assert_eq!(found, 18);
}

fn name_of(payload: &[u8]) -> String {
    match rmp_serde::from_slice(payload).unwrap() {
        Json::String(name) => name,
        Json::Object(map) => map.keys().next().unwrap().clone(),
        other => panic!("{other}"),
    }
}

/// As the Python client writes it: a map, numbers in 64 bits or whole, and keys that nobody knows.
#[test]
fn numbers_and_keys_as_python_writes_them() {
    let message = json!({"LearnConcept": {
        "confidence": 1, "strength": 0.5, "embedding": [1, 0.25, -2], "content": "b", "concept_id": "a",
        "source": "python", "nested": {"a": [1, {"b": null}]},
    }});
    let expected = |metadata| Request::LearnConcept {
        concept_id: "a".into(),
        content: "b".into(),
        embedding: vec![1.0, 0.25, -2.0],
        strength: 0.5,
        confidence: 1.0,
        metadata,
    };
    assert_eq!(request(&message), Ok(expected(None)));
    assert_eq!(request(&json!({"LearnConcept": ["a", "b", [1, 0.25, -2], 0.5, 1]})), Ok(expected(None)));
    assert!(request(&json!({"LearnConcept": ["a", "b", [], 0.5, 1, null]})).is_err());

    let with = |metadata: Json| {
        let mut message = message.clone();
        message["LearnConcept"]["metadata"] = metadata;
        request(&message)
    };
    let ours = json!({
        "concept_type": "AuditLog", "organization_id": "org", "created_by": null, "tags": ["t", "u"],
        "attributes": {"k": "v"}, "deleted": true, "schema_version": 2,
    });
    assert_eq!(with(ours.clone()), Ok(expected(Some(metadata()))));
    assert!(with(json!({"concept_type": "Nothing"})).is_err());
    assert!(with(json!({"concept_type": 9})).is_ok());
    // What others keep under this key is none of ours.
    for foreign in [json!(null), json!({}), json!({"tags": 5}), json!("text"), json!([1])] {
        assert_eq!(with(foreign), Ok(expected(None)));
    }
}

#[test]
fn what_is_not_given_has_a_default() {
    let Ok(Request::LearnContent { options, .. }) = request(&json!({"LearnConceptV2": {"content": "c"}})) else {
        panic!("not learned");
    };
    assert_eq!(options, Default::default());
    let given = json!({"LearnConceptV2": {"content": "c", "options": {"strength": 0.5, "new": true}}});
    let Ok(Request::LearnContent { options, .. }) = request(&given) else { panic!("not learned") };
    assert_eq!((options.strength, options.confidence), (0.5, 1.0));
    let expected = Request::QueryBySemantic { filter: Default::default(), limit: None };
    assert_eq!(request(&json!({"QueryBySemantic": {"filter": {}}})), Ok(expected));
    let expected = Request::FindTemporalChain { domain: None, start_time: -5, end_time: 7 };
    assert_eq!(request(&json!({"FindTemporalChain": {"start_time": -5, "end_time": 7}})), Ok(expected.clone()));
    assert_eq!(request(&json!({"FindTemporalChain": [null, -5, 7]})), Ok(expected));
}

/// Strings of older writers are bytes.
#[test]
fn bytes_are_strings() {
    let message = [&[0x81, 0x04, 0x91, 0xc4, 2][..], "ü".as_bytes()].concat();
    assert_eq!(decode_request(Dialect::B, &message), Ok(Request::QueryConcept { concept_id: "ü".into() }));
}

#[test]
fn answers_have_the_shapes_of_the_python_client() {
    assert_eq!(seen(&Response::LearnConceptOk { sequence: 7 }), json!({"LearnConceptOk": [7]}));
    assert_eq!(seen(&Response::LearnAssociationOk { sequence: 8 }), json!({"LearnAssociationOk": [8]}));
    assert_eq!(seen(&Response::StatsOk(stats())), json!({"StatsOk": [1, 200, 70_000, 5, 6, 7, 5_000_000_000_u64, 3]}));
    assert_eq!(
        seen(&Response::GetNeighborsOk { neighbor_ids: vec!["a".into()] }),
        json!({"GetNeighborsOk": {"neighbor_ids": ["a"]}})
    );
    assert_eq!(
        seen(&Response::FindPathOk { found: false, path: vec![] }),
        json!({"FindPathOk": {"found": false, "path": []}})
    );
    assert_eq!(seen(&Response::LearnBatchOk { concept_ids: vec![] }), json!({"LearnBatchOk": {"concept_ids": []}}));
    assert_eq!(seen(&Response::Error { message: "no".into() }), json!({"Error": {"message": "no"}}));
    assert_eq!(seen(&Response::FlushOk), json!("FlushOk"));
    let semantic = responses().into_iter().find(|response| matches!(response, Response::QueryBySemanticOk { .. }));
    assert_eq!(
        seen(&semantic.unwrap()),
        json!({"QueryBySemanticOk": {"concepts": [
            {"concept_id": "a", "content": "b", "semantic_type": "Event", "domain": "d", "confidence": 1.0},
        ]}})
    );
}

#[test]
fn numbers_of_a_store_are_told_apart_by_their_shape() {
    let without_vectors = Stats { vectors: 0, ..stats() };
    let small = Stats { uptime_seconds: 9, ..stats() };
    assert_eq!(
        response(&json!({"StatsOk": [1, 200, 70_000, 5, 6, 7, 5_000_000_000_u64]})),
        Ok(Response::StatsOk(without_vectors))
    );
    // The order of the protocol, as servers in Rust write it.
    assert_eq!(response(&json!({"StatsOk": [1, 200, 3, 70_000, 5, 6, 7, 9]})), Ok(Response::StatsOk(small)));
    let named = json!({"StatsOk": {
        "concepts": 1, "edges": 200, "vectors": 3, "written": 70_000, "dropped": 5, "pending": 6,
        "reconciliations": 7, "uptime_seconds": 9,
    }});
    assert_eq!(response(&named), Ok(Response::StatsOk(small)));
    for wrong in
        [json!([1, 2, 3]), json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), json!([1, 2, 3, 4, 5, 6, "7"]), json!({"edges": 1})]
    {
        assert!(response(&json!({"StatsOk": wrong})).is_err());
    }
}
