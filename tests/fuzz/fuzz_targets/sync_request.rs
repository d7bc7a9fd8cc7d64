//! A question about a history, or entries that somebody else lacks.
#![no_main]

use kinmesh_proto::{CertCache, SyncAsk, SyncRequest, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let request = kinmesh_fuzz::decodes::<SyncRequest>(data, limits::SYNC_REQUEST_MAX as usize);
    if let Some(SyncAsk::Push(pack)) = request.map(|request| request.ask)
        && let Ok(entries) = pack.unpack()
    {
        drop(Unverified::verify_each(entries, &mut CertCache::default()));
    }
});
