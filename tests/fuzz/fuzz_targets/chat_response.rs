//! Receipts.
#![no_main]

use kinmesh_proto::{ChatResponse, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<ChatResponse>(data, limits::CHAT_RESPONSE_MAX as usize);
});
