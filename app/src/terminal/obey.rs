//! What each typed command does: one call on the program, and its answer in words.

use std::{io, iter};

use kinmesh_proto::{ConversationId, DisplayName, PersonId, RoomId, RoomName, StatusLine};
use tokio::io::AsyncWrite;

use super::command::{self, Command, Mistake};
use super::names::{self, Meant};
use super::session::{Flow, Session};
use super::{moderation, rooms, words};
use crate::i18n::{tr, tr_args};
use crate::links;

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Does what a line asks for.
    pub(super) async fn obey(&mut self, line: &str) -> io::Result<Flow> {
        if let Some(file) = self.awaits_passphrase.take() {
            return self.passphrase_typed(&file, line).await.map(|()| Flow::Go);
        }
        match command::parse(line) {
            Ok(None) => Ok(Flow::Go),
            Ok(Some(Command::Quit)) => Ok(Flow::Quit),
            Ok(Some(command)) => self.carry_out(command).await.map(|()| Flow::Go),
            Err(mistake) => self.explain(mistake).await.map(|()| Flow::Go),
        }
    }

    async fn explain(&mut self, mistake: Mistake) -> io::Result<()> {
        let line = match mistake {
            Mistake::Unknown(word) => {
                tr_args("terminal-unknown-command", &[("word", super::safe::safe(&word).into())])
            }
            Mistake::Usage(usage) => tr_args("terminal-usage", &[("usage", usage.into())]),
        };
        self.print(&line).await
    }

    async fn carry_out(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Say(text) => self.say(text).await,
            Command::Help => self.print(&tr("terminal-help")).await,
            Command::Rooms => self.rooms().await,
            Command::Join(name) => self.join(&name).await,
            Command::Leave => self.leave().await,
            Command::Who => self.who().await,
            Command::People => self.people(false).await,
            Command::Contacts => self.people(true).await,
            Command::Chat(person) => self.chat(&person).await,
            Command::Msg { person, text } => self.msg(&person, text).await,
            Command::History(count) => self.history(count).await,
            Command::Search(typed) => self.search(&typed).await,
            Command::More => self.search_on().await,
            Command::Go(number) => self.go(number).await,
            Command::Export(what) => self.export(what).await,
            Command::DealWith { which, deed } => self.deal_with(which, deed).await,
            Command::Share { what, on } => self.share(what, on).await,
            Command::Add(person) => self.set_contact(&person, true).await,
            Command::Remove(person) => self.set_contact(&person, false).await,
            Command::Requests => self.requests().await,
            Command::Create(name) => self.create(&name).await,
            Command::Seat { person, seating } => self.seat(&person, seating).await,
            Command::CarryOn => self.carry_on().await,
            Command::Found(name) => self.found(&name).await,
            Command::Rule(rule) => self.rule(rule).await,
            Command::Picture(file) => self.picture(file).await,
            Command::Mute { person, for_ms } => self.mute(&person, for_ms).await,
            Command::Ignore { person, hidden } => self.ignore(&person, hidden).await,
            Command::Knock(text) => self.knock(text).await,
            Command::TurnAway(person) => self.turn_away(&person).await,
            Command::Contact { person, act } => self.contact(&person, act).await,
            Command::Introduce { person, to } => self.introduce(&person, &to).await,
            Command::Rename { person, nickname } => self.rename(&person, nickname).await,
            Command::Link => self.link().await,
            Command::Connect(link) => self.connect(&link).await,
            Command::Invite(asked) => self.invite(asked).await,
            Command::Invites => self.invites().await,
            Command::Revoke(which) => self.revoke(which).await,
            Command::Open(given) => self.open(&given).await,
            Command::Status => self.print_all(words::status(&self.program.node.status())).await,
            Command::Sound(what) => self.sound(what).await,
            Command::Call(asked) => self.on_call(asked).await,
            Command::Name(name) => self.name(&name).await,
            Command::About(status) => self.about(&status).await,
            Command::Quit => Ok(()),
        }
    }

    pub(super) async fn print_all(&mut self, lines: Vec<String>) -> io::Result<()> {
        for line in lines {
            self.print(&line).await?;
        }
        Ok(())
    }

    /// Says that something was done, or why not.
    pub(super) async fn report(&mut self, done: Result<String, impl ToString>) -> io::Result<()> {
        match done {
            Ok(line) => self.print(&line).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn rooms(&mut self) -> io::Result<()> {
        let now = words::now();
        let overview = self.program.node.overview();
        let lines = |room| {
            let kin = rooms::kin(&overview, room).into_iter().map(|kin| format!("    {kin}"));
            iter::once(words::room(room, &now)).chain(kin)
        };
        let rooms: Vec<_> = overview.rooms.iter().flat_map(lines).collect();
        if rooms.is_empty() {
            return self.print(&tr("terminal-no-rooms")).await;
        }
        self.print_all(rooms).await
    }

    async fn join(&mut self, name: &str) -> io::Result<()> {
        let name = match RoomName::new(name) {
            Ok(name) => name,
            Err(error) => return self.refused(error).await,
        };
        match self.program.node.join_room(name).await {
            Ok(room) => {
                self.current = Some(ConversationId::Room(room.id()));
                self.print_current().await
            }
            Err(error) => self.refused(error).await,
        }
    }

    async fn leave(&mut self) -> io::Result<()> {
        let Some(ConversationId::Room(room)) = self.current else {
            return self.print(&tr("terminal-not-in-a-room")).await;
        };
        let place = names::place(&self.program.node.overview(), ConversationId::Room(room));
        let left = self.program.node.room(room).leave().await;
        if left.is_ok() {
            self.current = None;
        }
        self.report(left.map(|()| tr_args("terminal-left", &[("place", place.into())]))).await
    }

    async fn who(&mut self) -> io::Result<()> {
        let (persons, room) = match self.current {
            None | Some(ConversationId::Control(_)) => {
                return self.print(&tr("terminal-no-conversation")).await;
            }
            Some(ConversationId::Direct(person)) => (vec![person], None),
            Some(ConversationId::Room(room)) => match self.program.node.room(room).members().await {
                Ok(members) => (members, Some(room)),
                Err(error) => return self.refused(error).await,
            },
        };
        let lines = persons.into_iter().map(|person| self.describe(person, room)).collect();
        self.print_all(lines).await
    }

    fn describe(&self, person: PersonId, room: Option<RoomId>) -> String {
        let overview = self.program.node.overview();
        let line = match names::find(&overview, person) {
            Some(view) => words::person(&overview, view, &words::now()),
            None => format!("* {} [{}]", names::who(&overview, person), person.fingerprint()),
        };
        let role = room.and_then(|room| rooms::role(&overview, room, person));
        let known = room.and_then(|room| overview.rooms.iter().find(|view| view.room == room));
        let muted = known.and_then(|room| moderation::muted(room, person));
        [Some(line), role, muted].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    async fn people(&mut self, contacts_only: bool) -> io::Result<()> {
        let (overview, now) = (self.program.node.overview(), words::now());
        let listed = overview.people.iter().filter(|person| person.contact || !contacts_only);
        let lines: Vec<_> = listed.map(|person| words::person(&overview, person, &now)).collect();
        if lines.is_empty() {
            return self.print(&tr("terminal-nobody")).await;
        }
        self.print_all(lines).await
    }

    async fn chat(&mut self, typed: &str) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        self.current = Some(ConversationId::Direct(person));
        self.print_current().await
    }

    async fn msg(&mut self, typed: &str, text: String) -> io::Result<()> {
        match self.look_up(typed).await? {
            Some(person) => self.send(ConversationId::Direct(person), text).await,
            None => Ok(()),
        }
    }

    /// Whom a typed name means; says so when it is nobody, or more than one.
    pub(super) async fn look_up(&mut self, typed: &str) -> io::Result<Option<PersonId>> {
        let overview = self.program.node.overview();
        let found = match names::meant(&overview.people, typed) {
            Meant::One(person) => return Ok(Some(person.person)),
            Meant::Many(found) => found,
            Meant::Nobody => {
                let args = [("name", super::safe::safe(typed).into())];
                self.print(&tr_args("terminal-nobody-called", &args)).await?;
                return Ok(None);
            }
        };
        self.print(&tr("terminal-many-called")).await?;
        let now = words::now();
        self.print_all(found.into_iter().map(|person| words::person(&overview, person, &now)).collect())
            .await?;
        Ok(None)
    }

    async fn history(&mut self, count: usize) -> io::Result<()> {
        let Some(current) = self.current else {
            return self.print(&tr("terminal-no-conversation")).await;
        };
        let entries = match self.program.page(current, None, count).await {
            Ok(entries) => entries,
            Err(error) => return self.refused(error).await,
        };
        if entries.is_empty() {
            return self.print(&tr("terminal-no-history")).await;
        }
        for (entry, number) in entries.iter().zip((1..=entries.len()).rev()) {
            let state = words::state(entry).map(|state| format!(", {state}")).unwrap_or_default();
            self.print_entry(entry, &format!(" [{number}{state}]")).await?;
        }
        self.print_waiting(current).await
    }

    async fn set_contact(&mut self, typed: &str, contact: bool) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let was_asked = self.is_asked(person);
        if let Err(error) = self.program.node.set_contact(person, contact).await {
            return self.refused(error).await;
        }
        let who = [("who", names::who(&self.program.node.overview(), person).into())];
        match (contact, self.is_asked(person)) {
            (false, _) => self.print(&tr_args("terminal-removed", &who)).await,
            (true, true) if !was_asked => self.print(&tr_args("terminal-asking", &who)).await,
            (true, true) => Ok(()),
            (true, false) => self.print(&tr_args("terminal-added", &who)).await,
        }
    }

    async fn rename(&mut self, typed: &str, nickname: Option<String>) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let nickname = match nickname.as_deref().map(DisplayName::new).transpose() {
            Ok(nickname) => nickname,
            Err(error) => return self.refused(error).await,
        };
        let done = self.program.node.set_nickname(person, nickname.clone()).await;
        let words = match nickname {
            Some(name) => tr_args("terminal-renamed", &[("name", name.as_str().into())]),
            None => tr("terminal-nickname-gone"),
        };
        self.report(done.map(|()| words)).await
    }

    async fn link(&mut self) -> io::Result<()> {
        let overview = self.program.node.overview();
        let room = match self.current {
            Some(ConversationId::Room(id)) => overview.rooms.iter().find(|room| room.room == id),
            _ => None,
        };
        let link = self.program.node.join_link(room.map(|room| room.name.clone()));
        self.print(&link.to_string()).await
    }

    async fn connect(&mut self, link: &str) -> io::Result<()> {
        match links::read(link) {
            Ok(link) => self.follow(link).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn name(&mut self, name: &str) -> io::Result<()> {
        let name = match DisplayName::new(name) {
            Ok(name) => name,
            Err(error) => return self.refused(error).await,
        };
        let words = tr_args("terminal-named", &[("name", name.as_str().to_owned().into())]);
        let done = self.program.rename(name).await;
        self.report(done.map(|()| words)).await
    }

    async fn about(&mut self, status: &str) -> io::Result<()> {
        let status = match StatusLine::new(status) {
            Ok(status) => status,
            Err(error) => return self.refused(error).await,
        };
        let Some(name) = self.program.node.overview().me.name.clone() else {
            return self.print(&tr("terminal-no-name")).await;
        };
        let done = self.program.set_profile(name, Some(status)).await;
        self.report(done.map(|()| tr("terminal-about-set"))).await
    }
}
