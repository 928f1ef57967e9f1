//! The server over real sockets, raw: what is sent and what comes back are bytes.

mod client;
mod closing;
mod http2;
mod origins;
mod requests;
mod smuggling;
mod starting;
mod uploads;

use client::{body_of, start};
