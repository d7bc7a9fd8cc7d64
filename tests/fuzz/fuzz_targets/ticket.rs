//! Tickets, as somebody pastes them and behind their checksum, which chance does not guess.
#![no_main]

use kinmesh_proto::{Ticket, TicketError, codec, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(ticket) = text.parse::<Ticket>()
    {
        assert!(ticket.devices.len() <= limits::TICKET_DEVICES_MAX);
        assert!(ticket.bootstraps.len() <= limits::TICKET_NODES_MAX);
        assert_eq!(read_again(&ticket), Ok(ticket));
    }
    if let Some(ticket) = kinmesh_fuzz::decodes::<Ticket>(data, limits::TICKET_MAX) {
        let again = read_again(&ticket);
        assert!(again == Ok(ticket) || again == Err(TicketError::OverLimit));
    }
});

fn read_again(ticket: &Ticket) -> Result<Ticket, TicketError> {
    // Names are brought into one form, which may be longer than what was read.
    if codec::encode(ticket).len() > limits::TICKET_MAX {
        return Ok(ticket.clone());
    }
    assert_eq!(ticket.to_qr_text().parse(), ticket.to_string().parse::<Ticket>());
    ticket.to_string().parse()
}
