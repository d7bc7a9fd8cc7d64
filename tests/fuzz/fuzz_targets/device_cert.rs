//! A device certificate.
#![no_main]

use kinmesh_proto::{CertCache, DeviceCert, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(cert) = kinmesh_fuzz::decodes::<DeviceCert>(data, limits::HELLO_MAX as usize) {
        let cache = &mut CertCache::default();
        let holds = cert.holds();
        assert_eq!((cache.holds(&cert), cache.holds(&cert)), (holds, holds));
    }
});
