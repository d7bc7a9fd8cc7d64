//! The file of a passphrase, as somebody may have left it on the disk. No passphrase is tried.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(written) = kinmesh_net::testing::rewrite_vault_file(data) {
        assert_eq!(kinmesh_net::testing::rewrite_vault_file(&written), Some(written.clone()));
    }
});
