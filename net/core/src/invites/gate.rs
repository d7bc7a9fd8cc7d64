//! Who asks too often about tickets is not listened to for a while.

use std::collections::BTreeMap;

use kinmesh_proto::DeviceId;

/// Requests of one device in a minute that are looked at: a person redeems one ticket, and asks again
/// after an answer that was lost.
const REQUESTS_MAX: u32 = 20;
const MINUTE_MS: u64 = 60_000;
/// Devices counted at a time: far more than may be connected.
const DEVICES_CAP: usize = 1024;

/// How often each device asked within its minute.
#[derive(Debug, Default)]
pub(super) struct Gate(BTreeMap<DeviceId, (u64, u32)>);

impl Gate {
    /// Counts a request. Whether it is looked at.
    pub(super) fn lets_in(&mut self, now_ms: u64, device: DeviceId) -> bool {
        let is_over = |since_ms: u64| now_ms.saturating_sub(since_ms) >= MINUTE_MS;
        if self.0.len() >= DEVICES_CAP && !self.0.contains_key(&device) {
            self.0.retain(|_, (since_ms, _)| !is_over(*since_ms));
            if self.0.len() >= DEVICES_CAP {
                return false;
            }
        }
        let (since_ms, requests) = self.0.entry(device).or_insert((now_ms, 0));
        if is_over(*since_ms) {
            (*since_ms, *requests) = (now_ms, 0);
        }
        *requests = requests.saturating_add(1);
        *requests <= REQUESTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u32) -> DeviceId {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId(id)
    }

    #[test]
    fn who_asks_without_end_is_not_heard_until_a_minute_is_over() {
        let mut gate = Gate::default();
        let heard = (0..1000).filter(|_| gate.lets_in(0, device(1))).count();
        assert_eq!(heard, REQUESTS_MAX as usize);
        assert!(gate.lets_in(0, device(2)), "another one is heard");
        assert!(!gate.lets_in(MINUTE_MS - 1, device(1)) && gate.lets_in(MINUTE_MS, device(1)));
    }

    #[test]
    fn a_crowd_of_devices_takes_only_so_much_room() {
        let mut gate = Gate::default();
        for number in 0..2 * DEVICES_CAP as u32 {
            gate.lets_in(0, device(number));
        }
        assert_eq!(gate.0.len(), DEVICES_CAP);
        assert!(gate.lets_in(MINUTE_MS, device(u32::MAX)));
    }
}
