//! Helpers that the benches share: bodies in the shapes that real clients send, the same on every
//! run.

pub mod shapes;
