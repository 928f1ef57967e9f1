//! Tests of the whole module: a model, and what the parts must do together.
#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "tests print ratios and build small inputs"
)]

mod arrow;
mod build;
mod codec;
mod compact;
mod footprint;
mod hostile;
mod model;
