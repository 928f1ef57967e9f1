//! Arrow Flight and Flight SQL: questions in SQL and InfluxQL over gRPC, as the clients of InfluxDB 3, ADBC, JDBC
//! and Grafana ask them (query contract).
//!
//! ```text
//! call ─ ticket or command ─ may the sender read it? ─ question ─ first batch ─ header ─ rows
//! ```
//!
//! Promises: tickets and handles of prepared statements hold all that they stand for, so nothing is
//! kept between calls, and any server can answer them after any restart; whether a bucket exists is
//! told only to those who may read it; nothing is sent before the first rows are there, so that an
//! error is an answer and not the end of one; a client that goes away ends its question.
//!
//! It does not know how calls arrive, nor who may come in: the server puts the sender's
//! [`Identity`](crate::auth::Identity) beside each call, and hands in what answers questions
//! ([`Asks`]). It sets no limit on requests per second; the time that a call may take is the
//! client's (`grpc-timeout`), and that in which its messages must arrive the server's.

mod abilities;
mod actions;
mod answers;
mod asks;
mod binding;
mod buckets;
mod call;
mod catalog;
mod commands;
mod descriptor;
mod handshake;
mod info;
mod messages;
mod pace;
mod row;
mod rows;
mod service;
mod session;
mod status;
#[cfg(test)]
mod tests;
mod ticket;
mod trailers;
mod value_type;
mod values;

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;

use messages::MESSAGE_BYTES_MAX;

pub use asks::{Asking, Asks, Bindings, Protocol, Rows, Starting};
pub use buckets::Flight;
pub use status::{broken_message, slow_sender};
/// The body of a call, before it is known whether it came over gRPC-Web.
pub use tonic::body::Body as GrpcBody;
// What its implementers answer with.
pub use tidegate_query::{Holding, Presence, QueryError, Question, Waiter};

/// How answers go to clients that say that they read gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As to all others.
    Off,
    /// Compressed. It is done where a connection is served, not on the threads of questions, and
    /// takes more time than all else that an answer costs.
    Gzip,
}

/// The service for gRPC. Its calls end with `UNAVAILABLE` once `cut` is cancelled. What clients
/// send may be compressed with gzip.
pub fn service<A: Asks>(
    asks: A,
    cut: CancellationToken,
    compression: Compression,
) -> FlightServiceServer<Flight<A>> {
    let service = FlightServiceServer::new(Flight { asks, cut })
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    match compression {
        Compression::Off => service,
        Compression::Gzip => service.send_compressed(CompressionEncoding::Gzip),
    }
}
