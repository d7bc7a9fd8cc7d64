//! The signed part of an entry, as if its author were hostile.
#![no_main]

use kinmesh_proto::{DeviceKeys, EntryBody, Signable, Unverified, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(body) = EntryBody::from_body(data) else { return };
    assert_eq!(EntryBody::from_body(&body.to_body()).expect("own writing is readable"), body);
    let cert = DeviceKeys::generate(&[1; 32], &[2; 32], 0).cert().clone();
    let stored = Unverified::<EntryBody>::from_parts(data.to_vec(), cert, [0; 64]).trust_stored();
    assert_eq!(stored.is_ok(), body.is_within_limits());
    if let Ok(entry) = stored {
        let text = entry.text().unwrap_or("an unknown kind");
        assert!(!text.is_empty() && text.len() <= limits::TEXT_MAX);
        assert!(body.prev.len() <= limits::PREV_MAX && body.seq > 0);
        assert_eq!(entry.key().to_string().parse(), Ok(entry.key()));
    }
});
