//! Tests of what is decided before anything is read.

mod selection;
mod split;
