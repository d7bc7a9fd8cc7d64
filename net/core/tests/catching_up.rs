//! Stories of peers that missed something, and of those from whom they get it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

#[path = "catching_up/another_is_asked.rs"]
mod another_is_asked;
#[allow(dead_code)] // Each file of stories uses its part of it.
#[path = "support/mesh.rs"]
mod mesh;

use kinmesh_core::{Completeness, ConversationEvent, SyncFault, Verdict};
use kinmesh_proto::record::{StoredEntry, Write};
use kinmesh_proto::{
    Content, ConversationId, ConversationTag, Delivery, DeviceKeys, Digest, Entry, EntryBody, EntryId,
    EntryPack, Hlc, KeyRange, Receipt, Refusal, RoomFrame, RoomId, SyncAsk, SyncRequest, SyncResponse,
    Unverified, Wanted, limits,
};
use kinmesh_store::HistoryStore;
use mesh::{Faults, Mesh, START_MS};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

fn tag(conversation: ConversationId) -> ConversationTag {
    ConversationTag(room_of(conversation).0)
}

fn room_of(conversation: ConversationId) -> RoomId {
    conversation.room().expect("a room")
}

/// Lets alice and bob say this many things each in the lobby.
fn talk(mesh: &mut Mesh, lobby: ConversationId, count: usize) {
    for number in 0..count {
        mesh.send(ALICE, lobby, &format!("alice {number}")).unwrap();
        mesh.send(BOB, lobby, &format!("bob {number}")).unwrap();
        mesh.settle();
    }
}

#[test]
fn a_late_joiner_gets_everything_from_a_member_who_did_not_write_it() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.add();
    talk(&mut mesh, lobby, 20);
    mesh.isolate(ALICE);
    mesh.join(CAROL, "lobby");
    mesh.link(BOB, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 40);
    assert_eq!(mesh.peers[CAROL].texts(lobby), mesh.peers[BOB].texts(lobby));
    assert_eq!(mesh.peers[CAROL].told_texts(lobby).len(), 40);
}

#[test]
fn a_rejoining_peer_gets_exactly_what_it_missed_and_nothing_else_travels() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    talk(&mut mesh, lobby, 100);
    mesh.isolate(CAROL);
    talk(&mut mesh, lobby, 10);
    let missed: usize = mesh.peers[BOB]
        .history(lobby)
        .iter()
        .rev()
        .take(20)
        .map(|stored| stored.entry.envelope().size())
        .sum();
    mesh.forget_traffic();
    mesh.link(BOB, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].texts(lobby), mesh.peers[BOB].texts(lobby));
    let bytes = mesh.peers[BOB].sync_bytes + mesh.peers[CAROL].sync_bytes;
    assert!(bytes < missed + 1024, "{bytes} bytes for {missed} of entries");
}

#[test]
fn when_nothing_is_missing_next_to_nothing_travels() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    talk(&mut mesh, lobby, 100);
    mesh.isolate(BOB);
    mesh.forget_traffic();
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    let bytes = mesh.peers[ALICE].sync_bytes + mesh.peers[BOB].sync_bytes;
    assert!(bytes > 0 && bytes < 1024, "{bytes} bytes");
    assert_eq!(mesh.peers[ALICE].told_texts(lobby).len(), 200);
}

#[test]
fn two_halves_of_a_room_that_wrote_apart_end_with_the_same_history() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(4, 0);
    talk(&mut mesh, lobby, 5);
    for (one, two) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        mesh.unlink(one, two);
    }
    for number in 0..60 {
        mesh.now_ms += 7;
        mesh.send(number % 2, lobby, &format!("left {number}")).unwrap();
        mesh.now_ms += 7;
        mesh.send(2 + number % 2, lobby, &format!("right {number}")).unwrap();
        mesh.settle();
    }
    mesh.link(1, 2);
    mesh.advance(60_000);
    for peer in 0..4 {
        assert_eq!(mesh.peers[peer].history(lobby).len(), 130, "peer {peer}");
        assert_eq!(mesh.peers[peer].texts(lobby), mesh.peers[0].texts(lobby));
    }
}

/// What somebody says in the lobby while nobody listens: five frames.
const PILED_UP: usize = 600;

/// Two in the lobby, of whom one is away while the other says much. The result counts what was signed.
fn who_spoke_alone(writer: usize) -> (Mesh, ConversationId, usize) {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.isolate(writer);
    for number in 0..PILED_UP {
        mesh.send(writer, lobby, &format!("{number:x<200}")).unwrap();
    }
    mesh.settle();
    let signed = mesh.peers[writer].history(lobby).iter().map(|stored| stored.entry.envelope().size()).sum();
    mesh.forget_traffic();
    (mesh, lobby, signed)
}

/// Whether all that the writer said has left: nothing waits, and each entry went to one member.
fn ensure_all_left(mesh: &mut Mesh, writer: usize, lobby: ConversationId) {
    assert_eq!(mesh.peers[writer].core.overview().rooms[0].waiting, None);
    let mut deliveries = mesh.peers[writer].history(lobby).into_iter().map(|stored| stored.delivery);
    assert!(deliveries.all(|delivery| delivery == Delivery::Sent { members: 1 }));
}

