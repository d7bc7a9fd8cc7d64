//! An answer to a question about a history.
#![no_main]

use kinmesh_proto::{CertCache, SyncResponse, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let response = kinmesh_fuzz::decodes::<SyncResponse>(data, limits::SYNC_RESPONSE_MAX as usize);
    if let Some(SyncResponse::Entries(pack)) = response
        && let Ok(entries) = pack.unpack()
    {
        drop(Unverified::verify_each(entries, &mut CertCache::default()));
    }
});
