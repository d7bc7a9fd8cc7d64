//! One gossip message of a room.
#![no_main]

use kinmesh_proto::{CertCache, RoomFrame, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let certs = &mut CertCache::default();
    match kinmesh_fuzz::decodes::<RoomFrame>(data, limits::ROOM_FRAME_MAX) {
        Some(RoomFrame::Entries { entries, .. }) => drop(Unverified::verify_each(entries, certs)),
        Some(RoomFrame::Presence(presence)) => drop(presence.verify(certs)),
        Some(RoomFrame::Typing(typing)) => drop(typing.verify(certs)),
        None => {}
    }
});
