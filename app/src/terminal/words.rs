//! Lines as they are printed: entries, people, rooms, the state of things.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use kinmesh_core::{Completeness, EntryView, Online, PersonView, RoomView, Route, WaitReason, Waiting};
use kinmesh_model::CallNote;
use kinmesh_net::{BootstrapLink, NodeStatus, Overview, SearchProgress};
use kinmesh_proto::{Delivery, Refusal};

use super::safe::safe;
use super::{moderation, names};
use crate::calls;
use crate::i18n::{tr, tr_args};
use crate::rebuilt;

/// Characters of an own message that its state is shown with.
const EXCERPT_CHARS: usize = 40;

/// A time of today as `12:03`, of another day with its date.
pub(super) fn time(unix_ms: u64, now: &Zoned) -> String {
    let Some(then) = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()) else {
        return tr("terminal-time-unknown");
    };
    let then = then.to_zoned(now.time_zone().clone());
    let form = if then.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    then.strftime(form).to_string()
}

/// Now, where this person is.
pub(super) fn now() -> Zoned {
    Timestamp::now().to_zoned(TimeZone::system())
}

/// `12:03 #lobby Bo: hello`
pub(super) fn entry(overview: &Overview, entry: &EntryView, now: &Zoned) -> String {
    let place = names::place(overview, entry.conversation);
    let who = names::who(overview, entry.author);
    let mut line = format!("{} {place} {who}: {}", time(entry.written_ms, now), text(overview, entry));
    if entry.edited_ms.is_some() {
        line.push(' ');
        line.push_str(&tr("terminal-edited"));
    }
    for reaction in &entry.reactions {
        let people = reaction.people.iter().map(|person| names::who(overview, *person));
        line.push_str(&format!(" {} {}", safe(&reaction.emoji), people.collect::<Vec<_>>().join(", ")));
    }
    line
}

fn text(overview: &Overview, entry: &EntryView) -> String {
    if let (None, Some(why)) = (&entry.text, &entry.withheld) {
        return moderation::withheld(overview, why);
    }
    let call = CallNote::of(entry, overview.me.person).map(calls::words::note);
    match &entry.text {
        Some(text) => safe(text),
        None if entry.introduces.is_some() => introduction(entry),
        None if entry.deleted => tr("terminal-deleted"),
        None if entry.sealed => tr("terminal-sealed"),
        None => super::rooms::invitation(entry).or(call).unwrap_or_else(|| tr("terminal-unreadable")),
    }
}

/// That somebody passes on a contact of theirs.
fn introduction(entry: &EntryView) -> String {
    let introduced = entry.introduces.as_ref();
    let (name, fingerprint) = introduced
        .map(|introduced| (safe(introduced.name.as_str()), introduced.person.fingerprint()))
        .unwrap_or_default();
    tr_args("terminal-introduces", &[("name", name.into()), ("fingerprint", fingerprint.into())])
}

/// `(answers Bo: hello)`
pub(super) fn answered(overview: &Overview, original: &EntryView) -> String {
    let args = [
        ("who", names::who(overview, original.author).into()),
        ("text", excerpt(&text(overview, original)).into()),
    ];
    tr_args("terminal-answers", &args)
}

/// How far an own entry has come, up to being read; `None` for entries of others.
pub(super) fn state(entry: &EntryView) -> Option<String> {
    if entry.read_by_other { Some(tr("terminal-read")) } else { delivery(entry.delivery) }
}

/// What of ours waits in a place, and for what.
pub(super) fn waiting(place: &str, waiting: Waiting, now: &Zoned) -> String {
    let args =
        [("count", waiting.entries.into()), ("reason", wait_reason(place, waiting.reason, now).into())];
    tr_args("terminal-waiting", &args)
}

fn wait_reason(place: &str, reason: WaitReason, now: &Zoned) -> String {
    let with_place = |words| tr_args(words, &[("place", place.into())]);
    match reason {
        WaitReason::Sending => tr("terminal-wait-sending"),
        WaitReason::Offline { last_seen_ms: 0 } => with_place("terminal-wait-never"),
        WaitReason::Offline { last_seen_ms } => {
            let args = [("place", place.into()), ("time", time(last_seen_ms, now).into())];
            tr_args("terminal-wait-offline", &args)
        }
        WaitReason::Connecting => with_place("terminal-wait-connecting"),
        WaitReason::Refused => with_place("terminal-wait-refused"),
        WaitReason::NoAnswer => with_place("terminal-wait-no-answer"),
        WaitReason::Unanswered => with_place("terminal-wait-unanswered"),
        WaitReason::Alone => tr("terminal-wait-alone"),
        WaitReason::Unreadable => tr("terminal-wait-unreadable"),
    }
}

