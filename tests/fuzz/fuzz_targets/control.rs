//! A content that may be a step of a private room's control log.
#![no_main]

use kinmesh_proto::{Content, Control, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<Control>(data, limits::ENTRY_MAX);
    if let Some(Content::Control(control)) = kinmesh_fuzz::decodes::<Content>(data, limits::ENTRY_MAX) {
        let proves = control.epoch().is_some();
        assert!(proves || !matches!(*control, Control::Create { .. } | Control::Remove { .. }));
    }
});
