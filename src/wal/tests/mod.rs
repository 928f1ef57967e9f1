//! Tests of the whole log.

mod basics;
mod damage;
mod faults;
mod lead;
mod model;
mod release;
mod salvage;
mod support;
mod syncs;
mod threaded;
