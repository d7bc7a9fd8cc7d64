//! Words for what the peer and the view models say as data. Knows no screen.

pub mod calls;
pub mod invites;

use jiff::civil::{Date, Time};
use kinmesh_core::{
    Completeness, HideRefusal, KnockRefusal, Online, PersonView, RoomRefusal, Route, SendRefusal, WaitReason,
    Waiting, Withheld,
};
use kinmesh_model::{BootstrapReach, Clock, Connection, Directory, Moment, Preview, Reach, Said, Speaker};
use kinmesh_net::{
    BootstrapLink, CallError, ChangeError, ConnectError, EditError, FollowError, IntroduceError, NodeStatus,
    ReadError, RoomError, SendError,
};
use kinmesh_proto::{Delivery, LinkError, NameError, PersonId, Refusal};

use crate::i18n::{tr, tr_args};
use crate::links::LinkFault;
use crate::picture::{PictureError, SetPictureError};
use crate::program::EnterError;

/// A time of day.
pub fn time(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

fn weekday(date: Date) -> &'static str {
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    match date.weekday() {
        Monday => "mon",
        Tuesday => "tue",
        Wednesday => "wed",
        Thursday => "thu",
        Friday => "fri",
        Saturday => "sat",
        Sunday => "sun",
    }
}

/// A day in full.
pub fn day(date: Date, clock: &Clock) -> String {
    let args = [
        ("weekday", weekday(date).into()),
        ("day", date.day().into()),
        ("month", date.month().into()),
        ("year", date.year().into()),
    ];
    if date.year() == clock.today().year() {
        tr_args("day-full", &args)
    } else {
        tr_args("day-full-year", &args)
    }
}

/// A moment in the past, as short as a list needs it.
pub fn moment(moment: Moment) -> String {
    match moment {
        Moment::Time(at) => time(at),
        Moment::Weekday(date) => tr_args("weekday-short", &[("weekday", weekday(date).into())]),
        Moment::Day(date) => {
            tr_args("day-short", &[("day", date.day().into()), ("month", date.month().into())])
        }
        Moment::Year(date) => date.to_string(),
    }
}

/// The newest entry in one line.
pub fn preview(preview: &Preview) -> String {
    let text = said_in_line(preview.said());
    match &preview.by {
        None => text,
        Some(Speaker::Me) => tr_args("preview-me", &[("text", text.into())]),
        Some(Speaker::Other(name)) => {
            tr_args("preview-other", &[("name", name.clone().into()), ("text", text.into())])
        }
    }
}

/// What an entry says.
pub fn said_in_line(said: Said<'_>) -> String {
    match said {
        Said::Text(text) => kinmesh_model::one_line(text),
        Said::Introduction(introduced) => {
            tr_args("introduces", &[("name", introduced.name.as_str().to_owned().into())])
        }
        Said::Invitation(invited) => {
            tr_args("invites-to", &[("name", invited.name.as_str().to_owned().into())])
        }
        Said::Call(call) => crate::calls::words::note(call),
        Said::Deleted => tr("entry-deleted"),
        Said::Sealed => tr("entry-sealed"),
        Said::Withheld(_) => tr("entry-withheld"),
        Said::Unreadable => tr("entry-unreadable"),
    }
}

/// Who is writing: nothing for nobody.
pub fn typing(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(tr_args("typing-one", &[("name", name.as_str().into())])),
        [a, b] => Some(tr_args("typing-two", &[("a", a.as_str().into()), ("b", b.as_str().into())])),
        _ => Some(tr_args("typing-many", &[("count", names.len().into())])),
    }
}

/// What of ours waits for what, in a conversation of this title; nothing while it is on its way.
pub fn waiting(waiting: Waiting, title: &str, clock: &Clock) -> Option<String> {
    let args = |since_ms| {
        let since = moment(clock.moment(since_ms));
        [("count", waiting.entries.into()), ("name", title.into()), ("since", since.into())]
    };
    let id = match waiting.reason {
        WaitReason::Sending => return None,
        // Known by an invitation alone.
        WaitReason::Offline { last_seen_ms: 0 } => return Some(tr_args("waiting-never", &args(0))),
        WaitReason::Offline { last_seen_ms } => return Some(tr_args("waiting-offline", &args(last_seen_ms))),
        WaitReason::Connecting => "waiting-connecting",
        WaitReason::Refused => "waiting-refused",
        WaitReason::NoAnswer => "waiting-no-answer",
        WaitReason::Unanswered => "waiting-unanswered",
        WaitReason::Alone => "waiting-alone",
        WaitReason::Unreadable => "waiting-unreadable",
    };
    Some(tr_args(id, &args(waiting.since_ms)))
}

