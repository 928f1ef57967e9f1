use super::{SECOND_NS, analysed};
use crate::influxql::analysis::{Analysed, Read, Source, SubquerySource};
use crate::influxql::ast::Fill;
use crate::influxql::value::ValueType;

fn inner(query: &Analysed) -> &SubquerySource {
    match &query.sources[0] {
        Source::Subquery(source) => source,
        Source::Measurement(_) => panic!("no subquery"),
    }
}

fn cut(query: &Analysed) -> Option<(String, u64, u64)> {
    match &query.sources[0] {
        Source::Subquery(source) => cut(&source.query),
        Source::Measurement(source) => {
            let cut = source.cut.as_ref()?;
            Some((cut.tags.join(","), cut.limit, cut.offset))
        }
    }
}

#[test]
fn outer_tags_are_pushed_down() {
    let found = analysed(
        "SELECT mean FROM (SELECT mean(x) FROM (SELECT f AS x FROM m) GROUP BY host) GROUP BY dc",
    );
    assert_eq!(found.tags.join(","), "dc");
    let middle = &inner(&found).query;
    assert_eq!(middle.tags.join(","), "dc,host");
    assert_eq!(middle.dimensions.join(","), "host");
    assert_eq!(inner(middle).query.tags.join(","), "dc,host");
    // Only written dimensions can be selected.
    let found = analysed("SELECT mean, host FROM (SELECT mean(f) FROM m) GROUP BY host");
    assert_eq!(found.columns[1].value_type, None);
}

#[test]
fn names_are_those_of_columns_and_dimensions() {
    let found =
        analysed("SELECT mean, host, max, nope FROM (SELECT mean(f), max(i) FROM m GROUP BY host)");
    assert_eq!(
        inner(&found).reads,
        [
            Some(Read::Column {
                index: 0,
                read_as: ValueType::Float
            }),
            Some(Read::Group { key: "host".into() }),
            Some(Read::Column {
                index: 1,
                read_as: ValueType::Integer
            }),
            None
        ]
    );
    let found = analysed("SELECT host FROM (SELECT top(f, host, 2) FROM m)");
    assert_eq!(
        inner(&found).reads,
        [Some(Read::Column {
            index: 1,
            read_as: ValueType::String
        })]
    );
}

#[test]
fn a_column_has_the_type_of_its_values() {
    // Other than in 1.6.7, which cuts 1.5 off to 1.
    let found = analysed("SELECT x FROM (SELECT i / 2 AS x FROM m)");
    assert_eq!(found.columns[0].value_type, Some(ValueType::Float));
    let found = analysed("SELECT x FROM (SELECT sin(i) AS x FROM m)");
    assert_eq!(found.columns[0].value_type, Some(ValueType::Float));
}

#[test]
fn a_subquery_with_functions_has_no_rows_in_empty_windows() {
    let fill = |inner_fill: &str| {
        let found = analysed(&format!(
            "SELECT max(mean) FROM (SELECT mean(f) FROM m GROUP BY time(10s) {inner_fill}) \
             WHERE time > 0 AND time < 1m GROUP BY time(20s)"
        ));
        assert_eq!(found.fill, Fill::Null);
        inner(&found).query.fill
    };
    assert_eq!(fill(""), Fill::None);
    assert_eq!(fill("fill(previous)"), Fill::Previous);
}

#[test]
fn times_and_windows_are_passed_on() {
    let found = analysed(
        "SELECT max(mean) FROM (SELECT mean(f) FROM m WHERE time >= 10s) \
         WHERE time >= 0 AND time < 60s GROUP BY time(20s, 5s)",
    );
    let query = &inner(&found).query;
    assert_eq!(query.range.min_ns, Some(10 * SECOND_NS));
    assert_eq!(query.range.max_ns, Some(60 * SECOND_NS - 1));
    let window = query.window.unwrap();
    // With its offset, as the oracle showed.
    assert_eq!(window.interval_ns, 20 * SECOND_NS);
    assert_eq!(window.offset_ns, 5 * SECOND_NS);
    assert_eq!(query.descending, found.descending);
    let found = analysed("SELECT max FROM (SELECT max(f) FROM m) ORDER BY time DESC");
    assert!(inner(&found).query.descending);
}

#[test]
fn limits_of_series_add_up_where_series_are_read() {
    let group = "GROUP BY host SLIMIT 1 SOFFSET 2";
    assert_eq!(
        cut(&analysed(&format!("SELECT f FROM m {group}"))),
        Some(("host".to_owned(), 1, 2))
    );
    assert_eq!(cut(&analysed("SELECT f FROM m GROUP BY host")), None);
    let text = format!("SELECT mean FROM (SELECT mean(f) FROM m GROUP BY dc SLIMIT 1) {group}");
    assert_eq!(cut(&analysed(&text)), Some(("host".to_owned(), 2, 2)));
}

#[test]
fn series_are_counted_in_the_order_of_influxdb() {
    let found = analysed("SELECT f FROM m GROUP BY host, dc SLIMIT 1");
    let Source::Measurement(source) = &found.sources[0] else {
        panic!("no measurement");
    };
    let cut = source.cut.as_ref().unwrap();
    // The tags are in order of their keys: dc, host.
    let keys = [["", ""], ["x", "a"], ["x", ""], ["", "a"]].map(|values| cut.key(values));
    assert_eq!(keys, ["", "dc|host|x|a", "dc|x", "host|a"]);
    assert!(keys.is_sorted());
}
