//! One word about a call.
#![no_main]

use kinmesh_proto::{CallRequest, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(request) = kinmesh_fuzz::decodes::<CallRequest>(data, limits::CALL_REQUEST_MAX as usize) {
        let _ = request.is_within_limits();
    }
});
