//! Kinmesh: a desktop messenger with nobody in between

pub mod i18n;
