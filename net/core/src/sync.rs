//! Catching up: histories are compared with other members, and what is missing is exchanged.
//!
//! Owns who is compared with and when, the sessions under way, and what is known of others as
//! partners. What a session does next is decided in [`session`], what others are answered in
//! [`serve`], and what becomes of entries that come in [`intake`]. It must never believe anything
//! but what the entries themselves prove.

mod backlog;
mod completeness;
mod disputes;
mod intake;
mod quota;
mod refusals;
mod serve;
mod session;
mod standing;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{
    ConversationId, Delivery, DeviceId, Digest, EntryId, EntryKey, Receipt, Refusal, RoomId, SyncRequest,
    SyncResponse,
};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use disputes::Disputes;
pub(crate) use intake::Intake;
use quota::Quota;
use refusals::Refusals;
use serve::{Serving, Visit};
use session::{Ending, Given, Session, Step};
use standing::Standings;

use crate::node::Core;
use crate::output::{Output, Read, ReadAnswer, ReadToken, SyncFault, SyncToken};
use crate::view::Completeness;

/// Each open room is compared with a random member or two this often, in milliseconds, a quarter more
/// or less, so that a mesh does not do it in step.
const ROUND_MS: u64 = 30_000;
/// Sessions at once, each of another conversation: a session holds the keys of a window and one pack,
/// less than a megabyte, and its packs are verified on the task that does everything else, too.
const SESSIONS_MAX: usize = 4;
/// Both sides of a new connection would ask at once: the one with the larger id lets the other begin,
/// and asks after this, in milliseconds.
const SECOND_MS: u64 = 2_000;
/// A session that ended early is followed by another after this, in milliseconds, and up to as much
/// again.
const AGAIN_MS: u64 = 2_000;
/// A device that turns out to differ from us is asked again no sooner than this, in milliseconds.
const ASK_BACK_MS: u64 = 15_000;

/// How far an entry of ours has come that one member of a room took, although nobody heard it by
/// gossip, or another one refused it.
const TAKEN_AFTER_ALL: Delivery = Delivery::Sent { members: 1 };

/// What is asked of the store, until it answers.
#[derive(Debug)]
enum Reading {
    /// For the session of this conversation that waits for this step.
    Session(ConversationId, u64),
    /// For another device.
    Serving(Box<Serving>),
    /// Whether erased entries were taken back.
    Deletes(Box<Intake>),
}

impl Reading {
    fn of(serving: Serving) -> Self {
        Self::Serving(Box::new(serving))
    }
}

/// How the last session with a device about a conversation ended.
#[derive(Debug, Default)]
struct Past {
    ended_ms: u64,
    /// Both sides' digests, when they differed and nothing was left to exchange: some entries are
    /// refused by one of the two.
    difference: Option<(Digest, Digest)>,
    /// Erased entries that came without their delete.
    unvouched: BTreeSet<EntryId>,
    /// Whether they said that they are not in that conversation with us.
    is_not_here: bool,
}

/// What catching up remembers.
pub(crate) struct Sync {
    pub(crate) dice: StdRng,
    next_step: u64,
    sessions: BTreeMap<ConversationId, Session>,
    /// Whom to compare with, and when. Each is a connected device in a conversation of ours.
    due: BTreeMap<(ConversationId, DeviceId), u64>,
    /// When a room, or a control log, is compared with random members.
    rounds: BTreeMap<ConversationId, u64>,
    /// Conversations of which our disk refused something that others have: compared once it works.
    refused_here: BTreeSet<ConversationId>,
    readings: BTreeMap<ReadToken, Reading>,
    /// Questions of others that are not answered yet.
    serving: usize,
    /// Who is catching up with us.
    visits: BTreeMap<ConversationId, Visit>,
    past: BTreeMap<(ConversationId, DeviceId), Past>,
    /// Connected devices that held nothing which is missing here when they were last compared.
    agreeing: BTreeMap<RoomId, BTreeSet<DeviceId>>,
    /// What faces were told last.
    told: BTreeMap<RoomId, Completeness>,
    is_completeness_stale: bool,
    refusals: Refusals,
    disputes: Disputes,
    quota: Quota,
    standings: Standings,
}