#[test]
fn what_piled_up_while_nobody_listened_travels_once_whoever_asks_first() {
    for (writer, reader) in [(ALICE, BOB), (BOB, ALICE)] {
        let (mut mesh, lobby, signed) = who_spoke_alone(writer);
        mesh.link_unsettled(writer, reader);
        mesh.send(writer, lobby, "and welcome").unwrap();
        mesh.advance(10_000);
        assert_eq!(mesh.peers[reader].texts(lobby), mesh.peers[writer].texts(lobby));
        assert_eq!(mesh.peers[reader].told_texts(lobby).len(), PILED_UP + 1);
        assert!(mesh.peers[reader].gossiped <= 1, "{} came by gossip, too", mesh.peers[reader].gossiped);
        let bytes = mesh.peers[writer].sync_bytes + mesh.peers[reader].sync_bytes;
        assert!(bytes < signed + 4096, "{bytes} bytes for {signed} of entries");
        mesh.send(writer, lobby, "as ever").unwrap();
        mesh.settle();
        assert_eq!(mesh.peers[reader].told_texts(lobby).last().unwrap(), "as ever");
        mesh.advance(2_000);
        ensure_all_left(&mut mesh, writer, lobby);
    }
}

#[test]
fn what_piled_up_is_published_when_nobody_compares() {
    for response in [SyncResponse::NotHere, SyncResponse::Busy] {
        let (mut mesh, lobby, _) = who_spoke_alone(ALICE);
        for peer in &mut mesh.peers {
            let response = response.clone();
            peer.impostor = Some(Box::new(move |_| Some(response.clone())));
        }
        mesh.link(ALICE, BOB);
        mesh.advance(35_000);
        assert_eq!(mesh.peers[BOB].gossiped, PILED_UP);
        assert_eq!(mesh.peers[BOB].texts(lobby), mesh.peers[ALICE].texts(lobby));
        ensure_all_left(&mut mesh, ALICE, lobby);
    }
}

#[test]
fn what_piled_up_arrives_once_when_either_side_is_killed_meanwhile() {
    for (killed, steps) in (0..60).map(|n| (n % 2, 3 * n)) {
        let (mut mesh, lobby, _) = who_spoke_alone(ALICE);
        mesh.link_unsettled(ALICE, BOB);
        for _ in 0..steps {
            mesh.step();
        }
        mesh.restart(killed);
        mesh.link(ALICE, BOB);
        mesh.advance(45_000);
        assert_eq!(mesh.peers[BOB].texts(lobby), mesh.peers[ALICE].texts(lobby), "{killed}, {steps}");
        ensure_all_left(&mut mesh, ALICE, lobby);
    }
}

/// Entries of somebody whom nobody has met, one every second before the story begins, oldest first.
fn old_entries(conversation: ConversationTag, count: usize) -> Vec<Entry> {
    let keys = DeviceKeys::generate(&[77; 32], &[78; 32], 0);
    let entry = |number: usize| {
        let body = EntryBody {
            conversation,
            clock: Hlc::from_ms(START_MS - 1_000 * (count - number) as u64),
            seq: number as u64 + 1,
            prev: Vec::new(),
            content: Content::text(format!("old {number}")),
        };
        Unverified::sign(body, &keys)
    };
    (0..count).map(entry).collect()
}

/// Alice and bob in the lobby with the same old entries; carol is in the lobby too, without any, and
/// connected to nobody.
fn two_who_know_and_one_who_does_not(count: usize) -> (Mesh, ConversationId) {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let entries = old_entries(tag(lobby), count);
    mesh.remember(ALICE, lobby, &entries);
    mesh.remember(BOB, lobby, &entries);
    mesh.add();
    mesh.join(CAROL, "lobby");
    (mesh, lobby)
}

/// What a device said to hold, from its own mouth.
fn digest_of(entries: &[Entry]) -> Digest {
    let mut digest = Digest::default();
    entries.iter().for_each(|entry| digest.add(entry.key()));
    digest
}

#[test]
fn of_a_long_history_with_holes_everything_comes_and_the_newest_first() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(9_000);
    let entries = old_entries(tag(lobby), 9_000);
    // Every third one, and nothing of what is newest or oldest.
    let some: Vec<Entry> = entries[500..8_000].iter().step_by(3).cloned().collect();
    mesh.remember(CAROL, lobby, &some);
    mesh.link(ALICE, CAROL);
    mesh.advance(10_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 9_000);
    let told = mesh.peers[CAROL].told_texts(lobby);
    assert_eq!(told.len(), 9_000 - some.len());
    let number = |text: &String| text.strip_prefix("old ").unwrap().parse::<usize>().unwrap();
    assert!(told[..1_000].iter().map(number).min().unwrap() >= 7_998, "what came first is what is newest");
    assert!(told[told.len() - 100..].iter().map(number).max().unwrap() < 4_096);
    assert_eq!(mesh.peers[CAROL].faults, []);
}

