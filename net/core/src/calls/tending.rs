//! What time and broken connections do to calls.

use kinmesh_proto::{CallId, DeviceId, PersonId, limits};

use super::party::{Party, Stage};
use super::{CONNECT_MS, CallEnd, Kind, RECONNECT_MS, RING_MS};
use crate::node::Core;
use crate::output::Output;

/// A ring whose other end is not connected any more goes on for this long, in milliseconds: they may be
/// back in a moment.
const APART_MS: u64 = 5_000;
/// Who was named, and not by anybody with whom we stand, is given up after this, in milliseconds: whoever
/// rings us for the call had the time to be answered.
const NAMED_MS: u64 = RING_MS + 15_000;
/// Who was named is asked this often to stand with us, in milliseconds.
const JOIN_EVERY_MS: u64 = 2_000;
/// Of whom nothing was heard for this long is asked whether they are still there, in milliseconds.
const ASK_AFTER_MS: u64 = 2_000;
/// Who is cut off although a connection stands is dialled anew after this, in milliseconds: it is dead, and
/// nobody has noticed. A network that changed takes QUIC 25 s.
const REDIAL_AFTER_MS: u64 = 2_000;
/// Who gives no sign of life for this long is cut off, in milliseconds.
const SILENT_MAX_MS: u64 = 5_000;

impl Core {
    pub(crate) fn tend_calls(&mut self, now_ms: u64) {
        self.tend_channels(now_ms);
        for id in self.calls.known.keys().copied().collect::<Vec<_>>() {
            for person in self.calls.people_in(id) {
                self.tend_party(now_ms, id, person);
            }
            self.say_party(id);
        }
    }

    /// A device said hello: what could not be said to its person is said now.
    pub(crate) fn met_in_calls(&mut self, now_ms: u64, person: PersonId) {
        for id in self.calls.known.keys().copied().collect::<Vec<_>>() {
            let Some(party) = self.calls.party_mut(id, person) else { continue };
            if party.stage == Stage::Ringing {
                // Their program may have been started anew, and know nothing of it.
                let since_ms = party.since_ms;
                party.stage_at(since_ms, Stage::Calling);
            }
            match party.stage {
                Stage::Reconnecting => self.say_state(id, person),
                Stage::Named => self.say_join(id, person),
                _ => self.tend_party(now_ms, id, person),
            }
        }
    }

    /// With whom we should stand in a call, and do not yet. Never more than fit into one: those of a room's
    /// channel may be invented, and whom we look for is looked for in place of somebody else.
    pub(crate) fn named_in_calls(&self) -> impl Iterator<Item = PersonId> {
        let parties = self.calls.known.values().flat_map(|call| call.parties.iter());
        let named = parties.filter(|(_, party)| party.stage == Stage::Named).map(|(person, _)| *person);
        named.filter(|person| self.people.linked_device(*person).is_none()).take(limits::CALL_PARTY_MAX)
    }

    /// Devices of those with whom we are in a call, or would be.
    pub(crate) fn call_devices(&self) -> impl Iterator<Item = DeviceId> {
        let parties = self.calls.known.values().flat_map(|call| call.parties.iter());
        parties.flat_map(|(person, party)| {
            let known = party.device.into_iter();
            known.chain(self.people.devices_of(*person).iter().copied().filter(|_| party.device.is_none()))
        })
    }

    fn tend_party(&mut self, now_ms: u64, id: CallId, person: PersonId) {
        let Some(party) = self.calls.party(id, person).cloned() else { return };
        if self.calls.known.get(&id).is_some_and(|call| call.kind == Kind::Out(self.echo())) {
            // It needs no network, so there is nothing to look after.
            return;
        }
        if self.is_blocked(person) {
            return self.part(now_ms, id, person, CallEnd::HungUp, true);
        }
        match self.due_end(now_ms, id, person, &party) {
            Some(end) => self.part(now_ms, id, person, end, true),
            None => self.go_on_with(now_ms, id, person, &party),
        }
    }

