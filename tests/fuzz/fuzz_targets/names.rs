//! Names and status lines as typed or told by others.
#![no_main]

use kinmesh_proto::{DisplayName, RoomId, RoomName, StatusLine, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = DisplayName::new(text) {
        assert!((1..=limits::DISPLAY_NAME_BYTES_MAX).contains(&name.as_str().len()));
        assert_eq!(DisplayName::new(name.as_str()), Ok(name));
    }
    if let Ok(status) = StatusLine::new(text) {
        assert!(status.as_str().len() <= limits::STATUS_BYTES_MAX);
        assert_eq!(StatusLine::new(status.as_str()), Ok(status));
    }
    if let Ok(name) = RoomName::new(text) {
        assert!((1..=limits::ROOM_NAME_BYTES_MAX).contains(&name.as_str().len()));
        assert_eq!(RoomId::public(&RoomName::new(name.as_str()).expect("it was one")), RoomId::public(&name));
        assert_eq!(RoomName::new(name.as_str()), Ok(name));
    }
});
