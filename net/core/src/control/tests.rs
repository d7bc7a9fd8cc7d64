//! Stories of who is in and who decides.

use kinmesh_proto::{Door, EpochSecret, Hlc, RoomName, Seat, StatusLine};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_bytes::ByteArray;

use super::*;

const ALICE: PersonId = PersonId([1; 32]);
const BOB: PersonId = PersonId([2; 32]);
const CAROL: PersonId = PersonId([3; 32]);
const DAVE: PersonId = PersonId([4; 32]);
const NONCE: [u8; 16] = [7; 16];

fn admin(person: PersonId) -> Seat {
    Seat { person, role: Role::Admin }
}

fn member(person: PersonId) -> Seat {
    Seat { person, role: Role::Member }
}

fn room() -> RoomId {
    RoomId::private(ALICE, &NONCE)
}

fn settings(name: &str) -> RoomSettings {
    RoomSettings::new(RoomName::new(name).unwrap(), StatusLine::default(), Past::All)
}

/// Somebody who holds a part of the log.
#[derive(Clone)]
struct Side {
    log: ControlLog,
    steps: Vec<Step>,
    clock: u64,
}

impl Side {
    /// Alice founds the room with these people in it.
    fn founded(seats: &[Seat]) -> Self {
        let mut side = Self { log: ControlLog::new(room()), steps: vec![], clock: 0 };
        let nonce = ByteArray::new(NONCE);
        let seats = seats.to_vec();
        side.does(
            ALICE,
            Control::Create { nonce, settings: settings("Boat"), seats, epoch: Some(epoch(0)), parent: None },
        );
        side
    }

    fn does(&mut self, author: PersonId, control: Control) -> EntryKey {
        self.does_after(author, self.heads(), control)
    }

    /// A step whose author says to have seen just these.
    fn does_after(&mut self, author: PersonId, after: Vec<EntryKey>, control: Control) -> EntryKey {
        self.clock += 10;
        let clock = self.clock + u64::from(author.0[0]);
        let said = format!("{clock} {author} {after:?} {control:?}");
        let id = kinmesh_proto::EntryId(*blake3::hash(said.as_bytes()).as_bytes());
        let key = EntryKey { clock: Hlc::from_ms(clock), id };
        let step = Step { key, author, after, control };
        self.log.extend([step.clone()]);
        self.steps.push(step);
        key
    }

    fn removes(&mut self, author: PersonId, person: PersonId) -> EntryKey {
        let epoch = Some(epoch(self.clock as u8 + author.0[0]));
        self.does(author, Control::Remove { person, epoch, from_ms: None })
    }

    fn adds(&mut self, author: PersonId, seat: Seat) -> EntryKey {
        let epoch = Some(epoch(self.clock as u8 + 100));
        self.does(author, Control::Add { seat, epoch })
    }

    fn hears(&mut self, other: &Self) {
        self.log.extend(other.steps.clone());
        self.steps.extend(other.steps.clone());
        self.clock = self.clock.max(other.clock);
    }

    fn heads(&self) -> Vec<EntryKey> {
        self.log.heads().into_iter().map(|step| step.key).collect()
    }

    fn is_in(&self, person: PersonId) -> bool {
        self.log.is_member(person)
    }
}

fn epoch(seed: u8) -> Commitment {
    EpochSecret::new([seed; 32]).commitment(room())
}

#[test]
fn the_founder_lets_people_in_and_puts_them_out() {
    let mut side = Side::founded(&[member(BOB)]);
    assert!(side.log.is_admin(ALICE) && side.is_in(BOB) && !side.log.is_admin(BOB));
    side.adds(ALICE, member(CAROL));
    side.removes(ALICE, BOB);
    assert!(side.is_in(CAROL) && !side.is_in(BOB));
    side.adds(ALICE, member(BOB));
    assert!(side.is_in(BOB));
}

