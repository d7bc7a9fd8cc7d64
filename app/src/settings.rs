//! `settings.toml` in the data directory: what a person chose, apart from what a peer remembers.
//!
//! A file that cannot be read is an error and stays as it is: it is never replaced by defaults.
//! Runs on the caller's thread; the file is a few hundred bytes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinmesh_net::parse_address;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::i18n::{self, Language};

/// The file's name in the data directory.
const FILE: &str = "settings.toml";
/// What an archive of everything holds of the faces, by name in the data directory.
pub const FILES: &[&str] = &[FILE];
/// Addresses kept: each is dialled at start. Beyond it the oldest is forgotten.
const BOOTSTRAPS_MAX: usize = 32;
const HEADER: &str = "# Written by Kinmesh. Edit it while the program is not running.\n\n";

/// What a person chose. An unknown key is refused, so that a save never drops a line of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Bootstrap nodes and peers to enter the mesh through; each ends in `/p2p/<id>`.
    pub bootstraps: Vec<String>,
    /// Light or dark.
    pub theme: ThemeChoice,
    /// The language; `None` follows the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// A peer with a passphrase locks itself after so many minutes without its person; `None` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_after_min: Option<u32>,
    /// With what one hears and speaks.
    pub sound: Sound,
}

/// With what one hears and speaks. A table of its own, so it stands last in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sound {
    /// The microphone, by the sound system's name for it; `None` for the system's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The loudspeaker, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Whether the loudspeaker's echo is taken out of what is sent.
    pub echo_cancellation: bool,
    /// Whether noise in it is turned down.
    pub noise_suppression: bool,
    /// Whether a quiet voice is turned up.
    pub gain_control: bool,
    /// When one's voice is sent in a call.
    pub activation: Activation,
    /// Whether a call that comes in is heard.
    pub ring: bool,
}

/// When one's voice is sent in a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Always.
    #[default]
    Open,
    /// While one speaks.
    Voice,
    /// While a key is held.
    PushToTalk,
}

impl Default for Sound {
    fn default() -> Self {
        Self {
            input: None,
            output: None,
            echo_cancellation: true,
            noise_suppression: true,
            gain_control: true,
            activation: Activation::default(),
            ring: true,
        }
    }
}

/// Speaks the language of the settings in this data directory. Settings that cannot be read must not
/// keep anybody from their history.
pub(crate) fn speak_language_of(data_dir: &Path) {
    let chosen = SettingsFile::load(data_dir).ok().and_then(|settings| settings.get().language);
    i18n::set_language(chosen.unwrap_or_else(Language::of_system));
}

impl Settings {
    /// Remembers ways into the mesh, the newest last.
    pub fn add_bootstraps(&mut self, addresses: &[String]) {
        self.bootstraps.retain(|known| !addresses.contains(known));
        self.bootstraps.extend_from_slice(addresses);
        let surplus = self.bootstraps.len().saturating_sub(BOOTSTRAPS_MAX);
        self.bootstraps.drain(..surplus);
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Settings could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read or written.
    #[error("the settings file {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML, or holds something else than settings.
    #[error("the settings file {path} is damaged{}: {}; mend it or move it away", at_line(*line), source.message())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where, counted from 1.
        line: Option<usize>,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// A bootstrap address in the file is none.
    #[error("the settings file {path} is damaged: \"{address}\" in bootstraps: {source}")]
    Bootstrap {
        /// Which file.
        path: PathBuf,
        /// The address.
        address: String,
        /// What is wrong.
        source: kinmesh_net::ConnectError,
    },
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(" in line {line}")).unwrap_or_default()
}

/// The settings and their file. Clones share them.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    path: PathBuf,
    current: Arc<watch::Sender<Settings>>,
}

