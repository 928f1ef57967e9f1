//! Tests of files as wholes.

mod support;

mod foreign;
mod round_trip;
mod statistics;
