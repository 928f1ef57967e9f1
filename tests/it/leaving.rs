//! Clients that ask and go away: nothing of theirs stays.

use std::time::Duration;

use arrow_flight::Ticket;
use arrow_flight::flight_service_client::FlightServiceClient;
use h2::client::handshake;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::Request as Call;
use tonic::transport::Channel;

use crate::client::Request;
use crate::server::{Server, TOKEN, until};

/// Rows without an end, and a long silence.
const ENDLESS: [&str; 2] = [
    "SELECT value AS n FROM generate_series(1, 1000000000000)",
    "SELECT count(*) AS n FROM generate_series(1, 1000000000000)",
];

fn body(text: &str) -> String {
    json!({ "db": "b", "q": text, "format": "csv" }).to_string()
}

/// One over HTTP/1.1, which reads nothing.
async fn over_http1(server: &Server, text: &str) -> JoinHandle<()> {
    let mut client = server.connect().await;
    let request = Request::post("/api/v3/query_sql").token(TOKEN);
    client.send(request.body(body(text)).bytes()).await;
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(client);
    })
}

async fn over_http2(server: &Server, text: &str) -> JoinHandle<()> {
    let stream = TcpStream::connect(server.address).await.expect("connects");
    let (mut send, connection) = handshake(stream).await.expect("a preface");
    let request = http::Request::post(format!("http://{}/api/v3/query_sql", server.address))
        .header("authorization", format!("Token {TOKEN}"))
        .body(())
        .expect("a request");
    let (answer, mut sending) = send.send_request(request, false).expect("sent");
    let body = body(text).into();
    sending.send_data(body, true).expect("sent");
    tokio::spawn(async move {
        // The connection is driven, and ends with this task.
        let _ = connection.await;
        drop((send, answer, sending));
    })
}

async fn over_grpc(server: &Server, text: &str) -> JoinHandle<()> {
    let endpoint = Channel::from_shared(format!("http://{}", server.address)).expect("an address");
    let mut client = FlightServiceClient::new(endpoint.connect().await.expect("connects"));
    let ticket = json!({ "database": "b", "sql_query": text, "query_type": "sql" });
    let mut call = Call::new(Ticket::new(ticket.to_string()));
    let credential = format!("Bearer {TOKEN}").parse().expect("a header value");
    call.metadata_mut().insert("authorization", credential);
    tokio::spawn(async move {
        if let Ok(answer) = client.do_get(call).await {
            let mut rows = answer.into_inner();
            let _ = rows.message().await;
            std::future::pending::<()>().await;
        }
    })
}

/// A request to `/query` may write, and does not end with its peer then; one that only reads does.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_influxql_that_hangs_up_ends_its_statement() {
    let server = Server::with(|config| config.query.concurrent_max = 1).await;
    server.write("bucket=b", "m v=1 1").await.is_written();
    let holder = over_http1(&server, ENDLESS[1]).await;
    until("the place is taken", || async {
        server.metric("tidegate_queries_running").await >= 1.0
    })
    .await;
    let mut client = server.connect().await;
    let request = Request::post("/query?db=b&q=SELECT+v+FROM+m").token(TOKEN);
    client.send(request.bytes()).await;
    until("the statement waits for its turn", || async {
        server.metric("tidegate_queries_waiting").await >= 1.0
    })
    .await;
    drop(client);
    until("nobody waits", || async {
        server.metric("tidegate_queries_waiting").await < 1.0
    })
    .await;
    holder.abort();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_that_hang_up_leave_nothing() {
    let server = Server::with(|config| {
        config.query.concurrent_max = 12;
        config.query.wait_timeout = Duration::from_secs(600);
    });
    let server = server.await;
    server.write("bucket=b", "m v=1 1").await.is_written();
    let before = server.metric("tidegate_memory_used_bytes").await;
    let mut clients = Vec::new();
    for number in 0..100 {
        let text = ENDLESS[number / 3 % 2];
        clients.push(match number % 3 {
            0 => over_http1(&server, text).await,
            1 => over_http2(&server, text).await,
            _ => over_grpc(&server, text).await,
        });
    }
    until("every place is taken", || async {
        server.metric("tidegate_queries_running").await >= 12.0
    })
    .await;
    for client in clients {
        client.abort();
    }
    until("nothing runs", || async {
        server.metric("tidegate_queries_running").await < 1.0
    })
    .await;
    for name in [
        "tidegate_query_memory_used_bytes",
        "tidegate_memory_used_bytes",
    ] {
        let limit = if name.contains("query") { 0.0 } else { before };
        until(name, || async { server.metric(name).await <= limit }).await;
    }
    server.stop().await;
}
