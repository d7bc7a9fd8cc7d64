//! The one who is asked about a history. It keeps nothing from one question to the next, but for
//! who is catching up with us right now: two at once would bring the same entries twice.

use std::collections::BTreeSet;

use kinmesh_proto::{
    ConversationId, ConversationTag, DeviceId, Digest, EntryId, EntryKey, EntryPack, KeyRange, RoomId,
    SyncAsk, SyncRequest, SyncResponse, Wanted, limits,
};
use serde_bytes::ByteBuf;

use super::intake::{Judged, Origin};
use super::{Reading, window};
use crate::node::Core;
use crate::output::{Output, Read, ReadAnswer, RequestToken, SyncFault};

/// Questions that wait for our disk: each may hold one pack of half a megabyte. Beyond it the answer
/// is [`SyncResponse::Busy`].
const SERVING_MAX: usize = 16;
/// Whoever brings or takes entries is taken to go on for this long after each question, in milliseconds.
const VISIT_MS: u64 = 5_000;

/// Somebody catches up with us.
#[derive(Debug)]
pub(crate) struct Visit {
    pub device: DeviceId,
    /// Until then it is taken to go on.
    pub until_ms: u64,
    /// Up to where our store held all that we wrote when they compared everything with it.
    pub ours_up_to: Option<EntryKey>,
}

/// A question while our store is asked.
#[derive(Debug)]
pub(crate) struct Serving {
    request: RequestToken,
    pub device: DeviceId,
    pub conversation: ConversationId,
    range: KeyRange,
    what: What,
}

#[derive(Debug)]
enum What {
    Digest { theirs: Digest, ours_up_to: Option<EntryKey> },
    Window { digest: Digest },
    Reconcile { frame: ByteBuf },
    Ids { ids: BTreeSet<EntryId> },
    Run,
    Entries,
}

impl Core {
    /// A device asks about a history; the answer is an [`Output::RespondSync`].
    pub fn sync_request(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        SyncRequest { conversation, ask }: SyncRequest,
        request: RequestToken,
    ) {
        self.sync.refusals.tick(now_ms);
        let is_free = self.sync.serving < SERVING_MAX;
        if !self.sync.standings.may_ask(device, now_ms) || !is_free {
            return self.respond_sync(request, SyncResponse::Busy);
        }
        let Some(conversation) = self.conversation_with(device, conversation) else {
            return self.respond_sync(request, SyncResponse::NotHere);
        };
        if self.is_too_early(now_ms, conversation) && !matches!(ask, SyncAsk::Secrets(_)) {
            return self.respond_sync(request, SyncResponse::Busy);
        }
        if !is_within_limits(&ask) {
            self.misbehaved(now_ms, device, SyncFault::Garbage);
            return self.respond_sync(request, SyncResponse::NotHere);
        }
        self.sync.serving += 1;
        let serving = |range, what| Serving { request, device, conversation, range, what };
        let whole_window = window::KEYS_MAX + 1;
        match ask {
            SyncAsk::Compare { range, digest } => {
                let read = Read::Digest { conversation, range };
                let what = What::Digest { theirs: digest, ours_up_to: self.stored_up_to(conversation) };
                self.look_up(read, Reading::of(serving(range, what)));
            }
            SyncAsk::Reconcile { range, frame } => {
                let read = Read::Keys { conversation, range, limit: whole_window };
                self.look_up(read, Reading::of(serving(range, What::Reconcile { frame })));
            }
            SyncAsk::Fetch(Wanted::Ids { range, ids }) => {
                let read = Read::Keys { conversation, range, limit: whole_window };
                let ids = ids.into_iter().collect();
                self.look_up(read, Reading::of(serving(range, What::Ids { ids })));
            }
            SyncAsk::Fetch(Wanted::Range(range)) => {
                let read = Read::EntriesIn { conversation, range };
                self.look_up(read, Reading::of(serving(range, What::Run)));
            }
            SyncAsk::Push(pack) => self.take_pushed(now_ms, device, conversation, pack, request),
            SyncAsk::Secrets(wanted) => {
                self.sync.serving -= 1;
                self.give_secrets(device, conversation, wanted, request);
            }
            SyncAsk::Knock(text) => {
                self.sync.serving -= 1;
                self.hear_knock(now_ms, device, conversation, text, request);
            }
        }
    }

