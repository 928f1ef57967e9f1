//! The token that a client sends.

use std::fmt;

use http::HeaderValue;
use thiserror::Error;

/// A token. `Debug` does not show it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(HeaderValue);

/// The fault of a token. The text does not repeat the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// There is nothing but blanks, or nothing at all.
    #[error("is empty")]
    Empty,
    /// There is a line break in the middle: it is a whole file, or several tokens.
    #[error("has several lines; a token is one word")]
    Lines,
    /// There is a blank inside.
    #[error("has a blank in it; a token is one word, given without `Token` or `Bearer`")]
    Blank,
    /// There are characters that a header cannot carry.
    #[error("has characters other than visible ASCII, which no token has")]
    Characters,
}

impl Token {
    /// Makes a token of the text in a file or a variable: blanks and line breaks around it belong
    /// to the file, not to the token.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let token = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if token.contains(['\n', '\r']) {
            return Err(TokenError::Lines);
        }
        if token.contains([' ', '\t']) {
            return Err(TokenError::Blank);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        let header = HeaderValue::try_from(format!("Token {token}"));
        let mut header = header.map_err(|_| TokenError::Characters)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// Returns true if a text has the token in it.
    pub fn is_in(&self, text: &str) -> bool {
        let value = self.0.to_str().ok();
        let token = value.and_then(|value| value.strip_prefix("Token "));
        token.is_some_and(|token| text.contains(token))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, TokenError};

    #[test]
    fn what_stands_around_a_token_is_trimmed() {
        let token = Token::new("abc").expect("valid");
        for text in ["abc\n", "abc\r\n", "  abc \n\n", "\tabc"] {
            assert_eq!(Token::new(text), Ok(token.clone()), "{text:?}");
        }
        assert_eq!(token.header(), "Token abc");
        assert!(token.is_in("SELECT 'xabcx'") && !token.is_in("Token ab"));
        assert_eq!(
            format!("{token:?} {:?}", token.header()),
            "Token(…) Sensitive"
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_repeating_it() {
        for (text, error) in [
            ("", TokenError::Empty),
            (" \n", TokenError::Empty),
            ("abc\ndef\n", TokenError::Lines),
            ("Token abc", TokenError::Blank),
            ("ab\tc", TokenError::Blank),
            ("ab\u{7}c", TokenError::Characters),
            ("abc\u{feff}", TokenError::Characters),
            ("äbc", TokenError::Characters),
        ] {
            assert_eq!(Token::new(text), Err(error), "{text:?}");
        }
    }
}
