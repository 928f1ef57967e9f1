//! Parameters of `POST /api/v2/write` (contract section 1.1).

use super::error::ParamError;
use super::form::{fill, pairs};
use super::words::{Words, YES_OR_NO};
use crate::line_protocol::Precision;

/// The name of the parameters in InfluxDB's errors, whichever of them is at fault.
const FIELDS: &str = "org/bucket/precision";

/// The units of timestamps. InfluxDB's text lists four although six are accepted, and clients
/// compare it.
const PRECISIONS: Words<Precision> = Words {
    meanings: &[
        ("", Precision::Nanosecond),
        ("ns", Precision::Nanosecond),
        ("us", Precision::Microsecond),
        ("ms", Precision::Millisecond),
        ("s", Precision::Second),
        ("m", Precision::Minute),
        ("h", Precision::Hour),
    ],
    told: "one of `s`, `ms`, `us`, `ns`",
};

/// The parameters of a v2 write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteParams {
    /// Name or id, not empty.
    pub bucket: String,
    /// Unit of the timestamps.
    pub precision: Precision,
    /// True if valid lines are written even if others are rejected.
    pub accept_partial: bool,
}

/// The values as they are given, each at most once.
#[derive(Default)]
struct Given {
    bucket: Option<String>,
    org: Option<String>,
    org_id: Option<String>,
    precision: Option<Precision>,
    accept_partial: Option<bool>,
}

impl WriteParams {
    /// Reads the parameters. Reported first: a duplicate, bad UTF-8 or an unknown word, whichever
    /// comes first; then the bucket; then the organization.
    pub fn parse(query: Option<&str>, allow_empty_org: bool) -> Result<Self, ParamError> {
        let mut given = Given::default();
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            let (name, value) = pair?;
            given.take(&name, value)?;
        }
        let bucket = given.bucket.filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or(ParamError::MissingBucket)?;
        if given.org.is_some_and(|org| org.is_empty()) && !allow_empty_org {
            return Err(ParamError::EmptyOrg);
        }
        Ok(Self {
            bucket,
            precision: given.precision.unwrap_or(Precision::Nanosecond),
            accept_partial: given.accept_partial.unwrap_or(true),
        })
    }
}

impl Given {
    fn take(&mut self, name: &str, value: String) -> Result<(), ParamError> {
        match name {
            "bucket" => fill(&mut self.bucket, value, FIELDS, "bucket"),
            "org" => fill(&mut self.org, value, FIELDS, "org"),
            "orgID" => fill(&mut self.org_id, value, FIELDS, "orgID"),
            "precision" => fill(
                &mut self.precision,
                PRECISIONS.read(&value, FIELDS)?,
                FIELDS,
                "precision",
            ),
            "accept_partial" => fill(
                &mut self.accept_partial,
                YES_OR_NO.read(&value, FIELDS)?,
                FIELDS,
                "accept_partial",
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Precision, WriteParams};

    const PREFIX: &str = "failed to deserialize org/bucket/precision in request: ";

    fn of(query: &str) -> Result<WriteParams, String> {
        WriteParams::parse(Some(query), false).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bucket_is_enough() {
        let params = of("bucket=my+bucket").expect("valid");
        assert_eq!(params.bucket, "my bucket");
        assert_eq!(params.precision, Precision::Nanosecond);
        assert!(params.accept_partial);
    }

    #[test]
    fn without_a_bucket_the_page_s_text_is_told() {
        for query in [
            "",
            "bucket=",
            "org=x",
            "org=",
            "Bucket=x",
            "org=&precision=s",
        ] {
            assert_eq!(of(query), Err("missing bucket value".to_owned()), "{query}");
        }
        assert!(WriteParams::parse(None, true).is_err());
    }

    #[test]
    fn six_precisions_are_known_and_others_get_the_page_s_text() {
        for (text, precision) in [
            ("", Precision::Nanosecond),
            ("ns", Precision::Nanosecond),
            ("us", Precision::Microsecond),
            ("ms", Precision::Millisecond),
            ("s", Precision::Second),
            ("m", Precision::Minute),
            ("h", Precision::Hour),
        ] {
            let params = of(&format!("bucket=b&precision={text}")).expect("valid");
            assert_eq!(params.precision, precision, "{text}");
        }
        for text in ["u", "n", "NS", "d", "seconds"] {
            let told =
                format!("{PREFIX}unknown variant `{text}`, expected one of `s`, `ms`, `us`, `ns`");
            assert_eq!(of(&format!("bucket=b&precision={text}")), Err(told.clone()));
            assert_eq!(
                of(&format!("precision={text}")),
                Err(told),
                "before the bucket"
            );
        }
    }

    #[test]
    fn a_parameter_twice_is_refused_by_name() {
        for name in ["bucket", "org", "orgID", "precision", "accept_partial"] {
            let value = if name == "accept_partial" {
                "true"
            } else {
                "s"
            };
            let told = format!("{PREFIX}duplicate field `{name}`");
            assert_eq!(
                of(&format!("{name}={value}&{name}={value}")),
                Err(told),
                "{name}"
            );
        }
        assert!(
            of("bucket=b&u=1&u=2&consistency=all").is_ok(),
            "unknown ones are ignored"
        );
    }

    #[test]
    fn an_empty_org_is_refused_unless_allowed_and_an_org_id_never() {
        let told = "missing org value: set a non-empty organization in the client (Telegraf: \
                    organization, influxdb3-go: Organization, or INFLUX_ORG), or \
                    server.allow_empty_org = true on the server";
        assert_eq!(of("org=&bucket=b"), Err(told.to_owned()));
        assert!(WriteParams::parse(Some("org=&bucket=b"), true).is_ok());
        assert!(of("orgID=&bucket=b").is_ok());
    }

    #[test]
    fn all_or_nothing_can_be_asked_for() {
        assert!(
            !of("bucket=b&accept_partial=false")
                .expect("valid")
                .accept_partial
        );
        let told = format!("{PREFIX}unknown variant `no`, expected `true` or `false`");
        assert_eq!(of("bucket=b&accept_partial=no"), Err(told));
    }

    #[test]
    fn bad_utf8_is_told_wherever_it_stands_and_long_values_are_cut() {
        for query in ["bucket=%ff", "x=%ff", "org=&u=%ff"] {
            assert_eq!(of(query), Err(format!("{PREFIX}invalid UTF-8")), "{query}");
        }
        let long = of(&format!("precision={}", "ä".repeat(100))).expect_err("unknown");
        assert!(long.contains(&format!("`{}`", "ä".repeat(32))), "{long}");
    }
}
