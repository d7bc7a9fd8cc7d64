//! Echo: a contact that lives inside the program and answers without any network.
//!
//! It has keys of its own, so its entries take the same way to the disk as everybody's.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    ConversationId, Delivery, DeviceId, DeviceKeys, DisplayName, Entry, PersonId, PersonKey, PersonRecord,
    Ties, Unverified,
};

use crate::node::{Core, Pending, put_entry};

pub(crate) struct Echo {
    keys: DeviceKeys,
}

impl Echo {
    /// The Echo of a device: the same after each start. Its keys follow from a secret, for it is a contact,
    /// and nobody else may speak in its place.
    pub(crate) fn of(keys: &DeviceKeys) -> Self {
        let seed = |what| keys.derive_secret(what);
        Self {
            keys: DeviceKeys::generate(
                &seed("kinmesh 2026-11 secret of Echo's person"),
                &seed("kinmesh 2026-11 secret of Echo's device"),
                0,
            ),
        }
    }

    pub(crate) fn person(&self) -> PersonId {
        self.keys.person()
    }
}

/// Who Echo was while its keys followed from what everybody knows of a device.
fn former_echo(device: DeviceId) -> PersonId {
    PersonKey::from_seed(&blake3::derive_key("kinmesh 2026-11 echo person", &device.0)).id()
}

impl Core {
    /// The built-in contact.
    pub fn echo(&self) -> PersonId {
        self.echo.person()
    }

    /// Whether somebody says to be Echo, which says nothing over a network.
    pub(crate) fn poses_as_echo(&self, person: PersonId, device: DeviceId) -> bool {
        person == self.echo.person() || device == self.echo.keys.device()
    }

    pub(crate) fn introduce_echo(&mut self, now_ms: u64) {
        self.dismiss_former_echo();
        let person = self.echo.person();
        if let Some(record) = self.people.record_mut(person) {
            // It could be removed once.
            record.contact = true;
            record.ties.get_or_insert_with(Ties::mutual);
        } else if let Ok(name) = DisplayName::new("Echo") {
            let (contact, ties) = (true, Some(Ties::mutual()));
            let record =
                PersonRecord { contact, ties, last_seen_ms: now_ms, ..PersonRecord::new(person, name) };
            self.people.add(record.clone());
            self.persist(vec![Write::PutPerson(record)], Pending::Note);
        }
    }

    /// Anybody can speak as the Echo of an earlier version. The chat with it can be read, and no more.
    fn dismiss_former_echo(&mut self) {
        let former = former_echo(self.keys.device());
        let Some(record) = self.people.record_mut(former).filter(|record| record.contact) else { return };
        record.contact = false;
        record.ties.get_or_insert_default().blocked = true;
        let write = Write::PutPerson(record.clone());
        self.persist(vec![write], Pending::Note);
    }

    pub(crate) fn answer_as_echo(&mut self, now_ms: u64, entry: &Entry) {
        let person = self.echo.person();
        let id = ConversationId::Direct(person);
        if let Some(chat) = self.conversations.get_mut(&id) {
            chat.noting.insert(entry.key());
        }
        self.set_deliveries(id, vec![(entry.key(), Delivery::Delivered)]);
        let Some(text) = entry.text() else { return };
        let (tag, text) = (id.tag(self.me()), text.to_owned());
        self.clock = self.clock.next(now_ms);
        let clock = self.clock;
        let Some(chat) = self.conversations.get_mut(&id) else { return };
        let answer = Unverified::sign(chat.answer(tag, clock, entry, text), &self.echo.keys);
        chat.follow(&answer);
        self.persist(
            vec![put_entry(id, &answer, Delivery::Received, now_ms)],
            Pending::Echoed { entry: answer },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::HelloError;
    use kinmesh_proto::record::Snapshot;
    use kinmesh_proto::{Hello, Presence, PresenceState, StatusLine};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW_MS: u64 = 1_793_000_000_000;

    fn alice(people: Vec<PersonRecord>) -> Core {
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        let snapshot = Snapshot { people, ..Snapshot::default() };
        Core::new(keys, snapshot, NOW_MS, StdRng::seed_from_u64(0))
    }

    #[test]
    fn it_is_the_same_after_each_start_and_another_one_on_each_device() {
        assert_eq!(alice(vec![]).echo(), alice(vec![]).echo());
        let bob = DeviceKeys::generate(&[1; 32], &[3; 32], 0);
        assert_ne!(Echo::of(&bob).person(), alice(vec![]).echo());
    }

    #[test]
    fn nobody_says_hello_as_echo() {
        let mut alice = alice(vec![]);
        let presence = Presence {
            room: None,
            name: DisplayName::new("Echo").unwrap(),
            status: StatusLine::default(),
            since_ms: NOW_MS,
            sent_ms: NOW_MS,
            state: PresenceState::Here,
        };
        let hello = Hello::first(Unverified::sign(presence, &alice.echo.keys).envelope().clone());
        let device = alice.echo.keys.device();
        let heard = alice.hello_received(NOW_MS, device, hello);
        assert!(matches!(heard, Err(HelloError::Misplaced)));
        assert_eq!(alice.person_of(device), None);
    }

    #[test]
    fn the_echo_of_an_earlier_version_can_be_read_and_reaches_nobody() {
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        let former = former_echo(keys.device());
        let name = DisplayName::new("Echo").unwrap();
        let record =
            PersonRecord { contact: true, ties: Some(Ties::mutual()), ..PersonRecord::new(former, name) };
        let alice = alice(vec![record]);
        assert_ne!(alice.echo(), former);
        assert!(alice.may_reach_us(alice.echo()));
        assert!(alice.is_blocked(former) && !alice.may_reach_us(former));
    }
}
