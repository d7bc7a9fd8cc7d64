//! Rooms that somebody founded, on the terminal: founding and entering them, carrying them on, letting
//! people in and out.

use std::io;
use std::path::PathBuf;

use kinmesh_core::{EntryView, NewRoom, PrivateView, RoomAccess, RoomView};
use kinmesh_net::{ConversationHandle, Overview, RoomError, RoomHandle};
use kinmesh_proto::{ConversationId, Past, PersonId, Role, RoomId, RoomName, StatusLine};
use tokio::io::AsyncWrite;

use super::names;
use super::safe::safe;
use super::session::Session;
use crate::i18n::{tr, tr_args};
use crate::picture::set_picture;

/// What an admin does with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seating {
    Admit,
    Expel,
    Admin,
    Unadmin,
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Founds a private room with nobody else in it, and talks there from now on.
    pub(super) async fn create(&mut self, name: &str) -> io::Result<()> {
        let name = match RoomName::new(name) {
            Ok(name) => name,
            Err(error) => return self.refused(error).await,
        };
        let new = NewRoom { name, topic: StatusLine::default(), past: Past::default(), people: Vec::new() };
        let founded = self.program.node.create_room(new).await;
        self.talk_in(founded).await
    }

    /// Enters the room to which an entry invites.
    pub(super) async fn enter(&mut self, place: &ConversationHandle, entry: &EntryView) -> io::Result<()> {
        let node = &self.program.node;
        let entered = match place.id() {
            ConversationId::Direct(person) => node.chat(person).enter_room(entry.key).await,
            ConversationId::Room(room) => node.room(room).enter_room(entry.key).await,
            ConversationId::Control(_) => Err(RoomError::NoInvitation),
        };
        self.talk_in(entered).await
    }

    /// Carries the room that plain lines go to on in a new one, and talks there from now on.
    pub(super) async fn carry_on(&mut self) -> io::Result<()> {
        let Some(ConversationId::Room(room)) = self.current else {
            return self.print(&tr("terminal-not-in-a-room")).await;
        };
        let next = self.program.node.room(room).carry_on().await;
        self.talk_in(next).await
    }

    /// Gives the room that plain lines go to the picture in a file, or takes away the one it has.
    pub(super) async fn picture(&mut self, file: Option<PathBuf>) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let words = if file.is_some() { "terminal-picture-set" } else { "terminal-picture-gone" };
        let done = set_picture(room, file).await;
        self.report(done.map(|()| tr(words))).await
    }

    async fn talk_in(&mut self, room: Result<RoomHandle, RoomError>) -> io::Result<()> {
        match room {
            Ok(room) => {
                self.current = Some(ConversationId::Room(room.id()));
                self.print_current().await
            }
            Err(error) => self.refused(error).await,
        }
    }

    /// Lets somebody into the room that plain lines go to, or out of it, or changes what they may do.
    pub(super) async fn seat(&mut self, typed: &str, seating: Seating) -> io::Result<()> {
        let Some(ConversationId::Room(room)) = self.current else {
            return self.print(&tr("terminal-not-in-a-room")).await;
        };
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let handle = self.program.node.room(room);
        let (done, words) = match seating {
            Seating::Admit => (handle.add(person).await, "terminal-admitted"),
            Seating::Expel => (handle.remove(person, None).await, "terminal-expelled"),
            Seating::Admin => (handle.set_role(person, Role::Admin).await, "terminal-made-admin"),
            Seating::Unadmin => (handle.set_role(person, Role::Member).await, "terminal-made-member"),
        };
        let who = names::who(&self.program.node.overview(), person);
        self.report(done.map(|()| tr_args(words, &[("who", who.into())]))).await
    }
}

/// What is behind a private room's name in a list: `private, admin`.
pub(super) fn mark(private: &PrivateView) -> String {
    let state = match (private.access, private.role) {
        (RoomAccess::Open, Some(Role::Admin)) => "terminal-private-admin",
        (RoomAccess::Open, _) => "terminal-private",
        (RoomAccess::AwaitsLog, _) => "terminal-private-awaits-log",
        (RoomAccess::AwaitsKey, _) => "terminal-private-awaits-key",
        (RoomAccess::Out, _) => "terminal-private-out",
    };
    tr(state)
}

/// Which room this one carries on, and which ones carry it on: `carries on #Boat`.
pub(super) fn kin(overview: &Overview, room: &RoomView) -> Vec<String> {
    let Some(private) = &room.private else { return Vec::new() };
    let named = |words: &'static str, room: RoomId| {
        let room = names::place(overview, ConversationId::Room(room));
        tr_args(words, &[("room", room.into())])
    };
    let parent = private.carries_on.map(|room| named("terminal-carries-on", room));
    let next = private.carried_on_in.iter().map(|room| named("terminal-carried-on-in", *room));
    parent.into_iter().chain(next).collect()
}

/// That somebody is an admin of the room, if they are.
pub(super) fn role(overview: &Overview, room: RoomId, person: PersonId) -> Option<String> {
    let room = overview.rooms.iter().find(|view| view.room == room)?;
    let seat = room.seats().iter().find(|seat| seat.person == person)?;
    (seat.role == Role::Admin).then(|| tr("terminal-admin"))
}

/// That somebody let us into a private room of theirs.
pub(super) fn invitation(entry: &EntryView) -> Option<String> {
    let name = safe(entry.invites_to.as_ref()?.name.as_str());
    Some(tr_args("terminal-invites-to", &[("name", name.into())]))
}
