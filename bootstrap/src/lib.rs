//! The bootstrap node: introduces peers, carries no message.
//!
//! Owns the rendezvous table, a share of the Kademlia network and the operator's view of who is
//! connected. It must never know a room, an entry or a chat: it speaks no protocol that has them.

pub mod address;
mod behaviour;
pub mod candid;
pub mod cli;
pub mod control;
pub mod node;
mod pulse;
pub mod ration;
pub mod rendezvous;
pub mod roster;
pub mod settings;
pub mod status;
