//! Errors as clients see them (contract section 1.2). This is the only place with status codes: the
//! other modules say in their own words what is wrong, and the conversions at the end say what that
//! means over HTTP. The endpoint's [`Dialect`] decides the form of the body.

mod body;
mod grpc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
#[cfg(feature = "query")]
use tidegate_query::QueryError;

use super::{Dialect, dialect, request_id};
use crate::auth::Refusal;
use crate::body::BodyError;
use crate::catalog::CatalogError;
use crate::certain::Certain;
use crate::export::ExportError;
use crate::ingest::WriteError;
use crate::read::{LakeError, ReadError};
#[cfg(feature = "query")]
use crate::render::RenderError;
use crate::telemetry::causes;
#[cfg(feature = "query")]
use crate::unanswered::Unanswered;
use body::Body;

pub(super) use body::{LineError, Lines, Rejected, RejectedLine};

/// The kind of an error, as a word and as a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A fault of ours.
    Internal,
    /// It is not implemented yet.
    NotImplemented,
    /// There is no such bucket or path.
    NotFound,
    /// It exists already, or must not be changed.
    Conflict,
    /// The request is wrong.
    Invalid,
    /// The body arrived too slowly.
    Timeout,
    /// The body has no declared length.
    LengthRequired,
    /// The head is larger than a limit.
    HeadTooLarge,
    /// It is not possible now.
    Unavailable,
    /// It is not allowed with this token, or under this host name.
    Forbidden,
    /// There are too many requests with this token.
    TooManyRequests,
    /// There is no valid token.
    Unauthorized,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// The body is larger than a limit.
    RequestTooLarge,
    /// There is no decoder for this encoding.
    UnsupportedMediaType,
}

impl Code {
    /// The word that programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal error",
            Self::NotImplemented => "not implemented",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Invalid | Self::Timeout | Self::LengthRequired => "invalid",
            Self::Unavailable => "unavailable",
            Self::Forbidden => "forbidden",
            Self::TooManyRequests => "too many requests",
            Self::Unauthorized => "unauthorized",
            Self::MethodNotAllowed => "method not allowed",
            Self::RequestTooLarge | Self::HeadTooLarge => "request too large",
            Self::UnsupportedMediaType => "unsupported media type",
        }
    }

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

impl Code {
    /// The status of the answer to a call of gRPC (query contract, on errors of gRPC).
    fn grpc(self) -> u16 {
        match self {
            Self::Invalid | Self::LengthRequired | Self::UnsupportedMediaType => 3,
            Self::Timeout => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::Forbidden => 7,
            Self::HeadTooLarge | Self::RequestTooLarge | Self::TooManyRequests => 8,
            Self::NotImplemented | Self::MethodNotAllowed => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthorized => 16,
        }
    }

    /// The name under which the metrics count refusals of this kind.
    pub fn refused(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized | Self::Forbidden => Some("auth"),
            Self::RequestTooLarge | Self::HeadTooLarge => Some("size"),
            Self::TooManyRequests => Some("rate"),
            Self::Unavailable => Some("overload"),
            Self::Timeout => Some("slow"),
            _ => None,
        }
    }
}

/// The wait after an overload, in seconds: memory is given back in milliseconds.
const RETRY_OVERLOAD_S: u32 = 1;
/// The wait after a start or a full disk, in seconds: they take longer.
const RETRY_LATER_S: u32 = 5;

/// The most bytes of `X-Influxdb-Error`.
const HEADER_BYTES_MAX: usize = 256;

/// An answer that is an error.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    body: Box<Body>,
    retry_after_s: Option<u32>,
    /// The text for the log alone.
    detail: Option<String>,
}

