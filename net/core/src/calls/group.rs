//! Calls of more than two: everybody stands with everybody else.
//!
//! Who adds somebody rings them and tells the others of them; the newcomer joins each of the others, and
//! each of the others joins the newcomer, whoever comes first. Whom somebody stands with, they tell of:
//! so two who add somebody at the same time do not make two calls of one.

use std::collections::BTreeSet;

use kinmesh_proto::{CallId, CallMember, CallRequest, CallResponse, DeviceId, PersonId, Reach};

use super::party::{Party, Stage};
use super::{Call, CallEnd, CallRefusal, Kind};
use crate::node::Core;
use crate::output::Output;

impl Core {
    /// Rings one more contact for a call that stands.
    pub fn add_to_call(&mut self, now_ms: u64, id: CallId, person: PersonId) -> Result<(), CallRefusal> {
        self.may_ring(person)?;
        let call = self.calls.known.get(&id).ok_or(CallRefusal::NoSuchCall)?;
        if matches!(call.kind, Kind::Room(_)) {
            return Err(CallRefusal::OfARoom);
        }
        if call.is_incoming() || !call.is_standing() {
            return Err(CallRefusal::NotStanding);
        }
        if call.parties.contains_key(&person) {
            return Ok(());
        }
        if !call.has_room() {
            return Err(CallRefusal::Full);
        }
        if self.people.linked_device(person).is_none() {
            return Err(CallRefusal::Offline);
        }
        self.add_party(now_ms, id, person, Stage::Calling);
        self.say_ring(id, person);
        self.say_party(id);
        self.call_changed(id);
        Ok(())
    }

    /// Has the other in a call of two ring a contact in our place. We leave once that contact is in it.
    pub fn transfer_call(&mut self, id: CallId, to: PersonId) -> Result<(), CallRefusal> {
        self.may_ring(to)?;
        let call = self.calls.known.get_mut(&id).ok_or(CallRefusal::NoSuchCall)?;
        let mut others = call.parties.iter();
        let (Some((other, party)), None) = (others.next(), others.next()) else {
            return Err(CallRefusal::NotStanding);
        };
        if matches!(call.kind, Kind::Room(_)) {
            return Err(CallRefusal::OfARoom);
        }
        if !party.stage.is_in() || *other == to {
            return Err(CallRefusal::NotStanding);
        }
        let (other, wire) = (*other, call.wire);
        call.transfer = Some(to);
        self.tell_party(id, other, CallRequest::Transfer { call: wire, to });
        self.call_changed(id);
        Ok(())
    }

    pub(super) fn transfer_failed(&mut self, id: CallId) {
        if self.calls.known.get_mut(&id).is_some_and(|call| call.transfer.take().is_some()) {
            self.call_changed(id);
        }
    }

    /// Somebody in the call wants a contact of ours in their place.
    pub(super) fn hear_transfer(
        &mut self,
        now_ms: u64,
        id: CallId,
        person: PersonId,
        to: PersonId,
    ) -> CallResponse {
        let rings = |call: &Call| call.parties.values().any(|party| party.stage.is_rung());
        if self.calls.known.get(&id).is_none_or(rings) {
            return CallResponse::Busy;
        }
        let is_of_two = self.calls.known.get(&id).is_some_and(|call| call.parties.len() == 1);
        if !is_of_two || !self.may_reach_us(person) {
            return CallResponse::ContactsOnly;
        }
        match self.add_to_call(now_ms, id, to) {
            Ok(()) => CallResponse::Noted,
            Err(CallRefusal::Full) => CallResponse::Full,
            Err(_) => CallResponse::ContactsOnly,
        }
    }

    /// Somebody with a part in the call wants to stand with us.
    pub(super) fn hear_join(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        id: CallId,
        line: u32,
    ) -> CallResponse {
        let Some(call) = self.calls.known.get(&id) else { return CallResponse::NoSuchCall };
        if call.is_incoming() {
            return CallResponse::NoSuchCall;
        }
        if self.is_replaced_by(now_ms, id, person) {
            return CallResponse::NoSuchCall;
        }
        if self.has_no_place_for(id, person) {
            return CallResponse::Full;
        }
        self.connect(now_ms, id, person, device, line);
        match self.calls.party(id, person) {
            Some(party) => CallResponse::Joined { line: party.ours },
            None => CallResponse::NoSuchCall,
        }
    }

    /// Leaves the call if this is who was to take our place: they are in it.
    pub(super) fn is_replaced_by(&mut self, now_ms: u64, id: CallId, person: PersonId) -> bool {
        let is_replaced = self.calls.known.get(&id).is_some_and(|call| call.transfer == Some(person));
        if is_replaced {
            self.end_call(now_ms, id, CallEnd::HungUp);
        }
        is_replaced
    }

    /// Asks those who were named to stand with us. Who is rung only now does not answer yet.
    pub(super) fn join_named(&mut self, id: CallId) {
        for person in self.calls.people_in(id) {
            self.say_join(id, person);
        }
    }

