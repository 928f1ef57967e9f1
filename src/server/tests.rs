//! The server over real sockets: the tests send and receive raw bytes.

mod client;
mod closing;
mod http2;
mod origins;
mod requests;
mod smuggling;
mod starting;
mod uploads;

use client::{body_of, start};
