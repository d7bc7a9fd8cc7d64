//! One comparison of a conversation with one device, from the one who asks.
//!
//! It walks from the newest entries down. What is left is compared by digests; where these differ,
//! a run that only one side holds is handed over at once, and everything else is reconciled window
//! by window. It decides the next step and does none: it never knows who verifies, stores or sends.

use std::collections::BTreeSet;

use kinmesh_proto::record::StoredEntry;
use kinmesh_proto::{
    ConversationId, DeviceId, Digest, EntryBody, EntryId, EntryKey, EntryPack, Hlc, KeyRange, PersonId,
    Receipt, SyncAsk, SyncResponse, Unverified, Wanted, limits,
};
use serde_bytes::ByteBuf;

use super::refusals::Refusals;
use super::window::Reconciliation;
use crate::output::{Read, ReadAnswer, SyncFault};

/// Rounds of one reconciliation. Two windows that have nothing in common need some twenty.
const ROUNDS_MAX: u32 = 64;
/// A session ends after this, in milliseconds, and another one may go on where it was: nobody can
/// keep us from asking others. A million entries take less than a minute on a local network.
const SESSION_MAX_MS: u64 = 5 * 60 * 1000;
/// New entries that one as long as that has exchanged at the least, ten a minute. A line of 64 kbit/s
/// carries more of the longest ones, and one whose answers take a second finds more of them in a
/// history that differs by one in each window: who brings less holds the others up.
const EXCHANGED_MIN: u64 = 10 * (SESSION_MAX_MS / 60_000);
/// Runs at the end of the history that are handed over as they are: one that the other wrote while
/// we were away, and one of ours. Finding out more exactly would cost more rounds than entries.
const RUNS_MAX: u8 = 2;

/// What a session wants done.
#[derive(Debug)]
pub(crate) enum Step {
    Read(Read),
    Ask(SyncAsk),
    /// Verify and store these, then call [`Session::taken`].
    Take(Vec<Unverified<EntryBody>>),
    End(Ending),
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Both held the same from the beginning.
    Equal,
    /// We hold all that they hold, but for what one of us refused.
    Complete,
    /// Some is left for another session.
    Partial,
    /// What is left waits for secrets: whether it was taken back cannot be read before.
    Unread,
    /// They have no time.
    Busy,
    /// They are not in that conversation.
    NotHere,
    /// They did not answer.
    Unanswered,
    /// Our own store failed.
    StoreFailed,
    Fault(SyncFault),
}

/// What became of entries that a session brought.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// On our disk, from now or before, or refused for good.
    pub settled: Vec<EntryKey>,
    /// Erased, without the delete that does it.
    pub doubtful: Vec<EntryKey>,
    /// Those of them whose delete may be there, and cannot be read yet.
    pub unread: BTreeSet<EntryId>,
    /// How many were new.
    pub fresh: usize,
}

impl Taken {
    /// Erased entries of whose delete nothing is there.
    fn unvouched(&self) -> impl Iterator<Item = EntryId> {
        self.doubtful.iter().map(|key| key.id).filter(|id| !self.unread.contains(id))
    }
}

/// An entry that was pushed, with its author.
pub(crate) type Given = (EntryKey, PersonId);

#[derive(Debug)]
enum State {
    Counting,
    Comparing,
    Windowing { theirs: Option<EntryKey> },
    Reconciling(Reconciliation),
    FetchingSome { asked: BTreeSet<EntryId> },
    FetchingRun { left: KeyRange },
    ReadingSome,
    ReadingRun { left: KeyRange },
    Giving { given: Vec<Given>, left: Option<KeyRange> },
    Ended,
}

/// Entries that they said to hold of a run, and what came.
#[derive(Debug)]
struct Claim {
    held: u64,
    came: u64,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub conversation: ConversationId,
    pub device: DeviceId,
    /// Names the step under way.
    pub awaits: u64,
    pub started_ms: u64,
    /// Up to where our store held all that we wrote when it began.
    pub ours_up_to: Option<EntryKey>,
    /// A difference that stayed when nothing was left to exchange.
    known_difference: Option<(Digest, Digest)>,
    /// The first difference found.
    pub difference: Option<(Digest, Digest)>,
    /// What stands before this is left to be compared.
    rest: Option<EntryKey>,
    /// What is being compared or exchanged.
    range: KeyRange,
    /// What we hold of it.
    pub ours: Digest,
    state: State,
    runs: u8,
    claim: Option<Claim>,
    /// Whether their newest entry of the rest was refused here: fetching by range would bring it again.
    holds_refused: bool,
    /// How far to leap over what is the same, in steps of the clock.
    leap: Option<u64>,
    needed: BTreeSet<EntryId>,
    doubtful: BTreeSet<EntryId>,
    is_second_try: bool,
    /// Erased entries that came twice without their delete. It may have come to them while we compare.
    pub unvouched: BTreeSet<EntryId>,
    /// The same of the session before, in which they could have sent the delete of each.
    unvouched_before: BTreeSet<EntryId>,
    /// What they lack, oldest first.
    lacking: Vec<EntryKey>,
    is_partial: bool,
    /// Whether erased entries were left whose delete may be there, and cannot be read yet.
    is_unread: bool,
    /// Entries exchanged that were new to one of the two.
    pub exchanged: usize,
}

