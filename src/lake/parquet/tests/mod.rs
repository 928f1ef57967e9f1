//! Tests of files as wholes.

mod support;

mod foreign;
mod pieces;
mod round_trip;
mod statistics;
