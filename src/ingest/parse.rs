//! Parsing a body, slice by slice, off the serving threads if it is large.
//!
//! A slice is about a mebibyte of text: that bounds the scratch columns, and one slice becomes one
//! frame of the log. A large body is parsed by a blocking task that is at most one slice ahead; a
//! small one is parsed by the request itself. The task reserves memory for the text for as long as
//! it may read it, even if the request has failed already.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::error::WriteError;
use super::handle::Ingest;
use super::report::{FIELD_DROPPED, LineReport, REPORTS_MAX, Reports, Stage};
use super::request::Body;
use super::row_reports::BodyText;
use super::rules::{LineRules, RejectedAt};
use super::scratch::{Origin, Part, Scratch};
use crate::behind;
use crate::certain::Certain;
use crate::clock;
use crate::line_protocol::{LineError, Oddities, Parser, Point, Precision};
use crate::memory::{Budget, Exhausted, Reservation};
use crate::narrow;
use crate::telemetry::Metrics;

/// The bounds of the steps in which scratch memory is reserved, in bytes; within them, a step is the
/// size of the text.
const STEP_BYTES: std::ops::RangeInclusive<usize> = 4 * 1024..=256 * 1024;

/// The parsed rows of one slice of text.
pub(super) struct Slice {
    pub(super) part: Part,
    pub(super) reports: Reports,
    /// Covers the scratch columns.
    pub(super) reservation: Reservation,
    pub(super) oddities: Oddities,
}

/// A body on its way through the parser.
pub(super) struct Parsing {
    text: Text,
    source: Source,
}

#[derive(Clone)]
struct Text {
    bytes: Bytes,
    precision: Precision,
    /// Covers the bytes until nobody holds them: neither the request nor the task that parses.
    reservation: Arc<Reservation>,
}

enum Source {
    /// Parsed by the request itself, as one slice.
    Here(Option<Box<Here>>),
    /// Parsed by a task.
    Task(mpsc::Receiver<Parsed>),
    /// All slices were handed out.
    Ended,
}

/// A message of the task. If the task is gone, that does not mean the end of the body.
enum Parsed {
    Slice(Slice),
    /// There is not enough memory to continue.
    Short(Exhausted),
    /// The body was parsed to its end.
    End,
}

struct Here {
    rules: LineRules,
    scratch: Reservation,
    metrics: Metrics,
}

impl Parsing {
    /// Starts to parse a body, in slices of about `slice_bytes_max` if it is large.
    pub(super) fn start(
        ingest: &Ingest,
        body: Body,
        precision: Precision,
        rules: LineRules,
        slice_bytes_max: usize,
    ) -> Self {
        let shared = &ingest.shared;
        let text = Text {
            bytes: body.bytes,
            precision,
            reservation: Arc::new(body.reservation),
        };
        let budget = text.reservation.budget().clone();
        let scratch = budget.empty();
        let metrics = shared.metrics.clone();
        let source = if text.bytes.len() <= shared.options.inline_bytes_max {
            Source::Here(Some(Box::new(Here {
                rules,
                scratch,
                metrics,
            })))
        } else {
            let (slices, parsed) = mpsc::channel(1);
            let worker = Worker {
                text: text.clone(),
                rules,
                slice_bytes_max,
                slices,
                parsers: Arc::clone(&shared.parsers),
                budget,
                metrics,
            };
            tokio::task::spawn_blocking(move || behind::others(|| worker.run()));
            Source::Task(parsed)
        };
        Self { text, source }
    }

    /// The budget from which the request takes its memory.
    pub(super) fn budget(&self) -> &Budget {
        self.text.reservation.budget()
    }

    /// The next slice, or nothing at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<Slice>, WriteError> {
        match &mut self.source {
            Source::Here(here) => {
                let Some(here) = here.take() else {
                    return Ok(None);
                };
                let mut slicer = Slicer::new(&self.text, here.rules);
                let slice = slicer.slice(usize::MAX, here.scratch, &here.metrics)?;
                Ok(Some(slice))
            }
            Source::Task(parsed) => match parsed.recv().await {
                Some(Parsed::Slice(slice)) => Ok(Some(slice)),
                Some(Parsed::End) => {
                    self.source = Source::Ended;
                    Ok(None)
                }
                Some(Parsed::Short(exhausted)) => Err(exhausted.into()),
                None => Err(WriteError::Internal("its parser stopped before the end")),
            },
            Source::Ended => Ok(None),
        }
    }

    /// The text that is being parsed.
    pub(super) fn text(&self) -> BodyText<'_> {
        BodyText {
            bytes: &self.text.bytes,
            precision: self.text.precision,
        }
    }
}

