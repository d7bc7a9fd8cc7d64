//! The desktop's knowledge that `kinmesh://` links and invitation files are ours.
//!
//! On desktops of the XDG kind: an entry in the user's applications and a MIME type, under
//! `$XDG_DATA_HOME`. Elsewhere an installer does it; `docs/user-guide.md` says how.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use directories::BaseDirs;

/// The entry's file in the applications.
const ENTRY: &str = "kinmesh.desktop";
/// The MIME type's file.
const MIME: &str = "kinmesh.xml";
/// Opens every entry of ours, so that nobody else's is removed.
const MARK: &str = "X-Kinmesh-Handler=true";

/// The MIME type of an invitation file.
const MIME_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="application/x-kinmesh-invite">
    <comment>Kinmesh invitation</comment>
    <comment xml:lang="zh_CN">Kinmesh 邀请</comment>
    <sub-class-of type="text/plain"/>
    <glob pattern="*.kinmesh"/>
  </mime-type>
</mime-info>
"#;

/// Links could not be brought here, or sent away.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// This system wants it done in another way.
    #[error("on this system an installer has to do that: see the user guide")]
    NotHere,
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else's entry is in the way.
    #[error("{} is not an entry that Kinmesh made: move it away first", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
    },
}

/// Where the desktop keeps what its user installed.
#[derive(Debug)]
pub struct Desktop {
    data_home: PathBuf,
}

impl Desktop {
    /// This user's.
    pub fn of_user() -> Result<Self, HandlerError> {
        let dirs = BaseDirs::new().filter(|_| cfg!(all(unix, not(target_os = "macos"))));
        dirs.map(|dirs| Self { data_home: dirs.data_dir().to_owned() }).ok_or(HandlerError::NotHere)
    }

    fn entry(&self) -> PathBuf {
        self.data_home.join("applications").join(ENTRY)
    }

    fn mime(&self) -> PathBuf {
        self.data_home.join("mime").join("packages").join(MIME)
    }

    /// Whether links are opened with this very program.
    pub fn is_installed(&self, data_dir: Option<&Path>) -> bool {
        let wanted = env::current_exe().map(|program| entry(&program, data_dir));
        wanted.is_ok_and(|wanted| fs::read_to_string(self.entry()).is_ok_and(|found| found == wanted))
    }

    /// Opens links and invitation files with this program from now on. Done again, it changes nothing.
    pub fn install(&self, data_dir: Option<&Path>) -> Result<(), HandlerError> {
        let program =
            env::current_exe().map_err(|source| HandlerError::Io { path: PathBuf::new(), source })?;
        self.refuse_foreign()?;
        write(&self.mime(), MIME_XML)?;
        write(&self.entry(), &entry(&program, data_dir))?;
        self.tell();
        Ok(())
    }

    /// Takes that back. What is not there need not be removed.
    pub fn remove(&self) -> Result<(), HandlerError> {
        self.refuse_foreign()?;
        remove(&self.entry())?;
        remove(&self.mime())?;
        self.tell();
        Ok(())
    }

    fn refuse_foreign(&self) -> Result<(), HandlerError> {
        let path = self.entry();
        match fs::read_to_string(&path) {
            Ok(text) if !text.contains(MARK) => Err(HandlerError::Foreign { path }),
            // What cannot be read is told when it is written or removed.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Lets the desktop read its directories again. Where these programs are missing it does so by itself,
    /// or at the next login.
    fn tell(&self) {
        let tools = [("update-mime-database", "mime"), ("update-desktop-database", "applications")];
        for (tool, dir) in tools {
            let quiet = || Stdio::null();
            let mut command = Command::new(tool);
            command.arg(self.data_home.join(dir)).stdin(quiet()).stdout(quiet()).stderr(quiet());
            if let Err(error) = command.status() {
                tracing::debug!(tool, %error, "the desktop was not told");
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), HandlerError> {
    let failed = |source| HandlerError::Io { path: path.to_owned(), source };
    fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

fn remove(path: &Path) -> Result<(), HandlerError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(HandlerError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// The entry in the applications.
fn entry(program: &Path, data_dir: Option<&Path>) -> String {
    let data = data_dir.map(|dir| format!(" --data {}", quoted(dir))).unwrap_or_default();
    format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=Kinmesh\n\
         GenericName=Messenger\n\
         GenericName[zh_CN]=即时通讯\n\
         Comment=Chat with nobody in between\n\
         Comment[zh_CN]=没有中间人的聊天\n\
         Exec={}{data} %u\n\
         Terminal=false\n\
         Categories=Network;InstantMessaging;\n\
         MimeType=x-scheme-handler/kinmesh;application/x-kinmesh-invite;\n\
         StartupWMClass=kinmesh\n\
         {MARK}\n",
        quoted(program)
    )
}

/// A word of an `Exec` line: quoted, then escaped as a string of the entry.
fn quoted(path: &Path) -> String {
    let mut word = String::from("\"");
    for c in path.to_string_lossy().chars() {
        match c {
            '"' | '`' | '$' => word.extend(['\\', '\\', c]),
            '\\' => word.push_str(r"\\\\"),
            '%' => word.extend(['%', c]),
            c => word.push(c),
        }
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desktop() -> (tempfile::TempDir, Desktop) {
        let dir = tempfile::tempdir().unwrap();
        let desktop = Desktop { data_home: dir.path().to_owned() };
        (dir, desktop)
    }

    #[test]
    fn links_are_ours_until_that_is_taken_back() {
        let (dir, desktop) = desktop();
        for _ in 0..2 {
            desktop.install(None).unwrap();
            assert!(desktop.is_installed(None));
        }
        let entry = fs::read_to_string(desktop.entry()).unwrap();
        assert!(
            entry.contains("MimeType=x-scheme-handler/kinmesh;application/x-kinmesh-invite;\n"),
            "{entry}"
        );
        assert!(entry.contains(" %u\n") && fs::read_to_string(desktop.mime()).unwrap().contains("*.kinmesh"));
        for _ in 0..2 {
            desktop.remove().unwrap();
            assert!(!desktop.is_installed(None));
        }
        assert!(!dir.path().join("mime/packages/kinmesh.xml").exists());
    }

    #[test]
    fn an_entry_of_somebody_else_stays_as_it_is() {
        let (_dir, desktop) = desktop();
        write(&desktop.entry(), "[Desktop Entry]\n").unwrap();
        for done in [desktop.install(None), desktop.remove()] {
            assert!(matches!(done, Err(HandlerError::Foreign { .. })));
        }
        assert_eq!(fs::read_to_string(desktop.entry()).unwrap(), "[Desktop Entry]\n");
    }

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(quoted(Path::new("/a b/$c/\"d\"/100%")), r#""/a b/\\$c/\\"d\\"/100%%""#);
        let entry = entry(Path::new("/opt/kinmesh"), Some(Path::new("/my data")));
        assert!(entry.contains("Exec=\"/opt/kinmesh\" --data \"/my data\" %u\n"), "{entry}");
    }
}
