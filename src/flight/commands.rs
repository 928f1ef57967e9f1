//! The commands of Flight SQL that ask about tables and the server, not for points (query contract, on
//! Flight SQL).

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_flight::sql::metadata::GetTablesBuilder;
use arrow_flight::sql::{Any, Command, CommandGetTables, CommandStatementQuery};
use arrow_schema::SchemaRef;
use tidegate_query::Parameters;
use tonic::Status;

use super::abilities;
use super::asks::Asks;
use super::buckets::Flight;
use super::call::Call;
use super::catalog::{self, BASE_TABLE, CATALOG};
use super::status;

/// Every table, those of the information schema included.
const TABLES: &str = "SELECT table_schema, table_name, table_type FROM information_schema.tables";

/// The header that renames the type of the tables of points: some tools list only `TABLE`.
const BASE_TABLE_TYPE: &str = "x-influxdata-base-table-type";

/// Reads a command.
pub(super) fn read(any: Any) -> Result<Command, Status> {
    Command::try_from(any)
        .map_err(|error| status::invalid(format!("the command cannot be read: {error}")))
}

/// The text of a statement, which is no part of a transaction.
pub(super) fn text(statement: CommandStatementQuery) -> Result<String, Status> {
    match statement.transaction_id {
        None => Ok(statement.query),
        Some(_) => Err(no_transactions()),
    }
}

/// The answer to what belongs to a transaction.
pub(super) fn no_transactions() -> Status {
    status::unimplemented("there are no transactions")
}

/// Returns true if the answer depends on the bucket.
pub(super) fn needs_database(command: &Command) -> bool {
    matches!(command, Command::CommandGetTables(_))
}

/// The columns of the answer to a command.
pub(super) fn schema(command: &Command) -> Result<SchemaRef, Status> {
    match command {
        Command::CommandGetTables(command) => Ok(command.clone().into_builder().schema()),
        command => Ok(of_server(command)?.schema()),
    }
}

/// The answer to a command.
pub(super) async fn answer<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    database: Option<&str>,
    command: Command,
) -> Result<RecordBatch, Status> {
    match command {
        Command::CommandGetTables(command) => {
            let bucket = flight.bucket(call, database)?;
            tables(flight, call, &bucket, command).await
        }
        command => of_server(&command),
    }
}

/// The answers that are the same for every bucket.
fn of_server(command: &Command) -> Result<RecordBatch, Status> {
    let batch = match command {
        Command::CommandGetCatalogs(command) => {
            let mut builder = command.into_builder();
            builder.append(CATALOG);
            builder.build()
        }
        Command::CommandGetDbSchemas(command) => catalog::schemas(command.clone()),
        Command::CommandGetTableTypes(_) => catalog::table_types(),
        Command::CommandGetSqlInfo(command) => abilities::abilities()
            .and_then(|infos| infos.record_batch(command.info.iter().copied())),
        Command::CommandGetXdbcTypeInfo(command) => {
            catalog::types().and_then(|types| types.record_batch(command.data_type))
        }
        Command::CommandGetPrimaryKeys(_) => Ok(RecordBatch::new_empty(catalog::primary_keys())),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => {
            Ok(RecordBatch::new_empty(catalog::foreign_keys()))
        }
        other => return Err(unknown(other.type_url())),
    };
    batch.map_err(status::of_flight)
}

/// The answer to a command that there is not.
pub(super) fn unknown(type_url: &str) -> Status {
    let name = type_url.rsplit(['/', '.']).next().unwrap_or(type_url);
    // As in a descriptor with a path, whose command is empty.
    let name = if name.is_empty() {
        "a request without a command"
    } else {
        name
    };
    status::unimplemented(format!("{name} is not implemented: questions only read"))
}

async fn tables<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    bucket: &A::Bucket,
    command: CommandGetTables,
) -> Result<RecordBatch, Status> {
    let base_type = call.headers.get(BASE_TABLE_TYPE);
    let base_type = base_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or(BASE_TABLE);
    let with_schema = command.include_schema;
    let names = CommandGetTables {
        include_schema: false,
        ..command
    };
    let mut names = names.into_builder();
    let question = flight.asks.sql(bucket, TABLES).await;
    let question = question.map_err(status::of_query)?;
    let answer = question.run(Parameters::none()).await;
    let mut answer = answer.map_err(status::of_query)?;
    while let Some(batch) = answer.next_batch().await.map_err(status::of_query)? {
        for [schema, table, kind] in rows(&batch)? {
            let kind = match kind == BASE_TABLE {
                true => base_type,
                false => kind,
            };
            let none = arrow_schema::Schema::empty();
            let appended = names.append(CATALOG, schema, table, kind, &none);
            appended.map_err(status::of_flight)?;
        }
    }
    // It holds a place among those of all questions, which each of the next ones needs.
    drop(answer);
    let names = names.build().map_err(status::of_flight)?;
    match with_schema {
        true => with_schemas(flight, bucket, &names).await,
        false => Ok(names),
    }
}

/// Adds the columns of each table.
async fn with_schemas<A: Asks>(
    flight: &Flight<A>,
    bucket: &A::Bucket,
    names: &RecordBatch,
) -> Result<RecordBatch, Status> {
    let no: Option<String> = None;
    let mut builder = GetTablesBuilder::new(no.clone(), no.clone(), no, [""; 0], true);
    let names = names.project(&[1, 2, 3]).map_err(status::internal)?;
    for [schema, table, kind] in rows(&names)? {
        let text = format!("SELECT * FROM {}.{}", quoted(schema), quoted(table));
        let question = flight.asks.sql(bucket, &text).await;
        let columns = question.map_err(status::of_query)?.schema();
        let appended = builder.append(CATALOG, schema, table, kind, &columns);
        appended.map_err(status::of_flight)?;
    }
    builder.build().map_err(status::of_flight)
}

/// The rows of three columns of strings.
fn rows(batch: &RecordBatch) -> Result<impl Iterator<Item = [&str; 3]>, Status> {
    let column = |index: usize| {
        let column = batch.columns().get(index)?.as_string_opt::<i32>()?;
        (column.null_count() == 0).then_some(column)
    };
    let columns = column(0).zip(column(1)).zip(column(2));
    let ((first, second), third) = columns.ok_or_else(|| {
        status::internal("the names of tables are no three columns of strings without nulls")
    })?;
    let rows = 0..batch.num_rows();
    Ok(rows.map(move |row| [first, second, third].map(|column| column.value(row))))
}

/// A name in SQL, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
