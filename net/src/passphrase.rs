//! A passphrase, as a person types it. It is wiped from memory when it goes, and never shown.

use age::secrecy::{ExposeSecret, SecretString};

/// What locks an archive, or a data directory. Whoever knows it has the keys and the history in it.
#[derive(Debug, Clone)]
pub struct Passphrase(SecretString);

/// An empty passphrase protects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is empty")]
pub struct EmptyPassphrase;

impl Passphrase {
    /// Any text but an empty one.
    pub fn new(text: String) -> Result<Self, EmptyPassphrase> {
        if text.is_empty() { Err(EmptyPassphrase) } else { Ok(Self(text.into())) }
    }

    pub(crate) fn secret(&self) -> &SecretString {
        &self.0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_passphrase_is_refused() {
        assert!(matches!(Passphrase::new(String::new()), Err(EmptyPassphrase)));
    }

    #[test]
    fn it_is_never_shown() {
        let shown = format!("{:?}", Passphrase::new("correct horse".to_owned()).unwrap());
        assert!(!shown.contains("correct"), "{shown}");
    }
}
