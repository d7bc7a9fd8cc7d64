//! Key files: a person's key and this device's key with its certificate.
//!
//! They live outside the store, one small file each, readable by their owner only, and sealed when a
//! passphrase protects the data directory.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kinmesh_proto::{DecodeError, DeviceCert, DeviceId, DeviceKeys, PersonKey, codec};
use kinmesh_seal::Seal;
use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::{Zeroize, Zeroizing};

/// The person's secret key. Whoever has it is that person.
const PERSON_FILE: &str = "person.key";
/// The device's secret key and certificate.
const DEVICE_FILE: &str = "device.key";
const FILES: [&str; 2] = [PERSON_FILE, DEVICE_FILE];
/// Largest key file that is read: two orders above what we write.
const KEY_FILE_MAX: usize = 4096;
/// Stands behind the name of a key file that is prepared.
const PREPARED: &str = "key.next";

/// Keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A key file cannot be read or written.
    #[error("the key file {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key file holds something else.
    #[error("the key file {path} is not readable as a key: {source}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A key file is not sealed with this key.
    #[error("the key file {path} does not open")]
    Sealed {
        /// Which file.
        path: PathBuf,
    },
    /// The device's certificate does not fit its key or is not signed by the person.
    #[error("the key file {path}: key and certificate do not belong together")]
    Mismatch {
        /// Which file.
        path: PathBuf,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    NoRandomness,
}

/// This device's keys, in both forms that are needed.
pub struct Identity {
    /// Signs entries and presence.
    pub keys: DeviceKeys,
    /// The same device key, as libp2p wants it.
    pub keypair: Keypair,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
struct DeviceFile {
    seed: ByteArray<32>,
    cert: DeviceCert,
}

/// What both key files hold, for an archive.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct KeyFiles {
    person: ByteArray<32>,
    device: DeviceFile,
}

/// A directory of key files, and what seals them if anything does.
#[derive(Debug, Clone)]
pub(crate) struct KeyDir {
    pub(crate) path: PathBuf,
    pub(crate) seal: Option<Seal>,
}

impl KeyDir {
    /// Without a seal.
    pub(crate) fn plain(path: &Path) -> Self {
        Self { path: path.to_owned(), seal: None }
    }

    /// Writes the key files once more beside what is there, with another seal or without one.
    pub(crate) fn prepare(&self, seal: Option<&Seal>) -> Result<(), IdentityError> {
        for file in FILES {
            if let Some(key) = read_bytes(self, file)? {
                let path = self.path.join(file).with_extension(PREPARED);
                let written = write_private(&path, &closed(seal, file, &key));
                written.map_err(|source| IdentityError::Io { path, source })?;
            }
        }
        Ok(())
    }

    /// Puts the files that were prepared in the place of those that are there.
    pub(crate) fn adopt_prepared(dir: &Path) -> Result<(), IdentityError> {
        for path in FILES.map(|file| dir.join(file)) {
            let adopted = ignore_missing(fs::rename(path.with_extension(PREPARED), &path));
            adopted.and_then(|()| sync_dir(dir)).map_err(|source| IdentityError::Io { path, source })?;
        }
        Self::clear_prepared(dir)
    }

    /// Deletes the files that were prepared, and those that a kill left half written: they may be plain.
    pub(crate) fn clear_prepared(dir: &Path) -> Result<(), IdentityError> {
        for path in FILES.map(|file| dir.join(file)) {
            let prepared = path.with_extension(PREPARED);
            for path in [beside(&prepared), beside(&path), prepared] {
                ignore_missing(fs::remove_file(&path))
                    .map_err(|source| IdentityError::Io { path, source })?;
            }
        }
        Ok(())
    }
}

impl KeyFiles {
    /// Reads the key files; `None` when one is not there.
    pub(crate) fn read(dir: &KeyDir) -> Result<Option<Self>, IdentityError> {
        let person = read_key(dir, PERSON_FILE)?;
        let device = read_key(dir, DEVICE_FILE)?;
        Ok(person.zip(device).map(|(person, device)| Self { person, device }))
    }

    /// Whether one of the key files is in `dir`.
    pub(crate) fn are_in(dir: &Path) -> bool {
        FILES.iter().any(|file| dir.join(file).exists())
    }

    /// Writes the key files, over any that are there.
    pub(crate) fn write(&self, dir: &KeyDir) -> Result<(), IdentityError> {
        write_key(dir, PERSON_FILE, &self.person)?;
        write_key(dir, DEVICE_FILE, &self.device)
    }

