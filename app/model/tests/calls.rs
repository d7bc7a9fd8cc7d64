//! Which calls a face shows how, and who can be called.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use kinmesh_core::{
    Acquaintance, CallDirection, CallState, CallView, Online, OwnView, PartyState, PartyView, PersonView,
    Route,
};
use kinmesh_model::call::{self, CannotCall};
use kinmesh_model::{CallNote, Directory};
use kinmesh_proto::{
    CallId, CallOutcome, ConversationId, DeviceId, DisplayName, PersonId, Privacy, StatusLine,
};

const ME: PersonId = PersonId([1; 32]);
const ANA: PersonId = PersonId([2; 32]);
const BO: PersonId = PersonId([3; 32]);
const CLEO: PersonId = PersonId([4; 32]);

fn person(id: PersonId, name: &str) -> PersonView {
    PersonView {
        person: id,
        name: name.to_owned(),
        own_name: DisplayName::new(name).unwrap(),
        fingerprint: id.fingerprint(),
        name_clashes: false,
        named_like: None,
        status: StatusLine::new("").unwrap(),
        nickname: None,
        contact: true,
        acquaintance: Acquaintance::Contact,
        verified: false,
        introduced_by: None,
        online: Online::Online { since_ms: 1 },
        route: Route::Lan,
        is_echo: false,
    }
}

fn call(number: u8, state: CallState, parties: &[(PersonId, PartyState)]) -> CallView {
    let party = |(person, state): &(PersonId, PartyState)| PartyView {
        person: *person,
        state: *state,
        muted: false,
        held: false,
    };
    CallView {
        call: CallId([number; 16]),
        direction: CallDirection::In,
        conversation: ConversationId::Direct(parties[0].0),
        state,
        parties: parties.iter().map(party).collect(),
        muted: false,
        held: false,
        transfer_to: None,
        started_ms: number.into(),
    }
}

#[test]
fn what_rings_is_not_what_goes_on() {
    let rings = call(1, CallState::Incoming, &[(ANA, PartyState::Rings)]);
    let goes_on = call(2, CallState::Active { since_ms: 0 }, &[(BO, PartyState::Active)]);
    let calls = [rings.clone(), goes_on.clone()];
    assert_eq!(call::standing(&calls), Some(&goes_on));
    assert_eq!(call::ringing(&calls).collect::<Vec<_>>(), [&rings]);
}

#[test]
fn who_is_heard_stands_before_who_is_rung() {
    let me = OwnView {
        person: ME,
        device: DeviceId([1; 32]),
        fingerprint: ME.fingerprint(),
        name: None,
        status: StatusLine::new("").unwrap(),
        privacy: Privacy::default(),
    };
    let people = [person(ANA, "Ana"), person(BO, "bo"), person(CLEO, "Cleo")];
    let parties = [(ANA, PartyState::Ringing), (CLEO, PartyState::Active), (BO, PartyState::Reconnecting)];
    let view = call(1, CallState::Active { since_ms: 0 }, &parties);
    let company = call::company(&view, &Directory::new(&me, &people));
    let names: Vec<_> = company.into_iter().map(|(_, face)| face.name).collect();
    assert_eq!(names, ["bo", "Cleo", "Ana"]);
    assert!(call::is_shared(&view));
}

#[test]
fn contacts_who_are_here_can_be_called_one_at_a_time() {
    let ana = person(ANA, "Ana");
    assert_eq!(call::can_call(&ana, &[]), Ok(()));
    let stranger = PersonView { acquaintance: Acquaintance::Stranger, ..ana.clone() };
    assert_eq!(call::can_call(&stranger, &[]), Err(CannotCall::NotAContact));
    let away = PersonView { online: Online::Offline { last_seen_ms: 0 }, ..ana.clone() };
    assert_eq!(call::can_call(&away, &[]), Err(CannotCall::Offline));
    let goes_on = [call(2, CallState::Calling, &[(BO, PartyState::Calling)])];
    assert_eq!(call::can_call(&ana, &goes_on), Err(CannotCall::InACall));
    let rings = [call(2, CallState::Incoming, &[(BO, PartyState::Rings)])];
    assert_eq!(call::can_call(&ana, &rings), Ok(()));
}

#[test]
fn a_call_is_missed_by_who_was_rung() {
    let is_missed = |outcome, by_us| CallNote { outcome, by_us }.is_missed();
    assert!(is_missed(CallOutcome::Missed, false) && is_missed(CallOutcome::Busy, false));
    assert!(!is_missed(CallOutcome::Missed, true) && !is_missed(CallOutcome::Declined, false));
}
