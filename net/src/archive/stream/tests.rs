use kinmesh_proto::{
    Content, ConversationTag, DeviceId, DisplayName, EntryBody, EntryId, EntryKey, EpochSecret, Hlc,
    PersonId, RoomId, RoomName, SecretRecord, StatusLine, TicketToken, Ties, Unverified,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn keys(seed: u8) -> KeyFiles {
    KeyFiles::of_seeds(&[seed; 32], &[seed ^ 0x80; 32])
}

fn entries(seed: u8, texts: &[String], delivery: Delivery) -> Record {
    let keys = keys(seed).keys().unwrap();
    let sign = |(number, text): (usize, &String)| {
        let body = EntryBody {
            conversation: ConversationTag([seed; 32]),
            clock: Hlc(number as u64),
            seq: number as u64 + 1,
            prev: Vec::new(),
            content: Content::text(text.as_str()),
        };
        Unverified::sign(body, &keys)
    };
    let entries: Vec<_> = texts.iter().enumerate().map(sign).collect();
    let notes = (0..entries.len() as u64).map(|number| (delivery, number)).collect();
    let conversation = ConversationId::Room(RoomId([seed; 32]));
    Record::Entries(EntriesRecord { conversation, pack: EntryPack::of(&entries), notes })
}

fn person(seed: u8, name: &str) -> PersonRecord {
    PersonRecord {
        person: PersonId([seed; 32]),
        name: DisplayName::new(name).unwrap(),
        status: StatusLine::default(),
        nickname: (seed > 100).then(|| DisplayName::new("nick").unwrap()),
        contact: seed.is_multiple_of(2),
        devices: vec![DeviceId([seed; 32])],
        last_seen_ms: u64::from(seed),
        ties: seed.is_multiple_of(3).then(Ties::mutual),
    }
}

fn conversation(seed: u8) -> ConversationRecord {
    let read = EntryKey { clock: Hlc(u64::from(seed)), id: kinmesh_proto::EntryId([seed; 32]) };
    ConversationRecord {
        read: Some(read),
        seq_reserved: u64::MAX,
        ..ConversationRecord::new(ConversationId::Room(RoomId([seed; 32])), Some(RoomName::lobby()))
    }
}

fn any_delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        Just(Delivery::Received),
        Just(Delivery::Queued),
        any::<u32>().prop_map(|members| Delivery::Sent { members }),
        Just(Delivery::Failed { reason: kinmesh_proto::Refusal::ClockAhead }),
    ]
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (any::<u8>(), any::<u64>()).prop_map(|(seed, made_ms)| {
            Record::Peer(PeerRecord { keys: keys(seed), made_ms, entries: 7 })
        }),
        ("[a-z]{1,9}", vec(any::<u8>(), 0..200))
            .prop_map(|(name, bytes)| Record::File { name, bytes: ByteBuf::from(bytes) }),
        (any::<u8>(), vec("\\PC{1,40}", 1..5), any_delivery())
            .prop_map(|(seed, texts, delivery)| entries(seed, &texts, delivery)),
        (any::<bool>(), any::<bool>())
            .prop_map(|(read_receipts, typing)| Record::Privacy(Privacy { read_receipts, typing })),
        any::<u8>().prop_map(|seed| Record::Conversation(Box::new(conversation(seed)))),
        (any::<u8>(), "[a-z]{1,9}").prop_map(|(seed, name)| Record::Person(Box::new(person(seed, &name)))),
        any::<u8>().prop_map(|seed| {
            let (room, person) = (RoomId([seed; 32]), PersonId([seed; 32]));
            Record::Member(MemberRecord { room, person, last_seen_ms: 9 })
        }),
        (any::<u8>(), vec("/ip4/[0-9]{1,3}", 0..3)).prop_map(|(seed, addresses)| {
            Record::Addresses(AddressRecord { device: DeviceId([seed; 32]), addresses, last_ok_ms: 5 })
        }),
        any::<u8>().prop_map(|seed| Record::Invite(invite(seed))),
        any::<u8>().prop_map(|seed| Record::Opening(opening(seed))),
        any::<u8>().prop_map(|seed| {
            let (room, step) = (RoomId([seed; 32]), EntryId([seed; 32]));
            Record::Secret(SecretRecord { room, step, secret: EpochSecret::new([seed; 32]) })
        }),
    ]
}

fn invite(seed: u8) -> InviteRecord {
    InviteRecord {
        token: TicketToken(ByteArray::new([seed; 16])),
        room: None,
        made_ms: 5,
        expires_ms: None,
        uses: Some(1),
        used_by: vec![PersonId([seed; 32])],
        revoked: false,
    }
}

