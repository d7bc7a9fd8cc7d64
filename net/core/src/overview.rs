//! The snapshot of everything the faces list.

use std::sync::Arc;

use kinmesh_proto::{ConversationId, RoomId};

use crate::conversation::Conversation;
use crate::node::Core;
use crate::view::{ChatView, Overview, OwnView, PersonView, RoomView};

impl Core {
    /// Everything the faces list.
    pub fn overview(&mut self) -> Overview {
        let mut rooms = Vec::new();
        let mut chats = Vec::new();
        for conversation in self.conversations.values() {
            match conversation.id() {
                ConversationId::Room(room) => rooms.extend(self.room_view(room, conversation)),
                ConversationId::Direct(person) if conversation.last.is_some() => {
                    let last = conversation.last.clone();
                    chats.push(ChatView { person, unread: conversation.unread, last });
                }
                ConversationId::Direct(_) => {}
            }
        }
        rooms.sort_by_key(|room| std::cmp::Reverse(room.last.as_ref().map(|last| last.key)));
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.last.as_ref().map(|last| last.key)));
        Overview { me: self.own_view(), rooms, chats, people: self.people_views() }
    }

    /// Built anew only when a person changed: a burst of entries must not sort the people each time.
    fn people_views(&mut self) -> Arc<[PersonView]> {
        let own_name = self.profile.as_ref().map(|profile| &profile.name);
        self.people_views.get_or_insert_with(|| self.people.views(self.echo.person(), own_name)).clone()
    }

    fn own_view(&self) -> OwnView {
        OwnView {
            person: self.me(),
            device: self.keys.device(),
            fingerprint: self.me().fingerprint(),
            name: self.profile.as_ref().map(|profile| profile.name.clone()),
            status: self.profile.as_ref().map(|profile| profile.status.clone()).unwrap_or_default(),
        }
    }

    fn room_view(&self, room: RoomId, conversation: &Conversation) -> Option<RoomView> {
        let online = conversation.members.keys().filter(|person| self.people.is_online(**person)).count();
        let joined = conversation.record.open;
        Some(RoomView {
            room,
            name: conversation.record.name.clone()?,
            joined,
            members: conversation.members.len() + usize::from(joined),
            online: online + usize::from(joined),
            unread: conversation.unread,
            last: conversation.last.clone(),
            completeness: self.completeness(room),
        })
    }
}
