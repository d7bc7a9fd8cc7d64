//! What a run is made of: how many peers, what they do, and what goes wrong. The presets by name.

use std::ops::RangeInclusive;

/// What goes wrong until the mesh is healed. Chances are in per cent; counts are for the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// Gossip frames that are lost, copy by copy.
    pub gossip_lost: u64,
    /// Requests and answers that are lost; the one who asked learns only that nothing came.
    pub asks_lost: u64,
    /// Anything lossy that arrives twice.
    pub repeated: u64,
    /// Anything that takes up to [`Faults::LATE_MAX_MS`], so that later things overtake it.
    pub late: u64,
    /// Times at which the mesh falls in two parts.
    pub partitions: u64,
    /// Of these in per cent: cut in one direction only.
    pub one_way: u64,
    /// Peers that end without a word; torn writes are part of it.
    pub crashes: u64,
    /// Peers that end cleanly and come back.
    pub absences: u64,
    /// Times at which a disk fails for a while.
    pub disk_failures: u64,
    /// Times at which a disk stands still for a while.
    pub disk_stalls: u64,
    /// How far a clock is off at most, either way, in milliseconds.
    pub clock_off_max_ms: u64,
    /// How far a clock drifts at most, either way, in parts in a million.
    pub drift_max_ppm: u64,
    /// Times at which a clock is set anew.
    pub clock_steps: u64,
}

impl Faults {
    /// Longest that something late is under way.
    pub const LATE_MAX_MS: u64 = 6_000;

    /// A network and machines without fault.
    pub const NONE: Self = Self {
        gossip_lost: 0,
        asks_lost: 0,
        repeated: 0,
        late: 0,
        partitions: 0,
        one_way: 0,
        crashes: 0,
        absences: 0,
        disk_failures: 0,
        disk_stalls: 0,
        clock_off_max_ms: 0,
        drift_max_ppm: 0,
        clock_steps: 0,
    };
}

/// What people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Things done in the whole run, by anybody.
    pub actions: u64,
    /// Of these in per cent: a burst of entries, not one.
    pub bursts: u64,
    /// Most entries of a burst.
    pub burst_max: u64,
    /// In per cent: joining or leaving a room.
    pub moves: u64,
    /// In per cent: in a one-to-one chat, not in a room.
    pub chats: u64,
    /// Whether posts are edited, deleted and reacted to.
    pub changes: bool,
    /// In per cent: something about calls.
    pub calls: u64,
    /// In per cent: deciding who is in a private room. Without, there are no such rooms; with, there are
    /// [`crate::scenario::PRIVATE_ROOMS`], and everybody is a contact of everybody from the beginning.
    pub decisions: u64,
    /// In per cent: what an admin does in a founded public room. Without, there is no such room; with, there is
    /// one, and everybody enters it.
    pub measures: u64,
}

/// Private rooms of a run in which anything is decided about them.
pub const PRIVATE_ROOMS: usize = 2;

/// One kind of run. The seed decides everything that is left open here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// By this name it is called on the command line.
    pub name: &'static str,
    /// In a campaign over all scenarios, one seed in so many runs this one: large ones take minutes.
    pub one_in: u64,
    /// How many peers there are.
    pub peers: RangeInclusive<u64>,
    /// How many rooms.
    pub rooms: RangeInclusive<u64>,
    /// Members of each room; a mesh smaller than that is in it as a whole.
    pub room_size: u64,
    /// Of the members, this many in a hundred come only later.
    pub late_joiners: u64,
    /// Fellow members that a peer connects to, of each room.
    pub links_wanted: usize,
    /// What people do.
    pub work: Work,
    /// What goes wrong.
    pub faults: Faults,
    /// How long work and faults go on, in milliseconds.
    pub busy_ms: u64,
    /// How long after the healing everything must be everywhere, in milliseconds.
    pub heal_max_ms: u64,
    /// How long the mesh is watched after that, when there is nothing to do, in milliseconds.
    pub rest_ms: u64,
}

/// Two to eight people who do everything that people do.
const SMALL: Scenario = Scenario {
    name: "quiet",
    one_in: 1,
    peers: 2..=8,
    rooms: 1..=3,
    room_size: 8,
    late_joiners: 30,
    links_wanted: usize::MAX,
    work: Work {
        actions: 90,
        bursts: 4,
        burst_max: 150,
        moves: 8,
        chats: 35,
        changes: true,
        calls: 0,
        decisions: 0,
        measures: 0,
    },
    faults: Faults::NONE,
    busy_ms: 90_000,
    heal_max_ms: 180_000,
    rest_ms: 60_000,
};

/// People who let each other in and out while they talk.
const DECIDING: Work = Work {
    actions: 110,
    bursts: 1,
    burst_max: 20,
    moves: 0,
    chats: 10,
    changes: true,
    calls: 0,
    decisions: 45,
    measures: 0,
};

/// People who talk in a public room, and admins of it who do something about that.
const MODERATING: Work = Work { actions: 180, decisions: 0, measures: 35, chats: 0, ..DECIDING };

/// A network that loses, doubles and holds up much of what it is given.
const LOSSY: Faults = Faults { gossip_lost: 30, asks_lost: 20, repeated: 15, late: 10, ..Faults::NONE };

/// All faults at once, among few people who decide.
const STORMY: Faults = Faults {
    partitions: 3,
    one_way: 30,
    crashes: 4,
    absences: 2,
    disk_failures: 2,
    clock_off_max_ms: 30_000,
    ..LOSSY
};

