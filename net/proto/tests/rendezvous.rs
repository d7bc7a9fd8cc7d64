//! The rendezvous messages under arbitrary input: what was written is read again, garbage is refused
//! without a panic, and no answer crosses a limit.

use kinmesh_proto::limits::{RENDEZVOUS_FOUND_MAX, RENDEZVOUS_TTL_MAX_S};
use kinmesh_proto::rendezvous::{Cookie, Found, Request, Response, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn cookie() -> impl Strategy<Value = Cookie> {
    (any::<u64>(), "\\PC{0,20}").prop_map(|(seen, namespace)| Cookie { seen, namespace })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        ("\\PC{0,20}", bytes(), any::<Option<u64>>())
            .prop_map(|(namespace, record, ttl)| Request::Register { namespace, record, ttl }),
        "\\PC{0,20}".prop_map(|namespace| Request::Unregister { namespace }),
        (option::of("\\PC{1,20}"), option::of(cookie()), any::<Option<u64>>())
            .prop_map(|(namespace, cookie, limit)| Request::Discover { namespace, cookie, limit }),
    ]
}

/// Of any length and life, within the limits or not.
fn response() -> impl Strategy<Value = Response> {
    let status =
        prop_oneof![Just(Status::InvalidNamespace), Just(Status::NotAuthorized), Just(Status::Unavailable)];
    let ttl = || prop_oneof![4 => 0..=RENDEZVOUS_TTL_MAX_S, 1 => any::<u64>()];
    let found = ("\\PC{0,20}", bytes(), ttl());
    let found = found.prop_map(|(namespace, record, ttl)| Found { namespace, record, ttl });
    prop_oneof![
        ttl().prop_map(|ttl| Response::Registered(Ok(ttl))),
        status.clone().prop_map(|status| Response::Registered(Err(status))),
        (vec(found, 0..4), cookie()).prop_map(|found| Response::Found(Ok(found))),
        status.prop_map(|status| Response::Found(Err(status))),
    ]
}

fn is_within_limits(response: &Response) -> bool {
    match response {
        Response::Registered(Ok(ttl)) => *ttl <= RENDEZVOUS_TTL_MAX_S,
        Response::Found(Ok((found, _))) => {
            found.len() <= RENDEZVOUS_FOUND_MAX && found.iter().all(|found| found.ttl <= RENDEZVOUS_TTL_MAX_S)
        }
        Response::Registered(Err(_)) | Response::Found(Err(_)) => true,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(request in request(), response in response()) {
        prop_assert_eq!(Request::decode(&request.clone().encode()), Some(request));
        let expected = is_within_limits(&response).then(|| response.clone());
        prop_assert_eq!(Response::decode(&response.encode()), expected);
    }

    #[test]
    fn anything_is_refused_or_sound(
        garbage in bytes(),
        mut request in request().prop_map(Request::encode),
        mut response in response().prop_map(Response::encode),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for damaged in [&mut request, &mut response] {
            if !damaged.is_empty() {
                *at.get_mut(damaged) = byte;
            }
        }
        for bytes in [garbage, request, response] {
            if let Some(request) = Request::decode(&bytes) {
                prop_assert_eq!(Request::decode(&request.clone().encode()), Some(request));
            }
            if let Some(response) = Response::decode(&bytes) {
                prop_assert!(is_within_limits(&response));
                prop_assert_eq!(Response::decode(&response.clone().encode()), Some(response));
            }
        }
    }
}
