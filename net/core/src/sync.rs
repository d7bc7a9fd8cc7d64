//! Catching up: comparing histories with other members, and fetching what is missing.

mod completeness;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{DeviceId, RoomId};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// What catching up remembers.
pub(crate) struct Sync {
    /// Connected devices that held nothing which is missing here when they were last compared.
    agreeing: BTreeMap<RoomId, BTreeSet<DeviceId>>,
    pub(crate) dice: StdRng,
}

impl Sync {
    pub(crate) fn new(seed: u64) -> Self {
        Self { agreeing: BTreeMap::new(), dice: StdRng::seed_from_u64(seed) }
    }
}
