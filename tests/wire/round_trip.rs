//! Any message comes back as it was, through the crate and through what serde derives.

use proptest::prelude::*;
use sutra_grid_events::remote::message::{Request, Response};
use sutra_grid_events::remote::{
    CodecError, Dialect, decode_request, decode_response, encode_request, encode_response,
};

use crate::arbitrary::{request, response};
use crate::reference::{PathsB, RequestA, RequestB, ResponseA, ResponseB};

/// The request without what dialect B has as an extension only.
fn plain(mut request: Request) -> Request {
    match &mut request {
        Request::LearnConcept { metadata, .. } => *metadata = None,
        Request::VectorSearch { organization_id, .. } => *organization_id = None,
        _ => {}
    }
    request
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn requests_in_dialect_a(request in request()) {
        match encode_request(Dialect::A, &request) {
            Ok(payload) => {
                prop_assert_eq!(decode_request(Dialect::A, &payload), Ok(request.clone()));
                prop_assert_eq!(&payload, &bincode::serialize(&RequestA(request.clone())).unwrap());
                prop_assert_eq!(bincode::deserialize::<RequestA>(&payload).unwrap().0, request);
            }
            Err(error) => {
                prop_assert!(matches!(error, CodecError::NotInDialect { .. }), "{}", error);
                prop_assert!(bincode::serialize(&RequestA(request)).is_err());
            }
        }
    }

    #[test]
    fn responses_in_dialect_a(response in response()) {
        match encode_response(Dialect::A, &response) {
            Ok(payload) => {
                let mut expected = response.clone();
                if let Response::StatsOk(stats) = &mut expected {
                    stats.vectors = 0;
                }
                prop_assert_eq!(decode_response(Dialect::A, &payload), Ok(expected.clone()));
                prop_assert_eq!(&payload, &bincode::serialize(&ResponseA(response)).unwrap());
                prop_assert_eq!(bincode::deserialize::<ResponseA>(&payload).unwrap().0, expected);
            }
            Err(error) => {
                prop_assert!(matches!(error, CodecError::NotInDialect { .. }), "{}", error);
                prop_assert!(bincode::serialize(&ResponseA(response)).is_err());
            }
        }
    }

    #[test]
    fn requests_in_dialect_b(request in request()) {
        let payload = encode_request(Dialect::B, &request).unwrap();
        prop_assert_eq!(decode_request(Dialect::B, &payload), Ok(request.clone()));
        if !matches!(request, Request::QueryByMetadata { .. }) {
            let plain = plain(request);
            // Servers that do not know our extensions read the rest.
            prop_assert_eq!(&rmp_serde::from_slice::<RequestB>(&payload).unwrap().0, &plain);
            let reference = RequestB(plain.clone());
            prop_assert_eq!(decode_request(Dialect::B, &rmp_serde::to_vec(&reference).unwrap()), Ok(plain.clone()));
            prop_assert_eq!(decode_request(Dialect::B, &rmp_serde::to_vec_named(&reference).unwrap()), Ok(plain));
        }
    }

    #[test]
    fn responses_in_dialect_b(response in response()) {
        let payload = encode_response(Dialect::B, &response).unwrap();
        prop_assert_eq!(decode_response(Dialect::B, &payload), Ok(response.clone()));
        let mut plain = response;
        if let Response::QueryConceptOk { metadata, .. } = &mut plain {
            *metadata = None;
        }
        let (list, map) = match plain.clone() {
            Response::QueryByMetadataOk { .. } => return Ok(()),
            Response::PathsOk { of, paths } => {
                let reference = PathsB::new(of, paths);
                prop_assert_eq!(&rmp_serde::from_slice::<PathsB>(&payload).unwrap(), &reference);
                (rmp_serde::to_vec(&reference).unwrap(), rmp_serde::to_vec_named(&reference).unwrap())
            }
            plain => {
                let read = rmp_serde::from_slice::<ResponseB>(&payload).unwrap().0;
                // The numbers of a store are in the order of the Python client: read, but not at their places.
                if !matches!(plain, Response::StatsOk(_)) {
                    prop_assert_eq!(&read, &plain);
                }
                let reference = ResponseB(plain);
                (rmp_serde::to_vec(&reference).unwrap(), rmp_serde::to_vec_named(&reference).unwrap())
            }
        };
        prop_assert_eq!(decode_response(Dialect::B, &map), Ok(plain.clone()));
        // A store that has been up for longer than 2^32 seconds cannot be told from one of ours.
        if !matches!(plain, Response::StatsOk(stats) if stats.uptime_seconds > u32::MAX.into()) {
            prop_assert_eq!(decode_response(Dialect::B, &list), Ok(plain));
        }
    }
}
