//! Every decoder under arbitrary input: what was written is read again, garbage is refused without
//! a panic, no limit can be crossed, and a changed byte never becomes somebody's signed word.

#![allow(clippy::unwrap_used)] // A property's panic is its report, in helpers too.

use kinmesh_proto::{
    Ask, CallId, CallMember, CallOutcome, CallRequest, CallResponse, CertCache, ChatRequest, ChatResponse,
    Commitment, Content, Control, ConversationTag, DecodeError, DeviceCert, DeviceId, DeviceKeys, Digest,
    DisplayName, Door, EntryBody, EntryId, EntryKey, EntryPack, Hello, Hlc, InviteRefusal, InviteRequest,
    InviteResponse, JoinLink, KeyRange, MediaPacket, MediaResponse, Past, PersonId, PersonKey, Presence,
    PresenceState, Reach, Receipt, Refusal, Report, Role, RoomFrame, RoomId, RoomName, RoomPicture,
    RoomSettings, Sealed, Seat, Signable, StatusLine, SyncAsk, SyncRequest, SyncResponse, TICKET_PREFIX,
    Ticket, TicketId, TicketRoom, TicketToken, Typing, Unverified, Verified, VerifyError, Voice, Wanted,
    codec, entry, limits,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::{ByteArray, ByteBuf};

/// Larger than any value here: for decoders whose limit is not the point of the test.
const ROOMY: usize = 1 << 20;

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn keys() -> impl Strategy<Value = DeviceKeys> {
    (id(), id(), any::<u64>()).prop_map(|(person, device, ms)| DeviceKeys::generate(&person, &device, ms))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,60}",
        any::<String>().prop_filter("an entry says something", |text| !text.is_empty()),
        Just("x".repeat(limits::TEXT_MAX)),
    ]
}

fn key() -> impl Strategy<Value = EntryKey> {
    (any::<u64>(), id()).prop_map(|(clock, id)| EntryKey { clock: Hlc(clock), id: EntryId(id) })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        4 => (text(), proptest::option::of(key())).prop_map(|(text, reply)| Content::Text { text, reply }),
        1 => (key(), text()).prop_map(|(of, text)| Content::Edit { of, text }),
        1 => key().prop_map(|of| Content::Delete { of }),
        1 => (key(), "\\PC{1,8}", any::<bool>())
            .prop_map(|(to, emoji, on)| Content::Reaction { to, emoji, on }),
        1 => (id(), proptest::option::of(key())).prop_map(|(hash, of)| Content::Erased { hash, of }),
        1 => (id(), display_name())
            .prop_map(|(person, name)| Content::Introduction { person: PersonId(person), name }),
        1 => call_outcome().prop_map(Content::Call),
        1 => control().prop_map(|control| Content::Control(Box::new(control))),
        1 => (sealed(), proptest::option::of(key()))
            .prop_map(|(sealed, of)| Content::Sealed { sealed: Box::new(sealed), of }),
    ]
}

fn call_outcome() -> impl Strategy<Value = CallOutcome> {
    prop_oneof![
        any::<u32>().prop_map(|seconds| CallOutcome::Answered { seconds }),
        Just(CallOutcome::Missed),
        Just(CallOutcome::Declined),
        Just(CallOutcome::Busy),
        Just(CallOutcome::Cancelled),
        Just(CallOutcome::Failed),
    ]
}

fn sealed() -> impl Strategy<Value = Sealed> {
    let epochs = proptest::collection::btree_set(id().prop_map(EntryId), 1..=limits::EPOCHS_MAX);
    (epochs, any::<[u8; 24]>(), vec(any::<u8>(), 0..200)).prop_map(|(epochs, nonce, bytes)| Sealed {
        epochs: epochs.into_iter().collect(),
        nonce: ByteArray::new(nonce),
        bytes: ByteBuf::from(bytes),
    })
}

fn seat() -> impl Strategy<Value = Seat> {
    let role = prop_oneof![Just(Role::Member), Just(Role::Admin)];
    (id(), role).prop_map(|(person, role)| Seat { person: PersonId(person), role })
}

fn room_settings() -> impl Strategy<Value = RoomSettings> {
    let past = prop_oneof![Just(Past::All), Just(Past::FromJoining)];
    let door = prop_oneof![Just(Door::Open), Just(Door::Knock)];
    let (slow, keep) = (0..=limits::SLOW_MAX_MS, 0..=limits::KEEP_DAYS_MAX);
    (room_name(), past, door, slow, keep).prop_map(|(name, past, door, slow_ms, keep_days)| RoomSettings {
        door,
        slow_ms,
        keep_days,
        ..RoomSettings::new(name, StatusLine::default(), past)
    })
}

