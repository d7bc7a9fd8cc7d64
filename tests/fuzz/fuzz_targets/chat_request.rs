//! A batch of entries of a chat, or what a stranger asks.
#![no_main]

use kinmesh_proto::{CertCache, ChatRequest, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let request = kinmesh_fuzz::decodes::<ChatRequest>(data, limits::CHAT_REQUEST_MAX as usize);
    match request {
        Some(ChatRequest::Deliver(entries)) => {
            let _ = Unverified::verify_each(entries, &mut CertCache::default());
        }
        Some(ChatRequest::Ask(ask)) if ask.is_within_limits() => {
            let parts = ask.entry.into_iter().chain(ask.introduction).collect();
            let _ = Unverified::verify_each(parts, &mut CertCache::default());
        }
        _ => {}
    }
});
