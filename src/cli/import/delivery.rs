//! Delivery of one batch: it is sent, again if need be, until the server has judged every line
//! of it and named every line that it rejected.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::bucket::Bucket;
use super::cutter::Batch;
use super::error::ImportError;
use super::partial::{Part, Partial};
use super::retry::Backoff;
use crate::cli::CliError;
use crate::cli::connection::Session;
use crate::cli::progress::Progress;
use crate::client::{ClientError, Request};
use crate::clock;
use crate::line_protocol::{Oddities, Precision};

/// The longest wait for the server's answer to a batch.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait for batches in flight after an interruption.
const GRACE: Duration = Duration::from_secs(10);
/// The least time between two remarks about retries.
const REMARK_INTERVAL: Duration = Duration::from_secs(10);

/// The way in which batches are sent.
#[derive(Debug)]
pub(super) struct Terms {
    /// The path of the endpoint, with its parameters.
    pub(super) path: String,
    /// The bucket, by name or id.
    pub(super) bucket: String,
    pub(super) precision: Precision,
    /// True if they are compressed.
    pub(super) compress: bool,
    /// The time for which a batch is tried again.
    pub(super) retry_for: Duration,
}

/// The outcome of a batch.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) file: usize,
    /// The last line of the batch.
    pub(super) last_line: u64,
    pub(super) is_last: bool,
    /// Bytes of the input that are acknowledged with it.
    pub(super) progress: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) oddities: Oddities,
    /// In line order.
    pub(super) reports: Vec<Report>,
    /// None if every line was judged.
    pub(super) trouble: Option<Trouble>,
    _place: Option<OwnedSemaphorePermit>,
}

/// A line that was rejected, or lost a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The line of the file, from 1.
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) is_warning: bool,
    pub(super) message: String,
}

/// The reasons for which a batch was not judged to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The import was stopped for another reason.
    Abandoned,
    /// The error is in this batch.
    Failed(ImportError),
}

/// A courier that delivers batches. Clones share the connections.
#[derive(Clone)]
pub(super) struct Courier {
    shared: Arc<Shared>,
}

struct Shared {
    session: Session,
    path: String,
    precision: Precision,
    compress: bool,
    retry_for: Duration,
    stop: CancellationToken,
    progress: Arc<Progress>,
    bucket: Bucket,
    last_remark: Mutex<Option<Instant>>,
}

/// The server's judgement of a text.
enum Judged {
    Written,
    Partly(Partial),
}

impl Courier {
    pub(super) fn new(
        session: Session,
        terms: Terms,
        stop: &CancellationToken,
        progress: &Arc<Progress>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                session,
                path: terms.path,
                precision: terms.precision,
                compress: terms.compress,
                retry_for: terms.retry_for,
                stop: stop.clone(),
                progress: Arc::clone(progress),
                bucket: Bucket::new(terms.bucket),
                last_remark: Mutex::new(None),
            }),
        }
    }

    /// Waits until no further batch may be started.
    pub(super) async fn stopped(&self) {
        self.shared.stop.cancelled().await;
    }

    /// Sends a batch until all of it is judged, or trying on is useless.
    pub(super) async fn deliver(&self, batch: Batch) -> Delivery {
        let mut delivery = Delivery::of(&batch);
        if batch.points > 0 {
            let done = self.shared.judge(&batch, &mut delivery).await;
            delivery.trouble = done.err();
        }
        if delivery.accepted > 0
            && let Some(created) = self.shared.bucket.created()
        {
            self.shared.progress.remark(&created);
        }
        if delivery.trouble.is_none() {
            delivery.progress = batch.progress;
        }
        delivery._place = batch.place;
        delivery
    }
}

impl Shared {
    /// Sends a batch until every line is judged. A server names only the first hundred lines that it
    /// rejects: the text after the last of them is sent once more, which changes nothing but names the
    /// next ones. This text is cut into parts twice as long as what was named: if every line is bad, to
    /// send the whole rest for each hundred lines would be quadratic.
    async fn judge(&self, batch: &Batch, delivery: &mut Delivery) -> Result<(), Trouble> {
        let mut text = batch.text.clone();
        let mut before = batch.first_line.saturating_sub(1);
        let mut part = Part {
            bytes: text.len(),
            points: batch.points,
            lines: batch.lines,
        };
        while part.points > 0 {
            let sent = text.slice(..part.bytes);
            let judged = match self.send(&sent).await? {
                Judged::Written => {
                    delivery.accepted += part.points;
                    part
                }
                Judged::Partly(partial) => {
                    let named = partial.named(&sent, self.precision);
                    delivery.take(before, partial, named);
                    named.unwrap_or(part)
                }
            };
            text = text.slice(judged.bytes..);
            before += judged.lines;
            part = Part::of_bytes(&text, judged.bytes.saturating_mul(2), self.precision);
        }
        Ok(())
    }

