//! Every limit of the wire in one place. A peer that crosses one is refused, never truncated.

/// Longest text of one entry, in bytes of UTF-8. Larger bodies will travel by hash and pull.
pub const TEXT_MAX: usize = 32 * 1024;
/// Largest encoded entry: the text, its envelope and the ids it follows.
pub const ENTRY_MAX: usize = TEXT_MAX + 1024;
/// Longest text of a contact request, in bytes of UTF-8: a few sentences, from somebody the other
/// knows nothing of.
pub const ASK_TEXT_MAX: usize = 1024;
/// Largest entry in a contact request: the text, its envelope and the ids it follows. It rests with
/// the person's record until it is answered.
pub const ASK_ENTRY_MAX: usize = 4096;
/// Most ids an entry may name as its predecessors.
pub const PREV_MAX: usize = 8;
/// Longest emoji of a reaction in bytes: a family of four with skin tones has 41.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Longest display name, in grapheme clusters as a reader counts them.
pub const DISPLAY_NAME_GRAPHEMES_MAX: usize = 40;
/// Longest display name in bytes: bounds names made of long clusters.
pub const DISPLAY_NAME_BYTES_MAX: usize = 256;
/// Longest status line, in grapheme clusters.
pub const STATUS_GRAPHEMES_MAX: usize = 100;
/// Longest status line in bytes.
pub const STATUS_BYTES_MAX: usize = 512;
/// Longest room name, in grapheme clusters.
pub const ROOM_NAME_GRAPHEMES_MAX: usize = 64;
/// Longest room name in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 512;
/// Largest gossip frame. Gossipsub's own limit is 64 KiB; frames within 8 KiB of it are refused
/// when more data follows in the same write, so we stay well below.
pub const ROOM_FRAME_MAX: usize = 48 * 1024;
/// Largest gossip transmission including libp2p's own fields.
pub const GOSSIP_TRANSMIT_MAX: usize = 64 * 1024;
/// Most entries in one frame or batch.
pub const BATCH_ENTRIES_MAX: usize = 128;
/// Largest one-to-one request: one batch of entries.
pub const CHAT_REQUEST_MAX: u64 = 256 * 1024;
/// Largest one-to-one response: one receipt for each entry of a batch.
pub const CHAT_RESPONSE_MAX: u64 = 16 * 1024;
/// Largest hello in either direction: one signed presence.
pub const HELLO_MAX: u64 = 4 * 1024;
/// An entry or presence whose clock is further ahead than this is refused, in milliseconds.
pub const CLOCK_AHEAD_MAX_MS: u64 = 5 * 60 * 1000;
/// A presence older than this says nothing about who is online now, in milliseconds.
pub const PRESENCE_AGE_MAX_MS: u64 = 5 * 60 * 1000;
/// Longest join link in bytes.
pub const LINK_MAX: usize = 4096;
/// Most bootstrap addresses in one join link.
pub const LINK_ADDRESSES_MAX: usize = 16;
/// How long somebody is shown as writing after they said so, in milliseconds.
pub const TYPING_SHOWN_MS: u64 = 6_000;
/// Nobody says that they write more often than this, in milliseconds.
pub const TYPING_EVERY_MS: u64 = 3_000;
/// Who said that they write longer ago than this, or further ahead, in milliseconds, is not heard:
/// clocks differ by seconds, and nobody should repeat an old word as a new one.
pub const TYPING_AGE_MAX_MS: u64 = 30_000;
/// Entries of one person in one room in one day of their clock that a peer keeps. No person writes
/// that much. It bounds what a program adds to a day, not what it adds to a disk: entries may be dated
/// to any day of the past, and persons cost nothing (`docs/threat-model.md`, "Floods").
pub const AUTHOR_DAY_ENTRIES_MAX: u32 = 50_000;
/// The same in bytes of entries.
pub const AUTHOR_DAY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest request of the sync protocol: a pack of entries that the other lacks.
pub const SYNC_REQUEST_MAX: u64 = 640 * 1024;
/// Largest response of the sync protocol: a pack of entries.
pub const SYNC_RESPONSE_MAX: u64 = 640 * 1024;
/// Bytes of entries in one pack, beyond which none is added.
pub const PACK_BYTES_MAX: usize = 512 * 1024;
/// Most entries in one pack.
pub const PACK_ENTRIES_MAX: usize = 2048;
/// Most ids in one [`crate::Wanted::Ids`].
pub const FETCH_IDS_MAX: usize = 256;
/// Largest frame of negentropy in either direction.
pub const RECONCILE_FRAME_MAX: usize = 32 * 1024;
/// Most entries that one side brings into one reconciliation. A longer history is compared window
/// by window, the newest first.
pub const WINDOW_ENTRIES_MAX: usize = 4096;
/// Largest ticket in bytes, before its text form: what a QR code of capitals still holds.
pub const TICKET_MAX: usize = 2400;
/// Longest text that is looked at for a ticket: its letters, and as much white space.
pub const TICKET_TEXT_MAX: usize = 8192;
/// Most devices in one ticket.
pub const TICKET_DEVICES_MAX: usize = 4;
/// Most addresses of one device in a ticket, or when it is told of in a call.
pub const TICKET_ADDRESSES_MAX: usize = 8;
/// Most bootstrap nodes in one ticket.
pub const TICKET_NODES_MAX: usize = 4;
/// Longest of these addresses, in bytes.
pub const TICKET_ADDRESS_BYTES_MAX: usize = 160;
/// Largest request to redeem a ticket: its name and a proof.
pub const INVITE_REQUEST_MAX: u64 = 256;
/// Largest answer to it: a word.
pub const INVITE_RESPONSE_MAX: u64 = 64;
/// Most people that one ticket may be made for.
pub const TICKET_USES_MAX: u32 = 256;
/// Largest request about a call: who else is in it, and where, takes most of that.
pub const CALL_REQUEST_MAX: u64 = 12 * 1024;
/// Largest answer to it: a word, and one number or id.
pub const CALL_RESPONSE_MAX: u64 = 256;
/// Most people in one call, everybody counted: each sends their voice to each.
pub const CALL_PARTY_MAX: usize = 8;
/// Longest text with which a call is declined, in bytes of UTF-8: a sentence.
pub const DECLINE_TEXT_MAX: usize = 256;
/// How often who is in a room's voice channel says so, in milliseconds.
pub const VOICE_EVERY_MS: u64 = 10_000;
/// Who said it last longer ago than this is not in it any more, in milliseconds: one word may be lost.
pub const VOICE_TTL_MS: u64 = 25_000;
/// Who said that they are in a voice channel longer ago than this, or further ahead, in milliseconds, is
/// not heard: clocks differ by seconds, and nobody should repeat an old word as a new one.
pub const VOICE_AGE_MAX_MS: u64 = 30_000;
/// Most people that a private room is founded with; more are added one by one.
pub const SEATS_MAX: usize = 64;
/// Longest that a room makes people wait between two posts, in milliseconds: an hour. Who shows a post
/// reads so much of the history before it.
pub const SLOW_MAX_MS: u64 = 60 * 60 * 1000;
/// Longest that a room can say to keep what is said in it, in days: ten years. Without a word it keeps it
/// for ever.
pub const KEEP_DAYS_MAX: u32 = 3650;
/// Largest picture of a room, in bytes of its PNG: every member keeps it, and every one before it.
pub const PICTURE_BYTES_MAX: usize = 16 * 1024;
/// Most pixels of such a picture in either direction: twice what a list shows.
pub const PICTURE_SIDE_MAX: u32 = 96;
/// Most entries that one step hides.
pub const HIDE_MAX: usize = 64;
/// Longest text of somebody who knocks at a room, in bytes of UTF-8.
pub const KNOCK_BYTES_MAX: usize = 256;
/// Most secrets of a private room that one question asks for.
pub const SECRETS_ASKED_MAX: usize = 256;
/// Most secrets that make one key: as many concurrent changes of membership as a room survives
/// without anybody seeing two of them.
pub const EPOCHS_MAX: usize = 16;
/// Bytes of voice in one packet, with what it repeats: more would not fit into one datagram of any path.
pub const MEDIA_PAYLOAD_MAX: usize = 1400;
/// Earlier frames in one packet: more make it longer than they help.
pub const MEDIA_EARLIER_MAX: usize = 4;
/// Largest media request: a packet and what stands around its payloads.
pub const MEDIA_REQUEST_MAX: u64 = MEDIA_PAYLOAD_MAX as u64 + 64;
/// Largest answer to one: a report.
pub const MEDIA_RESPONSE_MAX: u64 = 64;
/// Largest request to a rendezvous server: a record of 16 addresses takes about 1.5 KiB.
pub const RENDEZVOUS_REQUEST_MAX: usize = 4 * 1024;
/// Largest answer: as many of the largest registrations as one answer holds.
pub const RENDEZVOUS_RESPONSE_MAX: usize = RENDEZVOUS_FOUND_MAX * (RENDEZVOUS_REQUEST_MAX + 16);
/// Most registrations in one answer; the cookie fetches the rest.
pub const RENDEZVOUS_FOUND_MAX: usize = 100;
/// Most addresses one record may name; more are claims that others would have to try.
pub const RENDEZVOUS_ADDRESSES_MAX: usize = 16;
/// Longest life of a registration in seconds: how long a peer that vanished may be handed out.
pub const RENDEZVOUS_TTL_MAX_S: u64 = 7200;
