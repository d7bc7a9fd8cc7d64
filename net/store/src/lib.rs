//! History store of Kinmesh: one trait, a memory twin and sled
//!
//! NOTE: `Write`, `StoredEntry`, `Snapshot` and `OwnProfile` stand in `kinmesh_proto::record`
//! (core decides them and may not know this crate); re-export them from here.
pub use kinmesh_proto::record::{OwnProfile, Snapshot, StoredEntry, Write};
