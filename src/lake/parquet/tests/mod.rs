//! Tests of files as wholes.

mod support;

mod flipped;
mod foreign;
mod page_index;
mod pieces;
mod round_trip;
mod statistics;