#[test]
fn only_admins_decide() {
    let mut side = Side::founded(&[member(BOB)]);
    side.adds(BOB, member(CAROL));
    side.adds(CAROL, admin(CAROL));
    side.removes(BOB, ALICE);
    side.does(BOB, Control::SetRole(admin(BOB)));
    side.does(BOB, Control::SetSettings(settings("Bob's")));
    assert!(!side.is_in(CAROL) && side.is_in(ALICE) && !side.log.is_admin(BOB));
    assert_eq!(side.log.settings(), Some(&settings("Boat")));
    side.does(ALICE, Control::SetRole(admin(BOB)));
    side.does(BOB, Control::SetSettings(settings("Bob's")));
    assert_eq!(side.log.settings(), Some(&settings("Bob's")));
}

#[test]
fn nobody_else_founds_the_room_and_nobody_twice() {
    let mut side = Side::founded(&[]);
    let create = |name: &str, seats| Control::Create {
        nonce: ByteArray::new(NONCE),
        settings: settings(name),
        seats,
        epoch: Some(epoch(9)),
        parent: None,
    };
    side.does_after(BOB, vec![], create("Bob's", vec![]));
    side.does_after(ALICE, vec![], create("Second", vec![member(CAROL)]));
    assert!(!side.is_in(BOB) && !side.is_in(CAROL));
    assert_eq!(side.log.settings(), Some(&settings("Boat")));
}

#[test]
fn a_founder_who_left_cannot_found_the_room_before_it_was() {
    for goes in [
        Control::Leave,
        Control::SetRole(member(ALICE)),
        Control::Remove { person: ALICE, epoch: Some(epoch(8)), from_ms: None },
    ] {
        let mut side = Side { log: ControlLog::new(room()), steps: vec![], clock: 1_000 };
        let nonce = ByteArray::new(NONCE);
        let create = |seats, seed| Control::Create {
            nonce,
            settings: settings("Boat"),
            seats,
            epoch: Some(epoch(seed)),
            parent: None,
        };
        side.does(ALICE, create(vec![admin(BOB)], 0));
        side.does(ALICE, goes);
        let before = side.log.members().clone();
        side.clock = 0;
        side.does_after(ALICE, vec![], create(vec![admin(CAROL)], 1));
        assert_eq!(side.log.members(), &before);
    }
}

#[test]
fn secrets_brought_apart_in_numbers_leave_a_key_and_are_brought_together() {
    let mut side = Side::founded(&[member(BOB), member(CAROL)]);
    let removal = side.removes(ALICE, CAROL);
    let before = side.heads();
    for seed in 0..100 {
        side.does_after(BOB, before.clone(), Control::Rotate { epoch: epoch(seed) });
    }
    let epochs = side.log.sending_epochs(|_| true).unwrap();
    assert_eq!(epochs.len(), limits::EPOCHS_MAX);
    assert!(side.log.sending_epochs(|id| id == removal.id).is_ok(), "the others are not needed");
    assert!(side.log.wants_rotation());
    let newest = side.does(ALICE, Control::Rotate { epoch: epoch(200) });
    assert_eq!(side.log.sending_epochs(|_| true), Ok(vec![newest.id]));
    assert!(!side.log.wants_rotation());
}

#[test]
fn what_was_sealed_with_the_secret_of_somebody_put_out_meanwhile_can_be_read() {
    let mut alice = Side::founded(&[member(BOB), member(CAROL)]);
    let mut bob = alice.clone();
    let removal = alice.removes(ALICE, CAROL);
    let carols = bob.does(CAROL, Control::Rotate { epoch: epoch(50) });
    assert_eq!(bob.log.sending_epochs(|_| true), Ok(vec![carols.id]));
    alice.hears(&bob);
    assert_eq!(alice.log.commitment(carols.id), Some(epoch(50)));
    assert!(alice.log.may_have(BOB, carols.id) && !alice.log.may_have(CAROL, carols.id));
    assert_eq!(alice.log.sending_epochs(|_| true), Ok(vec![removal.id]), "nothing more is");
}