    pub(super) fn say_join(&mut self, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get(&id).filter(|call| !call.is_incoming()) else { return };
        if self.has_no_place_for(id, person) {
            return;
        }
        let named = call.parties.get(&person).filter(|party| party.stage == Stage::Named);
        let Some(party) = named else { return };
        let request = CallRequest::Join { call: call.wire, line: party.ours };
        self.tell_party(id, person, request);
    }

    /// Tells everybody who is in a call whom we know to be in it ourselves, unless they were told. What
    /// others say of it is not told on, so a name that nobody stands behind any more does not go round.
    pub(super) fn say_party(&mut self, id: CallId) {
        let me = self.me();
        let Some(call) = self.calls.known.get(&id).filter(|call| !matches!(call.kind, Kind::Room(_))) else {
            return;
        };
        let is_known = |party: &Party| party.stage.is_in() || party.stage.is_rung();
        let known = call.parties.iter().filter(|(_, party)| is_known(party)).map(|(person, _)| *person);
        let known: BTreeSet<PersonId> = known.chain([me]).collect();
        let is_untold = |party: &Party| party.stage.is_in() && party.told_party != known;
        let untold: Vec<PersonId> =
            call.parties.iter().filter(|(_, party)| is_untold(party)).map(|(person, _)| *person).collect();
        let device = |person: &PersonId| self.device_of(*person, call.parties.get(person)?);
        let member = |person: PersonId| {
            // Where it is reached, the driver knows.
            let reach = device(&person).map(|device| Reach { device, addresses: Vec::new() });
            CallMember { person, reach }
        };
        let request = CallRequest::Party { call: call.wire, party: known.into_iter().map(member).collect() };
        for person in untold {
            self.tell_party(id, person, request.clone());
        }
    }

    pub(super) fn party_answered(&mut self, id: CallId, person: PersonId, told: Vec<CallMember>) {
        if let Some(party) = self.calls.party_mut(id, person) {
            party.told_party = told.into_iter().map(|member| member.person).collect();
        }
        self.say_party(id);
    }

    /// Somebody in the call says who is.
    pub(super) fn hear_names(&mut self, now_ms: u64, id: CallId, by: PersonId, party: &[PersonId]) {
        // Nobody brings Echo into a call: it would say again what we say.
        let nobody = [self.me(), self.echo()];
        let named: BTreeSet<PersonId> =
            party.iter().copied().filter(|person| !nobody.contains(person)).collect();
        self.forget_unnamed(now_ms, id, by, &named);
        let mut is_news = false;
        for person in named {
            let is_new = |call: &Call| !call.parties.contains_key(&person) && call.has_room();
            if self.calls.known.get(&id).is_some_and(is_new) && !self.is_blocked(person) {
                self.add_party(now_ms, id, person, Stage::Named);
                is_news = true;
            }
            let party = self.calls.party_mut(id, person).filter(|party| party.stage == Stage::Named);
            if let Some(party) = party {
                party.named_by.insert(by);
            }
        }
        if is_news {
            self.call_changed(id);
        }
    }

    /// Somebody in the call says who is, and where.
    pub(super) fn hear_members(
        &mut self,
        now_ms: u64,
        id: CallId,
        (device, by): (DeviceId, PersonId),
        members: Vec<CallMember>,
    ) {
        let names: Vec<PersonId> = members.iter().map(|member| member.person).collect();
        self.hear_names(now_ms, id, by, &names);
        for CallMember { person, reach } in members {
            let party = self.calls.party_mut(id, person).filter(|party| party.stage == Stage::Named);
            let Some((party, reach)) = party.zip(reach) else { continue };
            if party.hints.insert(device, reach).is_none() {
                // Dialled with the next tick: whoever talks without end has us dial no faster.
                party.asked_ms = 0;
            }
        }
        self.join_named(id);
    }

    /// Has somebody dialled with whom we should stand, and are not connected.
    pub(super) fn look_for(&mut self, id: CallId, person: PersonId) {
        let missing = |party: &&Party| self.device_of(person, party).is_none();
        let Some(party) = self.calls.party(id, person).filter(missing) else { return };
        for (told_by, reach) in party.hints.clone() {
            self.push(Output::Find { told_by, reach });
        }
    }

    /// Somebody is out of the call: what they told of others who never came holds no more.
    pub(super) fn forget_names_by(&mut self, id: CallId, by: PersonId, device: Option<DeviceId>) {
        let Some(call) = self.calls.known.get_mut(&id) else { return };
        call.parties.retain(|_, party| {
            if let Some(device) = device {
                party.hints.remove(&device);
            }
            let was_named = party.stage == Stage::Named && party.named_by.remove(&by);
            !was_named || !party.named_by.is_empty()
        });
    }

    /// Whom nobody names any more, and who never came, does not come.
    fn forget_unnamed(&mut self, now_ms: u64, id: CallId, by: PersonId, named: &BTreeSet<PersonId>) {
        for person in self.calls.people_in(id) {
            let party = self.calls.party_mut(id, person).filter(|party| party.stage == Stage::Named);
            let Some(party) = party.filter(|_| !named.contains(&person)) else { continue };
            if party.named_by.remove(&by) && party.named_by.is_empty() {
                self.part(now_ms, id, person, CallEnd::Unanswered, false);
            }
        }
    }
}
