//! `TIDEGATE_INIT_TOKEN`: the operator's token of the very first start, chosen by whoever sets up
//! the server. It is a secret: it has no key in the configuration, and `Debug` never shows it.

use std::ffi::OsString;
use std::fmt;

use thiserror::Error;

/// The variable that holds the token.
pub(super) const VARIABLE: &str = "TIDEGATE_INIT_TOKEN";
const BYTES_MIN: usize = 32;
const BYTES_MAX: usize = 512;

/// A token for the operator, given from outside: at least 32 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct InitToken(String);

impl InitToken {
    /// Checks a token; the error says what is wrong with it without repeating it.
    pub fn new(text: &str) -> Result<Self, TokenProblem> {
        let blank = |c: char| c.is_ascii_whitespace();
        if text.is_empty() {
            return Err(TokenProblem::Empty);
        }
        if text.starts_with(blank) || text.ends_with(blank) {
            return Err(TokenProblem::Blank);
        }
        let quoted = |quote: char| text.starts_with(quote) && text.ends_with(quote);
        if quoted('"') || quoted('\'') {
            return Err(TokenProblem::Quoted);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenProblem::Characters);
        }
        match text.len() {
            bytes @ ..BYTES_MIN => Err(TokenProblem::Short { bytes }),
            BYTES_MIN..=BYTES_MAX => Ok(Self(text.to_owned())),
            bytes => Err(TokenProblem::Long { bytes }),
        }
    }

    /// The token itself. Never log it.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InitToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitToken(…)")
    }
}

/// The fault of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenProblem {
    /// It is empty.
    #[error("it is set but empty; unset it to have a token made up and printed at the first start")]
    Empty,
    /// It has a blank or a line break at an end.
    #[error(
        "it starts or ends with a blank or a line break, which HTTP takes off a header, so that no \
         client could send it: take it off too (printf instead of echo), or make one with: \
         openssl rand -hex 32"
    )]
    Blank,
    /// It has quotes that no shell removed.
    #[error(
        "it is in quotes, which would be part of it: leave them out (docker --env-file and the \
         like take values as they are)"
    )]
    Quoted,
    /// It has characters that a header cannot carry.
    #[error("it has characters other than visible ASCII, which do not travel in an HTTP header")]
    Characters,
    /// It is too easily guessed.
    #[error(
        "it has {bytes} characters, at least {BYTES_MIN} are needed; make one with: openssl rand \
         -hex 32"
    )]
    Short {
        /// Its length.
        bytes: usize,
    },
    /// It is longer than clients and proxies can carry.
    #[error("it has {bytes} characters, at most {BYTES_MAX} are allowed")]
    Long {
        /// Its length.
        bytes: usize,
    },
}

/// Returns the token among these variables, if there is one.
pub(super) fn from_variables(
    variables: &[(OsString, OsString)],
) -> Result<Option<InitToken>, TokenProblem> {
    let Some((_, value)) = variables.iter().find(|(name, _)| name == VARIABLE) else {
        return Ok(None);
    };
    let text = value.to_str().ok_or(TokenProblem::Characters)?;
    InitToken::new(text).map(Some)
}
