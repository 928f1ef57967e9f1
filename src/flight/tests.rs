//! Calls of real clients over a socket, against a table in memory.

mod columns;
mod rights;
mod table;
mod tickets;
mod written;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetTables, CommandGetXdbcTypeInfo, CommandStatementUpdate,
    ProstMessageExt, SqlInfo,
};
use arrow_flight::{Action, Empty, FlightData, FlightDescriptor, FlightInfo, Ticket};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::Full;
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tower::Service;

use super::pace::Maker;
use super::{Compression, service};
use crate::auth::Identity;
use table::Tables;
pub(super) use table::engine;

/// A server on a free port, whose callers are `sender`.
async fn serve(tables: Tables, sender: Identity, cut: CancellationToken) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let incoming = futures_util::stream::unfold(listener, |listener| async {
        Some((listener.accept().await.map(|(stream, _)| stream), listener))
    });
    let named = move |mut request: Request<()>| {
        request.extensions_mut().insert(sender.clone());
        Ok(request)
    };
    let service = InterceptedService::new(service(tables, cut, Compression::Off), named);
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("connects")
}

/// What makes messages on the threads of the test.
pub(super) fn maker() -> Maker {
    Maker {
        threads: Handle::current(),
        memory: Some(engine().holding()),
    }
}

async fn plain() -> FlightServiceClient<Channel> {
    let channel = serve(Tables::new(), Identity::Anyone, CancellationToken::new()).await;
    FlightServiceClient::new(channel)
}

async fn sql() -> FlightSqlServiceClient<Channel> {
    let mut client = FlightSqlServiceClient::new_from_inner(plain().await);
    client.set_header("database", "b");
    client
}

fn json(database: &str, text: &str) -> Ticket {
    let ticket = serde_json::json!({ "database": database, "sql_query": text });
    Ticket::new(ticket.to_string())
}

/// The batches for a ticket, and those that keep a stream alive too.
async fn get(
    client: &mut FlightServiceClient<Channel>,
    ticket: Ticket,
) -> Result<Vec<RecordBatch>, Status> {
    let stream = client.do_get(ticket).await?.into_inner();
    let stream = stream.map_err(FlightError::from);
    let batches = FlightRecordBatchStream::new_from_flight_data(stream);
    batches.try_collect().await.map_err(Status::from)
}

/// The batches that an info tells of, which have the columns that it tells.
async fn fetch(client: &mut FlightSqlServiceClient<Channel>, info: FlightInfo) -> Vec<RecordBatch> {
    assert_eq!((info.endpoint.len(), info.total_records), (1, -1));
    let endpoint = info.endpoint[0].clone();
    assert!(endpoint.location.is_empty());
    let ticket = endpoint.ticket.expect("a ticket");
    let schema = info.try_decode_schema().expect("a schema");
    let batches: Vec<_> = client
        .do_get(ticket)
        .await
        .expect("sent")
        .try_collect()
        .await
        .expect("rows");
    for batch in &batches {
        assert_eq!(*batch.schema(), schema);
    }
    batches
}

/// The first column of all rows, as text.
fn first(batches: &[RecordBatch]) -> Vec<String> {
    column(batches, 0)
}

fn column(batches: &[RecordBatch], index: usize) -> Vec<String> {
    let columns = batches
        .iter()
        .map(|batch| batch.column(index).as_string::<i32>());
    columns
        .flatten()
        .map(|value| value.unwrap_or("null").to_owned())
        .collect()
}

#[tokio::test]
async fn a_ticket_in_json_gets_its_rows() {
    let mut client = plain().await;
    let text = "SELECT host, usage FROM cpu ORDER BY usage";
    let batches = get(&mut client, json("b", text)).await.expect("rows");
    assert_eq!(first(&batches), ["a", "b", "null"]);
    let none = get(
        &mut client,
        json("b", "SELECT host FROM cpu WHERE usage > 9"),
    )
    .await;
    assert!(none.expect("an empty answer").is_empty());
}