#[test]
fn who_was_let_in_by_who_was_no_admin_any_more_makes_a_new_secret_wanted() {
    let mut alice = Side::founded(&[admin(BOB), member(CAROL)]);
    let removal = alice.removes(ALICE, CAROL);
    let mut bob = alice.clone();
    let lets_in = Control::Add { seat: member(CAROL), epoch: None };
    bob.does(BOB, lets_in);
    assert!(bob.log.may_have(CAROL, removal.id));
    alice.does(ALICE, Control::SetRole(member(BOB)));
    assert_eq!(alice.log.sending_epochs(|_| true), Ok(vec![removal.id]));
    alice.hears(&bob);
    assert!(!alice.is_in(CAROL) && alice.log.wants_rotation());
    assert!(alice.log.sending_epochs(|_| true).is_err(), "she has been given all there is");
    let newer = alice.does(BOB, Control::Rotate { epoch: epoch(50) });
    assert_eq!(alice.log.sending_epochs(|_| true), Ok(vec![newer.id]));
    assert!(!alice.log.wants_rotation() && !alice.log.may_have(CAROL, newer.id));
}

#[test]
fn what_was_sealed_with_the_secret_of_a_removal_that_does_not_stand_can_be_read() {
    let mut alice = Side::founded(&[admin(BOB), member(CAROL), member(DAVE)]);
    let mut bob = alice.clone();
    alice.does(ALICE, Control::SetRole(member(BOB)));
    bob.does(BOB, Control::SetRole(admin(CAROL)));
    let removal = bob.removes(CAROL, DAVE);
    assert_eq!(bob.log.sending_epochs(|_| true), Ok(vec![removal.id]));
    alice.hears(&bob);
    assert!(alice.is_in(DAVE) && alice.log.may_have(ALICE, removal.id));
    let used = alice.log.sending_epochs(|_| true);
    assert!(!used.is_ok_and(|used| used.contains(&removal.id)), "nothing more is");
}

#[test]
fn what_does_not_stand_is_not_what_the_next_step_follows() {
    let mut side = Side::founded(&[member(BOB)]);
    let before = side.heads();
    side.adds(BOB, member(CAROL));
    assert_eq!(side.heads(), before);
}

#[test]
fn a_step_waits_for_those_before_it() {
    let mut side = Side::founded(&[]);
    side.adds(ALICE, member(BOB));
    let mut other = ControlLog::new(room());
    assert!(other.extend([side.steps[1].clone()]));
    assert!(other.members().is_empty());
    other.extend([side.steps[0].clone()]);
    assert!(other.is_member(BOB));
}

#[test]
fn two_admins_who_remove_two_people_apart_have_removed_both() {
    let mut alice = Side::founded(&[admin(BOB), member(CAROL), member(DAVE)]);
    let mut bob = alice.clone();
    let (without_carol, without_dave) = (alice.removes(ALICE, CAROL), bob.removes(BOB, DAVE));
    alice.hears(&bob);
    bob.hears(&alice);
    for side in [&alice, &bob] {
        assert!(!side.is_in(CAROL) && !side.is_in(DAVE));
        let epochs = side.log.sending_epochs(|_| true).unwrap();
        assert!(epochs.contains(&without_carol.id) && epochs.contains(&without_dave.id));
        let without_daves = |id| id != without_dave.id;
        assert!(side.log.sending_epochs(without_daves).is_err(), "Dave may hold all the others");
        assert!(!side.log.may_have(CAROL, without_dave.id) && !side.log.may_have(DAVE, without_carol.id));
    }
}

#[test]
fn who_was_put_out_lets_nobody_in_by_denying_to_have_seen_it() {
    let mut side = Side::founded(&[admin(BOB)]);
    let before = side.heads();
    side.removes(ALICE, BOB);
    for person in [BOB, CAROL] {
        side.does_after(BOB, before.clone(), Control::Add { seat: admin(person), epoch: None });
    }
    assert!(!side.is_in(BOB) && !side.is_in(CAROL));
}

#[test]
fn what_somebody_did_before_they_were_put_out_stands() {
    let mut side = Side::founded(&[admin(BOB)]);
    side.adds(BOB, member(CAROL));
    side.removes(ALICE, BOB);
    assert!(side.is_in(CAROL));
}

#[test]
fn helpers_that_somebody_put_out_invents_have_no_say() {
    let mut side = Side::founded(&[admin(BOB)]);
    let before = side.heads();
    side.removes(ALICE, BOB);
    let made = side.does_after(BOB, before, Control::Add { seat: admin(DAVE), epoch: None });
    side.does_after(
        DAVE,
        vec![made],
        Control::Remove { person: ALICE, epoch: Some(epoch(9)), from_ms: None },
    );
    assert!(side.is_in(ALICE) && !side.is_in(DAVE));
}

