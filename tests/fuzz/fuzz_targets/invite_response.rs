//! An answer to it.
#![no_main]

use kinmesh_proto::{InviteResponse, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<InviteResponse>(data, limits::INVITE_RESPONSE_MAX as usize);
});
