//! Kinmesh: a desktop messenger with nobody in between
