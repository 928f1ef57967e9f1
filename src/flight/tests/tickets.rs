//! Tickets and handles that clients wrote themselves: what is refused when an answer is told of is refused
//! when it is fetched.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    Any, CommandPreparedStatementQuery, CommandStatementQuery, ProstMessageExt,
};
use arrow_flight::{FlightData, FlightDescriptor, Ticket};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::plain;
use crate::flight::messages::TicketContents;

fn statement(transaction_id: Option<&'static str>) -> Any {
    let statement = CommandStatementQuery {
        query: "SELECT 1".to_owned(),
        transaction_id: transaction_id.map(Into::into),
    };
    statement.as_any()
}

/// A prepared statement of this database.
fn prepared(database: &str) -> Any {
    let contents = TicketContents {
        database: database.to_owned(),
        query: "SELECT 1".to_owned(),
        ..TicketContents::default()
    };
    let prepared = CommandPreparedStatementQuery {
        prepared_statement_handle: contents.encode_to_vec().into(),
    };
    prepared.as_any()
}

async fn get(
    client: &mut FlightServiceClient<Channel>,
    ticket: &Any,
    headers: &[(&'static str, &'static str)],
) -> Result<(), Status> {
    let mut call = Request::new(Ticket::new(ticket.encode_to_vec()));
    for (name, value) in headers {
        let value = value.parse().expect("a header value");
        call.metadata_mut().insert(*name, value);
    }
    client.do_get(call).await.map(|_| ())
}

#[tokio::test]
async fn an_answer_in_another_language_or_of_a_transaction_is_not_fetched() {
    let mut client = plain().await;
    let database = ("database", "b");
    let influxql = ("x-influxdata-query-language", "influxql");
    for ticket in [statement(None), prepared("b")] {
        get(&mut client, &ticket, &[database]).await.expect("sql");
        let refused = get(&mut client, &ticket, &[database, influxql]).await;
        let error = refused.expect_err("another language");
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        assert!(error.message().contains("InfluxQL"), "{error}");
    }
    let refused = get(&mut client, &statement(Some("t")), &[database]).await;
    let error = refused.expect_err("a transaction");
    assert_eq!(error.code(), Code::Unimplemented, "{error}");
}

/// From a bug: whoever might read everything was told that there is no bucket "".
#[tokio::test]
async fn a_handle_with_an_empty_database_names_none() {
    let mut client = plain().await;
    let fetched = get(&mut client, &prepared(""), &[]).await;
    let command = FlightDescriptor::new_cmd(prepared("").encode_to_vec());
    let data = FlightData::new().with_descriptor(command);
    let bound = client.do_put(futures_util::stream::iter([data])).await;
    let json = Ticket::new(r#"{"database":"","sql_query":"SELECT 1"}"#);
    let asked = client.do_get(json).await;
    for error in [
        fetched.expect_err("fetched"),
        bound.map(|_| ()).expect_err("bound"),
        asked.map(|_| ()).expect_err("asked"),
    ] {
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains("no 'database'"), "{error}");
    }
}
