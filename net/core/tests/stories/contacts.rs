//! Strangers ask, contacts write, and who is blocked is not there.

use kinmesh_core::{
    Acquaintance, BatchToken, Because, ContactRefusal, ConversationEvent, Event, PersonView, SendRefusal,
    WaitReason,
};
use kinmesh_proto::record::{Asking, PersonRecord, Ties, Write};
use kinmesh_proto::{
    Ask, ChatRequest, ChatResponse, Content, ConversationId, Delivery, DeviceKeys, DisplayName, EntryBody,
    Hlc, KeyRange, Receipt, Refusal, SyncAsk, SyncRequest, SyncResponse, Unverified, Wanted, limits,
};
use kinmesh_store::HistoryStore;

use crate::mesh::{Mesh, START_MS};
use crate::{ALICE, BOB, CAROL};

/// Requests of all strangers together that the user is told of in an hour.
const REQUESTS_MAX: usize = 30;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// People who are connected and know nothing of each other, and answer requests when the story says so.
fn strangers(peers: usize) -> Mesh {
    let mut mesh = Mesh::new(peers, 0);
    mesh.accept_requests = false;
    for one in 0..peers {
        for two in one + 1..peers {
            mesh.link(one, two);
        }
    }
    mesh
}

fn view_of(mesh: &mut Mesh, index: usize, of: usize) -> PersonView {
    let person = mesh.peers[of].person();
    let people = mesh.peers[index].core.overview().people;
    people.iter().find(|view| view.person == person).cloned().unwrap()
}

fn acquaintance(mesh: &mut Mesh, index: usize, with: usize) -> Acquaintance {
    view_of(mesh, index, with).acquaintance
}

fn accept(mesh: &mut Mesh, index: usize, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[index].core.accept(now_ms, person).unwrap();
    mesh.settle();
}

fn set_blocked(mesh: &mut Mesh, index: usize, whom: usize, blocked: bool) {
    let person = mesh.peers[whom].person();
    mesh.peers[index].core.set_blocked(person, blocked).unwrap();
    mesh.settle();
}

fn set_contact(mesh: &mut Mesh, index: usize, whom: usize, contact: bool) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[index].core.set_contact(now_ms, person, contact).unwrap();
    mesh.settle();
}

fn requests(mesh: &Mesh, index: usize) -> Vec<Option<String>> {
    mesh.peers[index].core.requests().into_iter().map(|request| request.text).collect()
}

/// Says something to a peer in the place of another one's program.
fn bring(mesh: &mut Mesh, from: usize, to: usize, request: ChatRequest) -> ChatResponse {
    let batch = BatchToken { person: mesh.peers[to].person(), number: u64::MAX };
    mesh.bring_request(from, to, batch, request);
    mesh.settle();
    mesh.peers[to].answers.last().cloned().unwrap()
}

/// An entry of Alice in her chat with Bob.
fn entry(mesh: &Mesh, content: Content) -> Unverified<EntryBody> {
    let keys = mesh.peers[ALICE].keys();
    let body = EntryBody {
        conversation: mesh.chat_with(BOB).tag(keys.person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq: 1,
        prev: vec![],
        content,
    };
    Unverified::sign(body, &keys).envelope().clone()
}

fn ask(entry: Unverified<EntryBody>) -> ChatRequest {
    ChatRequest::Ask(Box::new(Ask { entry: Some(entry), introduction: None }))
}

#[test]
fn a_text_to_a_stranger_is_a_request_and_once_accepted_the_first_message_of_both() {
    let mut mesh = strangers(2);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let key = mesh.send(ALICE, to_bob, "hi, it is me from the lake").unwrap();
    mesh.settle();
    assert_eq!(requests(&mesh, BOB), [Some("hi, it is me from the lake".to_owned())]);
    assert_eq!(mesh.peers[BOB].texts(to_alice), [""; 0], "it is no chat yet");
    assert!(mesh.peers[BOB].core.overview().chats.is_empty());
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: true });
    let waiting = mesh.peers[ALICE].core.overview().chats[0].waiting.unwrap();
    assert_eq!((waiting.entries, waiting.reason), (1, WaitReason::Unanswered));
    accept(&mut mesh, BOB, ALICE);
    for (index, with) in [(ALICE, BOB), (BOB, ALICE)] {
        let chat = mesh.chat_with(with);
        assert_eq!(acquaintance(&mut mesh, index, with), Acquaintance::Contact);
        assert_eq!(mesh.peers[index].texts(chat), ["hi, it is me from the lake"]);
        assert_eq!(mesh.peers[index].told_texts(chat), ["hi, it is me from the lake"]);
    }
    assert_eq!(mesh.peers[ALICE].delivery(to_bob, key), Delivery::Delivered);
    assert_eq!(requests(&mesh, BOB), []);
    let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
    let accepted = Event::BecameContacts { person: bob, because: Because::TheyAccepted };
    assert!(mesh.peers[ALICE].told.contains(&accepted));
    let asked = Event::BecameContacts { person: alice, because: Because::TheyAsked };
    assert!(mesh.peers[BOB].told.contains(&asked));
}

