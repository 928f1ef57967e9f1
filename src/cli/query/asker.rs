//! A question to the server, and its answer.
//!
//! Rows come as an Arrow stream whichever format is wanted: it keeps the types, so that one table,
//! one CSV and one JSON is written here and each is checked once. A table of InfluxQL is one of series,
//! which come as the documents of `/query`. A question ends on the server when its answer is dropped:
//! the connection closes.

use std::collections::VecDeque;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::broken::cut;
use super::documents::Documents;
use super::format::Format;
use super::language::Language;
use super::place::Place;
use crate::cli::CliError;
use crate::cli::connection::Session;
use crate::cli::output::remark;
use crate::client::{ClientError, Download, Request, query_value};
use crate::render::{ReadError, Reader};

/// The rows of a document: as many as a part of a table.
const CHUNK_ROWS: usize = 1000;

/// A question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    pub(super) language: Language,
    pub(super) statement: &'q str,
    /// The values of `$name`.
    pub(super) values: &'q Map<String, Value>,
}

/// An answer, as it comes.
#[derive(Debug)]
pub(super) enum Answer {
    /// Rows, of one table.
    Rows(Rows),
    /// Series, of one statement or several.
    Series(Documents),
}

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
    /// Asks, and waits until the answer begins, which is for this format.
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
        format: Format,
    ) -> Result<Answer, CliError> {
        match (question.language, format) {
            (Language::Influxql, Format::Table) => {
                self.ask_for_series(question).await.map(Answer::Series)
            }
            _ => self.ask_for_rows(question).await.map(Answer::Rows),
        }
    }

    async fn ask_for_series(&self, question: Question<'_>) -> Result<Documents, CliError> {
        let Question {
            statement, values, ..
        } = question;
        let form = format!(
            "db={}&q={}&params={}&chunked=true&chunk_size={CHUNK_ROWS}",
            query_value(&self.bucket),
            query_value(statement),
            query_value(&Value::Object(values.clone()).to_string()),
        );
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = Request::new(Method::POST, "/query")
            .header(CONTENT_TYPE, kind)
            .body(Bytes::from(form));
        let download = self.download(request, statement).await?;
        Ok(Documents::new(self.session.clone(), download))
    }

    async fn download(&self, request: Request, statement: &str) -> Result<Download, CliError> {
        let request = request.patience(self.patience);
        let download = self.session.client().download(request).await;
        download.map_err(|error| self.explain(error, statement))
    }

    async fn ask_for_rows(&self, question: Question<'_>) -> Result<Rows, CliError> {
        let Question {
            language,
            statement,
            values,
        } = question;
        let body = json!({"db": self.bucket, "q": statement, "params": values, "format": "arrow"});
        let request = Request::new(Method::POST, language.path()).json(&body);
        let mut download = self.download(request, statement).await?;
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
    let missing = message
        .split_once("No value found for placeholder with name $")
        .or_else(|| message.split_once("missing parameter: "));
    if let Some((_, name)) = missing {
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
