//! What the benches share: bodies in the shapes that real writers send, the same on every run.

pub mod shapes;
