//! A packet of a call, or the answer to one.
#![no_main]

use kinmesh_proto::{MediaPacket, MediaResponse, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(packet) = kinmesh_fuzz::decodes::<MediaPacket>(data, limits::MEDIA_REQUEST_MAX as usize) {
        assert!(packet.is_within_limits());
    }
    let _ = kinmesh_fuzz::decodes::<MediaResponse>(data, limits::MEDIA_RESPONSE_MAX as usize);
});