#[test]
fn nothing_but_a_request_of_a_stranger_reaches_the_user() {
    let mut mesh = strangers(2);
    let to_alice = mesh.chat_with(ALICE);
    let words = entry(&mesh, Content::text("buy this"));
    let told = mesh.peers[BOB].told.len();
    let tag = mesh.chat_with(BOB).tag(mesh.peers[ALICE].person());
    let up_to = words.clone().trust_stored().unwrap().key();
    assert_eq!(bring(&mut mesh, ALICE, BOB, ChatRequest::Deliver(vec![words])), ChatResponse::AskFirst);
    assert_eq!(bring(&mut mesh, ALICE, BOB, ChatRequest::Typing), ChatResponse::Noted);
    assert_eq!(bring(&mut mesh, ALICE, BOB, ChatRequest::Read { up_to }), ChatResponse::Noted);
    assert_eq!(bring(&mut mesh, ALICE, BOB, ChatRequest::Accepted), ChatResponse::Noted);
    for ask in [SyncAsk::Fetch(Wanted::Range(KeyRange::ALL)), SyncAsk::Push(kinmesh_proto::EntryPack::of([]))]
    {
        let answer = mesh.ask_history(ALICE, BOB, SyncRequest { conversation: tag, ask });
        assert_eq!(answer, SyncResponse::NotHere);
    }
    assert_eq!(mesh.peers[BOB].told.len(), told, "{:?}", &mesh.peers[BOB].told[told..]);
    assert!(mesh.peers[BOB].history(to_alice).is_empty());
    assert_eq!(acquaintance(&mut mesh, BOB, ALICE), Acquaintance::Stranger);
}

#[test]
fn who_is_declined_is_not_told_and_not_shown_again() {
    let mut mesh = strangers(2);
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "please").unwrap();
    mesh.settle();
    let alice = mesh.peers[ALICE].person();
    mesh.peers[BOB].core.decline(alice).unwrap();
    mesh.settle();
    mesh.unlink(ALICE, BOB);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(HOUR_MS / 2);
    assert_eq!(requests(&mesh, BOB), []);
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: true });
    let told = mesh.peers[BOB].told.clone();
    assert!(!told.contains(&Event::ContactRequested { person: alice }), "{told:?}");
    // The user changes their mind.
    set_contact(&mut mesh, BOB, ALICE, true);
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Contact);
    assert_eq!(mesh.peers[BOB].told_texts(mesh.chat_with(ALICE)), ["please"]);
}