#[tokio::test]
async fn an_error_has_its_code_and_comes_before_the_rows() {
    let mut client = plain().await;
    for (database, text, code) in [
        ("b", "SELEC 1", Code::InvalidArgument),
        ("b", "SELECT nothing FROM cpu", Code::InvalidArgument),
        ("b", "DROP TABLE cpu", Code::InvalidArgument),
        (
            "b",
            "SELECT 1 / (usage - usage)::BIGINT FROM cpu",
            Code::InvalidArgument,
        ),
        ("b", "SELECT * FROM broken", Code::Internal),
        ("none", "SELECT 1", Code::NotFound),
    ] {
        // The call itself fails: there is no stream that could.
        let error = client.do_get(json(database, text)).await.expect_err(text);
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(!error.message().is_empty(), "{text}");
    }
    let error = client
        .do_get(Ticket::new("nonsense"))
        .await
        .expect_err("no ticket");
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn only_who_may_read_a_bucket_learns_whether_it_exists() {
    let sender = table::reader(["b", "gone"]);
    let channel = serve(Tables::new(), sender, CancellationToken::new()).await;
    let mut client = FlightServiceClient::new(channel);
    for (database, code) in [
        ("b", Code::Ok),
        ("gone", Code::NotFound),
        ("other", Code::PermissionDenied),
        ("none", Code::PermissionDenied),
    ] {
        let answer = client.do_get(json(database, "SELECT 1")).await;
        let found = answer.map_or_else(|error| error.code(), |_| Code::Ok);
        assert_eq!(found, code, "{database}");
    }
}

#[tokio::test]
async fn a_statement_of_flight_sql_is_told_of_and_fetched() {
    let mut client = sql().await;
    let text = "SELECT host, time FROM cpu ORDER BY time";
    let info = client
        .execute(text.to_owned(), None)
        .await
        .expect("an info");
    let told = info.flight_descriptor.clone().expect("the descriptor");
    assert!(!told.cmd.is_empty());
    assert_eq!(first(&fetch(&mut client, info).await), ["a", "b", "null"]);
    let mut client = FlightSqlServiceClient::new_from_inner(plain().await);
    let error = client
        .execute("SELECT 1".to_owned(), None)
        .await
        .expect_err("no database");
    assert!(
        error.to_string().contains("no 'database' header"),
        "{error}"
    );
    client.set_header("x-influxdata-query-language", "influxql");
    client.set_header("bucket", "b");
    let error = client
        .execute("SELECT 1".to_owned(), None)
        .await
        .expect_err("influxql");
    assert!(error.to_string().contains("InfluxQL"), "{error}");
}

#[tokio::test]
async fn a_prepared_statement_takes_its_values_in_order() {
    let mut client = sql().await;
    let text = "SELECT usage FROM cpu WHERE usage >= ? AND usage < ? ORDER BY usage";
    let mut prepared = client
        .prepare(text.to_owned(), None)
        .await
        .expect("prepared");
    assert_eq!(
        prepared
            .parameter_schema()
            .expect("a schema")
            .fields()
            .len(),
        2
    );
    assert_eq!(
        prepared.dataset_schema().expect("a schema").field(0).name(),
        "usage"
    );
    for (from, to, expected) in [(1.0, 2.0, 1), (1.0, 3.0, 2), (5.0, 9.0, 0)] {
        let values = [from, to].map(|value| Arc::new(Float64Array::from(vec![value])) as ArrayRef);
        let row = RecordBatch::try_from_iter(["0", "1"].into_iter().zip(values));
        prepared.set_parameters(row.expect("a row")).expect("bound");
        let info = prepared.execute().await.expect("an info");
        let rows = fetch(&mut client, info).await;
        let rows = rows
            .iter()
            .map(|batch| batch.column(0).as_primitive::<Float64Type>().len());
        assert_eq!(rows.sum::<usize>(), expected, "{from} to {to}");
    }
    prepared.close().await.expect("closed");
}

#[tokio::test]
async fn a_statement_without_its_values_is_refused() {
    let mut client = sql().await;
    let text = "SELECT usage FROM cpu WHERE usage = ?".to_owned();
    let mut prepared = client.prepare(text, None).await.expect("prepared");
    let info = prepared.execute().await.expect("an info");
    let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
    let error = client
        .inner_mut()
        .do_get(ticket)
        .await
        .expect_err("no value");
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("$1"), "{error}");
}