#[test]
fn two_admins_who_put_each_other_out_both_go() {
    let mut bob = Side::founded(&[admin(BOB), admin(CAROL)]);
    let mut carol = bob.clone();
    bob.removes(BOB, CAROL);
    carol.removes(CAROL, BOB);
    bob.hears(&carol);
    assert_eq!(bob.log.members().keys().collect::<Vec<_>>(), [&ALICE]);
}

#[test]
fn nobody_takes_a_right_from_the_founder() {
    let mut side = Side::founded(&[admin(BOB)]);
    side.removes(BOB, ALICE);
    side.does(BOB, Control::SetRole(member(ALICE)));
    side.adds(BOB, member(ALICE));
    assert!(side.log.is_admin(ALICE));
    side.does(ALICE, Control::SetRole(member(BOB)));
    assert!(!side.log.is_admin(BOB), "she takes it from them");
}

#[test]
fn who_was_put_out_takes_the_room_from_nobody_by_denying_to_have_seen_it() {
    let mut side = Side::founded(&[]);
    side.adds(ALICE, admin(BOB));
    let before = side.heads();
    side.adds(ALICE, admin(CAROL));
    side.removes(CAROL, BOB);
    side.does_after(
        BOB,
        before.clone(),
        Control::Remove { person: ALICE, epoch: Some(epoch(9)), from_ms: None },
    );
    side.does_after(BOB, before, Control::SetRole(member(ALICE)));
    assert_eq!(side.log.members().keys().collect::<Vec<_>>(), [&ALICE, &CAROL]);
    assert!(side.log.is_admin(ALICE) && side.log.is_admin(CAROL));
}

#[test]
fn nobody_takes_a_right_from_those_through_whom_they_have_theirs() {
    let mut side = Side::founded(&[]);
    side.adds(ALICE, admin(BOB));
    side.adds(BOB, member(CAROL));
    side.does(BOB, Control::SetRole(admin(CAROL)));
    side.adds(CAROL, admin(DAVE));
    for senior in [ALICE, BOB, CAROL] {
        assert!(side.log.is_above(senior, DAVE) && !side.log.is_above(DAVE, senior));
        side.removes(DAVE, senior);
        assert!(side.log.is_admin(senior));
    }
    side.removes(BOB, DAVE);
    assert!(!side.is_in(DAVE));
}

#[test]
fn who_makes_somebody_an_admin_once_more_has_the_same_to_fear_from_them() {
    let mut side = Side::founded(&[admin(BOB), admin(CAROL)]);
    side.does(CAROL, Control::SetRole(admin(BOB)));
    assert!(!side.log.is_above(CAROL, BOB));
    side.removes(BOB, CAROL);
    assert!(!side.is_in(CAROL));
}

#[test]
fn who_is_an_admin_through_a_second_one_owes_it_to_both_no_more() {
    let mut side = Side::founded(&[admin(BOB), admin(CAROL)]);
    side.adds(BOB, admin(DAVE));
    assert!(side.log.is_above(BOB, DAVE));
    side.does(CAROL, Control::SetRole(admin(DAVE)));
    assert!(!side.log.is_above(BOB, DAVE) && side.log.is_above(ALICE, DAVE));
}

#[test]
fn who_is_made_an_admin_anew_owes_it_to_who_did_that() {
    let mut side = Side::founded(&[admin(BOB), admin(CAROL)]);
    side.does(BOB, Control::SetRole(member(CAROL)));
    side.does(BOB, Control::SetRole(admin(CAROL)));
    side.removes(CAROL, BOB);
    assert!(side.log.is_admin(BOB));
}

