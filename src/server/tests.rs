//! The server over real sockets: the tests send and receive raw bytes.

mod client;
mod closing;
mod http2;
mod origins;
#[cfg(feature = "query")]
mod questions;
mod requests;
mod smuggling;
mod starting;
mod uploads;

use client::{body_of, start};
