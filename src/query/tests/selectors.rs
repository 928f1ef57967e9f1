//! Selectors against a plain search through the points.

use std::collections::BTreeMap;

use super::ask::{ask, of, refusal};
use super::points::Point;

/// Values that repeat, times that repeat over series, and points without the value.
fn points() -> Vec<(&'static str, i64, Option<f64>)> {
    let mut points = Vec::new();
    for step in 0..60_i64 {
        for (place, host) in ["a", "b", "c"].into_iter().enumerate() {
            let place = i64::try_from(place).expect("three hosts");
            let value = (step * 7 + place * 3) % 11;
            let is_missing = host == "c" || (step + place) % 5 == 0;
            #[allow(clippy::cast_precision_loss, reason = "values below 11")]
            let value = (!is_missing).then_some(value as f64);
            points.push((host, 1000 - step / 2 * 10 - step % 2, value));
        }
    }
    points
}

fn written() -> std::sync::Arc<super::points::Points> {
    of(points().into_iter().map(|(host, time_ns, value)| {
        let filler = [("other", 1.0)];
        let value: Vec<_> = value.map(|value| ("v", value)).into_iter().collect();
        let fields: Vec<_> = value.into_iter().chain(filler).collect();
        Point::new("m", &[("host", host)], time_ns, &fields)
    }))
}

/// The point that a selector chooses among these.
fn choose(selector: &str, points: &[(i64, f64)]) -> Option<(i64, f64)> {
    let mut points = points.to_vec();
    points.sort_by(|(time_a, a), (time_b, b)| {
        let by_value = a.total_cmp(b);
        match selector {
            "first" => time_a.cmp(time_b).then(by_value.reverse()),
            "last" => time_b.cmp(time_a).then(by_value.reverse()),
            "min" => by_value.then(time_a.cmp(time_b)),
            _ => by_value.reverse().then(time_a.cmp(time_b)),
        }
    });
    points.first().copied()
}

#[tokio::test]
async fn a_selector_gives_the_value_and_the_time_of_the_point_it_chooses() {
    let database = written();
    let mut by_host: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
    for (host, time_ns, value) in points() {
        let of_host = by_host.entry(host).or_default();
        of_host.extend(value.map(|value| (time_ns, value)));
    }
    let all: Vec<_> = by_host.values().flatten().copied().collect();
    // What the values are cast to, and how a whole number is printed then.
    for (cast, suffix) in [
        ("v", ".0"),
        ("CAST(v AS BIGINT)", ""),
        ("arrow_cast(v, 'UInt64')", ""),
        ("arrow_cast(v, 'Int32')", ""),
    ] {
        for selector in ["first", "last", "min", "max"] {
            let print = |chosen: Option<(i64, f64)>| match chosen {
                Some((time_ns, value)) => format!("{value:.0}{suffix},{time_ns}"),
                None => ",".to_owned(),
            };
            let expected: Vec<_> = by_host
                .iter()
                .map(|(host, points)| format!("{host},{}", print(choose(selector, points))))
                .collect();
            let call = format!("selector_{selector}({cast}, time)");
            let text = format!(
                "SELECT host, {call}['value'], CAST({call}['time'] AS BIGINT) FROM m \
                 GROUP BY host ORDER BY host"
            );
            assert_eq!(ask(&database, &text).await, expected, "{text}");
            let text = format!("SELECT {call}['value'], CAST({call}['time'] AS BIGINT) FROM m");
            assert_eq!(
                ask(&database, &text).await,
                [print(choose(selector, &all))],
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_selector_chooses_among_values_of_every_type() {
    let database = written();
    for (text, expected) in [
        ("SELECT selector_max(host, time)['value'] FROM m", "c"),
        (
            "SELECT selector_min(arrow_cast(host, 'Dictionary(Int32, Utf8)'), time)['value'] FROM m",
            "a",
        ),
        ("SELECT selector_max(v > 9, time)['value'] FROM m", "true"),
        ("SELECT selector_min(v > 9, time)['value'] FROM m", "false"),
        (
            "SELECT CAST(selector_last(time, time)['value'] AS BIGINT) FROM m",
            "1000",
        ),
        ("SELECT selector_max(v, time) FROM m WHERE host = 'c'", ""),
        (
            "SELECT selector_first(v, time) FROM m WHERE host = 'none'",
            "",
        ),
        (
            "SELECT selector_max(v, time) FILTER (WHERE v < 3) ['value'] FROM m",
            "2.0",
        ),
    ] {
        assert_eq!(ask(&database, text).await, [expected], "{text}");
    }
    assert_eq!(
        ask(
            &database,
            "SELECT arrow_typeof(selector_max(host, time)['value']), \
             arrow_typeof(selector_max(v, tz(time, 'Europe/Berlin'))['time']) FROM m"
        )
        .await,
        ["Utf8,Timestamp(ns, \"Europe/Berlin\")"]
    );
}

#[tokio::test]
async fn a_selector_over_a_window_tells_of_the_rows_so_far() {
    let database = of([(1, 5.0), (2, 3.0), (3, 9.0)]
        .map(|(time_ns, value)| Point::new("m", &[], time_ns, &[("v", value)])));
    assert_eq!(
        ask(
            &database,
            "SELECT w['value'] FROM (SELECT time, selector_min(v, time) OVER (ORDER BY time) AS w \
             FROM m) ORDER BY time"
        )
        .await,
        ["5.0", "3.0", "3.0"]
    );
}

#[tokio::test]
async fn a_selector_without_a_time_is_refused_in_plain_words() {
    let database = written();
    for (call, expected) in [
        ("selector_max(v)", "takes two arguments"),
        ("selector_max(v, v)", "must be a time"),
        ("selector_max(make_array(v), time)", "cannot choose among"),
    ] {
        let error = refusal(&database, &format!("SELECT {call} FROM m")).await;
        assert!(error.to_string().contains(expected), "{error}");
    }
}