fn picture() -> impl Strategy<Value = RoomPicture> {
    vec(any::<u8>(), 0..200).prop_map(|bytes| RoomPicture::new(bytes).unwrap())
}

fn control() -> impl Strategy<Value = Control> {
    let epoch = || proptest::option::of(id().prop_map(Commitment));
    let founded = (any::<[u8; 16]>(), room_settings(), vec(seat(), 0..=limits::SEATS_MAX), epoch());
    let removal = (id(), epoch(), any::<Option<u64>>());
    let hiding = (vec(key(), 1..=limits::HIDE_MAX), any::<bool>(), status_line());
    let mute = (id(), any::<u64>(), any::<Option<u64>>());
    prop_oneof![
        founded.prop_map(|(nonce, settings, seats, epoch)| Control::Create {
            nonce: ByteArray::new(nonce),
            settings,
            seats,
            epoch,
            parent: None,
        }),
        (seat(), epoch()).prop_map(|(seat, epoch)| Control::Add { seat, epoch }),
        removal.prop_map(|(person, epoch, from_ms)| Control::Remove {
            person: PersonId(person),
            epoch,
            from_ms
        }),
        Just(Control::Leave),
        seat().prop_map(Control::SetRole),
        room_settings().prop_map(Control::SetSettings),
        proptest::option::of(picture()).prop_map(Control::SetPicture),
        id().prop_map(|epoch| Control::Rotate { epoch: Commitment(epoch) }),
        hiding.prop_map(|(entries, hidden, reason)| Control::Hide { entries, hidden, reason }),
        mute.prop_map(|(person, until_ms, from_ms)| Control::Mute {
            person: PersonId(person),
            until_ms,
            from_ms
        }),
    ]
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let addresses = || vec("[ -~]{0,80}", 0..=limits::TICKET_NODES_MAX);
    let reach = (id(), addresses()).prop_map(|(id, addresses)| Reach { device: DeviceId(id), addresses });
    let room = prop_oneof![
        room_name().prop_map(TicketRoom::Public),
        id().prop_map(|id| TicketRoom::Private(RoomId(id))),
        (id(), room_name()).prop_map(|(id, name)| TicketRoom::Founded { id: RoomId(id), name }),
    ];
    let until = (any::<Option<u64>>(), any::<Option<u32>>());
    let who = (any::<[u8; 16]>(), id(), display_name());
    (who, vec(reach, 0..3), addresses(), proptest::option::of(room), until).prop_map(
        |((token, person, name), devices, bootstraps, room, (expires_ms, uses))| Ticket {
            token: TicketToken(ByteArray::new(token)),
            person: PersonId(person),
            name,
            devices,
            bootstraps,
            room,
            expires_ms,
            uses,
        },
    )
}

fn entry_body() -> impl Strategy<Value = EntryBody> {
    let prev = vec(key(), 0..=limits::PREV_MAX);
    (id(), any::<u64>(), 1u64.., prev, content()).prop_map(|(tag, clock, seq, prev, content)| EntryBody {
        conversation: ConversationTag(tag),
        clock: Hlc(clock),
        seq,
        prev,
        content,
    })
}

/// What people type, and what they could: names that are refused are dropped.
fn typed() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,50}", "[# \t]{0,4}[#a-zA-Zé Ｌ\u{301}\u{200d}👩]{0,20}[# \n]{0,2}", any::<String>()]
}

fn display_name() -> impl Strategy<Value = DisplayName> {
    typed().prop_filter_map("a name", |text| DisplayName::new(&text).ok())
}

fn status_line() -> impl Strategy<Value = StatusLine> {
    typed().prop_filter_map("a status line", |text| StatusLine::new(&text).ok())
}

fn room_name() -> impl Strategy<Value = RoomName> {
    typed().prop_filter_map("a room's name", |text| RoomName::new(&text).ok())
}

fn presence() -> impl Strategy<Value = Presence> {
    let state = prop_oneof![Just(PresenceState::Here), Just(PresenceState::Left), Just(PresenceState::Away)];
    let room = proptest::option::of(id().prop_map(RoomId));
    (room, display_name(), status_line(), any::<u64>(), any::<u64>(), state).prop_map(
        |(room, name, status, since_ms, sent_ms, state)| Presence {
            room,
            name,
            status,
            since_ms,
            sent_ms,
            state,
        },
    )
}

fn signed_entry() -> impl Strategy<Value = Verified<EntryBody>> {
    (entry_body(), keys()).prop_map(|(body, keys)| Unverified::sign(body, &keys))
}

fn signed_presence() -> impl Strategy<Value = Verified<Presence>> {
    (presence(), keys()).prop_map(|(presence, keys)| Unverified::sign(presence, &keys))
}

