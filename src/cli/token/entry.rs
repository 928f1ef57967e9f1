//! Tokens as the API lists them.

use serde::Deserialize;

/// The path of all tokens.
pub(super) const PATH: &str = "/api/v1/tokens";

/// The tokens in the API's answers.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) tokens: Vec<Entry>,
}

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) operator: bool,
    pub(super) read: Vec<String>,
    pub(super) write: Vec<String>,
    pub(super) created: String,
    pub(super) expires: Option<String>,
    /// True if the request was made with it; older servers do not say.
    #[serde(default)]
    pub(super) in_use: bool,
}
