//! Invitations on the terminal: made with a picture of half blocks, listed, taken back, opened.

use std::io;
use std::path::PathBuf;

use kinmesh_core::{InviteState, InviteView, NewInvite, OpeningView, WaitReason};
use kinmesh_proto::{ConversationId, InviteRefusal, PersonId, Ticket};
use tokio::io::AsyncWrite;

use super::safe::safe;
use super::session::Session;
use super::{names, words};
use crate::i18n::{tr, tr_args};
use crate::invites::{EXPIRY_DEFAULT_S, now_ms};
use crate::links::{self, Link};
use crate::qr;

/// What is asked for with `/invite`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Into the room that plain lines go to, instead of a chat.
    pub(super) here: bool,
    /// For so many seconds; `None` for ever.
    pub(super) valid_s: Option<u64>,
    /// For so many people; `None` for any number.
    pub(super) uses: Option<u32>,
    /// The file to write it into.
    pub(super) file: Option<PathBuf>,
}

/// One of those that `/invites` numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// Made here.
    Made(usize),
    /// Of somebody else, opened here.
    Opened(usize),
}

/// Reads what stands behind `/invite`, in any order.
pub(super) fn parse_asked(rest: &str) -> Option<Asked> {
    let mut asked = Asked { here: false, valid_s: Some(EXPIRY_DEFAULT_S), uses: Some(1), file: None };
    for word in rest.split_whitespace() {
        match word {
            "here" => (asked.here, asked.uses) = (true, None),
            "forever" => asked.valid_s = None,
            "any" => asked.uses = None,
            word if word.ends_with(links::EXTENSION) => asked.file = Some(word.into()),
            word => match (span_s(word), word.parse()) {
                (Some(seconds), _) => asked.valid_s = Some(seconds),
                (None, Ok(uses)) => asked.uses = Some(uses),
                (None, Err(_)) => return None,
            },
        }
    }
    Some(asked)
}

/// `3h` or `7d`, in seconds.
fn span_s(word: &str) -> Option<u64> {
    let hours = match word.strip_suffix('h') {
        Some(hours) => hours.parse::<u64>().ok()?,
        None => word.strip_suffix('d')?.parse::<u64>().ok()?.checked_mul(24)?,
    };
    hours.checked_mul(60 * 60).filter(|seconds| *seconds > 0)
}

