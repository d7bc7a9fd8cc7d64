//! The running program that every face is given: a peer and its settings.
//!
//! Turns options into a started peer, and keeps the settings in step with the ways into the mesh
//! that a person adds. Knows no face.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, fs, io};

use directories::ProjectDirs;
use kinmesh_core::EntryView;
use kinmesh_net::archive::{ImportError, ImportReport, Passphrase, Progress, import};
use kinmesh_net::vault::{self, DataKey, VaultError};
use kinmesh_net::{
    ChangeError, FollowError, Node, NodeConfig, NodeHandle, OpenError, ReadError, RoomHandle, SendError,
    StartError, parse_address,
};
use kinmesh_proto::{ConversationId, DisplayName, EntryKey, JoinLink, NameError, PageAt, StatusLine, Ticket};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task;

use crate::args::Options;
use crate::calls::Calls;
use crate::links::{Link, LinkFault};
use crate::settings::{FILES, Settings, SettingsError, SettingsFile};

/// Peers that were started in this process.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// A peer that runs, and its settings.
#[derive(Clone)]
pub struct Program {
    /// The peer.
    pub node: NodeHandle,
    /// The settings.
    pub settings: SettingsFile,
    /// How calls sound.
    pub calls: Calls,
    origin: Arc<Origin>,
}

