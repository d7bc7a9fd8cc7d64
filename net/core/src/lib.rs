//! The decisions of a Kinmesh peer, without I/O
