//! Entries that came with a comparison: verified, judged and stored like any others.
//!
//! Whoever brings them need not have written them, so nothing but the entries themselves is believed.

use std::collections::BTreeMap;

use kinmesh_proto::record::{TakenBack, Write};
use kinmesh_proto::{
    Content, ConversationId, Delivery, Entry, EntryBody, EntryKey, Receipt, Refusal, SyncResponse, Unverified,
};

use super::Reading;
use super::session::Taken;
use crate::node::{Core, Pending, put_entry};
use crate::output::{Output, Read, RequestToken, SyncFault};

/// Entries whose copies may still come by gossip, by the age of their clock, in milliseconds. Older
/// ones are not noted as recent: a long history would push out those that are.
const RECENT_MS: u64 = 10 * 60 * 1000;

/// For whom entries are taken in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// For the session that waits for this step.
    Session(u64),
    /// A device pushed them, and waits for receipts.
    Push(RequestToken),
}

/// Entries of one pack on their way to the disk.
#[derive(Debug)]
pub(crate) struct Intake {
    pub conversation: ConversationId,
    pub origin: Origin,
    /// Each entry of the pack, in its order.
    pub judged: Vec<Judged>,
}

#[derive(Debug)]
pub(crate) enum Judged {
    Good(Entry),
    /// Erased, and the delete that does it is not there.
    Doubtful {
        /// The entry.
        entry: Entry,
        /// Whether it may be there: something of the same author is sealed with a secret that is still to come.
        may_be: bool,
    },
    /// Not now, or not here, and not the fault of who brings it.
    Refused(EntryKey, Refusal),
    /// It should never have been sent.
    Bad(Refusal),
}

impl Judged {
    fn good(&self) -> Option<&Entry> {
        match self {
            Self::Good(entry) => Some(entry),
            _ => None,
        }
    }
}

impl Intake {
    fn good(&self) -> impl Iterator<Item = &Entry> {
        self.judged.iter().filter_map(Judged::good)
    }

    /// Whether whoever sent it should have known better.
    pub(crate) fn is_garbage(&self) -> bool {
        self.judged.iter().any(|judged| matches!(judged, Judged::Bad(_)))
    }

    pub(crate) fn keys(&self) -> Vec<EntryKey> {
        let key = |judged: &Judged| match judged {
            Judged::Good(entry) | Judged::Doubtful { entry, .. } => Some(entry.key()),
            Judged::Refused(key, _) => Some(*key),
            Judged::Bad(_) => None,
        };
        self.judged.iter().filter_map(key).collect()
    }

    fn receipts(&self) -> Vec<Receipt> {
        let receipt = |judged: &Judged| match judged {
            Judged::Good(_) => Receipt::Stored,
            Judged::Doubtful { .. } => Receipt::Refused(Refusal::Invalid),
            Judged::Refused(_, reason) | Judged::Bad(reason) => Receipt::Refused(*reason),
        };
        self.judged.iter().map(receipt).collect()
    }

    fn taken(&self, fresh: usize) -> Taken {
        let mut taken = Taken { fresh, ..Taken::default() };
        for judged in &self.judged {
            match judged {
                Judged::Good(entry) => taken.settled.push(entry.key()),
                Judged::Refused(key, _) => taken.settled.push(*key),
                Judged::Doubtful { entry, may_be } => {
                    taken.doubtful.push(entry.key());
                    taken.unread.extend(may_be.then(|| entry.id()));
                }
                Judged::Bad(_) => {}
            }
        }
        taken
    }
}

/// Whether a delete may be among what cannot be read yet.
fn is_perhaps(found: &TakenBack) -> bool {
    matches!(found, TakenBack::Perhaps(_))
}

impl Core {
    /// Verifies the entries of a pack.
    pub(crate) fn judge_pack(
        &mut self,
        now_ms: u64,
        conversation: ConversationId,
        origin: Origin,
        envelopes: Vec<Unverified<EntryBody>>,
    ) -> Intake {
        let verified = Unverified::verify_each(envelopes, &mut self.certs);
        let judged = verified.into_iter().map(|entry| match entry {
            Ok(entry) => self.judge_packed(now_ms, conversation, entry),
            Err(_) => Judged::Bad(Refusal::Invalid),
        });
        let mut judged: Vec<Judged> = judged.collect();
        self.doubt_the_erased(conversation, &mut judged);
        self.refuse_steps(conversation, &mut judged);
        Intake { conversation, origin, judged }
    }

