//! A boat club's room as a peer shows it: the same people, words and times in every run.

pub(crate) mod calls;

use std::sync::Arc;

use iced::Size;
use iced::widget::text_editor;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kinmesh::screen::{Cx, conversation, dialog, home, search};
use kinmesh::theme::Theme;
use kinmesh_core::{
    Acquaintance, CallView, ChatView, Completeness, EntryView, FoundedStanding, FoundedView, IntroducedView,
    InvitedView, KnockView, ModerationView, MutedView, Online, OwnView, PersonView, PrivateView,
    ReactionView, RequestView, RoomAccess, RoomView, Route, SeatView, WaitReason, Waiting, Withheld,
};
use kinmesh_model::Clock;
use kinmesh_net::{BootstrapLink, BootstrapStatus, NodeStatus, Overview};
use kinmesh_proto::{
    CallOutcome, ConversationId, Delivery, DeviceId, DisplayName, Door, EntryId, EntryKey, Hlc, Past,
    PersonId, Privacy, Role, RoomId, RoomName, RoomPicture, StatusLine,
};

/// The main screen with the club's room open.
pub(crate) struct BoatClub {
    pub(crate) cx: Cx,
    pub(crate) home: home::State,
}

const LIN: PersonId = PersonId([1; 32]);
const ANA: PersonId = PersonId([2; 32]);
const BO: PersonId = PersonId([3; 32]);
const MIRA: PersonId = PersonId([4; 32]);
const JONAS: PersonId = PersonId([5; 32]);
const TOMAS: PersonId = PersonId([6; 32]);
const ECHO: PersonId = PersonId([7; 32]);
/// Somebody whom the club does not know.
const NAMESAKE: PersonId = PersonId([9; 32]);

fn name(text: &str) -> DisplayName {
    DisplayName::new(text).unwrap()
}

fn at(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond() as u64
}

fn today(time: &str) -> u64 {
    at(&format!("2026-11-21T{time}:00Z"))
}

fn entry(
    conversation: ConversationId,
    author: PersonId,
    ms: u64,
    text: &str,
    delivery: Delivery,
) -> EntryView {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&ms.to_be_bytes());
    EntryView {
        conversation,
        key: EntryKey { clock: Hlc::from_ms(ms), id: EntryId(id) },
        author,
        written_ms: ms,
        text: Some(text.to_owned()),
        delivery,
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
    }
}

fn person(id: PersonId, called: &str, online: Online, route: Route) -> PersonView {
    PersonView {
        person: id,
        name: called.to_owned(),
        own_name: name(called),
        fingerprint: id.fingerprint(),
        name_clashes: false,
        named_like: None,
        status: StatusLine::new("").unwrap(),
        nickname: None,
        contact: true,
        acquaintance: Acquaintance::Contact,
        verified: id == BO,
        introduced_by: None,
        online,
        route,
        is_echo: id == ECHO,
    }
}

fn people() -> Vec<PersonView> {
    let here = Online::Online { since_ms: today("09:00") };
    let gone = |ms| Online::Offline { last_seen_ms: ms };
    vec![
        person(ANA, "Ana Duarte", here, Route::Internet),
        person(BO, "Bo", here, Route::Lan),
        person(ECHO, "Echo", here, Route::Local),
        person(JONAS, "Jonas", here, Route::Lan),
        person(MIRA, "Mira", gone(at("2026-11-19T20:00:00Z")), Route::None),
        person(TOMAS, "Tomás", gone(today("11:20")), Route::None),
    ]
}

fn room(called: &str, unread: usize, last: Option<(PersonId, u64, &str)>) -> RoomView {
    let name = RoomName::new(called).unwrap();
    let id = RoomId::public(&name);
    let last = last.map(|(who, ms, text)| entry(ConversationId::Room(id), who, ms, text, Delivery::Received));
    RoomView {
        room: id,
        name,
        picture: None,
        joined: true,
        members: 6,
        online: 4,
        unread,
        last,
        waiting: None,
        completeness: Completeness {
            members: 5,
            agreeing: 3,
            unreachable: 2,
            unreachable_since_ms: Some(today("11:20")),
            ..Completeness::default()
        },
        private: None,
        voice: Vec::new(),
        founded: None,
        moderation: None,
        hidden_people: Vec::new(),
    }
}