impl Sync {
    pub(crate) fn new(dice: StdRng) -> Self {
        Self {
            dice,
            next_step: 0,
            sessions: BTreeMap::new(),
            due: BTreeMap::new(),
            rounds: BTreeMap::new(),
            refused_here: BTreeSet::new(),
            readings: BTreeMap::new(),
            serving: 0,
            visits: BTreeMap::new(),
            past: BTreeMap::new(),
            agreeing: BTreeMap::new(),
            told: BTreeMap::new(),
            is_completeness_stale: true,
            refusals: Refusals::default(),
            disputes: Disputes::default(),
            quota: Quota::default(),
            standings: Standings::default(),
        }
    }

    /// Somebody came or went.
    pub(crate) fn members_changed(&mut self) {
        self.is_completeness_stale = true;
    }

    /// Our disk refused something of this conversation that others may have.
    pub(crate) fn refused_here(&mut self, id: ConversationId) {
        self.refused_here.insert(id);
    }

    pub(crate) fn next_step(&mut self) -> u64 {
        self.next_step += 1;
        self.next_step
    }

    /// Drops a session whose step failed on our side; the next round begins anew.
    fn forget_session(&mut self, id: ConversationId, step: u64) {
        if self.sessions.get(&id).is_some_and(|session| session.awaits == step) {
            self.sessions.remove(&id);
        }
    }

    /// Asks for a session no later than this.
    fn make_due(&mut self, id: ConversationId, device: DeviceId, at_ms: u64) {
        let due = self.due.entry((id, device)).or_insert(at_ms);
        *due = at_ms.min(*due);
    }
}

impl Core {
    /// The store answered a [`Output::Read`].
    pub fn read(&mut self, now_ms: u64, token: ReadToken, answer: ReadAnswer) {
        self.sync.refusals.tick(now_ms);
        match (self.sync.readings.remove(&token), answer) {
            (Some(Reading::Session(id, step)), answer) => {
                let Some(mut session) = self.session_at(id, step) else { return };
                let next = session.read(answer, &self.sync.refusals);
                self.sync.sessions.insert(id, session);
                self.do_step(now_ms, id, next);
            }
            (Some(Reading::Serving(serving)), answer) => self.served(now_ms, *serving, answer),
            (Some(Reading::Deletes(intake)), ReadAnswer::AreTakenBack(found)) => {
                self.deletes_looked_up(now_ms, *intake, found);
            }
            (Some(Reading::Deletes(intake)), _) => self.not_caught_up(&intake),
            (None, _) => {}
        }
    }

    /// A device answered a [`Output::Sync`].
    pub fn sync_answered(&mut self, now_ms: u64, token: SyncToken, response: SyncResponse) {
        self.sync.refusals.tick(now_ms);
        let Some(id) = self.session_of(token) else {
            self.knock_answered(token, Some(&response));
            self.secrets_answered(now_ms, token, Some(response));
            return;
        };
        let Some(mut session) = self.sync.sessions.remove(&id) else { return };
        let device = session.device;
        let answered = session.answered(response, &self.sync.refusals);
        self.sync.sessions.insert(id, session);
        match answered {
            Ok((step, receipts)) => {
                self.take_receipts(id, device, receipts);
                self.do_step(now_ms, id, step);
            }
            Err(fault) => self.do_step(now_ms, id, Step::End(Ending::Fault(fault))),
        }
    }

    /// A device did not answer a [`Output::Sync`], or is gone.
    pub fn sync_failed(&mut self, now_ms: u64, token: SyncToken) {
        match self.session_of(token) {
            Some(id) => self.do_step(now_ms, id, Step::End(Ending::Unanswered)),
            None => {
                self.knock_answered(token, None);
                self.secrets_answered(now_ms, token, None);
            }
        }
    }

    fn session_of(&self, SyncToken(step): SyncToken) -> Option<ConversationId> {
        let session = self.sync.sessions.values().find(|session| session.awaits == step);
        session.map(|session| session.conversation)
    }

