//! The vault file: the data key, wrapped by a passphrase.
//!
//! `docs/decisions/0012-at-rest.md` gives the reasons. This module must never know what the key seals.

use std::fs;
use std::io;
use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use kinmesh_proto::codec;
use kinmesh_seal::{DataKey, OVERHEAD, Seal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::identity::write_private;
use crate::passphrase::Passphrase;
use crate::vault::VaultError;

/// The file's name in the data directory.
const FILE: &str = "vault";
/// The format of the file. A higher number is refused.
const FORMAT: u32 = 1;
/// Largest file that is read: ten times what we write.
const FILE_MAX: usize = 4096;
/// The place for which the key is sealed.
const PLACE: &[u8] = b"kinmesh vault 1";

/// Memory that a guess costs, in KiB: RFC 9106's second choice, which a small machine can afford.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over it, of the same choice.
const PASSES: u32 = 3;
/// Lanes: the least that anybody can use. RFC 9106 says 4, for four cores; we compute them one after
/// the other, so more of them would only help who guesses.
const LANES: u32 = 1;

/// Most memory that is spent on a file of another program, in KiB.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// Most passes and lanes that are.
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 16;

/// How far putting on or taking off a passphrase has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// All is sealed.
    Sealed,
    /// What was prepared sealed takes the place of what is not.
    Sealing,
    /// What was prepared without a seal takes the place of what is sealed; then this file goes.
    Opening,
}

/// What a guess costs. It stands in the file, so that it can grow.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VaultFile {
    format: u32,
    pub(super) phase: Phase,
    cost: Cost,
    salt: ByteArray<16>,
    key: ByteArray<{ 32 + OVERHEAD }>,
}

/// The number that every format begins with.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl VaultFile {
    /// Wraps a key. Slow by design, as [`VaultFile::unwrap`] is.
    pub(super) fn wrap(key: &DataKey, passphrase: &Passphrase, phase: Phase) -> Result<Self, VaultError> {
        let cost = Cost { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES };
        let salt: [u8; 16] = rand::random();
        let sealed = cost.seal(passphrase, &salt)?.close(PLACE, key.bytes());
        let key = sealed.try_into().map_err(|_| VaultError::TooMuchWork)?;
        Ok(Self { format: FORMAT, phase, cost, salt: ByteArray::new(salt), key: ByteArray::new(key) })
    }

    /// The key in it; `None` when this is not its passphrase.
    pub(super) fn unwrap(&self, passphrase: &Passphrase) -> Result<Option<DataKey>, VaultError> {
        let opened = self.cost.seal(passphrase, &self.salt)?.open(PLACE, &*self.key).map(Zeroizing::new);
        Ok(opened.and_then(|key| Some(DataKey::new(key.as_slice().try_into().ok()?))))
    }

    pub(super) fn in_phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// The file in `dir`; `None` without a passphrase.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, VaultError> {
        let path = dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(VaultError::Io { path, source }),
        };
        Self::parse(&bytes, &path).map(Some)
    }

    /// What the file at `path` holds, if these are its bytes.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self, VaultError> {
        let malformed = |source| VaultError::Malformed { path: path.to_owned(), source };
        let Format { format } = codec::decode(bytes, FILE_MAX).map_err(malformed)?;
        if format > FORMAT {
            return Err(VaultError::Newer { found: format, known: FORMAT });
        }
        codec::decode(bytes, FILE_MAX).map_err(malformed)
    }

    /// Writes it into `dir`: after a crash it is there, or what was there before.
    pub(super) fn write(&self, dir: &Path) -> Result<(), VaultError> {
        let path = dir.join(FILE);
        write_private(&path, &codec::encode(self)).map_err(|source| VaultError::Io { path, source })
    }

    /// Removes it from `dir`.
    pub(super) fn remove(dir: &Path) -> Result<(), VaultError> {
        super::remove_file(&dir.join(FILE))
    }
}

impl Cost {
    fn seal(&self, passphrase: &Passphrase, salt: &[u8; 16]) -> Result<Seal, VaultError> {
        let Self { memory_kib, passes, lanes } = *self;
        if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
            return Err(VaultError::TooMuchWork);
        }
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| VaultError::TooMuchWork)?;
        let mut memory = Zeroizing::new(vec![Block::new(); params.block_count()]);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.bytes(), salt, &mut *key, memory.as_mut_slice())
            .map_err(|_| VaultError::TooMuchWork)?;
        Ok(Seal::new(&key))
    }
}
