//! Whole peers in this process: real drivers, stores and encryption, without the programs around them.

mod frozen;
mod media;
mod swarm;
mod two_halves;
