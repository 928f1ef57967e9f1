//! Regular expressions that were translated and compiled.

use super::super::ast::Regex;
use super::super::regex::to_rust;
use super::AnalysisError;

/// A regular expression of the query, ready to match.
///
/// Two of them are equal if their texts are.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    compiled: ::regex::Regex,
}

impl Pattern {
    /// Compiles an expression in the syntax of RE2.
    ///
    /// # Errors
    ///
    /// One that is none, or one that is too large.
    pub fn new(regex: &Regex) -> Result<Self, AnalysisError> {
        let rust = to_rust(&regex.0).map_err(AnalysisError::Regex)?;
        let compiled = ::regex::Regex::new(&rust).map_err(|error| {
            let reason = match error {
                ::regex::Error::CompiledTooBig(bytes) => {
                    format!("it needs more than {bytes} bytes")
                }
                other => other.to_string(),
            };
            AnalysisError::Regex(format!(
                "cannot use the regular expression `{}`: {reason}",
                regex.0
            ))
        })?;
        Ok(Self {
            text: regex.0.clone(),
            compiled,
        })
    }

    /// Returns true if a part of the text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// Returns the expression as it was written, without slashes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the expression in the syntax of the crate `regex`.
    pub fn rust_text(&self) -> &str {
        self.compiled.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
