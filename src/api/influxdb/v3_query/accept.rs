//! The format that an `Accept` header asks for, where no `format` does.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::api::error::{ApiError, Code};
use crate::render::Format;

/// The format for these headers: that of the first type which is known, JSON for what accepts
/// everything (browsers and HTTP libraries among them) and for those that do not say.
pub(in crate::api::influxdb) fn format(headers: &HeaderMap) -> Result<Format, ApiError> {
    let values = headers.get_all(ACCEPT).iter();
    let given: Vec<&str> = values
        .map(|value| value.to_str().unwrap_or("?"))
        .flat_map(|value| value.split(','))
        .map(|entry| entry.split_once(';').map_or(entry, |(kind, _)| kind).trim())
        .filter(|kind| !kind.is_empty())
        .collect();
    let is = |kind: &&str, name: &str| kind.eq_ignore_ascii_case(name);
    let anything = |kind: &&str| is(kind, "*/*") || is(kind, "text/html");
    if given.is_empty() || given.iter().any(anything) {
        return Ok(Format::Json);
    }
    let known = |kind: &&str| {
        let found = TYPES.iter().find(|(name, _)| is(kind, name));
        found.map(|(_, format)| *format)
    };
    given.iter().find_map(known).ok_or_else(|| {
        let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "invalid mime type in Accept: expected one of {}, or the parameter format",
            names.join(", ")
        );
        ApiError::new(Code::Invalid, text)
    })
}

const TYPES: &[(&str, Format)] = &[
    ("application/json", Format::Json),
    ("application/jsonl", Format::Lines),
    ("text/csv", Format::Csv),
    ("text/plain", Format::Table),
    ("application/vnd.apache.parquet", Format::Parquet),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Result<Format, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        format(&headers).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_first_known_type_counts_and_whoever_takes_anything_gets_json() {
        for (values, expected) in [
            (&[][..], Format::Json),
            (&[""], Format::Json),
            (&["*/*"], Format::Json),
            (&["application/json"], Format::Json),
            (&["application/jsonl"], Format::Lines),
            (&["Text/CSV"], Format::Csv),
            (&["text/csv; charset=utf-8"], Format::Csv),
            (&["text/plain"], Format::Table),
            (&["application/vnd.apache.parquet"], Format::Parquet),
            (&["application/vnd.apache.arrow.stream"], Format::Arrow),
            // axios, and a browser.
            (&["application/json, text/plain, */*"], Format::Json),
            (
                &["text/html,application/xhtml+xml,application/xml;q=0.9"],
                Format::Json,
            ),
            (&["text/csv, */*;q=0.1"], Format::Json),
            (&["application/xml, text/csv;q=0.5"], Format::Csv),
            (&["application/xml", "text/plain"], Format::Table),
        ] {
            assert_eq!(of(values), Ok(expected), "{values:?}");
        }
        for unknown in ["application/xml", "text/*", "x"] {
            let told = of(&[unknown]).expect_err("unknown");
            assert!(
                told.contains("invalid mime") && told.contains("text/csv"),
                "{told}"
            );
        }
    }
}