    /// Takes out the session that waits for this step.
    fn session_at(&mut self, id: ConversationId, step: u64) -> Option<Session> {
        self.sync.sessions.get(&id).filter(|session| session.awaits == step)?;
        self.sync.sessions.remove(&id)
    }

    /// Lets the session that waits for this step go on.
    fn continue_session(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        step: u64,
        go_on: impl FnOnce(&mut Session) -> Result<Step, SyncFault>,
    ) {
        let Some(mut session) = self.session_at(id, step) else { return };
        let next = go_on(&mut session).unwrap_or_else(|fault| Step::End(Ending::Fault(fault)));
        self.sync.sessions.insert(id, session);
        self.do_step(now_ms, id, next);
    }

    fn do_step(&mut self, now_ms: u64, id: ConversationId, step: Step) {
        let number = self.sync.next_step();
        let Some(session) = self.sync.sessions.get_mut(&id) else { return };
        session.awaits = number;
        let (device, overdue) = (session.device, session.overdue(now_ms));
        match (step, overdue) {
            (Step::End(ending), _) | (_, Some(ending)) => self.end_session(now_ms, id, ending),
            (Step::Read(read), _) => self.look_up(read, Reading::Session(id, number)),
            (Step::Ask(ask), _) => {
                let request = SyncRequest { conversation: id.tag(self.me()), ask };
                self.push(Output::Sync { device, token: SyncToken(number), request });
            }
            (Step::Take(envelopes), _) => {
                if let Err(fault) = self.take_for_session(now_ms, id, number, envelopes) {
                    self.end_session(now_ms, id, Ending::Fault(fault));
                }
            }
        }
    }

    /// Asks the store.
    fn look_up(&mut self, read: Read, then: Reading) {
        let token = ReadToken(self.sync.next_step());
        let read = self.without_too_old(read);
        self.sync.readings.insert(token, then);
        self.push(Output::Read { token, read });
    }

    fn take_receipts(&mut self, id: ConversationId, device: DeviceId, receipts: Vec<(Given, Receipt)>) {
        let me = self.me();
        let mut deliveries: Vec<(EntryKey, Delivery)> = Vec::new();
        for ((key, author), receipt) in receipts {
            if let Receipt::Refused(reason) = receipt {
                self.sync.refusals.note_there(device, key.id, reason);
            }
            let delivery = (author == me).then(|| self.delivery_by(id, key, receipt)).flatten();
            deliveries.extend(delivery.map(|delivery| (key, delivery)));
        }
        self.set_deliveries(id, deliveries);
    }

    /// What a receipt for an entry of ours tells of how far it has come, if anything new.
    fn delivery_by(&mut self, id: ConversationId, key: EntryKey, receipt: Receipt) -> Option<Delivery> {
        match (id, receipt) {
            (ConversationId::Direct(_), Receipt::Stored) => Some(Delivery::Delivered),
            (ConversationId::Room(room), Receipt::Stored) => {
                self.sync.disputes.taken(room, key).then_some(TAKEN_AFTER_ALL)
            }
            (
                ConversationId::Room(room),
                Receipt::Refused(reason @ (Refusal::ClockAhead | Refusal::OverQuota)),
            ) => self.sync.disputes.refused(room, key).then_some(Delivery::Failed { reason }),
            (ConversationId::Direct(_), Receipt::Refused(reason @ Refusal::ClockAhead)) => {
                Some(Delivery::Failed { reason })
            }
            // Nobody is shown how far a step has come.
            (ConversationId::Control(_), _) | (_, Receipt::Refused(_)) => None,
        }
    }

    /// A member holds just what we hold of a conversation, up to `newest`: what others refused of it
    /// has not failed.
    fn note_held(&mut self, id: ConversationId, newest: Option<EntryKey>) {
        let (ConversationId::Room(room), Some(newest)) = (id, newest) else { return };
        let failed = self.sync.disputes.all_held(room, newest).into_iter();
        self.set_deliveries(id, failed.map(|key| (key, TAKEN_AFTER_ALL)).collect());
    }

