//! Tickets: an invitation to a chat or a room, as a link, a text, a picture or a file.
//!
//! Owns the bytes of a ticket and their text form. Whether one is still good is known only to the
//! device that made it; what can be told from the ticket alone is told here.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::codec;
use crate::id::{DeviceId, PersonId, RoomId};
use crate::limits;
use crate::name::{DisplayName, RoomName};

/// What every ticket's link begins with.
pub const TICKET_PREFIX: &str = "kinmesh://invite/";
/// The version that this program writes and reads.
const VERSION: u8 = 1;
/// Bytes of the checksum: a damaged ticket passes once in four thousand million times.
const CHECKSUM_BYTES: usize = 4;
/// Separates the checksum from other uses of the hash.
const CHECKSUM_CONTEXT: &str = "kinmesh 2026-11 ticket checksum";

/// Names a ticket to the device that made it, and proves that the bearer was given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketToken(pub ByteArray<16>);

/// An invitation: who invites, where they are reached, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which ticket it is.
    #[serde(rename = "k")]
    pub token: TicketToken,
    /// Who invites.
    #[serde(rename = "p")]
    pub person: PersonId,
    /// What they call themselves.
    #[serde(rename = "n")]
    pub name: DisplayName,
    /// Their devices, at most [`limits::TICKET_DEVICES_MAX`].
    #[serde(rename = "d")]
    pub devices: Vec<Reach>,
    /// Bootstrap nodes that know them: multiaddresses, at most [`limits::TICKET_NODES_MAX`].
    #[serde(rename = "b")]
    pub bootstraps: Vec<String>,
    /// What the bearer is let into; `None` for a chat with the person alone.
    #[serde(rename = "r")]
    pub room: Option<TicketRoom>,
    /// From when on it is no longer good, in Unix milliseconds; `None` for never.
    #[serde(rename = "x")]
    pub expires_ms: Option<u64>,
    /// How many people may use it; `None` for any number.
    #[serde(rename = "u")]
    pub uses: Option<u32>,
}

/// A device and where it was last reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The device.
    #[serde(rename = "d")]
    pub device: DeviceId,
    /// Multiaddresses without their `/p2p/` part, at most [`limits::TICKET_ADDRESSES_MAX`].
    #[serde(rename = "a")]
    pub addresses: Vec<String>,
}

impl Reach {
    pub(crate) fn is_within_limits(&self) -> bool {
        let fits = |address: &String| address.len() <= limits::TICKET_ADDRESS_BYTES_MAX;
        self.addresses.len() <= limits::TICKET_ADDRESSES_MAX && self.addresses.iter().all(fits)
    }
}

/// The room that a ticket opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketRoom {
    /// A public room.
    Public(RoomName),
    /// A private room, whose name only its members know.
    Private(RoomId),
    /// A public room that somebody founded.
    Founded {
        /// Which.
        #[serde(rename = "i")]
        id: RoomId,
        /// What it was called when the ticket was made.
        #[serde(rename = "n")]
        name: RoomName,
    },
}

impl TicketRoom {
    /// Whether who comes with the ticket is let in by its maker, and counted.
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::Private(_))
    }
}

/// Why a text is no ticket, or none that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Something else altogether.
    #[error("this is not a Kinmesh invitation")]
    NotATicket,
    /// Letters are missing or wrong.
    #[error("the invitation is damaged: letters are missing or wrong")]
    Damaged,
    /// Made by a later version.
    #[error("the invitation was made by a newer version of Kinmesh")]
    Newer,
    /// More addresses than a ticket may have.
    #[error("the invitation holds more than one may")]
    OverLimit,
    /// Its time is over.
    #[error("the invitation has expired")]
    Expired,
}

impl Ticket {
    /// Whether it can still be good at this time, in Unix milliseconds.
    pub fn check_expiry(&self, now_ms: u64) -> Result<(), TicketError> {
        match self.expires_ms {
            Some(expires_ms) if expires_ms <= now_ms => Err(TicketError::Expired),
            _ => Ok(()),
        }
    }

    /// The link in capitals: a QR code of letters, digits and `:/` alone takes half the room.
    pub fn to_qr_text(&self) -> String {
        self.to_string().to_uppercase()
    }

    fn is_within_limits(&self) -> bool {
        let fits = |address: &String| address.len() <= limits::TICKET_ADDRESS_BYTES_MAX;
        self.devices.len() <= limits::TICKET_DEVICES_MAX
            && self.devices.iter().all(Reach::is_within_limits)
            && self.bootstraps.len() <= limits::TICKET_NODES_MAX
            && self.bootstraps.iter().all(fits)
    }

