//! A passphrase is set, given, changed and removed; the program is killed meanwhile.

use data_encoding::HEXLOWER;
use kinmesh_proto::{DisplayName, OwnProfile, StatusLine, Write, codec};
use kinmesh_store::HistoryStore;
use tempfile::TempDir;

use super::*;
use crate::identity::{Identity, KeyFiles};

/// Stands in the history in the clear until it is sealed.
const MARK: &str = "Wilhelmina";
const PERSON: [u8; 32] = *b"the seed of a person's own keys!";
const DEVICE: [u8; 32] = *b"the seed of a device's own keys!";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

/// The data directory of somebody without a passphrase.
fn peer() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    KeyFiles::of_seeds(&PERSON, &DEVICE).write(&KeyDir::plain(dir.path())).unwrap();
    let (mut store, _) = enter(dir.path(), None).unwrap().open_history().unwrap();
    let profile = OwnProfile { name: DisplayName::new(MARK).unwrap(), status: StatusLine::default() };
    store.apply(&[Write::PutProfile(profile)]).unwrap();
    fs::create_dir(dir.path().join(SEARCH_DIR)).unwrap();
    fs::write(dir.path().join(SEARCH_DIR).join("words"), MARK).unwrap();
    dir
}

/// Opens it as a start does, and checks that everything of its owner is there.
fn opens(dir: &Path, key: Option<DataKey>) -> Result<(), VaultError> {
    let opened = enter(dir, key)?;
    let identity = Identity::load_or_create(&opened.key_dir())?;
    assert_eq!(identity.keys.cert(), KeyFiles::of_seeds(&PERSON, &DEVICE).keys().unwrap().cert());
    let (store, report) = opened.open_history()?;
    assert_eq!(report.rebuilt, None);
    assert_eq!(store.load()?.profile.unwrap().name.as_str(), MARK);
    Ok(())
}

/// The files that tell a seed or a name.
fn telling(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
    paths
        .flat_map(
            |path| if path.is_dir() { telling(&path) } else { Vec::from_iter(tells(&path).then_some(path)) },
        )
        .collect()
}

fn tells(file: &Path) -> bool {
    let bytes = fs::read(file).unwrap();
    [MARK.as_bytes(), &PERSON, &DEVICE]
        .iter()
        .any(|secret| bytes.windows(secret.len()).any(|part| part == *secret))
}

fn is_open_to_all(dir: &Path) -> bool {
    opens(dir, None).unwrap();
    telling(dir).len() >= 3
}

#[test]
fn with_a_passphrase_nothing_can_be_read_and_nobody_can_start_without_it() {
    let dir = peer();
    assert!(is_open_to_all(dir.path()) && !is_locked(dir.path()).unwrap());
    set(dir.path(), &passphrase("correct horse")).unwrap();
    assert!(is_locked(dir.path()).unwrap());
    assert_eq!(telling(dir.path()), Vec::<PathBuf>::new());
    assert!(matches!(opens(dir.path(), None), Err(VaultError::Locked)));
    assert!(matches!(set(dir.path(), &passphrase("battery")), Err(VaultError::HasPassphrase)));
    opens(dir.path(), Some(unlock(dir.path(), &passphrase("correct horse")).unwrap())).unwrap();
    assert!(opens(dir.path(), Some(DataKey::random())).is_err(), "only its own key opens it");
}

