//! Any bytes are read as a message of dialect A or refused; what is read can be written, and is then what was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::remote::Dialect::A;
use sutra_grid_events::remote::{decode_request, decode_response, encode_request, encode_response};

fuzz_target!(|payload: &[u8]| {
    // Bytes are compared, since not every number equals itself.
    if let Ok(request) = decode_request(A, payload) {
        let written = encode_request(A, &request).expect("it has a dialect");
        let again = decode_request(A, &written).expect("it was written by this crate");
        assert_eq!(encode_request(A, &again).expect("as before"), written);
    }
    if let Ok(response) = decode_response(A, payload) {
        let written = encode_response(A, &response).expect("it has a dialect");
        let again = decode_response(A, &written).expect("it was written by this crate");
        assert_eq!(encode_response(A, &again).expect("as before"), written);
    }
});
