//! `tidegate lake status`.

use clap::Args;
use http::Method;
use indicatif::HumanBytes;
use serde::Deserialize;

use super::which::{PATH, Which};
use crate::cli::connection::Connection;
use crate::cli::terminal::visible;
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
ROWS and SIZE are those of the table's files; BUFFERED counts rows that are still only in memory and \
log. VERSION is that of the Delta table, `-` before the first flush. Exit status: 1 if a table \
cannot be read.

Examples:
  tidegate lake status
  tidegate lake status --bucket home --measurement room
  tidegate lake status --json";

/// Show the tables: rows, files, sizes, and what is buffered.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Status {
    #[command(flatten)]
    which: Which,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Deserialize)]
struct List {
    location: String,
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    bucket: String,
    measurement: String,
    version: Option<u64>,
    columns: u64,
    days: u64,
    files: u64,
    bytes: u64,
    rows: u64,
    buffered_rows: u64,
    error: Option<String>,
}

impl Status {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let path = format!("{PATH}{}", self.which.query());
        let answer = session.ask(Request::new(Method::GET, path)).await?;
        let list: List = answer.json().map_err(|error| session.explain(error))?;
        if self.json {
            output::json(&answer)?;
        } else {
            show(&list)?;
        }
        let unreadable = list
            .tables
            .iter()
            .filter(|table| table.error.is_some())
            .count();
        match unreadable {
            0 => Ok(()),
            some => Err(CliError::Failed(format!(
                "{some} of {} tables cannot be read",
                list.tables.len()
            ))),
        }
    }
}

fn show(list: &List) -> Result<(), CliError> {
    let heads = [
        "BUCKET",
        "MEASUREMENT",
        "ROWS",
        "SIZE",
        "FILES",
        "DAYS",
        "COLS",
        "VERSION",
        "BUFFERED",
    ];
    let rows: Vec<[String; 9]> = list.tables.iter().map(Table::row).collect();
    output::table(heads, &rows)?;
    for table in &list.tables {
        if let Some(error) = &table.error {
            output::remark(&visible(error));
        }
    }
    output::remark(&format!("the tables lie in {}", visible(&list.location)));
    Ok(())
}

impl Table {
    fn row(&self) -> [String; 9] {
        let version = self
            .version
            .map_or_else(|| "-".to_owned(), |version| version.to_string());
        [
            self.bucket.clone(),
            self.measurement.clone(),
            self.rows.to_string(),
            HumanBytes(self.bytes).to_string(),
            self.files.to_string(),
            self.days.to_string(),
            self.columns.to_string(),
            version,
            self.buffered_rows.to_string(),
        ]
    }
}
