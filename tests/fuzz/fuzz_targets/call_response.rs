//! The answer to one word about a call.
#![no_main]

use kinmesh_proto::{CallResponse, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<CallResponse>(data, limits::CALL_RESPONSE_MAX as usize);
});
