//! Both directions of the hello protocol.
#![no_main]

use kinmesh_proto::{CertCache, Hello, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let max = limits::HELLO_MAX as usize;
    let request = kinmesh_fuzz::decodes::<Hello>(data, max);
    let response = kinmesh_fuzz::decodes::<Option<Hello>>(data, max);
    if let (Some(request), Some(response)) = (&request, response) {
        assert_eq!(Some(request), response.as_ref());
    }
    if let Some(hello) = request {
        let _ = hello.presence.verify(&mut CertCache::default());
    }
});