/// That histories are being compared, while they are.
pub fn syncing(completeness: &Completeness) -> Option<String> {
    let count = completeness.comparing;
    (count > 0).then(|| tr_args("syncing", &[("count", count.into())]))
}

/// How sure it is that nothing is missing in a room: a few words, and a sentence.
pub fn completeness(of: &Completeness, clock: &Clock) -> (String, String) {
    let since = of.unreachable_since_ms.map(|ms| moment(clock.moment(ms))).unwrap_or_default();
    let args = [
        ("members", of.members.into()),
        ("agreeing", of.agreeing.into()),
        ("comparing", of.comparing.into()),
        ("beyond", of.beyond.into()),
        ("unreachable", of.unreachable.into()),
        ("since", since.into()),
    ];
    let (title, sentence) = match of {
        _ if of.members == 0 => ("complete-alone", "complete-alone-sentence"),
        _ if of.agreeing == of.members => ("complete", "complete-all"),
        _ if of.comparing > 0 => ("complete-comparing", "complete-comparing-sentence"),
        _ if of.agreeing > 0 => ("complete", "complete-some"),
        _ => ("complete-unknown", "complete-nobody"),
    };
    let away = (of.unreachable > 0 && of.comparing > 0).then_some("complete-away");
    let beyond = (of.beyond > 0).then_some("complete-beyond");
    let sentences = [Some(sentence), away, beyond].into_iter().flatten();
    (tr(title), sentences.map(|sentence| tr_args(sentence, &args)).collect::<Vec<_>>().join(" "))
}

/// How far an own entry has come; nothing for the entries of others.
pub fn delivery(delivery: Delivery, read: bool) -> Option<String> {
    match delivery {
        Delivery::Delivered if read => Some(tr("delivery-read")),
        Delivery::Received => None,
        Delivery::Queued => Some(tr("delivery-queued")),
        Delivery::Sent { members } => Some(tr_args("delivery-sent", &[("members", members.into())])),
        Delivery::Delivered => Some(tr("delivery-delivered")),
        Delivery::Failed { reason } => {
            Some(tr_args("delivery-failed", &[("reason", refusal(reason).into())]))
        }
    }
}

fn refusal(reason: Refusal) -> String {
    tr(match reason {
        Refusal::Invalid => "refusal-invalid",
        Refusal::WrongConversation => "refusal-wrong-conversation",
        Refusal::ClockAhead => "refusal-clock-ahead",
        Refusal::NotAuthor => "refusal-not-author",
        Refusal::OverQuota => "refusal-over-quota",
        Refusal::TooOld => "refusal-too-old",
    })
}

/// Whether a person is here, and how they are reached.
pub fn presence(person: &PersonView, clock: &Clock) -> String {
    if person.is_echo {
        return tr("presence-echo");
    }
    match person.online {
        Online::Online { since_ms } => {
            let since = moment(clock.moment(since_ms)).into();
            let route = tr(match person.route {
                Route::Local => "route-local",
                Route::Lan => "route-lan",
                Route::Internet => "route-internet",
                Route::Mesh | Route::None => "route-mesh",
            });
            tr_args("presence-online", &[("since", since), ("route", route.into())])
        }
        Online::Offline { last_seen_ms: 0 } => tr("presence-never"),
        Online::Offline { last_seen_ms } => {
            tr_args("presence-offline", &[("since", moment(clock.moment(last_seen_ms)).into())])
        }
    }
}

/// The same in a word or two, beside a name.
pub fn presence_short(person: &PersonView, clock: &Clock) -> String {
    match (person.online, person.route) {
        (Online::Offline { last_seen_ms: 0 }, _) => tr("presence-never"),
        (Online::Offline { last_seen_ms }, _) => {
            tr_args("since", &[("since", moment(clock.moment(last_seen_ms)).into())])
        }
        (_, Route::Local) => tr("route-local-short"),
        (_, Route::Lan) => tr("route-lan-short"),
        (_, Route::Internet) => tr("route-internet-short"),
        (_, Route::Mesh | Route::None) => tr("route-mesh-short"),
    }
}