impl ApiError {
    /// An error with this message for the client.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let body = Body::new(code.as_str(), message.into());
        Self {
            code,
            body: Box::new(body),
            retry_after_s: None,
            detail: None,
        }
    }

    /// A 503 with `Retry-After`: the cause will pass by itself.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message).retry_after(RETRY_LATER_S)
    }

    /// The 503 while the log is replayed.
    pub fn starting() -> Self {
        Self::unavailable("the server is starting: the log is being replayed")
    }

    /// The 503 for requests that a stop no longer waits for.
    pub fn stopping() -> Self {
        Self::unavailable("the server is stopping")
    }

    /// A 500. The client gets the request id, the log gets everything.
    pub fn internal(detail: impl Into<String>) -> Self {
        let message = match request_id::current() {
            Some(id) => format!("internal error, request id {id}"),
            None => "internal error".to_owned(),
        };
        Self {
            detail: Some(detail.into()),
            ..Self::new(Code::Internal, message)
        }
    }

    /// A 400 about individual lines.
    pub(super) fn lines(message: String, lines: Lines) -> Self {
        let mut error = Self::new(Code::Invalid, message);
        error.body.lines = Some(lines);
        error
    }

    /// A 400 about individual lines, in the form of v3.
    pub(super) fn rejected(message: &str, rejected: Rejected) -> Self {
        let mut error = Self::new(Code::Invalid, message);
        error.body.rejected = Some(rejected);
        error
    }

    /// The 413 for a body that should be small.
    pub(super) fn body_too_large(bytes_max: u64) -> Self {
        let text = format!("the body has more than {bytes_max} bytes");
        Self::too_large(text, bytes_max)
    }

    /// Adds advice to the message.
    pub(super) fn hinted(mut self, hint: &str) -> Self {
        self.body.message.push_str("; ");
        self.body.message.push_str(hint);
        self
    }

    fn too_large(message: String, bytes_max: u64) -> Self {
        let mut error = Self::new(Code::RequestTooLarge, message);
        error.body.bytes_max = Some(bytes_max);
        error
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after_s: Some(seconds.max(1)),
            ..self
        }
    }

    /// The answer to a call of gRPC, whatever the dialect of its path.
    pub(super) fn into_grpc(self) -> Response {
        let answer = grpc::answer(self.code.grpc(), self.message());
        (Extension(self.code), answer).into_response()
    }

    /// The answer with a body of another type, made of the word for its code and its text.
    #[cfg(feature = "query")]
    pub(super) fn into_response_of(
        self,
        content_type: &'static str,
        body: impl FnOnce(&str, &str) -> Vec<u8>,
    ) -> Response {
        self.log();
        let mut headers = self.headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let body = body(self.body.code, &self.body.message);
        (self.code.status(), headers, Extension(self.code), body).into_response()
    }

    /// Logs what the client is not told.
    fn log(&self) {
        match &self.detail {
            Some(detail) if self.code == Code::Internal => {
                tracing::error!(detail, "a request failed by a fault of ours");
            }
            Some(detail) => tracing::warn!(detail, "a request could not be carried out now"),
            None => {}
        }
    }

    /// The kind of the error.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The message for the client.
    pub fn message(&self) -> &str {
        &self.body.message
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let code = HeaderValue::from_static(self.body.code);
        headers.insert(HeaderName::from_static("x-platform-error-code"), code);
        let short = short_text(&self.body.message);
        headers.insert(HeaderName::from_static("x-influxdb-error"), short);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        headers
    }
}