fn opening(seed: u8) -> OpeningRecord {
    OpeningRecord {
        token: TicketToken(ByteArray::new([seed; 16])),
        person: PersonId([seed; 32]),
        name: DisplayName::new("Bo").unwrap(),
        devices: vec![],
        room: None,
        opened_ms: 5,
        refused: None,
    }
}

/// The stream of these records, and where each of them begins and the last one ends.
fn written(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::begin(Vec::new()).unwrap();
    let mut boundaries = vec![0];
    for record in records {
        boundaries.push(writer.out.len());
        writer.put(record).unwrap();
    }
    boundaries.push(writer.out.len());
    let (bytes, _) = writer.end().unwrap();
    (bytes, boundaries)
}

fn read(bytes: &[u8]) -> Result<Vec<Record>, ArchiveError> {
    let mut reader = Reader::begin(bytes)?;
    std::iter::from_fn(|| reader.next().transpose()).collect()
}

fn some_of_each() -> Vec<Record> {
    vec![
        Record::Peer(PeerRecord { keys: keys(1), made_ms: 5, entries: 3 }),
        Record::File { name: "settings.toml".into(), bytes: ByteBuf::from(b"theme".to_vec()) },
        entries(2, &["one".into(), "two".into(), "three".into()], Delivery::Received),
        Record::Conversation(Box::new(conversation(3))),
        Record::Person(Box::new(person(4, "Bo"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_back(records in vec(any_record(), 0..12)) {
        prop_assert_eq!(read(&written(&records).0).unwrap(), records);
    }

    #[test]
    fn a_changed_byte_is_noticed(at: Index, change in 1u8..) {
        let mut bytes = written(&some_of_each()).0;
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(read(&bytes).is_err(), "byte {at}");
    }

    #[test]
    fn a_stream_that_ends_anywhere_too_early_is_noticed(at: Index) {
        let bytes = written(&some_of_each()).0;
        prop_assert!(matches!(read(&bytes[..at.index(bytes.len())]), Err(ArchiveError::Cut)));
    }
}

#[test]
fn a_cut_between_two_records_is_noticed() {
    let (bytes, boundaries) = written(&some_of_each());
    for boundary in boundaries {
        assert!(matches!(read(&bytes[..boundary]), Err(ArchiveError::Cut)), "at {boundary}");
    }
}

#[test]
fn a_record_that_was_taken_out_or_put_in_twice_is_noticed() {
    let (bytes, boundaries) = written(&some_of_each());
    for record in boundaries[1..].windows(2) {
        let (before, rest) = bytes.split_at(record[0]);
        let without = [before, &bytes[record[1]..]].concat();
        assert!(matches!(read(&without), Err(ArchiveError::Damaged)));
        let twice = [&bytes[..record[1]], rest].concat();
        assert!(matches!(read(&twice), Err(ArchiveError::Damaged)));
    }
}

#[test]
fn bytes_after_the_last_record_are_noticed() {
    let mut bytes = written(&some_of_each()).0;
    bytes.push(0);
    assert!(matches!(read(&bytes), Err(ArchiveError::Damaged)));
}

#[test]
fn an_archive_of_a_later_format_is_told_from_a_damaged_one() {
    let mut bytes = written(&some_of_each()).0;
    bytes[OPENING.len() + 3] = 4;
    assert!(matches!(read(&bytes), Err(ArchiveError::Newer { found: 4, known: 3 })));
    bytes[0] = b'K';
    assert!(matches!(read(&bytes), Err(ArchiveError::NotAnArchive)));
}

#[test]
fn a_length_that_no_record_has_costs_no_memory() {
    let mut bytes = written(&[]).0;
    bytes.truncate(OPENING.len() + 4);
    bytes.extend([0xff; 4]);
    assert!(matches!(read(&bytes), Err(ArchiveError::Damaged)));
}

#[test]
fn what_was_written_is_counted() {
    let mut writer = Writer::begin(Vec::new()).unwrap();
    for record in some_of_each() {
        writer.put(&record).unwrap();
    }
    let counts = Counts { conversations: 1, people: 1, entries: 3, files: 1, ..Counts::default() };
    assert_eq!(writer.end().unwrap().1, counts);
}

#[test]
fn a_full_pack_fits_into_a_record() {
    let texts: Vec<_> = (0..kinmesh_proto::limits::PACK_ENTRIES_MAX).map(|n| n.to_string()).collect();
    let record = entries(1, &texts, Delivery::Failed { reason: kinmesh_proto::Refusal::WrongConversation });
    let Record::Entries(EntriesRecord { pack, .. }) = &record else { panic!("it holds entries") };
    assert_eq!(pack.len(), texts.len());
    Writer::begin(Vec::new()).unwrap().put(&record).unwrap();
}
