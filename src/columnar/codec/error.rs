//! The errors of decoding.

use thiserror::Error;

/// Bytes that are not an encoded batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input ends too early.
    #[error("the batch ends in the middle of {0}")]
    Truncated(&'static str),
    /// A number is longer than ten bytes, or larger than what it counts can be.
    #[error("the batch has too many or too large {0}")]
    TooLarge(&'static str),
    /// Text is not UTF-8.
    #[error("the batch has text that is not UTF-8")]
    NotUtf8,
    /// A code has no meaning, or not here.
    #[error("the batch has an unknown code for {0}")]
    UnknownCode(&'static str),
    /// An id names nothing.
    #[error("the batch has an id out of range in {0}")]
    OutOfRange(&'static str),
    /// A name comes twice, or in the wrong order.
    #[error("the batch has {0} twice or out of order")]
    Disorder(&'static str),
}