#[test]
fn what_differs_far_back_is_found_without_looking_at_every_window() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(30_000);
    let mut entries = old_entries(tag(lobby), 30_000);
    entries.remove(100);
    mesh.remember(CAROL, lobby, &entries);
    mesh.forget_traffic();
    mesh.link(ALICE, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].told_texts(lobby), ["old 100"]);
    let questions = mesh.peers[ALICE].questions.len() + mesh.peers[CAROL].questions.len();
    assert!(questions < 20, "{questions} questions");
}

#[test]
fn a_device_that_sends_forged_entries_is_left_alone_and_another_one_is_asked() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let entries = old_entries(tag(lobby), 50);
    let forged = move |request: &SyncRequest| {
        let SyncAsk::Fetch(_) = request.ask else { return None };
        // Words of one, signed by another.
        let thief = DeviceKeys::generate(&[80; 32], &[81; 32], 0);
        let (body, _, signature) = entries[49].envelope().parts();
        let forged = Unverified::<EntryBody>::from_parts(body.to_vec(), thief.cert().clone(), *signature);
        Some(SyncResponse::Entries(EntryPack::of([&forged.trust_stored().unwrap()])))
    };
    mesh.peers[ALICE].impostor = Some(Box::new(forged));
    mesh.link(ALICE, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].faults, [(mesh.peers[ALICE].device(), SyncFault::Garbage)]);
    assert_eq!(mesh.peers[CAROL].history(lobby), []);
    mesh.link(BOB, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 50);
    assert_eq!(mesh.peers[CAROL].faults.len(), 1, "told once");
}

#[test]
fn a_device_that_keeps_back_what_it_claims_is_left_alone_and_another_one_is_asked() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let alice = mesh.peers[ALICE].device();
    let withhold = |request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(_) => Some(SyncResponse::Entries(EntryPack::default())),
        _ => None,
    };
    mesh.peers[ALICE].impostor = Some(Box::new(withhold));
    mesh.link(ALICE, CAROL);
    while mesh.peers[CAROL].faults.is_empty() {
        assert!(mesh.step_in_time(), "it is found out");
    }
    assert_eq!(mesh.peers[CAROL].faults, [(alice, SyncFault::Withheld)]);
    mesh.link(BOB, CAROL);
    mesh.advance(4_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 50);
    assert_eq!(mesh.peers[CAROL].faults.len(), 1, "told once");
}

#[test]
fn a_device_that_gives_only_some_of_what_it_claims_is_found_out() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let entries = old_entries(tag(lobby), 50);
    let mut given = false;
    let stingy = move |request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(_) if !std::mem::replace(&mut given, true) => {
            Some(SyncResponse::Entries(EntryPack::of(entries[40..].iter().rev())))
        }
        SyncAsk::Fetch(_) => Some(SyncResponse::Entries(EntryPack::default())),
        _ => None,
    };
    mesh.peers[ALICE].impostor = Some(Box::new(stingy));
    mesh.link(ALICE, CAROL);
    mesh.advance(3_000);
    assert_eq!(mesh.peers[CAROL].faults, [(mesh.peers[ALICE].device(), SyncFault::Withheld)]);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 10, "what did come is good");
}

#[test]
fn a_device_that_never_comes_to_an_end_is_left_alone() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let entries = old_entries(tag(lobby), 50);
    mesh.remember(CAROL, lobby, &entries[..49]);
    let mut round = 0_u8;
    let claim = digest_of(&entries[1..]);
    // Everything is different, each time anew: a fingerprint of the whole that nothing matches.
    let endless = move |request: &SyncRequest| match &request.ask {
        SyncAsk::Compare { .. } => Some(SyncResponse::Digest {
            digest: Digest { newest: Some(entries[48].key()), ..claim },
            window: None,
        }),
        SyncAsk::Reconcile { .. } => {
            round = round.wrapping_add(1);
            let frame = [&[0x61, 0, 0, 1][..], &[round; 16]].concat();
            Some(SyncResponse::Reconciled(frame.into()))
        }
        _ => None,
    };
    mesh.peers[ALICE].impostor = Some(Box::new(endless));
    mesh.link(ALICE, CAROL);
    mesh.advance(3_000);
    assert_eq!(mesh.peers[CAROL].faults, [(mesh.peers[ALICE].device(), SyncFault::Endless)]);
}

#[test]
fn a_device_that_sends_what_was_not_asked_for_is_left_alone() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let other = old_entries(ConversationTag([5; 32]), 50);
    let entries = old_entries(tag(lobby), 50);
    let unwanted = [EntryPack::of([&other[0]]), EntryPack::of([&entries[3], &entries[4]])];
    for pack in unwanted {
        let impostor = move |request: &SyncRequest| match request.ask {
            SyncAsk::Fetch(_) => Some(SyncResponse::Entries(pack.clone())),
            _ => None,
        };
        mesh.peers[ALICE].impostor = Some(Box::new(impostor));
        mesh.restart(CAROL);
        mesh.link(ALICE, CAROL);
        mesh.advance(3_000);
        assert_eq!(mesh.peers[CAROL].faults, [(mesh.peers[ALICE].device(), SyncFault::Garbage)]);
        assert_eq!(mesh.peers[CAROL].history(lobby), []);
    }
}

