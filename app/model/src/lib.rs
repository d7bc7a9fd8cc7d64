//! View models of Kinmesh, without any toolkit
