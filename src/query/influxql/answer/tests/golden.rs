//! The worked bodies of the query contract, 8.9.

use super::super::{failure, failure_header};
use super::*;

/// `SELECT mean(temp), count(n) FROM boiler GROUP BY room`
fn means() -> Statement {
    let room = |room, mean, count| {
        let columns = &["time", "mean", "count"];
        let arrays = vec![times([0]), floats([Some(mean)]), integers([count])];
        part("boiler", Some(&[("room", room)]), columns, arrays)
    };
    let parts = vec![
        room("", 5.0, None),
        room("a", 20.75, Some(2)),
        room("b", 30.0, None),
    ];
    select(parts)
}

/// `SELECT temp FROM boiler`
fn temperatures() -> Statement {
    let arrays = vec![
        times([0, 10, 10, 20].map(|second| START + second * SECOND)),
        floats([20.5, 21.0, 30.0, 5.0].map(Some)),
    ];
    select(vec![part("boiler", None, &["time", "temp"], arrays)])
}

#[test]
fn raw_rows_have_nulls_for_missing_fields_and_tags() {
    let arrays = vec![
        times([0, 10, 10, 20].map(|second| START + second * SECOND)),
        integers([Some(1), Some(3), None, None]),
        texts([Some("a"), Some("a"), Some("b"), None]),
        floats([20.5, 21.0, 30.0, 5.0].map(Some)),
    ];
    let rows = part("boiler", None, &["time", "n", "room", "temp"], arrays);
    assert_eq!(
        body(json(), &[select(vec![rows])]),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"n\",\"room\",\"temp\"],\"values\":[\
         [\"2023-11-14T22:13:20Z\",1,\"a\",20.5],[\"2023-11-14T22:13:30Z\",3,\"a\",21],\
         [\"2023-11-14T22:13:30Z\",null,\"b\",30],[\"2023-11-14T22:13:40Z\",null,null,5]]}]}]}\n"
    );
}

#[test]
fn groups_have_their_tags_also_those_that_are_missing() {
    assert_eq!(
        body(json(), &[means()]),
        "{\"results\":[{\"statement_id\":0,\"series\":[\
         {\"name\":\"boiler\",\"tags\":{\"room\":\"\"},\"columns\":[\"time\",\"mean\",\"count\"],\
         \"values\":[[\"1970-01-01T00:00:00Z\",5,null]]},\
         {\"name\":\"boiler\",\"tags\":{\"room\":\"a\"},\"columns\":[\"time\",\"mean\",\"count\"],\
         \"values\":[[\"1970-01-01T00:00:00Z\",20.75,2]]},\
         {\"name\":\"boiler\",\"tags\":{\"room\":\"b\"},\"columns\":[\"time\",\"mean\",\"count\"],\
         \"values\":[[\"1970-01-01T00:00:00Z\",30,null]]}]}]}\n"
    );
    assert_eq!(
        body(csv(), &[means()]),
        "name,tags,time,mean,count\nboiler,,0,5,\nboiler,room=a,0,20.75,2\nboiler,room=b,0,30,\n"
    );
}

#[test]
fn windows_are_counted_in_seconds() {
    let seconds = [1_699_999_990, 1_700_000_000, 1_700_000_010, 1_700_000_020];
    let arrays = vec![
        times(seconds.map(|second| second * SECOND)),
        floats([None, Some(20.5), Some(21.0), None]),
    ];
    let rows = part("boiler", None, &["time", "mean"], arrays);
    assert_eq!(
        body(epoch(json(), Unit::Second), &[select(vec![rows])]),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"mean\"],\"values\":[[1699999990,null],[1700000000,20.5],\
         [1700000010,21],[1700000020,null]]}]}]}\n"
    );
}

/// 1.6.7 has the wrong number on the last statement and loses the text of the second.
#[test]
fn statements_after_a_failed_one_are_not_executed() {
    let arrays = vec![times([START + 10 * SECOND]), floats([Some(30.0)])];
    let max = part("boiler", None, &["time", "max"], arrays);
    let run = [select(vec![max]), failed("database not found: nodb")];
    let whole = String::from_utf8(bytes(json(), 3, &run)).unwrap();
    assert_eq!(
        whole,
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"max\"],\"values\":[[\"2023-11-14T22:13:30Z\",30]]}]},\
         {\"statement_id\":1,\"error\":\"database not found: nodb\"},\
         {\"statement_id\":2,\"error\":\"not executed\"}]}\n"
    );
    let chunks = String::from_utf8(bytes(chunked(json(), 10), 3, &run)).unwrap();
    assert_eq!(
        chunks,
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"max\"],\"values\":[[\"2023-11-14T22:13:30Z\",30]]}]}]}\n\
         {\"results\":[{\"statement_id\":1,\"error\":\"database not found: nodb\"}]}\n\
         {\"results\":[{\"statement_id\":2,\"error\":\"not executed\"}]}\n"
    );
}

