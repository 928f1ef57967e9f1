mod bodies;
mod check;
mod lines;
mod no_sync;
mod races;
mod release;
mod support;
