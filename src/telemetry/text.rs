//! The numbers as text, in the format that a scraper asks for.
//!
//! The library writes `OpenMetrics`. Scrapers that do not ask for it, Telegraf's and most people's
//! `curl` among them, get the older text format of Prometheus, 0.0.4. It names a family like its
//! samples and has no `info`, no unit and no end mark; samples are the same.

use std::fmt::Write as _;

/// The format of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format 0.0.4 of Prometheus.
    Prometheus,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// The format that this `Accept` asks for: `OpenMetrics` only if it is named, and the older text
    /// is not preferred to it by name.
    pub fn of(accept: &str) -> Self {
        let open_metrics = weight(accept, "application/openmetrics-text");
        match open_metrics > 0.0 && open_metrics >= weight(accept, "text/plain") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The `Content-Type` of the text.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The weight (`q`) that an `Accept` gives a kind of text, from 0 to 1; 0 if it is not named.
fn weight(accept: &str, kind: &str) -> f32 {
    let weights = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next()?.eq_ignore_ascii_case(kind);
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.eq_ignore_ascii_case("q").then(|| value.parse().ok())?
        });
        is_named.then(|| weight.unwrap_or(1.0))
    });
    weights.fold(0.0, f32::max)
}

/// Converts `OpenMetrics` text to the text format 0.0.4. The library writes the help of a family
/// before its type, and only the type says what the family is called.
pub(super) fn to_prometheus(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        // Writing to a string cannot fail.
        let _ = match line
            .strip_prefix("# ")
            .map(|comment| comment.split_once(' '))
        {
            None => writeln!(out, "{line}"),
            Some(Some(("HELP", named))) => {
                help = named.split_once(' ');
                Ok(())
            }
            Some(Some(("TYPE", named))) => {
                let (name, kind) = named.split_once(' ').unwrap_or((named, "untyped"));
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    "unknown" => ("", "untyped"),
                    kind => ("", kind),
                };
                let help = help.take().map_or("", |(_, help)| help);
                writeln!(
                    out,
                    "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}"
                )
            }
            // The unit and the end mark are left out.
            Some(_) => Ok(()),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Exposition, to_prometheus};

    #[test]
    fn open_metrics_is_what_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
        for (accept, expected) in [
            (prometheus, Exposition::OpenMetrics),
            ("", Exposition::Prometheus),
            ("*/*", Exposition::Prometheus),
            ("text/plain;version=0.0.4", Exposition::Prometheus),
            (
                "Application/OpenMetrics-Text; version=1.0.0",
                Exposition::OpenMetrics,
            ),
            ("application/openmetrics-text;q=0", Exposition::Prometheus),
            (
                "text/plain;version=0.0.4;q=0.6, application/openmetrics-text; version=1.0.0;q=0.5",
                Exposition::Prometheus,
            ),
            (
                "text/plain, application/openmetrics-text",
                Exposition::OpenMetrics,
            ),
            (
                "*/*;q=1,application/openmetrics-text;q=0.1",
                Exposition::OpenMetrics,
            ),
        ] {
            assert_eq!(Exposition::of(accept), expected, "{accept}");
        }
    }

    #[test]
    fn families_are_named_as_their_samples_are() {
        let text = "# HELP a Things.\n# TYPE a counter\na_total{x=\"# HELP\"} 1\n\
                    # HELP b_bytes Room.\n# TYPE b_bytes gauge\n# UNIT b_bytes bytes\nb_bytes 2\n\
                    # HELP c Who.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        let told = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"# HELP\"} 1\n\
                    # HELP b_bytes Room.\n# TYPE b_bytes gauge\nb_bytes 2\n\
                    # HELP c_info Who.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n";
        assert_eq!(to_prometheus(text), told);
    }
}