#[tokio::test]
async fn the_tables_are_told_with_their_columns() {
    let mut client = sql().await;
    let all = CommandGetTables {
        table_types: vec!["BASE TABLE".to_owned(), "table".to_owned()],
        ..CommandGetTables::default()
    };
    let info = client.get_tables(all.clone()).await.expect("an info");
    let tables = fetch(&mut client, info).await;
    assert_eq!(column(&tables, 2), ["broken", "cpu"]);
    assert_eq!(column(&tables, 1), ["iox", "iox"]);
    let one = CommandGetTables {
        table_name_filter_pattern: Some("c%".to_owned()),
        include_schema: true,
        ..all
    };
    let info = client.get_tables(one).await.expect("an info");
    let tables = fetch(&mut client, info).await;
    assert_eq!(column(&tables, 2), ["cpu"]);
    let schema = tables[0].column(4).as_binary::<i32>().value(0).to_vec();
    let schema = arrow_schema::Schema::try_from(arrow_flight::IpcMessage(schema.into()));
    let schema = schema.expect("a schema");
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["host", "time", "usage"]);
    let views = CommandGetTables {
        table_types: vec!["VIEW".to_owned()],
        ..CommandGetTables::default()
    };
    let info = client.get_tables(views).await.expect("an info");
    let views = fetch(&mut client, info).await;
    assert!(
        column(&views, 2).contains(&"columns".to_owned()),
        "{views:?}"
    );
}

/// From a bug: the question about a table's columns waited for the place of the one about its name.
#[tokio::test]
async fn the_columns_of_tables_are_told_where_one_question_is_answered_at_once() {
    let tables = Tables::with_places(1);
    let channel = serve(tables, Identity::Anyone, CancellationToken::new()).await;
    let mut client = FlightSqlServiceClient::new(channel);
    client.set_header("database", "b");
    let all = CommandGetTables {
        include_schema: true,
        ..CommandGetTables::default()
    };
    let answered = async {
        let info = client.get_tables(all).await.expect("an info");
        fetch(&mut client, info).await
    };
    let patience = std::time::Duration::from_secs(20);
    let answered = tokio::time::timeout(patience, answered).await;
    let tables = column(&answered.expect("it does not wait for itself"), 2);
    assert!(tables.contains(&"cpu".to_owned()), "{tables:?}");
}

#[tokio::test]
async fn what_is_the_same_for_every_bucket_is_told_without_one() {
    let mut client = FlightSqlServiceClient::new_from_inner(plain().await);
    let info = client.get_catalogs().await.expect("catalogs");
    assert_eq!(first(&fetch(&mut client, info).await), ["public"]);
    let schemas = |pattern: &str| CommandGetDbSchemas {
        catalog: Some("public".to_owned()),
        db_schema_filter_pattern: Some(pattern.to_owned()),
    };
    let info = client.get_db_schemas(schemas("%")).await.expect("schemas");
    let all = column(&fetch(&mut client, info).await, 1);
    assert_eq!(all, ["information_schema", "iox", "system"]);
    let info = client
        .get_db_schemas(schemas("i_x"))
        .await
        .expect("schemas");
    assert_eq!(column(&fetch(&mut client, info).await, 1), ["iox"]);
    let info = client.get_table_types().await.expect("types");
    assert_eq!(
        first(&fetch(&mut client, info).await),
        ["BASE TABLE", "VIEW"]
    );
    let info = client.get_sql_info(vec![]).await.expect("facts");
    let facts = fetch(&mut client, info).await;
    assert!(facts[0].num_rows() > 5);
    let read_only = client
        .get_sql_info(vec![SqlInfo::FlightSqlServerReadOnly])
        .await;
    let facts = fetch(&mut client, read_only.expect("a fact")).await;
    assert_eq!(facts[0].num_rows(), 1);
    let types = CommandGetXdbcTypeInfo { data_type: None };
    let info = client.get_xdbc_type_info(types).await.expect("types");
    assert_eq!(first(&fetch(&mut client, info).await).len(), 8);
    for keys in [
        client.get_primary_keys(Default::default()).await,
        client.get_exported_keys(Default::default()).await,
        client.get_imported_keys(Default::default()).await,
        client.get_cross_reference(Default::default()).await,
    ] {
        assert!(fetch(&mut client, keys.expect("an info")).await.is_empty());
    }
}

