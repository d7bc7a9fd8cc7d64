//! What every fuzz target demands of a decoder: no panic, and what it accepts is sound.

use std::fmt::Debug;

use kinmesh_proto::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decodes at most `max` bytes. What is accepted must be written and read again as itself.
pub fn decodes<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8], max: usize) -> Option<T> {
    let value: T = codec::decode(data, max).ok()?;
    let written = codec::encode(&value);
    assert_eq!(codec::decode::<T>(&written, usize::MAX).expect("own writing is readable"), value);
    Some(value)
}