fn chat(who: PersonId, unread: usize, author: PersonId, ms: u64, text: &str, delivery: Delivery) -> ChatView {
    let last = Some(entry(ConversationId::Direct(who), author, ms, text, delivery));
    ChatView { person: who, unread, last, waiting: None }
}

/// What was said in the club's room today. Emoji are signs that the bundled font has.
fn said(room: ConversationId) -> Vec<EntryView> {
    use Delivery::{Queued, Received, Sent};
    let say = |author, time, text, delivery| entry(room, author, today(time), text, delivery);
    let who = say(
        ANA,
        "13:59",
        "Who brings the second life jacket? I can take the kayak on the roof, but not both.",
        Received,
    );
    let reaction =
        |emoji: &str, people: &[PersonId]| ReactionView { emoji: emoji.to_owned(), people: people.to_vec() };
    let spare = say(LIN, "14:02", "I do. There is a spare one, leaving at three.", Sent { members: 3 });
    let taken_back = say(BO, "14:04", "", Received);
    let code = say(BO, "14:05", "The slip code is 4471. Gate closes at 21:00.", Received);
    vec![
        say(ANA, "13:58", "Wind is 12 knots from the west, dropping after four.", Received),
        EntryView { reactions: vec![reaction("✓", &[BO, LIN]), reaction("❤", &[JONAS])], ..who.clone() },
        EntryView { reply_to: Some(who.key), ..spare },
        EntryView { text: None, deleted: true, follows_gap: true, ..taken_back },
        EntryView { edited_ms: Some(today("14:06")), ..code },
        say(LIN, "14:07", "Great. I'll tell Mira when she is back online.", Queued),
    ]
}

impl BoatClub {
    pub(crate) fn new() -> Self {
        let me = OwnView {
            person: LIN,
            device: DeviceId([1; 32]),
            fingerprint: LIN.fingerprint(),
            name: Some(name("Lin")),
            status: StatusLine::new("").unwrap(),
            privacy: Privacy::default(),
        };
        let rooms = vec![
            room(
                "Boat club",
                0,
                Some((LIN, today("14:07"), "Great. I'll tell Mira when she is back online.")),
            ),
            room("lobby", 12, Some((ANA, today("13:52"), "the bootstrap is back up"))),
            room("Hiking", 1000, Some((TOMAS, at("2026-11-20T18:00:00Z"), "See you on Saturday at eight"))),
        ];
        let chats = vec![
            chat(ANA, 1, ANA, today("14:01"), "Call me when you're back", Delivery::Received),
            chat(BO, 0, LIN, today("12:40"), "got it, thanks", Delivery::Delivered),
            ChatView {
                waiting: Some(Waiting {
                    entries: 1,
                    since_ms: at("2026-11-19T21:00:00Z"),
                    reason: WaitReason::Offline { last_seen_ms: at("2026-11-19T20:00:00Z") },
                }),
                ..chat(MIRA, 0, LIN, at("2026-11-19T21:00:00Z"), "see you on the boat", Delivery::Queued)
            },
        ];
        let club = ConversationId::Room(rooms[0].room);
        let overview = Arc::new(Overview {
            me,
            rooms,
            chats,
            requests: Default::default(),
            people: people().into(),
            invites: Vec::new(),
            openings: Vec::new(),
            calls: Vec::new(),
        });
        let status = NodeStatus { lan_peers: 2, internet_peers: 3, ..NodeStatus::default() };
        let now = "2026-11-21T14:10:00Z".parse().unwrap();
        let cx = Cx::new(overview, status, Clock::new(now, TimeZone::UTC), Size::new(1240.0, 800.0));
        let mut open = conversation::State::closed(club, text_editor::Content::new(), &cx);
        open.show_newest(said(club), 1);
        open.show_members(vec![LIN, ANA, BO, MIRA, JONAS, TOMAS]);
        let mut club = Self { cx, home: home::State::showing(open) };
        club.cx.typing.heard(club.home.open_id().unwrap(), BO, u64::MAX);
        club
    }

