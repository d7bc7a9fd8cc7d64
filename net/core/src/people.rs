//! Who is known, who is here, and how they are reached.
//!
//! A person is here while one of their devices was heard of within [`PRESENCE_TTL_MS`]: by a
//! ping on a direct connection, or by a signed presence that fellow members forwarded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinmesh_proto::{
    DeviceId, DisplayName, PersonId, PersonRecord, Presence, PresenceState, Ties, Verified, limits,
};

use crate::contacts::acquaintance;
use crate::view::{Online, PersonView, Route};

/// A device that was not heard of for this long is gone. Peers speak every [`crate::BEACON_MS`]
/// and ping as often, so one of either may be lost; the promise to the user is 30 s.
pub const PRESENCE_TTL_MS: u64 = 25_000;
/// Persons remembered: as many as a room may have members. At the cap the stranger who was away for
/// longest makes room; while everybody is here, contacts or in a chat, a newcomer is not noticed.
const PERSONS_CAP: usize = 4096;
/// Devices remembered of one person.
pub(crate) const DEVICES_CAP: usize = 8;

#[derive(Debug)]
struct Device {
    person: PersonId,
    since_ms: u64,
    heard_ms: u64,
    /// When its newest presence was said, by its own clock.
    sent_ms: u64,
    /// Its direct connection.
    link: Option<Route>,
    gone: bool,
}

impl Device {
    fn is_here(&self, now_ms: u64) -> bool {
        !self.gone && now_ms.saturating_sub(self.heard_ms) < PRESENCE_TTL_MS
    }
}

/// Everybody met.
#[derive(Debug, Default)]
pub(crate) struct People {
    persons: BTreeMap<PersonId, PersonRecord>,
    devices: BTreeMap<DeviceId, Device>,
    /// Who is never forgotten: we have a chat with them.
    kept: BTreeSet<PersonId>,
    /// Who was forgotten, until the store was told.
    forgotten: Vec<PersonId>,
    /// Who was shown as online when last looked.
    online: BTreeSet<PersonId>,
    /// Connections to devices whose person is not known yet.
    unnamed_links: BTreeMap<DeviceId, Route>,
}

/// What a presence taught us.
pub(crate) enum Heard {
    /// Nothing: it is no newer than what we know, or there is no room for another person.
    Stale,
    /// They are still here.
    Still,
    /// Name, status or being online changed: worth telling.
    Changed,
}

impl People {
    pub(crate) fn restore(&mut self, records: Vec<PersonRecord>) {
        self.persons = records.into_iter().map(|record| (record.person, record)).collect();
    }

    pub(crate) fn add(&mut self, record: PersonRecord) {
        self.persons.insert(record.person, record);
    }

    /// Never forgets this person.
    pub(crate) fn keep(&mut self, person: PersonId) {
        self.kept.insert(person);
    }

    /// Who was forgotten since the last call.
    pub(crate) fn take_forgotten(&mut self) -> Vec<PersonId> {
        std::mem::take(&mut self.forgotten)
    }

    pub(crate) fn record(&self, person: PersonId) -> Option<&PersonRecord> {
        self.persons.get(&person)
    }

