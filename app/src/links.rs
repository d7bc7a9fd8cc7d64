//! What somebody was sent and gives to the program: a link, a text with one in it, or a file.
//!
//! Owns how such a thing is read, what it is called in files and texts, and where it leads. Knows no face.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kinmesh_core::{OpenFault, check_ticket};
use kinmesh_net::{ConnectError, Overview};
use kinmesh_proto::{JoinLink, LinkError, TICKET_PREFIX, Ticket, TicketError, TicketRoom, limits};
use url::Url;

use crate::i18n::tr_args;
use crate::program::parse_link;

/// What every link of ours begins with.
const SCHEME: &str = "kinmesh:";
/// The ending of a file that holds an invitation.
pub const EXTENSION: &str = "kinmesh";

/// A link that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A way into the mesh, and perhaps to a room.
    Way(JoinLink),
    /// An invitation by somebody.
    Ticket(Box<Ticket>),
}

/// A text is no link that can be followed.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// Not a sound link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Not a sound address.
    #[error(transparent)]
    Address(#[from] ConnectError),
    /// Not a sound invitation.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Link {
    /// Whether it can be followed by this person now, as far as it can be told from the link alone.
    pub fn check(&self, overview: &Overview, now_ms: u64) -> Result<(), OpenFault> {
        match self {
            Self::Way(_) => Ok(()),
            Self::Ticket(ticket) => check_ticket(overview.me.person, now_ms, ticket),
        }
    }
}

/// Whether a text holds something that may be a link, and is not a room's name.
pub fn looks_like_one(text: &str) -> bool {
    let text = text.trim_start();
    place_of(text, SCHEME).is_some() || text.starts_with("/ip") || text.starts_with("/dns")
}

/// Whether a text holds an invitation, sound or not.
pub fn is_ticket(text: &str) -> bool {
    place_of(text, TICKET_PREFIX).is_some()
}

/// Reads a link, alone or inside a text, or a multiaddress that ends in `/p2p/<id>`.
pub fn read(text: &str) -> Result<Link, LinkFault> {
    if let Some(at) = place_of(text, TICKET_PREFIX) {
        return read_ticket(&text[at..]).map(|ticket| Link::Ticket(Box::new(ticket))).map_err(Into::into);
    }
    let link = place_of(text, SCHEME).map(|at| first_word(&text[at..]));
    if link.is_none() && is_foreign(text) {
        return Err(TicketError::NotATicket.into());
    }
    parse_link(link.unwrap_or(text)).map(Link::Way)
}

/// Whether it is a link of something else. A letter alone names a drive, not what a link is for.
fn is_foreign(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| url.scheme().len() > 1)
}

/// Reads what was given on the command line or by the desktop: a link, or the path of a file with one.
pub fn read_given(given: &str) -> Result<Link, LinkFault> {
    match path_of(given) {
        None => read(given),
        Some(path) => {
            let text = read_file(&path).map_err(|source| LinkFault::File { path, source })?;
            read(&text)
        }
    }
}

/// The same thing for a program that runs elsewhere: with the whole path of a file.
pub fn anywhere(given: &str) -> String {
    match path_of(given) {
        None => given.to_owned(),
        Some(path) => std::path::absolute(&path).unwrap_or(path).display().to_string(),
    }
}

/// The file that is meant, if it is no link.
fn path_of(given: &str) -> Option<PathBuf> {
    if let Ok(url) = Url::parse(given.trim())
        && url.scheme() == "file"
    {
        return url.to_file_path().ok();
    }
    let is_path = !looks_like_one(given) && (!is_foreign(given) || Path::new(given).exists());
    is_path.then(|| PathBuf::from(given))
}