    /// Version, then the ticket, then the checksum of both.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(codec::encode(self));
        let sum = checksum(&bytes);
        bytes.extend(sum);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, TicketError> {
        let (body, sum) = bytes.split_last_chunk().ok_or(TicketError::Damaged)?;
        if checksum(body) != *sum {
            return Err(TicketError::Damaged);
        }
        let ticket: Self = match body.split_first() {
            Some((&VERSION, body)) => {
                codec::decode(body, limits::TICKET_MAX).map_err(|_| TicketError::Damaged)?
            }
            Some(_) => return Err(TicketError::Newer),
            None => return Err(TicketError::Damaged),
        };
        if ticket.is_within_limits() { Ok(ticket) } else { Err(TicketError::OverLimit) }
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::derive_key(CHECKSUM_CONTEXT, bytes);
    [hash[0], hash[1], hash[2], hash[3]]
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TICKET_PREFIX}{}", BASE32_NOPAD.encode(&self.to_bytes()).to_lowercase())
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    /// Reads the link, in letters of either case. White space in it is skipped: mail and chat
    /// programs break long lines.
    fn from_str(text: &str) -> Result<Self, TicketError> {
        if text.len() > limits::TICKET_TEXT_MAX {
            return Err(TicketError::NotATicket);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let prefix = text.get(..TICKET_PREFIX.len()).ok_or(TicketError::NotATicket)?;
        if !prefix.eq_ignore_ascii_case(TICKET_PREFIX) {
            return Err(TicketError::NotATicket);
        }
        let code = text[TICKET_PREFIX.len()..].to_uppercase();
        let bytes = BASE32_NOPAD.decode(code.as_bytes()).map_err(|_| TicketError::Damaged)?;
        Self::from_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            token: TicketToken(ByteArray::new([7; 16])),
            person: PersonId([1; 32]),
            name: DisplayName::new("Ana").unwrap(),
            devices: vec![Reach {
                device: DeviceId([2; 32]),
                addresses: vec!["/ip4/192.0.2.7/udp/4001/quic-v1".into()],
            }],
            bootstraps: vec!["/dns4/boot.example/udp/4001/quic-v1/p2p/12D3KooWx".into()],
            room: Some(TicketRoom::Public(RoomName::new("Boat").unwrap())),
            expires_ms: Some(1000),
            uses: Some(1),
        }
    }

    #[test]
    fn a_ticket_survives_links_capitals_and_broken_lines() {
        let ticket = ticket();
        assert_eq!(ticket.to_string().parse(), Ok(ticket.clone()));
        assert_eq!(ticket.to_qr_text().parse(), Ok(ticket.clone()));
        let link = ticket.to_string();
        let (head, tail) = link.split_at(60);
        assert_eq!(format!(" {head}\r\n  {tail}\n").parse(), Ok(ticket));
    }

    #[test]
    fn every_changed_or_missing_letter_is_noticed() {
        let link = ticket().to_string();
        for at in TICKET_PREFIX.len()..link.len() {
            let mut wrong = link.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(wrong.parse::<Ticket>(), Err(TicketError::Damaged), "letter {at}");
        }
        assert_eq!(link[..link.len() - 1].parse::<Ticket>(), Err(TicketError::Damaged));
    }

    #[test]
    fn what_is_no_ticket_says_so() {
        for text in ["", "hello", "kinmesh://join?node=/ip4/1", "https://invite/abc", "kinmesh:林://invite/"]
        {
            assert_eq!(text.parse::<Ticket>(), Err(TicketError::NotATicket), "{text}");
        }
        let mut later = vec![2];
        later.extend(checksum(&[2]));
        assert_eq!(Ticket::from_bytes(&later), Err(TicketError::Newer));
    }

    #[test]
    fn a_ticket_with_too_many_addresses_is_refused() {
        let crowded = Ticket { bootstraps: vec![String::new(); limits::TICKET_NODES_MAX + 1], ..ticket() };
        assert_eq!(crowded.to_string().parse::<Ticket>(), Err(TicketError::OverLimit));
    }

    #[test]
    fn a_ticket_expires_when_it_says() {
        assert_eq!(ticket().check_expiry(999), Ok(()));
        assert_eq!(ticket().check_expiry(1000), Err(TicketError::Expired));
        assert_eq!(Ticket { expires_ms: None, ..ticket() }.check_expiry(u64::MAX), Ok(()));
    }
}