    /// The conversation of a tag, if the device takes part in it.
    fn conversation_with(&self, device: DeviceId, tag: ConversationTag) -> Option<ConversationId> {
        if let Some(id) = self.logged_conversation(tag) {
            return Some(id).filter(|id| self.may_ask_about(device, *id));
        }
        let room = ConversationId::Room(RoomId(tag.0));
        if self.conversations.get(&room).is_some_and(|known| known.record.open) {
            let rooms = self.subscriptions.get(&device)?;
            return rooms.contains(&RoomId(tag.0)).then_some(room);
        }
        let person = self.people.person_of(device).filter(|person| *person != self.echo.person())?;
        let person = Some(person).filter(|person| self.may_reach_us(*person))?;
        let chat = ConversationId::Direct(person);
        self.belongs(chat, tag).then_some(chat)
    }

    fn respond_sync(&mut self, request: RequestToken, response: SyncResponse) {
        self.push(Output::RespondSync { request, response });
    }

    /// Answers, and counts what it gave.
    fn serve(&mut self, now_ms: u64, serving: &Serving, response: SyncResponse) {
        self.sync.serving = self.sync.serving.saturating_sub(1);
        if let SyncResponse::Entries(pack) = &response {
            self.sync.standings.was_given(serving.device, pack.size(), now_ms);
        }
        self.respond_sync(serving.request, response);
    }

    /// The store answered a question of another device.
    pub(crate) fn served(&mut self, now_ms: u64, mut serving: Serving, answer: ReadAnswer) {
        let what = std::mem::replace(&mut serving.what, What::Entries);
        let response = match (what, answer) {
            (What::Digest { theirs, ours_up_to }, ReadAnswer::Digest(ours)) => {
                return self.serve_digest(now_ms, serving, ours, theirs, ours_up_to);
            }
            (What::Window { digest }, ReadAnswer::Keys(keys)) => {
                SyncResponse::Digest { digest, window: keys.first().copied() }
            }
            (What::Reconcile { frame }, ReadAnswer::Keys(keys)) if keys.len() <= window::KEYS_MAX => {
                match window::answer(&keys, &frame) {
                    Some(frame) => SyncResponse::Reconciled(ByteBuf::from(frame)),
                    None => return self.serve_garbage(now_ms, &serving),
                }
            }
            (What::Ids { ids }, ReadAnswer::Keys(keys)) if keys.len() <= window::KEYS_MAX => {
                return self.serve_ids(now_ms, serving, &keys, &ids);
            }
            (What::Run, ReadAnswer::Entries(entries)) => {
                let pack = EntryPack::of(entries.iter().map(|stored| &stored.entry));
                self.gave_of_run(now_ms, &serving, &entries[..pack.len()]);
                SyncResponse::Entries(pack)
            }
            (What::Entries, ReadAnswer::Entries(entries)) => {
                SyncResponse::Entries(EntryPack::of(entries.iter().map(|stored| &stored.entry)))
            }
            // The store failed, or the range holds more than one question may be about.
            _ => SyncResponse::Busy,
        };
        self.note_visit(now_ms, serving.conversation, serving.device);
        self.serve(now_ms, &serving, response);
    }

    fn serve_garbage(&mut self, now_ms: u64, serving: &Serving) {
        self.misbehaved(now_ms, serving.device, SyncFault::Garbage);
        self.serve(now_ms, serving, SyncResponse::NotHere);
    }

    fn serve_ids(&mut self, now_ms: u64, serving: Serving, keys: &[EntryKey], ids: &BTreeSet<EntryId>) {
        self.note_visit(now_ms, serving.conversation, serving.device);
        let newest_first = keys.iter().rev().filter(|key| ids.contains(&key.id)).copied();
        let read = Read::Entries { conversation: serving.conversation, keys: newest_first.collect() };
        self.look_up(read, Reading::of(serving));
    }

