//! Tests of files as wholes.

mod support;

mod flipped;
mod foreign;
mod pieces;
mod round_trip;
mod statistics;
