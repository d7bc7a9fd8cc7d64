//! Keys of persons and devices, and the certificate that binds one to the other.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::id::{DeviceId, PersonId};

/// Opens every certificate's signed bytes, so that its signature fits nothing else.
const CERT_DOMAIN: &[u8] = b"kinmesh device certificate 1\0";

/// A person's secret key. It certifies devices and signs nothing else.
pub struct PersonKey(SigningKey);

impl PersonKey {
    /// A key from 32 secret random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public side.
    pub fn id(&self) -> PersonId {
        PersonId(self.0.verifying_key().to_bytes())
    }

    /// Certifies that `device` acts for this person, from `issued_ms` (Unix time) on.
    pub fn certify(&self, device: DeviceId, issued_ms: u64) -> DeviceCert {
        let person = self.id();
        let signature = self.0.sign(&cert_bytes(person, device, issued_ms));
        DeviceCert { person, device, issued_ms, signature: ByteArray::new(signature.to_bytes()) }
    }
}

/// A person's word that a device is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceCert {
    /// Who certifies.
    #[serde(rename = "p")]
    pub person: PersonId,
    /// What is certified.
    #[serde(rename = "d")]
    pub device: DeviceId,
    /// When, in Unix milliseconds.
    #[serde(rename = "t")]
    pub issued_ms: u64,
    /// Ed25519 by the person's key over domain, person, device and time.
    #[serde(rename = "s")]
    pub signature: ByteArray<64>,
}

impl DeviceCert {
    /// Whether the person's signature holds and neither key is one of the weak ones.
    pub fn holds(&self) -> bool {
        let Ok(person) = VerifyingKey::from_bytes(&self.person.0) else { return false };
        let Ok(device) = VerifyingKey::from_bytes(&self.device.0) else { return false };
        let bytes = cert_bytes(self.person, self.device, self.issued_ms);
        !device.is_weak() && person.verify_strict(&bytes, &Signature::from_bytes(&self.signature)).is_ok()
    }
}

fn cert_bytes(person: PersonId, device: DeviceId, issued_ms: u64) -> Vec<u8> {
    [CERT_DOMAIN, &person.0, &device.0, &issued_ms.to_be_bytes()].concat()
}

/// A device's secret key with its certificate: all that is needed to speak for a person.
pub struct DeviceKeys {
    key: SigningKey,
    cert: DeviceCert,
}

impl DeviceKeys {
    /// Joins the device key made of `seed` with its certificate; `None` when the two do not fit.
    pub fn new(seed: &[u8; 32], cert: DeviceCert) -> Option<Self> {
        let key = SigningKey::from_bytes(seed);
        (cert.device.0 == key.verifying_key().to_bytes() && cert.holds()).then_some(Self { key, cert })
    }

    /// A person with one device, from two seeds.
    pub fn generate(person_seed: &[u8; 32], device_seed: &[u8; 32], issued_ms: u64) -> Self {
        let key = SigningKey::from_bytes(device_seed);
        let device = DeviceId(key.verifying_key().to_bytes());
        Self { key, cert: PersonKey::from_seed(person_seed).certify(device, issued_ms) }
    }

    /// The person this device acts for.
    pub fn person(&self) -> PersonId {
        self.cert.person
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        self.cert.device
    }

    /// The certificate that others check.
    pub fn cert(&self) -> &DeviceCert {
        &self.cert
    }

    /// 32 bytes that nobody can know who lacks this device's secret key, and that are the same each time.
    /// Each use has a `purpose` of its own.
    pub fn derive_secret(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, self.key.as_bytes())
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> ByteArray<64> {
        ByteArray::new(self.key.sign(bytes).to_bytes())
    }
}

impl std::fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceKeys").field("cert", &self.cert).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_holds_for_its_device_only() {
        let alice = DeviceKeys::generate(&[1; 32], &[2; 32], 5);
        assert!(alice.cert().holds());
        let mut stolen = alice.cert().clone();
        stolen.device = DeviceKeys::generate(&[3; 32], &[4; 32], 5).device();
        assert!(!stolen.holds());
        assert!(DeviceKeys::new(&[9; 32], alice.cert().clone()).is_none());
    }
}
