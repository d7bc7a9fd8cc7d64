//! Kinmesh: a desktop messenger with nobody in between

pub mod args;
pub mod i18n;
mod lines;
pub mod logging;
pub mod program;
pub mod rpc;
pub mod settings;
pub mod signals;
pub mod terminal;
pub mod theme;
pub mod widget;
