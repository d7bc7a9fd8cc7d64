//! People with whom there is no chat yet, by how they can be reached.

use std::collections::BTreeSet;

use kinmesh_core::{Acquaintance, ChatView, PersonView, Route};
use kinmesh_proto::PersonId;

use crate::directory::Face;

/// People drawn in one section. Beyond it the section says how many more there are, and the
/// search finds them: a list of thousands is no help to anybody.
pub const SECTION_CAP: usize = 50;

/// People with whom there is no chat yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// On the local network, and Echo.
    pub nearby: Vec<PersonRow>,
    /// Online elsewhere.
    pub online: Vec<PersonRow>,
    /// Contacts who are away.
    pub away: Vec<PersonRow>,
}

/// One person in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// Who.
    pub person: PersonId,
    /// How to show them.
    pub face: Face,
    /// Whether this is the built-in contact.
    pub is_echo: bool,
}

impl People {
    /// Sorts people whose name or fingerprint holds `filter`; with a filter, strangers who are away and
    /// people who are blocked too. Who asks to be a contact stands among the requests.
    pub fn new(people: &[PersonView], chats: &[ChatView], filter: &str) -> Self {
        let filter = filter.trim().to_lowercase();
        let in_chats: BTreeSet<_> = chats.iter().map(|chat| chat.person).collect();
        let mut sorted = Self::default();
        for person in people.iter().filter(|person| !in_chats.contains(&person.person)) {
            let is_elsewhere = match person.acquaintance {
                Acquaintance::Asks => true,
                Acquaintance::Blocked => filter.is_empty(),
                _ => false,
            };
            if is_elsewhere || !matches(person, &filter) {
                continue;
            }
            let online = person.online.is_online();
            let row = PersonRow { person: person.person, face: Face::of(person), is_echo: person.is_echo };
            match person.route {
                Route::Local | Route::Lan if online => sorted.nearby.push(row),
                _ if online => sorted.online.push(row),
                _ if person.contact || !filter.is_empty() => sorted.away.push(row),
                _ => {}
            }
        }
        // Echo is always here; people come first.
        sorted.nearby.sort_by_key(|row| row.is_echo);
        sorted
    }
}

/// People whose names or fingerprint hold `query`, in any case; all for an empty one.
pub fn find_people<'a>(people: &'a [PersonView], query: &str) -> Vec<&'a PersonView> {
    let query = query.trim().to_lowercase();
    people.iter().filter(|person| matches(person, &query)).collect()
}

/// Whether a person's names or fingerprint hold `filter`, which is in lower case.
fn matches(person: &PersonView, filter: &str) -> bool {
    person.name.to_lowercase().contains(filter)
        || person.own_name.as_str().to_lowercase().contains(filter)
        || person.fingerprint.contains(filter)
}