#[test]
fn who_is_busy_is_asked_again_and_not_blamed() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(50);
    let mut left = 3;
    let busy = move |_: &SyncRequest| {
        left -= 1;
        (left >= 0).then_some(SyncResponse::Busy)
    };
    mesh.peers[ALICE].impostor = Some(Box::new(busy));
    mesh.link(ALICE, CAROL);
    mesh.advance(20_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 50);
    assert_eq!(mesh.peers[CAROL].faults, []);
}

#[test]
fn a_peer_whose_clock_is_a_year_ahead_learns_why_nobody_sees_what_it_writes() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.add();
    mesh.peers[CAROL].ahead_ms = 365 * 24 * 60 * 60 * 1000;
    mesh.join(CAROL, "lobby");
    mesh.link(ALICE, CAROL);
    let key = mesh.send(CAROL, lobby, "from the future").unwrap();
    mesh.send(ALICE, lobby, "from today").unwrap();
    mesh.advance(60_000);
    assert_eq!(mesh.peers[ALICE].texts(lobby), ["from today"]);
    assert_eq!(mesh.peers[CAROL].delivery(lobby, key), Delivery::Failed { reason: Refusal::ClockAhead });
    assert_eq!(mesh.peers[CAROL].texts(lobby), ["from today", "from the future"]);
    mesh.forget_traffic();
    mesh.advance(120_000);
    let is_carried = |request: &SyncRequest| matches!(request.ask, SyncAsk::Push(_) | SyncAsk::Fetch(_));
    let questions = mesh.peers.iter().flat_map(|peer| &peer.questions);
    assert_eq!(
        questions.filter(|request| is_carried(request)).count(),
        0,
        "it is not carried again and again"
    );
    assert_eq!(mesh.peers[ALICE].faults, []);
}

#[test]
fn one_member_whose_clock_is_behind_does_not_make_an_entry_fail_that_others_take() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(1, 0);
    (0..2).for_each(|_| mesh.add());
    // Everybody's clock but bob's is a year ahead of his.
    for ahead in [ALICE, CAROL] {
        mesh.peers[ahead].ahead_ms = 365 * 24 * 60 * 60 * 1000;
    }
    mesh.join(BOB, "lobby");
    mesh.link(ALICE, BOB);
    let key = mesh.send(ALICE, lobby, "what year is it?").unwrap();
    mesh.advance(60_000);
    assert_eq!(mesh.peers[ALICE].delivery(lobby, key), Delivery::Failed { reason: Refusal::ClockAhead });
    mesh.join(CAROL, "lobby");
    mesh.link(ALICE, CAROL);
    mesh.advance(10_000);
    assert_eq!(mesh.peers[CAROL].texts(lobby), ["what year is it?"]);
    assert!(matches!(mesh.peers[ALICE].delivery(lobby, key), Delivery::Sent { .. }));
    mesh.isolate(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(11 * 60 * 1000);
    assert!(mesh.peers[BOB].texts(lobby).is_empty(), "he has refused it again");
    let stored = &mesh.peers[ALICE].history(lobby)[0];
    assert!(matches!(stored.delivery, Delivery::Sent { .. }), "{:?}", stored.delivery);
    assert_eq!(mesh.peers[ALICE].delivery(lobby, key), stored.delivery);
}

#[test]
fn who_writes_too_much_in_a_day_is_refused_and_the_others_go_on_and_so_do_they_the_next_day() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let talker = DeviceKeys::generate(&[77; 32], &[78; 32], 0);
    let text = "x".repeat(limits::TEXT_MAX);
    let say = |keys: &DeviceKeys, ms: u64, text: &str| {
        let (clock, content) = (Hlc::from_ms(ms), Content::text(text));
        let body = EntryBody { conversation: tag(lobby), clock, seq: 1, prev: Vec::new(), content };
        Unverified::sign(body, keys)
    };
    let push = |mesh: &mut Mesh, entry: &Entry| {
        let ask = SyncAsk::Push(EntryPack::of(std::slice::from_ref(entry)));
        match mesh.ask_history(BOB, ALICE, SyncRequest { conversation: tag(lobby), ask }) {
            SyncResponse::Receipts(receipts) => receipts[0],
            other => panic!("{other:?}"),
        }
    };
    let fit = limits::AUTHOR_DAY_BYTES_MAX / say(&talker, START_MS, &text).envelope().size() as u64;
    for number in 0..fit {
        assert_eq!(push(&mut mesh, &say(&talker, START_MS - number, &text)), Receipt::Stored);
    }
    let (over, other) = (say(&talker, START_MS - fit, &text), DeviceKeys::generate(&[79; 32], &[80; 32], 0));
    assert_eq!(push(&mut mesh, &over), Receipt::Refused(Refusal::OverQuota));
    assert_eq!(push(&mut mesh, &say(&other, START_MS, "may I?")), Receipt::Stored);
    mesh.now_ms += 24 * 60 * 60 * 1000;
    let tomorrow = say(&talker, mesh.now_ms, &text);
    assert_eq!(push(&mut mesh, &tomorrow), Receipt::Stored);
    assert_eq!(mesh.peers[ALICE].faults, [], "whoever brings it did nothing wrong");
}

