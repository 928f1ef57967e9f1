//! Tests of the whole log.

mod basics;
mod damage;
mod faults;
mod model;
mod support;
mod threaded;