/// The beginning of a file that holds text: an invitation is short, and anything may have its ending.
fn read_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limits::TICKET_TEXT_MAX as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Where this stands in the text, in letters of either case.
fn place_of(text: &str, ascii: &str) -> Option<usize> {
    let is_here = |at: &usize| text.as_bytes()[*at..at + ascii.len()].eq_ignore_ascii_case(ascii.as_bytes());
    (0..(text.len() + 1).saturating_sub(ascii.len())).find(is_here)
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Reads the ticket that a text begins with. It may be broken into lines, and words may follow.
fn read_ticket(text: &str) -> Result<Ticket, TicketError> {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let whole = text.parse();
    // What is wrong with it is what is wrong with its first word: the rest may be anything.
    whole.or_else(|_| paragraph.parse()).or_else(|_| first_word(text).parse())
}

/// Writes an invitation into a file: its link, for whoever looks into it, and the words around it.
pub fn save(ticket: &Ticket, path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(format!("{}\n", text_of(ticket)).as_bytes())?;
    file.sync_all()
}

/// What a file with this invitation is called.
pub fn file_name(ticket: &Ticket) -> String {
    crate::places::file_name(&leads_to(ticket), EXTENSION)
}

/// The invitation for a letter: who invites to what, and the link.
pub fn text_of(ticket: &Ticket) -> String {
    format!("{}\n\n{}", words_for(ticket), ticket)
}

/// Who invites to what, in one sentence.
pub fn words_for(ticket: &Ticket) -> String {
    let name = ticket.name.as_str();
    match &ticket.room {
        Some(TicketRoom::Public(room) | TicketRoom::Founded { name: room, .. }) => {
            tr_args("invite-to-room", &[("name", name.into()), ("room", room.as_str().into())])
        }
        Some(TicketRoom::Private(_)) => tr_args("invite-to-private-room", &[("name", name.into())]),
        None => tr_args("invite-to-chat", &[("name", name.into())]),
    }
}

fn leads_to(ticket: &Ticket) -> String {
    match &ticket.room {
        Some(TicketRoom::Public(room) | TicketRoom::Founded { name: room, .. }) => room.as_str().to_owned(),
        Some(TicketRoom::Private(_)) | None => ticket.name.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_proto::{DisplayName, PersonId, TicketToken};
    use serde_bytes::ByteArray;

    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            token: TicketToken(ByteArray::new([7; 16])),
            person: PersonId([1; 32]),
            name: DisplayName::new("Ana").unwrap(),
            devices: vec![],
            bootstraps: vec![],
            room: None,
            expires_ms: None,
            uses: None,
        }
    }

    fn reads(text: &str) -> Ticket {
        match read(text) {
            Ok(Link::Ticket(ticket)) => *ticket,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_invitation_is_found_in_the_text_it_came_with() {
        let link = ticket().to_string();
        let (head, tail) = link.split_at(70);
        for text in [
            link.clone(),
            ticket().to_qr_text(),
            text_of(&ticket()),
            format!("Hi! {link} see you"),
            format!("Hi!\n{head}\n{tail}\n\nsee you"),
            format!("林: <{link} >"),
        ] {
            assert_eq!(reads(&text), ticket());
        }
    }

    #[test]
    fn what_is_wrong_with_it_is_told() {
        let mut damaged = ticket().to_string();
        damaged.pop();
        assert!(matches!(read(&damaged), Err(LinkFault::Ticket(TicketError::Damaged))));
        assert!(matches!(read("kinmesh://elsewhere"), Err(LinkFault::Link(LinkError::NotALink))));
        assert!(matches!(read("hello"), Err(LinkFault::Address(ConnectError::BadAddress))));
        for foreign in ["https://example.org/invite/abc", "matrix:u/alice:example.org"] {
            assert!(
                matches!(read_given(foreign), Err(LinkFault::Ticket(TicketError::NotATicket))),
                "{foreign}"
            );
        }
        let way = "kinmesh://join?node=/ip4/192.0.2.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
        assert!(matches!(read(&format!("come: {way} !")), Ok(Link::Way(_))));
    }

    #[test]
    fn a_file_is_read_by_its_path_or_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("an invite.kinmesh");
        save(&ticket(), &path).unwrap();
        let url = Url::from_file_path(&path).unwrap();
        for given in [path.display().to_string(), url.to_string()] {
            assert_eq!(read_given(&given).unwrap(), Link::Ticket(Box::new(ticket())));
            assert_eq!(anywhere(&given), path.display().to_string());
        }
        assert!(matches!(read_given("/nowhere/x.kinmesh"), Err(LinkFault::File { .. })));
        std::fs::write(&path, [0xff; 20_000]).unwrap();
        assert!(matches!(read_given(path.to_str().unwrap()), Err(LinkFault::Address(_))));
    }

    #[test]
    fn a_rooms_name_is_not_taken_for_a_link() {
        for name in ["lobby", "kinmesh", "林", "", "see /ip"] {
            assert!(!looks_like_one(name), "{name}");
        }
        assert!(looks_like_one(" KINMESH://INVITE/ABC") && looks_like_one("/ip4/192.0.2.1/tcp/1"));
    }
}