#[test]
fn who_ask_each_other_at_once_are_contacts_with_both_texts() {
    let mut mesh = strangers(2);
    mesh.unlink(ALICE, BOB);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    mesh.send(ALICE, to_bob, "are you Bob?").unwrap();
    mesh.now_ms += 1;
    mesh.send(BOB, to_alice, "are you Alice?").unwrap();
    mesh.settle();
    mesh.link(ALICE, BOB);
    for (index, with) in [(ALICE, BOB), (BOB, ALICE)] {
        assert_eq!(acquaintance(&mut mesh, index, with), Acquaintance::Contact);
        assert_eq!(mesh.peers[index].texts(mesh.chat_with(with)), ["are you Bob?", "are you Alice?"]);
        assert!(mesh.peers[index].core.requests().is_empty());
    }
}

#[test]
fn adding_or_answering_who_asks_accepts_them() {
    for answer in [None, Some("hello Alice")] {
        let mut mesh = strangers(2);
        let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
        mesh.send(ALICE, to_bob, "hello Bob").unwrap();
        mesh.settle();
        mesh.now_ms += 1;
        match answer {
            None => set_contact(&mut mesh, BOB, ALICE, true),
            Some(text) => drop(mesh.send(BOB, to_alice, text).unwrap()),
        }
        mesh.settle();
        assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Contact);
        let texts: Vec<&str> = ["hello Bob"].into_iter().chain(answer).collect();
        assert_eq!(mesh.peers[ALICE].texts(to_bob), texts);
        assert_eq!(mesh.peers[BOB].texts(to_alice), texts);
    }
}

#[test]
fn a_request_survives_restarts_of_both_and_goes_when_the_two_meet() {
    let mut mesh = strangers(2);
    mesh.unlink(ALICE, BOB);
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "one").unwrap();
    mesh.settle();
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: false });
    mesh.restart(ALICE);
    mesh.link(ALICE, BOB);
    assert_eq!(requests(&mesh, BOB), [Some("one".to_owned())]);
    mesh.restart(BOB);
    assert_eq!(requests(&mesh, BOB), [Some("one".to_owned())]);
    accept(&mut mesh, BOB, ALICE);
    assert_eq!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)), ["one"]);
    // Alice hears of it when they meet, whatever became of a word of it.
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: true });
    mesh.restart(ALICE);
    mesh.link(BOB, ALICE);
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Contact);
    assert_eq!(mesh.peers[BOB].told_texts(mesh.chat_with(ALICE)), ["one"]);
}

#[test]
fn what_is_written_after_a_request_waits_until_it_is_accepted() {
    let mut mesh = strangers(2);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let long = "x".repeat(limits::ASK_TEXT_MAX + 1);
    let refused = mesh.send(ALICE, to_bob, &long);
    assert_eq!(refused, Err(SendRefusal::TooLongToAsk { size: long.len() }));
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Stranger, "nothing was asked");
    for text in ["first", &long, "third"] {
        mesh.send(ALICE, to_bob, text).unwrap();
        mesh.now_ms += 1;
    }
    mesh.advance(60_000);
    assert_eq!(requests(&mesh, BOB), [Some("first".to_owned())], "one request, with one text");
    assert!(mesh.peers[BOB].history(to_alice).is_empty());
    accept(&mut mesh, BOB, ALICE);
    assert_eq!(mesh.peers[BOB].texts(to_alice), ["first", &long, "third"]);
}

#[test]
fn words_may_follow_a_request_without_any() {
    let mut mesh = strangers(2);
    set_contact(&mut mesh, ALICE, BOB, true);
    assert_eq!(requests(&mesh, BOB), [None]);
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "it is me").unwrap();
    mesh.settle();
    assert_eq!(requests(&mesh, BOB), [Some("it is me".to_owned())]);
}

#[test]
fn a_lost_word_of_acceptance_is_made_up_for() {
    let mut mesh = strangers(2);
    let to_bob = mesh.chat_with(BOB);
    let key = mesh.send(ALICE, to_bob, "hello").unwrap();
    mesh.settle();
    mesh.faults.chat_lost = 100;
    accept(&mut mesh, BOB, ALICE);
    mesh.faults.chat_lost = 0;
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: true });
    mesh.advance(11 * 60_000);
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Contact);
    assert_eq!(mesh.peers[ALICE].delivery(to_bob, key), Delivery::Delivered);
}

