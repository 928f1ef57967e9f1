use super::{COMMIT, Exposition, Gauges, Metrics, VERSION};
use crate::clock::Clock;

fn metrics() -> Metrics {
    Metrics::new(&Clock::manual(1_700_000_000_123_456_789))
}

/// The value of a series in the text.
fn value(text: &str, series: &str) -> Option<String> {
    text.lines()
        .find_map(|line| Some(line.strip_prefix(series)?.strip_prefix(' ')?.to_owned()))
}

#[test]
fn what_happens_is_counted_under_the_names_that_the_docs_give() {
    let metrics = metrics();
    metrics.request("/api/v2/write", 204, 0.003);
    metrics.clone().request("/api/v2/write", 204, 0.004);
    metrics.lines_accepted(98);
    metrics.lines_rejected("syntax", 2);
    metrics.body_bytes(10, 100);
    metrics.refused("overload");
    let text = metrics.encode(&Gauges::default(), Exposition::OpenMetrics);
    for (series, expected) in [
        (
            "tidegate_http_requests_total{route=\"/api/v2/write\",status=\"204\"}",
            "2",
        ),
        (
            "tidegate_http_request_duration_seconds_count{route=\"/api/v2/write\"}",
            "2",
        ),
        ("tidegate_lines_accepted_total", "98"),
        ("tidegate_lines_rejected_total{code=\"syntax\"}", "2"),
        ("tidegate_body_wire_bytes_total", "10"),
        ("tidegate_body_decoded_bytes_total", "100"),
        ("tidegate_requests_refused_total{reason=\"overload\"}", "1"),
    ] {
        assert_eq!(
            value(&text, series).as_deref(),
            Some(expected),
            "{series} in\n{text}"
        );
    }
}

#[test]
fn a_sync_of_300_microseconds_falls_between_200_and_500() {
    let metrics = metrics();
    metrics.sync_seconds(0.000_3);
    metrics.group(3, 1000);
    let text = metrics.encode(&Gauges::default(), Exposition::OpenMetrics);
    let bucket = |le: &str| {
        value(
            &text,
            &format!("tidegate_wal_sync_duration_seconds_bucket{{le=\"{le}\"}}"),
        )
    };
    assert_eq!(
        (bucket("0.0002"), bucket("0.0005")),
        (Some("0".into()), Some("1".into()))
    );
    assert_eq!(
        value(&text, "tidegate_wal_group_bytes_sum").as_deref(),
        Some("1000.0")
    );
}

#[test]
fn gauges_show_the_snapshot_and_open_connections_are_those_not_closed() {
    let metrics = metrics();
    metrics.connections_opened();
    metrics.connections_opened();
    metrics.connections_closed();
    let gauges = Gauges {
        memory_used_bytes: 7,
        wal_bytes: 8,
        connections: 99,
        ..Gauges::default()
    };
    let text = metrics.encode(&gauges, Exposition::OpenMetrics);
    assert_eq!(
        value(&text, "tidegate_memory_used_bytes").as_deref(),
        Some("7")
    );
    assert_eq!(value(&text, "tidegate_wal_bytes").as_deref(), Some("8"));
    assert_eq!(value(&text, "tidegate_connections").as_deref(), Some("1"));
}

#[test]
fn the_version_that_runs_and_the_process_are_told() {
    let text = metrics().encode(&Gauges::default(), Exposition::OpenMetrics);
    let build = format!("tidegate_build_info{{version=\"{VERSION}\",commit=\"{COMMIT}\"}}");
    assert_eq!(value(&text, &build).as_deref(), Some("1"), "{text}");
    assert_eq!(
        value(&text, "process_start_time_seconds").as_deref(),
        Some("1700000000.0")
    );
    let resident = value(&text, "process_resident_memory_bytes").expect("there");
    assert!(
        resident.parse::<u64>().expect("a number") > 1 << 20,
        "{resident}"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn every_metric_has_a_help_text_and_its_unit_last() {
    let metrics = metrics();
    let text = metrics.encode(&Gauges::default(), Exposition::OpenMetrics);
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().expect("a name");
        let help = value(&text, &format!("# HELP {name}")).unwrap_or_default();
        assert!(help.len() > 5, "{name} has no help text");
        for unit in ["seconds", "bytes"] {
            let inside = name.contains(&format!("_{unit}_")) && !name.ends_with("_max");
            assert!(!inside, "{name}: the unit stands last");
        }
    }
}

/// The rule of `promtool check metrics` and Telegraf: a family is named like its samples.
#[test]
fn the_older_text_has_the_same_samples_under_families_of_their_names() {
    let metrics = metrics();
    metrics.request("/api/v2/write", 204, 0.003);
    let samples = |text: &str| -> Vec<String> {
        let plain = text.lines().filter(|line| !line.starts_with('#'));
        plain.map(str::to_owned).collect()
    };
    let text = metrics.encode(&Gauges::default(), Exposition::Prometheus);
    let open = metrics.encode(&Gauges::default(), Exposition::OpenMetrics);
    assert_eq!(samples(&text).len(), samples(&open).len());
    let mut family = "";
    for line in text.lines() {
        if let Some(named) = line.strip_prefix("# TYPE ") {
            family = named.split(' ').next().expect("a name");
        }
        let sample = !line.starts_with('#');
        assert!(!sample || line.starts_with(family), "{line} after {family}");
    }
    assert!(
        text.contains("# TYPE tidegate_http_requests_total counter"),
        "{text}"
    );
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
}