    pub(crate) fn record_mut(&mut self, person: PersonId) -> Option<&mut PersonRecord> {
        self.persons.get_mut(&person)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &PersonRecord> {
        self.persons.values()
    }

    /// Contacts from before people had to ask are contacts of both.
    pub(crate) fn settle_old_contacts(&mut self) {
        for record in self.persons.values_mut().filter(|record| record.contact) {
            record.ties.get_or_insert_with(Ties::mutual);
        }
    }

    /// There are messages between this person and us: from before people had to ask, that makes contacts.
    pub(crate) fn settle_old_chat(&mut self, person: PersonId) {
        if let Some(record) = self.persons.get_mut(&person).filter(|record| record.ties.is_none()) {
            record.contact = true;
            record.ties = Some(Ties::mutual());
        }
    }

    /// Remembers somebody who was never met, if there is room.
    pub(crate) fn add_unmet(&mut self, record: PersonRecord) -> bool {
        let has_room = self.make_room();
        if has_room {
            self.persons.insert(record.person, record);
        }
        has_room
    }

    pub(crate) fn person_of(&self, device: DeviceId) -> Option<PersonId> {
        self.devices.get(&device).map(|device| device.person)
    }

    /// Takes a device's word about its person.
    pub(crate) fn heard(&mut self, presence: &Verified<Presence>, now_ms: u64) -> Heard {
        let (person, word) = (presence.person(), presence.value());
        let known = self.devices.get(&presence.device());
        if known.is_some_and(|device| device.sent_ms >= word.sent_ms) {
            return Heard::Stale;
        }
        if !self.persons.contains_key(&person) && !self.make_room() {
            return Heard::Stale;
        }
        let known = self.devices.get(&presence.device());
        let link = known.and_then(|device| device.link).or(self.unnamed_links.remove(&presence.device()));
        let new_name = self.learn_name(person, presence.device(), word, now_ms);
        let gone = word.state == PresenceState::Away;
        let device = Device {
            person,
            since_ms: word.since_ms.min(now_ms),
            heard_ms: now_ms,
            sent_ms: word.sent_ms,
            link,
            gone,
        };
        self.devices.insert(presence.device(), device);
        if self.note_online(person, now_ms) || new_name { Heard::Changed } else { Heard::Still }
    }

    /// A ping came back, or anything else that only a living device does.
    pub(crate) fn alive(&mut self, device: DeviceId, now_ms: u64) -> Option<PersonId> {
        let device = self.devices.get_mut(&device).filter(|device| !device.gone)?;
        device.heard_ms = now_ms;
        let person = device.person;
        self.note_online(person, now_ms).then_some(person)
    }

    pub(crate) fn linked(&mut self, device: DeviceId, route: Route) -> Option<PersonId> {
        match self.devices.get_mut(&device) {
            Some(known) => {
                known.link = Some(route);
                Some(known.person)
            }
            None => {
                self.unnamed_links.insert(device, route);
                None
            }
        }
    }

    pub(crate) fn unlinked(&mut self, device: DeviceId) -> Option<PersonId> {
        self.unnamed_links.remove(&device);
        let known = self.devices.get_mut(&device)?;
        known.link = None;
        Some(known.person)
    }

    /// Whether there is a direct connection to this device.
    pub(crate) fn is_linked(&self, device: DeviceId) -> bool {
        self.unnamed_links.contains_key(&device)
            || self.devices.get(&device).is_some_and(|known| known.link.is_some())
    }

    /// A connected device of this person.
    pub(crate) fn linked_device(&self, person: PersonId) -> Option<DeviceId> {
        let record = self.persons.get(&person)?;
        let is_linked = |id: &&DeviceId| self.devices.get(*id).is_some_and(|device| device.link.is_some());
        record.devices.iter().find(is_linked).copied()
    }

    /// Persons that came or went by the mere passing of time.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Vec<PersonId> {
        let online: Vec<PersonId> = self.online.iter().copied().collect();
        online.into_iter().filter(|person| self.note_online(*person, now_ms)).collect()
    }

    pub(crate) fn devices_of(&self, person: PersonId) -> &[DeviceId] {
        self.persons.get(&person).map_or(&[], |record| &record.devices)
    }

