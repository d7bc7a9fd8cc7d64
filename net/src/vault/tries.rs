//! How often a wrong passphrase was given in a row, and how long the next one waits.
//!
//! It slows down who sits at the keyboard. Who has copied the files guesses as fast as Argon2 lets
//! them, so this module must never be what a secret rests on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kinmesh_proto::codec;
use serde::{Deserialize, Serialize};

use crate::identity::write_private;
use crate::vault::VaultError;

/// The file's name in the data directory.
const FILE: &str = "vault.tries";
/// Largest file that is read: ten times what we write.
const FILE_MAX: usize = 256;
/// The wait after the first wrong passphrase. It doubles with each.
const WAIT: Duration = Duration::from_secs(1);
/// The longest wait: who comes back with the right one after a cat on the keyboard is let in.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// Wrong ones in a row, and when the last was given in Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tries {
    wrong: u32,
    last_ms: u64,
}

impl Tries {
    /// What is noted in `dir`. A note that cannot be read is none.
    pub(super) fn read(dir: &Path) -> Self {
        let bytes = fs::read(path(dir)).unwrap_or_default();
        codec::decode(&bytes, FILE_MAX).unwrap_or_default()
    }

    /// One more, now.
    pub(super) fn one_more(self, now_ms: u64) -> Self {
        Self { wrong: self.wrong.saturating_add(1), last_ms: now_ms }
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        write_private(&path(dir), &codec::encode(self))
    }

    pub(super) fn clear(dir: &Path) -> Result<(), VaultError> {
        super::remove_file(&path(dir))
    }

    /// How long the next passphrase waits from now on. A clock that was set back makes it no longer.
    pub(super) fn wait(&self, now_ms: u64) -> Duration {
        let Some(doublings) = self.wrong.checked_sub(1) else { return Duration::ZERO };
        let whole = WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(WAIT_MAX);
        let passed = Duration::from_millis(now_ms.saturating_sub(self.last_ms));
        whole.saturating_sub(passed)
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_one_waits_twice_as_long_up_to_five_minutes() {
        let mut tries = Tries::default();
        assert_eq!(tries.wait(0), Duration::ZERO);
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            tries = tries.one_more(1000);
            assert_eq!(tries.wait(1000), Duration::from_secs(seconds));
        }
        assert_eq!(tries.wait(101_000), Duration::from_secs(200));
        assert_eq!(tries.wait(400_000), Duration::ZERO);
        assert_eq!(tries.wait(0), Duration::from_secs(300), "the clock was set back");
        assert_eq!(Tries { wrong: u32::MAX, last_ms: 0 }.one_more(0).wait(0), WAIT_MAX);
    }

    #[test]
    fn they_are_counted_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let tries = Tries::read(dir.path()).one_more(5).one_more(6);
        tries.write(dir.path()).unwrap();
        assert_eq!(Tries::read(dir.path()), tries);
        Tries::clear(dir.path()).unwrap();
        assert_eq!(Tries::read(dir.path()), Tries::default());
    }
}