fn signed_typing() -> impl Strategy<Value = Verified<Typing>> {
    (id(), any::<u64>(), keys())
        .prop_map(|(room, sent_ms, keys)| Unverified::sign(Typing { room: RoomId(room), sent_ms }, &keys))
}

fn signed_voice() -> impl Strategy<Value = Verified<Voice>> {
    (id(), any::<u64>(), any::<bool>(), keys()).prop_map(|(room, sent_ms, here, keys)| {
        Unverified::sign(Voice { room: RoomId(room), sent_ms, here }, &keys)
    })
}

fn envelopes() -> impl Strategy<Value = Vec<Unverified<EntryBody>>> {
    vec(signed_entry().prop_map(|entry| entry.envelope().clone()), 0..4)
}

fn room_frame() -> impl Strategy<Value = RoomFrame> {
    prop_oneof![
        (envelopes(), any::<u32>()).prop_map(|(entries, attempt)| RoomFrame::Entries { entries, attempt }),
        signed_presence().prop_map(|presence| RoomFrame::Presence(presence.envelope().clone())),
        signed_typing().prop_map(|typing| RoomFrame::Typing(typing.envelope().clone())),
        signed_voice().prop_map(|voice| RoomFrame::Voice(voice.envelope().clone())),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let envelope = || proptest::option::of(signed_entry().prop_map(|entry| entry.envelope().clone()));
    (envelope(), envelope()).prop_map(|(entry, introduction)| Ask { entry, introduction })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let refusal = prop_oneof![
        Just(Refusal::Invalid),
        Just(Refusal::WrongConversation),
        Just(Refusal::ClockAhead),
        Just(Refusal::NotAuthor),
        Just(Refusal::OverQuota),
        Just(Refusal::TooOld),
    ];
    prop_oneof![Just(Receipt::Stored), refusal.prop_map(Receipt::Refused)]
}

fn chat_response() -> impl Strategy<Value = ChatResponse> {
    prop_oneof![
        vec(receipt(), 0..=limits::BATCH_ENTRIES_MAX).prop_map(ChatResponse::Receipts),
        Just(ChatResponse::Busy),
        Just(ChatResponse::Noted),
        Just(ChatResponse::Accepted),
        Just(ChatResponse::AskFirst),
    ]
}

fn range() -> impl Strategy<Value = KeyRange> {
    let end = || proptest::option::of(key());
    (end(), end()).prop_map(|(from, to)| KeyRange { from, to })
}

fn digest() -> impl Strategy<Value = Digest> {
    vec(key(), 0..4).prop_map(|keys| {
        let mut digest = Digest::default();
        keys.into_iter().for_each(|key| digest.add(key));
        digest
    })
}

/// A message of negentropy, which is read elsewhere: here it is bytes.
fn reconciliation() -> impl Strategy<Value = ByteBuf> {
    prop_oneof![
        vec(any::<u8>(), 0..100).prop_map(ByteBuf::from),
        Just(ByteBuf::from(vec![0; limits::RECONCILE_FRAME_MAX])),
    ]
}

fn pack() -> impl Strategy<Value = EntryPack> {
    vec(signed_entry(), 0..4).prop_map(|entries| EntryPack::of(&entries))
}

fn sync_request() -> impl Strategy<Value = SyncRequest> {
    let ids = vec(id().prop_map(EntryId), 0..=limits::FETCH_IDS_MAX);
    let ask = prop_oneof![
        (range(), digest()).prop_map(|(range, digest)| SyncAsk::Compare { range, digest }),
        (range(), reconciliation()).prop_map(|(range, frame)| SyncAsk::Reconcile { range, frame }),
        (range(), ids).prop_map(|(range, ids)| SyncAsk::Fetch(Wanted::Ids { range, ids })),
        range().prop_map(|range| SyncAsk::Fetch(Wanted::Range(range))),
        pack().prop_map(SyncAsk::Push),
        "\\PC{0,60}".prop_map(SyncAsk::Knock),
    ];
    (id(), ask).prop_map(|(tag, ask)| SyncRequest { conversation: ConversationTag(tag), ask })
}

fn sync_response() -> impl Strategy<Value = SyncResponse> {
    let window = proptest::option::of(key());
    prop_oneof![
        (digest(), window).prop_map(|(digest, window)| SyncResponse::Digest { digest, window }),
        reconciliation().prop_map(SyncResponse::Reconciled),
        pack().prop_map(SyncResponse::Entries),
        vec(receipt(), 0..=limits::BATCH_ENTRIES_MAX).prop_map(SyncResponse::Receipts),
        Just(SyncResponse::Knocked),
        Just(SyncResponse::Busy),
        Just(SyncResponse::NotHere),
    ]
}

fn invite_request() -> impl Strategy<Value = InviteRequest> {
    (any::<[u8; 16]>(), id()).prop_map(|(ticket, proof)| InviteRequest::Redeem {
        ticket: TicketId(ticket),
        proof: ByteArray::new(proof),
    })
}

fn invite_response() -> impl Strategy<Value = InviteResponse> {
    use InviteRefusal::{Expired, Revoked, Unknown, UsedUp};
    let refused = prop_oneof![Just(Expired), Just(UsedUp), Just(Revoked), Just(Unknown)];
    prop_oneof![
        refused.prop_map(InviteResponse::Refused),
        Just(InviteResponse::Accepted),
        Just(InviteResponse::Busy),
    ]
}

fn media_packet() -> impl Strategy<Value = MediaPacket> {
    let payload = || vec(any::<u8>(), 0..=limits::MEDIA_PAYLOAD_MAX / 5).prop_map(ByteBuf::from);
    let earlier = vec((1u8.., payload()), 0..=limits::MEDIA_EARLIER_MAX);
    (any::<[u32; 3]>(), payload(), earlier).prop_map(|([line, sequence, frame], payload, earlier)| {
        MediaPacket { line, sequence, frame, payload, earlier }
    })
}

fn media_response() -> impl Strategy<Value = MediaResponse> {
    let report = any::<(u32, u16, u16, u16, u16, i16)>().prop_map(Report::from);
    prop_oneof![report.prop_map(MediaResponse::Report), Just(MediaResponse::NoSuchLine)]
}

fn join_link() -> impl Strategy<Value = JoinLink> {
    let node =
        prop_oneof!["/ip4/192\\.0\\.2\\.[0-9]/udp/[0-9]{1,5}/quic-v1", "\\PC{0,40}", "[%/+&=# 2F]{0,9}"];
    (vec(node, 1..=limits::LINK_ADDRESSES_MAX), proptest::option::of(room_name()))
        .prop_map(|(nodes, room)| JoinLink { nodes, room })
        .prop_filter("a link has an end", |link| link.to_string().len() <= limits::LINK_MAX)
}

/// A change on the way: one byte overwritten, put in or taken out, or the end cut off.
#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => at().prop_map(Damage::Remove),
        1 => at().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn inflict(&self, bytes: &mut Vec<u8>) {
        match self {
            _ if bytes.is_empty() => {}
            Self::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    assert_eq!(codec::decode::<T>(&codec::encode(value), ROOMY).unwrap(), *value);
}

/// Decodes what may be anything: a panic fails the test, and what is accepted must be sound.
fn call_request() -> impl Strategy<Value = CallRequest> {
    let call = || any::<[u8; 16]>().prop_map(CallId);
    let party = |most: usize| vec(id().prop_map(PersonId), 0..=most);
    let text = proptest::option::of("\\PC{0,60}");
    let reach = (id(), vec("\\PC{0,60}", 0..=limits::TICKET_ADDRESSES_MAX))
        .prop_map(|(device, addresses)| Reach { device: DeviceId(device), addresses });
    let member = (id(), proptest::option::of(reach))
        .prop_map(|(person, reach)| CallMember { person: PersonId(person), reach });
    let members = vec(member, 0..=limits::CALL_PARTY_MAX);
    prop_oneof![
        (call(), any::<u32>(), party(limits::CALL_PARTY_MAX - 2))
            .prop_map(|(call, line, party)| CallRequest::Ring { call, line, party }),
        (call(), any::<u32>()).prop_map(|(call, line)| CallRequest::Accept { call, line }),
        (call(), text).prop_map(|(call, text)| CallRequest::Decline { call, text }),
        call().prop_map(|call| CallRequest::Cancel { call }),
        (call(), any::<u32>()).prop_map(|(call, line)| CallRequest::Join { call, line }),
        (call(), members).prop_map(|(call, party)| CallRequest::Party { call, party }),
        (call(), any::<bool>(), any::<bool>()).prop_map(|(call, muted, held)| CallRequest::State {
            call,
            muted,
            held
        }),
        (call(), id()).prop_map(|(call, to)| CallRequest::Transfer { call, to: PersonId(to) }),
        call().prop_map(|call| CallRequest::End { call }),
    ]
}

fn call_response() -> impl Strategy<Value = CallResponse> {
    prop_oneof![
        any::<u32>().prop_map(|line| CallResponse::Joined { line }),
        any::<[u8; 16]>().prop_map(|call| CallResponse::Crossed { call: CallId(call) }),
        Just(CallResponse::Noted),
        Just(CallResponse::Busy),
        Just(CallResponse::NoSuchCall),
        Just(CallResponse::ContactsOnly),
        Just(CallResponse::Full),
        Just(CallResponse::Later),
    ]
}

fn take_anything<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes, ROOMY) {
        survives(&value);
    }
}

