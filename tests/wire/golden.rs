//! The bytes of every message, written down once: a change of them is a change of the protocol.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sutra_grid_events::remote::message::{Request, Response};
use sutra_grid_events::remote::{
    CodecError, Dialect, decode_request, decode_response, encode_request, encode_response,
};

use crate::samples::{requests, responses};
use crate::{bytes, hex};

const DIALECTS: [(Dialect, &str); 2] = [(Dialect::A, "a"), (Dialect::B, "b")];

/// A line for each message that the dialect has: its name in the crate, and its bytes.
fn lines(dialect: Dialect) -> String {
    let requests = requests().into_iter().map(|request| (format!("{request:?}"), encode_request(dialect, &request)));
    let responses =
        responses().into_iter().map(|response| (format!("{response:?}"), encode_response(dialect, &response)));
    let mut lines = String::new();
    for (debug, payload) in requests.chain(responses) {
        let name = debug.split([' ', '(']).next().unwrap();
        match payload {
            Ok(payload) => writeln!(lines, "{name} {}", hex(&payload)).unwrap(),
            Err(CodecError::NotInDialect { dialect: refused, .. }) => assert_eq!(refused, dialect),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    lines
}

#[test]
fn every_message_has_its_bytes() {
    for (dialect, name) in DIALECTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/wire/dialect_{name}.txt"));
        let golden = fs::read_to_string(&path).unwrap_or_default();
        for (written, golden) in lines(dialect).lines().zip(golden.lines()) {
            assert_eq!(written, golden, "dialect {dialect:?}");
        }
        assert_eq!(lines(dialect), golden, "dialect {dialect:?}");
    }
}

#[test]
fn every_message_is_read_from_its_bytes() {
    // What a dialect does not have of a message is not in its bytes.
    for request in requests() {
        for (dialect, _) in DIALECTS {
            if let Ok(payload) = encode_request(dialect, &request) {
                assert_eq!(decode_request(dialect, &payload).as_ref(), Ok(&request), "{}", hex(&payload));
                assert_eq!(Dialect::of_first_byte(payload[0]), Some(dialect), "{request:?}");
            }
        }
    }
    for response in responses() {
        for (dialect, _) in DIALECTS {
            if let Ok(payload) = encode_response(dialect, &response) {
                let mut expected = response.clone();
                if let (Response::StatsOk(stats), Dialect::A) = (&mut expected, dialect) {
                    stats.vectors = 0;
                }
                assert_eq!(decode_response(dialect, &payload), Ok(expected), "{}", hex(&payload));
            }
        }
    }
}

/// As an existing emitter sends them, and an existing server answers.
#[test]
fn the_bytes_of_existing_programs() {
    let learn = Request::LearnConcept {
        concept_id: "a".into(),
        content: "b".into(),
        embedding: vec![1.0],
        strength: 1.0,
        confidence: 0.5,
        metadata: None,
    };
    let associate =
        Request::LearnAssociation { source_id: "a".into(), target_id: "b".into(), assoc_type: 999, confidence: 1.0 };
    let requests = [
        ("0000000001000000000000006101000000000000006201000000000000000000803f0000803f0000003f00", learn),
        ("01000000010000000000000061010000000000000062e70300000000803f", associate),
        ("02000000010000000000000061", Request::QueryConcept { concept_id: "a".into() }),
        ("07000000", Request::GetStats),
    ];
    for (golden, request) in requests {
        assert_eq!(hex(&encode_request(Dialect::A, &request).unwrap()), golden);
        assert_eq!(decode_request(Dialect::A, &bytes(golden)), Ok(request));
    }
    let responses = [
        ("000000000700000000000000", Response::LearnConceptOk { sequence: 7 }),
        ("030000000100000000000000010000000000000061", Response::GetNeighborsOk { neighbor_ids: vec!["a".into()] }),
    ];
    for (golden, response) in responses {
        assert_eq!(hex(&encode_response(Dialect::A, &response).unwrap()), golden);
        assert_eq!(decode_response(Dialect::A, &bytes(golden)), Ok(response));
    }
}