/// How the peer was started, and where it runs.
struct Origin {
    options: Options,
    data_dir: PathBuf,
    /// Opens it, if it has a passphrase.
    key: Option<DataKey>,
    number: u64,
    runtime: Handle,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

/// An archive did not take the peer's place.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Nothing was imported, and nothing has changed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// It was imported, but not to where the peer lived, which has ended.
    #[error("everything is in {}, and could not be moved from there: {source}", imported.display())]
    Place {
        /// Where it is.
        imported: PathBuf,
        /// Why it is not in its place.
        #[source]
        source: io::Error,
    },
    /// It is in its place, but the program did not start with it.
    #[error("everything is here, but the program has to be started again: {0}")]
    Start(#[from] ProgramError),
    /// The program ends.
    #[error("the import was broken off")]
    BrokenOff,
}

/// The program could not be started as asked.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The platform names no place for data.
    #[error("this system names no place for your data: say where with --data DIR")]
    NoDataDir,
    /// The data directory cannot be made.
    #[error("the data directory {path}: {source}")]
    DataDir {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// `--name` is refused.
    #[error("--name: {0}")]
    Name(#[source] NameError),
    /// `--join` is no way into the mesh.
    #[error("--join {text}: {source}")]
    Join {
        /// What was given.
        text: String,
        /// Why it is refused.
        #[source]
        source: LinkFault,
    },
    /// `--listen` is no address.
    #[error("--listen {text}: not a multiaddress such as /ip4/0.0.0.0/udp/4001/quic-v1")]
    Listen {
        /// What was given.
        text: String,
    },
    /// The passphrase does not open it, or cannot be changed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The program ends.
    #[error("the work was broken off")]
    BrokenOff,
    /// The peer could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The started peer refused the name.
    #[error("the name could not be set: {0}")]
    SetName(#[source] ChangeError),
    /// The started peer refused the link.
    #[error(transparent)]
    Enter(#[from] EnterError),
}

/// A way into the mesh was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The peer refused it.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The peer refused the invitation.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was taken for now, but could not be remembered.
    #[error("it is followed, but will be forgotten at the next start: {0}")]
    Settings(#[from] SettingsError),
}

/// Reads a `kinmesh://join` link, or a multiaddress that ends in `/p2p/<id>`, as a link.
pub fn parse_link(text: &str) -> Result<JoinLink, LinkFault> {
    let text = text.trim();
    if !text.starts_with("kinmesh:") {
        let node = parse_address(text)?.to_string();
        return Ok(JoinLink { nodes: vec![node], room: None });
    }
    let link: JoinLink = text.parse()?;
    for node in &link.nodes {
        parse_address(node)?;
    }
    Ok(link)
}

impl Program {
    /// Starts the peer these options describe, which is not locked.
    pub async fn start(options: &Options) -> Result<Self, ProgramError> {
        Self::start_unlocked(options, None).await
    }

    /// The same with the key to it, if it is locked. Everything that can be refused is looked at first.
    pub async fn start_unlocked(options: &Options, key: Option<DataKey>) -> Result<Self, ProgramError> {
        let links = join_links(&options.join)?;
        let name = options.name.as_deref().map(DisplayName::new).transpose().map_err(ProgramError::Name)?;
        let data_dir = data_dir(options)?;
        let settings = SettingsFile::load(&data_dir)?;
        let config = config(options, data_dir.clone(), &settings.get())?;
        let node = match key.clone() {
            Some(key) => Node::start_unlocked(config, key).await?,
            None => Node::start(config).await?,
        };
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        let origin = Origin { options: options.clone(), data_dir, key, number, runtime: Handle::current() };
        let calls = Calls::start(node.clone(), settings.clone());
        let program = Self { node, settings, calls, origin: Arc::new(origin) };
        if let Err(error) = program.set_up(name, &links).await {
            program.node.shutdown().await;
            return Err(error);
        }
        Ok(program)
    }

    /// Whether a passphrase protects what lies on the disk.
    pub fn has_passphrase(&self) -> bool {
        self.origin.key.is_some()
    }

    /// Which start of a peer this is, in this process.
    pub fn number(&self) -> u64 {
        self.origin.number
    }

    /// Ends the peer. Its keys leave memory with the last copy of this program.
    pub async fn lock(self) -> Locked {
        self.node.shutdown().await;
        let Origin { options, data_dir, runtime, .. } = &*self.origin;
        Locked { options: options.clone(), data_dir: data_dir.clone(), runtime: runtime.clone() }
    }

    /// Sets, changes or removes the passphrase: the peer ends meanwhile and starts again, also when
    /// that fails, which is told beside it.
    pub async fn change_passphrase(
        &self,
        change: PassphraseChange,
    ) -> Result<(Self, Option<VaultError>), ProgramError> {
        let origin = self.origin.clone();
        // A wrong one must not cost the peer its connections.
        if let Some(present) = change.present().cloned() {
            let data_dir = origin.data_dir.clone();
            let unlocked = task::spawn_blocking(move || vault::unlock(&data_dir, &present)).await;
            unlocked.map_err(|_| ProgramError::BrokenOff)??;
        }
        self.node.shutdown().await;
        let again = self.origin.runtime.spawn(async move {
            let data_dir = origin.data_dir.clone();
            let made = task::spawn_blocking(move || change.make(&data_dir)).await;
            let made = made.map_err(|_| ProgramError::BrokenOff)?;
            let key = made.as_ref().map_or_else(|_| origin.key.clone(), Clone::clone);
            Ok((Self::start_unlocked(&origin.options, key).await?, made.err()))
        });
        again.await.map_err(|_| ProgramError::BrokenOff)?
    }

    async fn set_up(&self, name: Option<DisplayName>, links: &[JoinLink]) -> Result<(), ProgramError> {
        if let Some(name) = name {
            self.rename(name).await.map_err(ProgramError::SetName)?;
        }
        for link in links {
            self.follow(link).await?;
        }
        Ok(())
    }

    /// Lets the peer of an archive take the place of this one, which must be new: without a name it is
    /// nobody's. The archive is imported beside it first, so that a wrong passphrase changes nothing.
    pub async fn restore(
        &self,
        archive: PathBuf,
        passphrase: Passphrase,
        progress: watch::Sender<Progress>,
    ) -> Result<(Self, ImportReport), RestoreError> {
        let data_dir = self.origin.data_dir.clone();
        if self.node.overview().me.name.is_some() {
            return Err(ImportError::HasPeer { dir: data_dir }.into());
        }
        let importing =
            move || import_beside(&data_dir, |into| import(&archive, &passphrase, into, FILES, &progress));
        let imported = task::spawn_blocking(importing).await.map_err(|_| RestoreError::BrokenOff)?;
        let (imported, report) = imported?;
        self.node.shutdown().await;
        let origin = self.origin.clone();
        // The peer runs where the first one ran, whoever asked for it.
        let started = self.origin.runtime.spawn(async move {
            take_place(imported, &origin.data_dir)?;
            Ok::<_, RestoreError>(Self::start(&origin.options).await?)
        });
        Ok((started.await.map_err(|_| RestoreError::BrokenOff)??, report))
    }

    /// Changes the own name and keeps the status line.
    pub async fn rename(&self, name: DisplayName) -> Result<(), ChangeError> {
        let me = self.node.overview().me.clone();
        if me.name.as_ref() == Some(&name) {
            return Ok(());
        }
        self.node.set_profile(name, me.status).await
    }

    /// Changes the own name and status line; a status of `None` keeps the present one.
    pub async fn set_profile(
        &self,
        name: DisplayName,
        status: Option<StatusLine>,
    ) -> Result<(), ChangeError> {
        let status = status.unwrap_or_else(|| self.node.overview().me.status.clone());
        self.node.set_profile(name, status).await
    }

    /// Sends text to a room or a person. It is on our disk when this returns.
    pub async fn send(&self, conversation: ConversationId, text: String) -> Result<EntryView, SendError> {
        self.node.conversation(conversation).send(text).await
    }

    /// Up to `limit` entries before `before`, or the newest ones; oldest first.
    pub async fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<EntryView>, ReadError> {
        let at = before.map_or(PageAt::Newest, PageAt::Before);
        self.node.conversation(conversation).page(at, limit).await
    }

    /// Marks everything up to and including this entry as read.
    pub async fn mark_read(&self, conversation: ConversationId, up_to: EntryKey) -> Result<(), ChangeError> {
        self.node.conversation(conversation).mark_read(up_to).await
    }

    /// Follows a link, and remembers its nodes for the next start.
    pub async fn follow(&self, link: &JoinLink) -> Result<Option<RoomHandle>, EnterError> {
        let room = self.node.follow(link).await?;
        self.settings.update(|settings| settings.add_bootstraps(&link.nodes))?;
        Ok(room)
    }

    /// Opens an invitation, and remembers its bootstrap nodes for the next start.
    pub async fn open_ticket(&self, ticket: Ticket) -> Result<ConversationId, EnterError> {
        let nodes: Vec<String> =
            ticket.bootstraps.iter().filter(|node| parse_address(node).is_ok()).cloned().collect();
        let leads_to = self.node.open_ticket(ticket).await?;
        self.settings.update(|settings| settings.add_bootstraps(&nodes))?;
        Ok(leads_to)
    }

    /// Follows a link of either kind, and returns where it leads.
    pub async fn open(&self, link: Link) -> Result<Option<ConversationId>, EnterError> {
        match link {
            Link::Way(link) => Ok(self.follow(&link).await?.map(|room| ConversationId::Room(room.id()))),
            Link::Ticket(ticket) => self.open_ticket(*ticket).await.map(Some),
        }
    }

    /// Where the program was told to keep its data, if it was.
    pub fn asked_data_dir(&self) -> Option<&Path> {
        self.origin.options.data.as_deref()
    }
}

/// What becomes of the passphrase.
#[derive(Debug, Clone)]
pub enum PassphraseChange {
    /// There is one from now on.
    Set {
        /// It.
        new: Passphrase,
    },
    /// Another one takes its place.
    Change {
        /// The one that opens it now.
        old: Passphrase,
        /// The other one.
        new: Passphrase,
    },
    /// There is none any more.
    Remove {
        /// The one that opens it now.
        old: Passphrase,
    },
}

impl PassphraseChange {
    fn present(&self) -> Option<&Passphrase> {
        match self {
            Self::Set { .. } => None,
            Self::Change { old, .. } | Self::Remove { old } => Some(old),
        }
    }

    /// Makes it so. Returns the key from then on.
    fn make(&self, data_dir: &Path) -> Result<Option<DataKey>, VaultError> {
        match self {
            Self::Set { new } => {
                vault::set(data_dir, new)?;
                vault::unlock(data_dir, new).map(Some)
            }
            Self::Change { old, new } => {
                vault::change(data_dir, old, new)?;
                vault::unlock(data_dir, new).map(Some)
            }
            Self::Remove { old } => vault::remove(data_dir, old).map(|()| None),
        }
    }
}

/// A peer that waits for its passphrase.
#[derive(Debug, Clone)]
pub struct Locked {
    options: Options,
    data_dir: PathBuf,
    runtime: Handle,
}

impl Locked {
    /// The peer that these options describe, if it is locked. Must be called on a tokio runtime.
    pub fn find(options: &Options) -> Result<Option<Self>, ProgramError> {
        let data_dir = data_dir(options)?;
        let is_locked = vault::is_locked(&data_dir)?;
        let found = || Self { options: options.clone(), data_dir, runtime: Handle::current() };
        Ok(is_locked.then(found))
    }

    /// What a person chose; the defaults where that cannot be read, which the start will tell.
    pub fn settings(&self) -> Settings {
        SettingsFile::load(&self.data_dir).map(|settings| settings.get()).unwrap_or_default()
    }

    /// How long the next try waits.
    pub fn wait(&self) -> Duration {
        vault::wait(&self.data_dir)
    }

    /// Starts the peer with its passphrase.
    pub async fn unlock(self, passphrase: Passphrase) -> Result<Program, ProgramError> {
        let Self { options, data_dir, runtime } = self;
        let started = runtime.spawn(async move {
            let key = task::spawn_blocking(move || vault::unlock(&data_dir, &passphrase)).await;
            let key = key.map_err(|_| ProgramError::BrokenOff)??;
            Program::start_unlocked(&options, Some(key)).await
        });
        started.await.map_err(|_| ProgramError::BrokenOff)?
    }
}

/// Imports into a directory beside this one, which is gone again if that fails.
fn import_beside(
    data_dir: &Path,
    import: impl FnOnce(&Path) -> Result<ImportReport, ImportError>,
) -> Result<(TempDir, ImportReport), ImportError> {
    let failed = |source| ImportError::Io { path: data_dir.to_owned(), source };
    let beside = beside(data_dir, "imported").map_err(failed)?;
    let report = import(beside.path())?;
    Ok((beside, report))
}

/// Gives what was imported the place of a peer that has ended and was nobody's.
fn take_place(imported: TempDir, data_dir: &Path) -> Result<(), RestoreError> {
    // From here on it stays, whatever happens.
    let imported = imported.keep();
    let swap = || {
        let data_dir = fs::canonicalize(data_dir)?;
        let unused = beside(&data_dir, "unused")?;
        let inside = unused.path().join("peer");
        fs::rename(&data_dir, &inside)?;
        fs::rename(&imported, &data_dir).inspect_err(|_| {
            // The first failure is the one to tell.
            let _ = fs::rename(&inside, &data_dir);
        })
    };
    swap().map_err(|source| RestoreError::Place { imported: imported.clone(), source })
}

/// A directory on the same file system, for its owner only.
fn beside(data_dir: &Path, what: &str) -> io::Result<TempDir> {
    let data_dir = fs::canonicalize(data_dir)?;
    let name = data_dir.file_name().unwrap_or_default().to_string_lossy();
    let parent = data_dir.parent().unwrap_or(Path::new("/"));
    tempfile::Builder::new().prefix(&format!("{name}.{what}-")).tempdir_in(parent)
}

fn join_links(texts: &[String]) -> Result<Vec<JoinLink>, ProgramError> {
    let read =
        |text: &String| parse_link(text).map_err(|source| ProgramError::Join { text: text.clone(), source });
    texts.iter().map(read).collect()
}

/// Where the data is, or will be.
pub fn data_dir_path(options: &Options) -> Result<PathBuf, ProgramError> {
    match &options.data {
        Some(path) => Ok(path.clone()),
        None => {
            let dirs = ProjectDirs::from("", "", "kinmesh").ok_or(ProgramError::NoDataDir)?;
            Ok(dirs.data_dir().to_path_buf())
        }
    }
}

fn data_dir(options: &Options) -> Result<PathBuf, ProgramError> {
    let path = data_dir_path(options)?;
    make_private_dir(&path).map_err(|source| ProgramError::DataDir { path: path.clone(), source })?;
    Ok(path)
}

/// Makes the directory readable by its owner only. One that exists keeps its mode.
fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn config(options: &Options, data_dir: PathBuf, settings: &Settings) -> Result<NodeConfig, ProgramError> {
    let listen = |text: &String| text.parse().map_err(|_| ProgramError::Listen { text: text.clone() });
    Ok(NodeConfig {
        data_dir,
        // Settings were checked when they were loaded.
        bootstraps: settings.bootstraps.iter().filter_map(|address| parse_address(address).ok()).collect(),
        listen: options.listen.iter().map(listen).collect::<Result<_, _>>()?,
        mdns: !options.no_mdns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str =
        "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

    #[test]
    fn an_address_is_a_link_to_one_node() {
        let link = parse_link(&format!(" {ADDRESS} ")).unwrap();
        assert_eq!(link, JoinLink { nodes: vec![ADDRESS.into()], room: None });
        assert_eq!(parse_link(&link.to_string()).unwrap(), link);
    }

    #[test]
    fn what_is_no_way_into_the_mesh_is_refused_in_one_line() {
        for text in [
            "",
            "lobby",
            "/ip4/192.0.2.1/tcp/1",
            "kinmesh://join",
            "kinmesh://join?node=nonsense",
            "kinmesh://join?node=/ip4/192.0.2.1/tcp/1",
            "https://kinmesh.example",
        ] {
            let error = join_links(&[text.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with("--join") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_bad_listen_address_is_refused() {
        let options = Options { listen: vec!["localhost:80".into()], ..Options::default() };
        let error = config(&options, PathBuf::new(), &Settings::default()).unwrap_err();
        assert!(error.to_string().starts_with("--listen localhost:80"), "{error}");
    }
}
