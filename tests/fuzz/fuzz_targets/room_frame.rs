//! One gossip message of a room, and the body of the smallest as if its author were hostile.
#![no_main]

use kinmesh_proto::{CertCache, RoomFrame, Signable, Typing, Unverified, Voice, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<Typing>(data, Typing::BODY_MAX);
    let _ = kinmesh_fuzz::decodes::<Voice>(data, Voice::BODY_MAX);
    let certs = &mut CertCache::default();
    match kinmesh_fuzz::decodes::<RoomFrame>(data, limits::ROOM_FRAME_MAX) {
        Some(RoomFrame::Entries { entries, .. }) => drop(Unverified::verify_each(entries, certs)),
        Some(RoomFrame::Presence(presence)) => drop(presence.verify(certs)),
        Some(RoomFrame::Typing(typing)) => drop(typing.verify(certs)),
        Some(RoomFrame::Voice(voice)) => drop(voice.verify(certs)),
        None => {}
    }
});
