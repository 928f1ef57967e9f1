//! Parameters of `GET /api/v1/export` (contract section 3.4).

use chrono::DateTime;

use super::error::{ParamError, echo};
use super::form::{fill, pairs};
use crate::export::Format;

const FIELDS: &str = "bucket/measurement/start/end/format";

/// The export that is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportParams {
    /// Name or id, not empty.
    pub bucket: String,
    /// One measurement; absent for all.
    pub measurement: Option<String>,
    /// Nanoseconds since the epoch, inclusive.
    pub start_ns: Option<i64>,
    /// Nanoseconds since the epoch, exclusive.
    pub end_ns: Option<i64>,
    /// The format.
    pub format: Format,
}

/// The values as they are given, each at most once.
#[derive(Default)]
struct Given {
    bucket: Option<String>,
    measurement: Option<String>,
    start_ns: Option<i64>,
    end_ns: Option<i64>,
    format: Option<Format>,
}

impl ExportParams {
    /// Reads the parameters. Reported first: a value that cannot be read, in the order of the
    /// query; then the bucket; then values that do not fit together.
    pub fn parse(query: Option<&str>) -> Result<Self, ParamError> {
        let mut given = Given::default();
        for pair in pairs(query.unwrap_or_default(), FIELDS) {
            let (name, value) = pair?;
            given.take(&name, value)?;
        }
        let Given {
            bucket,
            measurement,
            start_ns,
            end_ns,
            format,
        } = given;
        let bucket = bucket.filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or(ParamError::MissingBucket)?;
        let measurement = measurement.filter(|measurement| !measurement.is_empty());
        let format = format.unwrap_or(Format::Lp);
        if format.is_of_one_table() && measurement.is_none() {
            let format = format.name();
            return Err(ParamError::MissingMeasurement { format });
        }
        Ok(Self {
            bucket,
            measurement,
            start_ns,
            end_ns,
            format,
        })
    }
}

impl Given {
    fn take(&mut self, name: &str, value: String) -> Result<(), ParamError> {
        match name {
            "bucket" => fill(&mut self.bucket, value, FIELDS, "bucket"),
            "measurement" => fill(&mut self.measurement, value, FIELDS, "measurement"),
            "start" => fill(&mut self.start_ns, time_ns(&value)?, FIELDS, "start"),
            "end" => fill(&mut self.end_ns, time_ns(&value)?, FIELDS, "end"),
            "format" => fill(&mut self.format, format(&value)?, FIELDS, "format"),
            _ => Ok(()),
        }
    }
}

fn format(value: &str) -> Result<Format, ParamError> {
    match value {
        "" | "lp" => Ok(Format::Lp),
        "arrow" => Ok(Format::Arrow),
        "csv" => Ok(Format::Csv),
        found => Err(ParamError::UnknownVariant {
            fields: FIELDS,
            found: echo(found),
            expected: "one of `lp`, `arrow`, `csv`",
        }),
    }
}

fn time_ns(value: &str) -> Result<i64, ParamError> {
    let rfc3339 = || {
        DateTime::parse_from_rfc3339(value)
            .ok()?
            .timestamp_nanos_opt()
    };
    let time = value.parse().ok().or_else(rfc3339);
    time.ok_or_else(|| ParamError::NoTime {
        fields: FIELDS,
        found: echo(value),
    })
}

#[cfg(test)]
mod tests {
    use super::{ExportParams, Format};

    const PREFIX: &str = "failed to deserialize bucket/measurement/start/end/format in request: ";

    fn of(query: &str) -> Result<ExportParams, String> {
        ExportParams::parse(Some(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bucket_is_enough_and_everything_can_be_narrowed() {
        let all = of("bucket=b").expect("valid");
        assert_eq!(
            (all.format, all.measurement, all.start_ns),
            (Format::Lp, None, None)
        );
        let query = "bucket=b&measurement=m&start=1970-01-01T00:00:01Z&end=-5&format=arrow";
        let some = of(query).expect("valid");
        assert_eq!(
            (some.start_ns, some.end_ns),
            (Some(1_000_000_000), Some(-5))
        );
        assert_eq!(
            (some.format, some.measurement.as_deref()),
            (Format::Arrow, Some("m"))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let no_time = "is no time, expected RFC 3339 or nanoseconds since 1970";
        for (query, told) in [
            ("", "missing bucket value".to_owned()),
            (
                "bucket=b&bucket=c",
                format!("{PREFIX}duplicate field `bucket`"),
            ),
            (
                "bucket=b&format=xml",
                format!("{PREFIX}unknown variant `xml`, expected one of `lp`, `arrow`, `csv`"),
            ),
            ("bucket=b&start=now", format!("{PREFIX}`now` {no_time}")),
            (
                "bucket=b&format=arrow",
                "missing measurement value: format=arrow writes one measurement".to_owned(),
            ),
            (
                "bucket=b&format=csv",
                "missing measurement value: format=csv writes one measurement".to_owned(),
            ),
            ("bucket=%ff", format!("{PREFIX}invalid UTF-8")),
        ] {
            assert_eq!(of(query), Err(told), "{query}");
        }
    }
}
