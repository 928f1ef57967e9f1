//! The tables that a command is about.

use clap::Args;

use crate::client::query_value;

/// The path of the tables.
pub(super) const PATH: &str = "/api/v1/lake";

/// The choice of tables.
#[derive(Args, Clone, Debug)]
pub(super) struct Which {
    /// Only tables of this bucket, by name or id.
    #[arg(long, short, value_name = "BUCKET")]
    pub(super) bucket: Option<String>,
    /// Only tables of this measurement.
    #[arg(long, short, value_name = "NAME")]
    pub(super) measurement: Option<String>,
}

impl Which {
    /// The choice as parameters of a request.
    pub(super) fn query(&self) -> String {
        let given = [("bucket", &self.bucket), ("measurement", &self.measurement)];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let pairs: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", query_value(value)))
            .collect();
        match pairs.is_empty() {
            true => String::new(),
            false => format!("?{}", pairs.join("&")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn names_are_encoded_and_what_is_not_given_is_not_sent() {
        let which = |bucket: Option<&str>, measurement: Option<&str>| Which {
            bucket: bucket.map(str::to_owned),
            measurement: measurement.map(str::to_owned),
        };
        assert_eq!(which(None, None).query(), "");
        assert_eq!(which(None, Some("a b")).query(), "?measurement=a%20b");
        assert_eq!(
            which(Some("b&c"), Some("m")).query(),
            "?bucket=b%26c&measurement=m"
        );
    }
}