    fn end_session(&mut self, now_ms: u64, id: ConversationId, ending: Ending) {
        let Some(session) = self.sync.sessions.remove(&id) else { return };
        let device = session.device;
        let unvouched = session.unvouched;
        let difference = session.difference.filter(|_| session.exchanged == 0 && ending == Ending::Complete);
        let is_here = self.partners(now_ms, id).contains(&device);
        if is_here {
            let is_not_here = ending == Ending::NotHere;
            let past = Past { ended_ms: now_ms, difference, unvouched, is_not_here };
            self.sync.past.insert((id, device), past);
        }
        match ending {
            Ending::Equal | Ending::Complete => {
                self.sync.standings.forgive(device);
                self.note_agreement(id, device, true);
                if ending == Ending::Equal {
                    self.note_held(id, session.ours.newest);
                    self.heal_outbox(now_ms, id, session.ours_up_to);
                } else if session.exchanged > 0 {
                    self.look_again_for_backlog(now_ms, id, device);
                }
            }
            // Once the secrets are there it is compared anew, and with the rounds until then.
            Ending::Unread => {}
            Ending::Partial | Ending::Busy => self.ask_again(now_ms, id, device, AGAIN_MS),
            // They may never answer: perhaps they do not speak of histories at all.
            Ending::Unanswered => {
                // Who is gone was not silent.
                if is_here {
                    self.sync.standings.was_silent(device, now_ms);
                }
                self.ask_again(now_ms, id, device, ROUND_MS);
            }
            Ending::NotHere => self.note_agreement(id, device, false),
            Ending::StoreFailed => {}
            Ending::Fault(fault) => {
                self.misbehaved(now_ms, device, fault);
                self.ask_another(now_ms, id, device);
            }
        }
    }

    /// Leaves a device alone for a while.
    fn misbehaved(&mut self, now_ms: u64, device: DeviceId, fault: SyncFault) {
        self.sync.standings.leave_alone(device, now_ms);
        for agreeing in self.sync.agreeing.values_mut() {
            agreeing.remove(&device);
        }
        self.sync.is_completeness_stale = true;
        self.push(Output::Misbehaved { device, fault });
    }

    /// Compares again soon, with another one if there is one, else with the same one after this time.
    fn ask_again(&mut self, now_ms: u64, id: ConversationId, device: DeviceId, same_after_ms: u64) {
        let spread_ms = self.sync.dice.random_range(0..AGAIN_MS);
        match self.random_partner(now_ms, id, device) {
            Some(another) => self.sync.make_due(id, another, now_ms + AGAIN_MS + spread_ms),
            None => self.sync.make_due(id, device, now_ms + same_after_ms + spread_ms),
        }
    }

    /// Compares with another one at once, or with the same one when it is no longer left alone.
    fn ask_another(&mut self, now_ms: u64, id: ConversationId, device: DeviceId) {
        match self.random_partner(now_ms, id, device) {
            Some(another) => self.sync.make_due(id, another, now_ms),
            None => self.sync.make_due(id, device, self.sync.standings.left_alone_until_ms(device)),
        }
    }

    /// Connected devices with which a conversation can be compared now. Who does not answer is among
    /// them only if everybody is like that: then asking them keeps us from nobody.
    fn partners(&self, now_ms: u64, id: ConversationId) -> Vec<DeviceId> {
        let devices: Vec<DeviceId> = match id {
            ConversationId::Control(_) => self.private_partners(now_ms, id),
            ConversationId::Room(room) if self.has_log(room) => self.private_partners(now_ms, id),
            ConversationId::Room(room) => {
                let listeners = self.subscriptions.iter().filter(|(_, rooms)| rooms.contains(&room));
                listeners.map(|(device, _)| *device).collect()
            }
            ConversationId::Direct(person) if self.may_reach_us(person) && self.may_reach_them(person) => {
                self.people.linked_device(person).into_iter().collect()
            }
            ConversationId::Direct(_) => Vec::new(),
        };
        let standings = &self.sync.standings;
        let is_left_alone = |device: &DeviceId| standings.left_alone_until_ms(*device) > now_ms;
        let decent: Vec<DeviceId> = devices.into_iter().filter(|device| !is_left_alone(device)).collect();
        let is_heard = |device: &DeviceId| standings.passed_over_until_ms(*device) <= now_ms;
        let heard: Vec<DeviceId> = decent.iter().copied().filter(is_heard).collect();
        if heard.is_empty() { decent } else { heard }
    }

