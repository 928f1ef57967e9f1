//! `tidegate query`: asks a question in SQL or InfluxQL and shows the answer, or prompts for questions.
//!
//! ```text
//! statement + --param > asker > (HTTP, an Arrow stream) > rows > table | render > target
//!                             > (HTTP, JSON in chunks) > series > tables        > target
//! ```
//!
//! The second way is that of tables of InfluxQL, which show series as the `influx` shell of 1.x does.
//!
//! Why HTTP and not Flight, which carries the same rows: it works below a path prefix and through
//! every proxy; addresses, authorities, tokens and the words of errors are those of the other
//! commands; and a gRPC client would bring a second HTTP stack for one command. Why an Arrow stream
//! for every format: see [`asker`].

mod asker;
mod broken;
mod cells;
mod documents;
mod format;
mod history;
mod language;
mod parameter;
mod parts;
mod place;
mod prompt;
mod reference;
mod run;
mod series;
mod statement;
mod target;
mod waiting;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::connection::Connection;
use super::line_editor::LineEditor;
use super::{CliError, files, signals, values};
use crate::narrow;
use asker::{Asker, Question};
use format::Format;
use history::{History, STATEMENTS_MAX};
use language::Language;
use parameter::Parameter;
use prompt::Prompt;
use run::{Answered, answer};
use target::Target;

const HELP: &str = "\
Each measurement is a table; its tags and fields are columns, beside time. Without a statement, a \
terminal gets a prompt, which keeps what is entered in \
$XDG_STATE_HOME/tidegate/query_history; elsewhere the statement is read from standard input.

With --language influxql a table is one per series, as in the influx shell of InfluxDB 1.x, and there may \
be several statements; the other formats have rows, with the measurement and the tags of the group as \
columns, of one statement.

A terminal gets a table, a pipe CSV, and a file what its name says (.csv, .json, .jsonl, .parquet, \
.arrow; CSV with .txt and without an ending). Another name needs --format, and one of these must agree \
with it (.txt takes all but Parquet and Arrow). In texts, times are in RFC 3339; a table shows NULL where \
there is no value, and no more than 1000 characters of one.

Ctrl-C ends the question on the server, too. Exit status: 0 if the answer is whole, or as long as \
was asked for; 1 if not; 2 if the command is not understood.

Examples:
  tidegate query --bucket home 'SELECT * FROM room LIMIT 5'
  tidegate query --bucket home 'SHOW TABLES'
  tidegate query --bucket home --param since=now-1h \\
    'SELECT * FROM room WHERE time >= $since'
  tidegate query --bucket home --format json \\
    'SELECT floor, avg(temperature) FROM room GROUP BY 1'
  tidegate query --bucket home -o room.parquet \\
    'SELECT * FROM room'
  tidegate query --bucket home --language influxql \\
    'SELECT mean(temperature) FROM room GROUP BY floor'
  echo 'SELECT count(*) FROM room' | \\
    tidegate query --bucket home";

/// The most bytes of a statement: the server takes no more.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

const NO_STATEMENT: &str = "there is no statement: give it after the flags, or on standard input";

/// The most rows of a table on a terminal, unless another number is asked for.
const ROWS_MAX: u64 = 1000;

