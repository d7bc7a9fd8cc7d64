//! Echo: somebody who says what one said, a second later, without any network.
//!
//! Its packets are ours and take the way that those of others take, from the codec's payload on. So who
//! talks to it hears what others would.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::Packet;

/// Long enough not to be heard as a room, short enough to wait for.
const LATER: Duration = Duration::from_secs(1);
/// Packets of that time, and some.
const WAITING_CAP: usize = 64;

/// Packets that wait to be said again.
#[derive(Debug, Default)]
pub(super) struct Echo(VecDeque<(Duration, Packet)>);

impl Echo {
    /// We said this.
    pub(super) fn hear(&mut self, packet: &Packet, now: Duration) {
        if self.0.len() == WAITING_CAP {
            self.0.pop_front();
        }
        self.0.push_back((now + LATER, packet.clone()));
    }

    /// The next packet whose time has come, and when that was.
    pub(super) fn say(&mut self, now: Duration) -> Option<(Duration, Packet)> {
        self.0.front().filter(|(due, _)| *due <= now)?;
        self.0.pop_front()
    }
}
