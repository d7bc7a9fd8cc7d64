//! One envelope for everything that is signed: bytes, the signer's certificate, a signature.
//!
//! The body stays the signer's bytes; it is decoded once, never re-encoded, so a later version
//! may add fields and old peers still verify, keep and forward what they cannot read.
//!
//! The signature covers the person beside the body. Otherwise anybody could certify somebody
//! else's device as their own and put their name under its words.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;

use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes, batch};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use crate::codec::{self, DecodeError};
use crate::id::{DeviceId, PersonId};
use crate::identity::{DeviceCert, DeviceKeys};
use crate::proofs::SharedProofs;

/// A type that devices sign.
pub trait Signable: Serialize + DeserializeOwned {
    /// Opens the signed bytes, so that a signature for one type fits no other.
    const DOMAIN: &'static [u8];
    /// Largest encoded body in bytes.
    const BODY_MAX: usize;
    /// Limits that the type's own decoding does not check.
    fn is_within_limits(&self) -> bool;

    /// The body as it travels: CBOR of the value, unless the type says otherwise.
    fn to_body(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a body back.
    fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(body, Self::BODY_MAX)
    }

    /// What the signature covers of a body: all of it, unless the type says otherwise. It must be
    /// another for each other value.
    fn signed_form(body: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(body)
    }
}

/// Why a signed value is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The certificate is not the person's word.
    #[error("the device certificate does not hold")]
    BadCertificate,
    /// The device did not sign these bytes.
    #[error("the signature does not hold")]
    BadSignature,
    /// The body is not a value of its type.
    #[error("the body is not readable")]
    BadBody(#[from] DecodeError),
    /// A field of the body crosses a limit.
    #[error("the body crosses a limit")]
    OverLimit,
}

/// A signed value as it travels. Nothing in it may be believed before [`Unverified::verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unverified<T> {
    #[serde(rename = "b")]
    body: ByteBuf,
    #[serde(rename = "c")]
    cert: DeviceCert,
    #[serde(rename = "s")]
    signature: ByteArray<64>,
    #[serde(skip)]
    kind: PhantomData<fn() -> T>,
}

/// A value whose author is proven, together with the envelope that proves it to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    hash: [u8; 32],
    envelope: Unverified<T>,
}

impl<T: Signable> Unverified<T> {
    /// Signs `value` with the device's key.
    pub fn sign(value: T, keys: &DeviceKeys) -> Verified<T> {
        let body = value.to_body();
        let signature = keys.sign(&signed_bytes::<T>(keys.cert(), &body));
        let envelope =
            Self { body: ByteBuf::from(body), cert: keys.cert().clone(), signature, kind: PhantomData };
        Verified { value, hash: envelope.hash(), envelope }
    }

    /// BLAKE3 of the signed bytes. It does not cover the signature, so a second valid signature
    /// over the same bytes makes no second value.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.signed_bytes()).as_bytes()
    }

    fn signed_bytes(&self) -> Vec<u8> {
        signed_bytes::<T>(&self.cert, &self.body)
    }

    /// Bytes this envelope takes on the wire, to within a few.
    pub fn size(&self) -> usize {
        self.body.len() + ENVELOPE_OVERHEAD
    }

    /// Checks certificate, signature and limits.
    pub fn verify(self, certs: &mut CertCache) -> Result<Verified<T>, VerifyError> {
        if !certs.is_proven(&self) {
            let key = certs.device_key(&self.cert).ok_or(VerifyError::BadCertificate)?;
            key.verify(&Signature::from_bytes(&self.signature), &self.signed_bytes())
                .map_err(|_| VerifyError::BadSignature)?;
            certs.note_proven(&self);
        }
        self.decode_body()
    }

    /// Verifies each of many, in order: at once, which costs a third if one device signed them, and
    /// one by one only when not all of them hold. Either way judges every signature alike (ZIP 215).
    pub fn verify_each(batch: Vec<Self>, certs: &mut CertCache) -> Vec<Result<Verified<T>, VerifyError>> {
        if batch.len() < 2 || !Self::batch_holds(&batch, certs) {
            return batch.into_iter().map(|one| one.verify(certs)).collect();
        }
        batch.into_iter().map(Self::decode_body).collect()
    }

    fn batch_holds(batch: &[Self], certs: &mut CertCache) -> bool {
        let mut verifier = batch::Verifier::new();
        let mut transcript = blake3::Hasher::new_derive_key("kinmesh 2026-11 batch verification");
        for one in batch.iter().filter(|one| !certs.is_proven(one)).collect::<Vec<_>>() {
            if !certs.holds(&one.cert) {
                return false;
            }
            let bytes = one.signed_bytes();
            transcript
                .update(&one.cert.device.0)
                .update(&*one.signature)
                .update(blake3::hash(&bytes).as_bytes());
            let key = VerificationKeyBytes::from(one.cert.device.0);
            verifier.queue((key, Signature::from_bytes(&one.signature), &bytes));
        }
        // The factors must be what no signer could foresee. A hash of all there is to verify is that,
        // and the same batch is judged the same way in every run.
        let hold = verifier.verify(StdRng::from_seed(*transcript.finalize().as_bytes())).is_ok();
        if hold {
            batch.iter().for_each(|one| certs.note_proven(one));
        }
        hold
    }

    /// Names what was verified: all that certificate and signature are checked against.
    fn proof(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("kinmesh 2026-11 shared proof");
        hasher.update(&self.signature[..]).update(&self.cert.signature[..]);
        hasher.update(&self.cert.issued_ms.to_be_bytes()).update(&self.signed_bytes());
        *hasher.finalize().as_bytes()
    }

    /// The signed bytes, the signer's certificate and the signature, for a store that keeps each
    /// certificate once.
    pub fn parts(&self) -> (&[u8], &DeviceCert, &[u8; 64]) {
        (&self.body, &self.cert, &self.signature)
    }

    /// Puts an envelope together again from its [`Unverified::parts`].
    pub fn from_parts(body: Vec<u8>, cert: DeviceCert, signature: [u8; 64]) -> Self {
        Self { body: ByteBuf::from(body), cert, signature: ByteArray::new(signature), kind: PhantomData }
    }

    /// Takes an envelope that was verified before it was written to our own disk.
    pub fn trust_stored(self) -> Result<Verified<T>, VerifyError> {
        self.decode_body()
    }

    fn decode_body(self) -> Result<Verified<T>, VerifyError> {
        let value = T::from_body(&self.body)?;
        if !value.is_within_limits() {
            return Err(VerifyError::OverLimit);
        }
        Ok(Verified { value, hash: self.hash(), envelope: self })
    }
}

