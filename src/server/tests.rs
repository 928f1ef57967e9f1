//! The server over real sockets, raw: what is sent and what comes back are bytes.

mod client;
mod closing;
mod requests;
mod smuggling;

use client::{Running, body_of, start};