    /// People in our contacts.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = PersonId> {
        self.persons.values().filter(|record| record.contact).map(|record| record.person)
    }

    pub(crate) fn is_online(&self, person: PersonId) -> bool {
        self.online.contains(&person)
    }

    /// Whether somebody said lately, by our clock, what time it is by theirs.
    pub(crate) fn agrees_about_time(&self, person: PersonId, now_ms: u64) -> bool {
        let devices = self.persons.get(&person).into_iter().flat_map(|record| &record.devices);
        let mut said = devices.filter_map(|id| self.devices.get(id)).map(|device| device.sent_ms);
        said.any(|sent_ms| now_ms.abs_diff(sent_ms) <= limits::PRESENCE_AGE_MAX_MS)
    }

    /// Whether somebody is here.
    pub(crate) fn online(&self, person: PersonId) -> Online {
        match self.persons.get(&person) {
            Some(record) => self.online_of(record),
            None => Online::Offline { last_seen_ms: 0 },
        }
    }

    fn online_of(&self, record: &PersonRecord) -> Online {
        let devices = record.devices.iter().filter_map(|id| self.devices.get(id));
        match devices.filter(|device| !device.gone).map(|device| device.since_ms).min() {
            Some(since_ms) if self.is_online(record.person) => Online::Online { since_ms },
            _ => Online::Offline { last_seen_ms: record.last_seen_ms },
        }
    }

    /// Everybody as shown: online first, then by name. Our own name can be clashed with, too.
    pub(crate) fn views(&self, echo: PersonId, own_name: Option<&DisplayName>) -> Arc<[PersonView]> {
        let mut name_counts = BTreeMap::<&str, usize>::new();
        name_counts.extend(own_name.map(|name| (name.as_str(), 1)));
        for record in self.persons.values() {
            *name_counts.entry(shown_name(record).as_str()).or_default() += 1;
        }
        let contacts = self.contacts_by_name();
        let view = |record: &PersonRecord| {
            let namesake = contacts.get(&shown_name(record).folded()).copied();
            PersonView {
                name_clashes: name_counts[shown_name(record).as_str()] > 1,
                named_like: namesake.filter(|contact| !record.contact && *contact != record.person),
                ..self.view(record, record.person == echo)
            }
        };
        let mut views: Vec<PersonView> = self.persons.values().map(view).collect();
        views.sort_by_cached_key(|view| (!view.online.is_online(), view.name.to_lowercase(), view.person));
        views.into()
    }

    /// Contacts by what they are called, in any case and width.
    fn contacts_by_name(&self) -> BTreeMap<String, PersonId> {
        let contacts = self.persons.values().filter(|record| record.contact);
        contacts.map(|record| (shown_name(record).folded(), record.person)).collect()
    }

    fn view(&self, record: &PersonRecord, is_echo: bool) -> PersonView {
        let devices = || record.devices.iter().filter_map(|id| self.devices.get(id));
        let is_online = is_echo || self.is_online(record.person);
        let online = match self.online_of(record) {
            Online::Offline { last_seen_ms } if is_echo => Online::Online { since_ms: last_seen_ms },
            online => online,
        };
        let route = match devices().find_map(|device| device.link) {
            _ if is_echo => Route::Local,
            Some(route) if is_online => route,
            None if is_online => Route::Mesh,
            _ => Route::None,
        };
        PersonView {
            person: record.person,
            name: shown_name(record).as_str().to_owned(),
            own_name: record.name.clone(),
            fingerprint: record.person.fingerprint(),
            name_clashes: false,
            named_like: None,
            status: record.status.clone(),
            nickname: record.nickname.clone(),
            contact: record.contact,
            acquaintance: acquaintance(record),
            verified: record.ties.as_ref().is_some_and(|ties| ties.verified),
            introduced_by: record.ties.as_ref().and_then(Ties::introduced_by),
            online,
            route,
            is_echo,
        }
    }

    /// Whether the person's record changed in a way worth telling.
    fn learn_name(&mut self, person: PersonId, device: DeviceId, word: &Presence, now_ms: u64) -> bool {
        let new = || PersonRecord::new(person, word.name.clone());
        let record = self.persons.entry(person).or_insert_with(new);
        let changed = record.last_seen_ms == 0 || record.name != word.name || record.status != word.status;
        record.name = word.name.clone();
        record.status = word.status.clone();
        record.last_seen_ms = now_ms;
        record.devices.retain(|known| *known != device);
        record.devices.insert(0, device);
        for forgotten in record.devices.drain(DEVICES_CAP.min(record.devices.len())..) {
            self.devices.remove(&forgotten);
        }
        changed
    }

    /// Whether a newcomer can be remembered; forgets the stranger who was away for longest if need be.
    fn make_room(&mut self) -> bool {
        if self.persons.len() < PERSONS_CAP {
            return true;
        }
        let is_awaited = |ties: &Ties| ties.blocked || ties.asking.is_some();
        let is_forgettable = |record: &&PersonRecord| {
            !record.contact
                && !record.ties.as_ref().is_some_and(is_awaited)
                && !self.kept.contains(&record.person)
                && !self.online.contains(&record.person)
        };
        let strangers = self.persons.values().filter(is_forgettable);
        let Some(oldest) = strangers.min_by_key(|record| record.last_seen_ms).map(|record| record.person)
        else {
            return false;
        };
        self.persons.remove(&oldest);
        self.devices.retain(|_, device| device.person != oldest);
        self.forgotten.push(oldest);
        true
    }

    /// Looks again whether the person is here; true when that changed.
    fn note_online(&mut self, person: PersonId, now_ms: u64) -> bool {
        let Some(record) = self.persons.get_mut(&person) else { return self.online.remove(&person) };
        let devices = record.devices.iter().filter_map(|id| self.devices.get(id));
        match devices.filter(|device| device.is_here(now_ms)).map(|device| device.heard_ms).max() {
            Some(heard_ms) => {
                record.last_seen_ms = heard_ms;
                self.online.insert(person)
            }
            None => self.online.remove(&person),
        }
    }
}

