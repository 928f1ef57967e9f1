//! An answer in series, as `/query` gives it in chunks: a document of JSON per line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::broken::cut;
use crate::cli::CliError;
use crate::cli::connection::Session;
use crate::client::Download;

/// The documents of an answer, as they come.
#[derive(Debug)]
pub(super) struct Documents {
    session: Session,
    download: Download,
    /// What came of the next document.
    held: Vec<u8>,
}

/// A part of the answers to one request.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Document {
    pub(super) results: Vec<Outcome>,
    /// The reason for which the request has no answer.
    error: Option<String>,
}

/// A part of the answer to one statement.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Outcome {
    pub(super) series: Vec<Series>,
    pub(super) messages: Vec<Message>,
    /// The reason for which it ended early.
    error: Option<String>,
}

/// What the server remarks.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Message {
    pub(super) level: String,
    pub(super) text: String,
}

/// Rows of one series.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) columns: Vec<String>,
    pub(super) values: Vec<Vec<Value>>,
}

impl Document {
    /// The first failure that it tells of.
    pub(super) fn error(&self) -> Option<&str> {
        let mut errors = self.results.iter().map(|outcome| outcome.error.as_deref());
        self.error.as_deref().or_else(|| errors.find_map(|one| one))
    }
}

impl Documents {
    /// The documents of this answer, of which nothing was taken.
    pub(super) fn new(session: Session, download: Download) -> Self {
        let held = Vec::new();
        Self {
            session,
            download,
            held,
        }
    }

    /// The next document; none at the end of a whole answer.
    pub(super) async fn next(&mut self) -> Result<Option<Document>, CliError> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return self.read(&line).map(Some);
            }
            let piece = self.download.next().await;
            match piece.map_err(|error| cut(&self.session, error))? {
                Some(bytes) => self.held.extend_from_slice(&bytes),
                None if self.held.is_empty() => return Ok(None),
                None => {
                    let line = std::mem::take(&mut self.held);
                    return self.read(&line).map(Some);
                }
            }
        }
    }

    fn read(&self, line: &[u8]) -> Result<Document, CliError> {
        serde_json::from_slice(line).map_err(|error| {
            let address = self.session.client().address();
            CliError::Failed(format!(
                "the answer of {address} is not understood: {error}"
            ))
        })
    }
}
