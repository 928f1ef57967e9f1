//! Tests of the whole module: a model, and what the parts must do together.

mod build;
mod codec;
mod model;