/// Entries of alice that are as many as a member keeps of one author in one day, and `more`, oldest
/// first.
fn a_days_worth_of_alice(mesh: &Mesh, lobby: ConversationId, more: usize) -> Vec<Entry> {
    let keys = mesh.peers[ALICE].keys();
    let text = "x".repeat(limits::TEXT_MAX);
    let say = |number: u64| {
        let (clock, content) = (Hlc::from_ms(START_MS - 10_000 + number), Content::text(text.as_str()));
        let body = EntryBody { conversation: tag(lobby), clock, seq: number + 1, prev: Vec::new(), content };
        Unverified::sign(body, &keys)
    };
    // Nearly all have a number as long as that of this one.
    let fit = limits::AUTHOR_DAY_BYTES_MAX / say(1_000).envelope().size() as u64;
    (0..fit + more as u64).map(say).collect()
}

#[test]
fn who_says_too_much_in_a_day_learns_that_it_is_not_kept() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let worth = a_days_worth_of_alice(&mesh, lobby, 0);
    mesh.remember(ALICE, lobby, &worth);
    mesh.link(ALICE, BOB);
    mesh.advance(30_000);
    assert_eq!(mesh.peers[BOB].history(lobby).len(), worth.len());
    let long = "y".repeat(limits::TEXT_MAX);
    let key = mesh.send(ALICE, lobby, &long).unwrap();
    mesh.settle();
    assert_eq!(
        mesh.peers[BOB].verdicts.last(),
        Some(&Verdict::Ignore),
        "whoever hands it on is not to blame"
    );
    mesh.advance(60_000);
    assert_eq!(mesh.peers[BOB].history(lobby).len(), worth.len());
    assert_eq!(mesh.peers[ALICE].delivery(lobby, key), Delivery::Failed { reason: Refusal::OverQuota });
    assert_eq!(mesh.peers[ALICE].faults, []);
    assert_eq!(mesh.peers[BOB].faults, []);
    // Who was not there counts from the beginning, takes it, and outweighs who refused.
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(60_000);
    assert_eq!(mesh.peers[BOB].history(lobby).len(), worth.len() + 1);
    assert!(matches!(mesh.peers[ALICE].delivery(lobby, key), Delivery::Sent { .. }));
}

#[test]
fn what_a_newcomer_fetches_of_one_author_has_the_same_end() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let worth = a_days_worth_of_alice(&mesh, lobby, 3);
    mesh.remember(ALICE, lobby, &worth);
    mesh.link(ALICE, BOB);
    mesh.advance(90_000);
    assert_eq!(mesh.peers[BOB].history(lobby).len(), worth.len() - 3);
    let failed = Delivery::Failed { reason: Refusal::OverQuota };
    let mut kept = mesh.peers[ALICE].history(lobby);
    kept.retain(|stored| stored.delivery == failed);
    let refused: Vec<_> = kept.iter().map(|stored| stored.entry.key()).collect();
    let oldest: Vec<_> = worth[..3].iter().map(Entry::key).collect();
    assert_eq!(refused, oldest, "the newest come first");
    assert_eq!(mesh.peers[BOB].faults, []);
}

#[test]
fn a_lost_acknowledgement_of_a_chat_is_made_up_for_by_comparing_when_the_two_meet_again() {
    // Whoever of the two begins the comparison.
    for (from, to) in [(ALICE, BOB), (BOB, ALICE)] {
        let mut mesh = Mesh::new(2, 0);
        mesh.link(ALICE, BOB);
        mesh.befriend(ALICE, BOB);
        let (here, there) = (mesh.chat_with(to), mesh.chat_with(from));
        let key = mesh.send(from, here, "did you get this?").unwrap();
        while mesh.peers[to].history(there).is_empty() {
            assert!(mesh.step(), "it is under way");
        }
        // It is on the other's disk, and no delivery gets through from now on.
        mesh.unlink(ALICE, BOB);
        mesh.settle();
        assert_eq!(mesh.peers[from].delivery(here, key), Delivery::Queued);
        mesh.faults.deliveries_lost = 100;
        mesh.link(ALICE, BOB);
        mesh.advance(10_000);
        assert_eq!(mesh.peers[from].delivery(here, key), Delivery::Delivered);
        assert_eq!(mesh.peers[to].told_texts(there), ["did you get this?"]);
    }
}

#[test]
fn our_own_entries_come_back_from_others_and_their_numbers_are_not_used_twice() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    talk(&mut mesh, lobby, 5);
    let texts = mesh.peers[ALICE].texts(lobby);
    mesh.isolate(BOB);
    mesh.lose_entries(BOB);
    assert_eq!(mesh.peers[BOB].history(lobby), []);
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[BOB].texts(lobby), texts);
    let bob = mesh.peers[BOB].person();
    let mut seqs: Vec<u64> = Vec::new();
    for stored in mesh.peers[BOB].history(lobby).iter().filter(|stored| stored.entry.person() == bob) {
        assert!(matches!(stored.delivery, Delivery::Sent { .. }), "{:?}", stored.delivery);
        seqs.push(stored.entry.value().seq);
    }
    let key = mesh.send(BOB, lobby, "I am back").unwrap();
    mesh.settle();
    let newest = mesh.peers[ALICE].history(lobby).pop().unwrap();
    assert_eq!(newest.entry.key(), key);
    assert!(seqs.iter().all(|seq| *seq < newest.entry.value().seq));
    assert!(mesh.peers[BOB].core.overview().rooms[0].unread <= 5, "own entries are not unread");
}

