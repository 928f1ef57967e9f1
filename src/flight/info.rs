//! What is told about an answer before it is fetched: its schema, and the one ticket for it.

use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::Schema;
use bytes::Bytes;
use tonic::Status;

use super::messages::TicketContents;
use super::status;

/// One endpoint without a place, which means this server; the number of rows is not known.
pub(super) fn flight_info(
    schema: &Schema,
    contents: &TicketContents,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(contents.ticket()));
    Ok(FlightInfo {
        schema: schema_bytes(schema)?,
        ..FlightInfo::new()
            .with_endpoint(endpoint)
            .with_descriptor(descriptor)
            .with_total_records(-1)
            .with_total_bytes(-1)
    })
}

/// A schema as an encapsulated message of Arrow IPC.
pub(super) fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let options = IpcWriteOptions::default();
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &options));
    message.map(|message| message.0).map_err(status::internal)
}
