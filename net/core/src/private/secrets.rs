//! Handing secrets of private rooms on: asked for by who lacks them, given to whom the log lets have them.

use std::collections::BTreeSet;

use kinmesh_proto::{
    ConversationId, DeviceId, EntryId, EpochSecret, RoomId, SecretRecord, SyncAsk, SyncRequest, SyncResponse,
    Write, limits,
};
use rand::seq::IndexedRandom;

use crate::changes::Reading;
use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::output::{Output, RequestToken, SyncToken};

/// Secrets that are not here are asked for again after this long without an answer, in milliseconds.
const ASK_EVERY_MS: u64 = 5_000;
/// And after an answer without them; each time twice as long, up to [`ASK_AGAIN_MAX_MS`].
const ASK_AGAIN_MS: u64 = 1_000;
/// The longest that is waited, in milliseconds: perhaps nobody will ever give them.
const ASK_AGAIN_MAX_MS: u64 = 60_000;

impl Core {
    /// Secrets that we may have and lack, the newest first: with them can be written.
    pub(super) fn missing_secrets(&self, room: RoomId) -> Vec<EntryId> {
        let me = self.me();
        let Some(private) = self.private.get(&room) else { return Vec::new() };
        let epochs = private.log.epochs().map(|(step, _)| step);
        epochs
            .filter(|step| !self.keyring.holds(room, *step) && private.log.may_have(me, *step))
            .take(limits::SECRETS_ASKED_MAX)
            .collect()
    }

    /// Asks a member for what is missing, if it is time.
    pub(super) fn ask_for_secrets(&mut self, now_ms: u64, room: RoomId) {
        if self.private.get(&room).is_none_or(|private| private.ask_at_ms > now_ms) {
            return;
        }
        let missing = self.missing_secrets(room);
        if missing.is_empty() {
            // Until a step comes, or somebody does.
            return self.ask_for_secrets_at(room, u64::MAX);
        }
        let log = ConversationId::Control(room);
        let Some(device) = self.whom_to_ask(room, self.private_partners(now_ms, log)) else { return };
        self.ask_for_secrets_at(room, now_ms + ASK_EVERY_MS);
        let token = SyncToken(self.sync.next_step());
        self.secret_asks.insert(token, room);
        let conversation = ConversationId::Room(room).tag(self.me());
        let request = SyncRequest { conversation, ask: SyncAsk::Secrets(missing) };
        self.push(Output::Sync { device, token, request });
    }

    /// One of those who were not asked yet, else of all: perhaps only one of them has what is missing.
    fn whom_to_ask(&mut self, room: RoomId, partners: Vec<DeviceId>) -> Option<DeviceId> {
        let asked = &mut self.private.get_mut(&room)?.asked;
        if partners.iter().all(|partner| asked.contains(partner)) {
            asked.clear();
        }
        let left: Vec<DeviceId> = partners.into_iter().filter(|partner| !asked.contains(partner)).collect();
        let device = left.choose(&mut self.sync.dice).copied()?;
        asked.insert(device);
        Some(device)
    }

    /// Gives a member the secrets that the log lets them have.
    pub(crate) fn give_secrets(
        &mut self,
        device: DeviceId,
        conversation: ConversationId,
        wanted: Vec<EntryId>,
        request: RequestToken,
    ) {
        let (person, private) = (self.people.person_of(device), self.private_room(conversation));
        let may_have = |step: &EntryId| {
            person.zip(private).is_some_and(|(person, private)| private.log.may_have(person, *step))
        };
        let wanted: BTreeSet<EntryId> = wanted.into_iter().collect();
        let held = |step| Some((step, self.keyring.secret(conversation.room()?, step)?));
        let given = wanted.into_iter().filter(may_have).filter_map(held).collect();
        self.push(Output::RespondSync { request, response: SyncResponse::Secrets(given) });
    }

    /// A member answered, or not.
    pub(crate) fn secrets_answered(&mut self, now_ms: u64, token: SyncToken, response: Option<SyncResponse>) {
        let Some(room) = self.secret_asks.remove(&token) else { return };
        let Some(SyncResponse::Secrets(given)) = response else {
            return self.ask_for_secrets_later(now_ms, room);
        };
        let is_proven = |step: EntryId, secret: &EpochSecret| {
            let log = self.private.get(&room).map(|private| &private.log);
            log.and_then(|log| log.commitment(step)) == Some(secret.commitment(room))
        };
        let wanted = self.missing_secrets(room);
        let records: Vec<SecretRecord> = given
            .into_iter()
            .filter(|(step, secret)| wanted.contains(step) && is_proven(*step, secret))
            .map(|(step, secret)| SecretRecord { room, step, secret })
            .collect();
        if records.is_empty() {
            // Perhaps another one has them, or the same one once our step has reached them.
            self.ask_for_secrets_later(now_ms, room);
        } else {
            let writes = records.iter().cloned().map(Write::PutSecret).collect();
            self.persist(writes, Pending::Secrets { room, records });
        }
    }

    fn ask_for_secrets_later(&mut self, now_ms: u64, room: RoomId) {
        if let Some(private) = self.private.get_mut(&room) {
            let wait_ms = ASK_AGAIN_MAX_MS.min(ASK_AGAIN_MS << private.asked_in_vain.min(8));
            private.asked_in_vain += 1;
            private.ask_at_ms = now_ms + wait_ms;
        }
    }

    fn ask_for_secrets_at(&mut self, room: RoomId, at_ms: u64) {
        if let Some(private) = self.private.get_mut(&room) {
            private.ask_at_ms = at_ms;
        }
    }

    /// The disk has them: what they open can be read from now on.
    pub(crate) fn secrets_persisted(&mut self, now_ms: u64, room: RoomId, records: Vec<SecretRecord>) {
        for SecretRecord { step, secret, .. } in records {
            self.keyring.add(room, step, secret);
        }
        self.conclude(now_ms, room);
        let id = ConversationId::Room(room);
        for device in self.private_partners(now_ms, id) {
            self.met(now_ms, id, device);
        }
        self.recounts.insert(id);
        // What the list of rooms shows of it may be one of those that can be read now.
        let last = self.conversations.get(&id).and_then(|known| known.last.as_ref());
        if let Some(last) = last.map(|last| last.key) {
            self.read_post(id, last, Reading::default());
        }
        self.tell(id, ConversationEvent::Unsealed);
    }
}
