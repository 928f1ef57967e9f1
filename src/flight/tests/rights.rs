//! Whoever may not read a bucket learns nothing of it, whichever way it is asked about.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, Any, CommandGetTables, CommandPreparedStatementQuery,
    CommandStatementQuery, ProstMessageExt,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, Ticket};
use bytes::Bytes;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::serve;
use super::table::{Tables, reader};
use crate::flight::messages::{READ_INFO_URL, ReadInfo, TicketContents};

/// What a statement that another token prepared stands for: nothing is kept on the server.
fn asked(database: &str) -> TicketContents {
    TicketContents {
        database: database.to_owned(),
        query: "SELECT 1".to_owned(),
        ..TicketContents::default()
    }
}

/// The commands that are about a bucket.
fn commands(database: &str) -> Vec<Any> {
    vec![
        CommandStatementQuery {
            query: "SELECT 1".to_owned(),
            transaction_id: None,
        }
        .as_any(),
        CommandPreparedStatementQuery {
            prepared_statement_handle: asked(database).encode_to_vec().into(),
        }
        .as_any(),
        CommandGetTables::default().as_any(),
    ]
}

fn tickets(database: &str) -> Vec<Bytes> {
    let json = format!(r#"{{"database":"{database}","sql_query":"SELECT 1"}}"#);
    let info = ReadInfo {
        database: database.to_owned(),
        sql_query: "SELECT 1".to_owned(),
        ..ReadInfo::default()
    };
    let wrapped = Any {
        type_url: READ_INFO_URL.to_owned(),
        value: info.encode_to_vec().into(),
    };
    let mut tickets = vec![
        json.into(),
        info.encode_to_vec().into(),
        wrapped.encode_to_vec().into(),
        asked(database).ticket(),
    ];
    for command in commands(database) {
        let bytes: Bytes = command.encode_to_vec().into();
        let ours = TicketContents {
            command: bytes.clone(),
            ..asked(database)
        };
        tickets.extend([bytes, ours.ticket()]);
    }
    tickets
}

/// A request whose headers name the database.
fn of<T>(database: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let database = database.parse().expect("a header value");
    request.metadata_mut().insert("database", database);
    request
}

/// The codes of every call that there is about this bucket.
async fn codes(client: &mut FlightServiceClient<Channel>, database: &str) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut told = |failed: Option<Status>| codes.push(failed.map_or(Code::Ok, |e| e.code()));
    for ticket in tickets(database) {
        let request = of(database, Ticket::new(ticket));
        told(client.do_get(request).await.err());
    }
    for command in commands(database) {
        let descriptor = FlightDescriptor::new_cmd(command.encode_to_vec());
        let request = of(database, descriptor.clone());
        told(client.get_flight_info(request).await.err());
        told(client.get_schema(of(database, descriptor)).await.err());
    }
    let prepare = ActionCreatePreparedStatementRequest {
        query: "SELECT 1".to_owned(),
        transaction_id: None,
    };
    let prepare = prepare.as_any().encode_to_vec();
    let action = Action::new("CreatePreparedStatement", prepare);
    told(client.do_action(of(database, action)).await.err());
    let bind = commands(database).swap_remove(1).encode_to_vec();
    let data = FlightData::new().with_descriptor(FlightDescriptor::new_cmd(bind));
    let stream = futures_util::stream::iter([data]);
    told(client.do_put(of(database, stream)).await.err());
    codes
}

#[tokio::test]
async fn no_ticket_command_or_handle_tells_a_stranger_whether_a_bucket_exists() {
    let sender = reader(["b", "gone"]);
    let channel = serve(Tables::new(), sender, CancellationToken::new()).await;
    let mut client = FlightServiceClient::new(channel);
    for (database, code) in [
        ("other", Code::PermissionDenied),
        ("none", Code::PermissionDenied),
        ("gone", Code::NotFound),
    ] {
        let found = codes(&mut client, database).await;
        assert_eq!(found, vec![code; 18], "{database}");
    }
    let found = codes(&mut client, "b").await;
    let refused: Vec<_> = found.iter().filter(|code| **code != Code::Ok).collect();
    assert!(
        refused.len() <= 1,
        "the tables of this bucket cannot all be read: {found:?}"
    );
}