/// The peer's connections, summed up.
pub fn connection_of(status: &NodeStatus) -> Connection {
    let bootstraps = status.bootstraps.iter().map(|node| match node.link {
        BootstrapLink::Connected => BootstrapReach::Connected,
        BootstrapLink::Connecting => BootstrapReach::Connecting,
        BootstrapLink::Unreachable { .. } => BootstrapReach::Unreachable,
    });
    Connection::new(status.lan_peers, status.internet_peers, bootstraps)
}

/// How the peer stands with the network, in one sentence.
pub fn network(status: &NodeStatus) -> String {
    if status.is_broken { tr("connection-broken") } else { connection(connection_of(status)) }
}

fn connection(connection: Connection) -> String {
    let (people, over) = match connection.reach {
        Reach::Nobody => {
            return tr(match connection.bootstrap {
                BootstrapReach::None => "connection-looking-lan",
                BootstrapReach::Connecting => "connection-looking",
                BootstrapReach::Connected => "connection-alone",
                BootstrapReach::Unreachable => "connection-bootstrap-unreachable",
            });
        }
        Reach::Lan { people } => (people, "reach-lan"),
        Reach::Internet { people } => (people, "reach-internet"),
        Reach::Both { people } => (people, "reach-both"),
    };
    let id = match connection.bootstrap {
        BootstrapReach::Connected => "connection-direct-with-bootstrap",
        BootstrapReach::Unreachable => "connection-direct-without-bootstrap",
        // What is not reached yet, or not wanted, is no news.
        BootstrapReach::Connecting | BootstrapReach::None => "connection-direct",
    };
    tr_args(id, &[("people", people.into()), ("over", tr(over).into())])
}

/// How we stand with one bootstrap node.
pub fn bootstrap(link: &BootstrapLink) -> String {
    match link {
        BootstrapLink::Connecting => tr("bootstrap-connecting"),
        BootstrapLink::Connected => tr("bootstrap-connected"),
        BootstrapLink::Unreachable { reason } => {
            tr_args("bootstrap-unreachable", &[("reason", reason.clone().into())])
        }
    }
}

/// Why a name is refused.
pub fn name_error(error: NameError) -> String {
    match error {
        NameError::Empty => tr("error-name-empty"),
        NameError::TooLong { graphemes_max } => {
            tr_args("error-name-too-long", &[("max", graphemes_max.into())])
        }
        NameError::ControlCharacter => tr("error-name-control"),
    }
}

fn call_error(error: CallError) -> String {
    tr(match error {
        CallError::NodeGone => "error-node-gone",
        CallError::Busy => "error-busy",
    })
}

/// What the history could not do.
pub fn store_error(error: &dyn std::fmt::Display) -> String {
    tr_args("error-store", &[("fault", error.to_string().into())])
}

/// Why an entry was not sent.
pub fn send_error(error: &SendError) -> String {
    match error {
        SendError::Empty => tr("error-send-empty"),
        SendError::TooLong { size, max } => {
            let kib = |bytes: usize| format!("{:.1}", bytes as f64 / 1024.0);
            tr_args("error-send-too-long", &[("size", kib(*size).into()), ("max", kib(*max).into())])
        }
        SendError::NotJoined => tr("error-not-joined"),
        SendError::UnknownPerson => tr("error-unknown-person"),
        SendError::Blocked => tr("error-blocked"),
        SendError::TooLongToAsk { size, max } => {
            let args = [("size", (*size).into()), ("max", (*max).into())];
            tr_args("error-too-long-to-ask", &args)
        }
        SendError::NoKey => tr("error-room-no-key"),
        SendError::Muted { .. } => tr("error-muted"),
        SendError::PutOut => tr("error-put-out"),
        SendError::NotLetIn => tr("error-not-let-in"),
        SendError::TooSoon { wait_ms } => {
            tr_args("error-too-soon", &[("seconds", wait_ms.div_ceil(1000).into())])
        }
        SendError::OutboxFull => tr("error-outbox-full"),
        SendError::Store(error) => store_error(error),
        SendError::NotStoredHere(error) => {
            tr_args("error-not-stored-here", &[("fault", error.to_string().into())])
        }
        SendError::Call(error) => call_error(*error),
    }
}

