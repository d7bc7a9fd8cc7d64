//! Places of entries, in CBOR and as text.
#![no_main]

use kinmesh_proto::EntryKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<EntryKey>(data, 128);
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = text.parse::<EntryKey>() {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }
});
