//! Parameters of `GET /api/v1/buckets/{name}/hidden`.

use serde_json::Number;

use super::error::{ParamError, echo};
use super::form::{fill, pairs};

const FIELDS: &str = "retention_seconds";

/// The retention that is considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenParams {
    /// The number, read as in a body, where the check for a whole number in range is.
    pub retention_seconds: Number,
}

impl HiddenParams {
    /// Reads the parameters. The number is required: keeping points for ever hides nothing.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let mut given = None;
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            let (name, value) = pair?;
            if name == FIELDS {
                fill(&mut given, value, FIELDS, FIELDS)?;
            }
        }
        let fields = FIELDS;
        let given = given.ok_or(ParamError::MissingField {
            fields,
            name: FIELDS,
        })?;
        let retention_seconds = given.parse().map_err(|_| ParamError::UnknownVariant {
            fields,
            found: echo(&given),
            expected: "a number",
        })?;
        Ok(Self { retention_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::HiddenParams;

    #[test]
    fn a_retention_is_a_number_and_has_to_be_there() {
        let of = |query: &str| HiddenParams::parse(Some(query)).map_err(|error| error.to_string());
        let given = of("retention_seconds=60&other=x").expect("valid");
        assert_eq!(given.retention_seconds.as_u64(), Some(60));
        for (query, part) in [
            ("", "missing field `retention_seconds`"),
            (
                "retention_seconds=",
                "unknown variant ``, expected a number",
            ),
            (
                "retention_seconds=1d",
                "unknown variant `1d`, expected a number",
            ),
            ("retention_seconds=1&retention_seconds=1", "duplicate field"),
        ] {
            let told = of(query).expect_err(query);
            assert!(told.contains(part), "{told}");
        }
    }
}