    /// Refuses steps of a control log that nobody had the seat to write, as far as is known by now.
    fn refuse_steps(&self, conversation: ConversationId, judged: &mut [Judged]) {
        let ConversationId::Control(room) = conversation else { return };
        let steps: Vec<Entry> = judged.iter().filter_map(Judged::good).cloned().collect();
        let refused = self.refused_steps(room, &steps);
        for one in judged.iter_mut() {
            if let Some(step) = one.good().filter(|step| refused.contains(&step.id())) {
                *one = Judged::Refused(step.key(), Refusal::NotAuthor);
            }
        }
    }

    /// Marks erased entries for which nothing in the same pack vouches.
    fn doubt_the_erased(&self, conversation: ConversationId, judged: &mut [Judged]) {
        let withdrawals = withdrawals(judged);
        for one in judged {
            let Judged::Good(entry) = &*one else { continue };
            let subject = entry.content().target().unwrap_or_else(|| entry.key());
            if !entry.is_erased() {
                continue;
            }
            let found = TakenBack::by(withdrawals.get(&subject).into_iter().flatten(), entry);
            if !self.is_enough(conversation, &found) {
                *one = Judged::Doubtful { entry: entry.clone(), may_be: is_perhaps(&found) };
            }
        }
    }

    /// Whether an erased entry is believed to have been taken back. What cannot be read vouches only if it
    /// is kept from us for good: then so is what was erased, which is older, and nobody can empty for us
    /// what we could have read.
    fn is_enough(&self, conversation: ConversationId, found: &TakenBack) -> bool {
        match (found, conversation) {
            (TakenBack::Yes, _) => true,
            (TakenBack::Perhaps(steps), ConversationId::Room(room)) => {
                steps.iter().any(|step| self.is_kept_from_us(room, *step))
            }
            (TakenBack::Perhaps(_) | TakenBack::No, _) => false,
        }
    }

    fn judge_packed(&mut self, now_ms: u64, id: ConversationId, entry: Entry) -> Judged {
        if !self.belongs(id, entry.value().conversation) {
            return Judged::Bad(Refusal::WrongConversation);
        }
        if !self.may_stand_in(id, &entry) {
            return Judged::Bad(Refusal::Invalid);
        }
        let entry = self.unsealed(id, entry);
        if let ConversationId::Direct(other) = id
            && ![other, self.me()].contains(&entry.person())
        {
            return Judged::Bad(Refusal::NotAuthor);
        }
        if self.is_ahead(now_ms, id, &entry) {
            return self.refuse(&entry, Refusal::ClockAhead);
        }
        if self.is_too_old(id, entry.key()) {
            return self.refuse(&entry, Refusal::TooOld);
        }
        if !self.within_quota(id, &entry) {
            return self.refuse(&entry, Refusal::OverQuota);
        }
        Judged::Good(entry)
    }

    fn refuse(&mut self, entry: &Entry, reason: Refusal) -> Judged {
        self.sync.refusals.note_here(entry.id(), reason);
        Judged::Refused(entry.key(), reason)
    }

    /// Counts an entry of somebody else in a room; false when its author has written too much.
    pub(crate) fn within_quota(&mut self, id: ConversationId, entry: &Entry) -> bool {
        match id {
            ConversationId::Room(room) if entry.person() != self.me() => self.sync.quota.take(room, entry),
            _ => true,
        }
    }

    /// Takes back the count of what was not new, or not stored after all.
    pub(crate) fn uncount(&mut self, id: ConversationId, entry: &Entry) {
        if let ConversationId::Room(room) = id
            && entry.person() != self.me()
        {
            self.sync.quota.give_back(room, entry);
        }
    }

    /// Asks the store about erased entries, or stores at once.
    pub(crate) fn take_in(&mut self, now_ms: u64, intake: Intake) {
        let doubtful = intake.judged.iter().filter_map(|judged| match judged {
            Judged::Doubtful { entry, .. } => Some(entry.clone()),
            _ => None,
        });
        let entries: Vec<Entry> = doubtful.collect();
        if entries.is_empty() {
            return self.store_intake(now_ms, intake);
        }
        let read = Read::AreTakenBack { conversation: intake.conversation, entries };
        self.look_up(read, Reading::Deletes(Box::new(intake)));
    }

    /// The store knows of deletes for some of the doubtful ones.
    pub(crate) fn deletes_looked_up(&mut self, now_ms: u64, mut intake: Intake, found: Vec<TakenBack>) {
        let mut found = found.into_iter();
        for judged in &mut intake.judged {
            let Judged::Doubtful { entry, may_be } = judged else { continue };
            let found = found.next().unwrap_or_default();
            if self.is_enough(intake.conversation, &found) {
                *judged = Judged::Good(entry.clone());
            } else {
                *may_be |= is_perhaps(&found);
            }
        }
        self.store_intake(now_ms, intake);
    }