    /// Sends a text, and again while that may help.
    async fn send(&self, text: &Bytes) -> Result<Judged, Trouble> {
        let request = self.request(text)?;
        let mut backoff = Backoff::new(self.retry_for);
        loop {
            let attempt = tokio::select! {
                attempt = self.attempt(request.clone()) => attempt,
                () = self.out_of_time() => return Err(Trouble::Abandoned),
            };
            let error = match attempt {
                Ok(judged) => return Ok(judged),
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(Trouble::Failed(self.refused(error))),
            };
            let wish = match &error {
                ClientError::Refused(refusal) => refusal.retry_after,
                _ => None,
            };
            match backoff.wait(wish) {
                Ok(wait) => self.wait(wait, &error).await?,
                Err(after) => return Err(Trouble::Failed(self.gave_up(after, error))),
            }
        }
    }

    async fn attempt(&self, request: Request) -> Result<Judged, ClientError> {
        self.bucket.look(&self.session).await?;
        let answer = self.session.client().send(request).await?;
        match Partial::of(&answer) {
            Some(partial) => Ok(Judged::Partly(partial)),
            None => answer.success().map(|_| Judged::Written),
        }
    }

    fn request(&self, text: &Bytes) -> Result<Request, Trouble> {
        let request = Request::new(Method::POST, &self.path).patience(PATIENCE);
        if !self.compress {
            return Ok(request.body(text.clone()));
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let body = encoder.write_all(text).and_then(|()| encoder.finish());
        let body = body.map_err(|source| {
            let operation = "compress a batch";
            let error = CliError::System { operation, source }.to_string();
            Trouble::Failed(ImportError::Refused { error, advice: "" })
        })?;
        let gzip = HeaderValue::from_static("gzip");
        Ok(request
            .header(CONTENT_ENCODING, gzip)
            .body(Bytes::from(body)))
    }

    async fn wait(&self, wait: Duration, error: &ClientError) -> Result<(), Trouble> {
        if self.may_remark() {
            let within = humantime::format_duration(self.retry_for);
            self.progress
                .remark(&format!("trying again, for up to {within}: {error}"));
        }
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = self.stop.cancelled() => Err(Trouble::Abandoned),
        }
    }

    fn may_remark(&self) -> bool {
        let mut last = self
            .last_remark
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = clock::instant();
        let recent = |last: Instant| now.saturating_duration_since(last) < REMARK_INTERVAL;
        let may = !last.is_some_and(recent);
        if may {
            *last = Some(now);
        }
        may
    }

    async fn out_of_time(&self) {
        self.stop.cancelled().await;
        sleep(GRACE).await;
    }

    fn refused(&self, error: ClientError) -> ImportError {
        let advice = match &error {
            ClientError::Refused(refusal) => match refusal.status {
                StatusCode::NOT_FOUND if refusal.is_ours && !refusal.is_of_the_path() => {
                    "; `tidegate bucket create` makes a bucket"
                }
                StatusCode::PAYLOAD_TOO_LARGE => {
                    "; smaller batches may fit, see --batch-bytes, and the server's limits can be \
                     raised (limits.wire_bytes_max, limits.decoded_bytes_max, memory.budget_bytes)"
                }
                _ => "",
            },
            _ => "",
        };
        let error = self.session.explain(error).to_string();
        ImportError::Refused { error, advice }
    }

    fn gave_up(&self, after: Duration, error: ClientError) -> ImportError {
        let error = self.session.explain(error).to_string();
        ImportError::GaveUp { after, error }
    }
}

impl Delivery {
    fn of(batch: &Batch) -> Self {
        Self {
            number: batch.number,
            file: batch.file,
            last_line: (batch.first_line + batch.lines).saturating_sub(1),
            is_last: batch.is_last,
            progress: 0,
            accepted: 0,
            rejected: 0,
            oddities: batch.oddities,
            reports: Vec::new(),
            trouble: None,
            _place: None,
        }
    }

    /// Returns true if the import has to end because of it.
    pub(super) fn failed(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Failed(_)))
    }

    /// Counts and reports the server's judgement of the text after `lines_before`, or of the part of it
    /// whose lines it named.
    fn take(&mut self, lines_before: u64, partial: Partial, named: Option<Part>) {
        let rejections = partial.rejections();
        let (accepted, rejected) = match named {
            Some(named) => (named.points.saturating_sub(rejections), rejections),
            None => (partial.accepted, partial.rejected),
        };
        self.accepted += accepted;
        self.rejected += rejected;
        let reports = partial.errors.into_iter().map(|error| Report {
            line: lines_before.saturating_add(error.line),
            column: error.column,
            is_warning: error.is_warning(),
            message: error.message,
        });
        self.reports.extend(reports);
    }
}
