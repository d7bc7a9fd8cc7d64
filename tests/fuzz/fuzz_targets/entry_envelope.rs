//! A signed entry as it travels, up to its verification.
#![no_main]

use kinmesh_proto::{CertCache, EntryBody, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(envelope) = kinmesh_fuzz::decodes::<Unverified<EntryBody>>(data, limits::ROOM_FRAME_MAX) {
        let hash = envelope.hash();
        if let Ok(entry) = envelope.verify(&mut CertCache::default()) {
            assert_eq!(entry.hash(), hash);
        }
    }
});
