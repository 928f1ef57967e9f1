//! Actions: prepared statements, and the options of sessions.

use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, ProstMessageExt,
};
use arrow_flight::{Action, ActionType};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use prost::Message;
use tidegate_query::Parameter;
use tonic::Status;

use super::asks::{Asks, Protocol};
use super::buckets::Flight;
use super::call::Call;
use super::info::schema_bytes;
use super::messages::TicketContents;
use super::{commands, descriptor, session, status, values};

/// The actions, and what they are for.
const ACTIONS: [(&str, &str); 5] = [
    (
        "CreatePreparedStatement",
        "Plans a question whose parameters get their values later",
    ),
    (
        "ClosePreparedStatement",
        "Forgets a prepared statement, of which nothing is kept",
    ),
    (
        "SetSessionOptions",
        "Accepts catalog = public and schema = iox",
    ),
    ("GetSessionOptions", "Tells the catalog and the schema"),
    ("CloseSession", "Ends a session, of which nothing is kept"),
];

/// The list of actions.
pub(super) fn list() -> Vec<ActionType> {
    let actions = ACTIONS.iter();
    actions
        .map(|(name, description)| ActionType {
            r#type: (*name).to_owned(),
            description: (*description).to_owned(),
        })
        .collect()
}

/// Carries out an action. Returns the body of its one result.
pub(super) async fn act<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    action: Action,
) -> Result<Vec<u8>, Status> {
    match action.r#type.as_str() {
        "CreatePreparedStatement" => prepare(flight, call, unpack(action.body)?).await,
        "ClosePreparedStatement" => {
            unpack::<ActionClosePreparedStatementRequest>(action.body)?;
            Ok(Vec::new())
        }
        "SetSessionOptions" => session::set(action.body),
        "GetSessionOptions" => Ok(session::get()),
        "CloseSession" => Ok(session::close()),
        other => Err(status::unimplemented(format!(
            "the action \"{other}\" is not implemented"
        ))),
    }
}

fn unpack<M: ProstMessageExt>(body: Bytes) -> Result<M, Status> {
    let message = Any::decode(body).ok().and_then(|any| any.unpack().ok()?);
    message.ok_or_else(|| status::invalid("the body of the action is not what its type asks for"))
}

async fn prepare<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    request: ActionCreatePreparedStatementRequest,
) -> Result<Vec<u8>, Status> {
    if request.transaction_id.is_some() {
        return Err(commands::no_transactions());
    }
    let contents = TicketContents {
        database: call.database()?.unwrap_or_default(),
        query: request.query,
        influxql: call.speaks_influxql(),
        ..TicketContents::default()
    };
    let (database, text) = (Some(contents.database.as_str()), &contents.query);
    let (columns, parameters) = if contents.influxql {
        let columns = descriptor::of_influxql(flight, call, &contents).await?;
        (columns, parameter_schema(&values::parameters(text)))
    } else {
        call.speaks_sql()?;
        let question = flight.question(call, database, Protocol::FlightSql, text);
        let question = question.await?;
        (question.schema(), parameter_schema(question.parameters()))
    };
    let result = ActionCreatePreparedStatementResult {
        prepared_statement_handle: contents.encode_to_vec().into(),
        dataset_schema: schema_bytes(&columns)?,
        parameter_schema: schema_bytes(&parameters)?,
    };
    Ok(result.as_any().encode_to_vec())
}

/// A column per parameter: clients compare the numbers. One whose type is not known takes a string.
fn parameter_schema(parameters: &[Parameter]) -> Schema {
    let fields = parameters.iter().map(|parameter| {
        let data_type = parameter.data_type.clone().unwrap_or(DataType::Utf8);
        Field::new(&parameter.name, data_type, true)
    });
    Schema::new(fields.collect::<Vec<_>>())
}
