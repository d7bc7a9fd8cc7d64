//! How many members of a room hold nothing that is missing here.

use std::collections::BTreeSet;

use kinmesh_proto::{ConversationId, PersonId, RoomId};

use crate::event::ConversationEvent;
use crate::node::Core;
use crate::view::Completeness;

impl Core {
    /// What is known of a room's completeness.
    pub(crate) fn completeness(&self, room: RoomId) -> Completeness {
        let Some(known) = self.conversations.get(&ConversationId::Room(room)) else {
            return Completeness::default();
        };
        let agreeing = self.agreeing_persons(room);
        let mut view = Completeness { members: known.members.len(), ..Completeness::default() };
        for (person, joined_ms) in &known.members {
            if !self.people.is_online(*person) {
                let last_seen_ms =
                    self.people.record(*person).map_or(*joined_ms, |record| record.last_seen_ms);
                view.unreachable += 1;
                view.unreachable_since_ms = view.unreachable_since_ms.max(Some(last_seen_ms));
            } else if agreeing.contains(person) {
                view.agreeing += 1;
            } else if self.people.linked_device(*person).is_some() {
                view.comparing += 1;
            } else {
                view.beyond += 1;
            }
        }
        view
    }

    /// Tells the faces of rooms of which we know more, or less, than before: once a second at most.
    pub(crate) fn tell_completeness(&mut self) {
        if !std::mem::take(&mut self.sync.is_completeness_stale) {
            return;
        }
        let rooms: Vec<RoomId> = self.open_rooms().collect();
        for room in rooms {
            let completeness = self.completeness(room);
            let told = self.sync.told.entry(room).or_default();
            if std::mem::replace(told, completeness) != completeness {
                let id = ConversationId::Room(room);
                self.tell(id, ConversationEvent::CompletenessChanged { completeness });
            }
        }
    }

    fn agreeing_persons(&self, room: RoomId) -> BTreeSet<PersonId> {
        let devices = self.sync.agreeing.get(&room).into_iter().flatten();
        devices.filter_map(|device| self.people.person_of(*device)).collect()
    }
}
