//! The bootstrap node: introduces peers, carries no message
