//! Audio devices and level metering of Kinmesh
