//! What a peer's faces would list, as far as it should survive a restart.

use std::collections::BTreeMap;

use kinmesh_core::{Core, EntryView};
use kinmesh_proto::{ConversationId, EntryKey, PersonId};

/// The lists of one peer at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Views {
    pub(crate) conversations: BTreeMap<ConversationId, ConversationView>,
    /// What everybody is called.
    people: BTreeMap<PersonId, String>,
}

/// One room or chat as listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConversationView {
    joined: bool,
    members: Vec<PersonId>,
    pub(crate) unread: usize,
    pub(crate) newest: Option<EntryKey>,
    /// Up to where it was read.
    pub(crate) read: Option<EntryKey>,
}

impl Views {
    pub(crate) fn of(core: &mut Core) -> Self {
        let overview = core.overview();
        let read: BTreeMap<_, _> =
            core.stored_conversations().into_iter().map(|stored| (stored.id, stored.read)).collect();
        let rooms = overview.rooms.iter().map(|room| {
            let id = ConversationId::Room(room.room);
            (id, room.joined, core.members(room.room), room.unread, room.last.as_ref())
        });
        let chats = overview.chats.iter().map(|chat| {
            (ConversationId::Direct(chat.person), true, Vec::new(), chat.unread, chat.last.as_ref())
        });
        let listed = rooms.chain(chats).map(
            |(id, joined, members, unread, last): (_, _, _, _, Option<&EntryView>)| {
                let read = read.get(&id).copied().flatten();
                (id, ConversationView { joined, members, unread, newest: last.map(|view| view.key), read })
            },
        );
        let people = overview.people.iter().map(|person| (person.person, person.name.clone()));
        Self { conversations: listed.collect(), people: people.collect() }
    }
}
