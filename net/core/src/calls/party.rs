//! One of the others in a call: how far they have come into it.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{DeviceId, PersonId, Reach};

/// How far somebody has come into a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// We ring them, and nobody there has heard it yet.
    Calling,
    /// It rings there.
    Ringing,
    /// They ring us.
    Incoming,
    /// They are in it, or are being rung, as somebody told us; they and we do not stand with each other.
    Named,
    /// They and we stand with each other; nothing was heard of them.
    Connecting,
    /// They are heard.
    Active,
    /// They were heard, and are not any more.
    Reconnecting,
}

impl Stage {
    /// Whether they and we stand with each other.
    pub(super) fn is_in(self) -> bool {
        matches!(self, Self::Connecting | Self::Active | Self::Reconnecting)
    }

    /// Whether we wait for them to answer our ring.
    pub(super) fn is_rung(self) -> bool {
        matches!(self, Self::Calling | Self::Ringing)
    }
}

/// One of the others.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub stage: Stage,
    /// Since when.
    pub since_ms: u64,
    /// The device that rings, or stands with ours.
    pub device: Option<DeviceId>,
    /// Under which number we want to be sent their voice.
    pub ours: u32,
    /// Under which number they want to be sent ours.
    pub theirs: Option<u32>,
    /// Whether we rang them, so that the note about it is ours to write.
    pub is_rung_by_us: bool,
    /// Whether our ring told them who else is in the call.
    pub is_rung_into_group: bool,
    /// Whether they do not know yet that we accepted.
    pub owes_acceptance: bool,
    /// Who tells us of them, as long as they and we do not stand with each other.
    pub named_by: BTreeSet<PersonId>,
    /// Where they are, as each device in the call says, as long as they and we do not stand with each other.
    pub hints: BTreeMap<DeviceId, Reach>,
    /// Of whom they were told that they are in the call.
    pub told_party: BTreeSet<PersonId>,
    /// When they were heard first.
    pub talked_ms: Option<u64>,
    /// When they gave the last sign of life.
    pub heard_ms: u64,
    /// Whether they were dialled anew since they were heard.
    pub is_redialled: bool,
    /// Since when a ring comes from somebody who is not connected any more.
    pub apart_ms: Option<u64>,
    /// When we asked them last whether they stand with us.
    pub asked_ms: u64,
    pub muted: bool,
    pub held: bool,
    /// What they know of us: whether we are muted, and held.
    pub told: (bool, bool),
}

impl Party {
    pub(super) fn new(now_ms: u64, stage: Stage, ours: u32) -> Self {
        Self {
            stage,
            since_ms: now_ms,
            device: None,
            ours,
            theirs: None,
            is_rung_by_us: stage == Stage::Calling,
            is_rung_into_group: false,
            owes_acceptance: false,
            named_by: BTreeSet::new(),
            hints: BTreeMap::new(),
            told_party: BTreeSet::new(),
            talked_ms: None,
            heard_ms: now_ms,
            is_redialled: false,
            apart_ms: None,
            asked_ms: now_ms,
            muted: false,
            held: false,
            told: (false, false),
        }
    }

    pub(super) fn stage_at(&mut self, now_ms: u64, stage: Stage) {
        (self.stage, self.since_ms) = (stage, now_ms);
        self.is_redialled = false;
    }

    /// Stands with us from now on. Nothing is known yet of how they take part, nor to them of us, and
    /// they know of `told_party` alone that these are in the call.
    pub(super) fn connect(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        theirs: u32,
        told_party: BTreeSet<PersonId>,
    ) {
        self.stage_at(now_ms, Stage::Connecting);
        (self.device, self.theirs) = (Some(device), Some(theirs));
        self.heard_ms = now_ms;
        (self.muted, self.held) = (false, false);
        self.told = (false, false);
        self.told_party = told_party;
        self.named_by.clear();
        self.hints.clear();
    }

    pub(super) fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms)
    }

    /// How long they have given no sign of life.
    pub(super) fn silent_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.heard_ms)
    }
}
