//! Founded public rooms: what their admins do about what is written, and that everybody comes to one view.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinmesh_core::control::{ControlLog, Step};
use kinmesh_core::{EntryView, Lens, Mute, NewPublicRoom, RoomView};
use kinmesh_proto::{
    Control, ConversationId, ConversationTag, Door, EntryKey, Role, RoomId, RoomName, RoomSettings,
    StatusLine,
};

use super::{Simulation, in_room};
use crate::promise::{Unfinished, Violation};
use crate::script::Measure;
use crate::trace::What;

/// For how long somebody is muted.
const MUTED_MS: std::ops::RangeInclusive<u64> = 5_000..=40_000;
/// How far back a measure reaches, if it does.
const BACK_MS: u64 = 10_000;
/// How long people wait between two posts, where they do.
const SLOW_MS: u64 = 3_000;

impl Simulation {
    /// Founds a public room that everybody else is told of.
    pub(super) fn found_public(&mut self, index: usize) {
        let Ok(name) = RoomName::new("square") else { return };
        let new = NewPublicRoom { name, topic: StatusLine::default(), door: Door::Open, slow_ms: 0 };
        let mut founded = None;
        self.with_core(index, |core, now_ms| founded = core.found_room(now_ms, new).ok());
        if let Some((room, _)) = founded {
            self.founded.push(room);
            self.note(index, What::Founds { room });
        }
        self.tell(index, |_, _| {});
    }

    /// Everybody enters, and comes back as soon as they were put out: perhaps they are let in again.
    pub(super) fn enter_founded_rooms(&mut self, index: usize) {
        for room in self.founded.clone() {
            let peer = &self.peers[index];
            // Until the disk has answered, they may be on their way in.
            if peer.session.is_leaving || peer.is_in(room) || !peer.disk.is_idle() {
                continue;
            }
            let Ok(name) = RoomName::new("square") else { return };
            self.note(index, What::Enters { room });
            self.tell(index, |core, _| {
                // Refused would be too many rooms, which no script asks for.
                let _ = core.enter_founded(room, name);
            });
        }
    }

    /// An admin of some room does something about it, or about what somebody writes there.
    pub(super) fn take_measure(&mut self, what: Measure) {
        let Some(room) = self.dice.pick(&self.founded.clone()) else { return };
        let Some(index) = self.some_admin(room) else { return };
        let Some(about) = self.some_other(index) else { return };
        let person = self.peers[about].person;
        let entry = self.some_post(index, in_room(room)).map(|post| post.post.entry.key());
        let settings = self.some_settings(index, room);
        let (for_ms, reaches_back) = (self.dice.within(MUTED_MS), self.dice.percent(50));
        self.note(index, What::TakesMeasure { room, what, about });
        self.tell(index, |core, now_ms| {
            let from_ms = reaches_back.then_some(now_ms - BACK_MS);
            let mute = |until_ms| Mute { until_ms, from_ms };
            // Refused is to put out the founder, for example.
            let _ = match what {
                Measure::Hide { hidden } => entry.map_or(Ok(None), |entry| {
                    core.hide_in_room(now_ms, room, vec![entry], hidden, StatusLine::default()).map(Some)
                }),
                Measure::Mute => core.mute_in_room(now_ms, room, person, mute(now_ms + for_ms)).map(Some),
                Measure::Unmute => core.mute_in_room(now_ms, room, person, mute(0)).map(Some),
                Measure::PutOut => core.remove_from_room(now_ms, room, person, from_ms).map(Some),
                Measure::LetIn => core.add_to_room(now_ms, room, person).map(Some),
                Measure::Appoint => core.set_role(now_ms, room, person, Role::Admin).map(Some),
                Measure::Dismiss => core.set_role(now_ms, room, person, Role::Member).map(Some),
                Measure::Rules => settings
                    .map_or(Ok(None), |settings| core.set_room_settings(now_ms, room, settings).map(Some)),
            };
        });
    }

    /// The settings of a room, but for one of them.
    fn some_settings(&mut self, index: usize, room: RoomId) -> Option<RoomSettings> {
        let rooms = self.peers[index].core.as_mut()?.overview().rooms;
        let settings = rooms.iter().find(|view| view.room == room).and_then(RoomView::settings)?;
        let number = self.next_number();
        Some(match self.dice.below(4) {
            0 if settings.door.is_open() => RoomSettings { door: Door::Knock, ..settings },
            0 => RoomSettings { door: Door::Open, ..settings },
            1 => RoomSettings { name: RoomName::new(&format!("square {number}")).ok()?, ..settings },
            _ => RoomSettings { slow_ms: SLOW_MS - settings.slow_ms, ..settings },
        })
    }

    /// The founded room, or its control log, that has this tag.
    pub(super) fn founded_conversation(&self, tag: ConversationTag) -> Option<ConversationId> {
        let both = |room: &RoomId| [ConversationId::Room(*room), ConversationId::Control(*room)];
        let me = self.peers[0].person;
        self.founded.iter().flat_map(both).find(|conversation| conversation.tag(me) == tag)
    }

    pub(super) fn is_founded(&self, room: RoomId) -> bool {
        self.founded.contains(&room)
    }