fn take_anything_everywhere(bytes: &[u8]) {
    take_anything::<Unverified<EntryBody>>(bytes);
    take_anything::<Unverified<Presence>>(bytes);
    if let Ok(body) = EntryBody::from_body(bytes) {
        assert_eq!(EntryBody::from_body(&body.to_body()).unwrap(), body);
    }
    take_anything::<Content>(bytes);
    take_anything::<SyncRequest>(bytes);
    take_anything::<SyncResponse>(bytes);
    take_anything::<Presence>(bytes);
    take_anything::<Typing>(bytes);
    take_anything::<Unverified<Typing>>(bytes);
    take_anything::<RoomFrame>(bytes);
    take_anything::<Hello>(bytes);
    take_anything::<Option<Hello>>(bytes);
    take_anything::<ChatRequest>(bytes);
    take_anything::<ChatResponse>(bytes);
    take_anything::<InviteRequest>(bytes);
    take_anything::<InviteResponse>(bytes);
    take_anything::<CallRequest>(bytes);
    take_anything::<CallResponse>(bytes);
    take_anything::<Voice>(bytes);
    take_anything::<Unverified<Voice>>(bytes);
    take_anything::<MediaPacket>(bytes);
    take_anything::<MediaResponse>(bytes);
    take_anything::<DeviceCert>(bytes);
    take_anything::<DisplayName>(bytes);
    take_anything::<RoomName>(bytes);
    take_anything::<EntryKey>(bytes);
    take_anything::<PersonId>(bytes);
}

