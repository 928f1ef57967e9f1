//! Parameters of `/api/v1/lake`.

use super::error::ParamError;
use super::form::{fill, pairs};

const FIELDS: &str = "bucket/measurement";

/// The tables that are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LakeParams {
    /// The bucket of the tables, by name or id; absent for all.
    pub bucket: Option<String>,
    /// The measurement of the tables; absent for all.
    pub measurement: Option<String>,
}

impl LakeParams {
    /// Reads the parameters. Empty values count as absent.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let mut params = Self::default();
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            match pair? {
                (_, value) if value.is_empty() => {}
                (name, value) if name == "bucket" => {
                    fill(&mut params.bucket, value, FIELDS, "bucket")?;
                }
                (name, value) if name == "measurement" => {
                    fill(&mut params.measurement, value, FIELDS, "measurement")?;
                }
                _ => {}
            }
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::LakeParams;

    #[test]
    fn empty_values_mean_all_and_nothing_is_said_twice() {
        let of = |query: &str| LakeParams::parse(Some(query)).map_err(|error| error.to_string());
        let all = of("bucket=&measurement=&other=x").expect("valid");
        assert_eq!(all, LakeParams::default());
        let one = of("bucket=a+b&measurement=%C3%A4").expect("valid");
        assert_eq!(
            (one.bucket.as_deref(), one.measurement.as_deref()),
            (Some("a b"), Some("ä"))
        );
        let told = "failed to deserialize bucket/measurement in request: duplicate field `bucket`";
        assert_eq!(of("bucket=a&bucket=a"), Err(told.to_owned()));
    }
}