    fn store_intake(&mut self, now_ms: u64, intake: Intake) {
        let id = intake.conversation;
        for judged in &intake.judged {
            if let Judged::Doubtful { entry, .. } = judged {
                self.uncount(id, entry);
            }
        }
        let mut entries: Vec<Entry> = intake.good().cloned().collect();
        // Oldest first, as if they had been heard one after the other.
        entries.sort_unstable_by_key(Entry::key);
        if let ConversationId::Direct(person) = id
            && !entries.is_empty()
        {
            self.open_chat(person);
        }
        let mut writes: Vec<Write> = Vec::with_capacity(entries.len());
        for entry in &entries {
            self.note_caught_up(now_ms, id, entry);
            writes.push(put_entry(id, entry, self.delivery_on_arrival(id, entry), now_ms));
        }
        writes.extend(self.own_numbers_used(id, &entries));
        self.steps_arrive(id, &entries);
        self.persist(writes, Pending::CaughtUp { intake, entries });
    }

    /// How far an entry has come that somebody else brings: our own come back after our disk was lost.
    pub(crate) fn delivery_on_arrival(&self, id: ConversationId, entry: &Entry) -> Delivery {
        match id {
            _ if entry.person() != self.me() => Delivery::Received,
            ConversationId::Room(_) | ConversationId::Control(_) => Delivery::Sent { members: 1 },
            ConversationId::Direct(_) => Delivery::Delivered,
        }
    }

    /// Keeps our clock past the entry, and lets our next one follow it if nothing newer is known.
    fn note_caught_up(&mut self, now_ms: u64, id: ConversationId, entry: &Entry) {
        if entry.value().clock.ms() + RECENT_MS > now_ms {
            self.recent.add(entry.id());
        }
        self.follow_clock(now_ms, entry);
        if let Some(known) = self.conversations.get_mut(&id) {
            known.follow_newest(entry);
        }
    }

    /// Numbers of our own entries that come back are not used again.
    fn own_numbers_used(&mut self, id: ConversationId, entries: &[Entry]) -> Option<Write> {
        let device = self.keys.device();
        let own = entries.iter().filter(|entry| entry.device() == device);
        let newest = own.map(|entry| entry.value().seq).max()?;
        self.conversations.get_mut(&id)?.skip_numbers(newest)
    }

    /// The disk has what came: it is told, and whoever waits goes on.
    pub(crate) fn caught_up(&mut self, now_ms: u64, intake: Intake, entries: Vec<Entry>, fresh: &[bool]) {
        let id = intake.conversation;
        self.tell_stored(now_ms, id, &entries, fresh);
        match intake.origin {
            Origin::Push(request) => {
                self.sync.serving = self.sync.serving.saturating_sub(1);
                let response = SyncResponse::Receipts(intake.receipts());
                self.push(Output::RespondSync { request, response });
            }
            Origin::Session(step) => {
                let taken = intake.taken(fresh.iter().filter(|fresh| **fresh).count());
                self.continue_session(now_ms, id, step, |session| session.taken(taken));
            }
        }
    }

    /// The disk has nothing of what came.
    pub(crate) fn not_caught_up(&mut self, intake: &Intake) {
        for entry in intake.good() {
            self.untake(intake.conversation, std::slice::from_ref(entry));
            self.uncount(intake.conversation, entry);
        }
        match intake.origin {
            Origin::Push(request) => {
                self.sync.serving = self.sync.serving.saturating_sub(1);
                self.push(Output::RespondSync { request, response: SyncResponse::Busy });
            }
            Origin::Session(step) => {
                self.sync.forget_session(intake.conversation, step);
                self.sync.refused_here(intake.conversation);
            }
        }
    }

    /// What a session brought, checked against what was asked for.
    pub(crate) fn take_for_session(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        step: u64,
        envelopes: Vec<Unverified<EntryBody>>,
    ) -> Result<(), SyncFault> {
        let intake = self.judge_pack(now_ms, id, Origin::Session(step), envelopes);
        let is_wanted = self.sync.sessions.get(&id).is_some_and(|session| session.accepts(&intake.keys()));
        if intake.is_garbage() || !is_wanted {
            for entry in intake.good() {
                self.uncount(id, entry);
            }
            return Err(SyncFault::Garbage);
        }
        self.take_in(now_ms, intake);
        Ok(())
    }
}

/// The deletes of a pack and what may be one, by the post that they change.
fn withdrawals(judged: &[Judged]) -> BTreeMap<EntryKey, Vec<Entry>> {
    let mut withdrawals = BTreeMap::<EntryKey, Vec<Entry>>::new();
    for entry in judged.iter().filter_map(Judged::good) {
        if let (Content::Delete { .. } | Content::Sealed { .. }, Some(post)) =
            (entry.content(), entry.content().target())
        {
            withdrawals.entry(post).or_default().push(entry.clone());
        }
    }
    withdrawals
}