#[tokio::test]
async fn what_there_is_not_is_unimplemented() {
    let mut client = plain().await;
    let update = CommandStatementUpdate {
        query: "DELETE FROM cpu".to_owned(),
        transaction_id: None,
    };
    let command = FlightDescriptor::new_cmd(update.as_any().encode_to_vec());
    let data = FlightData::new().with_descriptor(command.clone());
    let put = client.do_put(futures_util::stream::iter([data])).await;
    let path = FlightDescriptor::new_path(vec!["cpu".to_owned()]);
    let errors = [
        put.expect_err("put"),
        client
            .get_flight_info(command)
            .await
            .expect_err("an update"),
        client.get_flight_info(path).await.expect_err("a path"),
        client
            .do_action(Action::new("Fly", ""))
            .await
            .expect_err("an action"),
        client
            .list_flights(arrow_flight::Criteria::default())
            .await
            .expect_err("flights"),
    ];
    for error in errors {
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
    }
    let actions = client
        .list_actions(Empty {})
        .await
        .expect("actions")
        .into_inner();
    let actions: Vec<_> = actions.try_collect().await.expect("a list");
    assert_eq!(actions.len(), 5);
}

/// Not by a client: that of this test would end the call itself.
#[tokio::test]
async fn a_call_ends_with_its_time_and_its_question_with_it() {
    let tables = Tables::new();
    let signals = Arc::clone(&tables.signals);
    let message = json("b", "SELECT * FROM stuck").encode_to_vec();
    let length = u32::try_from(message.len()).expect("short").to_be_bytes();
    let frame = [&[0], length.as_slice(), &message].concat();
    let mut request = http::Request::post("/arrow.flight.protocol.FlightService/DoGet")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "50m")
        .body(tonic::body::Body::new(Full::new(Bytes::from(frame))))
        .expect("a request");
    request.extensions_mut().insert(Identity::Anyone);
    let mut service = service(tables, CancellationToken::new(), Compression::Off);
    let answer = service.call(request).await.expect("an answer");
    assert_eq!(answer.headers()["grpc-status"], "4");
    signals.gone.notified().await;
}

#[tokio::test]
async fn a_stop_ends_calls_as_unavailable() {
    let (tables, cut) = (Tables::new(), CancellationToken::new());
    let signals = Arc::clone(&tables.signals);
    let channel = serve(tables, Identity::Anyone, cut.clone()).await;
    let mut client = FlightServiceClient::new(channel);
    let ticket = json("b", "SELECT * FROM stuck");
    let asking = tokio::spawn(async move { client.do_get(ticket).await.map(|_| ()) });
    signals.stuck.notified().await;
    cut.cancel();
    let error = asking.await.expect("no panic").expect_err("stopped");
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_question() {
    let tables = Tables::new();
    let signals = Arc::clone(&tables.signals);
    let channel = serve(tables, Identity::Anyone, CancellationToken::new()).await;
    let mut client = FlightServiceClient::new(channel);
    let ticket = json("b", "SELECT * FROM stuck");
    let asking = tokio::spawn(async move { client.do_get(ticket).await.map(|_| ()) });
    signals.stuck.notified().await;
    asking.abort();
    let second = std::time::Duration::from_secs(1);
    tokio::time::timeout(second, signals.gone.notified())
        .await
        .expect("gone within a second");
}

/// From a bug of servers that wait for a message: the client in Go waits for the header first.
#[tokio::test]
async fn a_handshake_without_a_message_gets_its_header() {
    let mut client = plain().await;
    let mut request = Request::new(futures_util::stream::pending());
    // `user:s3:cret`
    let basic = "Basic dXNlcjpzMzpjcmV0".parse().expect("a value");
    request.metadata_mut().insert("authorization", basic);
    let answer = client.handshake(request).await.expect("an answer");
    let bearer = answer.metadata().get("authorization").expect("a header");
    assert_eq!(bearer.to_str().expect("text"), "Bearer s3:cret");
    let messages: Vec<_> = answer
        .into_inner()
        .try_collect()
        .await
        .expect("one message");
    assert_eq!(messages.len(), 1);
}