impl Session {
    pub(crate) fn new(
        conversation: ConversationId,
        device: DeviceId,
        started_ms: u64,
        known_difference: Option<(Digest, Digest)>,
        unvouched_before: BTreeSet<EntryId>,
    ) -> Self {
        Self {
            conversation,
            device,
            awaits: 0,
            started_ms,
            ours_up_to: None,
            known_difference,
            difference: None,
            rest: None,
            range: KeyRange::ALL,
            ours: Digest::default(),
            state: State::Counting,
            runs: RUNS_MAX,
            claim: None,
            holds_refused: false,
            leap: None,
            needed: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            is_second_try: false,
            unvouched: BTreeSet::new(),
            unvouched_before,
            lacking: Vec::new(),
            is_partial: false,
            is_unread: false,
            exchanged: 0,
        }
    }

    /// The first step.
    pub(crate) fn begin(&mut self) -> Step {
        self.count(KeyRange::ALL)
    }

    /// What is wrong with a session that still goes on now.
    pub(crate) fn overdue(&self, now_ms: u64) -> Option<Ending> {
        let is_overdue = now_ms.saturating_sub(self.started_ms) > SESSION_MAX_MS;
        let is_slow = (self.exchanged as u64) < EXCHANGED_MIN;
        let ending = if is_slow { Ending::Fault(SyncFault::Endless) } else { Ending::Partial };
        is_overdue.then_some(ending)
    }

    fn count(&mut self, range: KeyRange) -> Step {
        self.range = range;
        self.state = State::Counting;
        Step::Read(Read::Digest { conversation: self.conversation, range })
    }

    /// The store answered.
    pub(crate) fn read(&mut self, answer: ReadAnswer, refusals: &Refusals) -> Step {
        match (std::mem::replace(&mut self.state, State::Ended), answer) {
            (State::Counting, ReadAnswer::Digest(digest)) => {
                self.ours = digest;
                self.state = State::Comparing;
                Step::Ask(SyncAsk::Compare { range: self.range, digest })
            }
            (State::Windowing { theirs }, ReadAnswer::Keys(keys)) => self.windowed(theirs, keys),
            (State::ReadingSome, ReadAnswer::Entries(entries)) => self.give(entries, None, refusals),
            (State::ReadingRun { left }, ReadAnswer::Entries(entries)) => {
                self.give(entries, Some(left), refusals)
            }
            _ => Step::End(Ending::StoreFailed),
        }
    }

    /// They answered. Receipts come with the entries they are for.
    pub(crate) fn answered(
        &mut self,
        response: SyncResponse,
        refusals: &Refusals,
    ) -> Result<(Step, Vec<(Given, Receipt)>), SyncFault> {
        let step = match (std::mem::replace(&mut self.state, State::Ended), response) {
            (_, SyncResponse::Busy) => Step::End(Ending::Busy),
            (_, SyncResponse::NotHere) => Step::End(Ending::NotHere),
            (State::Comparing, SyncResponse::Digest { digest, window }) => {
                self.compared(digest, window, refusals)?
            }
            (State::Reconciling(reconciliation), SyncResponse::Reconciled(frame)) => {
                self.reconciled(reconciliation, &frame, refusals)?
            }
            (State::FetchingSome { asked }, SyncResponse::Entries(pack)) => self.some_came(asked, pack)?,
            (State::FetchingRun { left }, SyncResponse::Entries(pack)) => self.run_came(left, pack)?,
            (State::Giving { given, left }, SyncResponse::Receipts(receipts)) => {
                if receipts.len() != given.len() {
                    return Err(SyncFault::Garbage);
                }
                self.exchanged += receipts.iter().filter(|receipt| **receipt == Receipt::Stored).count();
                let oldest = given.last().map(|(key, _)| *key);
                let step = self.given(left, oldest);
                return Ok((step, given.into_iter().zip(receipts).collect()));
            }
            _ => return Err(SyncFault::Garbage),
        };
        Ok((step, Vec::new()))
    }

