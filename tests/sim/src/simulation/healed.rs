//! What must hold once nothing goes wrong any more: everything everywhere, in one order, and rest.

use std::collections::BTreeSet;

use kinmesh_core::{EntryView, Lens};
use kinmesh_proto::record::StoredEntry;
use kinmesh_proto::{ConversationId, Delivery, RoomId};

use super::{Simulation, in_room};
use crate::disk::Disk;
use crate::peer::Peer;
use crate::promise::{Unfinished, Violation};
use crate::views::{ConversationView, Views};

/// An entry that is on a member's disk within this was delivered live.
const LIVE_MS: u64 = 5_000;
/// Requests of one member about one room, or of one peer about its chats, in a minute in which there
/// is nothing new: a comparison with two others every 30 s, and as much again for chance.
const ASKS_PER_MINUTE: u64 = 8;
/// A private room is asked about so many times as often: there are the room, its log, and secrets that
/// perhaps nobody has any more.
const PRIVATE_ASKS: u64 = 3;
/// So is a founded one: there are the room and its log.
const FOUNDED_ASKS: u64 = 2;

impl Simulation {
    /// What is not everywhere yet, if anything.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        let rooms = self.members.iter().find_map(|(room, _)| self.unfinished_room(*room));
        let peers = || (0..self.peers.len()).find_map(|peer| self.unfinished_peer(peer));
        let logged = || self.unfinished_private_rooms().or_else(|| self.unfinished_founded_rooms());
        rooms.or_else(logged).or_else(peers)
    }

    fn members_of(&self, room: RoomId) -> impl Iterator<Item = usize> {
        self.members.get(&room).into_iter().flatten().copied()
    }

    fn unfinished_room(&self, room: RoomId) -> Option<Unfinished> {
        let number = self.rooms.iter().position(|(_, id)| *id == room)?;
        let one = self.members_of(room).next()?;
        let contents = |peer: usize| self.peers[peer].disk.contents(in_room(room));
        let has = contents(one);
        let two = self.members_of(room).find(|other| contents(*other) != has)?;
        Some(Unfinished::RoomsDiffer { room: number, one, has: has.count, two, others: contents(two).count })
    }

    fn unfinished_peer(&self, peer: usize) -> Option<Unfinished> {
        if !self.peers[peer].disk.is_idle() {
            return Some(Unfinished::DiskBusy { peer });
        }
        let conversations = || self.peers[peer].disk.conversations();
        conversations()
            .find_map(|conversation| self.unfinished_chat(peer, conversation))
            .or_else(|| conversations().find_map(|conversation| self.still_queued(peer, conversation)))
    }

    fn unfinished_chat(&self, one: usize, conversation: ConversationId) -> Option<Unfinished> {
        let two = self.other_of(conversation)?;
        let has = self.peers[one].disk.contents(conversation);
        let others = self.peers[two].disk.contents(ConversationId::Direct(self.peers[one].person));
        let (has, others) = (has != others).then_some((has.count, others.count))?;
        Some(Unfinished::ChatsDiffer { one, has, two, others })
    }

    fn still_queued(&self, peer: usize, conversation: ConversationId) -> Option<Unfinished> {
        let has_somebody = match conversation {
            ConversationId::Room(room) | ConversationId::Control(room) if self.is_private(room) => {
                self.has_company(peer, room)
            }
            ConversationId::Room(room) | ConversationId::Control(room) => {
                let mut members = self.members_of(room);
                let has_company =
                    members.any(|member| member == peer) && self.members_of(room).nth(1).is_some();
                has_company && (!self.is_founded(room) || self.can_speak(peer, conversation))
            }
            ConversationId::Direct(_) => true,
        };
        let count = if has_somebody { self.peers[peer].disk.queued(conversation, None).len() } else { 0 };
        (count > 0).then_some(Unfinished::Queued { peer, conversation, count })
    }

    /// Whoever has everything asks for little: no retry storm, no comparison without an end.
    pub(super) fn check_rest(&mut self) {
        let asked_before = self.figures.asks;
        self.run_until(self.now_ms + self.scenario.rest_ms);
        let asks = self.figures.asks - asked_before;
        let members = |room: &RoomId| self.members.get(room).map_or(0, |members| members.len() as u64);
        let public: u64 = self.rooms.iter().map(|(_, room)| members(room)).sum();
        // Where a private room is met changes: whoever takes themselves for a member counts.
        let inside = |room: &RoomId| self.peers.iter().filter(|peer| peer.is_in(*room)).count() as u64;
        let private: u64 = self.private.iter().map(inside).sum();
        let founded: u64 = self.founded.iter().map(members).sum();
        let memberships = public + PRIVATE_ASKS * private + FOUNDED_ASKS * founded;
        let allowed =
            (self.peers.len() as u64 + memberships) * ASKS_PER_MINUTE * self.scenario.rest_ms / 60_000;
        if asks > allowed {
            self.violate(Violation::Restless { asks, allowed });
        }
        // A last presence may still be on its way to a disk.
        self.run_until_whole();
    }

    /// What can be checked when nothing moves any more.
    pub(super) fn check_at_the_end(&mut self) {
        for peer in 0..self.peers.len() {
            self.check_kept(peer);
            self.check_views(peer);
            self.check_calls_are_over(peer);
            let conversations: Vec<ConversationId> = self.peers[peer].disk.conversations().collect();
            for conversation in conversations {
                self.check_history(peer, conversation);
                self.check_told(peer, conversation);
            }
        }
        self.check_orders();
        self.check_private_rooms();
        self.check_founded_rooms();
    }

    /// What was ever shown is still there.
    fn check_kept(&mut self, peer: usize) {
        let Peer { shown, disk, .. } = &self.peers[peer];
        let lost = shown.iter().find(|(conversation, entry)| !disk.has(*conversation, *entry)).copied();
        if let Some((conversation, entry)) = lost {
            self.violate(Violation::Lost { peer, conversation, entry });
        }
    }

    /// A history is in order, and holds nothing but what was written in this very conversation.
    fn check_history(&mut self, peer: usize, conversation: ConversationId) {
        let history = self.peers[peer].disk.history(conversation);
        if !history.is_sorted_by_key(|stored| stored.entry.key()) {
            self.violate(Violation::OutOfOrder { peer, conversation });
        }
        let tag = conversation.tag(self.peers[peer].person);
        let is_strange = |stored: &&StoredEntry| {
            stored.entry.value().conversation != tag || !self.ledger.is_of(stored.entry.id(), tag)
        };
        if let Some(key) = history.iter().find(is_strange).map(|stored| stored.entry.key()) {
            self.violate(Violation::Leaked { peer, conversation, key });
        }
        self.check_numbers(peer, conversation, &history);
    }

    /// No device gave one number to two entries, whatever its disk forgot in a crash.
    pub(super) fn check_numbers(
        &mut self,
        peer: usize,
        conversation: ConversationId,
        history: &[StoredEntry],
    ) {
        let mut numbers = BTreeSet::new();
        let is_repeated =
            |stored: &&StoredEntry| !numbers.insert((stored.entry.device(), stored.entry.value().seq));
        if let Some(key) = history.iter().find(is_repeated).map(|stored| stored.entry.key()) {
            self.violate(Violation::NumberUsedTwice { peer, conversation, key });
        }
    }

    /// The faces were told of every post that came in this life, and last of what it is now.
    fn check_told(&mut self, peer: usize, conversation: ConversationId) {
        if matches!(conversation, ConversationId::Control(_)) {
            // What was decided is shown as what the room is now.
            return;
        }
        let Peer { session, disk, .. } = &self.peers[peer];
        let is_as_told = |now: &EntryView| {
            let told = session.told.get(&(conversation, now.key));
            let told = told.map(|told| EntryView { read_by_other: false, ..told.clone() });
            told.map_or_else(
                || disk.came_before(conversation, now.key.id, session.began_ms),
                |told| told == *now,
            )
        };
        let wrong = self.shown(peer, conversation).into_iter().find(|post| !is_as_told(post));
        if let Some(key) = wrong.map(|post| post.key) {
            self.violate(Violation::ToldWrong { peer, conversation, key });
        }
    }

    /// Whoever has a conversation in common shows it in one order.
    fn check_orders(&mut self) {
        // Whoever is there of a founded room need not be let in.
        let rooms = self.members.keys().copied().filter(|room| !self.is_founded(*room));
        for room in rooms.collect::<Vec<RoomId>>() {
            let members: Vec<usize> = self.members_of(room).collect();
            for pair in members.windows(2) {
                self.check_order((pair[0], in_room(room)), (pair[1], in_room(room)));
            }
        }
        for one in 0..self.peers.len() {
            let conversations: Vec<ConversationId> = self.peers[one].disk.conversations().collect();
            for conversation in conversations {
                if let Some(two) = self.other_of(conversation) {
                    let other_side = ConversationId::Direct(self.peers[one].person);
                    self.check_order((one, conversation), (two, other_side));
                }
            }
        }
    }

    /// What the faces of a peer show of a conversation.
    pub(super) fn shown(&self, peer: usize, conversation: ConversationId) -> Vec<EntryView> {
        let seen = self.peers[peer].disk.seen(conversation, &self.lens(peer, conversation), usize::MAX);
        seen.iter().map(|seen| seen.view(conversation, None)).collect()
    }

    pub(super) fn check_order(
        &mut self,
        (one, here): (usize, ConversationId),
        (two, there): (usize, ConversationId),
    ) {
        if self.peers[one].disk.order(here) != self.peers[two].disk.order(there) {
            return self.violate(Violation::OrdersDiffer { one, two, conversation: here });
        }
        // How far a post has come, and in whose chat it stands, each side sees for itself.
        let shown = |peer: usize, conversation| {
            let views = self.shown(peer, conversation).into_iter();
            views.map(move |view| EntryView { conversation: here, delivery: Delivery::Received, ..view })
        };
        if !shown(one, here).eq(shown(two, there)) {
            self.violate(Violation::PostsDiffer { one, two, conversation: here });
        }
    }

    /// Views say what the disk says, and what a restart from it would say.
    fn check_views(&mut self, peer: usize) {
        let again = Views::of(&mut self.restored(peer));
        let Peer { core: Some(core), disk, .. } = &mut self.peers[peer] else { return };
        let views = Views::of(core);
        let lens = |conversation| core.lens(conversation);
        let mut listed = views.conversations.iter();
        if let Some(violation) = listed.find_map(|listed| wrong_view(peer, disk, lens, listed)) {
            self.violate(violation);
        }
        if views != again {
            self.violate(Violation::Forgotten { peer });
        }
    }

    /// Counts for how many members each room's entries came live: by gossip, not by catching up.
    pub(super) fn count_live(&mut self) {
        let (mut live, mut all) = (0, 0);
        for (id, written) in self.ledger.iter() {
            let ConversationId::Room(room) = written.conversation else { continue };
            for member in self.members_of(room).filter(|member| *member != written.author) {
                let arrived_ms = self.peers[member].disk.arrival_ms(written.conversation, id);
                all += 1;
                live += u64::from(arrived_ms.is_some_and(|at_ms| at_ms <= written.at_ms + LIVE_MS));
            }
        }
        (self.figures.live, self.figures.deliveries) = (live, all);
    }
}

fn wrong_view(
    peer: usize,
    disk: &Disk,
    lens: impl Fn(ConversationId) -> Lens,
    (conversation, view): (&ConversationId, &ConversationView),
) -> Option<Violation> {
    let (conversation, shown) = (*conversation, view.unread);
    let unread = disk.unread(conversation, view.read, &lens(conversation));
    if shown != unread {
        return Some(Violation::UnreadMiscounted { peer, conversation, shown, unread });
    }
    let newest = disk.posts(conversation, 1).pop().map(|post| post.post.entry.key());
    (view.newest != newest).then_some(Violation::NewestWrong { peer, conversation })
}