/// The first line, cut short, with characters that a header cannot carry replaced.
fn short_text(message: &str) -> HeaderValue {
    let line = message.lines().next().unwrap_or_default();
    let visible = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    let text: String = line.chars().map(visible).take(HEADER_BYTES_MAX).collect();
    HeaderValue::from_str(&text).certain("blanks and visible ASCII are all that is left")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        if dialect::current() == Dialect::Grpc {
            return self.into_grpc();
        }
        let headers = self.headers();
        let body = self.body.to_json(dialect::current());
        (self.code.status(), headers, Extension(self.code), body).into_response()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized => Self::new(Code::Unauthorized, refusal.to_string()),
            Refusal::Starting => Self::starting(),
            Refusal::OperatorOnly => Self::new(Code::Forbidden, refusal.to_string()),
            Refusal::TooManyRequests { retry_after_s, .. } => {
                Self::new(Code::TooManyRequests, refusal.to_string()).retry_after(retry_after_s)
            }
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let message = error.to_string();
        match error {
            BodyError::UnknownEncoding { .. } => Self::new(Code::UnsupportedMediaType, message),
            BodyError::TooLarge { bytes_max } => Self::too_large(message, bytes_max),
            BodyError::Overloaded(_) | BodyError::Crowded { .. } | BodyError::Yielded => {
                Self::overloaded(message)
            }
            BodyError::Undecodable { .. } | BodyError::Undeclared { .. } | BodyError::Broken => {
                Self::new(Code::Invalid, message)
            }
            BodyError::Idle(_) | BodyError::TooSlow { .. } => Self::new(Code::Timeout, message),
            BodyError::Internal(_) => Self::internal(message),
        }
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        let message = error.to_string();
        match error {
            WriteError::Overloaded(_) | WriteError::BucketFull { .. } => Self::overloaded(message),
            WriteError::TooLarge(exhausted) => {
                let text = "unable to read data: points batch is too large".to_owned();
                Self::too_large(text, exhausted.hard_bytes)
            }
            WriteError::LogUnavailable(_)
            | WriteError::LogFull { .. }
            | WriteError::TableStuck { .. } => Self::unavailable(message),
            WriteError::BucketGone(_) => Self::new(Code::NotFound, message),
            WriteError::Catalog(error) => error.into(),
            WriteError::Internal(_) => Self::internal(message),
        }
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        let message = error.to_string();
        let detail = causes(&error);
        match error {
            CatalogError::InvalidName(_)
            | CatalogError::TooManyBuckets { .. }
            | CatalogError::TooManyTokens { .. } => Self::new(Code::Invalid, message),
            CatalogError::BucketExists(_) | CatalogError::LastOperator => {
                Self::new(Code::Conflict, message)
            }
            CatalogError::UnknownBucket(_) | CatalogError::UnknownToken(_) => {
                Self::new(Code::NotFound, message)
            }
            // The disk refused the change, which will pass.
            _ => Self {
                detail: Some(detail),
                ..Self::unavailable("the change could not be made durable, nothing was changed")
            },
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        let message = error.to_string();
        match error {
            ExportError::Read(error) => error.into(),
            ExportError::Busy { .. } => Self::unavailable(message),
            ExportError::UnknownMeasurement(_) => Self::new(Code::NotFound, message),
            ExportError::MeasurementRequired { .. } => Self::new(Code::Invalid, message),
            ExportError::TooSlow { .. } => Self::new(Code::Timeout, message),
            ExportError::Arrow(_) => Self::internal(message),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let message = error.to_string();
        match error {
            ReadError::Exhausted(_) => Self::overloaded(message),
            ReadError::Lake(LakeError::Unreachable(_)) => Self::without_tables(message),
            // This error was logged when it occurred.
            ReadError::Lake(LakeError::Damaged(_)) => Self::new(Code::Internal, message),
            ReadError::Lake(LakeError::Unreadable(_))
            | ReadError::Merge(_)
            | ReadError::Arrow(_) => Self::internal(message),
        }
    }
}

#[cfg(feature = "query")]
impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match Unanswered::of(error) {
            Unanswered::Invalid(text) => Self::new(Code::Invalid, text),
            Unanswered::Crowded(text) => Self::overloaded(text),
            // The same question would fail again: no word on when to repeat it.
            Unanswered::Exhausted(text)
            | Unanswered::Late(text)
            | Unanswered::Interrupted(text) => Self::new(Code::Unavailable, text),
            Unanswered::Gone(text) => Self::new(Code::NotFound, text),
            Unanswered::Unreachable { detail } => Self::without_tables(detail),
            Unanswered::Damaged(text) => Self::new(Code::Internal, text),
            Unanswered::Fault { detail } => Self::internal(detail),
        }
    }
}

#[cfg(feature = "query")]
impl From<RenderError> for ApiError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::NoRoom { .. } | RenderError::Twice { .. } => {
                Self::new(Code::Invalid, error.to_string())
            }
            RenderError::Internal { .. } => Self::internal(error.to_string()),
        }
    }
}

impl ApiError {
    /// The 503 while the tables cannot be used. The reason names files and stores, so only the log
    /// gets it.
    fn without_tables(detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..Self::unavailable("the tables cannot be used now: the server's log says why")
        }
    }

    fn overloaded(message: String) -> Self {
        Self::new(Code::Unavailable, message).retry_after(RETRY_OVERLOAD_S)
    }
}

#[cfg(test)]
mod tests;
