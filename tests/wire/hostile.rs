//! Bytes that no honest program sends: they are refused, without a panic and without taking more memory than they say
//! something about.

use proptest::prelude::*;
use sutra_grid_events::remote::message::Request;
use sutra_grid_events::remote::{
    CodecError, Dialect, decode_request, decode_response, encode_request, encode_response,
};

use crate::bytes;
use crate::samples::{requests, responses};

const DIALECTS: [Dialect; 2] = [Dialect::A, Dialect::B];

#[track_caller]
fn refused(dialect: Dialect, payload: &[u8], because: &str) {
    let of_request = decode_request(dialect, payload).expect_err("a request").to_string();
    assert!(of_request.contains(because), "{of_request}");
    decode_response(dialect, payload).expect_err("a response");
}

/// Every sample in every dialect that has it, to be read in either.
fn payloads() -> Vec<(Dialect, Vec<u8>)> {
    let mut payloads = Vec::new();
    for dialect in DIALECTS {
        payloads.extend(requests().iter().filter_map(|request| encode_request(dialect, request).ok()));
        payloads.extend(responses().iter().filter_map(|response| encode_response(dialect, response).ok()));
        payloads.extend([vec![], vec![0xff; 20]]);
    }
    DIALECTS.into_iter().flat_map(|dialect| payloads.iter().map(move |payload| (dialect, payload.clone()))).collect()
}

#[test]
fn what_is_cut_off_or_too_long_is_refused() {
    for dialect in DIALECTS {
        for request in requests() {
            let Ok(payload) = encode_request(dialect, &request) else { continue };
            for end in 0..payload.len() {
                let read = decode_request(dialect, &payload[..end]);
                assert!(matches!(read, Err(CodecError::Malformed { .. })), "{request:?} cut at {end}: {read:?}");
            }
            let longer = [&payload[..], &[0]].concat();
            assert!(decode_request(dialect, &longer).is_err(), "{request:?}");
        }
        for response in responses() {
            let Ok(payload) = encode_response(dialect, &response) else { continue };
            assert!((0..payload.len()).all(|end| decode_response(dialect, &payload[..end]).is_err()), "{response:?}");
            assert!(decode_response(dialect, &[&payload[..], &[0]].concat()).is_err(), "{response:?}");
        }
    }
}

#[test]
fn lengths_without_the_bytes_are_refused() {
    // A string, a list of numbers and a list of strings that say to be 2^63 and 2^32 - 1 long.
    refused(Dialect::A, &bytes("02000000 ffffffffffffff7f 61"), "");
    refused(Dialect::A, &bytes("05000000 ffffffffffffff7f 0000803f"), "");
    refused(Dialect::A, &bytes("06000000 00 00 ffffffffffffff7f"), "");
    refused(Dialect::B, &bytes("81 ac 5175657279436f6e63657074 91 db ffffffff 61"), "ends within a value");
    refused(Dialect::B, &bytes("81 07 93 dd ffffffff ca3f800000"), "ends within a value");
    refused(Dialect::B, &bytes("81 07 df ffffffff a16b"), "ends within a value");
    refused(Dialect::B, &bytes("df ffffffff"), "ends within a value");
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |depth: usize| [&bytes("82 aa 636f6e636570745f6964 a161 a178")[..], &vec![0x91; depth], &[0xc0]].concat();
    let request = |depth| [&bytes("81 04")[..], &nested(depth)].concat();
    assert_eq!(decode_request(Dialect::B, &request(20)), Ok(Request::QueryConcept { concept_id: "a".into() }));
    refused(Dialect::B, &request(40), "nested too deeply");
    refused(Dialect::B, &vec![0x91; 10 << 20], "nested too deeply");
    refused(Dialect::B, &[0x81, 0xa1, 0x61].repeat(1 << 20), "nested too deeply");
}

