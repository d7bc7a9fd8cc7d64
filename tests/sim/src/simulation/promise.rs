//! Promises that are checked at every output while a run goes on.

use kinmesh_core::{ConversationEvent, EntryView, Event, SyncFault};
use kinmesh_proto::{ConversationId, Delivery, DeviceId, EntryId, EntryKey};

use super::Simulation;
use crate::promise::Violation;
use crate::trace::What;

impl Simulation {
    /// A fact for the faces: it must be true by now.
    pub(super) fn hear(&mut self, index: usize, event: Event) {
        let Event::Conversation { conversation, rev, change } = event else { return };
        self.check_rev(index, conversation, rev);
        let told = &mut self.peers[index].session.told;
        match change {
            ConversationEvent::EntryAdded { entry } => {
                let key = entry.key;
                self.peers[index].note_invitation(&entry);
                let told = &mut self.peers[index].session.told;
                told.insert((conversation, key), entry);
                self.check_shown(index, conversation, key);
            }
            ConversationEvent::EntryChanged { entry } => drop(told.insert((conversation, entry.key), entry)),
            ConversationEvent::DeliveryChanged { key, delivery } => {
                if let Some(view) = told.get_mut(&(conversation, key)) {
                    view.delivery = delivery;
                }
                self.check_delivery(index, conversation, key, delivery);
            }
            ConversationEvent::Unsealed | ConversationEvent::ShownAnew => {
                self.read_again(index, conversation);
            }
            ConversationEvent::Opened => {
                self.peers[index].invited.retain(|room, _| ConversationId::Room(*room) != conversation);
            }
            _ => {}
        }
    }

    /// Faces read their pages again: more can be read than before, or something else is shown.
    fn read_again(&mut self, index: usize, conversation: ConversationId) {
        let shown = self.shown(index, conversation);
        let session = &mut self.peers[index].session;
        for now in shown {
            if let Some(told) = session.told.get_mut(&(conversation, now.key)) {
                *told = EntryView { delivery: told.delivery, ..now };
            }
        }
    }

    pub(super) fn check_rev(&mut self, peer: usize, conversation: ConversationId, rev: u64) {
        let last = self.peers[peer].session.revs.insert(conversation, rev).unwrap_or(0);
        if rev != last + 1 {
            self.violate(Violation::EventsMiscounted { peer, conversation, last, rev });
        }
    }

    pub(super) fn check_shown(&mut self, peer: usize, conversation: ConversationId, key: EntryKey) {
        self.note(peer, What::Shows { conversation, key });
        if !self.peers[peer].disk.has(conversation, key.id) {
            self.violate(Violation::ShownUnstored { peer, conversation, key });
        }
        if !self.peers[peer].shown.insert((conversation, key.id)) {
            self.violate(Violation::ShownTwice { peer, conversation, key });
        }
    }

    pub(super) fn check_delivery(
        &mut self,
        peer: usize,
        conversation: ConversationId,
        key: EntryKey,
        delivery: Delivery,
    ) {
        if !self.peers[peer].disk.has(conversation, key.id) {
            self.violate(Violation::ToldUnstored { peer, conversation, key });
        }
        if delivery == Delivery::Delivered
            && let Some(to) = self.other_of(conversation)
            && !self.peers[to].disk.has(ConversationId::Direct(self.peers[peer].person), key.id)
        {
            self.violate(Violation::DeliveredNowhere { peer, to, key });
        }
    }

    /// Who is at the other end of a chat.
    pub(super) fn other_of(&self, conversation: ConversationId) -> Option<usize> {
        match conversation {
            ConversationId::Direct(person) => self.by_person.get(&person).copied(),
            ConversationId::Room(_) | ConversationId::Control(_) => None,
        }
    }

    pub(super) fn check_forwarded(&mut self, peer: usize, conversation: ConversationId, entries: &[EntryId]) {
        for entry in entries.iter().copied() {
            if !self.peers[peer].disk.has(conversation, entry) {
                self.violate(Violation::ForwardedUnstored { peer, entry });
            }
        }
    }

    /// Everybody here is honest.
    pub(super) fn check_accusation(&mut self, peer: usize, device: DeviceId, fault: SyncFault) {
        if let Some(of) = self.by_device.get(&device).copied() {
            self.violate(Violation::AccusedHonest { peer, of, fault });
        }
    }

    pub(super) fn check_acknowledged(&mut self, peer: usize, conversation: ConversationId, entry: EntryId) {
        if !self.peers[peer].disk.has(conversation, entry) {
            self.violate(Violation::AcknowledgedUnstored { peer, entry });
        }
    }
}