/// Why a post is not shown.
pub fn withheld(why: &Withheld, names: &Directory, me: PersonId) -> String {
    let called = |person| if person == me { tr("you") } else { names.face(person).full_name() };
    let by = |id: &str, person: PersonId| tr_args(id, &[("who", called(person).into())]);
    match why {
        Withheld::Hidden { by: person, reason } if reason.as_str().is_empty() => {
            by("withheld-hidden", *person)
        }
        Withheld::Hidden { by: person, reason } => {
            let reason = reason.as_str().to_owned();
            tr_args("withheld-hidden-reason", &[("who", called(*person).into()), ("reason", reason.into())])
        }
        Withheld::Muted { by: person } => by("withheld-muted", *person),
        Withheld::PutOut { by: person } => by("withheld-put-out", *person),
        Withheld::NotLetIn => tr("withheld-not-let-in"),
        Withheld::TooSoon => tr("withheld-too-soon"),
        Withheld::Entry => tr("withheld-entry"),
        Withheld::Author => tr("withheld-author"),
    }
}

/// Why nothing was decided about a room.
pub fn room_error(error: &RoomError) -> String {
    let refusal = match error {
        RoomError::NoInvitation => return tr("error-room-no-invitation"),
        RoomError::Refused(refusal) => refusal,
        RoomError::Knock(refusal) => return knock_refusal(*refusal),
        RoomError::Hide(HideRefusal::NotARoom) => return tr("error-room-not-in"),
        RoomError::Hide(HideRefusal::TooMany) => return tr("error-hidden-full"),
        RoomError::Store(error) => return store_error(error),
        RoomError::Read(error) => return store_error(error),
        RoomError::Call(error) => return call_error(*error),
    };
    tr(match refusal {
        RoomRefusal::NotIn => "error-room-not-in",
        RoomRefusal::NotAdmin => "error-room-not-admin",
        RoomRefusal::NotAContact => "error-not-a-contact",
        RoomRefusal::IsMember => "error-room-is-member",
        RoomRefusal::NoMember => "error-room-no-member",
        RoomRefusal::LastAdmin => "error-room-last-admin",
        RoomRefusal::Senior => "error-room-senior",
        RoomRefusal::IsPublic => "error-room-is-public",
        RoomRefusal::LogFull => "error-room-log-full",
        RoomRefusal::HideCount => "error-hide-count",
        RoomRefusal::TooSlow => "error-too-slow",
        RoomRefusal::KeepsTooLong => "error-keeps-too-long",
        RoomRefusal::TooManyPeople => {
            return tr_args("error-room-too-many", &[("max", kinmesh_proto::limits::SEATS_MAX.into())]);
        }
        RoomRefusal::TooManyRooms(_) => {
            return tr_args("error-too-many-rooms", &[("max", kinmesh_core::ROOMS_MAX.into())]);
        }
        RoomRefusal::Send(SendRefusal::OutboxFull) => "error-outbox-full",
        RoomRefusal::Send(_) => "error-not-joined",
    })
}

/// Why a room did not get a picture.
pub fn picture_error(error: &SetPictureError) -> String {
    match error {
        SetPictureError::Picture(PictureError::NotAPicture { .. }) => tr("error-picture-none"),
        SetPictureError::Picture(PictureError::TooLarge { .. }) => tr("error-picture-too-large"),
        SetPictureError::Picture(PictureError::Io { path, source }) => super::archive::of_file(path, source),
        SetPictureError::Room(error) => room_error(error),
    }
}

fn knock_refusal(refusal: KnockRefusal) -> String {
    match refusal {
        KnockRefusal::NotThere => tr("error-room-not-in"),
        KnockRefusal::IsIn => tr("error-knock-is-in"),
        KnockRefusal::NoKnock => tr("error-knock-none"),
        KnockRefusal::TooLong => {
            tr_args("error-knock-too-long", &[("max", kinmesh_proto::limits::KNOCK_BYTES_MAX.into())])
        }
    }
}

/// Why a post was not changed or answered.
pub fn edit_error(error: &EditError) -> String {
    match error {
        EditError::UnknownPost => tr("error-post-unknown"),
        EditError::NotYours => tr("error-post-not-yours"),
        EditError::Deleted => tr("error-post-deleted"),
        EditError::NotAnEmoji => tr("error-not-an-emoji"),
        EditError::Send(error) => send_error(error),
        EditError::Read(error) => read_error(error),
    }
}

