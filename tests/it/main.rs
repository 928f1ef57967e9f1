//! The server as clients see it: bytes in over a socket, bytes out, held against the HTTP contract
//! section by section. Modules are shaped like the contract, which is shaped like the URLs.
//!
//! | section | where |
//! | --- | --- |
//! | 1.1 parameters | `write::params` |
//! | 1.2 error bodies, order of checks | `write::errors`, `write::order`, `starting`, `overload` |
//! | 1.3 rejected lines | `write::partial`, `write::reports`, `write::retention` |
//! | 1.4 headers | `write::headers`, `write::gzip`, `write::encodings`, every answer ([`client::Answer::check`]) |
//! | 2 credentials | `credentials`, `management`, `buckets`, `secrets`, `access` (every route times every kind of token) |
//! | 3 other endpoints | `probes`, `v2`, `fallback` |
//! | 3.3 tokens and buckets, 3.4 export, 3.5 the open tables | `management`, `export`, `lake` |
//! | 3.1 v1, 3.2 v3 | `v1`, `v3`, `dialects` (every refusal in the words of the endpoint) |
//! | 3.6 questions in SQL, and what is told of them | `query_sql`, `queries` |
//! | 4 timestamps, 5 points | `write::timestamps`, `write::points` |
//! | 6 limits, connections | `write::limits`, `overload`, `schemas`, `http` |
//! | the description in `config/openapi.yaml` | `openapi`, and every answer of every other test |
//! | HTTPS | `tls` |
//! | the log that an operator reads | `logs` |
//! | all of it, at random | `hostile`, `data` |
//! | what `tidegate check` says of it | `check` |
//!
//! Not covered here, because a client cannot bring it about: a failing disk (`tests/model.rs`, the
//! scripts), a fault of ours (500: the panic layer's own tests), 80 % of the descriptors (the
//! configuration's tests).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::too_many_lines,
    missing_docs,
    reason = "tests stop at the first surprise, and play the part of clients"
)]

mod access;
mod buckets;
mod check;
mod client;
mod credentials;
mod data;
mod dialects;
mod export;
mod fallback;
#[cfg(feature = "query")]
mod flight;
mod hostile;
mod http;
#[cfg(feature = "query")]
mod influxql;
#[cfg(feature = "lake")]
mod lake;
#[cfg(feature = "query")]
mod leaving;
mod logs;
mod management;
mod openapi;
mod overload;
mod probes;
mod program;
#[cfg(feature = "query")]
mod queries;
#[cfg(feature = "query")]
mod query_sql;
mod random;
#[cfg(feature = "lake")]
mod schemas;
mod secrets;
mod server;
mod starting;
mod tls;
mod v1;
mod v2;
mod v3;

mod write;