/// Parses a large body on a thread for blocking work.
struct Worker {
    text: Text,
    rules: LineRules,
    slice_bytes_max: usize,
    slices: mpsc::Sender<Parsed>,
    parsers: Arc<tokio::sync::Semaphore>,
    budget: Budget,
    metrics: Metrics,
}

impl Worker {
    fn run(self) {
        let Self { text, slices, .. } = &self;
        let runtime = tokio::runtime::Handle::current();
        let mut slicer = Slicer::new(text, self.rules);
        while !slicer.at_end() && !slices.is_closed() {
            // A place for one slice at a time, so that many large bodies share the cores with
            // the threads that serve connections.
            let place = runtime.block_on(self.parsers.acquire());
            let place = place.certain("the semaphore is never closed");
            let slice = slicer.slice(self.slice_bytes_max, self.budget.empty(), &self.metrics);
            drop(place);
            let (parsed, failed) = match slice {
                Ok(slice) => (Parsed::Slice(slice), false),
                Err(exhausted) => (Parsed::Short(exhausted), true),
            };
            // If the request has failed, nobody receives any more.
            if slices.blocking_send(parsed).is_err() || failed {
                return;
            }
        }
        let slices = slices.clone();
        // Before the end is sent: the receiver may count on the memory being free then.
        drop(slicer);
        drop(self);
        let _ = slices.blocking_send(Parsed::End);
    }
}

/// Parses a text in slices.
pub(super) struct Slicer<'a> {
    pub(super) parser: Parser<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) rules: LineRules,
    /// The number of reports that are kept per slice.
    pub(super) reports_max: usize,
}

impl<'a> Slicer<'a> {
    fn new(text: &'a Text, rules: LineRules) -> Self {
        let parser = Parser::new(&text.bytes, text.precision);
        Self {
            parser,
            bytes: &text.bytes,
            rules,
            reports_max: REPORTS_MAX,
        }
    }

    fn at_end(&self) -> bool {
        self.parser.offset() >= self.bytes.len()
    }

    /// The length of the text of the point just parsed, without comments before it and without the
    /// line's end, in bytes.
    fn text_bytes(&self, point: &Point<'a>) -> usize {
        let start = point
            .series_key
            .as_ptr()
            .addr()
            .saturating_sub(self.bytes.as_ptr().addr());
        let text = self
            .bytes
            .get(start..self.parser.offset())
            .certain("the point just parsed is before the parser's place");
        text.strip_suffix(b"\n").unwrap_or(text).len()
    }

    /// Parses a slice and measures the time that it takes.
    fn slice(
        &mut self,
        bytes_max: usize,
        reservation: Reservation,
        metrics: &Metrics,
    ) -> Result<Slice, Exhausted> {
        let started = clock::instant();
        let slice = self.parse(bytes_max, reservation)?;
        metrics.parse_seconds(clock::instant().duration_since(started).as_secs_f64());
        Ok(slice)
    }