/// Reads `i1` or `o1`.
pub(super) fn parse_numbered(text: &str) -> Option<Numbered> {
    let number = |digits: &str| digits.parse().ok().filter(|number: &usize| *number > 0);
    match text.strip_prefix(['i', 'I']) {
        Some(digits) => number(digits).map(Numbered::Made),
        None => number(text.strip_prefix(['o', 'O'])?).map(Numbered::Opened),
    }
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Makes an invitation and shows it in all its forms.
    pub(super) async fn invite(&mut self, asked: Asked) -> io::Result<()> {
        let room = match (asked.here, self.current) {
            (false, _) => None,
            (true, Some(ConversationId::Room(room))) => Some(room),
            (true, _) => return self.print(&tr("terminal-not-in-a-room")).await,
        };
        let expires_ms = asked.valid_s.map(|valid_s| now_ms().saturating_add(valid_s.saturating_mul(1000)));
        let made = self.program.node.make_invite(NewInvite { room, expires_ms, uses: asked.uses }).await;
        let ticket = match made {
            Ok(invite) => self.program.node.ticket(invite.id).await,
            Err(error) => Err(error),
        };
        match ticket {
            Ok(ticket) => self.show_ticket(&ticket, asked.file).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn show_ticket(&mut self, ticket: &Ticket, file: Option<PathBuf>) -> io::Result<()> {
        // A pipe is no camera's business: there the link stands alone.
        if self.interactive {
            for line in qr::lines(ticket).unwrap_or_default() {
                self.print(&line).await?;
            }
        }
        self.print(&safe(&links::words_for(ticket))).await?;
        self.print(&ticket.to_string()).await?;
        let Some(file) = file else { return Ok(()) };
        match links::save(ticket, &file) {
            Ok(()) => {
                let file = [("file", safe(&file.display().to_string()).into())];
                self.print(&tr_args("terminal-invite-saved", &file)).await
            }
            Err(error) => self.refused(error).await,
        }
    }

    /// Lists those made here and those opened here.
    pub(super) async fn invites(&mut self) -> io::Result<()> {
        let overview = self.program.node.overview();
        if overview.invites.is_empty() && overview.openings.is_empty() {
            return self.print(&tr("terminal-no-invites")).await;
        }
        for (number, invite) in (1..).zip(&overview.invites) {
            self.print(&format!("i{number} {}", made(invite))).await?;
        }
        for (number, opening) in (1..).zip(&overview.openings) {
            self.print(&format!("o{number} {}", opened(opening))).await?;
        }
        Ok(())
    }

    /// Takes one back that was made here, or gives one up that was opened here.
    pub(super) async fn revoke(&mut self, which: Numbered) -> io::Result<()> {
        let (overview, node) = (self.program.node.overview(), &self.program.node);
        let done = match which {
            Numbered::Made(number) => match overview.invites.get(number - 1) {
                Some(invite) => node.revoke_invite(invite.id).await,
                None => return self.print(&tr("terminal-no-such-invite")).await,
            },
            Numbered::Opened(number) => match overview.openings.get(number - 1) {
                Some(opening) => node.dismiss_opening(opening.id).await,
                None => return self.print(&tr("terminal-no-such-invite")).await,
            },
        };
        match done {
            Ok(()) => self.print(&tr("terminal-invite-revoked")).await,
            Err(error) => self.refused(error).await,
        }
    }

    /// Opens a link or a file, or what was handed over last.
    pub(super) async fn open(&mut self, given: &str) -> io::Result<()> {
        let given = match given {
            "" => self.handed_over.take().unwrap_or_default(),
            given => given.to_owned(),
        };
        if given.is_empty() {
            return self.print(&tr_args("terminal-usage", &[("usage", super::command::OPEN.into())])).await;
        }
        match links::read_given(&given) {
            Ok(link) => self.follow(link).await,
            Err(error) => self.refused(error).await,
        }
    }

    /// Follows a link, and talks where it leads from now on.
    pub(super) async fn follow(&mut self, link: Link) -> io::Result<()> {
        match self.program.open(link).await {
            Ok(Some(leads_to)) => {
                self.current = Some(leads_to);
                self.print_current().await?;
                self.print_opening(leads_to).await
            }
            Ok(None) => self.print(&tr("terminal-connecting")).await,
            Err(error) => self.refused(error).await,
        }
    }

    /// Says what an invitation that leads here waits for.
    pub(super) async fn print_opening(&mut self, place: ConversationId) -> io::Result<()> {
        let overview = self.program.node.overview();
        match overview.openings.iter().find(|opening| opening.conversation == place) {
            Some(opening) => self.print(&opened(opening)).await,
            None => Ok(()),
        }
    }

    /// Says what a second start of the program was given, and how it is opened.
    pub(super) async fn arrived(&mut self, given: String) -> io::Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        let checked = links::read_given(&given).map_err(|error| error.to_string()).and_then(|link| {
            let checked = link.check(&self.program.node.overview(), now_ms());
            checked.map(|()| link).map_err(|error| error.to_string())
        });
        match checked {
            Ok(link) => {
                self.handed_over = Some(given);
                self.print(&tr_args("terminal-arrived", &[("words", leads_to(&link).into())])).await
            }
            Err(error) => self.refused(safe(&error)).await,
        }
    }

    /// Tells that somebody used an invitation made here.
    pub(super) async fn invite_used(&mut self, person: PersonId) -> io::Result<()> {
        let who = names::who(&self.program.node.overview(), person);
        self.print(&tr_args("terminal-invite-used", &[("who", who.into())])).await
    }

    /// Tells what became of one that was opened here.
    pub(super) async fn opening_answered(
        &mut self,
        person: PersonId,
        refused: Option<InviteRefusal>,
    ) -> io::Result<()> {
        let who = names::who(&self.program.node.overview(), person);
        let id = refused.map_or("terminal-invite-accepted", refusal);
        self.print(&tr_args(id, &[("who", who.into())])).await
    }
}

/// Where a link leads, in one sentence.
fn leads_to(link: &Link) -> String {
    match link {
        Link::Ticket(ticket) => {
            safe(&format!("{} [{}]", links::words_for(ticket), ticket.person.fingerprint()))
        }
        Link::Way(way) => {
            let room = way.room.as_ref().map(|room| format!(" #{}", room.as_str())).unwrap_or_default();
            tr_args("terminal-way", &[("count", way.nodes.len().into()), ("room", safe(&room).into())])
        }
    }
}

fn made(invite: &InviteView) -> String {
    let place = match (&invite.room, invite.private_room) {
        (Some(room), _) => format!("#{}", safe(room.as_str())),
        (None, Some(_)) => tr("room-private"),
        (None, None) => tr("terminal-invite-chat"),
    };
    let left = match (invite.state(now_ms()), invite.uses_left()) {
        (InviteState::Expired, _) => tr("terminal-invite-expired"),
        (InviteState::UsedUp, _) => tr("terminal-invite-used-up"),
        (InviteState::Open, Some(left)) => tr_args("terminal-invite-left", &[("count", left.into())]),
        (InviteState::Open, None) => tr("terminal-invite-any"),
    };
    let until = match invite.expires_ms {
        Some(ms) => tr_args("terminal-invite-until", &[("time", words::time(ms, &words::now()).into())]),
        None => tr("terminal-invite-forever"),
    };
    format!("{place}: {left}, {until}")
}

fn opened(opening: &OpeningView) -> String {
    let id = match (opening.refused, opening.waiting) {
        (Some(reason), _) => refusal(reason),
        (None, Some(WaitReason::Offline { .. }) | None) => "terminal-invite-waits",
        (None, Some(_)) => "terminal-invite-asking",
    };
    tr_args(id, &[("who", safe(opening.name.as_str()).into())])
}

fn refusal(reason: InviteRefusal) -> &'static str {
    match reason {
        InviteRefusal::Expired => "terminal-invite-refused-expired",
        InviteRefusal::UsedUp => "terminal-invite-refused-used-up",
        InviteRefusal::Revoked => "terminal-invite-refused-revoked",
        InviteRefusal::Unknown => "terminal-invite-refused-unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_invitation_is_for_stands_in_any_order() {
        let one = Asked { here: false, valid_s: Some(EXPIRY_DEFAULT_S), uses: Some(1), file: None };
        assert_eq!(parse_asked(""), Some(one.clone()));
        assert_eq!(parse_asked("5 3h"), Some(Asked { valid_s: Some(10_800), uses: Some(5), ..one.clone() }));
        let forever = Asked { valid_s: None, uses: None, file: Some("bo.kinmesh".into()), ..one.clone() };
        assert_eq!(parse_asked("bo.kinmesh any forever"), Some(forever));
        assert_eq!(
            parse_asked("here 1d"),
            Some(Asked { here: true, valid_s: Some(86_400), uses: None, ..one })
        );
        for wrong in ["bo", "0h", "99999999999999999999d", "-1"] {
            assert_eq!(parse_asked(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn invitations_have_numbers() {
        assert_eq!(parse_numbered("i2"), Some(Numbered::Made(2)));
        assert_eq!(parse_numbered("o1"), Some(Numbered::Opened(1)));
        for wrong in ["", "1", "i0", "x1", "i"] {
            assert_eq!(parse_numbered(wrong), None, "{wrong}");
        }
    }
}
