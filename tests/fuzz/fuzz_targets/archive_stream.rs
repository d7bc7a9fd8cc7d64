//! What is inside an archive, from somebody who knows its passphrase and is hostile.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(read) = kinmesh_net::testing::read_archive_stream(data) {
        assert!(read <= data.len(), "{read} records of {} bytes", data.len());
    }
});