fn shown_name(record: &PersonRecord) -> &DisplayName {
    record.nickname.as_ref().unwrap_or(&record.name)
}

/// Whether a presence was said within the time that it may speak about.
pub(crate) fn is_timely(presence: &Presence, now_ms: u64) -> bool {
    presence.sent_ms <= now_ms + limits::CLOCK_AHEAD_MAX_MS
        && now_ms.saturating_sub(presence.sent_ms) <= limits::PRESENCE_AGE_MAX_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinmesh_proto::{DeviceKeys, StatusLine, Unverified};

    fn seed(number: u32, of: u8) -> [u8; 32] {
        let mut seed = [of; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        seed
    }

    fn word_of(number: u32, sent_ms: u64) -> Verified<Presence> {
        let keys = DeviceKeys::generate(&seed(number, 1), &seed(number, 2), 0);
        let presence = Presence {
            room: None,
            name: DisplayName::new("Somebody").unwrap(),
            status: StatusLine::default(),
            since_ms: 0,
            sent_ms,
            state: PresenceState::Here,
        };
        Unverified::sign(presence, &keys)
    }

    #[test]
    fn a_crowd_of_invented_people_takes_only_so_much_room() {
        let mut people = People::default();
        let crowd = PERSONS_CAP as u32;
        for number in 0..crowd {
            people.heard(&word_of(number, 1), 1000);
        }
        let newcomer = word_of(crowd, 1);
        assert!(matches!(people.heard(&newcomer, 1000), Heard::Stale), "everybody is here");
        assert_eq!(people.expire(1000 + PRESENCE_TTL_MS).len(), PERSONS_CAP);
        people.keep(word_of(0, 1).person());
        assert!(matches!(people.heard(&newcomer, 1000 + PRESENCE_TTL_MS), Heard::Changed));
        assert_eq!((people.persons.len(), people.devices.len()), (PERSONS_CAP, PERSONS_CAP));
        let forgotten = people.take_forgotten();
        assert_eq!(forgotten.len(), 1);
        assert!(people.record(forgotten[0]).is_none());
        assert!(people.record(word_of(0, 1).person()).is_some(), "we have a chat with them");
    }
}
