//! The server over real sockets, raw: what is sent and what comes back are bytes.

mod client;
mod closing;
mod http2;
mod origins;
mod requests;
mod smuggling;
mod starting;

use client::{body_of, start};
