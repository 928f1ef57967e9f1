//! A bucket as the API shows it, and the path of it there.

use serde::Deserialize;

use crate::cli::terminal::visible;
use crate::cli::values::Retention;
use crate::client::path_segment;

/// The path of all buckets.
pub(super) const PATH: &str = "/api/v1/buckets";

/// A bucket in the API's answers.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) retention_seconds: Option<u64>,
    pub(super) created: String,
}

impl Entry {
    /// One line about the bucket, after what was done to it.
    pub(super) fn line(&self, what: &str) -> String {
        let name = visible(&self.name);
        let kept = Retention::text(self.retention_seconds);
        format!(
            "bucket \"{name}\" {what}, id {}, points are kept {}{kept}",
            self.id,
            match self.retention_seconds {
                Some(_) => "for ",
                None => "",
            }
        )
    }
}

/// The path of one bucket.
pub(super) fn path_of(name: &str) -> String {
    format!("{PATH}/{}", path_segment(name))
}