    /// Through what a peer looks at a conversation.
    pub(super) fn lens(&self, index: usize, conversation: ConversationId) -> Lens {
        self.peers[index].core.as_ref().map(|core| core.lens(conversation)).unwrap_or_default()
    }

    /// Who is in a room and let in, as the log stands on the disk of one of them.
    fn let_in(&self, room: RoomId) -> Vec<usize> {
        let mut here = (0..self.peers.len()).filter(|index| self.peers[*index].is_in(room)).peekable();
        let Some(log) = here.peek().map(|one| self.log_of(*one, room)) else { return Vec::new() };
        here.filter(|index| log.moderation().lets_in(self.peers[*index].person)).collect()
    }

    /// Whether what a peer wrote in a founded room, or decided about it, can go out at all.
    pub(super) fn can_speak(&self, peer: usize, conversation: ConversationId) -> bool {
        match conversation {
            ConversationId::Room(room) => {
                let let_in = self.let_in(room);
                let_in.contains(&peer) && let_in.len() > 1
            }
            ConversationId::Control(_) | ConversationId::Direct(_) => true,
        }
    }

    pub(super) fn unfinished_founded_rooms(&self) -> Option<Unfinished> {
        self.founded.iter().enumerate().find_map(|(number, room)| {
            let all: Vec<usize> = (0..self.peers.len()).collect();
            if let Some(peer) = all.iter().copied().find(|index| !self.peers[*index].is_in(*room)) {
                return Some(Unfinished::NotInRoom { room: number, peer });
            }
            let differ_in = |id: ConversationId| {
                move |one: usize, two: usize| {
                    self.peers[one].disk.contents(id) != self.peers[two].disk.contents(id)
                }
            };
            let has_other_log = differ_in(ConversationId::Control(*room));
            let is_of_other_mind =
                |one, two| has_other_log(one, two) && self.mind(one, *room) != self.mind(two, *room);
            let minds = neighbours(&all, is_of_other_mind);
            let (one, two) = minds.or_else(|| neighbours(&self.let_in(*room), differ_in(in_room(*room))))?;
            Some(Unfinished::FoundedRoomsDiffer { room: number, one, two })
        })
    }

    /// What a peer concludes from the log of a room. It may have kept steps that others refused, as their
    /// author had been put out in the eyes of those: such steps do not stand.
    fn mind(&self, index: usize, room: RoomId) -> impl PartialEq {
        let log = self.log_of(index, room);
        (log.members().clone(), log.settings().cloned(), Arc::clone(log.moderation()))
    }

    /// What can be checked of founded rooms when nothing moves any more: who is let in shows the same, and
    /// nobody shows what the admins, taken together, do not want shown.
    pub(super) fn check_founded_rooms(&mut self) {
        for room in self.founded.clone() {
            let (id, log) = (in_room(room), self.log_of_all(room));
            for pair in self.let_in(room).windows(2) {
                self.check_order((pair[0], id), (pair[1], id));
            }
            for peer in 0..self.peers.len() {
                self.check_withheld(peer, &log);
            }
            self.figures.rule_rivals += u64::from(has_rule_rivals(&log));
        }
    }

    fn check_withheld(&mut self, peer: usize, log: &ControlLog) {
        let id = in_room(log.room());
        let shown = self.shown(peer, id);
        let is_to_be = |view: &&EntryView| log.moderation().withholds(view.author, view.key, None).is_some();
        let withheld: Vec<&EntryView> = shown.iter().filter(is_to_be).collect();
        self.figures.withheld += withheld.len() as u64;
        if let Some(key) = withheld.iter().find(|view| view.withheld.is_none()).map(|view| view.key) {
            self.violate(Violation::ShownThoughWithheld { peer, key });
        }
    }
}

/// Two of these that stand beside each other and do not agree.
fn neighbours(peers: &[usize], differ: impl Fn(usize, usize) -> bool) -> Option<(usize, usize)> {
    let mut pairs = peers.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.find(|(one, two)| differ(*one, *two))
}

/// Whether two people changed the rules without having seen each other's step.
fn has_rule_rivals(log: &ControlLog) -> bool {
    let steps: BTreeMap<EntryKey, &Step> = log.steps().map(|step| (step.key, step)).collect();
    let changes_rules = |step: &&Step| matches!(step.control, Control::SetSettings(_));
    let rules: Vec<_> =
        log.steps().filter(changes_rules).map(|step| (step.key, past(&steps, step))).collect();
    let are_rivals = |(one, seen_by_one): &(EntryKey, BTreeSet<EntryKey>)| {
        rules
            .iter()
            .any(|(two, seen_by_two)| one != two && !seen_by_one.contains(two) && !seen_by_two.contains(one))
    };
    rules.iter().any(are_rivals)
}

/// All that the author of a step had seen.
fn past(steps: &BTreeMap<EntryKey, &Step>, step: &Step) -> BTreeSet<EntryKey> {
    let (mut seen, mut left) = (BTreeSet::new(), step.after.clone());
    while let Some(key) = left.pop() {
        if seen.insert(key)
            && let Some(step) = steps.get(&key)
        {
            left.extend(&step.after);
        }
    }
    seen
}
