//! How the peer stands with the network, as one sentence's worth of data.

/// Facts about the connections, and what they amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Who is reached.
    pub reach: Reach,
    /// How we stand with the bootstrap nodes.
    pub bootstrap: BootstrapReach,
}

/// Who is reached directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nobody yet.
    Nobody,
    /// People on the local network.
    Lan {
        /// How many.
        people: usize,
    },
    /// People over the internet.
    Internet {
        /// How many.
        people: usize,
    },
    /// People both ways.
    Both {
        /// How many in all.
        people: usize,
    },
}

/// How we stand with the bootstrap nodes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapReach {
    /// None is configured.
    None,
    /// At least one is connected.
    Connected,
    /// None is connected yet, at least one is being dialled.
    Connecting,
    /// All were tried and not reached.
    Unreachable,
}

impl Connection {
    /// Sums up the facts.
    pub fn new(lan: usize, internet: usize, bootstraps: impl IntoIterator<Item = BootstrapReach>) -> Self {
        let reach = match (lan, internet) {
            (0, 0) => Reach::Nobody,
            (people, 0) => Reach::Lan { people },
            (0, people) => Reach::Internet { people },
            (lan, internet) => Reach::Both { people: lan + internet },
        };
        Self { reach, bootstrap: bootstraps.into_iter().fold(BootstrapReach::None, best) }
    }

    /// Whether somebody is reached.
    pub fn is_good(&self) -> bool {
        self.reach != Reach::Nobody
    }
}

fn best(a: BootstrapReach, b: BootstrapReach) -> BootstrapReach {
    let rank = |reach| match reach {
        BootstrapReach::None => 0,
        BootstrapReach::Unreachable => 1,
        BootstrapReach::Connecting => 2,
        BootstrapReach::Connected => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_bootstrap_node_speaks_for_all() {
        use BootstrapReach::{Connected, Connecting, Unreachable};
        let of = |nodes: &[BootstrapReach]| Connection::new(0, 0, nodes.iter().copied()).bootstrap;
        assert_eq!(of(&[]), BootstrapReach::None);
        assert_eq!(of(&[Unreachable, Unreachable]), Unreachable);
        assert_eq!(of(&[Unreachable, Connecting]), Connecting);
        assert_eq!(of(&[Connected, Connecting]), Connected);
    }

    #[test]
    fn people_are_counted_over_both_ways() {
        assert_eq!(Connection::new(2, 3, []).reach, Reach::Both { people: 5 });
        assert_eq!(Connection::new(2, 0, []).reach, Reach::Lan { people: 2 });
        assert!(!Connection::new(0, 0, []).is_good());
    }
}