impl SettingsFile {
    /// Reads the settings in this data directory; a missing file means defaults.
    pub fn load(data_dir: &Path) -> Result<Self, SettingsError> {
        let path = data_dir.join(FILE);
        let settings = match fs::read_to_string(&path) {
            Ok(text) => parse(&text, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(source) => return Err(SettingsError::Io { path, source }),
        };
        Ok(Self { path, current: Arc::new(watch::Sender::new(settings)) })
    }

    /// The settings as of now.
    pub fn get(&self) -> Settings {
        self.current.borrow().clone()
    }

    /// The settings from now on, for who follows them.
    pub fn watch(&self) -> watch::Receiver<Settings> {
        self.current.subscribe()
    }

    /// Changes the settings and saves them. When they cannot be saved, nothing has changed.
    pub fn update(&self, change: impl FnOnce(&mut Settings)) -> Result<(), SettingsError> {
        let mut saved = Ok(());
        self.current.send_if_modified(|current| {
            let mut changed = current.clone();
            change(&mut changed);
            if changed == *current {
                return false;
            }
            saved = save(&changed, &self.path);
            if saved.is_ok() {
                *current = changed;
            }
            saved.is_ok()
        });
        saved.map_err(|source| SettingsError::Io { path: self.path.clone(), source })
    }
}

fn parse(text: &str, path: &Path) -> Result<Settings, SettingsError> {
    let settings: Settings = toml::from_str(text).map_err(|source| SettingsError::Damaged {
        path: path.into(),
        line: source.span().map(|span| text[..span.start].matches('\n').count() + 1),
        source: Box::new(source),
    })?;
    for address in &settings.bootstraps {
        parse_address(address).map_err(|source| SettingsError::Bootstrap {
            path: path.into(),
            address: address.clone(),
            source,
        })?;
    }
    Ok(settings)
}

/// Writes beside and renames, so that a crash leaves the old file or the new one.
fn save(settings: &Settings, path: &Path) -> io::Result<()> {
    let text = toml::to_string(settings).map_err(io::Error::other)?;
    let beside = path.with_extension("toml.new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(HEADER.as_bytes())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str =
        "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

    #[test]
    fn a_missing_file_means_defaults() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(SettingsFile::load(dir.path()).unwrap().get(), Settings::default());
    }

    #[test]
    fn changes_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let file = SettingsFile::load(dir.path()).unwrap();
        let change = |settings: &mut Settings| {
            settings.add_bootstraps(&[ADDRESS.into()]);
            settings.theme = ThemeChoice::Dark;
            settings.language = Some(Language::Chinese);
            settings.sound.output = Some("pulseaudio:headset".into());
            settings.sound.gain_control = false;
            settings.sound.activation = Activation::PushToTalk;
        };
        file.update(change).unwrap();
        let again = SettingsFile::load(dir.path()).unwrap();
        assert_eq!(again.get(), file.get());
        assert_eq!(again.get().bootstraps, [ADDRESS]);
        assert_eq!(again.get().language, Some(Language::Chinese));
    }

    #[test]
    fn settings_of_before_there_was_sound_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "bootstraps = []\ntheme = \"dark\"\n").unwrap();
        assert_eq!(SettingsFile::load(dir.path()).unwrap().get().sound, Sound::default());
    }

    #[test]
    fn settings_of_before_there_were_calls_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "[sound]\ngain_control = false\n").unwrap();
        let sound = SettingsFile::load(dir.path()).unwrap().get().sound;
        assert_eq!(sound, Sound { gain_control: false, ..Sound::default() });
        assert!(sound.ring && sound.activation == Activation::Open);
    }

    #[test]
    fn who_follows_the_settings_hears_of_a_change_once_it_is_saved() {
        let dir = tempfile::tempdir().unwrap();
        let file = SettingsFile::load(dir.path()).unwrap();
        let mut followed = file.watch();
        file.update(|settings| settings.theme = ThemeChoice::Dark).unwrap();
        assert!(followed.has_changed().unwrap());
        assert_eq!(followed.borrow_and_update().theme, ThemeChoice::Dark);
        file.update(|settings| settings.theme = ThemeChoice::Dark).unwrap();
        assert!(!followed.has_changed().unwrap(), "nothing has changed");
    }

    #[test]
    fn a_damaged_file_is_named_with_its_line_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for damage in ["bootstraps = []\ntheme = \"purple\"", "\ncolour = 1", "\n[[[", "\ntheme = "] {
            fs::write(&path, damage).unwrap();
            let error = SettingsFile::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains("settings.toml is damaged in line 2"), "{error}");
            assert!(!error.contains('\n'), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }

    #[test]
    fn a_bad_address_in_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "bootstraps = [\"/ip4/192.0.2.1/tcp/1\"]").unwrap();
        let error = SettingsFile::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("/ip4/192.0.2.1/tcp/1") && error.contains("/p2p/"), "{error}");
    }

    #[test]
    fn ways_into_the_mesh_are_kept_once_and_bounded() {
        let mut settings = Settings::default();
        settings.add_bootstraps(&["a".into(), "b".into()]);
        settings.add_bootstraps(&["a".into()]);
        assert_eq!(settings.bootstraps, ["b", "a"]);
        settings.add_bootstraps(&(0..BOOTSTRAPS_MAX).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(settings.bootstraps.len(), BOOTSTRAPS_MAX);
        assert!(!settings.bootstraps.contains(&"a".to_owned()));
    }
}