#[cfg(unix)]
#[test]
fn the_vault_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = peer();
    set(dir.path(), &passphrase("x")).unwrap();
    let mode = fs::metadata(dir.path().join("vault")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_passphrase_that_cannot_be_set_leaves_nothing_behind() {
    let dir = peer();
    // A file cannot take the place of a directory.
    fs::create_dir(dir.path().join("vault.new")).unwrap();
    assert!(matches!(set(dir.path(), &passphrase("x")), Err(VaultError::Io { .. })));
    assert!(!dir.path().join("person.key.next").exists());
    assert!(!dir.path().join(HISTORY_DIR).join("resealed").exists());
    assert!(is_open_to_all(dir.path()));
}

#[test]
fn a_changed_passphrase_opens_and_the_old_one_does_not() {
    let dir = peer();
    set(dir.path(), &passphrase("old")).unwrap();
    change(dir.path(), &passphrase("old"), &passphrase("new")).unwrap();
    opens(dir.path(), Some(unlock(dir.path(), &passphrase("new")).unwrap())).unwrap();
    let error = unlock(dir.path(), &passphrase("old")).unwrap_err();
    assert!(matches!(error, VaultError::WrongPassphrase { .. }), "{error}");
}

#[test]
fn a_removed_passphrase_leaves_all_as_it_was_before_it() {
    let dir = peer();
    set(dir.path(), &passphrase("old")).unwrap();
    remove(dir.path(), &passphrase("old")).unwrap();
    assert!(!is_locked(dir.path()).unwrap() && !dir.path().join("vault").exists());
    opens(dir.path(), None).unwrap();
    assert!(matches!(unlock(dir.path(), &passphrase("old")), Err(VaultError::NoPassphrase)));
}

#[test]
fn after_a_wrong_passphrase_the_next_one_waits_and_the_right_one_ends_it() {
    let dir = peer();
    set(dir.path(), &passphrase("right")).unwrap();
    let error = unlock(dir.path(), &passphrase("wrong")).unwrap_err();
    assert!(
        matches!(error, VaultError::WrongPassphrase { wait } if wait <= Duration::from_secs(1)),
        "{error}"
    );
    // As if the program had been started anew: all that is known of it is on the disk.
    (0..8).fold(Tries::default(), |tries, _| tries.one_more(unix_ms())).write(dir.path()).unwrap();
    let error = unlock(dir.path(), &passphrase("right")).unwrap_err();
    assert!(matches!(error, VaultError::TooEarly { wait } if wait > Duration::from_secs(64)), "{error}");
    assert!(wait(dir.path()) > Duration::from_secs(64));
    Tries::default().one_more(unix_ms() - 1000).write(dir.path()).unwrap();
    unlock(dir.path(), &passphrase("right")).unwrap();
    assert_eq!(wait(dir.path()), Duration::ZERO);
}

/// What a kill leaves of setting or removing a passphrase, by how far it came: 0 is nothing that
/// counts, 1 is the rename of the vault alone.
fn cut_short(dir: &Path, key: Option<DataKey>, to: Option<&DataKey>, vault: &VaultFile, steps: usize) {
    let opened = enter(dir, key).unwrap();
    opened.key_dir().prepare(seal(to, KEY_FILES).as_ref()).unwrap();
    let from = seal(opened.key.as_ref(), HISTORY);
    let history = SledStore::reseal(opened.history, from, seal(to, HISTORY)).unwrap();
    let step = |number| steps >= number;
    if step(1) {
        vault.write(dir).unwrap();
    }
    if step(2) {
        fs::rename(dir.join("person.key.next"), dir.join("person.key")).unwrap();
    }
    if step(3) {
        KeyDir::adopt_prepared(dir).unwrap();
    }
    if step(4) {
        history.adopt_resealed().unwrap();
    }
    if step(5) {
        fs::remove_dir_all(dir.join(SEARCH_DIR)).unwrap();
    }
}

#[test]
fn a_kill_while_a_passphrase_is_set_leaves_none_or_all_of_it() {
    for steps in 0..=5 {
        let dir = peer();
        let key = DataKey::random();
        let vault = VaultFile::wrap(&key, &passphrase("new"), Phase::Sealing).unwrap();
        fs::write(dir.path().join("person.key.new"), PERSON).unwrap(); // Of an earlier kill.
        cut_short(dir.path(), None, Some(&key), &vault, steps);
        if steps == 0 {
            assert!(is_open_to_all(dir.path()));
            assert!(!dir.path().join("person.key.next").exists());
            continue;
        }
        assert!(matches!(opens(dir.path(), None), Err(VaultError::Locked)), "after step {steps}");
        assert_eq!(telling(dir.path()), Vec::<PathBuf>::new(), "a start without it has ended the work");
        opens(dir.path(), Some(unlock(dir.path(), &passphrase("new")).unwrap())).unwrap();
    }
}

#[test]
fn a_kill_while_a_passphrase_is_removed_leaves_all_or_nothing_of_it() {
    for steps in 0..=5 {
        let dir = peer();
        set(dir.path(), &passphrase("old")).unwrap();
        fs::create_dir(dir.path().join(SEARCH_DIR)).unwrap();
        let key = unlock(dir.path(), &passphrase("old")).unwrap();
        let vault = VaultFile::read(dir.path()).unwrap().unwrap().in_phase(Phase::Opening);
        cut_short(dir.path(), Some(key), None, &vault, steps);
        if steps > 0 {
            assert!(!is_locked(dir.path()).unwrap());
            opens(dir.path(), None).unwrap();
            assert!(!dir.path().join("vault").exists(), "after step {steps}");
            continue;
        }
        assert!(matches!(opens(dir.path(), None), Err(VaultError::Locked)));
        assert_eq!(telling(dir.path()), Vec::<PathBuf>::new(), "what was prepared is gone");
        opens(dir.path(), Some(unlock(dir.path(), &passphrase("old")).unwrap())).unwrap();
    }
}

#[test]
fn a_damaged_vault_is_an_error_and_stays_as_it_is() {
    let dir = peer();
    set(dir.path(), &passphrase("x")).unwrap();
    let path = dir.path().join("vault");
    fs::write(&path, b"rubbish").unwrap();
    assert!(matches!(opens(dir.path(), None), Err(VaultError::Malformed { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"rubbish");
}

#[test]
fn a_vault_that_costs_without_end_is_refused() {
    let dir = peer();
    let vault = VaultFile::wrap(&DataKey::random(), &passphrase("x"), Phase::Sealed).unwrap();
    let greedy = HEXLOWER.encode(&codec::encode(&vault)).replace("1a00010000", "1aff010000");
    fs::write(dir.path().join("vault"), HEXLOWER.decode(greedy.as_bytes()).unwrap()).unwrap();
    assert!(matches!(unlock(dir.path(), &passphrase("x")), Err(VaultError::TooMuchWork)));
}

/// The vector of `docs/decisions/0012-at-rest.md`, made by another program.
#[test]
fn a_vault_file_is_as_documented() {
    let bytes = HEXLOWER.decode(VAULT.concat().as_bytes()).unwrap();
    let vault: VaultFile = codec::decode(&bytes, bytes.len()).unwrap();
    assert_eq!(codec::encode(&vault), bytes);
    let key = vault.unwrap(&passphrase("correct horse")).unwrap().unwrap();
    assert_eq!(*key.bytes(), std::array::from_fn(|at| at as u8));
}

const VAULT: [&str; 4] = [
    "a566666f726d617401657068617365667365616c656464636f7374a36a6d656d6f72795f6b69621a0001000066706173",
    "73657303656c616e6573016473616c7450000102030405060708090a0b0c0d0e0f636b65795848000102030405060708",
    "090a0b0c0d0e0f1011121314151617c44982171ec94d40d02fb84388bb524b699d7a3afecea3cc205657cbe35e8c7a6f",
    "69c3b49d9be3deb7c29c548ac09858",
];
