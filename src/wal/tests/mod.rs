//! Tests of the whole log.

mod basics;
mod support;