/// Ask a question in SQL or InfluxQL: a table, CSV, JSON, Parquet or Arrow.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Query {
    /// The statement, which only reads.
    #[arg(value_name = "QUERY")]
    statement: Option<String>,
    /// The language of the statement.
    #[arg(long, short, value_name = "LANGUAGE", default_value = "sql")]
    language: Language,
    /// The bucket, by name.
    #[arg(long, short, value_name = "BUCKET", value_parser = values::bucket)]
    bucket: String,
    /// A value for $NAME: a number, true, false, null, otherwise a text ("5" is one, too). A time is
    /// a text such as 2026-01-31T12:00:00Z, or now-1h. An integer has at most 64 bits.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = parameter::parameter)]
    parameters: Vec<Parameter>,
    /// The format of the answer [default: by the file's name; a table on a terminal, otherwise csv].
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file; - is standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show at most this many rows in a table; 0 is all [default: 1000 on a terminal, otherwise
    /// all].
    #[arg(long, value_name = "NUMBER")]
    rows: Option<u64>,
    /// Wait at most this long for the next rows. The server has a limit of its own
    /// (query.timeout_ms).
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::patience)]
    timeout: Duration,
    /// Keep nothing of what is entered at the prompt, and show nothing older.
    #[arg(long)]
    no_history: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Query {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let target = self.target()?;
        let values = self.values()?;
        let asker = Asker {
            session: self.connection.session()?,
            bucket: self.bucket,
            patience: self.timeout,
        };
        let statement = match self.statement {
            Some(statement) => statement,
            None if io::stdin().is_terminal() => {
                may_prompt(&target)?;
                let target = Target {
                    is_at_prompt: true,
                    ..target
                };
                let (history, older) = History::open(!self.no_history);
                let editor = LineEditor::new(older, STATEMENTS_MAX);
                let prompt = Prompt {
                    asker: &asker,
                    target: &target,
                    language: self.language,
                    values: &values,
                    history,
                    editor: editor.map_err(CliError::system("use the terminal"))?,
                };
                return prompt.run().await;
            }
            None => piped()?,
        };
        if statement::is_blank(&statement) {
            return Err(CliError::Usage(NO_STATEMENT.to_owned()));
        }
        let question = Question {
            language: self.language,
            statement: &statement,
            values: &values,
        };
        let interruption = signals::interruption()?;
        let cancelled = interruption.cancelled();
        match answer(&asker, question, &target, cancelled).await? {
            Answered::Whole => Ok(()),
            Answered::Cancelled => Err(CliError::Interrupted),
        }
    }

    fn target(&self) -> Result<Target, CliError> {
        let file = self.output.clone().filter(|path| path.as_os_str() != "-");
        let is_terminal = file.is_none() && io::stdout().is_terminal();
        if let Some(file) = &file {
            files::uncompressed(file)?;
        }
        let format = match self.format {
            Some(format) => {
                let belongs = file
                    .as_deref()
                    .map_or(Ok(()), |file| format.belongs_in(file));
                belongs.map_err(CliError::Usage)?;
                format
            }
            None => Format::usual(file.as_deref(), is_terminal).map_err(CliError::Usage)?,
        };
        if is_terminal && !format.is_text() {
            let text = "this format is not for terminals: give a file with --output";
            return Err(CliError::Usage(text.to_owned()));
        }
        let rows_max = match self.rows {
            Some(0) => None,
            Some(rows) => Some(rows),
            None => is_terminal.then_some(ROWS_MAX),
        };
        if self.rows.is_some() && format != Format::Table {
            let text = "--rows is for tables: use LIMIT in the statement";
            return Err(CliError::Usage(text.to_owned()));
        }
        Ok(Target {
            format,
            file,
            rows_max,
            is_at_prompt: false,
        })
    }

    fn values(&self) -> Result<Map<String, Value>, CliError> {
        let mut values = Map::new();
        for Parameter { name, value } in &self.parameters {
            if values.insert(name.clone(), value.clone()).is_some() {
                return Err(CliError::Usage(format!("--param {name} is given twice")));
            }
        }
        Ok(values)
    }
}

/// A prompt and its answers need the whole terminal.
fn may_prompt(target: &Target) -> Result<(), CliError> {
    match target.file.is_none() && io::stdout().is_terminal() {
        true => Ok(()),
        false => Err(CliError::Usage(NO_STATEMENT.to_owned())),
    }
}

/// The statement on standard input.
fn piped() -> Result<String, CliError> {
    let mut text = String::new();
    let read = io::stdin()
        .take(STATEMENT_BYTES_MAX + 1)
        .read_to_string(&mut text);
    let read = read.map_err(CliError::system("read the statement on standard input"))?;
    if narrow::to_u64(read) > STATEMENT_BYTES_MAX {
        let text =
            format!("the statement on standard input has more than {STATEMENT_BYTES_MAX} bytes");
        return Err(CliError::Usage(text));
    }
    // A mark of the order of bytes, which some editors begin a file with.
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}
