//! Ids, in CBOR and as text.
#![no_main]

use kinmesh_proto::{ConversationId, EntryId, PersonId, RoomId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = kinmesh_fuzz::decodes::<PersonId>(data, 64);
    let _ = kinmesh_fuzz::decodes::<ConversationId>(data, 64);
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(id) = text.parse::<EntryId>() {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
    if let Ok(bytes) = data.try_into() {
        let room = RoomId(bytes);
        assert_eq!(room.to_string().parse(), Ok(room));
        assert_eq!((room.topic().len(), room.namespace().len()), (32, 64));
        assert_eq!(PersonId(bytes).fingerprint().len(), 9);
    }
});
