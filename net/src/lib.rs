//! The libp2p driver of a Kinmesh peer and its public handles