#[test]
fn a_chat_whose_store_was_lost_on_one_side_is_whole_again_when_the_two_meet() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let (with_bob, with_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    for number in 0..20 {
        mesh.send(ALICE, with_bob, &format!("alice {number}")).unwrap();
        mesh.settle();
        mesh.send(BOB, with_alice, &format!("bob {number}")).unwrap();
        mesh.settle();
    }
    let texts = mesh.peers[BOB].texts(with_alice);
    mesh.isolate(ALICE);
    mesh.lose_entries(ALICE);
    mesh.link(ALICE, BOB);
    mesh.advance(10_000);
    assert_eq!(mesh.peers[ALICE].texts(with_bob), texts);
    let alice = mesh.peers[ALICE].person();
    let own = mesh.peers[ALICE].history(with_bob).into_iter().filter(|stored| stored.entry.person() == alice);
    assert!(own.map(|stored| stored.delivery).all(|delivery| delivery == Delivery::Delivered));
}

/// A post of somebody, its erased form, and the delete that erases it.
fn taken_back(lobby: ConversationId) -> (Entry, Entry, Entry) {
    let keys = DeviceKeys::generate(&[79; 32], &[80; 32], 0);
    let sign = |seq, content| {
        let clock = Hlc::from_ms(START_MS - 1_000 + seq);
        Unverified::sign(EntryBody { conversation: tag(lobby), clock, seq, prev: Vec::new(), content }, &keys)
    };
    let post = sign(1, Content::text("regretted"));
    let erased = post.envelope().erased().trust_stored().unwrap();
    let delete = sign(2, Content::Delete { of: post.key() });
    (post, erased, delete)
}

#[test]
fn what_was_taken_back_travels_without_its_words() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(5);
    let (post, erased, delete) = taken_back(lobby);
    mesh.remember(ALICE, lobby, &[post.clone(), delete.clone()]);
    mesh.link(ALICE, CAROL);
    mesh.advance(5_000);
    let entries: Vec<Entry> =
        mesh.peers[CAROL].history(lobby).into_iter().map(|stored| stored.entry).collect();
    assert_eq!(entries[5..], [erased, delete]);
    assert_eq!(mesh.peers[CAROL].faults, []);
}

#[test]
fn who_learns_of_a_delete_while_a_post_is_asked_for_keeps_nothing_back() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.isolate(ALICE);
    let mut who = [ALICE, BOB];
    who.sort_by_key(|index| mesh.peers[*index].device());
    let [asker, holder] = who;
    let (post, _, delete) = taken_back(lobby);
    let newest = Unverified::sign(
        EntryBody {
            conversation: tag(lobby),
            clock: Hlc::from_ms(START_MS),
            seq: 1,
            prev: Vec::new(),
            content: Content::text("newest"),
        },
        &DeviceKeys::generate(&[77; 32], &[78; 32], 0),
    );
    mesh.remember(asker, lobby, std::slice::from_ref(&newest));
    mesh.remember(holder, lobby, &[post, newest]);
    mesh.link_unsettled(asker, holder);
    let is_fetch = |request: &SyncRequest| matches!(request.ask, SyncAsk::Fetch(_));
    while !mesh.peers[holder].questions.iter().any(is_fetch) {
        assert!(mesh.step_in_time(), "something is under way");
    }
    let stored = StoredEntry { entry: delete, delivery: Delivery::Received, received_ms: START_MS };
    mesh.peers[holder].disk.apply(&[Write::PutEntry { conversation: lobby, stored }]).unwrap();
    mesh.advance(30_000);
    assert_eq!(mesh.peers[asker].faults, []);
    assert_eq!(mesh.peers[asker].history(lobby).len(), 3);
}

#[test]
fn an_entry_is_not_erased_on_the_word_of_who_brings_it() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(5);
    let (post, erased, delete) = taken_back(lobby);
    mesh.link(ALICE, BOB);
    let request =
        |entry: &Entry| SyncRequest { conversation: tag(lobby), ask: SyncAsk::Push(EntryPack::of([entry])) };
    let refused = SyncResponse::Receipts(vec![Receipt::Refused(Refusal::Invalid)]);
    assert_eq!(mesh.ask_history(BOB, ALICE, request(&erased)), refused);
    let stored = SyncResponse::Receipts(vec![Receipt::Stored]);
    assert_eq!(mesh.ask_history(BOB, ALICE, request(&post)), stored);
    assert_eq!(mesh.ask_history(CAROL, ALICE, request(&delete)), SyncResponse::NotHere);
    mesh.link(CAROL, ALICE);
    mesh.advance(5_000);
    assert_eq!(mesh.ask_history(CAROL, ALICE, request(&delete)), stored);
    // Now that the delete is here, it vouches for the erased form wherever it comes from.
    assert_eq!(mesh.ask_history(BOB, ALICE, request(&erased)), stored);
    let entries: Vec<Entry> =
        mesh.peers[ALICE].history(lobby).into_iter().map(|stored| stored.entry).collect();
    assert_eq!(entries[5..], [erased, delete]);
}