/// After damage the envelope is refused, or it is word for word what its author signed.
fn never_becomes_another<T>(signed: &Verified<T>, damages: &[Damage])
where
    T: Signable + Clone + PartialEq + std::fmt::Debug,
{
    let mut bytes = codec::encode(signed.envelope());
    for damage in damages {
        damage.inflict(&mut bytes);
    }
    let Ok(arrived) = codec::decode::<Unverified<T>>(&bytes, ROOMY) else { return };
    let Ok(verified) = arrived.verify(&mut CertCache::default()) else { return };
    assert_eq!(verified.value(), signed.value());
    assert_eq!(verified.hash(), signed.hash());
    assert_eq!((verified.person(), verified.device()), (signed.person(), signed.device()));
}

fn verify(body: EntryBody) -> Result<Verified<EntryBody>, VerifyError> {
    let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
    Unverified::sign(body, &keys).envelope().clone().verify(&mut CertCache::default())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        entry in signed_entry(),
        presence in signed_presence(),
        frame in room_frame(),
        batch in envelopes(),
        ask in ask(),
        response in chat_response(),
        links in any::<u8>(),
    ) {
        survives(&ChatRequest::Ask(Box::new(ask)));
        survives(&ChatRequest::Accepted);
        survives(&ChatRequest::Read { up_to: entry.key() });
        survives(&ChatRequest::Typing);
        survives(entry.envelope());
        assert_eq!(EntryBody::from_body(&entry.value().to_body()).unwrap(), *entry.value());
        survives(presence.envelope());
        survives(presence.value());
        survives(&frame);
        survives(&Hello { presence: presence.envelope().clone(), links });
        survives(&Some(Hello::first(presence.envelope().clone())));
        survives(&ChatRequest::Deliver(batch));
        survives(&response);
        survives(&entry.envelope().parts().1.clone());
        survives(&entry.key());
        survives(&entry.person());
    }

    #[test]
    fn what_is_said_of_tickets_is_read_again(request in invite_request(), response in invite_response()) {
        survives(&request);
        survives(&response);
        let InviteRequest::Redeem { ticket, .. } = &request;
        prop_assert_eq!(ticket.to_string().parse::<TicketId>(), Ok(*ticket));
        prop_assert!(codec::encode(&request).len() <= limits::INVITE_REQUEST_MAX as usize);
        prop_assert!(codec::encode(&response).len() <= limits::INVITE_RESPONSE_MAX as usize);
    }

    #[test]
    fn what_is_said_of_calls_is_read_again(request in call_request(), response in call_response()) {
        survives(&request);
        survives(&response);
        prop_assert_eq!(request.call().to_string().parse::<CallId>(), Ok(request.call()));
        prop_assert!(codec::encode(&request).len() <= limits::CALL_REQUEST_MAX as usize);
        prop_assert!(codec::encode(&response).len() <= limits::CALL_RESPONSE_MAX as usize);
    }

    #[test]
    fn what_is_said_in_calls_is_read_again(packet in media_packet(), response in media_response()) {
        survives(&packet);
        survives(&response);
        prop_assert!(packet.is_within_limits());
        prop_assert!(codec::encode(&packet).len() <= limits::MEDIA_REQUEST_MAX as usize);
        prop_assert!(codec::encode(&response).len() <= limits::MEDIA_RESPONSE_MAX as usize);
    }

    #[test]
    fn what_is_said_of_histories_is_read_again(request in sync_request(), response in sync_response()) {
        survives(&request);
        survives(&response);
        prop_assert!(codec::encode(&request).len() <= limits::SYNC_REQUEST_MAX as usize);
        prop_assert!(codec::encode(&response).len() <= limits::SYNC_RESPONSE_MAX as usize);
    }

    #[test]
    fn what_is_signed_verifies(
        entry in signed_entry(),
        presence in signed_presence(),
        typing in signed_typing(),
        voice in signed_voice(),
    ) {
        let certs = &mut CertCache::default();
        prop_assert_eq!(&voice.envelope().clone().verify(certs).unwrap(), &voice);
        prop_assert_eq!(&typing.envelope().clone().verify(certs).unwrap(), &typing);
        prop_assert_eq!(&entry.envelope().clone().verify(certs).unwrap(), &entry);
        prop_assert_eq!(&presence.envelope().clone().verify(certs).unwrap(), &presence);
    }

    #[test]
    fn texts_for_people_are_read_again(
        entry in signed_entry(),
        name in display_name(),
        status in status_line(),
        room in room_name(),
        link in join_link(),
        ticket in ticket(),
    ) {
        prop_assert_eq!(entry.key().to_string().parse::<EntryKey>(), Ok(entry.key()));
        prop_assert_eq!(entry.id().to_string().parse::<EntryId>(), Ok(entry.id()));
        prop_assert_eq!(entry.device().to_string().parse::<DeviceId>(), Ok(entry.device()));
        prop_assert_eq!(&DisplayName::new(name.as_str()).unwrap(), &name);
        prop_assert_eq!(&StatusLine::new(status.as_str()).unwrap(), &status);
        prop_assert_eq!(&RoomName::new(room.as_str()).unwrap(), &room);
        survives(&name);
        survives(&status);
        survives(&room);
        prop_assert_eq!(link.to_string().parse::<JoinLink>(), Ok(link));
        prop_assert_eq!(ticket.to_qr_text().parse::<Ticket>(), Ok(ticket));
    }

    #[test]
    fn keys_sort_as_their_text(one in (any::<u64>(), id()), two in (any::<u64>(), id())) {
        let key = |(clock, id)| EntryKey { clock: Hlc(clock), id: EntryId(id) };
        let (one, two) = (key(one), key(two));
        prop_assert_eq!(one.cmp(&two), one.to_string().cmp(&two.to_string()));
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..600), text in any::<String>()) {
        take_anything_everywhere(&bytes);
        let _ = text.parse::<EntryKey>();
        let _ = text.parse::<PersonId>();
        let _ = text.parse::<TicketId>();
        let _ = text.parse::<CallId>();
        let _ = text.parse::<JoinLink>();
        let _ = text.parse::<Ticket>();
        let _ = format!("{TICKET_PREFIX}{text}").parse::<Ticket>();
        let _ = format!("kinmesh://join?{text}").parse::<JoinLink>();
    }

    #[test]
    fn damaged_values_never_panic(
        frame in room_frame(),
        response in chat_response(),
        sync in (sync_request(), sync_response()),
        call in (call_request(), call_response()),
        media in (media_packet(), media_response()),
        damages in vec(damage(), 1..6),
    ) {
        let sync = [codec::encode(&sync.0), codec::encode(&sync.1)];
        let call = [codec::encode(&call.0), codec::encode(&call.1)];
        let media = [codec::encode(&media.0), codec::encode(&media.1)];
        let others = sync.into_iter().chain(call).chain(media);
        for mut bytes in [codec::encode(&frame), codec::encode(&response)].into_iter().chain(others) {
            damages.iter().for_each(|damage| damage.inflict(&mut bytes));
            take_anything_everywhere(&bytes);
        }
    }

    #[test]
    fn a_changed_byte_never_becomes_another_value(
        entry in signed_entry(),
        presence in signed_presence(),
        typing in signed_typing(),
        voice in signed_voice(),
        damages in vec(damage(), 1..3),
    ) {
        never_becomes_another(&voice, &damages);
        never_becomes_another(&entry, &damages);
        never_becomes_another(&presence, &damages);
        never_becomes_another(&typing, &damages);
    }

    #[test]
    fn a_changed_certificate_never_holds(keys in keys(), damages in vec(damage(), 1..3)) {
        let mut bytes = codec::encode(keys.cert());
        damages.iter().for_each(|damage| damage.inflict(&mut bytes));
        if let Ok(cert) = codec::decode::<DeviceCert>(&bytes, ROOMY) {
            prop_assert!(&cert == keys.cert() || !cert.holds());
            prop_assert!(&cert == keys.cert() || !CertCache::default().holds(&cert));
        }
    }

    #[test]
    fn a_signature_fits_one_kind_one_person_and_one_device(
        entry in signed_entry(),
        thief in id(),
        others in keys(),
    ) {
        let (body, cert, signature) = entry.envelope().parts();
        let certs = &mut CertCache::default();
        let as_presence = Unverified::<Presence>::from_parts(body.to_vec(), cert.clone(), *signature);
        prop_assert!(matches!(as_presence.verify(certs), Err(VerifyError::BadSignature)));
        let taken_over = PersonKey::from_seed(&thief).certify(cert.device, cert.issued_ms);
        for cert in [taken_over, others.cert().clone()] {
            let stolen = Unverified::<EntryBody>::from_parts(body.to_vec(), cert, *signature);
            prop_assert!(matches!(stolen.verify(certs), Err(VerifyError::BadSignature)));
        }
    }

    #[test]
    fn of_a_batch_just_the_spoilt_ones_are_refused(
        entries in vec((signed_entry(), proptest::bool::weighted(0.2)), 0..6),
        at in any::<prop::sample::Index>(),
    ) {
        let spoil = |(entry, is_spoilt): &(Verified<EntryBody>, bool)| {
            let (body, cert, signature) = entry.envelope().parts();
            let mut signature = *signature;
            signature[at.index(64)] ^= u8::from(*is_spoilt);
            Unverified::from_parts(body.to_vec(), cert.clone(), signature)
        };
        let batch: Vec<Unverified<EntryBody>> = entries.iter().map(spoil).collect();
        let verified = Unverified::verify_each(batch, &mut CertCache::default());
        prop_assert_eq!(verified.len(), entries.len());
        for ((entry, is_spoilt), verified) in entries.iter().zip(verified) {
            prop_assert_eq!(verified.ok(), (!is_spoilt).then(|| entry.clone()));
        }
    }

    #[test]
    fn batches_fit_their_frames(entries in vec(signed_entry(), 0..12)) {
        let first = |bytes_max| {
            let len = entry::batch_len(entries.iter(), bytes_max);
            entries[..len].iter().map(|entry| entry.envelope().clone()).collect()
        };
        let frame = RoomFrame::Entries { entries: first(RoomFrame::ENTRIES_BYTES_MAX), attempt: u32::MAX };
        prop_assert!(codec::encode(&frame).len() <= limits::ROOM_FRAME_MAX);
        let request = ChatRequest::Deliver(first(ChatRequest::ENTRIES_BYTES_MAX));
        prop_assert!(codec::encode(&request).len() <= limits::CHAT_REQUEST_MAX as usize);
    }

    #[test]
    fn receipts_hellos_and_typings_fit_their_limits(
        response in chat_response(),
        presence in signed_presence(),
        typing in signed_typing(),
    ) {
        prop_assert!(typing.envelope().parts().0.len() <= Typing::BODY_MAX);
        prop_assert!(codec::encode(&response).len() <= limits::CHAT_RESPONSE_MAX as usize);
        let hello = Hello { presence: presence.envelope().clone(), links: u8::MAX };
        prop_assert!(codec::encode(&hello).len() <= limits::HELLO_MAX as usize);
        prop_assert!(presence.envelope().parts().0.len() <= Presence::BODY_MAX);
    }

    #[test]
    fn no_entry_crosses_a_limit(body in entry_body(), more in 1usize..200) {
        let text = |text: String| EntryBody { content: Content::text(text), ..body.clone() };
        let long = text("x".repeat(limits::TEXT_MAX + more));
        assert!(matches!(verify(long), Err(VerifyError::OverLimit)));
        let longer = text("x".repeat(limits::ENTRY_MAX + more));
        assert!(matches!(verify(longer), Err(VerifyError::BadBody(DecodeError::TooLarge { .. }))));
        assert!(matches!(verify(text(String::new())), Err(VerifyError::OverLimit)));
        let prev = vec![EntryKey { clock: Hlc(0), id: EntryId([0; 32]) }; limits::PREV_MAX + more.min(20)];
        let after_many = EntryBody { prev, ..text("short".into()) };
        assert!(matches!(verify(after_many), Err(VerifyError::OverLimit)));
        assert!(matches!(verify(EntryBody { seq: 0, ..body.clone() }), Err(VerifyError::OverLimit)));
        prop_assert!(verify(body).is_ok());
    }

    #[test]
    fn no_name_crosses_a_limit(text in typed(), times in 1usize..40) {
        let text = text.repeat(times);
        let is_clean = |name: &str| {
            name == name.trim() && !name.chars().any(char::is_control) && !name.contains("  ")
        };
        if let Ok(name) = DisplayName::new(&text) {
            prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= limits::DISPLAY_NAME_BYTES_MAX);
            prop_assert!(is_clean(name.as_str()));
        }
        if let Ok(status) = StatusLine::new(&text) {
            prop_assert!(status.as_str().len() <= limits::STATUS_BYTES_MAX && is_clean(status.as_str()));
        }
        if let Ok(room) = RoomName::new(&text) {
            prop_assert!(!room.as_str().is_empty() && room.as_str().len() <= limits::ROOM_NAME_BYTES_MAX);
            prop_assert!(is_clean(room.as_str()) && !room.as_str().starts_with('#'));
        }
    }

    #[test]
    fn no_link_crosses_a_limit(nodes in 0usize..40, padding in 0usize..6000) {
        let link = format!("kinmesh://join?{}x={}", "node=/ip4/192.0.2.1&".repeat(nodes), "y".repeat(padding));
        let fits = link.len() <= limits::LINK_MAX && (1..=limits::LINK_ADDRESSES_MAX).contains(&nodes);
        prop_assert_eq!(link.parse::<JoinLink>().is_ok(), fits);
    }
}