    /// Parses about `bytes_max` of text, in whole lines.
    pub(super) fn parse(
        &mut self,
        bytes_max: usize,
        mut reservation: Reservation,
    ) -> Result<Slice, Exhausted> {
        let end = self.parser.offset().saturating_add(bytes_max);
        let step = self
            .bytes
            .len()
            .clamp(*STEP_BYTES.start(), *STEP_BYTES.end());
        let step = narrow::to_u64(step);
        let mut scratch = Scratch::new(self.rules);
        let mut reports = Reports::with_room(self.reports_max);
        let mut point = Point::with_room();
        while self.parser.offset() < end {
            let offset = self.parser.offset();
            match self.parser.next_point(&mut point) {
                None => break,
                Some(Ok(())) => {
                    let origin = Origin {
                        line: point.line,
                        offset,
                        dropped: false,
                    };
                    let text_bytes = self.text_bytes(&point);
                    let pushed = scratch.push(&point, origin, text_bytes);
                    report_pushed(pushed, origin.line, &mut reports);
                }
                Some(Err(error)) => reports.add(error.reason.code(), || report(&error)),
            }
            let wanted = scratch.bytes().saturating_add(self.parser.memory_bytes());
            let wanted = narrow::to_u64(wanted);
            if wanted > reservation.bytes() {
                reservation.try_grow((wanted - reservation.bytes()).max(step))?;
            }
        }
        let part: Part = scratch.finish().into_iter().map(Arc::new).collect();
        let held: u64 = part.iter().map(|table| table.heap_bytes()).sum();
        reservation.shrink_to(held);
        let missing = held - reservation.bytes();
        debug_assert_eq!(missing, 0, "of {held} bytes, that were estimated too low");
        reservation.force_grow(missing);
        Ok(Slice {
            part,
            reports,
            reservation,
            oddities: self.parser.take_oddities(),
        })
    }
}

/// Reports a line that was rejected, or of which a field was dropped.
fn report_pushed(pushed: Result<Option<u32>, RejectedAt>, line: u32, reports: &mut Reports) {
    match pushed {
        Ok(None) => {}
        Ok(Some(column)) => reports.add(FIELD_DROPPED, || LineReport {
            line,
            column,
            stage: Stage::Write,
            code: FIELD_DROPPED,
            message: "field \"time\" is reserved and was dropped, rename it".to_owned(),
        }),
        Err(RejectedAt { rejection, column }) => reports.add(rejection.code(), || LineReport {
            line,
            column,
            stage: Stage::Write,
            code: rejection.code(),
            message: rejection.to_string(),
        }),
    }
}

fn report(error: &LineError) -> LineReport {
    LineReport {
        line: error.line,
        column: error.column,
        stage: Stage::Parse,
        code: error.reason.code(),
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::{Parsed, Parsing, Slice, Source, Text};
    use crate::ingest::WriteError;
    use crate::ingest::report::Reports;
    use crate::line_protocol::{Oddities, Precision};
    use crate::memory::{Budget, Marks};

    fn parsing(budget: &Budget) -> (Parsing, mpsc::Sender<Parsed>) {
        let text = Text {
            bytes: Bytes::from_static(b"m f=1\n"),
            precision: Precision::Nanosecond,
            reservation: Arc::new(budget.empty()),
        };
        let (slices, parsed) = mpsc::channel(4);
        let source = Source::Task(parsed);
        (Parsing { text, source }, slices)
    }

    fn budget() -> Budget {
        Budget::new(Marks {
            budget_bytes: 1000,
            soft_bytes: 500,
            hard_bytes: 900,
        })
    }

    fn slice(budget: &Budget) -> Parsed {
        Parsed::Slice(Slice {
            part: Vec::new(),
            reports: Reports::default(),
            reservation: budget.empty(),
            oddities: Oddities::default(),
        })
    }

    /// Once, this was taken for the end of the body: the rest was dropped with 204.
    #[tokio::test]
    async fn a_parser_that_dies_before_the_end_of_the_body_is_an_error() {
        let budget = budget();
        let (mut parsing, slices) = parsing(&budget);
        assert!(slices.try_send(slice(&budget)).is_ok());
        drop(slices);
        assert!(matches!(parsing.next().await, Ok(Some(_))));
        let error = parsing.next().await.err().expect("it died");
        assert!(matches!(error, WriteError::Internal(_)), "{error}");
    }

    #[tokio::test]
    async fn the_end_of_the_body_is_said_once_and_stays_the_end() {
        let budget = budget();
        let (mut parsing, slices) = parsing(&budget);
        assert!(slices.try_send(slice(&budget)).is_ok());
        assert!(slices.try_send(Parsed::End).is_ok());
        drop(slices);
        assert!(matches!(parsing.next().await, Ok(Some(_))));
        for _ in 0..2 {
            assert!(matches!(parsing.next().await, Ok(None)));
        }
    }
}
