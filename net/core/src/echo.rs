//! Echo: a contact that lives inside the program and answers without any network.
//!
//! It has keys of its own, so its entries take the same way to the disk as everybody's.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    ConversationId, Delivery, DeviceKeys, DisplayName, Entry, PersonId, PersonRecord, Ties, Unverified,
};

use crate::node::{Core, Pending, put_entry};

pub(crate) struct Echo {
    keys: DeviceKeys,
}

impl Echo {
    /// The Echo of a device. Its keys are derived from public ids, so it is nobody to be trusted:
    /// its entries are made here and are never taken from the network.
    pub(crate) fn of(keys: &DeviceKeys) -> Self {
        let seed = |what| blake3::derive_key(what, &keys.device().0);
        Self {
            keys: DeviceKeys::generate(
                &seed("kinmesh 2026-11 echo person"),
                &seed("kinmesh 2026-11 echo device"),
                0,
            ),
        }
    }

    pub(crate) fn person(&self) -> PersonId {
        self.keys.person()
    }
}

impl Core {
    /// The built-in contact.
    pub fn echo(&self) -> PersonId {
        self.echo.person()
    }

    pub(crate) fn introduce_echo(&mut self, now_ms: u64) {
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
