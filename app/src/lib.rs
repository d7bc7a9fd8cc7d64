//! Kinmesh: a desktop messenger with nobody in between

pub mod app;
pub mod args;
pub mod backup;
pub mod export;
pub mod feed;
pub mod i18n;
mod idle;
mod lines;
pub mod logging;
pub mod places;
pub mod program;
mod rebuilt;
pub mod rpc;
pub mod screen;
pub mod search;
pub mod settings;
pub mod signals;
pub mod sound;
pub mod strength;
pub mod terminal;
pub mod theme;
mod typed;
pub mod unlock;
pub mod widget;
pub mod window;