#[test]
fn who_is_blocked_is_kept_out_and_all_is_as_before_once_that_is_taken_back() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.accept_requests = false;
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "hello?").unwrap();
    mesh.send(ALICE, lobby, "said before").unwrap();
    mesh.settle();
    set_blocked(&mut mesh, BOB, ALICE, true);
    assert_eq!(requests(&mesh, BOB), [], "nobody who is blocked asks anything");
    mesh.link(ALICE, BOB);
    let told = mesh.peers[BOB].told.len();
    mesh.send(ALICE, lobby, "can you hear me?").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[BOB].texts(lobby).last().unwrap(), "can you hear me?", "Carol passed it on");
    let added = |event: &Event| {
        matches!(event, Event::Conversation { change: ConversationEvent::EntryAdded { .. }, .. })
    };
    assert!(!mesh.peers[BOB].told[told..].iter().any(added), "and it is not shown");
    assert_eq!(mesh.peers[BOB].core.overview().rooms[0].last, None);
    let alice = mesh.peers[ALICE].person();
    let to_alice = mesh.chat_with(ALICE);
    assert_eq!(mesh.send(BOB, to_alice, "hm"), Err(SendRefusal::Blocked));
    mesh.restart(BOB);
    mesh.link(BOB, CAROL);
    mesh.link(ALICE, BOB);
    assert_eq!(acquaintance(&mut mesh, BOB, ALICE), Acquaintance::Blocked);
    assert_eq!(mesh.peers[BOB].core.blocked().into_iter().collect::<Vec<_>>(), [alice]);
    set_blocked(&mut mesh, BOB, ALICE, false);
    assert_eq!(requests(&mesh, BOB), [Some("hello?".to_owned())]);
    mesh.link(ALICE, BOB);
    mesh.send(ALICE, lobby, "and now?").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["and now?"]);
}

#[test]
fn a_new_device_of_who_is_blocked_is_kept_out_too() {
    let mut mesh = strangers(2);
    set_blocked(&mut mesh, BOB, ALICE, true);
    let elsewhere = DeviceKeys::generate(&mesh.peers[ALICE].person_seed(), &[77; 32], START_MS);
    let mut core =
        kinmesh_core::Core::new(elsewhere, Default::default(), START_MS, rand::SeedableRng::seed_from_u64(5));
    let name = DisplayName::new("Alice again").unwrap();
    let token = core.set_profile(name, Default::default());
    core.persisted(START_MS, token, &[]);
    let (device, now_ms) = (core.overview().me.device, mesh.now_ms);
    let hello = core.hello(now_ms).unwrap();
    let heard = mesh.peers[BOB].core.hello_received(now_ms, device, hello);
    assert!(matches!(heard, Err(kinmesh_core::HelloError::Blocked)));
    let outputs = std::iter::from_fn(|| mesh.peers[BOB].core.poll_output()).collect::<Vec<_>>();
    assert!(outputs.contains(&kinmesh_core::Output::KeepOut { device }), "{outputs:?}");
}

#[test]
fn a_crowd_of_strangers_is_heard_a_few_at_a_time() {
    let crowd = REQUESTS_MAX + 5;
    let mut mesh = Mesh::new(crowd + 1, 0);
    mesh.accept_requests = false;
    for stranger in 1..=crowd {
        mesh.link(stranger, ALICE);
        let to_alice = mesh.chat_with(ALICE);
        mesh.send(stranger, to_alice, "me, me!").unwrap();
        mesh.settle();
    }
    assert_eq!(requests(&mesh, ALICE).len(), REQUESTS_MAX);
    assert_eq!(mesh.peers[crowd].answers, []);
    mesh.now_ms += HOUR_MS;
    mesh.advance(60_000);
    assert_eq!(requests(&mesh, ALICE).len(), crowd, "the others come again by themselves");
}