    /// The same with a search beside the room.
    pub(crate) fn searching(typed: &str, theme: Theme) -> Self {
        let Self { mut cx, home } = Self::new();
        cx.theme = theme;
        let club = home.open_id().unwrap();
        let lobby = ConversationId::Room(cx.overview.rooms[1].room);
        let long = "In the end we took the long way round, past the old lighthouse and the two islands behind \
                    it, and were back before the rain. Who comes along next time?";
        let mut found: Vec<_> = said(club).into_iter().filter(|post| post.text.is_some()).collect();
        found.retain(|post| post.text.as_deref().unwrap().to_lowercase().contains("the"));
        found.push(entry(lobby, ANA, today("13:52"), "the bootstrap is back up", Delivery::Received));
        let tuesday = at("2026-11-17T18:30:00Z");
        found.push(entry(ConversationId::Direct(BO), BO, tuesday, long, Delivery::Received));
        found.sort_by_key(|post| std::cmp::Reverse(post.key));
        let search = search::State::showing(typed, None, found, &cx);
        Self { cx, home: home.searching(search) }
    }

    /// The same people, with the chat with Bo open, which holds this.
    fn with_bo(said: Vec<EntryView>) -> Self {
        let Self { cx, .. } = Self::new();
        let mut open =
            conversation::State::closed(ConversationId::Direct(BO), text_editor::Content::new(), &cx);
        open.show_newest(said, 0);
        Self { cx, home: home::State::showing(open) }
    }

    /// The same people, with a short chat with Bo open.
    pub(crate) fn chat() -> Self {
        let chat = ConversationId::Direct(BO);
        Self::with_bo(vec![
            entry(chat, BO, today("12:30"), "Are you coming on Friday?", Delivery::Received),
            entry(chat, LIN, today("12:40"), "got it, thanks", Delivery::Delivered),
            entry(chat, BO, today("14:08"), "Here is the number: 4471", Delivery::Received),
        ])
    }

    /// The same people, with a chat with Bo open in which calls stand.
    pub(crate) fn with_calls() -> Self {
        let chat = ConversationId::Direct(BO);
        let called = |author, time, outcome| EntryView {
            text: None,
            call: Some(outcome),
            ..entry(
                chat,
                author,
                today(time),
                "",
                if author == LIN { Delivery::Delivered } else { Delivery::Received },
            )
        };
        Self::with_bo(vec![
            called(LIN, "12:02", CallOutcome::Missed),
            called(BO, "12:20", CallOutcome::Answered { seconds: 245 }),
            entry(chat, LIN, today("12:40"), "got it, thanks", Delivery::Delivered),
            called(BO, "13:31", CallOutcome::Missed),
        ])
    }

    /// The same people, with the chat with Ana open.
    pub(crate) fn with_ana() -> Self {
        let Self { cx, .. } = Self::new();
        let chat = ConversationId::Direct(ANA);
        let mut open = conversation::State::closed(chat, text_editor::Content::new(), &cx);
        let said = entry(chat, ANA, today("14:01"), "Call me when you're back", Delivery::Received);
        open.show_newest(vec![said], 0);
        Self { cx, home: home::State::showing(open) }
    }

    /// The same, where Ana is not the only one of her name.
    pub(crate) fn with_two_anas(mut self) -> Self {
        let mut overview = (*self.cx.overview).clone();
        let clash = |person: &PersonView| PersonView { name_clashes: person.person == ANA, ..person.clone() };
        overview.people = overview.people.iter().map(clash).collect();
        self.cx.set_overview(Arc::new(overview));
        self
    }

