//! A batch of entries of a chat.
#![no_main]

use kinmesh_proto::{CertCache, ChatRequest, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let request = kinmesh_fuzz::decodes::<ChatRequest>(data, limits::CHAT_REQUEST_MAX as usize);
    if let Some(ChatRequest::Deliver(entries)) = request {
        let _ = Unverified::verify_each(entries, &mut CertCache::default());
    }
});
