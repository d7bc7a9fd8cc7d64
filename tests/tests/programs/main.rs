//! The real programs as their users meet them: real processes, sockets, files, windows and devices.
//!
//! One binary, so that the whole stack is linked once, and tests that wait do so beside each other.

mod at_rest;
mod backup;
mod calls;
mod changes;
mod contacts;
mod damage;
mod e2e;
mod failing_disk;
mod full_disk;
mod history;
mod hostile;
mod hostile_bootstrap;
mod import;
mod interop;
mod invites;
mod lan;
mod moderation;
mod outbox;
mod partition;
mod private_rooms;
mod rpc;
mod sound;
mod terminal;
mod vectors;
mod weather;
mod window;

#[cfg(target_os = "linux")]
#[path = "../../../media/tests/support/pulse.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness of the media crate"
)]
mod pulse;
#[cfg(target_os = "linux")]
#[path = "../../../media/tests/support/speech.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness of the media crate"
)]
mod speech;
