//! Starts and ends of peers, and their disks at work.

use kinmesh_core::{Core, StoredConversation, StoredQueue};
use kinmesh_proto::{ConversationId, DisplayName, StatusLine};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Event, Simulation, TICK_MS};
use crate::disk::{Done, Job};
use crate::peer::{Parcel, Session};
use crate::trace::What;

/// A disk takes this long for a group, as a true sync does.
const DISK_MS: std::ops::RangeInclusive<u64> = 1..=8;
/// Between the goodbye and the end of the program: time for the words to go out.
const GOODBYE_MS: u64 = 300;

impl Simulation {
    /// Starts a peer from its disk, if it is down.
    pub(super) fn start(&mut self, index: usize) {
        if self.peers[index].is_up() {
            return;
        }
        let life = self.peers[index].life + 1;
        self.peers[index].life = life;
        self.peers[index].session.began_ms = self.now_ms;
        self.peers[index].core = Some(self.restored(index));
        self.note(index, What::Started { life });
        let first_tick_ms = self.now_ms + self.dice.below(TICK_MS);
        self.queue.push(first_tick_ms, Event::Tick { peer: index, life });
        self.drain(index);
        if self.peers[index].disk.load().profile.is_none() {
            self.name(index, &format!("peer {index}"));
        }
    }

    pub(super) fn name(&mut self, index: usize, name: &str) {
        let Ok(name) = DisplayName::new(name) else { return };
        self.tell(index, |core, _| {
            core.set_profile(name, StatusLine::default());
        });
    }

    /// A core that remembers what is on the disk, as the driver makes it.
    pub(super) fn restored(&mut self, index: usize) -> Core {
        let dice = StdRng::seed_from_u64(self.dice.below(u64::MAX));
        let peer = &self.peers[index];
        let disk = &peer.disk;
        let mut core = Core::new(peer.keys(), disk.load(), peer.clock.read(self.now_ms), dice);
        core.share_proofs(self.proofs.clone());
        for room in core.rooms_with_log() {
            let log = disk.history(ConversationId::Control(room)).into_iter().map(|stored| stored.entry);
            let now_ms = peer.clock.read(self.now_ms);
            core.restore_log(now_ms, room, log.collect());
            if let Some(wait) = core.own_post_wanted(now_ms, room) {
                let own = disk.posts_before(ConversationId::Room(room), &[wait]);
                own.into_iter().flatten().for_each(|post| core.restore_own_post(room, post));
            }
        }
        for StoredConversation { id, read, sent } in core.stored_conversations() {
            let queued = StoredQueue { front: disk.queued(id, sent), count: disk.count_queued(id, sent) };
            let lens = core.lens(id);
            let (last, unread) = (disk.seen(id, &lens, 1).pop(), disk.unread(id, read, &lens));
            core.restore_conversation(id, disk.newest(id), last, queued, unread);
        }
        core
    }

    /// Ends a peer without a word. What its disk had not finished is lost, all of it or the end of it.
    pub(super) fn crash(&mut self, index: usize) {
        if !self.peers[index].is_up() {
            return;
        }
        let groups_kept = self.peers[index].disk.crash(&mut self.dice, self.now_ms);
        self.end_life(index);
        self.note(index, What::Crashed { groups_kept });
    }

    fn end_life(&mut self, index: usize) {
        self.peers[index].core = None;
        self.peers[index].session = Session::default();
        for members in self.members.values_mut() {
            members.remove(&index);
        }
        self.gossip.forget_peer(index);
    }

    /// Begins a clean end.
    pub(super) fn go_away(&mut self, index: usize) {
        if !self.peers[index].is_up() || self.peers[index].session.is_leaving {
            return;
        }
        self.note(index, What::GoesAway);
        self.peers[index].session.is_leaving = true;
        self.tell(index, Core::go_away);
        let life = self.peers[index].life;
        self.queue.push(self.now_ms + GOODBYE_MS, Event::Gone { peer: index, life });
    }

    /// Ends cleanly: the connections are closed, the disk finishes what it was given.
    pub(super) fn gone(&mut self, index: usize) {
        let others: Vec<usize> = self.peers[index].session.ends.keys().copied().collect();
        for other in others {
            self.send(index, other, Parcel::Closed, 0);
        }
        while !self.peers[index].disk.is_idle() {
            self.peers[index].disk.begin();
            self.end_group(index);
        }
        self.end_life(index);
        self.note(index, What::Stopped);
    }

    pub(super) fn hand_to_disk(&mut self, index: usize, job: Job) {
        self.peers[index].disk.hand_over(job);
        self.begin_group(index);
    }

    fn begin_group(&mut self, index: usize) {
        if self.peers[index].disk.begin() {
            let takes_ms = self.dice.within(DISK_MS);
            let done_ms = self.now_ms.max(self.peers[index].disk.still_until_ms) + takes_ms;
            let life = self.peers[index].life;
            self.queue.push(done_ms, Event::DiskDone { peer: index, life });
        }
    }

    pub(super) fn disk_done(&mut self, index: usize) {
        self.end_group(index);
        self.begin_group(index);
    }

    fn end_group(&mut self, index: usize) {
        let done = self.peers[index].disk.end(self.now_ms);
        let is_stored = |done: &Done| matches!(done, Done::Stored { .. });
        let stored = done.iter().filter(|done| is_stored(done)).count();
        let refused = done.iter().filter(|done| matches!(done, Done::NotStored { .. })).count();
        if stored > 0 {
            self.note(index, What::Stores { commits: stored });
        }
        if refused > 0 {
            self.note(index, What::CannotStore { commits: refused });
        }
        self.tell(index, |core, now_ms| done.into_iter().for_each(|done| tell_done(core, now_ms, done)));
    }
}

fn tell_done(core: &mut Core, now_ms: u64, done: Done) {
    match done {
        Done::Stored { token, fresh } => core.persisted(now_ms, token, &fresh),
        Done::NotStored { token } => core.not_persisted(token),
        Done::Unread { conversation, after, unread } => core.unread_counted(conversation, after, unread),
        Done::Post { conversation, key, post, pace } => {
            core.post_read(conversation, key, post.map(|post| *post), &pace);
        }
        Done::Answer { token, answer } => core.read(now_ms, token, answer),
        Done::Queued { conversation, queued } => core.queued_read(now_ms, conversation, Some(queued)),
    }
}
