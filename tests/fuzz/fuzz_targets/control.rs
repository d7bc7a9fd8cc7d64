//! A content that may be a step of a room's control log.
#![no_main]

use kinmesh_proto::{Content, Control, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<Control>(data, limits::ENTRY_MAX);
    if let Some(Content::Control(control)) = kinmesh_fuzz::decodes::<Content>(data, limits::ENTRY_MAX) {
        assert!(control.epoch().is_some() || !matches!(*control, Control::Rotate { .. }));
        let changes_who_reads = control.demoted().is_some() || control.epoch().is_some();
        assert!(!changes_who_reads || !matches!(*control, Control::Hide { .. } | Control::Mute { .. }));
        if let Control::SetPicture(Some(picture)) = &*control {
            assert!(!changes_who_reads && picture.as_bytes().len() <= limits::PICTURE_BYTES_MAX);
        }
    }
});