    /// A person's with one device.
    #[cfg(test)]
    pub(crate) fn of_seeds(person: &[u8; 32], device: &[u8; 32]) -> Self {
        let keys = DeviceKeys::generate(person, device, 0);
        let device = DeviceFile { seed: ByteArray::new(*device), cert: keys.cert().clone() };
        Self { person: ByteArray::new(*person), device }
    }

    /// The keys, if they belong together.
    pub(crate) fn keys(&self) -> Option<DeviceKeys> {
        let keys = DeviceKeys::new(&self.device.seed, self.device.cert.clone())?;
        (keys.person() == PersonKey::from_seed(&self.person).id()).then_some(keys)
    }
}

impl Drop for KeyFiles {
    fn drop(&mut self) {
        self.person.zeroize();
        self.device.seed.zeroize();
    }
}

impl std::fmt::Debug for KeyFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFiles").field("cert", &self.device.cert).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the keys, making what is missing: a person at the very first start.
    pub(crate) fn load_or_create(dir: &KeyDir) -> Result<Self, IdentityError> {
        let person = load_or_create_seed(dir, PERSON_FILE)?;
        let file = match read_key::<DeviceFile>(dir, DEVICE_FILE)? {
            Some(file) => file,
            None => create_device(dir, &PersonKey::from_seed(&person))?,
        };
        let mismatch = || IdentityError::Mismatch { path: dir.path.join(DEVICE_FILE) };
        let keys = DeviceKeys::new(&file.seed, file.cert).ok_or_else(mismatch)?;
        Ok(Self { keypair: keypair_from_seed(*file.seed), keys })
    }
}

/// A libp2p key kept in one file: what a bootstrap node needs.
pub fn load_or_create_keypair(path: &Path) -> Result<Keypair, IdentityError> {
    let dir = KeyDir::plain(path.parent().unwrap_or(Path::new("")));
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(keypair_from_seed(*load_or_create_seed(&dir, file)?))
}

fn create_device(dir: &KeyDir, person: &PersonKey) -> Result<DeviceFile, IdentityError> {
    let seed = random_seed()?;
    let device = device_id_of(&keypair_from_seed(*seed).public())
        .ok_or_else(|| IdentityError::Mismatch { path: dir.path.join(DEVICE_FILE) })?;
    let file = DeviceFile { seed: ByteArray::new(*seed), cert: person.certify(device, unix_ms()) };
    write_key(dir, DEVICE_FILE, &file)?;
    Ok(file)
}

fn load_or_create_seed(dir: &KeyDir, file: &str) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    if let Some(seed) = read_key::<ByteArray<32>>(dir, file)? {
        return Ok(Zeroizing::new(seed.into_array()));
    }
    let seed = random_seed()?;
    write_key(dir, file, &ByteArray::new(*seed))?;
    Ok(seed)
}

fn random_seed() -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| IdentityError::NoRandomness)?;
    Ok(seed)
}

fn read_key<T: DeserializeOwned>(dir: &KeyDir, file: &str) -> Result<Option<T>, IdentityError> {
    let Some(bytes) = read_bytes(dir, file)? else { return Ok(None) };
    let key = codec::decode(&bytes, KEY_FILE_MAX)
        .map_err(|source| IdentityError::Malformed { path: dir.path.join(file), source })?;
    Ok(Some(key))
}

/// What a key file holds, without its seal.
fn read_bytes(dir: &KeyDir, file: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
    let path = dir.path.join(file);
    let bytes = match fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(IdentityError::Io { path, source }),
    };
    let Some(seal) = &dir.seal else { return Ok(Some(bytes)) };
    let opened = seal.open(file.as_bytes(), &bytes).ok_or(IdentityError::Sealed { path })?;
    Ok(Some(Zeroizing::new(opened)))
}

fn write_key<T: Serialize>(dir: &KeyDir, file: &str, key: &T) -> Result<(), IdentityError> {
    let path = dir.path.join(file);
    let bytes = closed(dir.seal.as_ref(), file, &Zeroizing::new(codec::encode(key)));
    write_private(&path, &bytes).map_err(|source| IdentityError::Io { path, source })
}

/// What a key file holds with this seal.
fn closed(seal: Option<&Seal>, file: &str, key: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(seal.map_or_else(|| key.to_vec(), |seal| seal.close(file.as_bytes(), key)))
}

/// Writes a file for its owner only, beside the one that is there, and renames it: a crash leaves the
/// old file or the new one.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let beside = beside(path);
    let mut file = private_file(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_dir(parent)
}