    /// The same, while these calls go on or ring.
    pub(crate) fn calling(mut self, calls: Vec<CallView>) -> Self {
        let overview = Overview { calls, ..(*self.cx.overview).clone() };
        self.cx.set_overview(Arc::new(overview));
        self
    }

    /// The same, with some in the voice channel of the club's room, and Lin too if she `is_in`.
    pub(crate) fn with_voice(mut self, is_in: bool) -> Self {
        let mut overview = (*self.cx.overview).clone();
        overview.rooms[0].voice = [ANA, BO].into_iter().chain(is_in.then_some(LIN)).collect();
        self.cx.set_overview(Arc::new(overview));
        self
    }

    /// The same people, with a chat open in which Bo and Lin say this.
    pub(crate) fn saying(text: &str) -> Self {
        let chat = ConversationId::Direct(BO);
        Self::with_bo(vec![
            entry(chat, BO, today("14:02"), text, Delivery::Received),
            entry(chat, LIN, today("14:03"), text, Delivery::Delivered),
        ])
    }

    /// The same people, with a chat open in which Lin puts this emoji to what Bo says.
    pub(crate) fn reacting(emoji: &str) -> Self {
        let said =
            entry(ConversationId::Direct(BO), BO, today("14:02"), "See you at three", Delivery::Received);
        let reactions = vec![ReactionView { emoji: emoji.to_owned(), people: vec![LIN] }];
        Self::with_bo(vec![EntryView { reactions, ..said }])
    }

    /// The same people, with the chat with somebody open whom a story makes of one of them.
    fn with_stranger(stranger: PersonView, request: Option<RequestView>, said: Vec<EntryView>) -> Self {
        let Self { mut cx, .. } = Self::new();
        let mut overview = (*cx.overview).clone();
        let chat = ConversationId::Direct(stranger.person);
        let mut people: Vec<PersonView> =
            overview.people.iter().filter(|known| known.person != stranger.person).cloned().collect();
        people.push(stranger);
        overview.people = people.into();
        overview.requests = request.into_iter().collect();
        cx.set_overview(Arc::new(overview));
        let mut open = conversation::State::closed(chat, text_editor::Content::new(), &cx);
        open.show_newest(said, 0);
        Self { cx, home: home::State::showing(open) }
    }

    /// Somebody asks who has the name of a contact, and was introduced by another one.
    pub(crate) fn asked() -> Self {
        let here = Online::Online { since_ms: today("13:00") };
        let namesake = PersonView {
            contact: false,
            acquaintance: Acquaintance::Asks,
            named_like: Some(ANA),
            name_clashes: true,
            ..person(NAMESAKE, "Ana Duarte", here, Route::Internet)
        };
        let request = RequestView {
            person: NAMESAKE,
            text: Some(
                "Hi Lin, it is Ana. I have a new phone, can you send me the code of the boat house?".into(),
            ),
            received_ms: today("14:02"),
            introduced_by: Some(BO),
        };
        Self::with_stranger(namesake, Some(request), Vec::new())
    }

    /// Somebody has our request and has not accepted it.
    pub(crate) fn asking() -> Self {
        let here = Online::Online { since_ms: today("13:00") };
        let acquaintance = Acquaintance::Asked { delivered: true };
        let asked = PersonView { acquaintance, ..person(NAMESAKE, "Sofia", here, Route::Lan) };
        let chat = ConversationId::Direct(NAMESAKE);
        let said = entry(
            chat,
            LIN,
            today("13:40"),
            "Hello, I saw you in #Boat. May I ask you something?",
            Delivery::Queued,
        );
        Self::with_stranger(asked, None, vec![said])
    }

    /// Somebody is blocked.
    pub(crate) fn blocked() -> Self {
        let gone = Online::Offline { last_seen_ms: today("11:00") };
        let blocked = PersonView {
            contact: false,
            acquaintance: Acquaintance::Blocked,
            ..person(NAMESAKE, "Sofia", gone, Route::None)
        };
        let chat = ConversationId::Direct(NAMESAKE);
        let said = entry(chat, NAMESAKE, today("10:40"), "Buy now!", Delivery::Received);
        Self::with_stranger(blocked, None, vec![said])
    }