/// How far an own entry has come; `None` for entries of others.
pub(super) fn delivery(delivery: Delivery) -> Option<String> {
    match delivery {
        Delivery::Received => None,
        Delivery::Queued => Some(tr("terminal-queued")),
        Delivery::Sent { members } => Some(tr_args("terminal-sent", &[("members", members.into())])),
        Delivery::Delivered => Some(tr("terminal-delivered")),
        Delivery::Failed { reason } => {
            Some(tr_args("terminal-failed", &[("reason", refusal(reason).into())]))
        }
    }
}

fn refusal(reason: Refusal) -> String {
    match reason {
        Refusal::Invalid => tr("terminal-refused-invalid"),
        Refusal::WrongConversation => tr("terminal-refused-conversation"),
        Refusal::ClockAhead => tr("terminal-refused-clock"),
        Refusal::NotAuthor => tr("terminal-refused-author"),
        Refusal::OverQuota => tr("terminal-refused-quota"),
        Refusal::TooOld => tr("refusal-too-old"),
    }
}

/// The first words of a text, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let start: String = line.chars().take(EXCERPT_CHARS).collect();
    let cut = start.len() < text.trim_end().len();
    format!("{}{}", safe(&start), if cut { "…" } else { "" })
}

/// `* Bo, here since 12:03, local network, contact`
pub(super) fn person(overview: &Overview, person: &PersonView, now: &Zoned) -> String {
    let mark = if person.online.is_online() { "*" } else { "-" };
    let mut words =
        vec![format!("{mark} {} [{}]", safe(&person.name), person.fingerprint), presence(person, now)];
    words.extend(route(person.route));
    if person.nickname.is_some() {
        words.push(tr_args("terminal-own-name", &[("name", safe(person.own_name.as_str()).into())]));
    }
    words.extend(super::contacts::standing(overview, person));
    if !person.status.as_str().is_empty() {
        words.push(format!("\"{}\"", safe(person.status.as_str())));
    }
    words.join(", ")
}

fn presence(person: &PersonView, now: &Zoned) -> String {
    match person.online {
        Online::Online { since_ms } => tr_args("terminal-online", &[("time", time(since_ms, now).into())]),
        Online::Offline { last_seen_ms: 0 } => tr("presence-never"),
        Online::Offline { last_seen_ms } => {
            tr_args("terminal-offline", &[("time", time(last_seen_ms, now).into())])
        }
    }
}

fn route(route: Route) -> Option<String> {
    match route {
        Route::Local => Some(tr("terminal-route-local")),
        Route::Lan => Some(tr("terminal-route-lan")),
        Route::Internet => Some(tr("terminal-route-internet")),
        Route::Mesh => Some(tr("terminal-route-mesh")),
        Route::None => None,
    }
}

/// `#lobby, 3 members, 2 here, 5 unread; complete with 1 of 2 others; 1 away since 12:03`
pub(super) fn room(room: &RoomView, now: &Zoned) -> String {
    let numbers =
        [("members", room.members.into()), ("online", room.online.into()), ("unread", room.unread.into())];
    let left = if room.joined { String::new() } else { format!(", {}", tr("terminal-room-left")) };
    let complete = if room.joined { completeness(room.completeness, now) } else { String::new() };
    let numbers = tr_args("terminal-room-numbers", &numbers);
    let private = room.private.as_ref().map(super::rooms::mark);
    let kind = private.or_else(|| room.founded.as_ref().map(|founded| moderation::mark(room, founded)));
    let private = kind.map(|kind| format!(", {kind}"));
    format!("#{}, {numbers}{}{left}{complete}", safe(room.name.as_str()), private.unwrap_or_default())
}

/// How sure it is that nothing is missing in a room with others.
fn completeness(completeness: Completeness, now: &Zoned) -> String {
    let Completeness { members, agreeing, unreachable, unreachable_since_ms, .. } = completeness;
    if members == 0 {
        return String::new();
    }
    let agreeing = [("agreeing", agreeing.into()), ("members", members.into())];
    let mut words = format!("; {}", tr_args("terminal-complete", &agreeing));
    if let Some(since_ms) = unreachable_since_ms {
        let away = [("count", unreachable.into()), ("time", time(since_ms, now).into())];
        words.push_str(&format!("; {}", tr_args("terminal-unreachable", &away)));
    }
    words
}

