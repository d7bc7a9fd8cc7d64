//! The rendezvous messages: what a bootstrap node is asked, and what it answers.
#![no_main]

use kinmesh_proto::limits;
use kinmesh_proto::rendezvous::{Request, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(request) = Request::decode(data) {
        assert_eq!(Request::decode(&request.clone().encode()), Some(request));
    }
    if let Some(response) = Response::decode(data) {
        if let Response::Found(Ok((found, _))) = &response {
            assert!(found.len() <= limits::RENDEZVOUS_FOUND_MAX);
            assert!(found.iter().all(|found| found.ttl <= limits::RENDEZVOUS_TTL_MAX_S));
        }
        assert_eq!(Response::decode(&response.clone().encode()), Some(response));
    }
});
