//! The order of documents, results and series, whatever the format.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use super::column::{Column, columns};
use super::csv::Csv;
use super::error::AnswerError;
use super::json::Json;
use super::msgpack::Msgpack;
use super::{Format, Head, Options};
use crate::influxql::series::{SeriesPart, Tags};

/// What a format writes where something begins or ends.
pub(super) trait Form: Send {
    /// Begins a document of this many results.
    fn open_document(&mut self, results: usize, out: &mut Vec<u8>);
    fn close_document(&mut self, out: &mut Vec<u8>);
    /// Begins the result of a statement, or of a chunk of it.
    fn open_result(&mut self, statement: usize, head: &Head, out: &mut Vec<u8>);
    fn close_result(&mut self, ending: Ending<'_>, out: &mut Vec<u8>);
    fn open_series(&mut self, part: &SeriesPart, out: &mut Vec<u8>);
    fn rows(&mut self, columns: &[Column<'_>], rows: Range<usize>, out: &mut Vec<u8>);
    /// Ends a series; `partial` if rows of it are missing here.
    fn close_series(&mut self, partial: bool, out: &mut Vec<u8>);
    /// Returns how many bytes wait for what is not known yet.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// How a result ends.
#[derive(Clone, Copy)]
pub(super) enum Ending<'a> {
    Complete,
    /// More chunks of the statement follow.
    Partial,
    Failed(&'a str),
}

/// The text of a statement that another one's failure kept from being run.
const NOT_EXECUTED: &str = "not executed";

/// An answer on its way to the client.
pub struct Answer {
    form: Box<dyn Form>,
    chunk_rows: Option<NonZeroUsize>,
    statements: usize,
    /// The statement that runs or comes next.
    statement: usize,
    head: Head,
    runs: bool,
    failed: bool,
    document_is_open: bool,
    result_is_open: bool,
    series: Option<Series>,
    /// The rows that the current chunk has.
    rows: usize,
}

/// What tells a series from another one.
struct Series {
    name: Arc<str>,
    tags: Option<Tags>,
    columns: Arc<[String]>,
}

impl Series {
    fn of(part: &SeriesPart) -> Self {
        Self {
            name: Arc::clone(&part.name),
            tags: part.tags.clone(),
            columns: Arc::clone(&part.columns),
        }
    }

    fn has(&self, part: &SeriesPart) -> bool {
        self.name == part.name && self.tags == part.tags && self.columns == part.columns
    }
}

impl Answer {
    /// Returns the answer to this many statements.
    pub fn new(options: Options, statements: usize) -> Self {
        let form: Box<dyn Form> = match options.format {
            Format::Json => Box::new(Json::new(options.pretty, options.times)),
            Format::ApplicationCsv | Format::TextCsv => Box::new(Csv::new(options.times)),
            Format::Msgpack => Box::new(Msgpack::new(options.times)),
        };
        Self {
            form,
            chunk_rows: options.chunk_rows,
            statements,
            statement: 0,
            head: Head::default(),
            runs: false,
            failed: false,
            document_is_open: false,
            result_is_open: false,
            series: None,
            rows: 0,
        }
    }

    /// Begins the next statement. A statement before it must have ended without an error.
    pub fn start(&mut self, head: Head) {
        debug_assert!(!self.runs, "a statement ends before the next one starts");
        debug_assert!(!self.failed, "nothing runs after a failed statement");
        debug_assert!(self.statement < self.statements, "too many statements");
        self.head = head;
        self.runs = true;
    }

    /// Appends rows of a series of the statement.
    ///
    /// A part that has the name, the tags and the columns of the one before continues its series.
    ///
    /// # Errors
    ///
    /// A part that breaks the promises of [`SeriesPart`], or that comes between statements; nothing
    /// of it is written then.
    pub fn part(&mut self, part: &SeriesPart, out: &mut Vec<u8>) -> Result<(), AnswerError> {
        if !self.runs {
            return Err(AnswerError::Stray {
                series: part.name.to_string(),
            });
        }
        let columns = columns(part, self.head.timed)?;
        if !self.series.as_ref().is_some_and(|series| series.has(part)) {
            self.turn_to(part, out);
        }
        let mut done = 0;
        while done < part.rows.num_rows() {
            let left = part.rows.num_rows() - done;
            let room = self.chunk_rows.map_or(left, |most| most.get() - self.rows);
            if room == 0 {
                self.cut(part, out);
                continue;
            }
            let end = done + left.min(room);
            self.form.rows(&columns, done..end, out);
            self.rows += end - done;
            done = end;
        }
        Ok(())
    }

    /// Ends the statement, with the text of an error if it failed.
    ///
    /// The statements after a failed one are not run: [`finish`](Self::finish) says so of them.
    pub fn end(&mut self, outcome: Result<(), &str>, out: &mut Vec<u8>) {
        debug_assert!(self.runs, "a statement starts before it ends");
        let is_cut = outcome.is_err();
        if is_cut && self.chunk_rows.is_some() && self.series.is_some() {
            self.close_series(true, out);
            self.close_result(Ending::Partial, out);
        }
        self.open_result(out);
        self.close_series(is_cut, out);
        match outcome {
            Ok(()) => self.close_result(Ending::Complete, out),
            Err(text) => self.close_result(Ending::Failed(text), out),
        }
        self.failed |= is_cut;
        self.runs = false;
        self.statement += 1;
    }

    /// Ends the answer: a statement that still runs as failed by the text `not executed`, and those
    /// that were not started with it.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        debug_assert!(
            self.failed || self.statement == self.statements,
            "only a failure keeps statements from being run"
        );
        while self.statement < self.statements {
            if !self.runs {
                self.head = Head::default();
                self.runs = true;
            }
            self.end(Err(NOT_EXECUTED), out);
        }
        if self.chunk_rows.is_none() {
            self.open_document(out);
            self.form.close_document(out);
        }
    }

    /// Returns how many bytes the answer holds back; what bounds memory counts them.
    pub fn held_bytes(&self) -> usize {
        self.form.held_bytes()
    }

    /// Ends the series before and begins the one of a part, in a chunk of its own.
    fn turn_to(&mut self, part: &SeriesPart, out: &mut Vec<u8>) {
        if self.series.is_some() {
            self.close_series(false, out);
            if self.chunk_rows.is_some() {
                self.close_result(Ending::Partial, out);
            }
        }
        self.open_series(part, out);
    }

    /// Ends the chunk and continues the series in the next one.
    fn cut(&mut self, part: &SeriesPart, out: &mut Vec<u8>) {
        self.close_series(true, out);
        self.close_result(Ending::Partial, out);
        self.open_series(part, out);
    }

    fn open_series(&mut self, part: &SeriesPart, out: &mut Vec<u8>) {
        self.open_result(out);
        self.form.open_series(part, out);
        self.series = Some(Series::of(part));
    }

    fn close_series(&mut self, partial: bool, out: &mut Vec<u8>) {
        if self.series.take().is_some() {
            self.form.close_series(partial, out);
        }
    }

    fn open_result(&mut self, out: &mut Vec<u8>) {
        if !self.result_is_open {
            self.open_document(out);
            self.form.open_result(self.statement, &self.head, out);
            // They are told once, not with each chunk.
            self.head.messages.clear();
            self.result_is_open = true;
        }
    }

    fn close_result(&mut self, ending: Ending<'_>, out: &mut Vec<u8>) {
        self.form.close_result(ending, out);
        self.result_is_open = false;
        self.rows = 0;
        if self.chunk_rows.is_some() {
            self.form.close_document(out);
            self.document_is_open = false;
        }
    }

    fn open_document(&mut self, out: &mut Vec<u8>) {
        if !self.document_is_open {
            let results = self.chunk_rows.map_or(self.statements, |_| 1);
            self.form.open_document(results, out);
            self.document_is_open = true;
        }
    }
}