/// How the peer stands with the network, line by line.
pub(super) fn status(status: &NodeStatus) -> Vec<String> {
    let peers = [("lan", status.lan_peers.into()), ("internet", status.internet_peers.into())];
    let mut lines = vec![tr_args("terminal-peers", &peers)];
    lines.extend(status.bootstraps.iter().map(|node| format!("{}: {}", node.address, link(&node.link))));
    if status.bootstraps.is_empty() {
        lines.push(tr("terminal-no-bootstrap"));
    }
    let listening = status.listening.iter().map(|address| address.to_string().into());
    lines.extend(listening.map(|address| tr_args("terminal-listening", &[("address", address)])));
    lines.extend(troubles(status));
    lines.extend(status.search_progress.map(search_progress));
    lines
}

/// What became of the history, when something did.
pub(super) fn troubles(status: &NodeStatus) -> Vec<String> {
    let fault = status.store_fault.map(rebuilt::fault);
    fault.into_iter().chain(status.store_rebuilt.as_ref().map(rebuilt::words)).collect()
}

/// That a search finds a part only.
pub(super) fn search_progress(SearchProgress { indexed, total }: SearchProgress) -> String {
    tr_args("terminal-search-progress", &[("indexed", indexed.into()), ("total", total.into())])
}

fn link(link: &BootstrapLink) -> String {
    match link {
        BootstrapLink::Connecting => tr("terminal-bootstrap-connecting"),
        BootstrapLink::Connected => tr("terminal-bootstrap-connected"),
        BootstrapLink::Unreachable { reason } => {
            tr_args("terminal-bootstrap-unreachable", &[("reason", safe(reason).into())])
        }
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_proto::{RoomId, RoomName};

    use super::*;

    fn noon() -> Zoned {
        "2026-11-05T12:00[UTC]".parse().unwrap()
    }

    fn ms(time: &str) -> u64 {
        let time: Timestamp = time.parse().unwrap();
        time.as_millisecond().try_into().unwrap()
    }

    #[test]
    fn times_of_other_days_carry_their_date() {
        assert_eq!(time(ms("2026-11-05T09:05Z"), &noon()), "09:05");
        assert_eq!(time(ms("2026-11-04T23:59Z"), &noon()), "2026-11-04 23:59");
    }

    #[test]
    fn a_time_beyond_all_calendars_is_no_panic() {
        assert_eq!(time(u64::MAX, &noon()), tr("terminal-time-unknown"));
        assert_eq!(time(i64::MAX.unsigned_abs(), &noon()), tr("terminal-time-unknown"));
    }

    fn lobby(completeness: Completeness) -> RoomView {
        let name = RoomName::lobby();
        RoomView {
            room: RoomId::public(&name),
            name,
            picture: None,
            joined: true,
            members: completeness.members + 1,
            online: completeness.members + 1 - completeness.unreachable,
            unread: 0,
            last: None,
            waiting: None,
            completeness,
            private: None,
            voice: Vec::new(),
            founded: None,
            moderation: None,
            hidden_people: Vec::new(),
        }
    }

    #[test]
    fn a_room_says_with_how_many_others_it_is_complete_and_who_is_away() {
        let one_is_away = Completeness {
            members: 2,
            agreeing: 1,
            unreachable: 1,
            unreachable_since_ms: Some(ms("2026-11-05T09:05Z")),
            ..Completeness::default()
        };
        assert_eq!(
            room(&lobby(one_is_away), &noon()),
            "#lobby, 3 members, 2 here, 0 unread; complete with 1 of 2 others; 1 away since 09:05"
        );
        let all_are_here = Completeness { members: 2, agreeing: 1, comparing: 1, ..Completeness::default() };
        assert_eq!(
            room(&lobby(all_are_here), &noon()),
            "#lobby, 3 members, 3 here, 0 unread; complete with 1 of 2 others"
        );
        let alone = lobby(Completeness::default());
        assert_eq!(room(&alone, &noon()), "#lobby, 1 member, 1 here, 0 unread");
        let left = RoomView { joined: false, ..lobby(one_is_away) };
        assert_eq!(room(&left, &noon()), "#lobby, 3 members, 2 here, 0 unread, left");
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("hello"), "hello");
        assert_eq!(excerpt("hello\n"), "hello");
        assert_eq!(excerpt("first\nsecond"), "first…");
        assert_eq!(excerpt(&"界".repeat(50)), format!("{}…", "界".repeat(40)));
        assert_eq!(excerpt("\u{1b}[2J"), "␛[2J");
    }
}
