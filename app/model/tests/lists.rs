//! The lists of conversations and people as a face shows them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use kinmesh_core::{
    Acquaintance, ChatView, Completeness, EntryView, Online, OwnView, PersonView, RoomView, Route,
};
use kinmesh_model::{Directory, People, Speaker, chat_rows, find_people, room_rows};
use kinmesh_proto::{
    ConversationId, Delivery, DeviceId, DisplayName, EntryId, EntryKey, Hlc, PersonId, Privacy, RoomId,
    RoomName, StatusLine,
};

const ME: PersonId = PersonId([1; 32]);
const ANA: PersonId = PersonId([2; 32]);
const ANA_TOO: PersonId = PersonId([3; 32]);

fn me() -> OwnView {
    OwnView {
        person: ME,
        device: DeviceId([1; 32]),
        fingerprint: ME.fingerprint(),
        name: Some(DisplayName::new("Lin").unwrap()),
        status: StatusLine::new("").unwrap(),
        privacy: Privacy::default(),
    }
}

fn person(id: PersonId, name: &str, route: Route, online: bool, contact: bool) -> PersonView {
    PersonView {
        person: id,
        name: name.to_owned(),
        own_name: DisplayName::new(name).unwrap(),
        fingerprint: id.fingerprint(),
        name_clashes: name == "Ana",
        named_like: None,
        status: StatusLine::new("").unwrap(),
        nickname: None,
        contact,
        acquaintance: if contact { Acquaintance::Contact } else { Acquaintance::Stranger },
        verified: false,
        introduced_by: None,
        online: if online { Online::Online { since_ms: 0 } } else { Online::Offline { last_seen_ms: 0 } },
        route,
        is_echo: route == Route::Local,
    }
}

fn last(conversation: ConversationId, author: PersonId, ms: u64, text: &str) -> Option<EntryView> {
    Some(EntryView {
        conversation,
        key: EntryKey { clock: Hlc::from_ms(ms), id: EntryId([0; 32]) },
        author,
        written_ms: ms,
        text: Some(text.to_owned()),
        delivery: Delivery::Received,
        introduces: None,
        invites_to: None,
        call: None,
        sealed: false,
        reply_to: None,
        edited_ms: None,
        deleted: false,
        reactions: Vec::new(),
        follows_gap: false,
        read_by_other: false,
        withheld: None,
    })
}

fn room(name: &str, joined: bool, said: Option<(PersonId, u64, &str)>) -> RoomView {
    let name = RoomName::new(name).unwrap();
    let id = RoomId::public(&name);
    let last = said.and_then(|(who, ms, text)| last(ConversationId::Room(id), who, ms, text));
    RoomView {
        room: id,
        name,
        picture: None,
        joined,
        members: 2,
        online: 1,
        unread: 0,
        last,
        waiting: None,
        completeness: Completeness::default(),
        private: None,
        voice: Vec::new(),
        founded: None,
        moderation: None,
        hidden_people: Vec::new(),
    }
}

#[test]
fn rooms_stand_newest_first_and_say_who_spoke() {
    let names = Directory::new(&me(), &[person(ANA, "Ana", Route::Lan, true, false)]);
    let rooms = [
        room("empty", true, None),
        room("old", true, Some((ANA, 1000, "two\nlines"))),
        room("new", true, Some((ME, 2000, "mine"))),
        room("left", false, Some((ANA, 3000, "bye"))),
    ];
    let rows = room_rows(&rooms, ME, &names, "");
    let titles: Vec<_> = rows.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, ["new", "old", "empty"]);
    assert_eq!(rows[0].preview.as_ref().unwrap().by, Some(Speaker::Me));
    let preview = rows[1].preview.as_ref().unwrap();
    assert_eq!(preview.by, Some(Speaker::Other("Ana".to_owned())));
    assert_eq!(preview.text.as_deref(), Some("two lines"));
    let found = room_rows(&rooms, ME, &names, "LEF");
    assert_eq!(found.len(), 1, "a room that was left is found again");
    assert!(!found[0].joined);
}

#[test]
fn people_of_one_name_are_told_apart() {
    let people =
        [person(ANA, "Ana", Route::Lan, true, false), person(ANA_TOO, "Ana", Route::None, false, false)];
    let names = Directory::new(&me(), &people);
    let chat = |who, ms| ChatView {
        person: who,
        unread: 0,
        last: last(ConversationId::Direct(who), who, ms, "hi"),
        waiting: None,
    };
    let chats = [chat(ANA, 1000), chat(ANA_TOO, 2000)];
    let rows = chat_rows(&chats, ME, &names, "");
    assert_eq!(rows[0].fingerprint, Some(ANA_TOO.fingerprint()));
    assert_eq!((rows[0].online, rows[1].online), (Some(false), Some(true)));
    let by_fingerprint = chat_rows(&chats, ME, &names, &ANA.fingerprint().to_uppercase());
    assert_eq!(by_fingerprint.len(), 1);
    assert_eq!(by_fingerprint[0].conversation, ConversationId::Direct(ANA));
    assert_eq!(names.face(ANA).full_name(), format!("Ana {}", ANA.fingerprint()));
}

#[test]
fn people_stand_where_they_can_be_reached() {
    let id = |n| PersonId([n; 32]);
    let people = [
        person(id(9), "Echo", Route::Local, true, false),
        person(id(4), "Near", Route::Lan, true, false),
        person(id(5), "Far", Route::Internet, true, false),
        person(id(6), "Heard", Route::Mesh, true, false),
        person(id(7), "Away", Route::None, false, true),
        person(id(8), "Stranger", Route::None, false, false),
        person(ANA, "Ana", Route::Lan, true, true),
    ];
    let chats = [ChatView { person: ANA, unread: 0, last: None, waiting: None }];
    let called =
        |rows: &[kinmesh_model::PersonRow]| rows.iter().map(|row| row.face.name.clone()).collect::<Vec<_>>();
    let sorted = People::new(&people, &chats, "");
    assert_eq!(called(&sorted.nearby), ["Near", "Echo"], "people before Echo, those in chats not again");
    assert_eq!(called(&sorted.online), ["Far", "Heard"]);
    assert_eq!(called(&sorted.away), ["Away"]);
    assert_eq!(called(&People::new(&people, &chats, "strang").away), ["Stranger"]);
    assert_eq!(find_people(&people, " ANA ").len(), 1);
    assert_eq!(find_people(&people, "").len(), people.len());
}
