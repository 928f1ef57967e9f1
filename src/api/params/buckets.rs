//! Parameters of `GET /api/v2/buckets`.

use super::error::{ParamError, echo};
use super::form::{fill, pairs};

const FIELDS: &str = "name/id/after/offset/limit";

/// The buckets that are requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketsParams {
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only the one with this id.
    pub id: Option<String>,
    /// Only those after the one with this id.
    pub after: Option<String>,
    /// Leaves out this many at the start.
    pub offset: usize,
    /// At most this many.
    pub limit: Option<usize>,
}

impl BucketsParams {
    /// Reads the parameters. Empty values count as absent; the organization is ignored.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let (mut params, mut offset) = (Self::default(), None);
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            match pair? {
                (_, value) if value.is_empty() => {}
                (name, value) if name == "name" => fill(&mut params.name, value, FIELDS, "name")?,
                (name, value) if name == "id" => fill(&mut params.id, value, FIELDS, "id")?,
                (name, value) if name == "after" => {
                    fill(&mut params.after, value, FIELDS, "after")?;
                }
                (name, value) if name == "offset" => {
                    fill(&mut offset, number(&value)?, FIELDS, "offset")?;
                }
                (name, value) if name == "limit" => {
                    fill(&mut params.limit, number(&value)?, FIELDS, "limit")?;
                }
                _ => {}
            }
        }
        params.offset = offset.unwrap_or_default();
        Ok(params)
    }
}

/// Reads a decimal number. One that does not fit acts like any number larger than the list.
fn number(value: &str) -> Result<usize, ParamError> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value.parse().unwrap_or(usize::MAX));
    }
    Err(ParamError::UnknownVariant {
        fields: FIELDS,
        found: echo(value),
        expected: "a number",
    })
}

#[cfg(test)]
mod tests {
    use super::BucketsParams;

    #[test]
    fn empty_values_mean_nothing_and_numbers_are_numbers() {
        let of = |query: &str| BucketsParams::parse(Some(query)).map_err(|error| error.to_string());
        let none = of("name=&id=&after=&offset=&limit=&org=x").expect("valid");
        assert_eq!(none, BucketsParams::default());
        let all = of("name=a&after=1&offset=2&limit=3").expect("valid");
        assert_eq!(
            (all.offset, all.limit, all.after.as_deref()),
            (2, Some(3), Some("1"))
        );
        let told = "failed to deserialize name/id/after/offset/limit in request: unknown variant \
                    `-1`, expected a number";
        assert_eq!(of("limit=-1"), Err(told.to_owned()));
        assert!(of("offset=1&offset=1").is_err() && of("offset=%2B1").is_err());
        let huge = of("limit=99999999999999999999").expect("valid");
        assert_eq!(huge.limit, Some(usize::MAX));
    }
}