#[test]
fn a_refused_request_has_the_text_twice_in_json() {
    let text = "error parsing query: found FROM, expected identifier, string, number, bool at \
                line 1, char 8";
    let of = |format, pretty| failure(format, pretty, "invalid", text);
    assert_eq!(
        String::from_utf8(of(Format::Json, false)).unwrap(),
        format!("{{\"code\":\"invalid\",\"message\":\"{text}\",\"error\":\"{text}\"}}\n")
    );
    assert_eq!(
        String::from_utf8(of(Format::Json, true)).unwrap(),
        format!(
            "{{\n    \"code\": \"invalid\",\n    \"message\": \"{text}\",\n    \
             \"error\": \"{text}\"\n}}\n"
        )
    );
    assert_eq!(
        String::from_utf8(of(Format::TextCsv, false)).unwrap(),
        format!("error\n\"{text}\"\n")
    );
    let mut expected = b"\x81\xa5error\xd9\x5c".to_vec();
    expected.extend_from_slice(text.as_bytes());
    assert_eq!(of(Format::Msgpack, false), expected);
}

#[test]
fn the_text_of_an_error_fits_a_header() {
    assert_eq!(
        failure_header("found é, expected\tX"),
        "found é, expected\tX"
    );
    assert_eq!(failure_header("a\r\nb\0\u{7f}"), "a  b  ");
    assert_eq!(failure_header(&"x".repeat(1_025)), "x".repeat(1_024));
    assert_eq!(
        failure_header(&format!("x{}", "é".repeat(600))).len(),
        1_023
    );
}

#[test]
fn chunks_are_documents_of_their_own() {
    assert_eq!(
        body(chunked(json(), 2), &[temperatures()]),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"temp\"],\"values\":[[\"2023-11-14T22:13:20Z\",20.5],\
         [\"2023-11-14T22:13:30Z\",21]],\"partial\":true}],\"partial\":true}]}\n\
         {\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"time\",\"temp\"],\"values\":[[\"2023-11-14T22:13:30Z\",30],\
         [\"2023-11-14T22:13:40Z\",5]]}]}]}\n"
    );
}

#[test]
fn a_show_has_no_times_and_may_have_no_name() {
    let values = vec![
        texts([Some("room"), Some("room")]),
        texts([Some("a"), Some("b")]),
    ];
    let values = part("boiler", None, &["key", "value"], values);
    assert_eq!(
        body(json(), &[show(vec![values])]),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"boiler\",\
         \"columns\":[\"key\",\"value\"],\"values\":[[\"room\",\"a\"],[\"room\",\"b\"]]}]}]}\n"
    );
    let counts = part("", None, &["count"], vec![integers([Some(7)])]);
    assert_eq!(
        body(epoch(json(), Unit::Hour), &[show(vec![counts])]),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"count\"],\
         \"values\":[[7]]}]}]}\n"
    );
    let columns = &[
        "name",
        "duration",
        "shardGroupDuration",
        "replicaN",
        "default",
    ];
    let arrays = vec![
        texts([Some("autogen")]),
        texts([Some("0s")]),
        texts([Some("168h0m0s")]),
        integers([Some(1)]),
        booleans([Some(true)]),
    ];
    let policies = [show(vec![part("", None, columns, arrays)])];
    assert_eq!(
        body(json(), &policies),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"name\",\"duration\",\
         \"shardGroupDuration\",\"replicaN\",\"default\"],\"values\":[[\"autogen\",\"0s\",\
         \"168h0m0s\",1,true]]}]}]}\n"
    );
    assert_eq!(
        bytes(msgpack(), 1, &policies),
        b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x91\x82\xa7columns\x95\xa4name\
          \xa8duration\xb2shardGroupDuration\xa8replicaN\xa7default\xa6values\x91\x95\xa7autogen\
          \xa20s\xa8168h0m0s\x01\xc3"
    );
    // 1.6.7 writes the name of the column for the number of replicas.
    assert_eq!(
        body(csv(), &policies),
        "name,tags,name,duration,shardGroupDuration,replicaN,default\n\
         ,,autogen,0s,168h0m0s,1,true\n"
    );
}

#[test]
fn a_statement_without_rows_has_a_result() {
    assert_eq!(
        body(json(), &[show(vec![])]),
        "{\"results\":[{\"statement_id\":0}]}\n"
    );
    assert_eq!(
        body(chunked(json(), 5), &[show(vec![])]),
        "{\"results\":[{\"statement_id\":0}]}\n"
    );
    assert_eq!(
        body(pretty(), &[show(vec![])]),
        "{\n    \"results\": [\n        {\n            \"statement_id\": 0\n        }\n    ]\n}\n"
    );
    assert_eq!(body(csv(), &[show(vec![])]), "");
    assert_eq!(
        bytes(msgpack(), 1, &[show(vec![])]),
        b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x90"
    );
}

#[test]
fn a_text_without_statements_has_no_results() {
    assert_eq!(body(json(), &[]), "{}\n");
    assert_eq!(body(pretty(), &[]), "{}\n");
    assert_eq!(body(chunked(json(), 5), &[]), "");
    assert_eq!(body(csv(), &[]), "");
    assert_eq!(bytes(msgpack(), 0, &[]), b"\x81\xa7results\x90");
    assert_eq!(bytes(chunked(msgpack(), 5), 0, &[]), b"");
}
