//! Sealed bytes of a private room, from a member who knows the secrets and is hostile.
#![no_main]

use kinmesh_proto::{EntryId, EpochSecret, Keyring, RoomId, Sealed, limits};
use libfuzzer_sys::fuzz_target;

const ROOM: RoomId = RoomId([9; 32]);
const STEP: EntryId = EntryId([1; 32]);

fuzz_target!(|data: &[u8]| {
    let ring = Keyring::default();
    ring.add(ROOM, STEP, EpochSecret::new([1; 32]));
    if let Some(sealed) = kinmesh_fuzz::decodes::<Sealed>(data, limits::ENTRY_MAX) {
        let opened = ring.open(ROOM, b"place", &sealed);
        assert!(opened.is_none_or(|opened| opened.len() + 16 == sealed.bytes.len()));
    }
    let sealed = ring.seal(ROOM, &[STEP], b"place", data).expect("the secret is here");
    assert_eq!(ring.open(ROOM, b"place", &sealed).as_deref(), Some(data));
    assert_eq!(ring.open(ROOM, b"another place", &sealed), None);
});
