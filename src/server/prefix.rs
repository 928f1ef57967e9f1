//! The configurable prefix of all paths: `/influx/api/v2/write` is `/api/v2/write`. Paths without
//! it are served too, so that probes on the machine itself need not know it.

use http::Uri;
use http::uri::PathAndQuery;

/// The target without the prefix, if it has it. A prefix ends where a part of the path ends.
pub(super) fn strip(uri: &Uri, prefix: &str) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str();
    let rest = target.strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
    if !rest.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::strip;

    fn of(uri: &str, prefix: &str) -> Option<String> {
        strip(&uri.parse().expect("a target"), prefix).map(|uri| uri.to_string())
    }

    #[test]
    fn a_prefix_is_taken_off_where_a_part_of_the_path_ends() {
        assert_eq!(
            of("/influx/ping?a=/b", "/influx").as_deref(),
            Some("/ping?a=/b")
        );
        assert_eq!(
            of("http://h/influx/ping", "/influx").as_deref(),
            Some("http://h/ping")
        );
        for (uri, prefix) in [
            ("/influxes/ping", "/influx"),
            ("/influx", "/influx"),
            ("/ping", "/influx"),
            ("/a", ""),
        ] {
            assert_eq!(of(uri, prefix), None, "{uri}");
        }
    }
}