    fn compared(
        &mut self,
        theirs: Digest,
        window: Option<EntryKey>,
        refusals: &Refusals,
    ) -> Result<Step, SyncFault> {
        self.check_digest(&theirs, window)?;
        if theirs == self.ours {
            self.leap = self.leap.map(|leap| leap.saturating_mul(2));
            return Ok(self.settled());
        }
        if self.range.from.is_some() {
            self.leap = None;
            return Ok(self.count(KeyRange { from: None, to: self.rest }));
        }
        let difference = *self.difference.get_or_insert((self.ours, theirs));
        if self.known_difference == Some(difference) {
            return Ok(Step::End(Ending::Complete));
        }
        let newest = self.ours.newest.max(theirs.newest);
        // What is written while we compare is for gossip.
        self.rest = self.rest.or(newest.map(after));
        self.range.to = self.rest;
        self.holds_refused = theirs.newest.is_some_and(|key| refusals.is_refused_here(key.id));
        Ok(self.narrow(theirs, window, refusals))
    }

    /// Refuses a digest that contradicts itself, or what they claimed before.
    fn check_digest(&mut self, theirs: &Digest, window: Option<EntryKey>) -> Result<(), SyncFault> {
        let is_within = |key: EntryKey| self.range.contains(key);
        let needs_window = theirs.count > limits::WINDOW_ENTRIES_MAX as u64 && *theirs != self.ours;
        let is_sound = (theirs.count == 0) == theirs.newest.is_none()
            && theirs.newest.is_none_or(is_within)
            && window.is_none_or(is_within)
            && (window.is_some() || !needs_window);
        if !is_sound {
            return Err(SyncFault::Garbage);
        }
        // Nobody loses entries: what they hold no longer before the run, they held in it.
        match self.claim.take_if(|_| self.range.from.is_none()) {
            Some(claim) if claim.came < claim.held.saturating_sub(theirs.count) => Err(SyncFault::Withheld),
            _ => Ok(()),
        }
    }

    /// Chooses what to exchange of a rest that differs.
    fn narrow(&mut self, theirs: Digest, window: Option<EntryKey>, refusals: &Refusals) -> Step {
        let may_run = |oldest: Option<EntryKey>| oldest.is_none() || self.runs > 0;
        if self.ours.newest < theirs.newest && may_run(self.ours.newest) && !self.holds_refused {
            self.runs = self.runs.saturating_sub(1);
            self.range.from = self.ours.newest.map(after);
            self.claim = Some(Claim { held: theirs.count, came: 0 });
            return self.fetch_run(self.range);
        }
        let is_taken = self.ours.newest.is_some_and(|key| !refusals.is_refused_by(self.device, key.id));
        if theirs.newest < self.ours.newest && may_run(theirs.newest) && is_taken {
            self.runs = self.runs.saturating_sub(1);
            self.range.from = theirs.newest.map(after);
            return self.read_run(self.range);
        }
        // A window of theirs that is all there is needs no bound.
        let from = window.filter(|_| theirs.count > limits::WINDOW_ENTRIES_MAX as u64);
        self.range.from = from;
        self.claim = Some(Claim { held: theirs.count, came: 0 });
        self.state = State::Windowing { theirs: from };
        let limit = limits::WINDOW_ENTRIES_MAX;
        Step::Read(Read::Keys { conversation: self.conversation, range: self.range, limit })
    }

    fn windowed(&mut self, theirs: Option<EntryKey>, keys: Vec<EntryKey>) -> Step {
        if keys.is_empty() && !self.holds_refused {
            return self.fetch_run(self.range);
        }
        // Counts of a reconciled window prove nothing: what they claim there is asked for by id.
        self.claim = None;
        let is_full = keys.len() == limits::WINDOW_ENTRIES_MAX;
        self.range.from = if is_full { keys.first().copied() } else { theirs };
        match Reconciliation::begin(keys) {
            Some((reconciliation, frame)) => {
                self.state = State::Reconciling(reconciliation);
                self.ask_to_reconcile(frame)
            }
            None => Step::End(Ending::StoreFailed),
        }
    }

