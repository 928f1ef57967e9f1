//! Parameters of `GET /api/v2/buckets`.

use super::ParamError;
use super::form::{fill, pairs};

const FIELDS: &str = "name/id";

/// Which buckets are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketsParams {
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only the one with this id.
    pub id: Option<String>,
}

impl BucketsParams {
    /// Empty values mean nothing; the organization is ignored.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let mut params = Self::default();
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            match pair? {
                (_, value) if value.is_empty() => {}
                (name, value) if name == "name" => fill(&mut params.name, value, FIELDS, "name")?,
                (name, value) if name == "id" => fill(&mut params.id, value, FIELDS, "id")?,
                _ => {}
            }
        }
        Ok(params)
    }
}
