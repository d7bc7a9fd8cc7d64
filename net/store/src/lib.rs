//! History store of Kinmesh: one trait, a memory twin and sled
