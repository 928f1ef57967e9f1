//! The output of problems: text for people, or one JSON object per line.

use std::io::{self, Write};

use memchr::memchr;
use serde::Serialize;

use super::excerpt::excerpt;
use crate::certain::Certain as _;
use crate::cli::terminal;
use crate::ingest::LineReport;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people, on a terminal of this many columns, or in a file.
    Text {
        columns: usize,
    },
    Json,
}

/// The columns of a line in a file.
const FILE_COLUMNS: usize = 100;

/// The indent of a shown line and of its mark.
const INDENT: &str = "  ";

impl Form {
    /// For people at standard output.
    pub(super) fn text() -> Self {
        let columns = terminal::columns().unwrap_or(FILE_COLUMNS);
        Self::Text { columns }
    }
}

/// A problem and the line that has it.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a str,
    report: &'a LineReport,
    /// Without its end.
    line: &'a [u8],
}

#[derive(Serialize)]
struct Object<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    code: &'a str,
    message: &'a str,
}

/// Brings reports, which are in line order, together with their lines in `text`, which starts
/// with physical line `first_line`.
pub(super) fn with_lines<'a>(
    file: &'a str,
    text: &'a [u8],
    first_line: u32,
    reports: &'a [LineReport],
) -> impl Iterator<Item = Report<'a>> {
    let (mut rest, mut number) = (text, first_line);
    reports.iter().map(move |report| {
        while number < report.line {
            let end = memchr(b'\n', rest).certain("a report is about a line of this text");
            rest = rest
                .get(end + 1..)
                .certain("memchr found the line feed in it");
            number += 1;
        }
        let line = rest.get(..memchr(b'\n', rest).unwrap_or(rest.len()));
        let line = line.certain("memchr found the line feed in it");
        Report {
            file,
            report,
            line: line.strip_suffix(b"\r").unwrap_or(line),
        }
    })
}

impl Report<'_> {
    pub(super) fn write(&self, form: Form, out: &mut dyn Write) -> io::Result<()> {
        let LineReport {
            line,
            column,
            code,
            message,
            ..
        } = self.report;
        match form {
            Form::Text { columns } => {
                let columns = columns.saturating_sub(INDENT.len());
                let (shown, mark) = excerpt(self.line, *column, columns);
                writeln!(out, "{}:{line}:{column} {message}", self.file)?;
                writeln!(out, "{INDENT}{shown}")?;
                match mark {
                    Some(mark) => writeln!(out, "{INDENT}{mark}"),
                    None => Ok(()),
                }
            }
            Form::Json => {
                let object = Object {
                    file: self.file,
                    line: *line,
                    column: *column,
                    code,
                    message,
                };
                serde_json::to_writer(&mut *out, &object)?;
                out.write_all(b"\n")
            }
        }
    }
}