#[test]
fn a_request_that_is_none_is_refused() {
    let mut mesh = strangers(2);
    let refused = ChatResponse::Receipts(vec![Receipt::Refused(Refusal::Invalid)]);
    let long = entry(&mesh, Content::text("x".repeat(limits::ASK_TEXT_MAX + 1)));
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(long)), refused);
    let huge = entry(&mesh, Content::text("x".repeat(limits::TEXT_MAX)));
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(huge)), refused);
    let key = kinmesh_proto::EntryKey { clock: Hlc(1), id: kinmesh_proto::EntryId([1; 32]) };
    let delete = entry(&mesh, Content::Delete { of: key });
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(delete)), refused);
    mesh.now_ms += 60 * 60_000;
    let ahead = entry(&mesh, Content::text("from tomorrow"));
    mesh.now_ms -= 60 * 60_000;
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(ahead)), ChatResponse::Busy, "its time will come");
    let keys = mesh.peers[BOB].keys();
    let stolen = EntryBody {
        conversation: mesh.chat_with(BOB).tag(mesh.peers[ALICE].person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq: 1,
        prev: vec![],
        content: Content::text("I am Bob, am I not?"),
    };
    let stolen = Unverified::sign(stolen, &keys).envelope().clone();
    let not_author = ChatResponse::Receipts(vec![Receipt::Refused(Refusal::NotAuthor)]);
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(stolen)), not_author);
    assert_eq!(requests(&mesh, BOB), []);
    let good = entry(&mesh, Content::text("x".repeat(limits::ASK_TEXT_MAX)));
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(good.clone())), ChatResponse::Noted);
    let other = entry(&mesh, Content::text("and another one"));
    assert_eq!(bring(&mut mesh, ALICE, BOB, ask(other)), ChatResponse::Noted);
    assert_eq!(requests(&mesh, BOB), [Some("x".repeat(limits::ASK_TEXT_MAX))], "only the first is heard");
}

#[test]
fn a_request_that_the_disk_refuses_comes_again() {
    let mut mesh = strangers(2);
    mesh.peers[BOB].disk_works = false;
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "hello").unwrap();
    mesh.settle();
    assert_eq!(requests(&mesh, BOB), [], "not shown before it is on disk");
    assert_eq!(acquaintance(&mut mesh, ALICE, BOB), Acquaintance::Asked { delivered: false });
    mesh.peers[BOB].disk_works = true;
    mesh.advance(60_000);
    assert_eq!(requests(&mesh, BOB), [Some("hello".to_owned())]);
    let asked = |event: &&Event| matches!(event, Event::ContactRequested { .. });
    assert_eq!(mesh.peers[BOB].told.iter().filter(asked).count(), 1);
}

#[test]
fn who_is_removed_has_to_ask_again() {
    let mut mesh = strangers(2);
    set_contact(&mut mesh, ALICE, BOB, true);
    accept(&mut mesh, BOB, ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    set_contact(&mut mesh, BOB, ALICE, false);
    let key = mesh.send(ALICE, to_bob, "why?").unwrap();
    mesh.settle();
    mesh.advance(5_000);
    assert!(mesh.peers[BOB].history(to_alice).is_empty());
    assert_eq!(requests(&mesh, BOB), [Some("why?".to_owned())]);
    accept(&mut mesh, BOB, ALICE);
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), ["why?"]);
    assert_eq!(mesh.peers[ALICE].delivery(to_bob, key), Delivery::Delivered);
}

