//! The history store of Kinmesh: one trait, a memory twin, sled, and the thread that owns either.
//!
//! Owns what a peer remembers across a restart: entries, conversations, people, members, addresses
//! and the own profile. What [`HistoryStore::apply`] took is on the disk, power cut or not, and only
//! then may it be shown or acknowledged.
//!
//! **Architecture invariant:** this is the only crate that names sled, and it decides nothing: which
//! entry counts, what is delivered and who is known was decided in `kinmesh-core`. It must never know
//! a socket or a user interface, nor where the key of a seal comes from. Everything here blocks; [`StoreHandle`] is the way in from tasks.

mod disk;
mod error;
mod history;
mod memory;
mod thread;

pub use disk::{Directory, OpenReport, RebuildCause, Rebuilt, SledStore};
pub use error::{Damage, StoreError};
pub use history::{
    CHANGES_BYTES_MAX, CHANGES_LOOKED_AT_MAX, CHANGES_MAX, HistoryStore, ShowsChanges, day_of, range_of_day,
};
pub use kinmesh_proto::{PageAt, PageItem, Snapshot, StoredEntry, Write};
pub use memory::MemoryStore;
pub use thread::{Busy, Completion, StoreHandle};