    fn ask_to_reconcile(&self, frame: Vec<u8>) -> Step {
        Step::Ask(SyncAsk::Reconcile { range: self.range, frame: ByteBuf::from(frame) })
    }

    fn reconciled(
        &mut self,
        mut reconciliation: Reconciliation,
        frame: &[u8],
        refusals: &Refusals,
    ) -> Result<Step, SyncFault> {
        let next = reconciliation.take(frame).ok_or(SyncFault::Garbage)?;
        if reconciliation.rounds() > ROUNDS_MAX {
            return Err(SyncFault::Endless);
        }
        if let Some(frame) = next {
            self.state = State::Reconciling(reconciliation);
            return Ok(self.ask_to_reconcile(frame));
        }
        let (needed, lacking) = reconciliation.finish();
        self.needed = needed.into_iter().filter(|id| !refusals.is_refused_here(*id)).collect();
        self.lacking =
            lacking.into_iter().filter(|key| !refusals.is_refused_by(self.device, key.id)).collect();
        self.is_second_try = false;
        self.leap = self.stride().filter(|_| self.needed.is_empty() && self.lacking.is_empty());
        Ok(self.fetch_some())
    }

    /// How much of the clock twice the range covers.
    fn stride(&self) -> Option<u64> {
        let (from, to) = (self.range.from?, self.range.to?);
        Some((to.clock.0 - from.clock.0).saturating_mul(2).max(1))
    }

    fn fetch_some(&mut self) -> Step {
        if self.needed.is_empty() && !self.is_second_try {
            self.is_second_try = true;
            self.needed = std::mem::take(&mut self.doubtful);
        }
        if self.needed.is_empty() {
            return self.read_some();
        }
        let asked: BTreeSet<_> = self.needed.iter().take(limits::FETCH_IDS_MAX).copied().collect();
        let ids = asked.iter().copied().collect();
        self.state = State::FetchingSome { asked };
        Step::Ask(SyncAsk::Fetch(Wanted::Ids { range: self.range, ids }))
    }

    fn some_came(&mut self, mut asked: BTreeSet<EntryId>, pack: EntryPack) -> Result<Step, SyncFault> {
        let entries = pack.unpack().map_err(|_| SyncFault::Garbage)?;
        if entries.is_empty() {
            return Err(SyncFault::Withheld);
        }
        if !entries.iter().all(|entry| asked.remove(&EntryId(entry.hash()))) {
            return Err(SyncFault::Garbage);
        }
        self.state = State::FetchingSome { asked };
        Ok(Step::Take(entries))
    }

    fn fetch_run(&mut self, left: KeyRange) -> Step {
        self.state = State::FetchingRun { left };
        Step::Ask(SyncAsk::Fetch(Wanted::Range(left)))
    }

    fn run_came(&mut self, left: KeyRange, pack: EntryPack) -> Result<Step, SyncFault> {
        let entries = pack.unpack().map_err(|_| SyncFault::Garbage)?;
        if entries.is_empty() {
            return self.run_ended();
        }
        self.state = State::FetchingRun { left };
        Ok(Step::Take(entries))
    }

    /// A run that ends where the history begins has all that they claimed; else the next digest shows.
    fn run_ended(&mut self) -> Result<Step, SyncFault> {
        match self.claim.take_if(|_| self.range.from.is_none()) {
            Some(claim) if claim.came < claim.held => Err(SyncFault::Withheld),
            _ => Ok(self.settled()),
        }
    }

    /// Whether verified entries are what was asked for, before anything of them is stored.
    pub(crate) fn accepts(&self, keys: &[EntryKey]) -> bool {
        let are_falling = keys.is_sorted_by(|one, next| one > next);
        match &self.state {
            State::FetchingRun { left } => are_falling && keys.iter().all(|key| left.contains(*key)),
            _ => keys.iter().all(|key| self.range.contains(*key)),
        }
    }

    /// Entries that it brought were stored, or not.
    pub(crate) fn taken(&mut self, taken: Taken) -> Result<Step, SyncFault> {
        self.exchanged += taken.fresh;
        match std::mem::replace(&mut self.state, State::Ended) {
            State::FetchingRun { left } => self.run_taken(left, &taken),
            _ => self.some_taken(&taken),
        }
    }

    fn some_taken(&mut self, taken: &Taken) -> Result<Step, SyncFault> {
        if self.is_second_try {
            self.give_up_on(taken)?;
        }
        for key in taken.settled.iter().chain(&taken.doubtful) {
            self.needed.remove(&key.id);
        }
        if !self.is_second_try {
            self.doubtful.extend(taken.doubtful.iter().map(|key| key.id));
        }
        Ok(self.fetch_some())
    }