    fn random_partner(&mut self, now_ms: u64, id: ConversationId, but: DeviceId) -> Option<DeviceId> {
        let mut partners = self.partners(now_ms, id);
        partners.retain(|partner| *partner != but);
        partners.choose(&mut self.sync.dice).copied()
    }

    /// A device of a conversation is here: their history and ours are to be compared.
    pub(crate) fn met(&mut self, now_ms: u64, id: ConversationId, device: DeviceId) {
        let is_echo = id == ConversationId::Direct(self.echo.person());
        if is_echo || !self.conversations.get(&id).is_some_and(|known| known.record.open) {
            return;
        }
        let is_first = self.lacks_log(id) || self.keys.device() < device;
        let wait_ms = if is_first { 0 } else { SECOND_MS };
        self.sync.make_due(id, device, now_ms + wait_ms);
        self.sync.is_completeness_stale = true;
    }

    /// A device is gone from a conversation, or from all (`None`).
    pub(crate) fn parted(&mut self, device: DeviceId, id: Option<ConversationId>) {
        let is_meant = |of: &ConversationId| id.is_none_or(|id| id == *of);
        self.sync.due.retain(|(of, with), _| *with != device || !is_meant(of));
        self.sync.past.retain(|(of, with), _| *with != device || !is_meant(of));
        for (room, agreeing) in &mut self.sync.agreeing {
            if is_meant(&ConversationId::Room(*room)) {
                agreeing.remove(&device);
            }
        }
        self.sync.is_completeness_stale = true;
    }

    /// We left a room.
    pub(crate) fn stop_comparing(&mut self, room: RoomId) {
        let id = ConversationId::Room(room);
        self.sync.sessions.remove(&id);
        self.sync.visits.remove(&id);
        self.sync.due.retain(|(of, _), _| *of != id);
        self.sync.past.retain(|(of, _), _| *of != id);
        self.sync.agreeing.remove(&room);
        self.sync.rounds.remove(&id);
        self.sync.told.remove(&room);
    }

    /// Each second: rounds that are due, sessions that took too long, and what is known of rooms.
    pub(crate) fn tick_sync(&mut self, now_ms: u64) {
        self.sync.refusals.tick(now_ms);
        self.sync.visits.retain(|_, visit| visit.until_ms > now_ms);
        self.compare_what_was_refused_here(now_ms);
        let logs = self.private.keys().map(|room| ConversationId::Control(*room));
        let compared: Vec<ConversationId> = self.open_rooms().map(ConversationId::Room).chain(logs).collect();
        for id in compared {
            self.begin_round(now_ms, id);
        }
        self.tell_completeness();
    }

    fn compare_what_was_refused_here(&mut self, now_ms: u64) {
        if self.is_store_failing {
            return;
        }
        for id in std::mem::take(&mut self.sync.refused_here) {
            let partners = self.partners(now_ms, id);
            if let Some(device) = partners.choose(&mut self.sync.dice) {
                self.sync.make_due(id, *device, now_ms);
            }
        }
    }

    fn begin_round(&mut self, now_ms: u64, id: ConversationId) {
        let next_ms = now_ms + self.sync.dice.random_range(ROUND_MS * 3 / 4..=ROUND_MS * 5 / 4);
        let round_ms = self.sync.rounds.entry(id).or_insert(next_ms);
        if *round_ms > now_ms {
            return;
        }
        *round_ms = next_ms;
        let partners = self.partners(now_ms, id);
        let count = self.sync.dice.random_range(1..=2);
        let mut chosen: Vec<DeviceId> = partners.sample(&mut self.sync.dice, count).copied().collect();
        let past = &self.sync.past;
        let is_in_vain = |device: &DeviceId| past.get(&(id, *device)).is_some_and(|past| past.is_not_here);
        if chosen.iter().all(is_in_vain) {
            // Who was put out and has not heard of it finds who has not either.
            let others: Vec<DeviceId> =
                partners.iter().copied().filter(|device| !is_in_vain(device)).collect();
            chosen.extend(others.choose(&mut self.sync.dice));
        }
        for device in chosen {
            self.sync.make_due(id, device, now_ms);
        }
    }

