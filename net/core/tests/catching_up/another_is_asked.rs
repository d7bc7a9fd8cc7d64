//! Who is misled by one member is healed at once by another one who is there.

use kinmesh_core::SyncFault;
use kinmesh_proto::record::{StoredEntry, Write};
use kinmesh_proto::{
    ConversationId, Delivery, DeviceKeys, Digest, Entry, EntryBody, EntryPack, SyncAsk, SyncRequest,
    SyncResponse, Unverified, Wanted,
};
use kinmesh_store::HistoryStore;

use crate::mesh::{Impostor, Mesh, START_MS};
use crate::{ALICE, BOB, CAROL, digest_of, old_entries, tag};

/// The time within which all is well again: far less than that until the next regular comparison.
const HEALED_MS: u64 = 5_000;

/// The same after somebody who takes their time: the longest session, and one more answer of theirs.
const HEALED_AFTER_TRICKLING_MS: u64 = 6 * 60_000;

/// The time until the next regular comparison, and that which a few questions take.
const ROUND_MAX_MS: u64 = 40_000;

/// In the place of carol.
const MALLORY: usize = CAROL;

/// Bob comes by entries that carol has just found him not to have.
fn bob_learns(mesh: &mut Mesh, conversation: ConversationId, entries: &[Entry]) {
    let put = |entry: &Entry| {
        let stored =
            StoredEntry { entry: entry.clone(), delivery: Delivery::Received, received_ms: START_MS };
        Write::PutEntry { conversation, stored }
    };
    let writes: Vec<Write> = entries.iter().map(put).collect();
    mesh.peers[BOB].disk.apply(&writes).unwrap();
}

/// Carol knows the first entries and agrees with bob. Then he learns the rest, and she meets alice, who
/// has all of it, and in whose place somebody answers.
fn carol_is_misled(known: usize, impostor: impl FnOnce(Vec<Entry>) -> Impostor, fault: SyncFault) {
    carol_is_misled_by_who_dawdles(0, known, impostor, fault, HEALED_MS);
}

/// The same, with each answer coming so much later.
fn carol_is_misled_by_who_dawdles(
    dawdles_ms: u64,
    known: usize,
    impostor: impl FnOnce(Vec<Entry>) -> Impostor,
    fault: SyncFault,
    healed_ms: u64,
) {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.add();
    mesh.join(CAROL, "lobby");
    let entries = old_entries(tag(lobby), 50);
    mesh.remember(ALICE, lobby, &entries);
    for index in [BOB, CAROL] {
        mesh.remember(index, lobby, &entries[..known]);
    }
    mesh.link(BOB, CAROL);
    mesh.advance(4_000);
    bob_learns(&mut mesh, lobby, &entries[known..]);
    mesh.peers[ALICE].impostor = Some(impostor(entries));
    mesh.peers[ALICE].dawdles_ms = dawdles_ms;
    mesh.link(ALICE, CAROL);
    mesh.advance(healed_ms);
    assert_eq!(mesh.peers[CAROL].faults, [(mesh.peers[ALICE].device(), fault)]);
    assert_eq!(mesh.peers[CAROL].history(lobby).len(), 50);
    assert_eq!(mesh.peers[CAROL].told_texts(lobby).len(), 50 - known, "told once");
}

/// Words of one, signed by another.
fn forging(entries: Vec<Entry>) -> Impostor {
    let thief = DeviceKeys::generate(&[80; 32], &[81; 32], 0);
    let (body, _, signature) = entries[49].envelope().parts();
    let forged = Unverified::<EntryBody>::from_parts(body.to_vec(), thief.cert().clone(), *signature);
    let pack = EntryPack::of([&forged.trust_stored().unwrap()]);
    Box::new(move |request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(_) => Some(SyncResponse::Entries(pack.clone())),
        _ => None,
    })
}

fn withholding(_: Vec<Entry>) -> Impostor {
    Box::new(|request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(_) => Some(SyncResponse::Entries(EntryPack::default())),
        _ => None,
    })
}

/// What was not asked for.
fn straying(entries: Vec<Entry>) -> Impostor {
    let pack = EntryPack::of([&entries[3], &entries[4]]);
    Box::new(move |request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(_) => Some(SyncResponse::Entries(pack.clone())),
        _ => None,
    })
}

/// Everything is different, each time anew.
fn endless(entries: Vec<Entry>) -> Impostor {
    let claim = Digest { newest: Some(entries[48].key()), ..digest_of(&entries[1..]) };
    let mut round = 0_u8;
    Box::new(move |request: &SyncRequest| match request.ask {
        SyncAsk::Compare { .. } => Some(SyncResponse::Digest { digest: claim, window: None }),
        SyncAsk::Reconcile { .. } => {
            round = round.wrapping_add(1);
            let frame = [&[0x61, 0, 0, 1][..], &[round; 16]].concat();
            Some(SyncResponse::Reconciled(frame.into()))
        }
        _ => None,
    })
}

/// One entry at a time.
fn trickling(entries: Vec<Entry>) -> Impostor {
    Box::new(move |request: &SyncRequest| match request.ask {
        SyncAsk::Fetch(Wanted::Range(range)) => {
            let newest = entries.iter().rev().find(|entry| range.contains(entry.key()));
            Some(SyncResponse::Entries(EntryPack::of(newest)))
        }
        _ => None,
    })
}

#[test]
fn after_forged_entries() {
    carol_is_misled(0, forging, SyncFault::Garbage);
}

#[test]
fn after_entries_that_were_kept_back() {
    carol_is_misled(0, withholding, SyncFault::Withheld);
}

#[test]
fn after_entries_that_nobody_asked_for() {
    carol_is_misled(0, straying, SyncFault::Garbage);
}

#[test]
fn after_a_comparison_without_end() {
    carol_is_misled(49, endless, SyncFault::Endless);
}

#[test]
fn after_entries_that_trickle_in() {
    let fault = SyncFault::Endless;
    carol_is_misled_by_who_dawdles(55_000, 0, trickling, fault, HEALED_AFTER_TRICKLING_MS);
}

#[test]
fn beside_somebody_who_never_answers() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.peers[MALLORY].impostor = Some(Box::new(|_| None));
    mesh.peers[MALLORY].dawdles_ms = u64::MAX;
    // She is asked again, less and less often.
    mesh.advance(60 * 60_000);
    let entries = old_entries(tag(lobby), 8);
    for (number, entry) in entries.iter().enumerate() {
        bob_learns(&mut mesh, lobby, std::slice::from_ref(entry));
        mesh.advance(ROUND_MAX_MS);
        assert_eq!(mesh.peers[ALICE].history(lobby).len(), number + 1);
    }
    assert_eq!(mesh.peers[ALICE].faults, [], "silence is no garbage");
}
