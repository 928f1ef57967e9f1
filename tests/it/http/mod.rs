//! HTTP itself: contract section 6 on connections, section 1.2 on early refusals, and what must
//! not get through.

mod connections;
mod framing;
pub mod http2;