    fn serve_digest(
        &mut self,
        now_ms: u64,
        mut serving: Serving,
        ours: Digest,
        theirs: Digest,
        ours_up_to: Option<EntryKey>,
    ) {
        let (id, device) = (serving.conversation, serving.device);
        let is_everything = serving.range == KeyRange::ALL;
        if is_everything {
            self.compared_by(now_ms, id, device, ours, theirs);
        }
        if let Some(up_to) = ours_up_to.filter(|_| is_everything && ours == theirs) {
            self.backlog_is_held(now_ms, id, up_to);
        }
        // A log is short, and nobody can do anything in a room before they have it.
        let is_log = matches!(id, ConversationId::Control(_));
        if ours != theirs && !is_log && self.is_visited_by_another(now_ms, id, device) {
            return self.serve(now_ms, &serving, SyncResponse::Busy);
        }
        if ours != theirs {
            let visit = self.note_visit(now_ms, serving.conversation, serving.device);
            visit.ours_up_to = if is_everything { ours_up_to } else { visit.ours_up_to };
        }
        if ours == theirs || ours.count <= limits::WINDOW_ENTRIES_MAX as u64 {
            return self.serve(now_ms, &serving, SyncResponse::Digest { digest: ours, window: None });
        }
        let limit = limits::WINDOW_ENTRIES_MAX;
        let read = Read::Keys { conversation: id, range: serving.range, limit };
        serving.what = What::Window { digest: ours };
        self.look_up(read, Reading::of(serving));
    }

    /// Notes that a device is catching up with us here.
    fn note_visit(&mut self, now_ms: u64, id: ConversationId, device: DeviceId) -> &mut Visit {
        let until_ms = now_ms + VISIT_MS;
        let new = || Visit { device, until_ms, ours_up_to: None };
        let visit = self.sync.visits.entry(id).or_insert_with(new);
        if visit.device != device {
            *visit = new();
        }
        visit.until_ms = until_ms;
        visit
    }

    /// Whether a device is catching up with us here.
    pub(crate) fn is_visited_by(&self, now_ms: u64, id: ConversationId, device: DeviceId) -> bool {
        let visit = self.sync.visits.get(&id);
        visit.is_some_and(|visit| visit.device == device && now_ms < visit.until_ms)
    }

    /// Whether entries are on their way here already, from or to somebody else; of two who ask each
    /// other at once, the one with the smaller id goes on.
    fn is_visited_by_another(&self, now_ms: u64, id: ConversationId, device: DeviceId) -> bool {
        let visit = self.sync.visits.get(&id);
        let by_another = visit.is_some_and(|visit| visit.device != device && now_ms < visit.until_ms);
        let session = self.sync.sessions.get(&id);
        let we_go_on = |session: &super::Session| session.device != device || self.keys.device() < device;
        by_another || session.is_some_and(we_go_on) || self.is_delivering(id)
    }

    /// Whether a batch of the chat's outbox is under way: it brings the same in the order written.
    fn is_delivering(&self, id: ConversationId) -> bool {
        let is_chat = matches!(id, ConversationId::Direct(_));
        is_chat && self.conversations.get(&id).is_some_and(|known| known.in_flight > 0)
    }

    fn take_pushed(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        conversation: ConversationId,
        pack: EntryPack,
        request: RequestToken,
    ) {
        if !self.sync.standings.may_push(device, pack.size(), now_ms) {
            self.sync.serving = self.sync.serving.saturating_sub(1);
            return self.respond_sync(request, SyncResponse::Busy);
        }
        let Ok(envelopes) = pack.unpack() else {
            self.misbehaved(now_ms, device, SyncFault::Garbage);
            self.sync.serving = self.sync.serving.saturating_sub(1);
            return self.respond_sync(request, SyncResponse::NotHere);
        };
        self.note_visit(now_ms, conversation, device);
        let intake = self.judge_pack(now_ms, conversation, Origin::Push(request), envelopes);
        if intake.judged.iter().any(|judged| matches!(judged, Judged::Bad(_))) {
            self.misbehaved(now_ms, device, SyncFault::Garbage);
        }
        self.take_in(now_ms, intake);
    }
}

fn is_within_limits(ask: &SyncAsk) -> bool {
    match ask {
        SyncAsk::Reconcile { frame, .. } => frame.len() <= limits::RECONCILE_FRAME_MAX,
        SyncAsk::Fetch(Wanted::Ids { ids, .. }) => ids.len() <= limits::FETCH_IDS_MAX,
        SyncAsk::Secrets(steps) => steps.len() <= limits::SECRETS_ASKED_MAX,
        SyncAsk::Knock(text) => text.len() <= limits::KNOCK_BYTES_MAX,
        // A pack checks itself while it is unpacked.
        SyncAsk::Compare { .. } | SyncAsk::Fetch(Wanted::Range(_)) | SyncAsk::Push(_) => true,
    }
}
