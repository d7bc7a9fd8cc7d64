//! The passphrase around an archive: the age format (age-encryption.org/v1), with scrypt.
//!
//! Any age program opens an archive too. This module must never know what is inside.

use std::io::{self, BufRead, Write};
use std::iter;

use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt};

use super::ArchiveError;
use crate::passphrase::Passphrase;

/// Work that a passphrase costs, as a power of two: about a second and 256 MiB on a laptop. The
/// same on every machine, and the same as age's own program.
const WORK_FACTOR: u8 = 18;
/// Most work that is done for an archive of another program: four times ours.
const WORK_FACTOR_MAX: u8 = 20;

/// Seals what is written. Without [`StreamWriter::finish`] it can never be opened.
pub(super) fn seal<W: Write>(out: W, passphrase: &Passphrase) -> io::Result<StreamWriter<W>> {
    let mut recipient = scrypt::Recipient::new(passphrase.secret().clone());
    recipient.set_work_factor(WORK_FACTOR);
    let encryptor = Encryptor::with_recipients(iter::once(&recipient as _)).map_err(io::Error::other)?;
    encryptor.wrap_output(out)
}

/// Opens the seal. What is read was not changed since, or reading fails.
pub(super) fn unseal<R: BufRead>(input: R, passphrase: &Passphrase) -> Result<StreamReader<R>, ArchiveError> {
    let sealed = Decryptor::new_buffered(input)?;
    if !sealed.is_scrypt() {
        return Err(ArchiveError::NotAnArchive);
    }
    let mut identity = scrypt::Identity::new(passphrase.secret().clone());
    identity.set_max_work_factor(WORK_FACTOR_MAX);
    Ok(sealed.decrypt(iter::once(&identity as _))?)
}

impl From<DecryptError> for ArchiveError {
    fn from(error: DecryptError) -> Self {
        match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => Self::WrongPassphrase,
            DecryptError::ExcessiveWork { .. } => Self::TooMuchWork,
            DecryptError::InvalidMac => Self::Damaged,
            DecryptError::Io(error) => error.into(),
            _ => Self::NotAnArchive,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned()).unwrap()
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut out = seal(Vec::new(), &passphrase("correct horse")).unwrap();
        out.write_all(content).unwrap();
        out.finish().unwrap()
    }

    fn opened(bytes: &[u8], with: &str) -> Result<Vec<u8>, ArchiveError> {
        let mut content = Vec::new();
        unseal(bytes, &passphrase(with))?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn only_the_passphrase_opens_what_it_sealed() {
        let bytes = sealed(b"secret");
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        assert_eq!(opened(&bytes, "correct horse").unwrap(), b"secret");
        assert!(matches!(opened(&bytes, "correct  horse"), Err(ArchiveError::WrongPassphrase)));
    }

    #[test]
    fn a_changed_or_missing_byte_is_noticed() {
        let bytes = sealed(&[7; 100_000]);
        let mut changed = bytes.clone();
        changed[90_000] ^= 1;
        assert!(matches!(opened(&changed, "correct horse"), Err(ArchiveError::Damaged)));
        let whole_chunks = bytes.len() - (100_000 - 65_536) - 16;
        assert!(matches!(opened(&bytes[..whole_chunks], "correct horse"), Err(ArchiveError::Cut)));
        assert!(matches!(opened(&bytes[..bytes.len() - 1], "correct horse"), Err(ArchiveError::Damaged)));
    }

    #[test]
    fn other_files_are_no_archives() {
        for bytes in [&b"hello, this is a letter\nand no archive\n"[..], &[0xff; 4096]] {
            assert!(matches!(opened(bytes, "x"), Err(ArchiveError::NotAnArchive)));
        }
        assert!(opened(b"", "x").is_err());
    }
}