#[test]
fn people_of_an_older_store_are_contacts_if_they_were_or_if_there_are_messages() {
    let mut mesh = strangers(3);
    let old = |index: usize, contact| PersonRecord {
        contact,
        ties: None,
        ..PersonRecord::new(mesh.peers[index].person(), DisplayName::new("old friend").unwrap())
    };
    let (alice, bob) = (mesh.peers[ALICE].keys(), mesh.chat_with(BOB));
    let with_carol = mesh.chat_with(CAROL);
    let (contact, chatted) = (old(BOB, true), old(CAROL, false));
    let body = EntryBody {
        conversation: with_carol.tag(alice.person()),
        clock: Hlc::from_ms(START_MS - 1),
        seq: 1,
        prev: vec![],
        content: Content::text("remember?"),
    };
    let entry = Unverified::sign(body, &alice);
    let record = kinmesh_proto::ConversationRecord::new(with_carol, None);
    let disk = &mut mesh.peers[ALICE].disk;
    disk.apply(&[Write::PutPerson(contact), Write::PutPerson(chatted), Write::PutConversation(record)])
        .unwrap();
    mesh.remember(ALICE, with_carol, &[entry]);
    for friend in [BOB, CAROL] {
        assert_eq!(acquaintance(&mut mesh, ALICE, friend), Acquaintance::Contact);
    }
    // The other side is of a new store: it asks once, and then all is well.
    mesh.accept_requests = true;
    mesh.link(ALICE, BOB);
    mesh.send(ALICE, bob, "still here?").unwrap();
    mesh.advance(5_000);
    assert_eq!(mesh.peers[BOB].told_texts(mesh.chat_with(ALICE)), ["still here?"]);
}

#[test]
fn echo_is_always_a_contact() {
    let mut mesh = strangers(1);
    let (echo, now_ms) = (mesh.peers[ALICE].core.echo(), mesh.now_ms);
    let core = &mut mesh.peers[ALICE].core;
    assert_eq!(core.set_contact(now_ms, echo, false), Err(ContactRefusal::Echo));
    assert_eq!(core.set_blocked(echo, true), Err(ContactRefusal::Echo));
    let mut record = PersonRecord::new(echo, DisplayName::new("Echo").unwrap());
    record.ties = None;
    mesh.peers[ALICE].disk.apply(&[Write::PutPerson(record)]).unwrap();
    mesh.restart(ALICE);
    let people = mesh.peers[ALICE].core.overview().people;
    assert_eq!(people[0].acquaintance, Acquaintance::Contact);
    mesh.send(ALICE, ConversationId::Direct(echo), &"long ".repeat(1000)).unwrap();
}

#[test]
fn a_mark_of_verification_is_kept_and_taken_back() {
    let mut mesh = strangers(2);
    let bob = mesh.peers[BOB].person();
    for verified in [true, false] {
        mesh.peers[ALICE].core.set_verified(bob, verified).unwrap();
        mesh.settle();
        mesh.restart(ALICE);
        assert_eq!(view_of(&mut mesh, ALICE, BOB).verified, verified);
    }
}

#[test]
fn somebody_with_the_name_of_a_contact_is_another_person() {
    let mut mesh = strangers(3);
    set_contact(&mut mesh, ALICE, BOB, true);
    let name = DisplayName::new("ＰEER 1").unwrap();
    mesh.peers[CAROL].core.set_profile(name, Default::default());
    mesh.settle();
    let bob = mesh.peers[BOB].person();
    assert_eq!(view_of(&mut mesh, ALICE, CAROL).named_like, Some(bob));
    assert_eq!(view_of(&mut mesh, ALICE, BOB).named_like, None, "the contact is who they are");
    set_contact(&mut mesh, ALICE, CAROL, true);
    assert_eq!(view_of(&mut mesh, ALICE, CAROL).named_like, None, "the user chose them");
}

#[test]
fn a_request_without_a_record_of_its_time_is_no_trouble() {
    let mut mesh = strangers(2);
    let words = entry(&mesh, Content::text("hello"));
    let asking = Asking { ask: Ask { entry: Some(words), introduction: None }, received_ms: START_MS };
    let mut record = PersonRecord::new(mesh.peers[ALICE].person(), DisplayName::new("Alice").unwrap());
    record.ties = Some(Ties { asking: Some(asking), ..Ties::default() });
    mesh.peers[BOB].disk.apply(&[Write::PutPerson(record)]).unwrap();
    mesh.restart(BOB);
    assert_eq!(requests(&mesh, BOB), [Some("hello".to_owned())]);
    accept(&mut mesh, BOB, ALICE);
    assert_eq!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)), ["hello"]);
}