    /// How it ends with a party by now, if it does.
    fn due_end(&self, now_ms: u64, id: CallId, person: PersonId, party: &Party) -> Option<CallEnd> {
        let (end, after_ms) = match party.stage {
            Stage::Calling | Stage::Ringing | Stage::Incoming => (CallEnd::Unanswered, RING_MS),
            Stage::Connecting => (CallEnd::NoPath, CONNECT_MS),
            Stage::Reconnecting => (CallEnd::Lost, RECONNECT_MS),
            Stage::Active => return None,
            // Who is in a room's voice channel says so, and is forgotten there.
            Stage::Named => match self.calls.known.get(&id)?.kind {
                Kind::Room(room) => {
                    return (!self.is_heard_of_in_channel(room, person)).then_some(CallEnd::HungUp);
                }
                // Who cannot be reached is in the call all the same, as long as somebody hears them.
                Kind::Out(_) | Kind::In(_) if self.is_named(id, party) => return None,
                Kind::Out(_) | Kind::In(_) => (CallEnd::Unanswered, NAMED_MS),
            },
        };
        let is_abandoned = party.apart_ms.is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= APART_MS);
        if party.stage == Stage::Incoming && is_abandoned {
            return Some(CallEnd::Cancelled);
        }
        (party.age_ms(now_ms) >= after_ms).then_some(end)
    }

    /// Whether somebody with whom we stand says that they are in the call.
    fn is_named(&self, id: CallId, party: &Party) -> bool {
        let is_in = |by: &PersonId| self.calls.party(id, *by).is_some_and(|by| by.stage.is_in());
        party.named_by.iter().any(is_in)
    }

    fn go_on_with(&mut self, now_ms: u64, id: CallId, person: PersonId, party: &Party) {
        let is_linked = self.device_of(person, party).is_some();
        match party.stage {
            Stage::Calling => self.say_ring(id, person),
            Stage::Ringing => {}
            Stage::Incoming => {
                if let Some(party) = self.calls.party_mut(id, person) {
                    party.apart_ms = if is_linked { None } else { party.apart_ms.or(Some(now_ms)) };
                }
            }
            Stage::Named => {
                if self.is_time_to_ask(now_ms, id, person, JOIN_EVERY_MS) {
                    self.look_for(id, person);
                    self.say_join(id, person);
                }
            }
            Stage::Connecting => {
                self.say_acceptance(id, person);
                self.say_new_state(id, person);
            }
            Stage::Active | Stage::Reconnecting => {
                self.say_acceptance(id, person);
                self.say_new_state(id, person);
                self.look_for_signs_of_life(now_ms, id, person, party, is_linked);
            }
        }
    }

    fn look_for_signs_of_life(
        &mut self,
        now_ms: u64,
        id: CallId,
        person: PersonId,
        party: &Party,
        is_linked: bool,
    ) {
        if party.silent_ms(now_ms) >= ASK_AFTER_MS {
            self.say_state(id, person);
        }
        let is_dead = party.stage == Stage::Reconnecting && party.age_ms(now_ms) >= REDIAL_AFTER_MS;
        if let Some(device) = party.device.filter(|_| is_linked && is_dead && !party.is_redialled) {
            if let Some(party) = self.calls.party_mut(id, person) {
                party.is_redialled = true;
            }
            self.push(Output::Redial { device });
        }
        let is_cut_off = !is_linked || party.silent_ms(now_ms) >= SILENT_MAX_MS;
        if is_cut_off && party.stage == Stage::Active {
            if let Some(party) = self.calls.party_mut(id, person) {
                party.stage_at(now_ms, Stage::Reconnecting);
            }
            self.call_changed(id);
        }
    }

    /// Whether a party was not asked for this long; from now on they were.
    fn is_time_to_ask(&mut self, now_ms: u64, id: CallId, person: PersonId, every_ms: u64) -> bool {
        let party = self.calls.party_mut(id, person);
        let due = party.filter(|party| now_ms.saturating_sub(party.asked_ms) >= every_ms);
        due.map(|party| party.asked_ms = now_ms).is_some()
    }
}
