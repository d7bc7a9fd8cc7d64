//! A signed presence, and its body as if its author were hostile.
#![no_main]

use kinmesh_proto::{CertCache, Presence, Signable, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(presence) = kinmesh_fuzz::decodes::<Presence>(data, Presence::BODY_MAX) {
        assert!(presence.name.as_str().len() <= limits::DISPLAY_NAME_BYTES_MAX);
        assert!(presence.status.as_str().len() <= limits::STATUS_BYTES_MAX);
    }
    if let Some(envelope) = kinmesh_fuzz::decodes::<Unverified<Presence>>(data, limits::ROOM_FRAME_MAX) {
        let _ = envelope.verify(&mut CertCache::default());
    }
});