    /// Leaves erased entries to the next session, which begins with the deletes that are newer than
    /// this one; who cannot vouch for them then keeps something back, unless it is we who cannot read it.
    fn give_up_on(&mut self, taken: &Taken) -> Result<(), SyncFault> {
        self.leave(taken);
        let unvouched: BTreeSet<EntryId> = taken.unvouched().collect();
        if !unvouched.is_disjoint(&self.unvouched_before) {
            return Err(SyncFault::Withheld);
        }
        self.unvouched.extend(unvouched);
        Ok(())
    }

    /// Notes what is left to another session.
    fn leave(&mut self, taken: &Taken) {
        self.is_partial |= taken.unvouched().next().is_some();
        self.is_unread |= !taken.unread.is_empty();
    }

    fn run_taken(&mut self, left: KeyRange, taken: &Taken) -> Result<Step, SyncFault> {
        // Their delete may stand further down; another session finds out.
        self.leave(taken);
        let came = taken.settled.len() + taken.doubtful.len();
        if let Some(claim) = &mut self.claim {
            claim.came += came as u64;
        }
        let is_all = |claim: &Claim| self.range.from.is_none() && claim.came >= claim.held;
        if self.claim.as_ref().is_some_and(is_all) {
            return self.run_ended();
        }
        let oldest = taken.settled.iter().chain(&taken.doubtful).min().copied();
        Ok(self.fetch_run(KeyRange { to: oldest, ..left }))
    }

    /// Hands over what they lack of the range.
    fn read_some(&mut self) -> Step {
        if self.lacking.is_empty() {
            return self.settled();
        }
        let newest_first = self.lacking.iter().rev().take(limits::PACK_ENTRIES_MAX);
        let keys = newest_first.copied().collect();
        self.state = State::ReadingSome;
        Step::Read(Read::Entries { conversation: self.conversation, keys })
    }

    fn read_run(&mut self, left: KeyRange) -> Step {
        self.state = State::ReadingRun { left };
        Step::Read(Read::EntriesIn { conversation: self.conversation, range: left })
    }

    fn give(&mut self, entries: Vec<StoredEntry>, left: Option<KeyRange>, refusals: &Refusals) -> Step {
        let Some(last) = entries.last().map(|stored| stored.entry.key()) else { return self.settled() };
        let is_refused = |key: EntryKey| refusals.is_refused_by(self.device, key.id);
        let offered = entries.iter().map(|stored| &stored.entry).filter(|entry| !is_refused(entry.key()));
        let pack = EntryPack::of(offered.clone());
        if pack.is_empty() {
            return self.given(left, Some(last));
        }
        let given = offered.take(pack.len()).map(|entry| (entry.key(), entry.person())).collect();
        self.state = State::Giving { given, left };
        Step::Ask(SyncAsk::Push(pack))
    }

    /// Everything down to `oldest` was handed over.
    fn given(&mut self, left: Option<KeyRange>, oldest: Option<EntryKey>) -> Step {
        match left {
            Some(left) => self.read_run(KeyRange { to: oldest, ..left }),
            None => {
                self.lacking.retain(|key| oldest.is_none_or(|oldest| *key < oldest));
                self.read_some()
            }
        }
    }

    /// The range is done: what is left stands before it.
    fn settled(&mut self) -> Step {
        let Some(from) = self.range.from else { return Step::End(self.ending()) };
        self.rest = Some(from);
        let leap_to = self.leap.and_then(|leap| from.clock.0.checked_sub(leap));
        let from = leap_to.map(|clock| EntryKey { clock: Hlc(clock), id: EntryId([0; 32]) });
        self.count(KeyRange { from, to: self.rest })
    }

    fn ending(&self) -> Ending {
        match self.difference {
            None => Ending::Equal,
            Some(_) if self.is_partial => Ending::Partial,
            Some(_) if self.is_unread => Ending::Unread,
            Some(_) => Ending::Complete,
        }
    }
}

/// The key that follows a key.
fn after(key: EntryKey) -> EntryKey {
    let mut id = key.id.0;
    for byte in id.iter_mut().rev() {
        let (next, has_wrapped) = byte.overflowing_add(1);
        *byte = next;
        if !has_wrapped {
            return EntryKey { clock: key.clock, id: EntryId(id) };
        }
    }
    EntryKey { clock: Hlc(key.clock.0.saturating_add(1)), id: EntryId(id) }
}