    /// A contact passes on somebody.
    pub(crate) fn introduced() -> Self {
        let chat = ConversationId::Direct(BO);
        let introduces = Some(IntroducedView { person: TOMAS, name: name("Tomás") });
        Self::with_bo(vec![
            entry(chat, BO, today("12:30"), "You wanted to know who has the key", Delivery::Received),
            EntryView { text: None, introduces, ..entry(chat, BO, today("12:31"), "", Delivery::Received) },
            entry(chat, LIN, today("12:40"), "got it, thanks", Delivery::Delivered),
        ])
    }

    /// The club's room is a private one, in which Lin and Ana decide, and Lin and one other stand here.
    pub(crate) fn private(access: RoomAccess) -> Self {
        let Self { mut cx, .. } = Self::new();
        let mut overview = (*cx.overview).clone();
        let seat = |person, role| SeatView { person, role };
        let members = [(LIN, Role::Admin), (ANA, Role::Admin), (BO, Role::Member), (MIRA, Role::Member)];
        overview.rooms[0].private = Some(PrivateView {
            access,
            role: Some(Role::Admin).filter(|_| access != RoomAccess::Out),
            topic: StatusLine::new("Who takes the boat out, and when").unwrap(),
            past: Past::All,
            seats: members.iter().map(|(person, role)| seat(*person, *role)).collect(),
            carries_on: None,
            carried_on_in: Vec::new(),
        });
        let role = Some(Role::Admin).filter(|_| access != RoomAccess::Out);
        overview.rooms[0].moderation = Some(ModerationView { role, slow_ms: 0, keep_days: 0, muted: vec![] });
        overview.rooms[0].joined = access != RoomAccess::Out;
        overview.rooms[0].members = members.len();
        let club = ConversationId::Room(overview.rooms[0].room);
        cx.set_overview(Arc::new(overview));
        let mut open = conversation::State::closed(club, text_editor::Content::new(), &cx);
        let mut entries = said(club);
        entries.insert(
            0,
            EntryView {
                sealed: true,
                text: None,
                ..entry(club, ANA, today("13:50"), "", Delivery::Received)
            },
        );
        open.show_newest(entries, 0);
        open.show_members(members.iter().map(|(person, _)| *person).collect());
        Self { cx, home: home::State::showing(open) }
    }

    /// The same with a picture, or with what somebody sent for one.
    pub(crate) fn with_picture(picture: RoomPicture) -> Self {
        let Self { mut cx, home } = Self::private(RoomAccess::Open);
        let mut overview = (*cx.overview).clone();
        overview.rooms[0].picture = Some(picture);
        cx.set_overview(Arc::new(overview));
        Self { cx, home }
    }

