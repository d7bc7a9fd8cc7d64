//! A request to redeem a ticket.
#![no_main]

use kinmesh_proto::{InviteRequest, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<InviteRequest>(data, limits::INVITE_REQUEST_MAX as usize);
});
