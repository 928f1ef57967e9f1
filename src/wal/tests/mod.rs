//! Tests of the whole log.

mod basics;
mod damage;
mod faults;
mod model;
mod salvage;
mod support;
mod threaded;