    /// The club's room is a founded public one, of which Lin is an admin: a message is hidden, Bo is muted
    /// and Tomás knocks.
    pub(crate) fn founded() -> Self {
        let Self { mut cx, .. } = Self::new();
        let mut overview = (*cx.overview).clone();
        let seat = |person| SeatView { person, role: Role::Admin };
        let room = &mut overview.rooms[0];
        let received_ms = today("14:00");
        let knock = KnockView { person: TOMAS, text: "I moor next to you".to_owned(), received_ms };
        room.founded = Some(FoundedView {
            founder: Some(ANA),
            fingerprint: Some(ANA.fingerprint()),
            name_clashes: false,
            topic: StatusLine::new("Everything about the harbour").unwrap(),
            door: Door::Knock,
            standing: FoundedStanding::In,
            seats: vec![seat(ANA), seat(LIN)],
            put_out: vec![],
            knocks: vec![knock],
        });
        let muted = vec![MutedView { person: BO, until_ms: u64::MAX >> 16 }];
        room.moderation =
            Some(ModerationView { role: Some(Role::Admin), slow_ms: 30_000, keep_days: 90, muted });
        room.members = 4;
        let club = ConversationId::Room(room.room);
        cx.set_overview(Arc::new(overview));
        let mut open = conversation::State::closed(club, text_editor::Content::new(), &cx);
        let reason = StatusLine::new("advertising").unwrap();
        let withheld = |why, entry: EntryView| EntryView { text: None, withheld: Some(why), ..entry };
        let say = |author, time, text| entry(club, author, today(time), text, Delivery::Received);
        open.show_newest(
            vec![
                say(ANA, "13:50", "The crane comes on Tuesday"),
                withheld(Withheld::Hidden { by: ANA, reason }, say(MIRA, "13:58", "")),
                withheld(Withheld::Muted { by: LIN }, say(BO, "14:02", "")),
                withheld(Withheld::TooSoon, say(MIRA, "14:03", "")),
                withheld(Withheld::Entry, say(JONAS, "14:05", "")),
                say(LIN, "14:06", "Thank you, Ana"),
            ],
            0,
        );
        open.show_members(vec![LIN, ANA, BO, MIRA]);
        Self { cx, home: home::State::showing(open) }
    }

    /// Lin stands outside of that room.
    pub(crate) fn outside(standing: FoundedStanding) -> Self {
        let Self { mut cx, home } = Self::founded();
        let mut overview = (*cx.overview).clone();
        let room = &mut overview.rooms[0];
        if let Some(founded) = &mut room.founded {
            (founded.standing, founded.knocks) = (standing, vec![]);
        }
        room.moderation = Some(ModerationView { role: None, slow_ms: 30_000, keep_days: 90, muted: vec![] });
        cx.set_overview(Arc::new(overview));
        Self { cx, home }
    }

    /// A contact invites to a private room.
    pub(crate) fn invited() -> Self {
        let chat = ConversationId::Direct(BO);
        let room = RoomId([7; 32]);
        let invites_to = Some(InvitedView { room, name: RoomName::new("Night crew").unwrap() });
        Self::with_bo(vec![
            entry(chat, BO, today("12:30"), "Are you coming on Friday?", Delivery::Received),
            EntryView { text: None, invites_to, ..entry(chat, BO, today("12:31"), "", Delivery::Received) },
        ])
    }

    /// The chat with Mira, and over it the dialog about a person that a story wants.
    pub(crate) fn in_dialog(dialog: fn(PersonId, PersonId) -> dialog::State) -> Self {
        let Self { cx, home } = Self::with_mira();
        Self { home: home.asking(dialog(LIN, BO)), cx }
    }

    /// The same, while a bootstrap node is connected.
    pub(crate) fn at_bootstrap(mut self) -> Self {
        let address = "/dns4/boat.example/udp/4001/quic-v1".parse().unwrap();
        self.cx.status.bootstraps = vec![BootstrapStatus { address, link: BootstrapLink::Connected }];
        self
    }

    /// The same people, with the chat with Mira open, who is away.
    pub(crate) fn with_mira() -> Self {
        let Self { cx, .. } = Self::new();
        let chat = ConversationId::Direct(MIRA);
        let say = |author, ms, text, delivery| entry(chat, author, ms, text, delivery);
        let thursday = |time: &str| at(&format!("2026-11-19T{time}:00Z"));
        let read = say(LIN, thursday("19:40"), "Is the slip free on Saturday?", Delivery::Delivered);
        let said = vec![
            EntryView { read_by_other: true, ..read },
            say(MIRA, thursday("19:52"), "From nine on", Delivery::Received),
            say(LIN, thursday("20:01"), "Thank you", Delivery::Delivered),
            say(LIN, thursday("21:00"), "see you on the boat", Delivery::Queued),
        ];
        let mut open = conversation::State::closed(chat, text_editor::Content::new(), &cx);
        open.show_newest(said, 0);
        Self { cx, home: home::State::showing(open) }
    }
}
