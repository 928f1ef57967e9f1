//! The configurable prefix of all paths: `/influx/api/v2/write` is `/api/v2/write`. Paths without
//! it are served too, so that probes on the machine itself need not know it. If a client was given
//! a base URL that ends in `/`, the path begins with two.

use crate::certain::Certain;

use http::Uri;
use http::uri::PathAndQuery;

/// Returns the target without the prefix, if it has it, and with a single `/` at its start; `None`
/// if nothing changes. A prefix must end where a segment of the path ends.
pub(super) fn strip(uri: &Uri, prefix: &str) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str();
    let single = single_slash(target);
    let rest = single.strip_prefix(prefix);
    let rest = single_slash(rest.filter(|rest| rest.starts_with('/')).unwrap_or(single));
    if rest == target {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

fn single_slash(target: &str) -> &str {
    let doubled = target.bytes().take_while(|byte| *byte == b'/').count();
    let single = target.get(doubled.saturating_sub(1)..);
    single.certain("slashes were counted there")
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
            ("/", ""),
            ("/influxes/ping", "/influx"),
            ("/influx", "/influx"),
            ("/ping", "/influx"),
            ("/a", ""),
        ] {
            assert_eq!(of(uri, prefix), None, "{uri}");
        }
    }

    /// From a bug: a client with the base `http://host:8086/` appends `/write`.
    #[test]
    fn a_path_may_begin_with_more_than_one_slash() {
        for (uri, prefix, path) in [
            ("//write?db=a//b", "", "/write?db=a//b"),
            ("///api/v2/write", "/influx", "/api/v2/write"),
            ("/influx//write", "/influx", "/write"),
            ("//influx/write", "/influx", "/write"),
        ] {
            assert_eq!(of(uri, prefix).as_deref(), Some(path), "{uri}");
        }
        assert_eq!(of("/a//b", ""), None, "only its start");
    }
}