/// Lengths that promise more than there is: a decoder that believed them would ask for the memory.
#[test]
fn a_promise_of_gigabytes_is_refused_at_once() {
    let array = |prefix: &[u8]| [prefix, &[0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
    for bytes in [
        array(b"\xa1\x67entries\xa2\x61e"),
        array(b"\xa1\x67deliver"),
        array(b"\xa1\x68receipts"),
        array(b""),
        b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff".to_vec(),
        b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff".to_vec(),
    ] {
        take_anything_everywhere(&bytes);
        assert!(codec::decode::<RoomFrame>(&bytes, ROOMY).is_err());
        assert!(codec::decode::<ChatRequest>(&bytes, ROOMY).is_err());
    }
}

/// Nested as deep as a frame has bytes: a decoder that recursed without bound would end the program.
#[test]
fn nesting_without_end_is_refused() {
    for byte in [0x81, 0xa1, 0xc6, 0x9f, 0xbf, 0x5f] {
        take_anything_everywhere(&vec![byte; limits::ROOM_FRAME_MAX]);
    }
}

/// The same where it belongs, in the content after a header, so that nothing else is wrong with it.
#[test]
fn content_nested_without_end_is_refused_and_within_reason_it_is_of_a_later_version() {
    let header = EntryBody {
        conversation: ConversationTag([7; 32]),
        clock: Hlc::from_ms(1),
        seq: 1,
        prev: vec![],
        content: Content::Unknown,
    };
    let header = codec::encode(&header);
    let body = |depth: usize| {
        let deep = vec![0x81; depth];
        [&header[..], b"\xa2\x61k\x69sculpture\x64deep", &deep, &[0xf6]].concat()
    };
    let read = EntryBody::from_body(&body(100)).unwrap();
    assert_eq!(read.content, Content::Unknown);
    for depth in [30_000, limits::ENTRY_MAX - 200] {
        let body = body(depth);
        assert!(body.len() <= limits::ENTRY_MAX, "it is not refused for its length");
        assert!(matches!(EntryBody::from_body(&body), Err(DecodeError::Malformed)), "{depth}");
    }
}

/// What may be the text of a request fits into one, whatever it follows.
#[test]
fn only_a_short_text_may_be_asked_with() {
    let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
    let key = EntryKey { clock: Hlc(u64::MAX), id: EntryId([0xff; 32]) };
    let sign = |content| {
        let body = EntryBody {
            conversation: ConversationTag([9; 32]),
            clock: Hlc(u64::MAX),
            seq: u64::MAX,
            prev: vec![key; limits::PREV_MAX],
            content,
        };
        Unverified::sign(body, &keys)
    };
    let longest = sign(Content::text("x".repeat(limits::ASK_TEXT_MAX)));
    assert!(Ask::may_hold(&longest));
    let asks = |entry: &Verified<EntryBody>| {
        Ask { entry: Some(entry.envelope().clone()), introduction: None }.is_within_limits()
    };
    assert!(asks(&longest));
    let too_long = sign(Content::text("x".repeat(limits::ASK_TEXT_MAX + 1)));
    assert!(!Ask::may_hold(&too_long));
    assert!(!Ask::may_hold(&sign(Content::Text { text: "yes".into(), reply: Some(key) })));
    assert!(!Ask::may_hold(&sign(Content::Delete { of: key })));
    assert!(!asks(&sign(Content::text("x".repeat(limits::ASK_ENTRY_MAX)))));
}
