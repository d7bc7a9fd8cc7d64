//! Who may reach the user: requests, blocking, safety numbers, introductions.

use std::io;

use kinmesh_core::{Acquaintance, Because, PersonView, RequestView};
use kinmesh_net::Overview;
use kinmesh_proto::{ConversationId, PersonId};
use tokio::io::AsyncWrite;

use super::names;
use super::safe::safe;
use super::session::Session;
use super::words;
use crate::i18n::{tr, tr_args};

/// What is to become of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Accept,
    Decline,
    Block,
    Unblock,
    Safety,
    Verify,
    Unverify,
}

/// What stands beside a name: how they and we stand.
pub(super) fn standing(overview: &Overview, person: &PersonView) -> Vec<String> {
    let how = match person.acquaintance {
        Acquaintance::Stranger => None,
        Acquaintance::Asks => Some("terminal-asks"),
        Acquaintance::Asked { delivered: false } => Some("terminal-asked"),
        Acquaintance::Asked { delivered: true } => Some("terminal-unanswered"),
        Acquaintance::Contact => Some("terminal-contact"),
        Acquaintance::Blocked => Some("terminal-blocked"),
    };
    let mut words: Vec<String> = how.into_iter().map(tr).collect();
    if person.verified {
        words.push(tr("terminal-verified"));
    }
    words.extend(person.introduced_by.map(|by| introduced_by(overview, by)));
    if let Some(contact) = person.named_like {
        words.push(tr_args("terminal-named-like", &[("contact", names::who(overview, contact).into())]));
    }
    words
}

fn introduced_by(overview: &Overview, by: PersonId) -> String {
    tr_args("terminal-introduced-by", &[("who", names::who(overview, by).into())])
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Who asks to be a contact, with what they say.
    pub(super) async fn requests(&mut self) -> io::Result<()> {
        let overview = self.program.node.overview();
        if overview.requests.is_empty() {
            return self.print(&tr("terminal-no-requests")).await;
        }
        let now = words::now();
        for request in overview.requests.iter() {
            let Some(person) = names::find(&overview, request.person) else { continue };
            self.print(&words::person(&overview, person, &now)).await?;
            self.print(&asked(&overview, request)).await?;
        }
        self.print(&tr("terminal-requests-how")).await
    }

    /// At the start: that somebody waits for an answer.
    pub(super) async fn print_requests_waiting(&mut self) -> io::Result<()> {
        match self.program.node.overview().requests.len() {
            0 => Ok(()),
            count => self.print(&tr_args("terminal-requests-wait", &[("count", count.into())])).await,
        }
    }

    /// Somebody asks.
    pub(super) async fn requested(&mut self, person: PersonId) -> io::Result<()> {
        let overview = self.program.node.overview();
        let Some(request) = overview.requests.iter().find(|request| request.person == person) else {
            return Ok(());
        };
        let who = names::who(&overview, person);
        let fingerprint = person.fingerprint();
        let args = [("who", who.into()), ("fingerprint", fingerprint.into())];
        self.print(&format!("  {}", tr_args("terminal-requested", &args))).await?;
        self.print(&asked(&overview, request)).await
    }

    /// Somebody and we are contacts from now on.
    pub(super) async fn became_contacts(&mut self, person: PersonId, because: Because) -> io::Result<()> {
        let who = [("who", names::who(&self.program.node.overview(), person).into())];
        let words = match because {
            Because::TheyAsked => "terminal-became-contacts",
            Because::TheyAccepted => "terminal-accepted-us",
            // What is said about the invitation says it.
            Because::Invited => return Ok(()),
        };
        self.print(&format!("  {}", tr_args(words, &who))).await
    }

    /// Whether we asked somebody, and they have not accepted.
    pub(super) fn is_asked(&self, person: PersonId) -> bool {
        let overview = self.program.node.overview();
        let person = names::find(&overview, person);
        person.is_some_and(|person| matches!(person.acquaintance, Acquaintance::Asked { .. }))
    }

    /// Whether a conversation is a chat with somebody whom we asked.
    pub(super) fn is_asked_in(&self, place: ConversationId) -> bool {
        matches!(place, ConversationId::Direct(person) if self.is_asked(person))
    }

    /// Says that what was sent there asks somebody, if it does.
    pub(super) async fn print_asking(&mut self, place: ConversationId) -> io::Result<()> {
        match place {
            ConversationId::Direct(person) if self.is_asked(person) => {
                let who = [("who", names::who(&self.program.node.overview(), person).into())];
                self.print(&format!("  {}", tr_args("terminal-asking", &who))).await
            }
            ConversationId::Direct(_) | ConversationId::Room(_) | ConversationId::Control(_) => Ok(()),
        }
    }

    /// Does something about somebody.
    pub(super) async fn contact(&mut self, typed: &str, act: Act) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let node = &self.program.node;
        let (done, words) = match act {
            Act::Safety => return self.safety(person).await,
            // That they are contacts now is told as it happens.
            Act::Accept => match node.accept(person).await {
                Ok(()) => return Ok(()),
                refused => (refused, "terminal-became-contacts"),
            },
            Act::Decline => (node.decline(person).await, "terminal-declined"),
            Act::Block => (node.set_blocked(person, true).await, "terminal-now-blocked"),
            Act::Unblock => (node.set_blocked(person, false).await, "terminal-now-unblocked"),
            Act::Verify => (node.set_verified(person, true).await, "terminal-now-verified"),
            Act::Unverify => (node.set_verified(person, false).await, "terminal-now-unverified"),
        };
        let who = [("who", names::who(&self.program.node.overview(), person).into())];
        self.report(done.map(|()| tr_args(words, &who))).await
    }

    /// The words that both sides compare.
    async fn safety(&mut self, person: PersonId) -> io::Result<()> {
        let overview = self.program.node.overview();
        let words = self.program.node.safety_number(person).words().join(" ");
        self.print(&words).await?;
        let who = [("who", names::who(&overview, person).into())];
        self.print(&tr_args("terminal-safety-how", &who)).await
    }

    /// Passes a contact on to another one.
    pub(super) async fn introduce(&mut self, typed: &str, to: &str) -> io::Result<()> {
        let (Some(person), Some(to)) = (self.look_up(typed).await?, self.look_up(to).await?) else {
            return Ok(());
        };
        let introduced = self.program.node.introduce(to, person).await;
        let overview = self.program.node.overview();
        let args = [("who", names::who(&overview, person).into()), ("to", names::who(&overview, to).into())];
        self.report(introduced.map(|_| tr_args("terminal-introduced", &args))).await
    }
}

/// What somebody says who asks, and who told them of us.
fn asked(overview: &Overview, request: &RequestView) -> String {
    let text = request.text.as_deref().map_or_else(|| tr("terminal-no-words"), safe);
    let by = request.introduced_by.map(|by| format!(", {}", introduced_by(overview, by)));
    format!("    {text}{}", by.unwrap_or_default())
}
