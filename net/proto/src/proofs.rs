//! Signatures that were found to hold, shared by many peers in one process.
//!
//! Knows nothing but hashes. A peer on its own has no use for it: nothing comes to it twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Proofs remembered: what a simulated room of a thousand says in some minutes, 10 MB. Beyond it all
/// are forgotten, and proven anew.
const PROOFS_CAP: usize = 1 << 17;

/// What one of many peers has verified, none of the others verifies again: for simulations, where a
/// thousand peers hear the same words. A proof is about bytes, so sharing it makes nobody gullible.
#[derive(Debug, Clone, Default)]
pub struct SharedProofs(Arc<Mutex<BTreeSet<[u8; 32]>>>);

impl SharedProofs {
    pub(crate) fn contains(&self, proof: [u8; 32]) -> bool {
        self.proofs().contains(&proof)
    }

    pub(crate) fn add(&self, proof: [u8; 32]) {
        let mut proofs = self.proofs();
        if proofs.len() >= PROOFS_CAP {
            proofs.clear();
        }
        proofs.insert(proof);
    }

    fn proofs(&self) -> MutexGuard<'_, BTreeSet<[u8; 32]>> {
        // A set of hashes is whole whatever its last user did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Presence, PresenceState};
    use crate::identity::{DeviceKeys, PersonKey};
    use crate::name::{DisplayName, StatusLine};
    use crate::signed::{CertCache, Unverified};

    #[test]
    fn a_shared_proof_holds_for_the_very_same_bytes_only() {
        let alice = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        let name = DisplayName::new("Alice").unwrap();
        let (status, state) = (StatusLine::default(), PresenceState::Here);
        let said =
            Unverified::sign(Presence { room: None, name, status, since_ms: 1, sent_ms: 2, state }, &alice);
        let proofs = SharedProofs::default();
        let certs = || CertCache::sharing(proofs.clone());
        assert!(said.envelope().clone().verify(&mut certs()).is_ok());
        assert_eq!(proofs.proofs().len(), 1);
        assert_eq!(said.envelope().clone().verify(&mut certs()).unwrap(), said);
        let (body, cert, signature) = said.envelope().parts();
        let mallory = PersonKey::from_seed(&[3; 32]).certify(alice.device(), 0);
        let (mut bent_body, mut bent_signature) = (body.to_vec(), *signature);
        *bent_body.last_mut().unwrap() ^= 1;
        bent_signature[0] ^= 1;
        for (body, cert, signature) in [
            (bent_body, cert.clone(), *signature),
            (body.to_vec(), mallory, *signature),
            (body.to_vec(), cert.clone(), bent_signature),
        ] {
            assert!(Unverified::<Presence>::from_parts(body, cert, signature).verify(&mut certs()).is_err());
        }
        assert_eq!(proofs.proofs().len(), 1);
    }
}