/// Where a file is written before it takes its name.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    beside.into()
}

/// Makes the names in a directory last. Systems without directory handles do so by themselves.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// A new or emptied file that only its owner can read.
pub(crate) fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[allow(clippy::expect_used)] // Any 32 bytes are an Ed25519 secret key.
fn keypair_from_seed(mut seed: [u8; 32]) -> Keypair {
    let secret = ed25519::SecretKey::try_from_bytes(&mut seed).expect("32 bytes are a key");
    ed25519::Keypair::from(secret).into()
}

/// The device behind a libp2p public key; `None` for keys that are not Ed25519.
pub fn device_id_of(key: &PublicKey) -> Option<DeviceId> {
    key.clone().try_into_ed25519().ok().map(|key| DeviceId(key.to_bytes()))
}

/// The device behind a peer id; `None` when the id is only a hash of its key.
pub fn device_of(peer: &PeerId) -> Option<DeviceId> {
    let hash: &libp2p::multihash::Multihash<64> = peer.as_ref();
    /// Multihash code of "identity": the digest is the key itself.
    const IDENTITY_HASH: u64 = 0;
    if hash.code() != IDENTITY_HASH {
        return None;
    }
    device_id_of(&PublicKey::try_decode_protobuf(hash.digest()).ok()?)
}

/// The peer id of a device; `None` when its bytes are no Ed25519 key.
pub fn peer_of(device: DeviceId) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&device.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// Now, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_a_restart_and_belong_together() {
        let dir = tempfile::tempdir().unwrap();
        let first = Identity::load_or_create(&KeyDir::plain(dir.path())).unwrap();
        let again = Identity::load_or_create(&KeyDir::plain(dir.path())).unwrap();
        assert_eq!(first.keys.person(), again.keys.person());
        let peer = first.keypair.public().to_peer_id();
        assert_eq!(device_of(&peer), Some(first.keys.device()));
        assert_eq!(peer_of(first.keys.device()), Some(peer));
    }

    #[test]
    fn key_files_can_be_carried_to_another_place() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(KeyFiles::read(&KeyDir::plain(here.path())).unwrap().is_none());
        let identity = Identity::load_or_create(&KeyDir::plain(here.path())).unwrap();
        let files = KeyFiles::read(&KeyDir::plain(here.path())).unwrap().unwrap();
        files.write(&KeyDir::plain(there.path())).unwrap();
        assert_eq!(files.keys().unwrap().cert(), identity.keys.cert());
        assert_eq!(
            Identity::load_or_create(&KeyDir::plain(there.path())).unwrap().keys.cert(),
            identity.keys.cert()
        );
    }

    #[test]
    fn sealed_keys_open_with_their_seal_only() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = |byte| KeyDir { path: dir.path().to_owned(), seal: Some(Seal::new(&[byte; 32])) };
        let identity = Identity::load_or_create(&sealed(1)).unwrap();
        assert_eq!(Identity::load_or_create(&sealed(1)).unwrap().keys.cert(), identity.keys.cert());
        for wrong in [sealed(2), KeyDir::plain(dir.path())] {
            assert!(Identity::load_or_create(&wrong).is_err());
        }
        fs::copy(dir.path().join(PERSON_FILE), dir.path().join(DEVICE_FILE)).unwrap();
        assert!(matches!(KeyFiles::read(&sealed(1)), Err(IdentityError::Sealed { .. })), "one for the other");
    }

    #[test]
    fn keys_of_two_people_do_not_belong_together() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Identity::load_or_create(&KeyDir::plain(one.path())).unwrap();
        Identity::load_or_create(&KeyDir::plain(two.path())).unwrap();
        fs::copy(one.path().join(PERSON_FILE), two.path().join(PERSON_FILE)).unwrap();
        assert!(KeyFiles::read(&KeyDir::plain(two.path())).unwrap().unwrap().keys().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn key_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        Identity::load_or_create(&KeyDir::plain(dir.path())).unwrap();
        for file in [PERSON_FILE, DEVICE_FILE] {
            let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_damaged_key_is_an_error_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(PERSON_FILE), b"rubbish").unwrap();
        assert!(matches!(
            Identity::load_or_create(&KeyDir::plain(dir.path())),
            Err(IdentityError::Malformed { .. })
        ));
        assert_eq!(fs::read(dir.path().join(PERSON_FILE)).unwrap(), b"rubbish");
    }
}