#[test]
fn an_entry_is_not_erased_on_the_word_of_who_gossips_it() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    let (post, erased, _) = taken_back(lobby);
    for entry in [erased, post.clone()] {
        let frame = RoomFrame::Entries { entries: vec![entry.envelope().clone()], attempt: 0 };
        mesh.bring_frame(BOB, ALICE, room_of(lobby), frame);
        mesh.settle();
    }
    assert_eq!(mesh.peers[ALICE].verdicts[..2], [Verdict::Ignore, Verdict::Accept]);
    assert_eq!(mesh.peers[ALICE].history(lobby)[0].entry, post);
}

#[test]
fn a_chat_is_nobody_elses_business() {
    let (mut mesh, _) = Mesh::in_the_lobby(3, 0);
    let (with_bob, with_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    mesh.send(ALICE, with_bob, "between us").unwrap();
    mesh.settle();
    let tag = mesh.peers[BOB].history(with_alice)[0].entry.value().conversation;
    for ask in [
        SyncAsk::Compare { range: Default::default(), digest: Digest::default() },
        SyncAsk::Fetch(Wanted::Range(Default::default())),
    ] {
        let request = SyncRequest { conversation: tag, ask };
        assert_eq!(mesh.ask_history(CAROL, BOB, request.clone()), SyncResponse::NotHere);
        assert_ne!(mesh.ask_history(ALICE, BOB, request), SyncResponse::NotHere);
    }
}

#[test]
fn who_takes_no_part_in_a_room_gets_nothing_of_it() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.add();
    mesh.link(ALICE, CAROL);
    let ask = SyncAsk::Fetch(Wanted::Range(Default::default()));
    let request = SyncRequest { conversation: tag(lobby), ask };
    assert_eq!(mesh.ask_history(CAROL, ALICE, request), SyncResponse::NotHere);
}

#[test]
fn pushed_garbage_is_refused_with_a_reason_and_its_bringer_is_left_alone() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let other = old_entries(ConversationTag([5; 32]), 1);
    let request = SyncRequest { conversation: tag(lobby), ask: SyncAsk::Push(EntryPack::of(&other)) };
    let refused = SyncResponse::Receipts(vec![Receipt::Refused(Refusal::WrongConversation)]);
    assert_eq!(mesh.ask_history(BOB, ALICE, request.clone()), refused);
    assert_eq!(mesh.peers[ALICE].faults, [(mesh.peers[BOB].device(), SyncFault::Garbage)]);
    assert_eq!(mesh.ask_history(BOB, ALICE, request), SyncResponse::Busy);
    assert_eq!(mesh.peers[ALICE].history(lobby), []);
}

#[test]
fn a_question_over_its_limits_is_refused_whole() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let range = KeyRange::ALL;
    let over = [
        SyncAsk::Reconcile { range, frame: vec![0x61; limits::RECONCILE_FRAME_MAX + 1].into() },
        SyncAsk::Fetch(Wanted::Ids { range, ids: vec![EntryId([1; 32]); limits::FETCH_IDS_MAX + 1] }),
    ];
    for ask in over {
        let request = SyncRequest { conversation: tag(lobby), ask };
        assert_eq!(mesh.ask_history(BOB, ALICE, request), SyncResponse::NotHere);
        assert_eq!(mesh.peers[ALICE].faults.pop(), Some((mesh.peers[BOB].device(), SyncFault::Garbage)));
        mesh.restart(ALICE);
        mesh.link(ALICE, BOB);
    }
    let ask = SyncAsk::Reconcile { range, frame: vec![0x00].into() };
    let request = SyncRequest { conversation: tag(lobby), ask };
    assert_eq!(mesh.ask_history(BOB, ALICE, request), SyncResponse::NotHere, "no message of negentropy");
    assert_eq!(mesh.peers[ALICE].faults, [(mesh.peers[BOB].device(), SyncFault::Garbage)]);
}

#[test]
fn what_was_pushed_is_acknowledged_only_when_it_is_on_disk() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let entries = old_entries(tag(lobby), 3);
    let request = SyncRequest { conversation: tag(lobby), ask: SyncAsk::Push(EntryPack::of(&entries)) };
    mesh.peers[ALICE].disk_works = false;
    assert_eq!(mesh.ask_history(BOB, ALICE, request.clone()), SyncResponse::Busy);
    assert_eq!(mesh.peers[ALICE].told_texts(lobby), Vec::<String>::new());
    mesh.peers[ALICE].disk_works = true;
    let stored = SyncResponse::Receipts(vec![Receipt::Stored; 3]);
    assert_eq!(mesh.ask_history(BOB, ALICE, request.clone()), stored);
    assert_eq!(mesh.ask_history(BOB, ALICE, request), stored);
    assert_eq!(mesh.peers[ALICE].told_texts(lobby), ["old 0", "old 1", "old 2"], "told once");
}

