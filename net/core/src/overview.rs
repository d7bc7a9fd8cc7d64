//! The snapshot of everything the faces list.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinmesh_proto::{ConversationId, PersonId, RoomId};

use crate::conversation::Conversation;
use crate::node::Core;
use crate::view::{
    Acquaintance, ChatView, Online, Overview, OwnView, PersonView, RequestView, RoomView, WaitReason, Waiting,
};

impl Core {
    /// Everything the faces list.
    pub fn overview(&mut self) -> Overview {
        let openings = self.opening_views();
        let is_invited =
            |person| openings.iter().any(|opening| opening.conversation == ConversationId::Direct(person));
        let mut rooms = Vec::new();
        let mut chats = Vec::new();
        for conversation in self.conversations.values() {
            match conversation.id() {
                ConversationId::Room(room) => rooms.extend(self.room_view(room, conversation)),
                ConversationId::Direct(person) if conversation.last.is_some() || is_invited(person) => {
                    let last = conversation.last.clone();
                    let waiting = self.waiting_in_chat(person, conversation);
                    chats.push(ChatView { person, unread: conversation.unread, last, waiting });
                }
                ConversationId::Direct(_) | ConversationId::Control(_) => {}
            }
        }
        mark_clashes(&mut rooms);
        rooms.sort_by_key(|room| std::cmp::Reverse(room.last.as_ref().map(|last| last.key)));
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.last.as_ref().map(|last| last.key)));
        let (requests, people) = (self.request_views(), self.people_views());
        let (invites, calls) = (self.invite_views(), self.call_views());
        Overview { me: self.own_view(), rooms, chats, requests, people, invites, openings, calls }
    }

    /// Built anew only when a person changed: a burst of entries must not sort the people each time.
    fn people_views(&mut self) -> Arc<[PersonView]> {
        let own_name = self.profile.as_ref().map(|profile| &profile.name);
        self.people_views.get_or_insert_with(|| self.people.views(self.echo.person(), own_name)).clone()
    }

    /// The same of those who ask.
    fn request_views(&mut self) -> Arc<[RequestView]> {
        if self.request_views.is_none() {
            self.request_views = Some(self.requests().into());
        }
        self.request_views.clone().unwrap_or_default()
    }

    fn own_view(&self) -> OwnView {
        OwnView {
            person: self.me(),
            device: self.keys.device(),
            fingerprint: self.me().fingerprint(),
            name: self.profile.as_ref().map(|profile| profile.name.clone()),
            status: self.profile.as_ref().map(|profile| profile.status.clone()).unwrap_or_default(),
            privacy: self.privacy,
        }
    }

    fn waiting_in_chat(&self, person: PersonId, chat: &Conversation) -> Option<Waiting> {
        let is_linked = self.people.linked_device(person).is_some();
        let is_unanswered = matches!(self.acquaintance(person), Ok(Acquaintance::Asked { delivered: true }));
        let reason = match self.people.online(person) {
            _ if is_unanswered => WaitReason::Unanswered,
            _ if is_linked => chat.trouble.unwrap_or(WaitReason::Sending),
            Online::Online { .. } => WaitReason::Connecting,
            Online::Offline { last_seen_ms } => WaitReason::Offline { last_seen_ms },
        };
        chat.waiting(reason)
    }

    fn waiting_in_room(&self, room: RoomId, conversation: &Conversation) -> Option<Waiting> {
        let is_heard = self.listeners(room) > 0;
        conversation.waiting(if is_heard { WaitReason::Sending } else { WaitReason::Alone })
    }

    fn room_view(&self, room: RoomId, conversation: &Conversation) -> Option<RoomView> {
        let online = conversation.members.keys().filter(|person| self.people.is_online(**person)).count();
        let joined = conversation.record.open;
        Some(RoomView {
            room,
            name: conversation.record.name.clone()?,
            picture: self.picture_of(room),
            joined,
            members: conversation.members.len() + usize::from(joined),
            online: online + usize::from(joined),
            unread: conversation.unread,
            last: conversation.last.clone().filter(|last| !self.is_blocked(last.author)),
            completeness: self.completeness(room),
            waiting: self.waiting_in_room(room, conversation),
            private: self.private_view(room),
            voice: self.voice_view(room),
            founded: self.founded_view(room),
            moderation: self.moderation_view(room),
            hidden_people: conversation.record.hidden.people.iter().copied().collect(),
        })
    }
}

/// Marks founded rooms that are called like another one here: their name alone does not say which is meant.
fn mark_clashes(rooms: &mut [RoomView]) {
    let mut times = BTreeMap::<String, usize>::new();
    for room in rooms.iter() {
        *times.entry(room.name.folded()).or_default() += 1;
    }
    for room in rooms {
        let is_shared = times.get(&room.name.folded()).is_some_and(|times| *times > 1);
        if let Some(founded) = &mut room.founded {
            founded.name_clashes = is_shared;
        }
    }
}
