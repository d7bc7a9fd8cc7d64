//! What people do: join and leave rooms, write, read, take another name.

use kinmesh_core::Change;
use kinmesh_proto::record::Write;
use kinmesh_proto::{ConversationId, PageItem, PersonId, RoomId};

use super::{Simulation, in_room};
use crate::promise::Written;
use crate::script::{Action, ChangeKind, Place};
use crate::trace::What;

impl Simulation {
    /// Somebody acts, if their program is running.
    pub(super) fn act(&mut self, index: usize, action: Action) {
        if !self.peers[index].is_up() || self.peers[index].session.is_leaving {
            return;
        }
        match action {
            Action::Join { room } => self.join(index, room),
            Action::Leave => self.leave(index),
            Action::Say { to, entries } => self.somewhere(index, to, |this, at| this.say(index, at, entries)),
            Action::Change { at, what } => self.somewhere(index, at, |this, at| this.change(index, at, what)),
            Action::Type { to } => self.somewhere(index, to, |this, at| {
                this.tell(index, |core, now_ms| core.typing(now_ms, at));
            }),
            Action::Read => self.read(index),
            Action::Call => self.do_with_calls(index),
            Action::Found => self.found(index),
            Action::Decide(decision) => self.decide(index, decision),
            Action::FoundPublic => self.found_public(index),
            Action::Take(measure) => self.take_measure(measure),
            Action::Rename => {
                let name = format!("peer {index}, {} s", self.now_ms / 1000);
                self.name(index, &name);
            }
        }
    }

    /// Draws a conversation of this kind, if there is one.
    fn somewhere(&mut self, index: usize, place: Place, act: impl FnOnce(&mut Self, ConversationId)) {
        let drawn = match place {
            Place::Room => self.some_room_of(index).map(in_room),
            Place::Chat => {
                self.some_other(index).map(|other| ConversationId::Direct(self.peers[other].person))
            }
        };
        if let Some(conversation) = drawn {
            act(self, conversation);
        }
    }

    /// Everybody lets everybody in, if not at once.
    pub(super) fn accept_requests(&mut self, index: usize) {
        let asking = self.peers[index].core.iter().flat_map(|core| core.requests());
        let asking: Vec<PersonId> = asking.map(|request| request.person).collect();
        for person in asking {
            self.note(index, What::Accepts { person });
            // Refused is what was accepted meanwhile.
            self.tell(index, |core, now_ms| {
                let _ = core.accept(now_ms, person);
            });
        }
    }

    fn join(&mut self, index: usize, room: usize) {
        self.note(index, What::Joins { room });
        let name = self.rooms[room].0.clone();
        self.tell(index, |core, _| {
            // Refused would be too many rooms, which no script asks for.
            let _ = core.join_room(name);
        });
    }

    fn leave(&mut self, index: usize) {
        let Some(room) = self.some_room_of(index) else { return };
        if let Some(number) = self.rooms.iter().position(|(_, id)| *id == room) {
            self.note(index, What::Leaves { room: number });
        }
        self.tell(index, |core, now_ms| {
            core.leave_room(now_ms, room);
        });
    }

    pub(super) fn some_room_of(&mut self, index: usize) -> Option<RoomId> {
        let rooms: Vec<RoomId> = self.peers[index].core.iter().flat_map(|core| core.open_rooms()).collect();
        self.dice.pick(&rooms)
    }

    /// Mostly somebody who is connected; else anybody, whom the core may not know.
    pub(super) fn some_other(&mut self, index: usize) -> Option<usize> {
        let linked: Vec<usize> = self.peers[index].session.ends.keys().copied().collect();
        let other = match self.dice.pick(&linked).filter(|_| self.dice.percent(70)) {
            Some(other) => other,
            None => self.dice.below(self.peers.len() as u64) as usize,
        };
        (other != index).then_some(other)
    }

    fn say(&mut self, index: usize, conversation: ConversationId, entries: u64) {
        for _ in 0..entries {
            self.say_once(index, conversation);
        }
        // What is written at once is one round of the driver.
        self.tell(index, |_, _| {});
    }

    fn say_once(&mut self, index: usize, conversation: ConversationId) {
        let text = format!("{} of peer {index}", self.next_number());
        let reply = self.some_post(index, conversation).filter(|_| self.dice.percent(10));
        let reply = reply.map(|post| post.post.entry.key());
        self.with_core(index, |core, now_ms| drop(core.send(now_ms, conversation, text, reply)));
    }

    fn change(&mut self, index: usize, conversation: ConversationId, what: ChangeKind) {
        let Some(post) = self.some_post(index, conversation) else { return };
        let emoji = self.dice.pick(&["👍", "🎉", "❤️"]).unwrap_or_default().to_owned();
        let change = match what {
            ChangeKind::Edit => Change::Edit(format!("{} edited by peer {index}", self.next_number())),
            ChangeKind::Delete => Change::Delete,
            ChangeKind::React { on } => Change::React { emoji, on },
        };
        self.tell(index, |core, now_ms| {
            // Refused is what somebody else wrote, for example.
            let _ = core.change(now_ms, conversation, &post, change);
        });
    }

    /// One of the last posts on the peer's disk.
    pub(super) fn some_post(&mut self, index: usize, conversation: ConversationId) -> Option<PageItem> {
        let mut posts = self.peers[index].disk.posts(conversation, 8);
        let at = self.dice.below(posts.len() as u64) as usize;
        (at < posts.len()).then(|| posts.swap_remove(at))
    }

    /// Notes what is handed to the disk as written.
    pub(super) fn note_written(&mut self, index: usize, writes: &[Write]) {
        let own = self.peers[index].person;
        let entries = writes.iter().filter_map(|write| match write {
            Write::PutEntry { conversation, stored } if stored.entry.person() == own => {
                Some((*conversation, stored.entry.clone()))
            }
            _ => None,
        });
        for (conversation, entry) in entries.collect::<Vec<_>>() {
            let tag = conversation.tag(own);
            let written = Written { author: index, conversation, tag, at_ms: self.now_ms };
            if self.ledger.note(entry.id(), written) {
                self.figures.entries += 1;
                self.note(index, What::Writes { conversation, key: entry.key() });
                self.note_sealed(index, conversation, &entry);
            }
        }
    }

    /// Reads some conversation to its end.
    fn read(&mut self, index: usize) {
        let known = self.peers[index].core.iter().flat_map(|core| core.stored_conversations());
        let known: Vec<ConversationId> = known.map(|stored| stored.id).collect();
        let Some(conversation) = self.dice.pick(&known) else { return };
        if let Some(newest) = self.peers[index].disk.posts(conversation, 1).pop() {
            self.tell(index, |core, _| {
                core.mark_read(conversation, newest.post.entry.key());
            });
        }
    }
}
