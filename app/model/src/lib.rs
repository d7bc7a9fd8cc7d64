//! View models of Kinmesh, without any toolkit.
//!
//! Orders, groups and counts what the faces show, and says it as data: "sent to 3 members", not
//! as words or pixels. It must never know a toolkit, a runtime, the network or a language.

pub mod call;
pub mod connection;
pub mod directory;
pub mod list;
pub mod people;
pub mod search;
pub mod timeline;
pub mod typing;
pub mod when;

pub use connection::{BootstrapReach, Connection, Reach};
pub use directory::{AVATAR_COLORS, Directory, Face, avatar_color, initial};
pub use list::{Preview, Row, Speaker, badge, chat_rows, one_line, room_rows};
pub use people::{People, PersonRow, SECTION_CAP, find_people};
pub use search::{Run, When, snippet};
pub use timeline::{Applied, Bubble, CallNote, Chip, Item, Part, Piece, Quote, Said, Timeline};
pub use typing::Typing;
pub use when::{Clock, Moment};
