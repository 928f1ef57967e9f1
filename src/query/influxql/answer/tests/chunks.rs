//! Chunks: where they are cut and what is marked as partial.

use super::*;

fn rows(tag: &str, values: impl IntoIterator<Item = i64>) -> SeriesPart {
    let values: Vec<i64> = values.into_iter().collect();
    let array = || Arc::new(Int64Array::from(values.clone())) as ArrayRef;
    part(
        "m",
        Some(&[("t", tag)]),
        &["time", "v"],
        vec![array(), array()],
    )
}

/// Returns the tag, the values and the two marks (series, result) of each document.
fn documents(body: &str) -> Vec<(String, Vec<i64>, bool, bool)> {
    body.lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let [result] = value["results"].as_array().unwrap().as_slice() else {
                panic!("{line}");
            };
            let [series] = result["series"].as_array().unwrap().as_slice() else {
                panic!("{line}");
            };
            let values = series["values"].as_array().unwrap().iter();
            (
                series["tags"]["t"].as_str().unwrap().to_owned(),
                values.map(|row| row[1].as_i64().unwrap()).collect(),
                series["partial"].as_bool().unwrap_or_default(),
                result["partial"].as_bool().unwrap_or_default(),
            )
        })
        .collect()
}

fn cut(rows_max: usize, parts: Vec<SeriesPart>) -> Vec<(String, Vec<i64>, bool, bool)> {
    let options = epoch(chunked(json(), rows_max), Unit::Nanosecond);
    documents(&body(options, &[select(parts)]))
}

#[test]
fn a_chunk_that_is_full_is_partial_only_if_rows_follow() {
    let chunk = |values: &[i64], series, result| ("a".to_owned(), values.to_vec(), series, result);
    assert_eq!(
        cut(4, vec![rows("a", 0..4)]),
        [chunk(&[0, 1, 2, 3], false, false)]
    );
    assert_eq!(
        cut(5, vec![rows("a", 0..4)]),
        [chunk(&[0, 1, 2, 3], false, false)]
    );
    assert_eq!(
        cut(3, vec![rows("a", 0..4)]),
        [chunk(&[0, 1, 2], true, true), chunk(&[3], false, false)]
    );
    assert_eq!(
        cut(1, vec![rows("a", 0..3)]),
        [
            chunk(&[0], true, true),
            chunk(&[1], true, true),
            chunk(&[2], false, false)
        ]
    );
}

#[test]
fn a_chunk_has_one_series_and_only_the_result_goes_on() {
    let chunk = |tag: &str, values: &[i64], series, result| {
        (tag.to_owned(), values.to_vec(), series, result)
    };
    assert_eq!(
        cut(2, vec![rows("", 0..1), rows("a", 1..3), rows("b", 3..4)]),
        [
            chunk("", &[0], false, true),
            chunk("a", &[1, 2], false, true),
            chunk("b", &[3], false, false)
        ]
    );
    assert_eq!(
        cut(1, vec![rows("", 0..1), rows("a", 1..3)]),
        [
            chunk("", &[0], false, true),
            chunk("a", &[1], true, true),
            chunk("a", &[2], false, false)
        ]
    );
}

#[test]
fn parts_are_cut_and_joined_whatever_their_borders() {
    let whole = cut(3, vec![rows("a", 0..8)]);
    assert_eq!(whole.len(), 3);
    for border in 0..=8 {
        let parts = vec![rows("a", 0..border), rows("a", border..8)];
        assert_eq!(cut(3, parts), whole, "{border}");
    }
    let parts = (0..8).map(|value| rows("a", value..value + 1)).collect();
    assert_eq!(cut(3, parts), whole);
}

#[test]
fn without_chunks_the_parts_of_a_series_are_one_series() {
    let one = body(json(), &[select(vec![rows("a", 0..4), rows("b", 4..5)])]);
    let parts = vec![
        rows("a", 0..1),
        rows("a", 1..3),
        rows("a", 3..4),
        rows("b", 4..5),
    ];
    assert_eq!(body(json(), &[select(parts)]), one);
    assert_eq!(one.matches("\"values\"").count(), 2);
    assert!(!one.contains("partial"));
}

#[test]
fn a_series_of_other_columns_is_another_series() {
    let mut other = rows("a", 1..2);
    other.columns = Arc::from(["time".to_owned(), "w".to_owned()]);
    let text = body(json(), &[select(vec![rows("a", 0..1), other])]);
    assert_eq!(text.matches("\"columns\"").count(), 2);
}

/// A client that reads line by line gets what was found; 1.x loses what it has not yet sent.
#[test]
fn a_statement_that_fails_after_rows_says_so_after_them() {
    let statement = || Statement {
        outcome: Err("too slow"),
        ..select(vec![rows("a", 0..1)])
    };
    let options = epoch(json(), Unit::Nanosecond);
    let series = "{\"name\":\"m\",\"tags\":{\"t\":\"a\"},\"columns\":[\"time\",\"v\"],\
                  \"values\":[[0,0]],\"partial\":true}";
    assert_eq!(
        body(options, &[statement()]),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{series}],\
             \"error\":\"too slow\"}}]}}\n"
        )
    );
    assert_eq!(
        body(chunked(options, 5), &[statement()]),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{series}],\"partial\":true}}]}}\n\
             {{\"results\":[{{\"statement_id\":0,\"error\":\"too slow\"}}]}}\n"
        )
    );
    assert_eq!(
        bytes(msgpack(), 1, &[statement()]),
        b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa5error\xa8too slow"
    );
}

/// Whoever serves the answer may stop in the middle of a statement.
#[test]
fn an_answer_that_is_finished_early_is_whole() {
    let mut out = Vec::new();
    let mut answer = Answer::new(json(), 3);
    answer.start(head(true));
    answer.end(Err("killed"), &mut out);
    answer.finish(&mut out);
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["results"][0]["error"], "killed");
    assert_eq!(value["results"][2]["error"], "not executed");
    assert_eq!(value["results"][2]["statement_id"], 2);
}

#[test]
fn chunks_of_msgpack_are_documents_without_ends_of_lines() {
    let parts = vec![rows("a", 1..4)];
    let options = epoch(chunked(msgpack(), 2), Unit::Nanosecond);
    assert_eq!(
        bytes(options, 1, &[select(parts)]),
        b"\x81\xa7results\x91\x83\xacstatement_id\x00\xa6series\x91\x85\xa4name\xa1m\xa4tags\x81\
          \xa1t\xa1a\xa7columns\x92\xa4time\xa1v\xa6values\x92\x92\x01\x01\x92\x02\x02\
          \xa7partial\xc3\xa7partial\xc3\
          \x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x91\x84\xa4name\xa1m\xa4tags\x81\
          \xa1t\xa1a\xa7columns\x92\xa4time\xa1v\xa6values\x91\x92\x03\x03"
    );
}