/// A thousand in one room, who lose 30 % of all that is sent for a minute and fall in two once.
const BIG_ROOM: Scenario = Scenario {
    name: "big-room",
    one_in: 1_000,
    peers: 1_000..=1_000,
    rooms: 1..=1,
    room_size: 1_000,
    late_joiners: 0,
    links_wanted: 6,
    work: Work {
        actions: 200,
        bursts: 0,
        burst_max: 1,
        moves: 0,
        chats: 0,
        changes: false,
        calls: 0,
        decisions: 0,
        measures: 0,
    },
    faults: Faults { gossip_lost: 30, asks_lost: 30, partitions: 1, ..Faults::NONE },
    busy_ms: 60_000,
    heal_max_ms: 300_000,
    rest_ms: 0,
};

/// Every scenario, the gentlest first.
pub const SCENARIOS: [Scenario; 18] = [
    SMALL,
    Scenario { name: "lossy", faults: LOSSY, ..SMALL },
    Scenario { name: "partition", faults: Faults { partitions: 4, late: 5, ..Faults::NONE }, ..SMALL },
    Scenario {
        name: "one-way",
        faults: Faults { partitions: 4, one_way: 100, late: 5, ..Faults::NONE },
        ..SMALL
    },
    Scenario {
        name: "churn",
        faults: Faults { crashes: 8, absences: 5, gossip_lost: 5, ..Faults::NONE },
        ..SMALL
    },
    Scenario {
        name: "disks",
        faults: Faults { disk_failures: 8, disk_stalls: 6, crashes: 4, ..Faults::NONE },
        ..SMALL
    },
    Scenario {
        name: "skew",
        faults: Faults {
            clock_off_max_ms: 120_000,
            drift_max_ppm: 200,
            clock_steps: 5,
            absences: 2,
            ..Faults::NONE
        },
        ..SMALL
    },
    Scenario {
        name: "storm",
        faults: Faults {
            gossip_lost: 20,
            asks_lost: 15,
            repeated: 10,
            late: 10,
            partitions: 3,
            one_way: 50,
            crashes: 5,
            absences: 3,
            disk_failures: 3,
            disk_stalls: 3,
            clock_off_max_ms: 60_000,
            drift_max_ppm: 100,
            clock_steps: 1,
        },
        ..SMALL
    },
    Scenario {
        name: "calls",
        work: Work { actions: 600, chats: 60, calls: 70, ..SMALL.work },
        faults: Faults {
            gossip_lost: 10,
            asks_lost: 10,
            repeated: 5,
            late: 5,
            partitions: 2,
            one_way: 30,
            crashes: 3,
            absences: 2,
            disk_failures: 1,
            clock_off_max_ms: 5_000,
            ..Faults::NONE
        },
        ..SMALL
    },
    Scenario {
        name: "private",
        peers: 3..=6,
        rooms: 0..=0,
        work: DECIDING,
        faults: Faults { partitions: 4, late: 10, ..Faults::NONE },
        ..SMALL
    },
    Scenario {
        name: "private-storm",
        peers: 3..=6,
        rooms: 0..=0,
        work: DECIDING,
        faults: STORMY,
        // Secrets are asked of one after the other, at last one a minute.
        heal_max_ms: 1_200_000,
        ..SMALL
    },
    Scenario {
        name: "moderated",
        peers: 3..=6,
        rooms: 0..=0,
        work: MODERATING,
        faults: Faults { partitions: 4, late: 10, ..Faults::NONE },
        ..SMALL
    },
    Scenario {
        name: "moderated-storm",
        peers: 3..=6,
        rooms: 0..=0,
        work: MODERATING,
        faults: STORMY,
        ..SMALL
    },
    Scenario {
        name: "crowd",
        one_in: 10,
        peers: 40..=40,
        rooms: 4..=4,
        room_size: 25,
        links_wanted: 6,
        work: Work { actions: 300, ..SMALL.work },
        faults: Faults { gossip_lost: 15, asks_lost: 10, late: 5, partitions: 2, crashes: 8, ..Faults::NONE },
        ..SMALL
    },
    // Four who write for most of an hour: some 60,000 entries.
    Scenario {
        name: "long",
        one_in: 200,
        peers: 4..=4,
        rooms: 2..=2,
        work: Work { actions: 8_000, bursts: 40, ..SMALL.work },
        faults: LOSSY,
        busy_ms: 48 * 60_000,
        heal_max_ms: 600_000,
        ..SMALL
    },
    // A fifth of the big room: quick enough for every test run.
    Scenario { name: "hall", one_in: 200, peers: 200..=200, room_size: 200, ..BIG_ROOM },
    Scenario {
        name: "town",
        one_in: 500,
        peers: 3_000..=3_000,
        rooms: 150..=150,
        room_size: 30,
        links_wanted: 5,
        work: Work { actions: 6_000, bursts: 1, ..SMALL.work },
        faults: Faults {
            gossip_lost: 10,
            asks_lost: 5,
            repeated: 5,
            late: 5,
            partitions: 1,
            crashes: 200,
            absences: 100,
            clock_off_max_ms: 30_000,
            drift_max_ppm: 100,
            ..Faults::NONE
        },
        rest_ms: 0,
        ..SMALL
    },
    BIG_ROOM,
];

impl Scenario {
    /// The scenario of this name.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }

    /// The room of a thousand, or with so many `members`: quicker to run, and less to be proud of.
    pub fn big_room(members: u64) -> Self {
        Self { peers: members..=members, room_size: members, ..BIG_ROOM }
    }
}