    /// Begins the sessions that are due, as many as may go on at once.
    pub(crate) fn start_sessions(&mut self, now_ms: u64) {
        if self.sync.due.is_empty() || self.sync.sessions.len() >= SESSIONS_MAX {
            return;
        }
        let due = self.sync.due.iter().filter(|(_, at_ms)| **at_ms <= now_ms);
        let due: Vec<(ConversationId, DeviceId)> = due.map(|(who, _)| *who).collect();
        for (id, device) in due {
            if self.sync.sessions.len() < SESSIONS_MAX && !self.sync.sessions.contains_key(&id) {
                self.start_session(now_ms, id, device);
            }
        }
    }

    fn start_session(&mut self, now_ms: u64, id: ConversationId, device: DeviceId) {
        // The outbox goes first: it brings the same in the order written.
        let is_delivering = matches!(id, ConversationId::Direct(_))
            && self.conversations.get(&id).is_some_and(|known| known.in_flight > 0);
        if is_delivering {
            return;
        }
        if self.is_visited_by(now_ms, id, device) {
            self.sync.due.insert((id, device), now_ms + SECOND_MS);
            return;
        }
        self.sync.due.remove(&(id, device));
        if !self.partners(now_ms, id).contains(&device) {
            return;
        }
        let past = self.sync.past.get(&(id, device));
        let known_difference = past.and_then(|past| past.difference);
        let unvouched = past.map(|past| past.unvouched.clone()).unwrap_or_default();
        let mut session = Session::new(id, device, now_ms, known_difference, unvouched);
        session.ours_up_to = self.stored_up_to(id);
        let first = session.begin();
        self.sync.sessions.insert(id, session);
        self.do_step(now_ms, id, first);
    }

    /// Up to where the digest holds all of ours that is asked of the store now.
    fn stored_up_to(&self, id: ConversationId) -> Option<EntryKey> {
        self.conversations.get(&id).map(|known| known.stored_up_to(self.clock))
    }

    /// A device compared all of a conversation with us.
    fn compared_by(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        device: DeviceId,
        ours: Digest,
        theirs: Digest,
    ) {
        let past = self.sync.past.get(&(id, device));
        let is_known = past.is_some_and(|past| past.difference == Some((ours, theirs)));
        let ended_ms = past.map_or(0, |past| past.ended_ms);
        let agrees = ours == theirs || is_known;
        self.note_agreement(id, device, agrees);
        // Our own comparison tells what of the outbox they hold.
        let asks_too = matches!(id, ConversationId::Direct(_))
            && self.conversations.get(&id).is_some_and(|chat| !chat.outbox.is_empty());
        if ours == theirs {
            self.note_held(id, ours.newest);
            if !asks_too {
                self.sync.due.remove(&(id, device));
            }
        } else if !agrees {
            self.sync.make_due(id, device, (now_ms + SECOND_MS).max(ended_ms + ASK_BACK_MS));
        }
    }

    fn note_agreement(&mut self, id: ConversationId, device: DeviceId, agrees: bool) {
        let ConversationId::Room(room) = id else { return };
        let agreeing = self.sync.agreeing.entry(room).or_default();
        let has_changed = if agrees { agreeing.insert(device) } else { agreeing.remove(&device) };
        self.sync.is_completeness_stale |= has_changed;
    }

    /// Both hold the same: what of ours up to there still waits has arrived. In a chat only the word of
    /// it was lost.
    fn heal_outbox(&mut self, now_ms: u64, id: ConversationId, ours_up_to: Option<EntryKey>) {
        let Some(up_to) = ours_up_to else { return };
        if let ConversationId::Room(_) | ConversationId::Control(_) = id {
            return self.backlog_is_held(now_ms, id, up_to);
        }
        let Some(chat) = self.conversations.get(&id).filter(|chat| chat.in_flight == 0) else { return };
        let delivered = chat.outbox.count_up_to(up_to);
        self.gone_out(now_ms, id, delivered, std::iter::repeat_n(Delivery::Delivered, delivered));
    }
}
