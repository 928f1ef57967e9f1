//! The parameters of a request for `/query` (query contract, 8.1).

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::error::RequestError;
use super::parameters;
use super::time::{Times, Unit};
use super::{Format, Options};
use crate::influxql::bindings::Binding;

/// The rows of a chunk unless `chunk_size` says another number.
pub const CHUNK_ROWS: NonZeroUsize = match NonZeroUsize::new(10_000) {
    Some(rows) => rows,
    None => NonZeroUsize::MIN,
};

/// What a client asks for. An empty parameter counts as one that is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `q`, without white space around it; never empty.
    pub text: String,
    /// `db`
    pub database: Option<String>,
    /// `rp`
    pub retention_policy: Option<String>,
    /// `params`, by name without the dollar.
    pub bindings: HashMap<String, Binding>,
    /// `pretty=true` in the address.
    pub pretty: bool,
    /// `epoch` and `time_format`, which is the stronger one.
    pub times: Times,
    /// `chunk_size` if `chunked=true`.
    pub chunk_rows: Option<NonZeroUsize>,
}

impl Request {
    /// Reads the parameters of the address and those of a form in the body, both decoded. One in the
    /// body wins, and the first of several.
    ///
    /// # Errors
    ///
    /// No `q`, a wrong `params` or a wrong `time_format`. Everything else that is wrong counts as
    /// not given, as in 1.x.
    pub fn read<S: AsRef<str>>(address: &[(S, S)], body: &[(S, S)]) -> Result<Self, RequestError> {
        let find = |name: &str| {
            let named = |pair: &&(S, S)| pair.0.as_ref() == name && !pair.1.as_ref().is_empty();
            let found = body.iter().find(named);
            let found = found.or_else(|| address.iter().find(named));
            found.map(|(_, value)| value.as_ref())
        };
        let text = find("q").unwrap_or_default().trim();
        if text.is_empty() {
            return Err(RequestError::NoText);
        }
        let bindings = find("params").map_or_else(|| Ok(HashMap::new()), parameters::read)?;
        let times = times(find("epoch"), find("time_format"))?;
        let chunk_rows = find("chunk_size").or_else(|| find("chunked_size"));
        let pretty = address.iter().find(|(name, _)| name.as_ref() == "pretty");
        Ok(Self {
            text: text.to_owned(),
            database: find("db").map(str::to_owned),
            retention_policy: find("rp").map(str::to_owned),
            bindings,
            pretty: pretty.is_some_and(|(_, value)| value.as_ref() == "true"),
            times,
            chunk_rows: (find("chunked") == Some("true"))
                .then(|| chunk_rows.map_or(CHUNK_ROWS, read_chunk_rows)),
        })
    }

    /// Returns how the answer is written in a format.
    pub fn options(&self, format: Format) -> Options {
        Options {
            format,
            pretty: self.pretty,
            times: self.times,
            chunk_rows: self.chunk_rows,
        }
    }
}

fn times(epoch: Option<&str>, time_format: Option<&str>) -> Result<Times, RequestError> {
    match time_format {
        Some("rfc3339") => Ok(Times::Rfc3339),
        None | Some("epoch") => {
            Ok(epoch.map_or(Times::Usual, |word| Times::Epoch(Unit::of_epoch(word))))
        }
        Some(other) => Err(RequestError::TimeFormat(other.to_owned())),
    }
}

fn read_chunk_rows(text: &str) -> NonZeroUsize {
    let rows: Option<NonZeroUsize> = text.parse().ok();
    rows.unwrap_or(CHUNK_ROWS)
}
