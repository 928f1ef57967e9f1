//! A question to the server, and the rows of its answer.
//!
//! Rows come as an Arrow stream whichever format is wanted: it keeps the types, so that one table,
//! one CSV and one JSON is written here and each is checked once. A question ends on the server when
//! its [`Rows`] are dropped: the connection closes.

use std::collections::VecDeque;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use http::Method;
use serde_json::{Map, Value, json};

use super::place::Place;
use crate::cli::CliError;
use crate::cli::connection::Session;
use crate::cli::output::remark;
use crate::client::{ClientError, Download, Request};
use crate::render::{ReadError, Reader};

const PATH: &str = "/api/v3/query_sql";

/// Asks questions of one bucket.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) session: Session,
    /// The bucket's name.
    pub(super) bucket: String,
    /// The longest wait for rows.
    pub(super) patience: Duration,
}

/// The rows of an answer, as they come.
#[derive(Debug)]
pub(super) struct Rows {
    session: Session,
    download: Download,
    reader: Reader,
    schema: SchemaRef,
    /// Those that were read already.
    ready: VecDeque<RecordBatch>,
}

impl Asker {
    /// Asks, and waits until the answer begins.
    pub(super) async fn ask(
        &self,
        statement: &str,
        values: &Map<String, Value>,
    ) -> Result<Rows, CliError> {
        let question =
            json!({"db": self.bucket, "q": statement, "params": values, "format": "arrow"});
        let request = Request::new(Method::POST, PATH).json(&question);
        let download = self
            .session
            .client()
            .download(request.patience(self.patience));
        let mut download = download
            .await
            .map_err(|error| self.explain(error, statement))?;
        let (mut reader, mut ready) = (Reader::default(), VecDeque::new());
        let schema = loop {
            ready.extend(
                piece(&self.session, &mut download, &mut reader)
                    .await?
                    .unwrap_or_default(),
            );
            if let Some(schema) = reader.schema() {
                break schema;
            }
        };
        Ok(Rows {
            session: self.session.clone(),
            download,
            reader,
            schema,
            ready,
        })
    }

    /// Shows the place in the statement that the server names: an error itself is one line.
    fn explain(&self, error: ClientError, statement: &str) -> CliError {
        let place = match &error {
            ClientError::Refused(refusal) => Place::named_in(&refusal.message),
            _ => None,
        };
        if let Some(shown) = place.and_then(|place| place.shown_in(statement)) {
            remark(&shown);
        }
        let more = match &error {
            ClientError::Refused(refusal) => about_values(&refusal.message),
            _ => None,
        };
        match (self.session.explain(error), more) {
            (CliError::Client { error, advice }, Some(more)) => CliError::Client {
                error,
                advice: format!("{advice}; {more}"),
            },
            (error, _) => error,
        }
    }
}

/// The remedy for a value that is missing, or is no time.
fn about_values(message: &str) -> Option<String> {
    if let Some((_, name)) = message.split_once("No value found for placeholder with name $") {
        let name = name
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()?;
        return Some(format!("give it with --param {name}=VALUE"));
    }
    message
        .contains("Error parsing timestamp from '")
        .then(|| NO_TIME.to_owned())
}

const NO_TIME: &str = "a time is a text such as 2026-01-31T12:00:00Z or 2026-01-31, and in --param \
                       also now or now-1h";

impl Rows {
    /// The columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; none at the end of a whole answer.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, CliError> {
        while self.ready.is_empty() {
            match piece(&self.session, &mut self.download, &mut self.reader).await? {
                Some(batches) => self.ready.extend(batches),
                None => return Ok(None),
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// The batches that are whole with the next bytes; none at the end.
async fn piece(
    session: &Session,
    download: &mut Download,
    reader: &mut Reader,
) -> Result<Option<Vec<RecordBatch>>, CliError> {
    let wrong = |error: ReadError| {
        let address = session.client().address();
        CliError::Failed(format!(
            "the answer of {address} is not understood: {error}"
        ))
    };
    let piece = download.next().await.map_err(|error| cut(session, error))?;
    match piece {
        Some(bytes) => reader.read(bytes).map(Some).map_err(wrong),
        None => reader.finish().map(|()| None).map_err(wrong),
    }
}

/// An answer that has begun can only be broken off: the reason is told elsewhere.
fn cut(session: &Session, error: ClientError) -> CliError {
    let is_cut = matches!(error, ClientError::Broken { .. });
    match session.explain(error) {
        CliError::Client { error, mut advice } if is_cut => {
            advice.push_str(
                "; the answer is not whole: if the server broke it off, its log says why",
            );
            CliError::Client { error, advice }
        }
        error => error,
    }
}