#[test]
fn a_log_full_of_admins_each_made_by_the_one_before_is_judged_in_no_time() {
    let person = |n: u64| {
        let mut id = [9; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        PersonId(id)
    };
    let mut side = Side::founded(&[admin(person(0))]);
    let mut log = std::mem::replace(&mut side.log, ControlLog::new(room()));
    let mut after = log.heads().into_iter().map(|step| step.key).collect::<Vec<_>>();
    for n in 0..1_000 {
        let control = Control::Add { seat: admin(person(n + 1)), epoch: None };
        after = vec![side.does_after(person(n), after, control)];
    }
    log.extend(side.steps);
    assert!(log.is_admin(person(1_000)) && log.is_above(person(500), person(1_000)));
    assert!(!log.is_above(person(1_000), person(500)));
}

#[test]
fn being_let_in_does_not_undo_a_removal_that_it_did_not_see() {
    let mut alice = Side::founded(&[admin(BOB), member(CAROL)]);
    let mut bob = alice.clone();
    alice.removes(ALICE, CAROL);
    bob.adds(BOB, member(CAROL));
    alice.hears(&bob);
    assert!(!alice.is_in(CAROL));
    alice.adds(BOB, member(CAROL));
    assert!(alice.is_in(CAROL));
}

#[test]
fn of_two_words_about_a_role_the_lower_one_holds() {
    let mut alice = Side::founded(&[admin(BOB), member(CAROL)]);
    let mut bob = alice.clone();
    alice.does(ALICE, Control::SetRole(admin(CAROL)));
    bob.does(BOB, Control::SetRole(member(CAROL)));
    alice.hears(&bob);
    assert!(alice.is_in(CAROL) && !alice.log.is_admin(CAROL));
}

#[test]
fn who_leaves_is_out_and_a_new_secret_is_wanted() {
    let mut side = Side::founded(&[member(BOB), member(CAROL)]);
    assert!(!side.log.wants_rotation());
    side.does(BOB, Control::Leave);
    assert!(!side.is_in(BOB) && side.log.wants_rotation());
    side.does(CAROL, Control::Rotate { epoch: epoch(50) });
    assert!(!side.log.wants_rotation());
}

#[test]
fn a_secret_that_its_maker_keeps_stops_nobody() {
    let mut side = Side::founded(&[member(BOB)]);
    let first = side.steps[0].key.id;
    let kept = side.does(BOB, Control::Rotate { epoch: epoch(50) });
    assert_eq!(side.log.sending_epochs(|id| id != kept.id), Ok(vec![first]));
}

#[test]
fn a_removal_whose_secret_is_not_here_is_covered_by_a_newer_secret() {
    let mut side = Side::founded(&[member(BOB), member(CAROL)]);
    let removal = side.removes(ALICE, BOB);
    let without = |id| id != removal.id;
    assert_eq!(side.log.sending_epochs(without), Err(SecretsMissing(vec![removal.id])));
    let newer = side.does(CAROL, Control::Rotate { epoch: epoch(50) });
    assert_eq!(side.log.sending_epochs(without), Ok(vec![newer.id]));
}

#[test]
fn newcomers_get_the_past_that_the_settings_give() {
    let mut side = Side::founded(&[]);
    let first = side.steps[0].key.id;
    let joined = side.adds(ALICE, member(BOB));
    assert!(side.log.may_have(BOB, first) && side.log.may_have(BOB, joined.id));
    side.does(ALICE, Control::SetSettings(RoomSettings { past: Past::FromJoining, ..settings("Boat") }));
    assert!(!side.log.may_have(BOB, first) && side.log.may_have(BOB, joined.id));
    assert!(side.log.may_have(ALICE, first));
    assert!(!side.log.may_have(CAROL, joined.id));
    assert!(!side.log.may_have(BOB, kinmesh_proto::EntryId([9; 32])));
}

fn slow(slow_ms: u64) -> RoomSettings {
    RoomSettings { slow_ms, ..settings("Boat") }
}

#[test]
fn two_admins_who_change_settings_apart_have_changed_both() {
    let mut alice = Side::founded(&[admin(BOB)]);
    let mut bob = alice.clone();
    alice.does(ALICE, Control::SetSettings(RoomSettings { past: Past::FromJoining, ..settings("Boat") }));
    let renamed = bob.does(BOB, Control::SetSettings(RoomSettings { door: Door::Knock, ..settings("Ship") }));
    alice.hears(&bob);
    bob.hears(&alice);
    let both = RoomSettings { past: Past::FromJoining, door: Door::Knock, ..settings("Ship") };
    for side in [&alice, &bob] {
        assert_eq!(side.log.settings(), Some(&both));
    }
    alice.does(ALICE, Control::SetSettings(RoomSettings { door: Door::Open, ..both.clone() }));
    assert_eq!(alice.log.settings().unwrap().door, Door::Open, "who has seen a change can undo it");
    bob.does_after(BOB, vec![renamed], Control::SetSettings(settings("Raft")));
    alice.hears(&bob);
    let now = RoomSettings { past: Past::FromJoining, ..settings("Raft") };
    assert_eq!(alice.log.settings(), Some(&now), "the past stays as who had not seen it changed left it");
}

#[test]
fn of_two_changes_of_one_thing_that_did_not_see_each_other_the_last_holds() {
    let mut alice = Side::founded(&[admin(BOB)]);
    let mut bob = alice.clone();
    alice.does(ALICE, Control::SetSettings(slow(10)));
    bob.does(BOB, Control::SetSettings(slow(20)));
    alice.hears(&bob);
    assert_eq!(alice.log.settings(), Some(&slow(20)), "Bob's is dated later");
    let before = alice.heads();
    alice.does_after(ALICE, before.clone(), Control::SetSettings(slow(0)));
    alice.does_after(BOB, before, Control::SetSettings(slow(20)));
    assert_eq!(alice.log.settings(), Some(&slow(0)), "who changes nothing undoes nothing");
}

#[test]
fn each_time_has_the_rules_that_all_steps_before_it_made() {
    let mut side = Side::founded(&[admin(BOB)]);
    let before = side.heads();
    let slowed = side.does_after(ALICE, before.clone(), Control::SetSettings(slow(10)));
    let named = side.does_after(BOB, before, Control::SetSettings(settings("Ship")));
    let slow_ms = |at: Hlc| side.log.moderation().slow_ms(CAROL, at);
    assert_eq!((slow_ms(side.steps[0].key.clock), slow_ms(slowed.clock), slow_ms(named.clock)), (0, 10, 10));
}

#[test]
fn a_secret_that_nobody_had_the_right_to_bring_counts_for_nothing() {
    let mut side = Side::founded(&[member(BOB)]);
    let foreign = side.does(CAROL, Control::Rotate { epoch: epoch(66) });
    assert_eq!(side.log.commitment(foreign.id), None);
    assert!(!side.log.may_have(BOB, foreign.id));
    assert!(!side.log.sending_epochs(|_| true).unwrap().contains(&foreign.id));
}

/// What a log concludes, in words that can be compared.
fn conclusions(log: &ControlLog) -> String {
    format!("{:?} {:?} {:?} {:?}", log.members(), log.settings(), log.heads(), log.sending_epochs(|_| true))
}

#[test]
fn everybody_concludes_the_same_whatever_the_order() {
    let people = [ALICE, BOB, CAROL, DAVE];
    for seed in 0..200 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut sides = vec![Side::founded(&[admin(BOB), admin(CAROL), member(DAVE)]); 3];
        for _ in 0..12 {
            let mut pick = || {
                let mut shuffled = people;
                shuffled.shuffle(&mut dice);
                (
                    shuffled[0],
                    shuffled[1],
                    usize::from(shuffled[2].0[0]) % 3,
                    usize::from(shuffled[3].0[0]) % 3,
                )
            };
            let (author, other, at, from) = pick();
            let heard = sides[from].clone();
            match (usize::from(pick().0.0[0]), pick().0) {
                (1, ALICE) => drop(sides[at].does(author, Control::SetSettings(slow(from as u64)))),
                (1, BOB) => drop(sides[at].does(author, Control::SetSettings(settings("Ship")))),
                (1, _) => drop(sides[at].removes(author, other)),
                (2, _) => drop(sides[at].adds(author, admin(other))),
                (3, _) => drop(sides[at].does(author, Control::SetRole(member(other)))),
                _ => sides[at].hears(&heard),
            }
        }
        let mut steps: Vec<Step> = sides.iter().flat_map(|side| side.steps.clone()).collect();
        let mut whole = ControlLog::new(room());
        whole.extend(steps.clone());
        steps.shuffle(&mut dice);
        let mut one_by_one = ControlLog::new(room());
        for step in steps {
            one_by_one.extend([step]);
        }
        assert_eq!(conclusions(&whole), conclusions(&one_by_one), "seed {seed}");
    }
}