/// Certificate, signature and field names around a body, in bytes.
const ENVELOPE_OVERHEAD: usize = 256;

fn signed_bytes<T: Signable>(cert: &DeviceCert, body: &[u8]) -> Vec<u8> {
    [T::DOMAIN, &cert.person.0, &cert.device.0, &T::signed_form(body)].concat()
}

impl<T> Verified<T> {
    /// The value itself.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The same envelope with another reading of its body.
    pub(crate) fn map(self, read: impl FnOnce(T) -> T) -> Self {
        Self { value: read(self.value), ..self }
    }

    /// The person who speaks.
    pub fn person(&self) -> PersonId {
        self.envelope.cert.person
    }

    /// The device that signed.
    pub fn device(&self) -> DeviceId {
        self.envelope.cert.device
    }

    /// BLAKE3 of the signed bytes: see [`Unverified::hash`].
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// What to send or store, so that others can verify too.
    pub fn envelope(&self) -> &Unverified<T> {
        &self.envelope
    }
}

/// Certificates already checked, so that a person's thousandth entry costs one signature, not two,
/// and its device's key is not unpacked each time.
#[derive(Debug, Default)]
pub struct CertCache {
    known: BTreeMap<[u8; 32], VerificationKey>,
    oldest_first: VecDeque<[u8; 32]>,
    shared: Option<SharedProofs>,
}

/// Certificates remembered: as many as a large room has members; about 300 bytes each.
const CERT_CACHE_CAP: usize = 4096;

impl CertCache {
    /// A cache that also takes as verified what others who share the proofs have verified.
    pub fn sharing(proofs: SharedProofs) -> Self {
        Self { shared: Some(proofs), ..Self::default() }
    }

    fn is_proven<T: Signable>(&self, one: &Unverified<T>) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.contains(one.proof()))
    }

    fn note_proven<T: Signable>(&self, one: &Unverified<T>) {
        if let Some(shared) = &self.shared {
            shared.add(one.proof());
        }
    }

    /// Whether the certificate holds; remembers those that do.
    pub fn holds(&mut self, cert: &DeviceCert) -> bool {
        self.device_key(cert).is_some()
    }

    /// The device's key, if the certificate holds.
    fn device_key(&mut self, cert: &DeviceCert) -> Option<VerificationKey> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&cert.person.0).update(&cert.device.0).update(&cert.issued_ms.to_be_bytes());
        let key = *hasher.update(&*cert.signature).finalize().as_bytes();
        if let Some(device) = self.known.get(&key) {
            return Some(*device);
        }
        let device = VerificationKey::try_from(cert.device.0).ok().filter(|_| cert.holds())?;
        if self.oldest_first.len() == CERT_CACHE_CAP
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(key, device);
        self.oldest_first.push_back(key);
        Some(device)
    }
}
