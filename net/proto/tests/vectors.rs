//! The test vectors of `docs/protocol.md`, made anew and compared, so that the document stays true.

#![allow(clippy::unwrap_used)] // The vectors' own values are sound.

use std::fmt::Display;

use data_encoding::HEXLOWER;
use kinmesh_proto::{
    Ask, CallId, CallMember, CallOutcome, CallRequest, CallResponse, ChatRequest, ChatResponse, Content,
    Control, ConversationId, ConversationTag, DeviceKeys, Digest, DisplayName, Door, EntryBody, EntryId,
    EntryKey, EntryPack, EpochSecret, Hello, Hlc, InviteRefusal, InviteRequest, InviteResponse, JoinLink,
    KeyRange, Keyring, MediaPacket, MediaResponse, Past, Presence, PresenceState, Reach, Receipt, Refusal,
    Report, Role, RoomFrame, RoomId, RoomName, RoomPicture, RoomSettings, SafetyNumber, Seat, Signable,
    StatusLine, SyncAsk, SyncRequest, SyncResponse, Ticket, TicketRoom, TicketToken, Typing, Unverified,
    Voice, Wanted, codec,
};
use serde::Serialize;
use serde_bytes::{ByteArray, ByteBuf};

/// A moment in 2026, in Unix milliseconds.
const NOW_MS: u64 = 1_793_000_000_000;

#[derive(Default)]
struct Vectors(String);

impl Vectors {
    fn text(&mut self, what: &str, value: impl Display) {
        self.0 += &format!("{what}: {value}\n");
    }

    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        self.text(what, HEXLOWER.encode(bytes));
    }

    fn cbor(&mut self, what: &str, value: &impl Serialize) {
        self.bytes(what, &codec::encode(value));
    }

    fn signed<T: Signable + Clone + PartialEq>(&mut self, what: &str, value: T, keys: &DeviceKeys) {
        let signed = Unverified::sign(value, keys);
        let (body, cert, signature) = signed.envelope().parts();
        let covered = [T::DOMAIN, &cert.person.0, &cert.device.0, &T::signed_form(body)].concat();
        assert_eq!(blake3::hash(&covered), signed.hash(), "the layout that the document gives");
        self.bytes(&format!("{what} body"), body);
        self.bytes(&format!("{what} signed bytes"), &covered);
        self.bytes(&format!("{what} signature"), signature);
        self.cbor(&format!("{what} envelope"), signed.envelope());
    }
}

fn alice() -> DeviceKeys {
    DeviceKeys::generate(&[1; 32], &[2; 32], NOW_MS)
}

fn bob() -> DeviceKeys {
    DeviceKeys::generate(&[3; 32], &[4; 32], NOW_MS)
}

fn entry() -> EntryBody {
    EntryBody {
        conversation: ConversationId::Room(RoomId::public(&RoomName::lobby())).tag(alice().person()),
        clock: Hlc::from_ms(NOW_MS).next(NOW_MS),
        seq: 1,
        prev: vec![EntryKey { clock: Hlc::from_ms(NOW_MS), id: EntryId([5; 32]) }],
        content: Content::text("你好, mesh"),
    }
}

fn presence(room: Option<RoomId>) -> Presence {
    Presence {
        room,
        name: DisplayName::new("Alice").unwrap(),
        status: StatusLine::new("").unwrap(),
        since_ms: NOW_MS,
        sent_ms: NOW_MS + 1,
        state: PresenceState::Here,
    }
}

