//! Tests of what is made of the rows of a series.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "the model of the tests works with small numbers"
)]

mod model;
mod oracle;
mod series;
mod statement;
mod values;
mod windows;