#[test]
fn small_items_are_not_made_into_much_memory() {
    // Five million empty strings of one byte each would take 120 MiB.
    let strings = |count: u32| {
        let mut list = [&bytes("dd")[..], &count.to_be_bytes()].concat();
        list.resize(list.len() + count as usize, 0xa0);
        list
    };
    let payload = [bytes("81 05 91"), strings(5 << 20)].concat();
    let error = decode_response(Dialect::B, &payload).expect_err("too much").to_string();
    assert!(error.contains("`neighbor_ids`: too many items"), "{error}");
    // A short message may take less than a long one.
    let of_floats = |count: u32| {
        let mut payload = [&bytes("81 07 93 dd")[..], &count.to_be_bytes()].concat();
        payload.resize(payload.len() + count as usize, 0);
        [payload, bytes("01 01")].concat()
    };
    assert!(decode_request(Dialect::B, &of_floats(1 << 20)).is_ok());
    // What no store answers is told in the words of the protocol, before any of it is made.
    let beyond = |payload: Vec<u8>, text: &str| {
        assert_eq!(decode_request(Dialect::B, &payload), Err(CodecError::BeyondLimit(text.into())));
    };
    beyond([bytes("81 01 92"), strings(1001), bytes("c0")].concat(), "Batch too large: 1001 (max: 1000)");
    assert!(decode_request(Dialect::B, &[bytes("81 01 92"), strings(1000), bytes("c0")].concat()).is_ok());
    let filter = |count| [bytes("81 0c 92 97 c0 c0 c0 c0 c2 00"), strings(count), bytes("c0")].concat();
    beyond(filter(65), "Too many terms: 65 (max: 64)");
    assert!(decode_request(Dialect::B, &filter(64)).is_ok());
    let by_metadata = [b"\x81\xafQueryByMetadata\x95\xc0\xc0".to_vec(), strings(1001), bytes("80 01")].concat();
    beyond(by_metadata, "Too many tags: 1001 (max: 1000)");
    let mut attributes = b"\x81\xafQueryByMetadata\x95\xc0\xc0\x90\xde\x03\xe9".to_vec();
    attributes.resize(attributes.len() + 2 * 1001, 0xa0);
    beyond([attributes, bytes("01")].concat(), "Too many attributes: 1001 (max: 1000)");
}

#[test]
fn what_does_not_fit_in_a_frame_is_refused() {
    let content = "x".repeat(17 << 20);
    let request = Request::QueryConcept { concept_id: content };
    let too_large = CodecError::TooLarge { bytes_max: 16 << 20 };
    assert_eq!(encode_request(Dialect::A, &request), Err(too_large.clone()));
    let payload = encode_request(Dialect::B, &request).unwrap();
    assert_eq!(decode_request(Dialect::B, &payload), Ok(request));
    assert_eq!(decode_request(Dialect::A, &payload), Err(too_large));
}

#[test]
fn what_is_wrong_is_said() {
    refused(Dialect::A, &bytes("0b000000"), "no request has the number 11");
    refused(Dialect::A, &bytes("07"), "too few");
    refused(Dialect::A, &bytes("02000000 0100000000000000 ff"), "utf8");
    refused(Dialect::B, &bytes("81 a4 4e6f7065 90"), "no such request");
    refused(Dialect::B, &bytes("10"), "no such request");
    refused(Dialect::B, &bytes("80"), "a map of 0 entries");
    refused(Dialect::B, &bytes("90"), "does not start with");
    refused(Dialect::B, &bytes("c1"), "no MessagePack");
    refused(Dialect::B, &bytes("81 04 80"), "QueryConcept: `concept_id` is missing");
    refused(Dialect::B, &bytes("81 04 92 a161 a162"), "QueryConcept: a list of 2, where 1 were expected");
    refused(Dialect::B, &bytes("81 04 91 05"), "QueryConcept: `concept_id`: expected a string");
    refused(Dialect::B, &bytes("81 04 91 a1ff"), "in UTF-8");
    refused(Dialect::B, &bytes("81 06 93 a161 a162 cf0000000100000000"), "`max_depth`: expected a number of 32 bits");
    refused(Dialect::B, &bytes("81 06 93 a161 a162 ff"), "`max_depth`: expected a whole number of at least 0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        for dialect in DIALECTS {
            let _ = decode_request(dialect, &payload);
            let _ = decode_response(dialect, &payload);
        }
    }

    #[test]
    fn messages_with_other_bytes_in_them_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let payloads = payloads();
        let (dialect, mut payload) = payloads[which.index(payloads.len())].clone();
        for (at, byte) in changes {
            if !payload.is_empty() {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
        }
        // What is read can be written, and is then read as the same. Bytes are compared, as not every number equals
        // itself.
        if let Ok(request) = decode_request(dialect, &payload) {
            let written = encode_request(dialect, &request).unwrap();
            let again = decode_request(dialect, &written).unwrap();
            prop_assert_eq!(encode_request(dialect, &again).unwrap(), written);
        }
        if let Ok(response) = decode_response(dialect, &payload) {
            let written = encode_response(dialect, &response).unwrap();
            let again = decode_response(dialect, &written).unwrap();
            prop_assert_eq!(encode_response(dialect, &again).unwrap(), written);
        }
    }
}