fn contents(of: EntryKey) -> [(&'static str, Content); 5] {
    [
        ("content of a reply", Content::Text { text: "hello".into(), reply: Some(of) }),
        ("content of an edit", Content::Edit { of, text: "hello!".into() }),
        ("content of a delete", Content::Delete { of }),
        ("content of a reaction", Content::Reaction { to: of, emoji: "👍".into(), on: true }),
        (
            "content of an introduction",
            Content::Introduction { person: bob().person(), name: DisplayName::new("Bob").unwrap() },
        ),
    ]
}

fn sync(vectors: &mut Vectors) {
    let signed = Unverified::sign(entry(), &alice());
    let conversation = entry().conversation;
    let mut digest = Digest::default();
    digest.add(signed.key());
    vectors.cbor("digest of the entry", &digest);
    let range = KeyRange { from: Some(signed.key()), to: None };
    let pack = || EntryPack::of([&signed]);
    let asks = [
        ("compare", SyncAsk::Compare { range: KeyRange::ALL, digest }),
        ("reconcile", SyncAsk::Reconcile { range, frame: ByteBuf::from([0x61]) }),
        ("fetch by ids", SyncAsk::Fetch(Wanted::Ids { range, ids: vec![signed.id()] })),
        ("fetch by range", SyncAsk::Fetch(Wanted::Range(range))),
        ("push", SyncAsk::Push(pack())),
    ];
    for (what, ask) in asks {
        vectors.cbor(&format!("sync request to {what}"), &SyncRequest { conversation, ask });
    }
    let responses = [
        ("digest", SyncResponse::Digest { digest, window: Some(signed.key()) }),
        ("reconciled", SyncResponse::Reconciled(ByteBuf::from([0x61]))),
        ("entries", SyncResponse::Entries(pack())),
        ("receipts", SyncResponse::Receipts(vec![Receipt::Stored, Receipt::Refused(Refusal::OverQuota)])),
        ("busy", SyncResponse::Busy),
        ("not here", SyncResponse::NotHere),
    ];
    for (what, response) in responses {
        vectors.cbor(&format!("sync response {what}"), &response);
    }
}

fn keys_and_names(vectors: &mut Vectors) {
    let (alice, bob) = (alice(), bob());
    vectors.bytes("alice person seed", &[1; 32]);
    vectors.bytes("alice device seed", &[2; 32]);
    vectors.bytes("alice person", &alice.person().0);
    vectors.bytes("alice device", &alice.device().0);
    vectors.text("alice person as text", alice.person());
    vectors.text("alice fingerprint", alice.person().fingerprint());
    vectors.text("alice namespace", alice.person().namespace());
    vectors.text("alice certificate time", NOW_MS);
    vectors.bytes("alice certificate signature", &*alice.cert().signature);
    vectors.cbor("alice certificate", alice.cert());
    vectors.bytes("bob person seed", &[3; 32]);
    vectors.bytes("bob device seed", &[4; 32]);
    vectors.bytes("bob person", &bob.person().0);
    vectors.bytes(
        "tag of the chat of alice and bob",
        &ConversationId::Direct(bob.person()).tag(alice.person()).0,
    );
    for name in ["lobby", "Ｌobby", "#Straße  林"] {
        let name = RoomName::new(name).unwrap();
        let room = RoomId::public(&name);
        vectors.text("room name", &name);
        vectors.text("room name folded", name.folded());
        vectors.bytes("room id", &room.0);
        vectors.text("room topic", room.topic());
        vectors.text("room namespace", room.namespace());
    }
}

fn values(vectors: &mut Vectors) {
    let lobby = RoomId::public(&RoomName::lobby());
    let signed = Unverified::sign(entry(), &alice());
    vectors.signed("entry", entry(), &alice());
    vectors.bytes("entry id", &signed.id().0);
    vectors.cbor("entry envelope once erased", &signed.envelope().erased());
    for (what, content) in contents(signed.key()) {
        vectors.cbor(what, &content);
    }
    vectors.text("entry key as text", signed.key());
    let frame = RoomFrame::Entries { entries: vec![signed.envelope().clone()], attempt: 0 };
    vectors.cbor("room frame with the entry", &frame);
    let id = blake3::hash(&[lobby.topic().as_bytes(), &codec::encode(&frame)].concat());
    vectors.bytes("gossip message id of that frame in the lobby", &id.as_bytes()[..20]);
    vectors.signed("presence in the lobby", presence(Some(lobby)), &alice());
    let here = Unverified::sign(presence(Some(lobby)), &alice()).envelope().clone();
    vectors.cbor("room frame with the presence", &RoomFrame::Presence(here));
    for (what, state) in [("away", PresenceState::Away), ("gone", PresenceState::Left)] {
        let said = Presence { state, ..presence(Some(lobby)) };
        vectors.cbor(
            &format!("envelope of who is {what} in the lobby"),
            Unverified::sign(said, &alice()).envelope(),
        );
    }
    let typing = Typing { room: lobby, sent_ms: NOW_MS };
    vectors.signed("typing in the lobby", typing, &alice());
    let hello = Hello::first(Unverified::sign(presence(None), &alice()).envelope().clone());
    vectors.cbor("hello", &hello);
    vectors.cbor("hello of nobody", &None::<Hello>);
    let mine =
        EntryBody { conversation: ConversationId::Direct(bob().person()).tag(alice().person()), ..entry() };
    let mine = Unverified::sign(mine, &alice()).envelope().clone();
    vectors.cbor("chat request with one entry for bob", &ChatRequest::Deliver(vec![mine.clone()]));
    let ask = Ask { entry: Some(mine), introduction: None };
    vectors.cbor("chat request to become a contact", &ChatRequest::Ask(Box::new(ask)));
    let content =
        Content::Introduction { person: alice().person(), name: DisplayName::new("Alice").unwrap() };
    let introduced = EntryBody {
        conversation: ConversationId::Direct(alice().person()).tag(bob().person()),
        content,
        ..entry()
    };
    let introduction = Some(Unverified::sign(introduced, &bob()).envelope().clone());
    vectors.cbor(
        "chat request of who was introduced",
        &ChatRequest::Ask(Box::new(Ask { entry: None, introduction })),
    );
    vectors.cbor("chat request that tells of acceptance", &ChatRequest::Accepted);
    let refusals = [
        Refusal::Invalid,
        Refusal::WrongConversation,
        Refusal::ClockAhead,
        Refusal::NotAuthor,
        Refusal::OverQuota,
        Refusal::TooOld,
    ]
    .map(Receipt::Refused);
    let receipts = [Receipt::Stored].into_iter().chain(refusals).collect();
    vectors.cbor("chat response with each receipt", &ChatResponse::Receipts(receipts));
    vectors.cbor("chat response busy", &ChatResponse::Busy);
    vectors.cbor("chat response that the two are contacts", &ChatResponse::Accepted);
    vectors.cbor("chat response to who is no contact", &ChatResponse::AskFirst);
    vectors.cbor("chat request that tells what was read", &ChatRequest::Read { up_to: signed.key() });
    vectors.cbor("chat request that tells of writing", &ChatRequest::Typing);
    vectors.cbor("chat response to either", &ChatResponse::Noted);
    let nodes = vec!["/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWEXAMPLE".into()];
    vectors.text("join link", JoinLink { nodes, room: Some(RoomName::new("Boat & 林").unwrap()) });
}

fn ticket() -> Ticket {
    Ticket {
        token: TicketToken(ByteArray::new([6; 16])),
        person: alice().person(),
        name: DisplayName::new("Alice").unwrap(),
        devices: vec![Reach {
            device: alice().device(),
            addresses: vec!["/ip4/192.0.2.7/udp/4001/quic-v1".into()],
        }],
        bootstraps: vec![],
        room: None,
        expires_ms: Some(NOW_MS),
        uses: Some(1),
    }
}

fn trust(vectors: &mut Vectors) {
    let token = ticket().token;
    vectors.bytes("token of the ticket", &*token.0);
    vectors.text("ticket", ticket());
    vectors.text("ticket in a picture", ticket().to_qr_text());
    let bootstraps = vec!["/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWEXAMPLE".to_owned()];
    let room = Some(TicketRoom::Public(RoomName::lobby()));
    vectors
        .text("ticket into the lobby", Ticket { room, bootstraps, expires_ms: None, uses: None, ..ticket() });
    let room = Some(TicketRoom::Private(RoomId([9; 32])));
    vectors.text("ticket into a private room", Ticket { room, ..ticket() });
    vectors.bytes("name of the ticket", &token.id().0);
    let proof = token.proof(alice().person(), bob().person());
    vectors.bytes("proof of bob to alice", &proof);
    let redeem = InviteRequest::Redeem { ticket: token.id(), proof: ByteArray::new(proof) };
    vectors.cbor("invite request", &redeem);
    vectors.cbor("invite response accepted", &InviteResponse::Accepted);
    for (what, refusal) in [
        ("used up", InviteRefusal::UsedUp),
        ("expired", InviteRefusal::Expired),
        ("revoked", InviteRefusal::Revoked),
        ("unknown", InviteRefusal::Unknown),
    ] {
        vectors.cbor(&format!("invite response {what}"), &InviteResponse::Refused(refusal));
    }
    vectors.cbor("invite response busy", &InviteResponse::Busy);
    let number = SafetyNumber::of(alice().person(), bob().person());
    let list = bip39::Language::English.word_list();
    let numbers =
        number.words().map(|word| list.iter().position(|other| *other == word).unwrap().to_string());
    vectors.text("safety number of alice and bob in numbers", numbers.join(" "));
    vectors.text("safety number of alice and bob", number.words().join(" "));
}

fn calls(vectors: &mut Vectors) {
    let lobby = RoomId::public(&RoomName::lobby());
    let (call, line) = (CallId([10; 16]), 7);
    vectors.bytes("voice channel of the lobby", &lobby.voice_channel().0);
    vectors.text("voice channel of the lobby as text", lobby.voice_channel());
    vectors.signed("voice in the lobby", Voice { room: lobby, sent_ms: NOW_MS, here: true }, &alice());
    let addresses = vec!["/ip4/192.0.2.7/udp/4001/quic-v1".to_owned()];
    let reach = Some(Reach { device: bob().device(), addresses });
    let members = vec![
        CallMember { person: alice().person(), reach: None },
        CallMember { person: bob().person(), reach },
    ];
    let requests = [
        ("that rings", CallRequest::Ring { call, line, party: vec![bob().person()] }),
        ("that accepts", CallRequest::Accept { call, line }),
        ("that declines", CallRequest::Decline { call, text: Some("later".into()) }),
        ("that declines without a word", CallRequest::Decline { call, text: None }),
        ("that gives up", CallRequest::Cancel { call }),
        ("that joins", CallRequest::Join { call, line }),
        ("with the party", CallRequest::Party { call, party: members }),
        ("with a state", CallRequest::State { call, muted: true, held: false }),
        ("that hands over", CallRequest::Transfer { call, to: bob().person() }),
        ("that leaves", CallRequest::End { call }),
    ];
    for (what, request) in requests {
        vectors.cbor(&format!("call request {what}"), &request);
    }
    let responses = [
        ("noted", CallResponse::Noted),
        ("joined", CallResponse::Joined { line }),
        ("busy", CallResponse::Busy),
        ("crossed", CallResponse::Crossed { call }),
        ("without such a call", CallResponse::NoSuchCall),
        ("to who is no contact", CallResponse::ContactsOnly),
        ("full", CallResponse::Full),
        ("later", CallResponse::Later),
    ];
    for (what, response) in responses {
        vectors.cbor(&format!("call response {what}"), &response);
    }
    vectors.cbor("content of an answered call", &Content::Call(CallOutcome::Answered { seconds: 61 }));
    for (what, outcome) in [
        ("missed", CallOutcome::Missed),
        ("declined", CallOutcome::Declined),
        ("busy", CallOutcome::Busy),
        ("cancelled", CallOutcome::Cancelled),
        ("failed", CallOutcome::Failed),
    ] {
        vectors.cbor(&format!("content of a {what} call"), &Content::Call(outcome));
    }
}

fn private_room(vectors: &mut Vectors) {
    let room = RoomId::private(alice().person(), &[7; 16]);
    let (first, second) = (EntryId([1; 32]), EntryId([2; 32]));
    let ring = Keyring::default();
    ring.add(room, first, EpochSecret::new([8; 32]));
    ring.add(room, second, EpochSecret::new([9; 32]));
    vectors.bytes("nonce of the private room", &[7; 16]);
    vectors.bytes("first step with a secret", &first.0);
    vectors.bytes("second step with a secret", &second.0);
    vectors.bytes("first secret", &[8; 32]);
    vectors.bytes("second secret", &[9; 32]);
    vectors.bytes("private room of alice", &room.0);
    vectors.bytes("commitment to its first secret", &EpochSecret::new([8; 32]).commitment(room).0);
    for (what, steps) in [("of its first secret", vec![first]), ("of both secrets", vec![first, second])] {
        let key = ring.key(room, &steps).unwrap();
        vectors.text(&format!("topic {what}"), key.topic());
        vectors.text(&format!("namespace {what} on day 20752"), key.namespace(20_752));
    }
    vectors.bytes("tag of its control log", &ConversationId::Control(room).tag(alice().person()).0);
    let tag = ConversationTag(room.0);
    let body = EntryBody { conversation: tag, prev: vec![], content: Content::text("secret"), ..entry() };
    let body = body.sealed(&alice(), room, &[first, second], &ring).unwrap();
    vectors.cbor("sealed content", &body.content);
    vectors.signed("sealed entry", body, &alice());
    let of = EntryKey { clock: Hlc::from_ms(NOW_MS), id: EntryId([5; 32]) };
    let content = Content::Edit { of, text: "a better secret".into() };
    let edit = EntryBody { conversation: tag, prev: vec![], content, ..entry() };
    vectors.signed("sealed edit", edit.sealed(&alice(), room, &[first, second], &ring).unwrap(), &alice());
    let conversation = ConversationId::Control(room).tag(alice().person());
    let content = Content::Control(Box::new(Control::Leave));
    vectors.signed("step", EntryBody { conversation, prev: vec![of], content, ..entry() }, &alice());
    let frame = ring.key(room, &[first, second]).unwrap().seal_frame(b"a frame");
    vectors.bytes("frame sealed with both secrets", &frame);
    let seat = Seat { person: bob().person(), role: Role::Member };
    let name = RoomName::new("Boat").unwrap();
    let settings = RoomSettings::new(name, StatusLine::default(), Past::FromJoining);
    let commitment = EpochSecret::new([8; 32]).commitment(room);
    let epoch = Some(commitment);
    let nonce = ByteArray::new([7; 16]);
    let steps = [
        (
            "create",
            Control::Create { nonce, settings: settings.clone(), seats: vec![seat], epoch, parent: None },
        ),
        (
            "create that carries another room on",
            Control::Create {
                nonce,
                settings: settings.clone(),
                seats: vec![],
                epoch,
                parent: Some(RoomId([9; 32])),
            },
        ),
        ("add", Control::Add { seat, epoch }),
        ("remove", Control::Remove { person: seat.person, epoch, from_ms: None }),
        ("remove from a time on", Control::Remove { person: seat.person, epoch, from_ms: Some(NOW_MS) }),
        ("leave", Control::Leave),
        ("role", Control::SetRole(seat)),
        ("settings", Control::SetSettings(settings.clone())),
        (
            "settings in full",
            Control::SetSettings(RoomSettings {
                door: Door::Knock,
                slow_ms: 30_000,
                keep_days: 30,
                ..settings
            }),
        ),
        ("picture", Control::SetPicture(Some(RoomPicture::new([0x89, 0x50, 0x4e, 0x47]).unwrap()))),
        ("no picture", Control::SetPicture(None)),
        ("rotate", Control::Rotate { epoch: commitment }),
    ];
    for (what, step) in steps {
        vectors.cbor(&format!("content of the step {what}"), &Content::Control(Box::new(step)));
    }
    let invitation = Content::Invitation { room, name: RoomName::new("Boat").unwrap() };
    vectors.cbor("content of an invitation", &invitation);
    let ask = SyncAsk::Secrets(vec![first, second]);
    vectors.cbor("sync request for secrets", &SyncRequest { conversation: tag, ask });
    let given = SyncResponse::Secrets(vec![(first, EpochSecret::new([8; 32]))]);
    vectors.cbor("sync response with a secret", &given);
}

fn media(vectors: &mut Vectors) {
    let packet = MediaPacket {
        line: 0x0102_0304,
        sequence: 7,
        frame: 9,
        payload: ByteBuf::from([0xaa; 3]),
        earlier: vec![(1, ByteBuf::from([0xbb; 2])), (3, ByteBuf::from([0xcc]))],
    };
    vectors.cbor("media packet", &packet);
    let report = Report {
        received: 700,
        lost_permille: 25,
        mean_run_tenths: 12,
        late_permille: 3,
        jitter_ms: 18,
        delay_trend_ms: -4,
    };
    vectors.cbor("media response with a report", &MediaResponse::Report(report));
    vectors.cbor("media response without a line", &MediaResponse::NoSuchLine);
}

fn founded_room(vectors: &mut Vectors) {
    let (nonce, person) = ([7; 16], bob().person());
    let room = RoomId::founded(alice().person(), &nonce);
    vectors.bytes("founded room of alice", &room.0);
    let name = RoomName::new("Square").unwrap();
    let settings = RoomSettings {
        door: Door::Knock,
        slow_ms: 30_000,
        keep_days: 30,
        ..RoomSettings::new(name.clone(), StatusLine::default(), Past::All)
    };
    let entry = Unverified::sign(entry(), &alice()).key();
    let reason = StatusLine::new("spam").unwrap();
    let nonce = ByteArray::new(nonce);
    let steps = [
        ("create in public", Control::Create { nonce, settings, seats: vec![], epoch: None, parent: None }),
        ("remove in public", Control::Remove { person, epoch: None, from_ms: Some(1_793_000_000_000) }),
        ("hide", Control::Hide { entries: vec![entry], hidden: true, reason }),
        ("mute", Control::Mute { person, until_ms: 1_793_000_060_000, from_ms: None }),
        ("mute from a time on", Control::Mute { person, until_ms: 1_793_000_060_000, from_ms: Some(NOW_MS) }),
    ];
    for (what, step) in steps {
        vectors.cbor(&format!("content of the step {what}"), &Content::Control(Box::new(step)));
    }
    vectors.cbor("room of a ticket into it", &TicketRoom::Founded { id: room, name });
    let conversation = ConversationId::Control(room).tag(person);
    let ask = SyncAsk::Knock("let me in".into());
    vectors.cbor("sync request to knock", &SyncRequest { conversation, ask });
    vectors.cbor("sync response knocked", &SyncResponse::Knocked);
}

#[test]
fn the_document_holds_the_vectors() {
    let mut vectors = Vectors::default();
    keys_and_names(&mut vectors);
    values(&mut vectors);
    sync(&mut vectors);
    trust(&mut vectors);
    private_room(&mut vectors);
    calls(&mut vectors);
    media(&mut vectors);
    founded_room(&mut vectors);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");
    let document = std::fs::read_to_string(path).unwrap();
    let block = format!("```text\n{}```\n", vectors.0);
    assert!(document.contains(&block), "docs/protocol.md lacks these vectors:\n{block}");
}