#[test]
fn who_asks_without_end_is_told_to_wait() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let ask = SyncAsk::Compare { range: Default::default(), digest: Digest::default() };
    let request = SyncRequest { conversation: tag(lobby), ask };
    let answers: Vec<_> = (0..6_100).map(|_| mesh.ask_history(BOB, ALICE, request.clone())).collect();
    assert_eq!(answers[6_099], SyncResponse::Busy);
    mesh.advance(2_000);
    assert_ne!(mesh.ask_history(BOB, ALICE, request), SyncResponse::Busy);
}

#[test]
fn who_pushes_without_end_is_told_to_wait() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let entries = a_days_worth_of_alice(&mesh, lobby, 0);
    let pack = EntryPack::of(&entries);
    let (bytes, receipts) = (pack.size(), SyncResponse::Receipts(vec![Receipt::Stored; pack.len()]));
    let request = SyncRequest { conversation: tag(lobby), ask: SyncAsk::Push(pack) };
    let mut pushed = 0;
    while mesh.ask_history(ALICE, BOB, request.clone()) == receipts {
        pushed += 1;
        assert!(pushed < 2_000, "there is an end to it");
    }
    assert!(pushed * bytes > 1_000_000 * 400, "a million entries get through");
    assert_eq!(mesh.ask_history(ALICE, BOB, request.clone()), SyncResponse::Busy);
    assert_eq!(mesh.peers[BOB].faults, [], "nothing is wrong with it");
    mesh.advance(2_000);
    assert_eq!(mesh.ask_history(ALICE, BOB, request), receipts);
}

#[test]
fn a_peer_that_is_killed_while_it_catches_up_goes_on_where_it_was() {
    let (mut mesh, lobby) = two_who_know_and_one_who_does_not(3_000);
    mesh.link_unsettled(ALICE, CAROL);
    while mesh.peers[CAROL].told_texts(lobby).is_empty() {
        assert!(mesh.step_in_time(), "something is under way");
    }
    let before = mesh.peers[CAROL].history(lobby).len();
    assert!(before < 3_000);
    mesh.restart(CAROL);
    mesh.link(BOB, CAROL);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 3_000);
    assert_eq!(mesh.peers[CAROL].told_texts(lobby).len(), 3_000 - before, "what it had did not come again");
}

#[test]
fn completeness_tells_who_agrees_and_since_when_the_others_are_away() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(4, 0);
    talk(&mut mesh, lobby, 3);
    mesh.advance(10_000);
    let completeness = |mesh: &mut Mesh| mesh.peers[ALICE].core.overview().rooms[0].completeness;
    let all = Completeness { members: 3, agreeing: 3, ..Completeness::default() };
    assert_eq!(completeness(&mut mesh), all);
    mesh.isolate(CAROL);
    let gone_ms = mesh.now_ms;
    mesh.advance(60_000);
    let now = completeness(&mut mesh);
    assert_eq!((now.members, now.agreeing, now.comparing, now.unreachable), (3, 2, 0, 1));
    assert!(gone_ms - now.unreachable_since_ms.unwrap() <= 5_000);
    let told = ConversationEvent::CompletenessChanged { completeness: now };
    assert!(mesh.peers[ALICE].is_told(&told));
    mesh.link(ALICE, CAROL);
    mesh.advance(10_000);
    assert_eq!(completeness(&mut mesh), all);
}

#[test]
fn whoever_is_here_without_a_connection_is_not_waited_for_to_compare() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.unlink(ALICE, CAROL);
    talk(&mut mesh, lobby, 3);
    mesh.advance(60_000);
    let here = Completeness { members: 2, agreeing: 1, beyond: 1, ..Completeness::default() };
    assert_eq!(mesh.peers[ALICE].core.overview().rooms[0].completeness, here);
}

#[test]
fn whatever_gossip_and_the_network_lose_everybody_ends_with_the_same_history() {
    for seed in 0..40 {
        let (mut mesh, lobby) = Mesh::in_the_lobby(4, seed);
        mesh.faults =
            Faults { gossip_lost: 60, chat_lost: 10, deliveries_lost: 0, repeated: 5, shuffled: true };
        let mut sent = 0;
        for _ in 0..25 {
            let (one, two) = (mesh.dice.below(4), mesh.dice.below(4));
            match mesh.dice.below(6) {
                0 if one != two => mesh.unlink(one, two),
                1 if one != two => mesh.link(one, two),
                2 => mesh.restart(one),
                _ => {
                    mesh.send(one, lobby, &format!("{sent} of {one}")).unwrap();
                    sent += 1;
                }
            }
            mesh.advance(1_000);
        }
        for (one, two) in [(0, 1), (1, 2), (2, 3)] {
            mesh.link(one, two);
        }
        mesh.advance(300_000);
        for peer in 0..4 {
            assert_eq!(mesh.peers[peer].history(lobby).len(), sent, "seed {seed}, peer {peer}");
            assert_eq!(mesh.peers[peer].texts(lobby), mesh.peers[0].texts(lobby), "seed {seed}");
            assert_eq!(mesh.peers[peer].faults, [], "seed {seed}: nobody misbehaved");
        }
    }
}
