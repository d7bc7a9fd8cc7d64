//! QR pictures of invitations: how many squares they have, and how they look as text.

use kinmesh_proto::Ticket;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The picture of a ticket; `None` when it does not fit into one.
fn code(ticket: &Ticket) -> Option<QrCode> {
    // Low: it is shown on a screen, where nothing is torn off, and larger squares are read sooner.
    QrCode::with_error_correction_level(ticket.to_qr_text(), EcLevel::L).ok()
}

/// Squares in a line of the picture, without the quiet around it.
pub(crate) fn width(ticket: &Ticket) -> Option<usize> {
    code(ticket).map(|code| code.width())
}

/// The picture as lines of half blocks, light on a dark terminal, with quiet around it.
pub(crate) fn lines(ticket: &Ticket) -> Option<Vec<String>> {
    let code = code(ticket)?;
    let picture = code
        .render::<Dense1x2>()
        // Characters are light squares: most terminals are dark, and cameras take either.
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    Some(picture.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use kinmesh_proto::{DeviceId, DisplayName, PersonId, Reach, TicketToken};
    use serde_bytes::ByteArray;

    use super::*;

    /// Squares of quiet that the standard wants on each side.
    const QUIET: usize = 4;

    /// As large as ours become: three addresses and a bootstrap node.
    fn ticket() -> Ticket {
        let address = |n| format!("/ip4/192.168.100.{n}/udp/51234/quic-v1");
        let node =
            "/ip4/203.0.113.100/udp/4001/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
        Ticket {
            token: TicketToken(ByteArray::new([0xa5; 16])),
            person: PersonId([0xa5; 32]),
            name: DisplayName::new("Ana Duarte").unwrap(),
            devices: vec![Reach {
                device: DeviceId([0x5a; 32]),
                addresses: (110..113).map(address).collect(),
            }],
            bootstraps: vec![node.into()],
            room: None,
            expires_ms: Some(1_793_000_000_000),
            uses: Some(1),
        }
    }

    #[test]
    fn a_picture_fits_into_eighty_columns() {
        let lines = lines(&ticket()).unwrap();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", lines[0].chars().count());
        assert_eq!(lines[0].chars().count(), width(&ticket()).unwrap() + 2 * QUIET);
    }
}