/// Why something was not changed.
pub fn change_error(error: &ChangeError) -> String {
    match error {
        ChangeError::Name(error) => name_error(*error),
        ChangeError::NotJoined => tr("error-not-joined"),
        ChangeError::UnknownPerson => tr("error-unknown-person"),
        ChangeError::Echo => tr("error-echo"),
        ChangeError::Blocked => tr("error-blocked"),
        ChangeError::NoRequest => tr("error-no-request"),
        ChangeError::TooManyRooms { max } => tr_args("error-too-many-rooms", &[("max", (*max).into())]),
        ChangeError::Store(error) => store_error(error),
        ChangeError::Call(error) => call_error(*error),
    }
}

/// Why nobody was introduced.
pub fn introduce_error(error: &IntroduceError) -> String {
    match error {
        IntroduceError::NotAContact => tr("error-not-a-contact"),
        IntroduceError::NotTwoPeople => tr("error-not-two-people"),
        IntroduceError::Send(error) => send_error(error),
    }
}

/// Why a conversation was not read.
pub fn read_error(error: &ReadError) -> String {
    match error {
        ReadError::Store(error) => store_error(error),
        ReadError::Search => tr("error-search"),
        ReadError::Call(error) => call_error(*error),
    }
}

/// Why a text is no way into the mesh.
pub fn link_fault(fault: &LinkFault) -> String {
    match fault {
        LinkFault::Link(LinkError::Room(error)) => name_error(*error),
        LinkFault::Link(_) => tr("error-link"),
        LinkFault::Address(error) => connect_error(error),
        LinkFault::Ticket(error) => invites::ticket_error(*error),
        LinkFault::File { .. } => tr_args("error-invite-file", &[("fault", fault.to_string().into())]),
    }
}

fn connect_error(error: &ConnectError) -> String {
    match error {
        ConnectError::BadAddress => tr("error-link"),
        ConnectError::NoPeerId => tr("error-no-peer-id"),
        ConnectError::Ourselves => tr("error-ourselves"),
        ConnectError::Call(error) => call_error(*error),
    }
}

/// Why a way into the mesh was not taken.
pub fn enter_error(error: &EnterError) -> String {
    match error {
        EnterError::Follow(FollowError::Node(error)) => connect_error(error),
        EnterError::Follow(FollowError::Room(error)) => change_error(error),
        EnterError::Open(error) => invites::open_error(error),
        EnterError::Settings(error) => tr_args("error-settings", &[("fault", error.to_string().into())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reaches_somebody_is_told_whether_the_bootstrap_node_is_reached_too() {
        use BootstrapReach::{Connected, Connecting, None, Unreachable};
        let said = |lan, internet, bootstrap| connection(Connection::new(lan, internet, [bootstrap]));
        assert_eq!(said(2, 3, Connected), "Direct to 5 people · LAN and internet · bootstrap\u{a0}reached");
        assert_eq!(said(0, 1, Connected), "Direct to 1 person · internet · bootstrap\u{a0}reached");
        assert_eq!(
            said(1, 0, Unreachable),
            "Direct to 1 person · LAN · bootstrap unreachable, going on without it"
        );
        for reach in [Connecting, None] {
            assert_eq!(said(1, 0, reach), "Direct to 1 person · LAN");
        }
    }

    #[test]
    fn a_peer_that_broke_reaches_nobody_whatever_it_said_last() {
        let status = NodeStatus { is_broken: true, lan_peers: 2, ..NodeStatus::default() };
        assert_eq!(network(&status), tr("connection-broken"));
    }

    #[test]
    fn a_room_says_how_sure_it_is_that_nothing_is_missing() {
        let said = |of: Completeness| {
            let (title, sentence) = completeness(&of, &Clock::local());
            format!("{title}: {sentence}").replace(['\u{2068}', '\u{2069}'], "")
        };
        let room = |members, agreeing| Completeness { members, agreeing, ..Completeness::default() };
        assert_eq!(said(room(2, 2)), "You have everything: that all 2 other members have.");
        assert_eq!(
            said(Completeness { beyond: 3, ..room(5, 2) }),
            "You have everything: that 2 of 5 other members have. 3 more are here without a connection to you: what \
             they have comes through the others."
        );
        let comparing =
            Completeness { comparing: 1, unreachable: 1, unreachable_since_ms: Some(0), ..room(4, 2) };
        let words = said(comparing);
        assert!(
            words.starts_with("Comparing: You have everything that 2 of 4 other members have."),
            "{words}"
        );
        assert!(words.contains(" 1 unreachable since "), "{words}");
    }
}
